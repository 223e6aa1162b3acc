package dev.glora.bridge;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The arrows: the bridge knows Python and memory, and nothing of what it is used for. */
@AnalyzeClasses(packages = "dev.glora", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

  @ArchTest
  static final ArchRule BRIDGE_KNOWS_NOTHING_OF_GLORA =
      classes()
          .that()
          .resideInAPackage("dev.glora.bridge..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              "dev.glora.bridge..", "java..", "jep..", "org.slf4j..", "com.fasterxml.jackson..");

  @ArchTest
  static final ArchRule ONLY_ITS_BACKEND_KNOWS_JEP =
      noClasses()
          .that()
          .resideOutsideOfPackage("dev.glora.bridge.jep..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("jep..", "dev.glora.bridge.jep..");
}
