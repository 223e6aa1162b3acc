package dev.glora.experiment;

/**
 * What is learnt.
 *
 * @param source where the raw data comes from
 * @param domain which of the source's domains
 * @param split sizes of the splits
 * @param maxLength greatest number of tokens of a row
 * @param threshold least absolute mean rating of a row that gets a label
 */
public record TaskSpec(
    SourceSpec source, String domain, SplitSpec split, int maxLength, double threshold) {}
