package dev.glora.experiment;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Breaks experiment files as people, editors and disks do: bytes, lines, keys, values, anchors,
 * documents. The same seed gives the same mutant.
 */
public final class ExperimentMutator {
  private static final String BOMB =
      """
      a: &a [x, x, x, x, x, x, x, x, x]
      b: &b [*a, *a, *a, *a, *a, *a, *a]
      c: &c [*b, *b, *b, *b, *b, *b, *b]
      d: &d [*c, *c, *c, *c, *c, *c, *c]
      e: &e [*d, *d, *d, *d, *d, *d, *d]
      f: &f [*e, *e, *e, *e, *e, *e, *e]\
      """;

  private static final List<String> VALUES =
      List.of(
          ".nan",
          "-.inf",
          ".Inf",
          "NaN",
          "Infinity",
          "1e999",
          "-1e999",
          "1e-999",
          "-1",
          "0",
          "1",
          "3",
          "99999999999999999999",
          "-99999999999999999999",
          "9".repeat(400),
          "0x10",
          "0o7",
          "1_000",
          "1.",
          ".5",
          "+5",
          "-0",
          "-0.0",
          "1e400",
          "5e-324",
          "12:30:45",
          "2026-11-24",
          "true",
          "yes",
          "null",
          "~",
          "''",
          "\"\"",
          "[]",
          "{}",
          "[[]]",
          "[1, 2]",
          "{a: 1}",
          "*x",
          "&x 1",
          "!!int 3",
          "!!python/object:os.system ls",
          "!!binary AAAA",
          "|",
          ">-",
          "? x",
          "\"\\0\"",
          "\"\\uD800\"",
          "\u0000",
          "\t",
          "@x",
          "`x`",
          "%x",
          "%",
          "\u2028",
          "é",
          "日本",
          "\ud83d\ude00",
          "x".repeat(5000),
          "[".repeat(60) + "]".repeat(60),
          "- ".repeat(50) + "x",
          "{a: ".repeat(45) + "1" + "}".repeat(45),
          "matrix",
          "extends",
          "<<",
          "lora",
          "head");

  private static final List<String> LINES =
      List.of(
          "---",
          "...",
          "--- {}",
          "%YAML 1.2",
          "%TAG ! tag:x,2026:",
          "<<: *a",
          "<<: {steps: 3}",
          "? [a, b]",
          "\ttraining: {steps: 1}",
          "  - x",
          "version: 1",
          "name: again",
          "seeds: [1]",
          "extends: none.yaml",
          "extends: base.yaml",
          "extends: .",
          "extends: [base.yaml, base.yaml]",
          "matrix: {seeds: [[1]]}",
          "matrix: {training.steps: [150, 160]}",
          "matrix: {task.domain: [a, b], training.batch_size: [8, 9, 10]}",
          "matrix: 3",
          BOMB,
          "loop: &l [*l]",
          "#",
          "# \u0000",
          "key",
          ":",
          ": x",
          "- ",
          "{",
          "}",
          "[",
          "]",
          "\"",
          "'");

  private final SplittableRandom random;

  /**
   * Makes a mutator.
   *
   * @param seed decides everything
   */
  public ExperimentMutator(long seed) {
    random = new SplittableRandom(seed);
  }

  /**
   * Breaks a text in one to three places.
   *
   * @param text a valid experiment
   * @return the bytes of a file, perhaps not UTF-8, perhaps still valid
   */
  public byte[] mutate(String text) {
    String out = text;
    int times = 1 + random.nextInt(3);
    for (int i = 0; i < times; i++) {
      out = once(out);
    }
    byte[] bytes = out.getBytes(StandardCharsets.UTF_8);
    return random.nextInt(8) == 0 ? bytes(bytes) : bytes;
  }

  private String once(String text) {
    return switch (random.nextInt(10)) {
      case 0 -> characters(text);
      case 1, 2 -> lines(text);
      case 3 -> LINES.get(random.nextInt(LINES.size())) + "\n" + text;
      case 4 -> insertLine(text);
      case 5, 6 -> value(text);
      case 7 -> key(text);
      case 8 -> number(text);
      default -> document(text);
    };
  }

  private byte[] bytes(byte[] in) {
    byte[] out = in.clone();
    for (int i = 0; out.length > 0 && i < 1 + random.nextInt(4); i++) {
      out[random.nextInt(out.length)] = (byte) random.nextInt(256);
    }
    return out;
  }

