package dev.glora.store;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** SQL of what a run produced: sections, trials, finals and openings of the test split. */
final class ResultTables {
  private ResultTables() {}

  static void record(Handle handle, String run, String section, JsonNode value) {
    handle.execute(
        "insert into record (run, section, value) values (?, ?, ?) on conflict (run, section) do"
            + " update set value = excluded.value",
        run,
        section,
        Json.text(value));
  }

  static Optional<JsonNode> section(Handle handle, String run, String section) {
    return handle
        .createQuery("select value from record where run = ? and section = ?")
        .bind(0, run)
        .bind(1, section)
        .mapTo(String.class)
        .findOne()
        .map(Json::parse);
  }

  static ObjectNode sections(Handle handle, String run) {
    ObjectNode all = Json.object();
    handle
        .createQuery("select section, value from record where run = ? order by section")
        .bind(0, run)
        .map((rows, context) -> List.of(rows.getString("section"), rows.getString("value")))
        .forEach(entry -> put(all, entry.get(0), Json.parse(entry.get(1))));
    return all;
  }

  private static void put(ObjectNode all, String section, JsonNode value) {
    int dot = section.indexOf('.');
    if (dot < 0) {
      all.set(section, value);
      return;
    }
    String head = section.substring(0, dot);
    ObjectNode inner = all.get(head) instanceof ObjectNode known ? known : Json.object();
    all.set(head, inner);
    put(inner, section.substring(dot + 1), value);
  }

  static Optional<Trial> trial(Handle handle, String cacheKey) {
    return handle
        .createQuery("select * from trial where cache_key = ? limit 1")
        .bind(0, cacheKey)
        .map((rows, context) -> trial(rows))
        .findOne();
  }

  static void addTrial(Handle handle, Trial trial) {
    handle.execute(
        "insert into trial (run, generation, position, cache_key, codes, accuracy, loss, trained,"
            + " stored, folded, origin) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (run,"
            + " cache_key) do nothing",
        trial.run(),
        trial.generation(),
        trial.index(),
        trial.cacheKey(),
        trial.codes(),
        trial.accuracy(),
        trial.loss(),
        trial.trained(),
        trial.stored(),
        trial.folded(),
        trial.origin());
  }

  static void addRowScores(Handle handle, String cacheKey, byte[] scores) {
    handle.execute(
        "insert into row_scores (cache_key, scores) values (?, ?) on conflict (cache_key) do"
            + " nothing",
        cacheKey,
        scores);
  }

  static Optional<byte[]> rowScores(Handle handle, String cacheKey) {
    return handle
        .createQuery("select scores from row_scores where cache_key = ?")
        .bind(0, cacheKey)
        .map((rows, context) -> rows.getBytes("scores"))
        .findOne();
  }

  static void addRaced(Handle handle, RacedTrial raced) {
    handle.execute(
        "insert into raced_trial (run, generation, position, race_key, codes, accuracy, loss, seen,"
            + " origin) values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (run, race_key) do nothing",
        raced.run(),
        raced.generation(),
        raced.index(),
        raced.raceKey(),
        raced.codes(),
        raced.accuracy(),
        raced.loss(),
        raced.seen(),
        raced.origin());
  }

  static Optional<RacedTrial> raced(Handle handle, String raceKey) {
    return handle
        .createQuery("select * from raced_trial where race_key = ? limit 1")
        .bind(0, raceKey)
        .map((rows, context) -> raced(rows))
        .findOne();
  }

  static List<RacedTrial> racedOf(Handle handle, String run) {
    return handle
        .createQuery("select * from raced_trial where run = ? order by generation, position")
        .bind(0, run)
        .map((rows, context) -> raced(rows))
        .list();
  }

  private static RacedTrial raced(ResultSet rows) throws SQLException {
    return new RacedTrial(
        rows.getString("run"),
        rows.getInt("generation"),
        rows.getInt("position"),
        rows.getString("race_key"),
        rows.getString("codes"),
        rows.getDouble("accuracy"),
        rows.getDouble("loss"),
        rows.getInt("seen"),
        rows.getString("origin"));
  }

  static List<Trial> trials(Handle handle, String run) {
    return handle
        .createQuery("select * from trial where run = ? order by generation, position")
        .bind(0, run)
        .map((rows, context) -> trial(rows))
        .list();
  }

  static int countTrials(Handle handle, String run) {
    return handle
        .createQuery("select count(*) from trial where run = ?")
        .bind(0, run)
        .mapTo(Integer.class)
        .one();
  }

  private static Trial trial(ResultSet rows) throws SQLException {
    return new Trial(
        rows.getString("run"),
        rows.getInt("generation"),
        rows.getInt("position"),
        rows.getString("cache_key"),
        rows.getString("codes"),
        rows.getDouble("accuracy"),
        rows.getDouble("loss"),
        rows.getLong("trained"),
        rows.getLong("stored"),
        rows.getLong("folded"),
        rows.getString("origin"));
  }

  static void addFinal(Handle handle, FinalRow row) {
    handle.execute(
        "insert into final (run, mode, is_primary, record) values (?, ?, ?, ?) on conflict (run,"
            + " mode) do update set is_primary = excluded.is_primary, record = excluded.record",
        row.run(),
        row.mode(),
        row.primary() ? 1 : 0,
        Json.text(row.record()));
  }

  static List<FinalRow> finals(Handle handle, String run) {
    return handle
        .createQuery("select * from final where run = ? order by id")
        .bind(0, run)
        .map((rows, context) -> last(rows))
        .list();
  }

  private static FinalRow last(ResultSet rows) throws SQLException {
    return new FinalRow(
        rows.getString("run"),
        rows.getString("mode"),
        rows.getInt("is_primary") == 1,
        Json.parse(rows.getString("record")));
  }

  static long openTest(Handle handle, String run, String mode, Instant when) {
    handle.execute(
        "insert into test_opening (run, mode, opened) values (?, ?, ?) on conflict (run, mode) do"
            + " nothing",
        run,
        mode,
        when.toString());
    return handle
        .createQuery("select id from test_opening where run = ? and mode = ?")
        .bind(0, run)
        .bind(1, mode)
        .mapTo(Long.class)
        .one();
  }

  static List<TestOpening> openings(Handle handle, String run) {
    return handle
        .createQuery("select * from test_opening where run = ? order by id")
        .bind(0, run)
        .map(
            (rows, context) ->
                new TestOpening(
                    rows.getLong("id"),
                    rows.getString("run"),
                    rows.getString("mode"),
                    Instant.parse(rows.getString("opened"))))
        .list();
  }

  static void delete(Handle handle, String run) {
    handle.execute("delete from record where run = ? and section <> 'attempts'", run);
    handle.execute(
        "delete from row_scores where cache_key in (select own.cache_key from trial own where"
            + " own.run = ? and not exists (select 1 from trial other where other.cache_key ="
            + " own.cache_key and other.run <> own.run))",
        run);
    handle.execute("delete from trial where run = ?", run);
    handle.execute("delete from raced_trial where run = ?", run);
    handle.execute("delete from final where run = ?", run);
    handle.execute("delete from run_artifact where run = ?", run);
  }
}
