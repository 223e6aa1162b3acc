package dev.glora.search;

import java.util.List;
import java.util.Map;

/** A search of somebody else's, which answers in plain values: numbers, text, lists and maps. */
public interface Policy extends AutoCloseable {
  /**
   * Asks for the next generation.
   *
   * @param state what {@code docs/policies.md} says of {@code ask}
   * @return what it answered, unchecked
   */
  Object ask(Map<String, Object> state);

  /**
   * Tells the results of the generation asked last.
   *
   * @param results what {@code docs/policies.md} says of {@code tell}
   */
  void tell(List<Map<String, Object>> results);

  /**
   * The name in messages.
   *
   * @return the policy's file
   */
  String name();

  @Override
  void close();
}
