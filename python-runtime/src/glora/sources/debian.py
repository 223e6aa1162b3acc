"""Fetching a Debian package by apt, which checks it against the archive's signed index."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from glora import storage
from glora.errors import SourceError
from glora.sources.client import run, unexplained
from glora.sources.source import Source

_NO_SPACE = re.compile(r"No space left on device|Disk quota exceeded|enough free space")
_NOT_FOUND = re.compile(r"Unable to locate package|No packages found|was not found|no candidate")
_NO_NETWORK = re.compile(
    r"Could not resolve|Temporary failure|Could not connect|Unable to connect|Failed to fetch"
    r"|Connection (?:refused|timed out|failed)|Network is unreachable"
)


def download(
    spec: Source,
    folder: Path,
    progress: Callable[[int, int | None], None] | None,
) -> Path:
    """Download a package's file into an empty folder, without installing it.

    Args:
        spec: the package and version.
        folder: an empty folder that the caller removes.
        progress: called with the bytes so far and in total.

    Raises:
        SourceError: no apt, not found, no network, or a cut download.
        StorageError: no space.
    """
    name = spec.name + (f"={spec.version}" if spec.version else "")
    if shutil.which("apt-get") is None:
        raise SourceError(
            f"The source {spec} is not in the cache, and this machine has no apt-get to fetch it "
            f"with; download the package's .deb from packages.debian.org and name it by "
            f"local:PATH."
        )
    with tempfile.TemporaryDirectory(prefix="deb-", dir=folder) as work:
        # As root apt would drop to a user who cannot write here.
        command = ["apt-get", "--quiet", "--option", "APT::Sandbox::User=root", "download", name]
        total = spec.pin.bytes if spec.pin else None
        code, said = run(command, Path(work), total, progress, inside=True)
        files = list(Path(work).glob("*.deb"))
        if code == 0 and len(files) == 1:
            return files[0].rename(folder / files[0].name)
    raise _failure(spec, folder, said)


def _failure(spec: Source, folder: Path, said: str) -> Exception:
    error: Exception
    if _NO_SPACE.search(said):
        error = storage.no_space(folder.parent)
    elif _NOT_FOUND.search(said):
        error = SourceError(
            f"The source {spec} is not in the cache, and apt knows no such package or version; run "
            f"`apt-get update`, or download its .deb from packages.debian.org and name it by "
            f"local:PATH."
        )
    elif _NO_NETWORK.search(said):
        error = SourceError(
            f"The source {spec} is not in the cache and apt's archive cannot be reached; check "
            f"the network (or apt's sources) and run the same command again."
        )
    else:
        error = unexplained("apt-get", spec, said)
    error.add_note(f"apt-get said:\n{said.strip()}")
    return error
