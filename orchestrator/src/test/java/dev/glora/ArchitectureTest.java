package dev.glora;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import dev.glora.run.CancelToken;
import dev.glora.run.RunListener;

/** Dependencies point one way. */
@AnalyzeClasses(packages = "dev.glora", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  @ArchTest
  static final ArchRule nobodyKnowsTheCommandLine =
      noClasses()
          .that()
          .resideOutsideOfPackage("dev.glora.cli..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("dev.glora.cli..");

  /** Nothing of glora but its Java API, what the methods of that take, and the shared root. */
  @ArchTest
  static final ArchRule commandLineUsesTheApiAlone =
      noClasses()
          .that()
          .resideInAPackage("dev.glora.cli..")
          .should()
          .dependOnClassesThat(
              resideInAPackage("dev.glora..")
                  .and(resideOutsideOfPackages("dev.glora", "dev.glora.api..", "dev.glora.cli.."))
                  .and(not(belongToAnyOf(RunListener.class, CancelToken.class))));

  @ArchTest
  static final ArchRule onlyTheCommandLineUsesTheApi =
      noClasses()
          .that()
          .resideOutsideOfPackages("dev.glora.cli..", "dev.glora.api..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("dev.glora.api..");

  @ArchTest
  static final ArchRule searchKnowsNoPython =
      noClasses()
          .that()
          .resideInAnyPackage(
              "dev.glora.search..",
              "dev.glora.experiment..",
              "dev.glora.store..",
              "dev.glora.plan..",
              "dev.glora.report..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("dev.glora.bridge..");

  @ArchTest
  static final ArchRule experimentsKnowNothingElse =
      noClasses()
          .that()
          .resideInAPackage("dev.glora.experiment..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.glora.data..",
              "dev.glora.search..",
              "dev.glora.train..",
              "dev.glora.run..",
              "dev.glora.store..",
              "dev.glora.plan..",
              "dev.glora.report..");

  @ArchTest
  static final ArchRule reportsReadTheStoreOnly =
      noClasses()
          .that()
          .resideInAnyPackage("dev.glora.report..", "dev.glora.store..", "dev.glora.plan..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.glora.data..", "dev.glora.search..", "dev.glora.train..", "dev.glora.run..");

  @ArchTest
  static final ArchRule loopsKnowNoStore =
      noClasses()
          .that()
          .resideInAnyPackage("dev.glora.data..", "dev.glora.search..", "dev.glora.train..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("dev.glora.store..", "dev.glora.run..", "dev.glora.report..");

  @ArchTest
  static final ArchRule bridgeKnowsNothingOfGlora =
      noClasses()
          .that()
          .resideInAPackage("dev.glora.bridge..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.glora",
              "dev.glora.cli..",
              "dev.glora.data..",
              "dev.glora.experiment..",
              "dev.glora.plan..",
              "dev.glora.report..",
              "dev.glora.run..",
              "dev.glora.search..",
              "dev.glora.store..",
              "dev.glora.train..");

  @ArchTest
  static final ArchRule packagesFormNoCircles =
      slices().matching("dev.glora.(*)..").should().beFreeOfCycles();
}
