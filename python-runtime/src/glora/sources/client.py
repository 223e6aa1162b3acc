"""Running a registry's ordinary client: what it says, how far it is, and its end with ours."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from glora.errors import SourceError

_POLL_SECONDS = 0.2


def run(
    command: Sequence[str],
    folder: Path,
    total: int | None,
    progress: Callable[[int, int | None], None] | None,
    *,
    inside: bool = False,
) -> tuple[int, str]:
    """Run a client and return its exit status and all that it said.

    Args:
        command: program and arguments.
        folder: gets its log and its temporary files; the folder's growth is the progress.
        total: bytes expected, if known.
        progress: called with the bytes so far and in total.
        inside: run it in that folder, for a client that writes where it is.
    """
    # The client's own temporary files go where ours do: they are swept with them, a full disk
    # shows on the right disk, and their size is the progress.
    environment = {**os.environ, "TMPDIR": str(folder), "LC_ALL": "C.UTF-8"}
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(
            command,
            cwd=folder if inside else None,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
        )
        try:
            # Short waits, not one long one: an embedding process stops us by an asynchronous
            # exception, which arrives only between two of them.
            while True:
                try:
                    code = child.wait(_POLL_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    if progress:
                        progress(min(_size(folder), total or sys.maxsize), total)
        except BaseException:
            child.kill()
            child.wait()
            raise
    return code, (folder / "log").read_text("utf-8", errors="replace")


def unexplained(client: str, spec: object, said: str) -> SourceError:
    """Return the error of a client whose words mean nothing to us: its last line."""
    last = next((line for line in reversed(said.splitlines()) if line.strip()), "no output")
    return SourceError(f"{client} could not fetch {spec}: {last.strip()}")


def _size(folder: Path) -> int:
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(root, name)).st_size
            except FileNotFoundError:  # the client has just moved it
                continue
    return total
