package dev.glora.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;

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
 * @param prompt for a language model: what it reads before the word of the class, or null
 * @param labelWords of a prompt: class to word, or null for their names
 * @param format for a language model: {@code alpaca} or {@code sharegpt}, or null
 * @param template of a format: how a conversation is written, or null for its default
 * @param packing of a format: whether train's conversations share rows
 * @param pairColumn of a table of pairs: the column with the second texts, or null
 * @param splitColumn of a table with given splits: the column that names them, or null
 * @param overlap what becomes of a text in two given splits, or null for the default
 * @param tooLong what becomes of a text longer than a row, or null for the default
 * @param normalisation of pictures: whose means and deviations, or null for the weights'
 * @param tests further test sets
 * @param fit rows of a training whose settings were chosen before: {@code train} or {@code
 *     train_and_val}
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
    String labelSeparator,
    String prompt,
    JsonNode labelWords,
    String format,
    String template,
    boolean packing,
    String pairColumn,
    String splitColumn,
    String overlap,
    String tooLong,
    String normalisation,
    List<TestSpec> tests,
    String fit) {
  /** {@link #fit} of a training on val's rows, too. */
  public static final String TRAIN_AND_VAL = "train_and_val";

  /** Copies the list. */
  public TaskSpec {
    tests = List.copyOf(tests);
  }

  /**
   * Whether a training whose settings were chosen before sees val's rows, too.
   *
   * @return whether {@link #fit} says so
   */
  public boolean withVal() {
    return fit.equals(TRAIN_AND_VAL);
  }
}
