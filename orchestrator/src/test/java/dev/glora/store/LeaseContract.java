package dev.glora.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.glora.Json;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What leases promise, whatever database is below them. */
abstract class LeaseContract {
  private static final Duration LONG = Duration.ofHours(1);
  private static final Duration NONE = Duration.ZERO;

  @TempDir Path runs;
  private String url;
  private RunStore store;
  private Leases leases;
  private final String run = Runs.plan().get(0).id();

  /** URL of a database without runs, asked once for each test. */
  abstract String url() throws Exception;

  @BeforeEach
  void open() throws Exception {
    url = url();
    store = RunStore.open(runs, url);
    store.upsert(Runs.plan().get(0));
    leases = store.leases();
  }

  @AfterEach
  void close() {
    store.close();
  }

  private Lease acquire(String owner, Duration length) {
    return leases.acquire(run, run, owner, length).orElseThrow();
  }

  private static Trial trial(String run, int index) {
    return new Trial(run, 0, index, "k" + index, "AAE=", 0.5, 0.25, 3, 2, 1, "random");
  }

  @Test
  void heldSubjectIsGivenToNobodyElse() {
    Lease lease = acquire("one", LONG);

    assertThat(leases.acquire(run, run, "two", LONG)).isEmpty();
    assertThat(leases.acquire(run, run, "one", LONG)).isEmpty();
    assertThat(leases.acquire(run, run + "/other", "two", LONG)).isPresent();
    assertThat(leases.holder(run)).contains(lease);
    assertThat(leases.of(run)).extracting(Lease::owner).containsExactly("one", "two");
  }

  @Test
  void leaseWithoutASignOfLifeGoesToTheNextWithAHigherToken() {
    Lease dead = acquire("dead", NONE);
    assertThat(leases.holder(run)).isEmpty();

    Lease next = acquire("next", LONG);

    assertThat(next.token()).isGreaterThan(dead.token());
    assertThat(leases.holder(run)).contains(next);
    assertThatThrownBy(() -> leases.renew(dead, LONG, 1)).isInstanceOf(LeaseLostException.class);
    leases.release(dead);
    assertThat(leases.holder(run)).contains(next);
  }

  @Test
  void signOfLifeKeepsTheLeaseAndItsTokenAlsoWhenItComesLate() {
    Lease late = acquire("one", NONE);

    Lease renewed = leases.renew(late, LONG, 5);

    assertThat(renewed.token()).isEqualTo(late.token());
    assertThat(renewed.expires()).isAfter(late.expires());
    assertThat(renewed.progress()).isEqualTo(5);
    assertThat(leases.acquire(run, run, "two", LONG)).isEmpty();
  }

  @Test
  void progressTellsAHungOwnerFromOneAtWork() throws InterruptedException {
    Lease first = leases.renew(acquire("one", LONG), LONG, 1);
    Thread.sleep(5);
    Lease hung = leases.renew(first, LONG, 1);
    Thread.sleep(5);
    Lease working = leases.renew(hung, LONG, 2);

    assertThat(hung.renewed()).isAfter(first.renewed());
    assertThat(hung.progressed()).isEqualTo(first.progressed());
    assertThat(working.progressed()).isEqualTo(working.renewed());
  }

  @Test
  void ownerOfEarlierTimesCannotWrite() {
    Lease dead = acquire("dead", NONE);
    RunStore late = store.under(dead);
    late.addTrial(trial(run, 0));
    Lease next = acquire("next", LONG);

    assertThatThrownBy(() -> late.addTrial(trial(run, 1)))
        .isInstanceOf(LeaseLostException.class)
        .hasMessageContaining("The worker dead has lost " + run);
    assertThatThrownBy(() -> late.status(run, RunStatus.FINISHED, ""))
        .isInstanceOf(LeaseLostException.class);
    assertThatThrownBy(() -> late.record(run, "search", Json.object()))
        .isInstanceOf(LeaseLostException.class);
    store.under(next).addTrial(trial(run, 2));

    assertThat(store.trials(run)).containsExactly(trial(run, 0), trial(run, 2));
    assertThat(store.find(run).orElseThrow().status()).isEqualTo(RunStatus.PLANNED);
    assertThat(store.events(run)).isEmpty();
  }

  @Test
  void whoGaveBackOrWasDeprivedCannotWriteBeforeTheNextOneComes() {
    Lease back = acquire("one", LONG);
    leases.release(back);
    assertThatThrownBy(() -> store.under(back).addTrial(trial(run, 0)))
        .isInstanceOf(LeaseLostException.class);

    Lease hung = acquire("two", LONG);
    assertThat(leases.revoke(back)).isFalse();
    assertThat(leases.revoke(hung)).isTrue();
    assertThatThrownBy(() -> store.under(hung).addTrial(trial(run, 0)))
        .isInstanceOf(LeaseLostException.class);
    assertThat(leases.of(run)).isEmpty();
    assertThat(acquire("three", LONG).token()).isGreaterThan(hung.token());
  }

