package dev.glora.data;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class DerivedTest {
  /** These numbers are part of every stored result: they may never change on any JDK. */
  @Test
  void definitionIsFixedForEver() {
    assertThat(Derived.seed(0, "order", 0)).isEqualTo(-3279051816844690405L);
    var random = Derived.random(17, "search/mutation/3", 42);
    assertThat(random.nextLong()).isEqualTo(-480779349946315055L);
    assertThat(random.nextInt(1000)).isEqualTo(799);
    assertThat(random.nextDouble()).isEqualTo(0.012323913065219405);
    assertThat(random.nextBoolean()).isEqualTo(true);
  }

  @Test
  void usesDoNotShareTheirSeed() {
    assertThat(Derived.seed(1, "order", 0)).isNotEqualTo(Derived.seed(0, "order", 1));
    assertThat(Derived.seed(0, "a|1", 0)).isNotEqualTo(Derived.seed(0, "a", 10));
    assertThat(Derived.seed(0, "order", 0)).isNotEqualTo(Derived.seed(0, "dropout", 0));
  }
}
