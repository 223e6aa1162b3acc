package dev.glora.experiment;

/**
 * What is learnt.
 *
 * @param source where the raw data comes from
 * @param domain which of the source's domains
 * @param split sizes of the splits
 * @param maxLength greatest number of tokens of a row
 * @param threshold least absolute mean rating of a row that gets a label
 * @param target what a row's label is: {@code class}, {@code labels} or {@code number}
 * @param textColumn of a table of one's own: the column with the texts, or null for its default
 * @param labelColumn of a table of one's own: the column with the labels, or null for its default
 *     or several columns
 * @param labelSeparator what stands between several labels in a cell, or null for its default
 */
public record TaskSpec(
    SourceSpec source,
    String domain,
    SplitSpec split,
    int maxLength,
    double threshold,
    String target,
    String textColumn,
    String labelColumn,
    String labelSeparator) {}
