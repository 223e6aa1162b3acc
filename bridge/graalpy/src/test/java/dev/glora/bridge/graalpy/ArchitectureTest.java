package dev.glora.bridge.graalpy;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The arrows: a backend knows the bridge and what it is built on, and no other backend. */
@AnalyzeClasses(
    packages = "dev.glora.bridge.graalpy",
    importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

  @ArchTest
  static final ArchRule ONLY_THE_BRIDGE_AND_GRAALVM =
      classes()
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              "dev.glora.bridge",
              "dev.glora.bridge.spi",
              "dev.glora.bridge.graalpy",
              "java..",
              "org.graalvm.polyglot..",
              "org.slf4j..");
}
