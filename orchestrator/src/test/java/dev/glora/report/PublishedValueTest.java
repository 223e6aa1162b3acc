package dev.glora.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.glora.ExitCode;
import dev.glora.GloraException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PublishedValueTest {
  private static final String HEAD =
      "table,model,sources,task,method,split,metric,unit,value,deviation,seeds,parameters,source,"
          + "verified,note\n";

  @TempDir Path folder;

  @Test
  void committedTablesAreWhole() {
    Path tables = Path.of(System.getProperty("glora.root"), "experiments", "published");

    List<PublishedValue> all = PublishedValue.readAll(tables);

    assertThat(all).extracting(PublishedValue::table).contains("VTAB-1k", "few-shot");
    assertThat(all).allMatch(each -> each.value() > 0 && each.value() <= 100);
    // Means of the rows as printed beside them, which the single values must give.
    assertThat(groupMean(all, "glora", 860_000)).isBetween(77.95, 78.05);
    assertThat(groupMean(all, "noah", 430_000)).isBetween(75.45, 75.55);
    assertThat(all)
        .filteredOn(each -> !each.verified())
        .extracting(PublishedValue::method)
        .containsOnly("glora");
  }

  /** VTAB-1k's average: of its three groups' means. */
  private static double groupMean(List<PublishedValue> all, String method, double parameters) {
    double[] values =
        all.stream()
            .filter(each -> each.table().equals("VTAB-1k") && each.method().equals(method))
            .filter(each -> each.parameters().orElse(0) == parameters)
            .mapToDouble(PublishedValue::value)
            .toArray();
    assertThat(values).hasSize(19);
    double sum = 0;
    for (int[] group : new int[][] {{0, 7}, {7, 11}, {11, 19}}) {
      double part = 0;
      for (int i = group[0]; i < group[1]; i++) {
        part += values[i];
      }
      sum += part / (group[1] - group[0]);
    }
    return sum / 3;
  }

  @Test
  void rowSaysWhatItIsAbout() throws IOException {
    PublishedValue value =
        read("t,m,hf:a/b hf:c,movies,glora,test,accuracy,%,78.10,0.5,3,860000,A paper,no,x").get(0);

    assertThat(value.resolution()).isEqualTo(0.005);
    assertThat(value.isAbout("movies", "glora", "mine", "hf:a/b@main")).isTrue();
    assertThat(value.isAbout("movies", "lora", "glora", "hf:c==1")).isTrue();
    assertThat(value.isAbout("tweets", "glora", "glora", "hf:c")).isFalse();
    assertThat(value.isAbout("movies", "glora", "glora", "hf:c/d")).isFalse();
    assertThat(value.verified()).isFalse();
  }

  private List<PublishedValue> read(String row) throws IOException {
    return PublishedValue.read(Files.writeString(folder.resolve("t.csv"), HEAD + row + "\n"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "t,m,,a,b,test,accuracy,%,NaN,,,,s,yes,| its value is \"NaN\", expected a number",
        "t,m,,a,b,test,accuracy,%,,,,,s,yes,| it has no value",
        "t,m,,a,b,test,accuracy,points,1,,,,s,yes,| its unit is \"points\", expected %",
        "t,m,,a,b,test,accuracy,%,1,,,,s,perhaps,| expected yes or no",
        "t,m,,a,b,test,accuracy,%,1,,,,,yes,| it names no source",
        "t,m,,a,b| it has 5 cells, expected 15",
        "\"t,m,,a,b| wrong in row 1",
      })
  void wrongRowIsOneSentence(String row, String words) {
    assertThatThrownBy(() -> read(row))
        .isInstanceOfSatisfying(
            GloraException.class, e -> assertThat(e.code()).isEqualTo(ExitCode.USAGE))
        .hasMessageContaining(words)
        .hasMessageEndingWith("; see experiments/published/README.md.");
  }

  @Test
  void otherFilesAreRefused() throws IOException {
    Path columns = Files.writeString(folder.resolve("c.csv"), "task,value\na,1\n");
    Path latin = folder.resolve("l.csv");
    Files.write(latin, (HEAD + "té").getBytes(StandardCharsets.ISO_8859_1));

    assertThatThrownBy(() -> PublishedValue.read(columns))
        .hasMessageContaining("its columns are [task, value]");
    assertThatThrownBy(() -> PublishedValue.read(latin)).hasMessageContaining("it is not UTF-8");
    assertThatThrownBy(() -> PublishedValue.read(folder.resolve("none.csv")))
        .hasMessageStartingWith("There is no table of published values ");
    assertThat(PublishedValue.readAll(folder.resolve("none"))).isEmpty();
  }
}
