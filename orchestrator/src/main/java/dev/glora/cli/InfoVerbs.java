package dev.glora.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.GloraException;
import dev.glora.Json;
import dev.glora.api.Answer;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.apache.commons.cli.Option;

/** The verbs that explain. */
final class InfoVerbs {
  private InfoVerbs() {}

  static Answer help(Call call) {
    if (call.options().hasOption("man")) {
      String page = ManualPage.roff(call.glora().version().at("/glora").asText());
      return Answer.of(Json.object().put("manual", page), page);
    }
    Verb verb = call.arguments().isEmpty() ? null : verb(call.argument(0));
    ArrayNode verbs = Json.array();
    Verbs.ALL.stream().filter(v -> verb == null || v.equals(verb)).forEach(v -> verbs.add(json(v)));
    return Answer.of(
        Json.object().set("verbs", verbs), verb == null ? HelpText.all() : HelpText.of(verb));
  }

  static Answer completion(Call call) {
    String script = Completion.script(call.argument(0));
    return Answer.of(Json.object().put("shell", call.argument(0)).put("script", script), script);
  }

  static Answer doctor(Call call) {
    Consumer<String> lines = call.json() ? line -> {} : call.out()::println;
    String vtab = call.options().getOptionValue("vtab");
    return vtab == null ? call.glora().doctor(lines) : call.glora().doctor(Path.of(vtab), lines);
  }

  static Answer schema(Call call) {
    if (!call.arguments().isEmpty()) {
      return call.glora().schema(verb(call.argument(0)).name());
    }
    Answer schema = call.glora().schema();
    return call.options().hasOption("markdown")
        ? schema
        : Answer.of(schema.json(), Json.pretty(schema.json()) + "\n");
  }

  private static Verb verb(String name) {
    return Verbs.find(name)
        .orElseThrow(
            () ->
                GloraException.usage(
                    "There is no verb \"" + name + "\"; glora help lists those that there are."));
  }

  private static ObjectNode json(Verb verb) {
    ObjectNode out =
        Json.object()
            .put("verb", verb.name())
            .put("arguments", verb.arguments())
            .put("summary", verb.summary())
            .put("details", verb.details());
    for (Option option : Verbs.options(verb).getOptions()) {
      out.withArray("options")
          .addObject()
          .put("name", "--" + option.getLongOpt())
          .put("argument", option.getArgName())
          .put("description", option.getDescription());
    }
    return out;
  }
}
