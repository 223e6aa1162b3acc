/**
 * The backend {@code graalpy}: pure Python in a sandbox, on any JDK from 17 on.
 *
 * <p>Python code reads the folders of the module path and the standard library, sees the configured
 * environment variables, and calls the {@link dev.glora.bridge.JavaFunction}s that it is given.
 * Nothing else is there: no other file, no network, no process, no thread, no native code, no Java
 * class. GraalVM's sandbox policy {@code CONSTRAINED} checks that when a context is made.
 *
 * <p>Each {@link dev.glora.bridge.PythonRuntime#open} makes a context of its own on a thread of its
 * own; all of them share one engine, so that only the first start takes seconds. A statement limit
 * counts whatever a call runs, imports too. Of the memory of its process a context may use all, and
 * no interruption ends a long builtin: strangers' code belongs into the backend {@code worker},
 * with this backend inside, a heap limit and a time limit.
 *
 * <p>This is the only package that may use GraalVM's classes.
 */
package dev.glora.bridge.graalpy;
