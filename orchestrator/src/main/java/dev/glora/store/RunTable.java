package dev.glora.store;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import dev.glora.experiment.PlannedRun;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Query;

/** SQL of campaigns, runs and events. */
final class RunTable {
  private static final String SELECT =
      "select run.*, campaign.name as experiment, coalesce(variant.settings, '') as variant from"
          + " run join campaign on campaign.id = run.campaign left join variant on variant.run ="
          + " run.id ";

  private static final String WHERE =
      "where (campaign.name = :experiment or cast(:experiment as text) is null)";

  private RunTable() {}

  static void insert(Handle handle, PlannedRun run, Instant now) {
    handle.execute(
        "insert into campaign (name, created) values (?, ?) on conflict (name) do nothing",
        run.experiment().name(),
        now.toString());
    handle.execute(
        "insert into run (id, key, campaign, label, method, seed, status, reason, resolved,"
            + " created, changed) select ?, ?, campaign.id, ?, ?, ?, 'PLANNED', '', ?, ?, ? from"
            + " campaign where name = ? on conflict (id) do nothing",
        run.id(),
        run.key(),
        run.method().label(),
        run.method().method(),
        run.seed(),
        Json.text(run.resolved()),
        now.toString(),
        now.toString(),
        run.experiment().name());
    if (!run.variant().isEmpty()) {
      handle.execute(
          "insert into variant (run, settings) values (?, ?) on conflict (run) do nothing",
          run.id(),
          run.variant());
    }
  }

  static Optional<RunRow> find(Handle handle, String id) {
    return handle
        .createQuery(SELECT + "where run.id = ?")
        .bind(0, id)
        .map((rows, context) -> row(rows))
        .findOne();
  }

  static List<RunRow> matching(Handle handle, String text) {
    Optional<RunRow> exact = find(handle, text);
    if (exact.isPresent()) {
      return List.of(exact.get());
    }
    // substr instead of like: an underscore in an id is no wildcard.
    return handle
        .createQuery(
            SELECT
                + "where substr(run.id, 1, length(:text)) = :text or substr(run.key, 1,"
                + " length(:text)) = :text order by run.rowid desc")
        .bind("text", text)
        .map((rows, context) -> row(rows))
        .list();
  }

  static Optional<RunRow> before(Handle handle, PlannedRun run) {
    return handle
        .createQuery(
            SELECT
                + "where campaign.name = ? and run.label = ? and run.seed = ? and"
                + " coalesce(variant.settings, '') = ? and run.id <> ? order by run.rowid desc"
                + " limit 1")
        .bind(0, run.experiment().name())
        .bind(1, run.method().label())
        .bind(2, run.seed())
        .bind(3, run.variant())
        .bind(4, run.id())
        .map((rows, context) -> row(rows))
        .findOne();
  }

  static List<Timing> timings(Handle handle, String method, int most) {
    Map<String, ObjectNode> stages = new LinkedHashMap<>();
    List<Timing> out = new ArrayList<>();
    handle
        .createQuery(
            "select run.id, run.resolved, record.section, record.value from (select id, resolved,"
                + " rowid as place from run where status = 'FINISHED' and method = ? order by rowid"
                + " desc limit ?) run join record on record.run = run.id where"
                + " substr(record.section, 1, 8) = 'timings.' order by run.place desc")
        .bind(0, method)
        .bind(1, most)
        .map(
            (rows, context) -> {
              String id = rows.getString("id");
              ObjectNode own = stages.get(id);
              if (own == null) {
                own = Json.object();
                stages.put(id, own);
                out.add(new Timing(id, Json.parse(rows.getString("resolved")), own));
              }
              own.set(
                  rows.getString("section").substring("timings.".length()),
                  Json.parse(rows.getString("value")));
              return id;
            })
        .list();
    return out;
  }

  static List<RunRow> all(Handle handle) {
    return handle
        .createQuery(SELECT + "order by run.rowid")
        .map((rows, context) -> row(rows))
        .list();
  }

