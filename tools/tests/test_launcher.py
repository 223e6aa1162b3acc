"""`./glora`: what it starts, with which flags, and what it leaves alone when nothing changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import SmallCheckout, write_jdk


@pytest.fixture
def ready(checkout: SmallCheckout) -> SmallCheckout:
    """A checkout whose set-up is done."""
    checkout.pretend_environment()
    assert checkout.glora("version").returncode == 0
    return checkout


def test_becomes_java_with_the_arguments_as_they_were(ready: SmallCheckout) -> None:
    done = ready.glora("show", "a run", "--json", "*", "")

    words = done.stdout.split("\n")
    assert words[-7:] == ["dev.glora.cli.Main", "show", "a run", "--json", "*", "", ""]
    (jars,) = (ready.root / ".build" / "jars").iterdir()
    assert words[words.index("-cp") + 1] == f"{jars}/*"
    assert f"-Dglora.root={ready.root}" in words
    assert {jar.name for jar in jars.iterdir()} == {"glora-orchestrator-0.jar", "library.jar"}


def test_only_who_asked_for_the_sandbox_of_policies_carries_it(ready: SmallCheckout) -> None:
    assert not (ready.root / ".build" / "policy").exists()

    done = ready.run(ready.root / "tools" / "setup", "policy")
    assert done.returncode == 0, done.stderr
    (policy,) = (ready.root / ".build" / "policy").iterdir()
    assert {jar.name for jar in policy.iterdir()} == {"glora-bridge-graalpy-0.jar", "sandbox.jar"}
    (jars,) = (ready.root / ".build" / "jars").iterdir()
    words = ready.glora("list").stdout.split("\n")
    assert words[words.index("-cp") + 1] == f"{jars}/*:{policy}/*"

    builds = ready.made().count("mvn")
    assert ready.run(ready.root / "tools" / "setup", "policy").returncode == 0
    assert ready.made().count("mvn") == builds

    # Of another state of the sources it is no part any more.
    sources = ready.root / "bridge" / "graalpy" / "src" / "main" / "java"
    (sources / "First.java").write_text("class First { int changed; }\n")
    words = ready.glora("list").stdout.split("\n")
    assert ":" not in words[words.index("-cp") + 1]


def test_starts_from_anywhere_through_links(ready: SmallCheckout, tmp_path: Path) -> None:
    absolute = tmp_path / "absolute link"
    absolute.symlink_to(ready.root / "glora")
    relative = tmp_path / "a folder with spaces" / "relative"
    relative.symlink_to(os.path.relpath(absolute, relative.parent))

    done = ready.run(relative, "version")

    assert done.returncode == 0, done.stderr
    assert f"-Dglora.root={ready.root}" in done.stdout.split("\n")


def test_starts_neither_python_nor_maven_when_nothing_changed(ready: SmallCheckout) -> None:
    before = ready.made()
    os.utime(ready.root / "bridge" / "src" / "main" / "java" / "First.java", (1, 1))

    assert ready.glora("list").returncode == 0
    assert ready.made() == before


@pytest.mark.parametrize("change", ["edit", "delete", "rename", "new module", "pom"])
def test_builds_again_when_sources_changed(ready: SmallCheckout, change: str) -> None:
    first = ready.root / "orchestrator" / "src" / "main" / "java" / "First.java"
    if change == "edit":
        first.write_text("class First { int changed; }\n")
    elif change == "delete":
        first.unlink()
    elif change == "rename":
        first.rename(first.with_name("Third.java"))
    elif change == "new module":
        (ready.root / "benchmarks" / "src" / "main").mkdir(parents=True)
        (ready.root / "benchmarks" / "src" / "main" / "notes").write_text("x")
    else:
        (ready.root / "bridge" / "pom.xml").write_text("<project> </project>")
    builds = ready.made().count("mvn")

    assert ready.glora("list").returncode == 0
    assert ready.made().count("mvn") == builds + 1


def test_equal_libraries_of_two_builds_are_one_file(ready: SmallCheckout) -> None:
    source = ready.root / "bridge" / "src" / "main" / "java" / "First.java"
    source.write_text("class First { int changed; }\n")
    assert ready.glora("list").returncode == 0

    libraries = list((ready.root / ".build" / "jars").glob("*/library.jar"))
    assert len(libraries) == 2
    assert libraries[0].samefile(libraries[1])


@pytest.mark.parametrize("place", ["requirements.lock", "requirements-torch.txt", "moved"])
def test_environment_is_not_ready_when_its_reasons_changed(
    ready: SmallCheckout, place: str
) -> None:
    assert ready.shell('environment_ready "$1"').returncode == 0
    if place == "moved":
        moved = ready.root.with_name("elsewhere")
        ready.root.rename(moved)
        done = ready.run("sh", "-c", '. "$1/tools/lib.sh"; environment_ready "$1"', "sh", moved)
    else:
        with (ready.root / "python-runtime" / place).open("a") as file:
            file.write("# changed\n")
        done = ready.shell('environment_ready "$1"')
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("version", "memory_flag"),
    [("17.0.15", False), ("22", False), ("23-ea", True), ("25.0.3", True)],
)
def test_picks_flags_by_the_version_of_java(
    ready: SmallCheckout, tmp_path: Path, version: str, memory_flag: bool
) -> None:
    home = tmp_path / "another jdk"
    write_jdk(home, version)

    words = ready.glora("list", JAVA_HOME=str(home)).stdout.split("\n")

    assert "--enable-native-access=ALL-UNNAMED" in words
    assert ("--sun-misc-unsafe-memory-access=allow" in words) == memory_flag


def test_only_verbs_that_answer_at_once_do_without_the_second_compiler(
    ready: SmallCheckout,
) -> None:
    flag = "-XX:TieredStopAtLevel=1"
    assert flag in ready.glora("--runs=x", "list").stdout.split("\n")
    assert flag not in ready.glora("--runs=x", "run", "file.yaml").stdout.split("\n")


@pytest.mark.parametrize("how", ["variable", "option", "option with ="])
def test_makes_no_environment_for_those_who_name_their_python(
    checkout: SmallCheckout, how: str
) -> None:
    words = {"variable": [], "option": ["--python", "/x"], "option with =": ["--python=/x"]}[how]
    variables = {"GLORA_PYTHON": "/x"} if how == "variable" else {}

    done = checkout.glora("doctor", *words, **variables)

    assert done.returncode == 0, done.stderr
    assert not (checkout.root / ".venv").exists()
