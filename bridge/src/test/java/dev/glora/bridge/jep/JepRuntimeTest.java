package dev.glora.bridge.jep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.PythonRuntime;
import dev.glora.bridge.PythonRuntimeContract;
import dev.glora.bridge.PythonStartException;
import dev.glora.bridge.TestPython;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class JepRuntimeTest extends PythonRuntimeContract {

  @Override
  protected String backend() {
    return "jep";
  }

  @Test
  void outputGoesToTheLogLineByLine() {
    ListAppender<ILoggingEvent> out = appended("python.stdout");
    ListAppender<ILoggingEvent> err = appended("python.stderr");
    call("speak", "grüezi\nzwei");
    assertThat(lines(out)).containsExactly("grüezi", "zwei", "from a thread", "100 %");
    assertThat(lines(err)).containsExactly("warned: grüezi", "zwei");
    assertThat(out.list.get(0).getLevel()).isEqualTo(Level.INFO);
    assertThat(err.list.get(0).getLevel()).isEqualTo(Level.WARN);
    PythonRuntime.open(TestPython.config("jep")).close();
    assertThat(lines(out)).endsWith("no end yet");
  }

  @Test
  void importsNeverFindJavaPackages() {
    assertThat(call("result_of", "__import__('importlib.util').util.find_spec('java')")).isNull();
  }

  @Test
  void signalsAreLeftToJava() {
    // None: a handler that is not Python's. SIG_IGN: this process was started with it ignored, as a
    // shell's background jobs are; then Java leaves it so as well.
    String both =
        "[__import__('signal').getsignal(n) in (None, __import__('signal').SIG_IGN) for n in (2,"
            + " 15)]";
    assertThat(call("result_of", both)).isEqualTo(List.of(true, true));
  }

  private static ListAppender<ILoggingEvent> appended(String name) {
    ListAppender<ILoggingEvent> appender = new ListAppender<>();
    appender.start();
    ((Logger) LoggerFactory.getLogger(name)).addAppender(appender);
    return appender;
  }

  private static List<String> lines(ListAppender<ILoggingEvent> appender) {
    return appender.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
  }

  @Test
  void anotherConfigurationIsRefused() {
    PythonConfig other = PythonConfig.builder(TestPython.executable()).backend("jep").build();
    assertThatThrownBy(() -> PythonRuntime.open(other))
        .isInstanceOf(PythonStartException.class)
        .hasMessageContaining("module path")
        .hasMessageContaining("[GLORA_BRIDGE_TEST, OMP_NUM_THREADS]")
        .hasMessageContaining("one configuration per process");
  }
}
