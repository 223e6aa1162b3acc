package dev.glora.data;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

class SealedTestRuleTest {
  @Test
  void onlyRunsCanNameTheTestSplit() {
    JavaClasses classes =
        new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.glora");
    noClasses()
        .that()
        .resideOutsideOfPackages("dev.glora.run..", "dev.glora.data..")
        .should()
        .dependOnClassesThat()
        .belongToAnyOf(SealedTest.class)
        .because("the search and the training see train and val only")
        .check(classes);
  }
}