  static List<RunSummary> summaries(
      Handle handle, String experiment, Set<RunStatus> statuses, int limit, int offset) {
    // The newest first for the limit, then in the order of their entering.
    List<RunSummary> found =
        selection(
                handle,
                "select run.id, run.key, campaign.name as experiment, run.label, run.method,"
                    + " run.seed, run.status, run.reason, run.changed, final.record,"
                    + " coalesce(variant.settings, '') as variant from run join campaign on"
                    + " campaign.id = run.campaign left join variant on variant.run = run.id left"
                    + " join final on final.run = run.id and final.is_primary = 1 "
                    + "%s order by run.rowid desc limit :limit offset :offset",
                experiment,
                statuses)
            .bind("limit", limit > 0 ? limit : Integer.MAX_VALUE)
            .bind("offset", offset)
            .map((rows, context) -> summary(rows))
            .list();
    Collections.reverse(found);
    return found;
  }

  static int count(Handle handle, String experiment, Set<RunStatus> statuses) {
    return selection(
            handle,
            "select count(*) from run join campaign on campaign.id = run.campaign %s",
            experiment,
            statuses)
        .mapTo(Integer.class)
        .one();
  }

  private static Query selection(
      Handle handle, String query, String experiment, Set<RunStatus> statuses) {
    // Asked for every status, SQLite would look each up in turn and sort all runs anew.
    boolean every = statuses.size() == RunStatus.values().length;
    String where = WHERE + (every ? "" : " and run.status in (<statuses>)");
    Query selected = handle.createQuery(query.replace("%s", where)).bind("experiment", experiment);
    return every
        ? selected
        : selected.bindList("statuses", statuses.stream().map(RunStatus::name).toList());
  }

  static Map<RunStatus, Integer> counts(Handle handle) {
    Map<RunStatus, Integer> counts = new EnumMap<>(RunStatus.class);
    handle
        .createQuery("select status, count(*) as n from run group by status")
        .map(
            (rows, context) ->
                counts.put(RunStatus.valueOf(rows.getString("status")), rows.getInt("n")))
        .list();
    return counts;
  }

  private static RunSummary summary(ResultSet rows) throws SQLException {
    String record = rows.getString("record");
    return new RunSummary(
        rows.getString("id"),
        rows.getString("key"),
        rows.getString("experiment"),
        rows.getString("label"),
        rows.getString("variant"),
        rows.getString("method"),
        rows.getLong("seed"),
        RunStatus.valueOf(rows.getString("status")),
        rows.getString("reason"),
        Instant.parse(rows.getString("changed")),
        record == null ? Json.MISSING : Json.parse(record).path("metrics"));
  }

  static void status(Handle handle, String run, RunStatus status, String reason, Instant now) {
    int changed =
        handle.execute(
            "update run set status = ?, reason = ?, changed = ?, started = case when ? then"
                + " coalesce(started, ?) else started end where id = ?",
            status.name(),
            reason,
            now.toString(),
            status == RunStatus.RUNNING,
            now.toString(),
            run);
    if (changed == 0) {
      throw new IllegalArgumentException("The store has no run " + run + "; enter it first");
    }
  }

  static void event(Handle handle, RunEvent event) {
    handle.execute(
        "insert into event (run, at, kind, text) values (?, ?, ?, ?)",
        event.run(),
        event.when().toString(),
        event.kind(),
        event.text());
  }

  static Optional<String> lastStage(Handle handle, String run) {
    return handle
        .createQuery(
            "select text from event where run = ? and kind = 'STAGE' order by id desc limit 1")
        .bind(0, run)
        .mapTo(String.class)
        .findOne();
  }

  static List<RunEvent> events(Handle handle, String run) {
    return handle
        .createQuery("select * from event where run = ? order by id")
        .bind(0, run)
        .map(
            (rows, context) ->
                new RunEvent(
                    rows.getString("run"),
                    Instant.parse(rows.getString("at")),
                    rows.getString("kind"),
                    rows.getString("text")))
        .list();
  }

  private static RunRow row(ResultSet rows) throws SQLException {
    String started = rows.getString("started");
    return new RunRow(
        rows.getString("id"),
        rows.getString("key"),
        rows.getString("experiment"),
        rows.getString("label"),
        rows.getString("variant"),
        rows.getString("method"),
        rows.getLong("seed"),
        RunStatus.valueOf(rows.getString("status")),
        rows.getString("reason"),
        Json.parse(rows.getString("resolved")),
        Instant.parse(rows.getString("created")),
        started == null ? null : Instant.parse(started),
        Instant.parse(rows.getString("changed")));
  }
}
