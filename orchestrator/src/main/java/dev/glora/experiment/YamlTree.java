package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.glora.ExitCode;
import dev.glora.GloraException;
import dev.glora.Json;
import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import java.util.regex.Pattern;
import org.yaml.snakeyaml.DumperOptions;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.composer.Composer;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeId;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;
import org.yaml.snakeyaml.parser.ParserImpl;
import org.yaml.snakeyaml.reader.StreamReader;
import org.yaml.snakeyaml.resolver.Resolver;

/**
 * Reads YAML into a JSON tree and notes where each value stands.
 *
 * <p>Plain scalars mean what YAML 1.2's core schema says ({@code no} is a text, {@code 010} is
 * ten), which is what JSON's readers of the same file expect. What an experiment has no use for is
 * refused: duplicate keys, NaN and infinity, tags, several documents, and aliases that make the
 * file grow beyond any honest size.
 */
final class YamlTree {
  private static final int LARGEST_TREE = 20_000;
  private static final int DEEPEST = 40;
  private static final int LONGEST = 1 << 20;
  private static final Pattern INTEGER = Pattern.compile("[-+]?[0-9]+");
  private static final Pattern REAL =
      Pattern.compile("[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?");
  private static final Pattern NOT_FINITE =
      Pattern.compile("[-+]?\\.(inf|Inf|INF)|\\.(nan|NaN|NAN)");
  private static final Set<String> NULLS = Set.of("", "~", "null", "Null", "NULL");
  private static final Set<String> TRUES = Set.of("true", "True", "TRUE");
  private static final Set<String> FALSES = Set.of("false", "False", "FALSE");

  private final Origins origins;
  private final boolean positions;
  private final Deque<Node> open = new ArrayDeque<>();
  private int nodes;

  private YamlTree(Origins origins, boolean positions) {
    this.origins = origins;
    this.positions = positions;
  }

  /**
   * Reads a file's text.
   *
   * @param text YAML
   * @param origins gets the places; its file's name begins every error
   * @return the tree
   */
  static JsonNode parse(String text, Origins origins) {
    return new YamlTree(origins, true).read(text);
  }

  /**
   * Reads the value of an override.
   *
   * @param text YAML of one value
   * @param origin begins every error
   * @return the tree
   */
  static JsonNode parseValue(String text, String origin) {
    return new YamlTree(new Origins(origin), false).read(text);
  }

  private JsonNode read(String text) {
    LoaderOptions options = new LoaderOptions();
    options.setNestingDepthLimit(DEEPEST);
    options.setCodePointLimit(LONGEST);
    // Nothing is constructed from tags: they are let through here to be refused in our words.
    options.setTagInspector(tag -> true);
    options.setMaxAliasesForCollections(Integer.MAX_VALUE);
    try {
      Composer composer =
          new Composer(
              new ParserImpl(new StreamReader(text), options), new PlainResolver(), options);
      Node root = composer.getSingleNode();
      return root == null ? NullNode.getInstance() : convert(root, "");
    } catch (MarkedYAMLException e) {
      throw error(e.getProblemMark(), "this is not YAML (" + problem(e) + "); mend this place.", e);
    } catch (YAMLException e) {
      throw error(null, "this is not YAML that glora reads (" + oneLine(e.getMessage()) + ").", e);
    }
  }

  private JsonNode convert(Node node, String pointer) {
    Mark mark = node.getStartMark();
    if (++nodes > LARGEST_TREE) {
      throw error(
          mark,
          "the file has over "
              + LARGEST_TREE
              + " values once its aliases are followed; write an experiment without such aliases.",
          null);
    }
    if (open.contains(node)) {
      throw error(mark, "an alias contains itself; write the value out.", null);
    }
    if (positions) {
      origins.value(pointer, place(mark));
    }
    if (node instanceof ScalarNode scalar) {
      return scalar(scalar);
    }
    open.push(node);
    JsonNode result =
        node instanceof SequenceNode sequence
            ? array(sequence, pointer)
            : object((MappingNode) node, pointer);
    open.pop();
    return result;
  }

