"""What is missing is said before anything is made: one sentence each, exit status 3."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import SmallCheckout, base_python, write_jdk, write_program


def sentences(stderr: str) -> dict[str, str]:
    """Returns the sentences by the thing they are about."""
    lines = [line.removeprefix("glora: ") for line in stderr.splitlines()]
    return {line.partition(":")[0]: line for line in lines}


def remove(checkout: SmallCheckout, *programs: str) -> None:
    for program in programs:
        (checkout.bin / program).unlink()


def refused(checkout: SmallCheckout, **variables: str) -> dict[str, str]:
    done = checkout.glora("version", **variables)
    assert done.returncode == 3
    assert done.stdout == ""
    assert not (checkout.root / ".venv").exists()
    assert not (checkout.root / ".build").exists()
    return sentences(done.stderr)


@pytest.mark.parametrize(
    ("programs", "about", "found"),
    [
        (["java", "javac"], "Java", "found no java on the PATH, expected a JDK 17 or newer;"),
        (["mvn"], "Maven", "found no mvn on the PATH, expected Maven 3.6.3 or newer;"),
        (["cc"], "C compiler", "found no working cc, gcc or clang on the PATH, expected one"),
        (["python3"], "Python", "found no python3 on the PATH, expected 3.11, 3.12 or 3.13 with"),
    ],
)
def test_a_missing_program_is_named(
    checkout: SmallCheckout, programs: list[str], about: str, found: str
) -> None:
    remove(checkout, *programs)

    said = refused(checkout)

    assert list(said) == [about]
    assert found in said[about]
    assert "install" in said[about]


def test_everything_missing_is_named_at_once(checkout: SmallCheckout) -> None:
    remove(checkout, "java", "javac", "mvn", "cc", "python3")

    assert sorted(refused(checkout)) == ["C compiler", "Java", "Maven", "Python"]


def test_an_old_java_is_named(checkout: SmallCheckout, tmp_path: Path) -> None:
    home = tmp_path / "old jdk"
    write_jdk(home, "11.0.2")

    said = refused(checkout, JAVA_HOME=str(home))

    assert f"found version 11 at {home}/bin/java, expected 17 or newer" in said["Java"]


def test_a_wrong_java_home_is_named(checkout: SmallCheckout) -> None:
    said = refused(checkout, JAVA_HOME="/nowhere")

    assert "JAVA_HOME is /nowhere, which has no bin/java" in said["Java"]


def test_a_java_without_its_compiler_is_named(checkout: SmallCheckout) -> None:
    remove(checkout, "javac")
    (checkout.jdk / "bin" / "javac").unlink()

    assert "without its compiler javac, expected a JDK 17" in refused(checkout)["Java"]


def test_a_compiler_that_does_not_run_is_no_compiler(checkout: SmallCheckout) -> None:
    write_program(checkout.bin / "cc", "#!/bin/sh\nexit 1\n")

    assert "found no working cc" in refused(checkout)["C compiler"]


def test_unsuitable_pythons_are_listed_with_the_reason(checkout: SmallCheckout) -> None:
    write_program(checkout.bin / "python3", "#!/bin/sh\necho '3.10.13 not 3.11 to 3.13'\n")
    shim = "#!/bin/sh\necho 'python3.12: command not found' >&2\nexit 127\n"
    write_program(checkout.bin / "python3.12", shim)

    said = refused(checkout)["Python"]

    assert f"found {checkout.bin}/python3 (3.10.13 not 3.11 to 3.13), expected 3.11" in said


def test_a_suitable_python_behind_an_unsuitable_one_is_found(
    checkout: SmallCheckout, tmp_path: Path
) -> None:
    write_program(checkout.bin / "python3", "#!/bin/sh\necho '3.10.13 not 3.11 to 3.13'\n")
    behind = tmp_path / "behind"
    write_program(behind / "python3.11", f'#!/bin/sh\nexec "{base_python()}" "$@"\n')

    done = checkout.run(checkout.root / "tools" / "setup", "check", PATH=f"{checkout.bin}:{behind}")

    assert done.returncode == 0
    assert f"at {behind}/python3.11" in done.stderr


def test_a_colon_in_the_path_is_refused(checkout: SmallCheckout) -> None:
    moved = checkout.root.with_name("a:b")
    checkout.root.rename(moved)

    done = checkout.run(moved / "glora", "version")

    assert done.returncode == 3
    assert "found a ':' in" in done.stderr


def test_an_unknown_part_of_the_set_up_is_wrong_usage(checkout: SmallCheckout) -> None:
    done = checkout.run(checkout.root / "tools" / "setup", "everything")

    assert done.returncode == 2
    assert "found 'everything', expected venv, jars, policy or check" in done.stderr