  @Test
  void tokensGrowForeverAlsoOverAnotherConnection() {
    long token = 0;
    for (int i = 0; i < 10; i++) {
      Optional<Lease> lease;
      try (RunStore other = RunStore.open(runs, url)) {
        lease = other.leases().acquire(run, run, "w" + i, i % 2 == 0 ? NONE : LONG);
      }
      assertThat(lease.orElseThrow().token()).isGreaterThan(token);
      token = lease.orElseThrow().token();
      if (i % 2 == 1) {
        leases.release(lease.orElseThrow());
      }
    }
  }

  @Test
  void leaseOfARunGivesNoRightToAnother() {
    String other = store.upsert(Runs.plan().get(1)).id();
    RunStore held = store.under(acquire("one", LONG));

    assertThatThrownBy(() -> held.addTrial(trial(other, 0)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void oneOfManyAtOnceGetsTheLease() throws Exception {
    int subjects = 20;
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try {
      List<Future<Integer>> counts = new ArrayList<>();
      for (int w = 0; w < 4; w++) {
        String owner = "w" + w;
        counts.add(
            pool.submit(
                () -> {
                  int got = 0;
                  try (RunStore own = RunStore.open(runs, url)) {
                    for (int i = 0; i < subjects; i++) {
                      String subject = run + "/" + i;
                      got += own.leases().acquire(run, subject, owner, LONG).isPresent() ? 1 : 0;
                    }
                  }
                  return got;
                }));
      }
      int sum = 0;
      for (Future<Integer> count : counts) {
        sum += count.get();
      }
      assertThat(sum).isEqualTo(subjects);
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  void whatIsClaimedIsNobodyElsesUntilItIsGivenBack() {
    Claims first = store.claims(acquire("one", LONG));
    Claims second = store.claims(other("two", LONG));

    assertThat(first.take(List.of("a", "b", "a"))).containsExactly("a", "b");
    assertThat(second.take(List.of("b", "c"))).containsExactly("c");
    assertThat(first.take(List.of("a", "c"))).isEmpty();

    second.giveBack(List.of("a", "b", "c"));
    assertThat(second.take(List.of("a", "b", "c"))).containsExactly("c");
    first.giveBack(List.of("a", "b"));
    assertThat(second.take(List.of("a", "b"))).containsExactly("a", "b");
  }

  @Test
  void claimsOfTheDeadAreVoidAndWhoLostItsLeaseClaimsNothing() {
    Lease dead = acquire("dead", NONE);
    assertThat(store.claims(dead).take(List.of("a"))).containsExactly("a");
    Lease hung = other("hung", LONG);
    assertThat(store.claims(hung).take(List.of("b"))).containsExactly("b");
    assertThat(leases.revoke(hung)).isTrue();

    Claims next = store.claims(acquire("next", LONG));

    assertThat(next.take(List.of("a", "b"))).containsExactly("a", "b");
    assertThatThrownBy(() -> store.claims(dead).take(List.of("c")))
        .isInstanceOf(LeaseLostException.class);
    store.claims(dead).giveBack(List.of("a"));
    assertThat(store.claims(other("late", LONG)).take(List.of("a"))).isEmpty();
  }

  private Lease other(String owner, Duration length) {
    String id = store.upsert(Runs.plan().get(1)).id();
    return leases.acquire(id, id, owner, length).orElseThrow();
  }

  @Test
  void ofManyAtOnceOneGetsAClaim() throws Exception {
    List<String> keys = IntStream.range(0, 20).mapToObj(i -> "k" + i).toList();
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try {
      List<Future<Set<String>>> claimed = new ArrayList<>();
      for (int w = 0; w < 4; w++) {
        Lease lease = leases.acquire(run, run + "/" + w, "w" + w, LONG).orElseThrow();
        claimed.add(
            pool.submit(
                () -> {
                  try (RunStore own = RunStore.open(runs, url)) {
                    Set<String> got = new HashSet<>();
                    for (int i = 0; i < keys.size(); i += 5) {
                      got.addAll(own.claims(lease).take(keys.subList(i, i + 5)));
                    }
                    return got;
                  }
                }));
      }
      List<String> all = new ArrayList<>();
      for (Future<Set<String>> each : claimed) {
        all.addAll(each.get());
      }
      assertThat(all).containsExactlyInAnyOrderElementsOf(keys);
    } finally {
      pool.shutdownNow();
    }
  }
}
