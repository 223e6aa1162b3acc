package dev.glora;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.DocumentationTool;
import javax.tools.JavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever is public or protected is documented in whole, as doclint understands that. */
class JavadocTest {
  /** A record's parameters are documented at the record. */
  private static final Pattern COMPACT_CONSTRUCTOR = Pattern.compile("public [A-Z]\\w* \\{");

  @TempDir Path folder;

  @Test
  void everythingPublicIsDocumented() throws IOException {
    Path sources = Path.of(System.getProperty("glora.root"), "orchestrator", "src", "main", "java");
    DocumentationTool tool = ToolProvider.getSystemDocumentationTool();
    DiagnosticCollector<JavaFileObject> diagnostics = new DiagnosticCollector<>();
    StringWriter output = new StringWriter();
    boolean made;
    try (StandardJavaFileManager files =
        tool.getStandardFileManager(diagnostics, Locale.ROOT, StandardCharsets.UTF_8)) {
      List<String> options =
          List.of(
              "-Xdoclint:all",
              "-Xmaxwarns",
              "10000",
              "-quiet",
              "-encoding",
              "UTF-8",
              "-d",
              folder.toString(),
              "-classpath",
              System.getProperty("java.class.path"),
              "-sourcepath",
              sources.toString(),
              "-subpackages",
              "dev.glora");
      made = tool.getTask(output, files, diagnostics, null, options, null).call();
    }

    List<String> found = new ArrayList<>();
    for (Diagnostic<? extends JavaFileObject> each : diagnostics.getDiagnostics()) {
      if (each.getSource() != null && !isCompactConstructor(each)) {
        found.add(
            each.getSource().getName() + ":" + each.getLineNumber() + " " + each.getMessage(null));
      }
    }
    assertThat(found).isEmpty();
    assertThat(made).as(output.toString()).isTrue();
    assertThat(folder.resolve("dev/glora/api/Glora.html")).exists();
  }

  private static boolean isCompactConstructor(Diagnostic<? extends JavaFileObject> each)
      throws IOException {
    if (each.getLineNumber() < 1) {
      return false;
    }
    List<String> lines = Files.readAllLines(Path.of(each.getSource().toUri()));
    return COMPACT_CONSTRUCTOR.matcher(lines.get((int) each.getLineNumber() - 1)).find();
  }
}
