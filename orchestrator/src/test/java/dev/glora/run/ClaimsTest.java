package dev.glora.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Two runs that want the same. */
@Timeout(30)
class ClaimsTest {
  private final Claims claims = new Claims();

  @Test
  void whatOneHasAnotherWaitsFor() throws Exception {
    List<String> first = claims.take(List.of("a", "b"), Function.identity());
    assertThat(claims.take(List.of("b", "c"), Function.identity())).containsExactly("c");

    CompletableFuture<Void> waiting =
        CompletableFuture.runAsync(() -> claims.await("b", () -> false));
    assertThat(waiting.isDone()).isFalse();
    claims.giveBack(first, Function.identity());
    waiting.get(20, TimeUnit.SECONDS);

    assertThat(claims.take(List.of("a", "b", "c"), Function.identity())).containsExactly("a", "b");
    claims.await("c", () -> true);
  }
}