  private String characters(String text) {
    int at = random.nextInt(text.length() + 1);
    String signs = ":-[]{}#&*!|>'\"%@`,?\t\n\r \u0000\u0007\u0085\ufeff\ud83d";
    String sign = String.valueOf(signs.charAt(random.nextInt(signs.length())));
    int end = Math.min(text.length(), at + random.nextInt(4));
    return text.substring(0, at) + (random.nextBoolean() ? sign : "") + text.substring(end);
  }

  private String lines(String text) {
    List<String> lines = new ArrayList<>(List.of(text.split("\n", -1)));
    int at = random.nextInt(lines.size());
    switch (random.nextInt(6)) {
      case 0 -> lines.remove(at);
      case 1 -> lines.add(at, lines.get(at));
      case 2 -> lines.add(random.nextInt(lines.size()), lines.remove(at));
      case 3 -> lines.set(at, (random.nextBoolean() ? "\t" : "   ") + lines.get(at));
      case 4 -> lines.set(at, lines.get(at).stripLeading());
      default -> lines.subList(at, lines.size()).clear();
    }
    return String.join("\n", lines);
  }

  private String insertLine(String text) {
    List<String> lines = new ArrayList<>(List.of(text.split("\n", -1)));
    String line = LINES.get(random.nextInt(LINES.size()));
    lines.add(random.nextInt(lines.size() + 1), " ".repeat(random.nextInt(3) * 2) + line);
    return String.join("\n", lines);
  }

  /** Replaces what stands behind a colon or in a list. */
  private String value(String text) {
    List<int[]> places = new ArrayList<>();
    for (int i = 0; i + 1 < text.length(); i++) {
      if (":,[".indexOf(text.charAt(i)) >= 0) {
        int end = i + 1;
        while (end < text.length() && "\n,]}".indexOf(text.charAt(end)) < 0) {
          end++;
        }
        places.add(new int[] {i + 1, end});
      }
    }
    if (places.isEmpty()) {
      return text;
    }
    int[] place = places.get(random.nextInt(places.size()));
    String value = VALUES.get(random.nextInt(VALUES.size()));
    return text.substring(0, place[0]) + " " + value + text.substring(place[1]);
  }

  private String key(String text) {
    List<Integer> ends = places(text, ':');
    if (ends.isEmpty()) {
      return text;
    }
    int end = ends.get(random.nextInt(ends.size()));
    int start = end;
    while (start > 0 && Character.isLetterOrDigit(text.charAt(start - 1))) {
      start--;
    }
    String word = text.substring(start, end);
    String other =
        switch (random.nextInt(6)) {
          case 0 -> word + "s";
          case 1 -> word.isEmpty() ? "x" : word.substring(1);
          case 2 -> "";
          case 3 -> "\"" + word + "\"";
          case 4 -> "&k " + word;
          default -> word.toUpperCase(java.util.Locale.ROOT);
        };
    return text.substring(0, start) + other + text.substring(end);
  }

  private String number(String text) {
    List<Integer> digits = new ArrayList<>();
    for (int i = 0; i < text.length(); i++) {
      if (Character.isDigit(text.charAt(i))) {
        digits.add(i);
      }
    }
    if (digits.isEmpty()) {
      return text;
    }
    int at = digits.get(random.nextInt(digits.size()));
    String other =
        List.of("-", "9".repeat(30), ".", "e9", "e-9", "_", "0", "7", "", "١")
            .get(random.nextInt(10));
    return text.substring(0, at) + other + text.substring(at + random.nextInt(2));
  }

  private String document(String text) {
    return switch (random.nextInt(8)) {
      case 0 -> "\ufeff" + text;
      case 1 -> text + "\n---\n" + text;
      case 2 -> text.replace("\n", "\r\n");
      case 3 -> text.substring(0, random.nextInt(text.length() + 1));
      case 4 -> text.replace("  ", "\t");
      case 5 -> text + "\n" + "a: ".repeat(200);
      case 6 -> "[" + text + "]";
      default -> text.replace("[", "[[").replace("]", "]]");
    };
  }

  private static List<Integer> places(String text, char sign) {
    List<Integer> out = new ArrayList<>();
    for (int i = text.indexOf(sign); i >= 0; i = text.indexOf(sign, i + 1)) {
      out.add(i);
    }
    return out;
  }
}
