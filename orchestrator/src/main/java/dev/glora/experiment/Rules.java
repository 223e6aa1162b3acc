package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import dev.glora.GloraException;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What a schema cannot say: rules between the values of an experiment. */
final class Rules {
  private final Experiment experiment;
  private final Origins origins;

  private Rules(Experiment experiment, Origins origins) {
    this.experiment = experiment;
    this.origins = origins;
  }

  static void check(Experiment experiment, Origins origins) {
    new Rules(experiment, origins).all();
  }

  private void all() {
    TaskSpec task = experiment.task();
    if (!experiment.evaluate().isEmpty() && task.prompt() == null && task.format() == null) {
      throw error(
          "/evaluate",
          "evaluate asks a causal language model, which a task has with prompt or format; expected"
              + " one of them in task, or no evaluate");
    }
    Map<String, Integer> labels = new HashMap<>();
    for (int i = 0; i < experiment.methods().size(); i++) {
      MethodSpec method = experiment.methods().get(i);
      String at = "/methods/" + i;
      // Compared without case: labels become names of folders, which some disks fold.
      Integer other = labels.putIfAbsent(method.label().toLowerCase(Locale.ROOT), i);
      if (other != null) {
        throw error(
            at + "/label",
            "methods["
                + other
                + "] and methods["
                + i
                + "] are both named \""
                + method.label()
                + "\"; give one of them a label of its own");
      }
      if (method instanceof GloraSpec glora) {
        glora(glora, at);
      } else {
        training(method.training(), at + "/training");
      }
      if (method instanceof DirectSpec direct
          && direct.method().equals(DirectSpec.MAJORITY)
          && !experiment.task().target().equals("class")) {
        throw error(
            at + "/method",
            "method is majority and the task's target "
                + experiment.task().target()
                + "; expected the target class, which has a most frequent one");
      }
      if (method instanceof DirectSpec direct
          && experiment.runtime().precision().equals(RuntimeSpec.BFLOAT16)
          && direct.trainsBody()) {
        throw error(
            at + "/method",
            "method "
                + direct.label()
                + " trains parameters of the body, which runtime.precision bfloat16 keeps in"
                + " bfloat16, where small steps are lost; expected the precision autocast, which"
                + " computes in bfloat16 and keeps them in float32, or float32");
      }
      if (method instanceof DirectSpec direct && direct.settings().has("initial_rank")) {
        ranks(direct.settings(), at);
      }
    }
  }

  private void ranks(JsonNode settings, String at) {
    int rank = settings.path("rank").intValue();
    int initial = settings.path("initial_rank").intValue();
    if (initial <= rank) {
      throw error(
          at + "/initial_rank",
          "initial_rank is " + initial + ", expected more than rank, which is " + rank);
    }
  }

  private void training(TrainingSpec training, String at) {
    int train = experiment.task().split().train();
    // With shots the rows depend on the classes, and a batch is at most all of them.
    if (experiment.task().split().shots() == null && training.batchSize() > train) {
      throw tooLarge(at, "batch_size", training.batchSize(), "rows of the train split", train);
    }
    if (training.accumulate() > training.batchSize()) {
      throw tooLarge(at, "accumulate", training.accumulate(), "batch size", training.batchSize());
    }
    if (training.warmupSteps() > training.steps()) {
      throw tooLarge(at, "warmup_steps", training.warmupSteps(), "steps", training.steps());
    }
    if (training.finalLearningRate() > training.learningRate()) {
      throw tooLarge(
          at,
          "final_learning_rate",
          training.finalLearningRate(),
          "learning rate",
          training.learningRate());
    }
  }

  private void glora(GloraSpec glora, String at) {
    List<Integer> ranks = glora.ranks();
    for (int i = 1; i < ranks.size(); i++) {
      if (ranks.get(i) <= ranks.get(i - 1)) {
        throw error(
            at + "/ranks/" + i,
            "ranks has "
                + ranks.get(i)
                + " after "
                + ranks.get(i - 1)
                + ", expected distinct ranks in ascending order");
      }
    }
    forms(glora, at);
    limits(glora, at);
    training(glora.supernet().training(), at + "/supernet/training");
    sampling(glora, at + "/supernet");
    search(glora.search(), at + "/search");
    if (glora.structure() != null && !glora.finals().equals(List.of(FinalMode.RETRAIN))) {
      throw error(
          at + "/final",
          "final is not [retrain] though a structure is given, which leaves no supernet to inherit"
              + " from; leave final out or set it to [retrain]");
    }
    if (!glora.finals().contains(glora.primary())) {
      throw error(
          at + "/primary",
          "primary is "
              + glora.primary().id()
              + ", expected one of final ("
              + String.join(", ", glora.finals().stream().map(FinalMode::id).toList())
              + ")");
    }
    if (glora.finals().contains(FinalMode.FINETUNE)) {
      training(glora.finetune(), at + "/finetune");
    }
    if (glora.finals().contains(FinalMode.RETRAIN)) {
      training(glora.retrain(), at + "/retrain");
    }
  }

