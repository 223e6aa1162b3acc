package dev.glora.experiment;

/**
 * How many rows each split gets.
 *
 * @param train rows for training
 * @param val rows for the search and for choosing settings
 * @param test greatest number of rows for the final evaluation
 * @param seed seed of the split, apart from the runs' seeds so that test stays the same over them
 * @param shots rows of each class for training in place of {@code train}, or null
 * @param stratified whether each split has the classes in the data's proportions
 */
public record SplitSpec(
    int train, int val, int test, long seed, Integer shots, boolean stratified) {}
