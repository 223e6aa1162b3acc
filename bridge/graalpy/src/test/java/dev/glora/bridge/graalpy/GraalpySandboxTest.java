package dev.glora.bridge.graalpy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.glora.bridge.JavaFunction;
import dev.glora.bridge.PythonConfig;
import dev.glora.bridge.PythonException;
import dev.glora.bridge.PythonRuntime;
import dev.glora.bridge.TestPython;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each way out of the sandbox is tried, is refused, and leaves an interpreter that works. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class GraalpySandboxTest {

  private static final String SAMPLES = "bridge_samples";

  private Path modules;
  private Path outside;
  private PythonRuntime python;

  @BeforeAll
  void open(@TempDir Path folder) throws IOException {
    modules = Files.createDirectory(folder.resolve("modules"));
    outside = Files.writeString(folder.resolve("outside.py"), "SECRET = 'seen'\n");
    Files.copy(TestPython.modules().resolve(SAMPLES + ".py"), modules.resolve(SAMPLES + ".py"));
    Files.writeString(modules.resolve("inside.py"), "VALUE = 7\n");
    Files.createSymbolicLink(modules.resolve("link.py"), outside);
    python =
        PythonRuntime.open(
            PythonConfig.builder()
                .backend("graalpy")
                .environment("ONLY", "this")
                .modulePath(modules)
                .build());
  }

  @AfterAll
  void close() {
    python.close();
  }

  @AfterEach
  void theInterpreterWorks() {
    assertThat(python.call(SAMPLES, "total", 1L, 2L).join()).isEqualTo(3L);
  }

  private Object run(String expression) {
    return python.call(SAMPLES, "result_of", expression).join();
  }

  private PythonException refused(String expression) {
    Throwable failure = TestPython.failure(python.call(SAMPLES, "result_of", expression));
    assertThat(failure).as(expression).isInstanceOf(PythonException.class);
    return (PythonException) failure;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "open('/etc/passwd').read() | PermissionError",
        "open('/tmp/glora-sandbox', 'w') | PermissionError",
        "os.listdir('/') | PermissionError",
        "os.stat('/etc') | PermissionError",
        "os.remove('/etc/passwd') | PermissionError",
        "os.mkdir('/tmp/glora-sandbox') | PermissionError",
        "os.readlink('/proc/self/exe') | PermissionError",
        "open('/proc/self/environ').read() | PermissionError",
        "os.chdir('/tmp') | FileNotFoundError",
        "__import__('tempfile').mkdtemp() | FileNotFoundError",
        "__import__('socket').socket() | io.UnsupportedOperation",
        "__import__('socket').create_connection(('127.0.0.1', 80)) | io.UnsupportedOperation",
        "__import__('urllib.request').request.urlopen('http://127.0.0.1') | urllib.error.URLError",
        "__import__('subprocess').run(['true']) | PermissionError",
        "os.system('true') | PermissionError",
        "os.popen('true').read() | PermissionError",
        "os.execv('/bin/true', ['true']) | PermissionError",
        "os.fork() | AttributeError",
        "os.kill(1, 15) | ProcessLookupError",
        "__import__('signal').signal(15, print) | PermissionError",
        "__import__('signal').alarm(1) | PermissionError",
        "__import__('ctypes').CDLL(None) | ImportError",
        "__import__('sqlite3') | ImportError",
        "__import__('java').type('java.lang.System') | NotImplementedError",
        "__import__('java.lang.System') | NotImplementedError",
        "__import__('polyglot').eval(language='python', string='1') | RuntimeError",
        "__import__('polyglot').import_value('x') | NotImplementedError",
        "threading.Thread(target=print).start() | RuntimeError",
        "__import__('_thread').start_new_thread(print, ()) | RuntimeError",
        "__import__('outside') | ModuleNotFoundError",
        "__import__('link') | ModuleNotFoundError",
      })
  void aWayOutIsRefused(String expression, String type) {
    assertThat(refused(expression).type()).isEqualTo(type);
    assertThat(Path.of("/tmp/glora-sandbox")).doesNotExist();
  }

  @Test
  void nativeModulesNameTheBackendThatLoadsThem() {
    for (String module : List.of("numpy", "torch")) {
      PythonException e = refused("__import__('" + module + "')");
      assertThat(e.type()).isEqualTo("ImportError");
      assertThat(e.message()).contains("\"" + module + "\"").contains("backend \"jep\"");
    }
    assertThat(run("__import__('importlib.util').util.find_spec('no_such_module')")).isNull();
  }

  @Test
  void theModulePathIsReadOnly() {
    assertThat(run("__import__('inside').VALUE")).isEqualTo(7L);
    String file = modules.resolve("inside.py").toString();
    assertThat(run("open('" + file + "').read()")).isEqualTo("VALUE = 7\n");
    for (String mode : List.of("w", "a", "r+", "x")) {
      assertThat(refused("open('" + file + "', '" + mode + "')").type())
          .isIn("PermissionError", "FileExistsError");
    }
    assertThat(refused("os.remove('" + file + "')").type()).isEqualTo("PermissionError");
    for (String change :
        List.of(
            "os.rename('" + file + "', '" + file + "2')",
            "os.symlink('/etc', '" + modules + "/etc')",
            "os.link('" + file + "', '" + modules + "/second')")) {
      assertThat(refused(change).type()).isIn("PermissionError", "OSError");
    }
    assertThat(refused("open('" + modules + "/../outside.py')").type())
        .isEqualTo("PermissionError");
    assertThat(refused("open('" + modules + "/link.py')").type()).isEqualTo("PermissionError");
    assertThat(run("'inside.py' in os.listdir('" + modules + "')")).isEqualTo(true);
    assertThat(modules.resolve("inside.py")).hasContent("VALUE = 7");
    assertThat(modules.resolve("second")).doesNotExist();
  }

  /** No process's folder, user or environment: what this process has of them must not be seen. */
  @Test
  void thisProcessIsNotSeen() {
    assertThat(run("dict(os.environ)")).isEqualTo(Map.of("ONLY", "this"));
    assertThat(run("os.getcwd()")).isEqualTo("/");
    assertThat(refused("input()").type()).isEqualTo("EOFError");
  }

  @Test
  void aListeningSocketIsNotReached() throws IOException {
    try (ServerSocket server = new ServerSocket(0)) {
      server.setSoTimeout(200);
      String url = "http://127.0.0.1:" + server.getLocalPort();
      refused("__import__('urllib.request').request.urlopen('" + url + "')");
      Throwable nobody = null;
      try {
        server.accept().close();
      } catch (SocketTimeoutException e) {
        nobody = e;
      }
      assertThat(nobody).isNotNull();
    }
  }

  @Test
  void ofAJavaFunctionOnlyItsCallIsThere() {
    JavaFunction function = args -> 1L;
    python.call(SAMPLES, "keep_function", function).join();
    String proxy =
        "[c.cell_contents for c in kept[-1].__closure__ if 'Foreign' in str(type(c.cell_contents))]";
    assertThat(run("len(" + proxy + ")")).isEqualTo(1L);
    for (String name : List.of("getClass", "class", "wait", "notify", "hashCode")) {
      assertThat(refused("getattr(" + proxy + "[0], '" + name + "')").type())
          .isEqualTo("AttributeError");
    }
    python.call(SAMPLES, "let_go").join();
  }

  @Test
  void endingTheProcessEndsTheCall() {
    for (String exit : List.of("os._exit(3)", "sys.exit(3)", "__import__('_thread').exit()")) {
      assertThat(refused(exit).type()).isEqualTo("SystemExit");
    }
    assertThat(refused("os._exit(4)").message()).isEqualTo("4");
    assertThat(refused("os.abort()")).isNotNull();
  }

  @Test
  void endlessRecursionIsAnError() {
    run("sys.setrecursionlimit(10 ** 9)");
    assertThat(refused("(lambda f: f(f))(lambda f: f(f))").type()).isEqualTo("RecursionError");
    run("sys.setrecursionlimit(1000)");
  }
}
