package dev.glora.bridge.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A training step driven from Java, beside the same loop in plain Python.
 *
 * <p>A difference of one percent is less than what the machine's mood changes from minute to
 * minute, so all take turns, a few steps each, in an order that moves on every round. JMH knows no
 * such order.
 */
public final class StepComparison {

  private StepComparison() {}

  /**
   * Runs the comparison.
   *
   * @param args the file for the result, the number of rounds, the steps of each turn, then the
   *     contenders: {@code jep} and {@code worker} are driven from Java, {@code looped} is a loop
   *     in the interpreter of {@code jep}, {@code plain} a Python process
   */
  public static void main(String[] args) throws Exception {
    int rounds = Integer.parseInt(args[1]);
    int steps = Integer.parseInt(args[2]);
    Map<String, Steps> contenders = new LinkedHashMap<>();
    for (String name : List.of(args).subList(3, args.length)) {
      contenders.put(
          name,
          switch (name) {
            case "plain" -> new Steps.Plain();
            case "looped" -> ((Steps.Driven) contenders.get("jep")).looped();
            default -> new Steps.Driven(name);
          });
    }
    List<String> names = new ArrayList<>(contenders.keySet());
    Map<String, List<Double>> millis = new LinkedHashMap<>();
    names.forEach(name -> millis.put(name, new ArrayList<>()));
    for (int round = -2; round < rounds; round++) {
      for (int i = 0; i < names.size(); i++) {
        String name = names.get(Math.floorMod(round + i, names.size()));
        double step = contenders.get(name).take(steps) / 1e6 / steps;
        if (round >= 0) { // The first ones warm up.
          millis.get(name).add(step);
        }
      }
    }
    for (Steps contender : contenders.values()) {
      contender.close();
    }
    new ObjectMapper()
        .writeValue(Path.of(args[0]).toFile(), Map.of("steps_per_turn", steps, "step_ms", millis));
  }
}