  private void forms(GloraSpec glora, String at) {
    boolean anything = false;
    for (JsonNode forms : glora.forms()) {
      for (JsonNode form : forms) {
        anything |= !form.textValue().equals("none");
      }
    }
    if (!anything) {
      throw error(
          at + "/forms", "forms allows nothing but none, expected a tensor with another form");
    }
  }

  private void limits(GloraSpec glora, String at) {
    Long min = glora.minParameters();
    Long max = glora.maxParameters();
    if (min != null && max != null && min > max) {
      throw tooLarge(at, "min_parameters", min, "max_parameters", max);
    }
  }

  private void sampling(GloraSpec glora, String at) {
    SamplingSpec sampling = glora.supernet().sampling();
    int steps = glora.supernet().training().steps();
    if (sampling.largestSteps() > steps) {
      throw tooLarge(
          at + "/sampling", "largest_steps", sampling.largestSteps(), "supernet's steps", steps);
    }
    sampling
        .weights()
        .forEach(
            (tensor, forms) -> {
              double sum = 0;
              for (Map.Entry<String, Double> form : forms.entrySet()) {
                sum += form.getValue();
                if (form.getValue() > 0 && !allowed(glora, tensor, form.getKey())) {
                  throw error(
                      at + "/sampling/" + tensor + "/" + form.getKey(),
                      "sampling gives weight to "
                          + form.getKey()
                          + " of "
                          + tensor
                          + ", which forms does not allow; add it there or remove the weight");
                }
              }
              if (sum <= 0) {
                throw error(
                    at + "/sampling/" + tensor,
                    "the weights of "
                        + tensor
                        + " are all 0, expected one above 0 among the forms that are allowed");
              }
            });
  }

  private static boolean allowed(GloraSpec glora, char tensor, String form) {
    for (JsonNode known : glora.forms().get(String.valueOf(tensor))) {
      if (known.textValue().equals(form)) {
        return true;
      }
    }
    return false;
  }

  private void search(SearchSpec search, String at) {
    if (search.fitness().equals("accuracy") && experiment.task().target().equals("number")) {
      throw error(
          at + "/fitness",
          "fitness is accuracy and the task's target a number, which is only more or less right;"
              + " expected loss");
    }
    if (search.strategy().equals("policy") && search.policy() == null) {
      throw error(
          at + "/strategy", "strategy is policy, expected policy.file beside it, a Python file");
    }
    if (search.shuffled() && !search.racing().test().equals("none")) {
      throw error(
          at + "/shuffled",
          "shuffled is true with racing, which stops structures by their own results; set"
              + " racing.test to none");
    }
    // A policy has its own way to breed.
    if (!search.strategy().equals("policy") && search.parents() > search.population()) {
      throw tooLarge(at, "parents", search.parents(), "population", search.population());
    }
    if (search.strategy().equals("evolution")
        && search.mutations() + search.crossovers() > search.population()) {
      throw tooLarge(
          at,
          "mutations",
          search.mutations() + search.crossovers(),
          "population, counted with the crossovers",
          search.population());
    }
  }

  private GloraException tooLarge(String at, String key, Number found, String what, Number most) {
    // A value of a training block may stand in one of the blocks that it inherits from.
    String method = at.replaceFirst("^(/methods/\\d+).*", "$1");
    String pointer =
        origins.firstWritten(
            List.of(at + "/" + key, method + "/training/" + key, "/training/" + key));
    return error(
        pointer,
        Origins.path(pointer)
            + " is "
            + number(found)
            + ", expected at most the "
            + what
            + ", "
            + number(most));
  }

  private static String number(Number value) {
    return value instanceof Double real ? Words.number(real) : value.toString();
  }

  private GloraException error(String pointer, String sentence) {
    return GloraException.usage(origins.of(pointer) + ": " + sentence + ".");
  }
}
