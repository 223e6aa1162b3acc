/**
 * The command line: verbs, options, progress, signals, exit codes. No other package knows of it.
 */
package dev.glora.cli;
