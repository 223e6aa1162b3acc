package dev.glora.bridge;

/**
 * One entry of a Python traceback.
 *
 * @param file the source file, as Python names it
 * @param function the qualified name of the function where this Python knows it, else its name
 * @param line the line number, from 1; 0 where Python has none
 */
public record Frame(String file, String function, int line) {}
