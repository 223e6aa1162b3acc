package dev.glora.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How errors arrive on every backend. */
public abstract class ErrorContract extends ValueContract {

  @Test
  void exceptionsKeepTypeMessageNotesFramesAndCauses() {
    PythonException e = error("raise_chain");
    assertThat(e.type()).isEqualTo("ValueError");
    assertThat(e.message()).isEqualTo("('outer', 7)");
    assertThat(e.getMessage()).isEqualTo("ValueError: ('outer', 7)");
    assertThat(e.notes()).containsExactly("first note", "second note");
    assertThat(e.traceback())
        .contains("raise error from outer")
        .contains("direct cause")
        .contains("KeyError: 'missing'")
        .contains("first note")
        .doesNotContain("trampoline");
    assertThat(e.frames()).hasSize(1);
    assertThat(e.frames().get(0).function()).isEqualTo("raise_chain");
    assertThat(e.frames().get(0).file()).endsWith("bridge_samples.py");
    assertThat(e.frames().get(0).line()).isPositive();
    assertThat(e.getStackTrace()[0].getMethodName()).isEqualTo("raise_chain");
    PythonException file = e.pythonCause().orElseThrow();
    assertThat(file.type()).isEqualTo("FileNotFoundError");
    assertThat(file.message()).isEqualTo("[Errno 2] No such file: '/x'");
    PythonException key = file.pythonCause().orElseThrow();
    assertThat(key.type()).isEqualTo("KeyError");
    assertThat(key.pythonCause()).isEmpty();
    assertThat(e.getCause()).isSameAs(file);
    assertThat(e.group()).isEmpty();
  }

  @Test
  void exceptionsRaisedWhileHandlingKeepTheFirst() {
    PythonException e = error("raise_while_handling");
    assertThat(e.type()).isEqualTo("TypeError");
    assertThat(e.pythonCause()).isEmpty();
    assertThat(e.pythonContext().orElseThrow().type()).isEqualTo("KeyError");
    assertThat(e.getCause()).isSameAs(e.pythonContext().orElseThrow());
  }

  @Test
  void suppressedContextsAreKeptAndNotShown() {
    PythonException e = error("raise_from_none");
    assertThat(e.pythonCause()).isEmpty();
    assertThat(e.pythonContext().orElseThrow().type()).isEqualTo("KeyError");
    assertThat(e.getCause()).isNull();
    assertThat(e.traceback()).doesNotContain("KeyError");
  }

  @Test
  void groupsKeepTheirParts() {
    PythonException e = error("raise_group");
    assertThat(e.type()).isEqualTo("ExceptionGroup");
    assertThat(e.group())
        .extracting(PythonException::type)
        .containsExactly("KeyError", "ExceptionGroup");
    PythonException inner = e.group().get(1);
    assertThat(inner.group()).extracting(PythonException::message).containsExactly("deep");
    assertThat(inner.group().get(0).pythonCause().orElseThrow().type()).isEqualTo("OSError");
  }

  @Test
  void exceptionsThatGoInCirclesArrive() {
    PythonException e = error("raise_circle");
    assertThat(e.type()).isEqualTo("ValueError");
    assertThat(e.pythonCause().orElseThrow().type()).isEqualTo("TypeError");
    assertThat(e.pythonCause().orElseThrow().pythonCause()).isEmpty();
  }

  @Test
  void oddExceptionsArriveToo() {
    assertThat(error("raise_unprintable").type()).isEqualTo("bridge_samples.Unprintable");
    assertThat(error("raise_undecodable").message()).isEqualTo("bad \\udcff name");
    PythonException recursion = error("recurse", 0L);
    assertThat(recursion.type()).isEqualTo("RecursionError");
    assertThat(recursion.frames()).hasSizeBetween(100, 500);
  }

  @Test
  void exitEndsTheCallAndNotTheProcess() {
    PythonException e = error("exit_with", 3L);
    assertThat(e.type()).isEqualTo("SystemExit");
    assertThat(e.message()).isEqualTo("3");
    assertThat(call("total", 1L, 1L)).isEqualTo(2L);
  }

  @Test
  void missingModulesAndFunctionsAreErrors() {
    Throwable module = TestPython.failure(python.call("no_such_module", "f"));
    assertThat(((PythonException) module).type()).isEqualTo("ModuleNotFoundError");
    assertThat(error("no_such_function").type()).isEqualTo("AttributeError");
    assertThat(error("kept").message()).contains("cannot be called");
  }

  @ParameterizedTest
  @ValueSource(strings = {"memory_error", "memory_wrapped"})
  void outOfMemoryHasItsOwnType(String function) {
    Throwable e = failure(function);
    assertThat(e).isInstanceOf(OutOfDeviceMemoryException.class);
    assertThat(e.getCause()).isInstanceOf(PythonException.class);
  }
}
