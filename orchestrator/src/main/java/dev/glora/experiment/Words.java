package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.commons.text.similarity.LevenshteinDistance;

/** The wording of what was found and what was expected. */
final class Words {
  private static final int LONGEST = 80;

  private Words() {}

  /** Says what a value is, with the value where it is short. */
  static String value(JsonNode node) {
    return switch (node.getNodeType()) {
      case OBJECT -> "an object";
      case ARRAY -> node.isEmpty() ? "an empty list" : "a list of " + node.size();
      case STRING -> "the text \"" + shorten(node.textValue()) + "\"";
      case BOOLEAN -> "the truth value " + node.asText();
      case NUMBER -> "the number " + number(node);
      default -> "empty";
    };
  }

  /** Writes a number as people do: 0.001 rather than 1.0E-3, 3 rather than 3.0. */
  static String number(JsonNode node) {
    if (node.isIntegralNumber()) {
      return shorten(node.asText());
    }
    return number(node.doubleValue());
  }

  static String number(double value) {
    double size = Math.abs(value);
    return size == 0 || (size >= 1e-6 && size < 1e15)
        ? new BigDecimal(Double.toString(value)).stripTrailingZeros().toPlainString()
        : Double.toString(value).toLowerCase(Locale.ROOT);
  }

  /** Names JSON Schema's types. */
  static String types(JsonNode types) {
    List<String> names = new ArrayList<>();
    if (types.isArray()) {
      types.forEach(type -> names.add(type(type.asText())));
    } else {
      names.add(type(types.asText()));
    }
    return String.join(" or ", names);
  }

  private static String type(String type) {
    return switch (type) {
      case "integer" -> "a whole number";
      case "number" -> "a number";
      case "string" -> "a text";
      case "array" -> "a list";
      case "object" -> "an object";
      case "boolean" -> "true or false";
      default -> "nothing";
    };
  }

  /** Finds the known word that a user most probably meant. */
  static Optional<String> nearest(String word, List<String> known) {
    String wanted = word.toLowerCase(Locale.ROOT).replace('-', '_');
    int bound = Math.max(2, word.length() / 3);
    String best = null;
    int least = bound + 1;
    LevenshteinDistance distance = new LevenshteinDistance(bound);
    for (String candidate : known) {
      int steps = distance.apply(wanted, candidate.toLowerCase(Locale.ROOT));
      // A word cannot be meant when nothing of it is left.
      if (steps >= 0 && steps < least && steps < Math.max(candidate.length(), 2)) {
        least = steps;
        best = candidate;
      }
    }
    return Optional.ofNullable(best);
  }

  static String shorten(String text) {
    String line = text.replaceAll("[\\s\\p{Cntrl}]+", " ");
    return line.length() > LONGEST ? line.substring(0, LONGEST) + "…" : line;
  }
}
