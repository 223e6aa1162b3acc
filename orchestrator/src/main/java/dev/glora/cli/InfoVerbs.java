package dev.glora.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.ExitCode;
import dev.glora.GloraException;
import dev.glora.Json;
import org.apache.commons.cli.Option;

/** The verbs that explain. */
final class InfoVerbs {
  private InfoVerbs() {}

  static ExitCode version(Call call) {
    if (call.json()) {
      call.answer(
          Json.object()
              .put("glora", Product.version())
              .put("java", System.getProperty("java.version"))
              .put("code", CodeVersion.digest(call.settings().modules())));
    } else {
      call.out().println("glora " + Product.version());
    }
    return ExitCode.DONE;
  }

  static ExitCode help(Call call) {
    Verb verb = call.arguments().isEmpty() ? null : verb(call.arguments().get(0));
    if (call.json()) {
      ArrayNode verbs = Json.array();
      Verbs.ALL.stream()
          .filter(v -> verb == null || v.equals(verb))
          .forEach(v -> verbs.add(json(v)));
      call.answer(Json.object().set("verbs", verbs));
    } else {
      call.out().print(verb == null ? HelpText.all() : HelpText.of(verb));
    }
    return ExitCode.DONE;
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