  private JsonNode array(SequenceNode node, String pointer) {
    untagged(node, Tag.SEQ);
    ArrayNode out = Json.array();
    for (Node item : node.getValue()) {
      out.add(convert(item, Origins.child(pointer, out.size())));
    }
    return out;
  }

  private JsonNode object(MappingNode node, String pointer) {
    untagged(node, Tag.MAP);
    ObjectNode out = Json.object();
    for (NodeTuple entry : node.getValue()) {
      Mark mark = entry.getKeyNode().getStartMark();
      if (!(entry.getKeyNode() instanceof ScalarNode scalar)) {
        throw error(mark, "a key is a list or an object, expected a word.", null);
      }
      String key = scalar.getValue();
      String child = Origins.child(pointer, key);
      if (out.has(key)) {
        throw error(
            mark,
            "the key \"" + oneLine(key) + "\" stands here a second time; keep one of them.",
            null);
      }
      if (positions) {
        origins.key(child, place(mark));
      }
      out.set(key, convert(entry.getValueNode(), child));
    }
    return out;
  }

  private JsonNode scalar(ScalarNode node) {
    untagged(node, Tag.STR);
    String text = node.getValue();
    if (node.getScalarStyle() != DumperOptions.ScalarStyle.PLAIN) {
      return TextNode.valueOf(text);
    }
    if (NULLS.contains(text)) {
      return NullNode.getInstance();
    }
    if (TRUES.contains(text) || FALSES.contains(text)) {
      return BooleanNode.valueOf(TRUES.contains(text));
    }
    if (NOT_FINITE.matcher(text).matches()) {
      throw error(node.getStartMark(), text + " is no finite number; write one.", null);
    }
    // The length bound keeps a number of a million digits from being computed at all.
    if (text.length() <= 64 && INTEGER.matcher(text).matches()) {
      BigInteger value = new BigInteger(text.startsWith("+") ? text.substring(1) : text);
      return value.bitLength() < 64
          ? JsonNodeFactory.instance.numberNode(value.longValue())
          : JsonNodeFactory.instance.numberNode(value);
    }
    if (text.length() <= 64 && REAL.matcher(text).matches()) {
      double value = Double.parseDouble(text);
      if (Double.isInfinite(value)) {
        throw error(
            node.getStartMark(), text + " is too large for a number; write a finite one.", null);
      }
      return JsonNodeFactory.instance.numberNode(value);
    }
    return TextNode.valueOf(text);
  }

  private void untagged(Node node, Tag expected) {
    if (!node.getTag().equals(expected)) {
      throw error(
          node.getStartMark(),
          "the tag " + oneLine(node.getTag().getValue()) + " has no meaning here; remove it.",
          null);
    }
  }

  private GloraException error(Mark mark, String what, YAMLException cause) {
    String place = mark == null || !positions ? origins.file() : place(mark);
    return new GloraException(ExitCode.USAGE, place + ": " + what, cause);
  }

  private String place(Mark mark) {
    return origins.file() + ":" + (mark.getLine() + 1) + ":" + (mark.getColumn() + 1);
  }

  private static String problem(MarkedYAMLException e) {
    String context = e.getContext() == null ? "" : e.getContext() + ", ";
    return oneLine(context + e.getProblem());
  }

  private static String oneLine(String text) {
    String line =
        text == null ? "no reason given" : text.replaceAll("[\\s\\p{Cntrl}]+", " ").strip();
    return line.length() > 300 ? line.substring(0, 300) + "…" : line;
  }

  /** Gives every node without an explicit tag the tag of its kind, so that explicit ones show. */
  private static final class PlainResolver extends Resolver {
    @Override
    protected void addImplicitResolvers() {}

    @Override
    public Tag resolve(NodeId kind, String value, boolean implicit) {
      return switch (kind) {
        case scalar -> Tag.STR;
        case sequence -> Tag.SEQ;
        default -> Tag.MAP;
      };
    }
  }
}
