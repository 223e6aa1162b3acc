"""Fetching one file of a package by pip, the ordinary client of the index."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from glora import storage
from glora.errors import EnvironmentNotUsable, SourceError
from glora.sources.client import run, unexplained
from glora.sources.source import Source

_FORMAT = {"wheel": ["--only-binary", ":all:"], "sdist": ["--no-binary", ":all:"]}

_NO_SPACE = re.compile(r"No space left on device|Disk quota exceeded")
_CUT = re.compile(r"IncompleteRead|incomplete-download|not enough bytes|has an invalid wheel")
_NO_NETWORK = re.compile(
    r"Failed to establish a new connection|NewConnectionError|NameResolutionError|Name or service"
    r"|name resolution|Network is unreachable|[Cc]onnect(?:ion )?[Tt]imeout|timed out"
    r"|Connection (?:refused|reset|aborted|broken)|ProxyError|SSLError|RemoteDisconnected"
)
_NOT_FOUND = re.compile(r"No matching distribution found|Could not find a version")
_OTHER_DIGEST = re.compile(r"Got\s+([0-9a-f]{64})")


def download(
    spec: Source,
    expected: str | None,
    folder: Path,
    python: str | None,
    progress: Callable[[int, int | None], None] | None,
) -> Path:
    """Download one file of a release into an empty folder.

    A source distribution runs its `setup.py` in pip, so it is taken only where its digest is
    known, which pip compares before it opens the file. Without a digest only wheels are.

    Args:
        spec: the package and version.
        expected: its SHA-256, if known.
        folder: an empty folder that the caller removes.
        python: the Python whose pip is used; by default this process's.
        progress: called with the bytes so far and in total.

    Raises:
        SourceError: not found, no network, a cut download, or another digest.
        StorageError: no space.
    """
    kinds: list[str] = (
        [spec.pin.kind] if spec.pin else ["wheel", "sdist"] if expected else ["wheel"]
    )
    said = ""  # of all attempts: another digest tells more than that the other kind is missing
    for kind in kinds:
        with tempfile.TemporaryDirectory(prefix=f"{kind}-", dir=folder) as work:
            code, output = _pip(spec, kind, expected, Path(work), python, progress)
            files = list(Path(work, "files").glob("*"))
            if code == 0 and len(files) == 1:
                archive = files[0].rename(folder / files[0].name)
                _check_wheel(spec, archive)
                return archive
        said += output
        retry = _NOT_FOUND.search(output) or _OTHER_DIGEST.search(output)
        if not retry or _NO_NETWORK.search(output):
            break
    raise _failure(spec, expected, folder, said)


def _pip(
    spec: Source,
    kind: str,
    expected: str | None,
    work: Path,
    python: str | None,
    progress: Callable[[int, int | None], None] | None,
) -> tuple[int, str]:
    """Run pip and return its exit status and all that it said."""
    release = spec.name + (f"=={spec.version}" if spec.version else "")
    requirement = release + (f" --hash=sha256:{expected}" if expected else "")
    (work / "requirement.txt").write_text(requirement + "\n", encoding="utf-8")
    command = [python or executable(), "-I", "-m", "pip", "download"]
    command += ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    command += ["--retries", "2", "--no-deps", "--no-build-isolation", *_FORMAT[kind]]
    command += ["--dest", str(work / "files"), "--requirement", str(work / "requirement.txt")]
    command += spec.pin.options if spec.pin else ()
    total = spec.pin.bytes if spec.pin else None
    return run(command, work, total, progress)


def executable() -> str:
    """Return the Python executable whose pip is used.

    Inside another program `sys.executable` may be that program, so `GLORA_PYTHON_EXECUTABLE` and
    the environment's own `bin/python` are looked at too.

    Raises:
        EnvironmentNotUsable: none of them is there.
    """
    named = os.environ.get("GLORA_PYTHON_EXECUTABLE")
    tried = [named] if named else [sys.executable, str(Path(sys.prefix, "bin", "python"))]
    for path in tried:
        if path and Path(path).name.startswith(("python", "pypy")) and os.access(path, os.X_OK):
            return path
    raise EnvironmentNotUsable(
        f"No Python executable was found to run pip with (tried {', '.join(map(repr, tried))}); "
        f"set GLORA_PYTHON_EXECUTABLE to the environment's python."
    )


def _check_wheel(spec: Source, archive: Path) -> None:
    """Read a wheel to its end: without a digest nothing else would notice that it is cut."""
    if archive.suffix != ".whl":
        return
    try:
        with zipfile.ZipFile(archive) as zipped:
            bad = zipped.testzip()
    except (zipfile.BadZipFile, EOFError) as error:
        raise _cut(spec) from error
    if bad is not None:
        raise _cut(spec)


def _cut(spec: Source) -> SourceError:
    return SourceError(
        f"The download of {spec} was cut: the file is not whole; nothing was kept, run the same "
        f"command again."
    )


def _failure(spec: Source, expected: str | None, folder: Path, said: str) -> Exception:
    """Say in one sentence what pip's output means; the output itself is the note."""
    digest = _OTHER_DIGEST.search(said)
    error: Exception
    if _NO_SPACE.search(said):
        error = storage.no_space(folder.parent)
    elif digest:
        error = SourceError(
            f"The source {spec} has the SHA-256 {digest[1]}, expected {expected}; nothing was "
            f"kept. The download may have been cut: run the same command again; if it stays, the "
            f"file is not the one that the experiment was made with."
        )
    elif _NO_NETWORK.search(said):
        error = SourceError(
            f"The source {spec} is not in the cache and the package index cannot be reached; "
            f"check the network (or pip's index settings) and run the same command again."
        )
    elif _CUT.search(said):
        error = _cut(spec)
    elif _NOT_FOUND.search(said):
        wanted = "" if expected else " as a wheel (without a sha256 nothing else is taken)"
        error = SourceError(
            f"The source {spec} is not in the cache, and pip found no such release{wanted}; "
            f"check its name and version, and pip's index settings."
        )
    else:
        error = unexplained("pip", spec, said)
    error.add_note(f"pip said:\n{said.strip()}")
    return error
