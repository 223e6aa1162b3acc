package dev.glora.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.experiment.ExperimentReader;
import dev.glora.experiment.GloraSpec;
import dev.glora.files.AtomicFile;
import dev.glora.search.AskTell;
import dev.glora.search.SearchSpace;
import dev.glora.search.Site;
import dev.glora.search.SupportTensor;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;

/**
 * A search whose state is a file: read, changed and replaced whole under a lock, so that any number
 * of processes may ask and tell at once, and a killed one leaves the state before or after it.
 */
final class SearchFile {
  // A file's lock is the process's: threads of one need a lock of their own.
  private static final ReentrantLock PROCESS = new ReentrantLock();

  private static final long LONGEST_DAYS = 365;

  private final Path file;
  private final Clock clock;

  SearchFile(Path file) {
    this(file, Clock.systemUTC());
  }

  SearchFile(Path file, Clock clock) {
    this.file = file;
    this.clock = clock;
  }

  Answer ask(Optional<Path> definition, int most) {
    return locked(
        () -> {
          AskTell search = open(definition);
          ObjectNode answer = search.progress();
          answer.set("trials", search.open(most));
          return Answer.of(answer, Json.pretty(answer) + "\n");
        });
  }

  Answer lease(Optional<Path> definition, int most, String owner, Duration length) {
    check(length);
    return locked(
        () -> {
          AskTell search = open(definition);
          ObjectNode answer = search.progress();
          answer.set("trials", search.lease(most, owner, clock.instant(), length));
          AtomicFile.write(file, Json.pretty(search.state()));
          return Answer.of(answer, Json.pretty(answer) + "\n");
        });
  }

  Answer renew(String text, Duration length) {
    check(length);
    List<AskTell.Leased> held = new ArrayList<>();
    trials(text)
        .forEach(
            trial -> {
              long token = token(trial);
              if (token == 0) {
                throw wrong(null, "a lease is " + trial + ", expected trial and token");
              }
              held.add(new AskTell.Leased(name(trial), token));
            });
    return locked(
        () -> {
          AskTell search = open(Optional.empty());
          ArrayNode renewed = search.renew(held, clock.instant(), length);
          AtomicFile.write(file, Json.pretty(search.state()));
          ObjectNode answer = search.progress();
          answer.set("renewed", renewed);
          return Answer.of(answer, Json.pretty(answer) + "\n");
        });
  }

  private static void check(Duration length) {
    if (length.compareTo(Duration.ofSeconds(1)) < 0 || length.toDays() > LONGEST_DAYS) {
      throw GloraException.usage(
          "The lease is " + length.toSeconds() + " s long, expected 1 s to a year.");
    }
  }

  Answer tell(String text) {
    List<AskTell.Told> told = told(text);
    return locked(
        () -> {
          AskTell search = open(Optional.empty());
          AskTell.Receipt receipt = search.tell(told);
          if (!receipt.accepted().isEmpty()) {
            AtomicFile.write(file, Json.pretty(search.state()));
          }
          ObjectNode answer = search.progress();
          answer.set("accepted", Json.MAPPER.valueToTree(receipt.accepted()));
          answer.set("repeated", Json.MAPPER.valueToTree(receipt.repeated()));
          return Answer.of(answer, Json.pretty(answer) + "\n");
        });
  }

  private interface Work {
    Answer run() throws IOException;
  }

  private Answer locked(Work work) {
    Path lock = file.resolveSibling(file.getFileName() + ".lock");
    PROCESS.lock();
    try (FileChannel channel =
        FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      // Given back when the channel is closed, by a killed process too.
      channel.lock();
      return work.run();
    } catch (IOException e) {
      throw GloraException.failed(
          "The state " + file + " cannot be used (" + e + "): name a file that can be written.", e);
    } finally {
      PROCESS.unlock();
    }
  }

  private AskTell open(Optional<Path> given) throws IOException {
    if (Files.exists(file)) {
      ObjectNode state = AskTell.check(Files.readString(file));
      ObjectNode definition = (ObjectNode) state.get("definition");
      if (given.isPresent() && !read(given.get()).equals(definition)) {
        throw GloraException.usage(
            file
                + " is the state of a search with another definition than "
                + given.get()
                + ": name another state, or leave --new out.");
      }
      AskTell search = begin(definition, file);
      search.resume(state);
      return search;
    }
    Path from =
        given.orElseThrow(
            () ->
                GloraException.usage(
                    "There is no state "
                        + file
                        + ": begin a search with glora search ask "
                        + file
                        + " --new DEFINITION."));
    AskTell search = begin(read(from), from);
    AtomicFile.write(file, Json.pretty(search.state()));
    return search;
  }

  private static ObjectNode read(Path from) throws IOException {
    return Json.object(Files.readString(from))
        .orElseThrow(
            () ->
                GloraException.usage(
                    from
                        + " is no JSON object, expected seed, sites and glora; see"
                        + " docs/search.md."));
  }

