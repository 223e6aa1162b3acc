/**
 * The backend {@code jep}: CPython, and so PyTorch, in this process.
 *
 * <p>One {@code SharedInterpreter} lives on one thread of its own for as long as the process:
 * autograd does not work in sub-interpreters, and closing and opening interpreters has crashed
 * PyTorch. This is the only package that may use Jep's classes.
 */
package dev.glora.bridge.jep;
