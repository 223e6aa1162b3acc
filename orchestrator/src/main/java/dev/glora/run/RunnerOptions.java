package dev.glora.run;

import dev.glora.GloraException;
import dev.glora.experiment.RuntimeSpec;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Who does the runs, and how much is borne. What is left open here is as the experiment says, or as
 * usual.
 *
 * @param workers how many worker processes; unless told, one for each device, and without devices
 *     none: the runs are done in this process
 * @param devices what the workers compute on; unless told, what a run asks for
 * @param attempts how often a run may be begun whose worker dies or hangs; unless told, {@value
 *     #ATTEMPTS} times
 * @param patience least time without a step after which a worker counts as hung, ten times as much
 *     for work without steps, such as opening a model; unless told, {@link #PATIENCE}
 */
public record RunnerOptions(
    OptionalInt workers,
    Optional<List<Device>> devices,
    OptionalInt attempts,
    Optional<Duration> patience) {
  /** How often a run may be begun. */
  public static final int ATTEMPTS = 3;

  /** Two minutes. */
  public static final Duration PATIENCE = Duration.ofMinutes(2);

  /** Everything left open. */
  public static final RunnerOptions DEFAULT =
      new RunnerOptions(
          OptionalInt.empty(), Optional.empty(), OptionalInt.empty(), Optional.empty());

  private static final int MOST_WORKERS = 1024;
  private static final int MOST_ATTEMPTS = 1_000_000;
  private static final long LONGEST_DAYS = 365;

  /** Checks the numbers. */
  public RunnerOptions {
    workers.ifPresent(n -> check("workers", n, MOST_WORKERS));
    attempts.ifPresent(n -> check("attempts", n, MOST_ATTEMPTS));
    patience.ifPresent(
        time -> {
          if (time.compareTo(Duration.ofSeconds(1)) < 0 || time.toDays() > LONGEST_DAYS) {
            throw GloraException.usage(
                "The patience is " + time.toSeconds() + " s, expected 1 s to a year.");
          }
        });
    devices = devices.map(List::copyOf);
  }

  private static void check(String what, int number, int most) {
    if (number < 1 || number > most) {
      throw GloraException.usage(
          "The number of " + what + " is " + number + ", expected 1 to " + most + ".");
    }
  }

  /**
   * Fills in what is left open.
   *
   * @param runtime what the experiment says
   * @return options in which only {@code workers} and {@code devices} may be open, both or none
   */
  public RunnerOptions over(RuntimeSpec runtime) {
    OptionalInt many = workers.isPresent() ? workers : runtime.workers();
    Optional<List<Device>> where =
        devices.isPresent()
            ? devices
            : runtime.devices().isEmpty()
                ? Optional.empty()
                : Optional.of(Device.list(String.join(",", runtime.devices())));
    if (many.isPresent() || where.isPresent()) {
      List<Device> dealt = Device.deal(many.orElse(0), where.orElse(List.of(Device.ANY)));
      many = OptionalInt.of(dealt.size());
      where = Optional.of(dealt);
    }
    OptionalInt often = attempts.isPresent() ? attempts : runtime.attempts();
    return new RunnerOptions(
        many,
        where,
        OptionalInt.of(often.orElse(ATTEMPTS)),
        Optional.of(patience.orElse(PATIENCE)));
  }

  /**
   * The same with one worker process, on the device that a run asks for.
   *
   * @return options for {@link Workers#local}
   */
  public RunnerOptions withOneWorker() {
    return new RunnerOptions(
        OptionalInt.of(1), Optional.of(List.of(Device.ANY)), attempts, patience);
  }
}
