package dev.glora.report;

import dev.glora.GloraException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.apache.commons.csv.CSVException;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;

/**
 * A value that somebody published: a row of a table under {@code experiments/published}.
 *
 * @param table name of the published table
 * @param sources model sources that it is about, without versions; empty for any
 * @param task the task
 * @param method the method
 * @param split {@code val} or {@code test}
 * @param metric name of the metric
 * @param value the value, in the unit that tables show: per cent for shares
 * @param resolution half a unit of the last printed digit
 * @param deviation standard deviation over seeds, where it was printed
 * @param seeds number of seeds, 0 where it was not printed
 * @param parameters adapter parameters, where they were printed
 * @param source where it stands
 * @param verified whether it was read there
 * @param note what one must know to read it
 */
public record PublishedValue(
    String table,
    List<String> sources,
    String task,
    String method,
    String split,
    String metric,
    double value,
    double resolution,
    OptionalDouble deviation,
    int seeds,
    OptionalDouble parameters,
    String source,
    boolean verified,
    String note) {

  private static final List<String> COLUMNS =
      List.of(
          "table",
          "model",
          "sources",
          "task",
          "method",
          "split",
          "metric",
          "unit",
          "value",
          "deviation",
          "seeds",
          "parameters",
          "source",
          "verified",
          "note");

  /**
   * Reads a table.
   *
   * @param file CSV with a head line, see {@code experiments/published/README.md}
   * @return its rows
   * @throws GloraException with one sentence where the file is missing or damaged
   */
  public static List<PublishedValue> read(Path file) {
    CSVFormat format =
        CSVFormat.RFC4180.builder().setHeader().setSkipHeaderRecord(true).setTrim(true).get();
    // Not by the parser: it would put signs of its own for what is not UTF-8.
    try (CSVParser parser = CSVParser.parse(Files.readString(file), format)) {
      if (!parser.getHeaderNames().equals(COLUMNS)) {
        throw wrong(
            file,
            1,
            "its columns are " + parser.getHeaderNames() + ", expected " + COLUMNS + " in a line");
      }
      List<PublishedValue> values = new ArrayList<>();
      for (CSVRecord row : parser) {
        values.add(value(file, row));
      }
      return values;
    } catch (NoSuchFileException e) {
      throw GloraException.usage("There is no table of published values " + file + ".");
    } catch (CharacterCodingException e) {
      throw wrong(file, 1, "it is not UTF-8");
    } catch (UncheckedIOException | IllegalArgumentException e) {
      throw wrong(file, 1, String.valueOf(e.getMessage()));
    } catch (CSVException e) {
      throw wrong(file, 1, e.getMessage());
    } catch (IOException e) {
      throw GloraException.failed("The table " + file + " cannot be read: " + e, e);
    }
  }

  /**
   * Reads every table of a folder.
   *
   * @param folder may be missing
   * @return the rows of its {@code .csv} files, by file name
   */
  public static List<PublishedValue> readAll(Path folder) {
    List<PublishedValue> all = new ArrayList<>();
    if (Files.isDirectory(folder)) {
      try (var files = Files.list(folder)) {
        files
            .filter(file -> file.getFileName().toString().endsWith(".csv"))
            .sorted()
            .forEach(file -> all.addAll(read(file)));
      } catch (IOException e) {
        throw GloraException.failed("The folder " + folder + " cannot be read: " + e, e);
      }
    }
    return all;
  }

  /** Whether it is about a run of this task, method, label and model source. */
  boolean isAbout(String runTask, String runMethod, String label, String model) {
    // A version of the source is not a part of which model it is.
    String unversioned = model.replaceFirst("(==|@).*$", "");
    return task.equals(runTask)
        && (method.equals(label) || method.equals(runMethod))
        && (sources.isEmpty() || sources.contains(unversioned));
  }

  private static PublishedValue value(Path file, CSVRecord row) {
    long line = row.getRecordNumber() + 1;
    if (!row.isConsistent()) {
      throw wrong(file, line, "it has " + row.size() + " cells, expected " + COLUMNS.size());
    }
    String unit = row.get("unit");
    if (!unit.equals("%") && !unit.isEmpty()) {
      throw wrong(file, line, "its unit is \"" + unit + "\", expected % or nothing");
    }
    String verified = row.get("verified");
    if (!verified.equals("yes") && !verified.equals("no")) {
      throw wrong(file, line, "its verified is \"" + verified + "\", expected yes or no");
    }
    String source = row.get("source");
    if (source.isEmpty()) {
      throw wrong(file, line, "it names no source");
    }
    String text = row.get("value");
    OptionalDouble value = number(file, line, row, "value");
    if (value.isEmpty()) {
      throw wrong(file, line, "it has no value");
    }
    int point = text.indexOf('.');
    double resolution = 0.5 * Math.pow(10, point < 0 ? 0 : point + 1 - text.length());
    String sources = row.get("sources");
    return new PublishedValue(
        row.get("table"),
        sources.isEmpty() ? List.of() : List.of(sources.split(" +")),
        row.get("task"),
        row.get("method"),
        row.get("split"),
        row.get("metric"),
        value.getAsDouble(),
        resolution,
        number(file, line, row, "deviation"),
        (int) number(file, line, row, "seeds").orElse(0),
        number(file, line, row, "parameters"),
        source,
        verified.equals("yes"),
        row.get("note"));
  }

  private static OptionalDouble number(Path file, long line, CSVRecord row, String column) {
    String text = row.get(column);
    if (text.isEmpty()) {
      return OptionalDouble.empty();
    }
    if (!text.matches("-?\\d{1,15}(\\.\\d{1,9})?")) {
      throw wrong(file, line, "its " + column + " is \"" + text + "\", expected a number");
    }
    return OptionalDouble.of(Double.parseDouble(text));
  }

  private static GloraException wrong(Path file, long line, String why) {
    return GloraException.usage(
        "The table of published values "
            + file
            + " is wrong in row "
            + line
            + ": "
            + why
            + "; see experiments/published/README.md.");
  }
}
