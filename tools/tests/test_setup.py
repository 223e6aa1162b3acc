"""The set-up: killed, doubled, failed, and finished by the next call."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import SmallCheckout

import setup_environment

ENVIRONMENT = "Python environment ("


def wait_until_begun(process: subprocess.Popen[str], title: str) -> None:
    """Reads progress until a step has been announced: its line ends only when the step does."""
    assert process.stderr is not None
    said = ""
    while title not in said:
        character = process.stderr.read(1)
        assert character, f"ended before {title!r}: {said}"
        said += character


def setup(checkout: SmallCheckout, *parts: str) -> tuple[Path, ...]:
    return (checkout.root / "tools" / "setup", *map(Path, parts))


def environment_works(checkout: SmallCheckout) -> bool:
    check = "import numpy, peft, safetensors, torch, transformers, jep, glora"
    return checkout.run(checkout.root / ".venv" / "bin" / "python", "-c", check).returncode == 0


def unfinished(checkout: SmallCheckout) -> list[Path]:
    return list((checkout.root / ".build").glob("unfinished-*"))


def test_killed_at_any_step_it_is_finished_by_the_next_call(checkout: SmallCheckout) -> None:
    draw = random.Random(3)
    steps = [ENVIRONMENT, draw.choice(["Python libraries", "PyTorch", "jep"]), "] jars"]
    for step in steps:
        process = checkout.start(checkout.root / "glora", "version", FAKE_MVN_SECONDS="1")
        wait_until_begun(process, step)
        time.sleep(draw.uniform(0.0, 0.5))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert not (checkout.root / ".build" / "jars").exists()

    done = checkout.glora("version")

    assert done.returncode == 0, done.stderr
    assert "dev.glora.cli.Main" in done.stdout
    assert environment_works(checkout)
    assert unfinished(checkout) == []
    # The environment was complete before the last kill, and is not made again.
    assert ENVIRONMENT not in done.stderr


def test_two_calls_at_once_make_everything_once(checkout: SmallCheckout) -> None:
    both = [checkout.start(checkout.root / "glora", "version") for _ in range(2)]
    said = [process.communicate(timeout=120)[1] for process in both]

    assert [process.returncode for process in both] == [0, 0], said
    assert sum(ENVIRONMENT in text for text in said) == 1
    assert checkout.made().count("mvn") == 1
    assert environment_works(checkout)


def test_the_next_call_waits_for_what_a_killed_one_has_left_running(
    checkout: SmallCheckout,
) -> None:
    first = checkout.start(*setup(checkout, "jars"), FAKE_MVN_SECONDS="2")
    wait_until_begun(first, "] jars")
    while "mvn" not in checkout.made():
        time.sleep(0.05)
    first.kill()  # the set-up alone; its Maven lives on

    done = checkout.run(*setup(checkout, "jars"))

    assert done.returncode == 0, done.stderr
    assert "waiting for another process, which makes the jars" in done.stderr
    assert unfinished(checkout) == []


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_to_the_command_ends_the_set_up_and_its_maven(
    checkout: SmallCheckout, number: signal.Signals, status: int
) -> None:
    checkout.pretend_environment()
    process = checkout.start(checkout.root / "glora", "version", FAKE_MVN_SECONDS="30")
    wait_until_begun(process, "] jars")
    while "mvn" not in checkout.made():
        time.sleep(0.05)

    os.kill(process.pid, number)
    process.wait(timeout=60)

    assert process.returncode == status
    assert "ended" in checkout.made()
    assert checkout.glora("version").returncode == 0


def test_a_package_with_another_digest_is_refused(checkout: SmallCheckout) -> None:
    lock = checkout.root / "python-runtime" / "requirements.lock"
    line = lock.read_text().splitlines()[0]
    lock.write_text(lock.read_text().replace(line[-64:], "0" * 64))

    done = checkout.run(*setup(checkout, "venv"))

    assert done.returncode == 3
    assert (
        "installing Python libraries failed: a downloaded package does not have the" in done.stderr
    )
    assert checkout.shell('environment_ready "$1"').returncode == 1


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        ("java.io.IOException: No space left on device", "the disk is full; free some space"),
        ("Unknown host repo.example.org", "a package registry could not be reached"),
        ("COMPILATION ERROR", "with status 1; the log says why"),
    ],
)
def test_a_failed_build_says_why_and_leaves_nothing_half(
    checkout: SmallCheckout, output: str, cause: str
) -> None:
    checkout.pretend_environment()

    done = checkout.glora("version", FAKE_MVN_ERROR=output)

    assert done.returncode == 3
    assert done.stdout == ""
    assert "glora: building the jars failed" in done.stderr
    assert cause in done.stderr
    assert output in done.stderr.splitlines()
    assert not (checkout.root / ".build" / "jars").exists()
    assert checkout.glora("version").returncode == 0


def test_a_link_in_the_place_of_the_environment_loses_only_itself(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("kept")
    (tmp_path / ".venv").symlink_to(precious)

    setup_environment.discard(tmp_path / ".venv")

    assert not (tmp_path / ".venv").is_symlink()
    assert (precious / "file").read_text() == "kept"