  private static AskTell begin(ObjectNode definition, Path from) {
    Set<String> known = Set.of("seed", "sites", "glora");
    definition
        .fieldNames()
        .forEachRemaining(
            key -> {
              if (!known.contains(key)) {
                throw wrong(from, "the key " + key + " is unknown, expected seed, sites and glora");
              }
            });
    JsonNode seed = definition.path("seed");
    if (!seed.isMissingNode() && !seed.canConvertToLong()) {
      throw wrong(from, "seed is " + seed + ", expected a whole number");
    }
    GloraSpec spec = spec(definition.path("glora"), from);
    if (spec.search().strategy().equals("none")) {
      throw wrong(from, "glora.search.strategy is none, expected one that searches");
    }
    if (spec.search().strategy().equals("policy")) {
      throw wrong(from, "glora.search.strategy is policy, expected one that needs no process");
    }
    if (!spec.search().start().equals("random")) {
      throw wrong(from, "glora.search.start is taylor, which needs a model, expected random");
    }
    SearchSpace space =
        new SearchSpace(
            sites(definition.path("sites"), from), spec.ranks(), spec.forms(), spec.aProduct());
    return new AskTell(space, spec, seed.asLong(0), definition);
  }

  /** The keys of a method with their checks and defaults, by way of an experiment around it. */
  private static GloraSpec spec(JsonNode given, Path from) {
    if (!given.isMissingNode() && !given.isObject()) {
      throw wrong(from, "glora is " + given + ", expected an object");
    }
    // The schema's own defaults: another recipe's start from a cut, which needs a model.
    ObjectNode method = Json.object().put("method", "glora").put("recipe", "published");
    given.properties().forEach(entry -> method.set(entry.getKey(), entry.getValue()));
    ObjectNode experiment = Json.object().put("version", 1).put("name", "search");
    experiment.put("model", "local:model");
    experiment.putObject("task").put("source", "local:data").put("domain", "search");
    experiment.withObject("/task/split").put("train", 1_000_000).put("val", 100).put("test", 100);
    experiment.putArray("methods").add(method);
    try {
      return (GloraSpec)
          ExperimentReader.parse(Json.text(experiment), "", List.of()).methods().get(0);
    } catch (GloraException e) {
      String sentence = e.sentence().replaceFirst("^[^ ]*:\\d+:\\d+: ", "");
      throw GloraException.usage(from + ": " + sentence.replace("methods[0]", "glora"));
    }
  }

  private static List<Site> sites(JsonNode given, Path from) {
    List<Site> sites = new ArrayList<>();
    for (JsonNode site : given) {
      JsonNode in = site.path("in");
      JsonNode out = site.path("out");
      if (!site.path("name").isTextual() || in.asInt() < 1 || out.asInt() < 1) {
        throw wrong(
            from, "sites[" + sites.size() + "] is " + site + ", expected name, in and out above 0");
      }
      EnumSet<SupportTensor> dead = EnumSet.noneOf(SupportTensor.class);
      for (JsonNode tensor : site.path("dead")) {
        if (!tensor.asText().matches("[A-E]")) {
          throw wrong(from, "sites[" + sites.size() + "].dead has " + tensor + ", expected A to E");
        }
        dead.add(SupportTensor.valueOf(tensor.asText()));
      }
      sites.add(
          new Site(
              site.path("name").asText(),
              in.asInt(),
              out.asInt(),
              site.path("bias").asBoolean(true),
              dead));
    }
    if (sites.isEmpty()) {
      throw wrong(from, "sites is " + given + ", expected a list of name, in, out, bias and dead");
    }
    return sites;
  }

  private static ArrayNode trials(String text) {
    ObjectNode document =
        Json.object(text)
            .orElseThrow(() -> wrong(null, "the results are no JSON object, expected trials"));
    JsonNode list = document.path("trials");
    return list.isArray() ? (ArrayNode) list : Json.array().add(document);
  }

  private static String name(JsonNode trial) {
    if (!trial.path("trial").isTextual()) {
      throw wrong(null, "a result is " + trial + ", expected trial, accuracy and loss");
    }
    return trial.path("trial").asText();
  }

  /** The token of a lease, as the trial has it or as ask gave it; 0 for none. */
  private static long token(JsonNode trial) {
    JsonNode given = trial.has("token") ? trial.path("token") : trial.at("/lease/token");
    if (!given.isMissingNode() && (!given.canConvertToLong() || given.asLong() < 1)) {
      throw wrong(
          null, "the trial " + name(trial) + " has the token " + given + ", expected one of ask");
    }
    return given.asLong(0);
  }

  private static List<AskTell.Told> told(String text) {
    List<AskTell.Told> told = new ArrayList<>();
    for (JsonNode trial : trials(text)) {
      String name = name(trial);
      if (trial.path("failed").asBoolean(false)) {
        told.add(new AskTell.Told(name, 0, Double.MAX_VALUE, false, token(trial)));
        continue;
      }
      Function<String, Double> number =
          key -> {
            if (!trial.path(key).isNumber()) {
              throw wrong(
                  null,
                  "the trial "
                      + name
                      + " has "
                      + key
                      + " "
                      + trial.path(key)
                      + ", expected a number");
            }
            return trial.path(key).asDouble();
          };
      told.add(
          new AskTell.Told(
              name,
              number.apply("accuracy"),
              number.apply("loss"),
              trial.path("complete").asBoolean(true),
              token(trial)));
    }
    return told;
  }

  private static GloraException wrong(Path from, String what) {
    return GloraException.usage((from == null ? "" : from + ": ") + what + ".");
  }
}
