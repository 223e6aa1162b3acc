"""Fetching a source once: the cache, its digests and its index.

<cache>/sources/<sha256>/<file>            the archive
<cache>/sources/<sha256>/source.json       what it was fetched as
<cache>/sources/<sha256>/tree/             its files, once someone asked for them
<cache>/sources/index/<sha256 of string>   which digest a source string had the first time
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glora import storage
from glora.errors import SourceError
from glora.sources import debian, pypi
from glora.sources.source import Source, carrier, check_digest, parse

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Fetched:
    """A source that is on this machine.

    Attributes:
        source: the source string.
        path: the archive, file or folder.
        digest: SHA-256 of the file; of a folder, of the list of its files' digests.
        cached: nothing had to be fetched.
    """

    source: str
    path: Path
    digest: str
    cached: bool

    def to_json(self) -> dict[str, Any]:
        """Return the plain values that cross into Java."""
        return {"path": str(self.path), "digest": self.digest, "cached": self.cached}


def fetch(
    source: str,
    sha256: str | None = None,
    cache: str | Path | None = None,
    *,
    python: str | None = None,
    progress: Progress | None = None,
) -> Fetched:
    """Bring a source onto this machine, or find that it is there already.

    Args:
        source: of one of the kinds in `KINDS`.
        sha256: the digest it must have; without it the pinned one, and where none is pinned the
            one that it had when it was fetched first.
        cache: the cache folder; by default `GLORA_CACHE` or `~/.cache/glora`.
        python: the Python executable whose pip fetches packages; by default this one.
        progress: called with the bytes so far and, where known, in total.

    Raises:
        ConfigurationError: the source string or the digest is malformed.
        SourceError: not found, no network, a cut download, or another digest.
        StorageError: no space, or the cache cannot be written.
    """
    spec = parse(source)
    expected = check_digest(sha256, source)
    folder = Path(cache).expanduser() if cache is not None else storage.default_cache()
    if spec.kind == "local":
        return _check(_local(source, spec), expected)
    if spec.kind == "hf":
        return _check(_hub(source, spec), expected)
    if spec.kind == "run":
        return _check(_of_run(source, folder / "runs" / spec.name), expected)
    if spec.kind == "drawn":
        return _check(_drawn(source, spec, folder / "drawn"), expected)
    if spec.kind == "sklearn":
        spec = carrier(spec)
    expected = expected or (spec.pin.sha256 if spec.pin else None)
    return _package(source, spec, expected, folder / "sources", python, progress)


def _package(
    source: str,
    spec: Source,
    expected: str | None,
    store: Path,
    python: str | None,
    progress: Progress | None,
) -> Fetched:
    index = store / "index" / f"{storage.sha256_json(str(spec))}.json"
    found = _cached(source, store, index, expected)
    if found is not None:
        return found
    with storage.locked(store):
        found = _cached(source, store, index, expected)  # another process may have been faster
        if found is not None:
            return found
        with storage.temporary_folder(store) as folder:
            archive = (
                debian.download(spec, folder, progress)
                if spec.kind == "debian"
                else pypi.download(spec, expected, folder, python, progress)
            )
            digest = storage.sha256_file(archive)
            if expected is not None and digest != expected:
                raise wrong_digest(source, digest, expected)
            return Fetched(source, _keep(archive, spec, digest, store, index), digest, False)


def _keep(archive: Path, spec: Source, digest: str, store: Path, index: Path) -> Path:
    """Move a checked archive to its place and note its source string."""
    note = {"format": 1, "source": str(spec), "file": archive.name, "sha256": digest}
    home = store / digest
    if home.exists():  # the archive in it is damaged; the tree beside it may be in use
        storage.move_file(archive, home / archive.name)
        storage.write_file(home / "source.json", storage.canonical_json(note))
    else:
        with storage.new_folder(home) as new:
            archive.rename(new / archive.name)
            (new / "source.json").write_bytes(storage.canonical_json(note))
    storage.write_file(index, storage.canonical_json({"source": str(spec), "sha256": digest}))
    return home / archive.name


def _cached(source: str, store: Path, index: Path, expected: str | None) -> Fetched | None:
    digest = expected
    if digest is None:
        note = _read(index)
        digest = note["sha256"] if note else None
    note = _read(store / digest / "source.json") if digest else None
    if digest is None or note is None:
        return None
    archive = store / digest / note["file"]
    if not archive.is_file() or storage.sha256_file(archive) != digest:
        return None
    return Fetched(source, archive, digest, True)


def _read(path: Path) -> dict[str, Any] | None:
    """Return a note of ours, or None: one that cannot be read costs a new download, no more."""
    try:
        value = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _local(source: str, spec: Source) -> Fetched:
    path = Path(spec.name).expanduser()
    if not path.exists():
        raise SourceError(
            f"The source {source} is not there: {path.absolute()} was not found; expected a file "
            f"or a folder, check the path."
        )
    path = path.resolve()
    digest = storage.sha256_json(storage.list_files(path)) if path.is_dir() else None
    return Fetched(source, path, digest or storage.sha256_file(path), True)


def _drawn(source: str, spec: Source, folder: Path) -> Fetched:
    """Note which recipe is meant: what is drawn by it is made where it is asked for."""
    recipe = storage.canonical_json({"drawn": spec.name, "version": spec.version})
    file = folder / f"{spec.name}-{spec.version}.json"
    if not file.is_file() or file.read_bytes() != recipe:
        storage.write_file(file, recipe)
    return Fetched(source, file, storage.sha256_file(file), True)


def _of_run(source: str, path: Path) -> Fetched:
    if not path.is_dir():
        raise SourceError(
            f"The source {source} is a model that a run makes, and {path} is not there; run the "
            f"experiment that names it as run:FILE.yaml, which makes it first."
        )
    return Fetched(source, path, storage.sha256_json(storage.list_files(path)), True)


def _hub(source: str, spec: Source) -> Fetched:
    import huggingface_hub
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = huggingface_hub.snapshot_download(
            spec.name, revision=spec.version, local_files_only=True
        )
    except (LocalEntryNotFoundError, HFValidationError) as error:
        raise SourceError(
            f"The source {source} is not in the hub's local cache, and only that is read; "
            f"download it with `hf download {spec.name}` or name a folder with local:PATH."
        ) from error
    path = Path(folder)
    return Fetched(source, path, storage.sha256_json(storage.list_files(path)), True)


def _check(fetched: Fetched, expected: str | None) -> Fetched:
    if expected is not None and fetched.digest != expected:
        raise wrong_digest(fetched.source, fetched.digest, expected)
    return fetched


def wrong_digest(source: str, found: str, expected: str) -> SourceError:
    """Return the error of a source that is not what was asked for."""
    return SourceError(
        f"The source {source} has the SHA-256 {found}, expected {expected}; nothing was kept. If "
        f"the new content is wanted, put its digest into the experiment, else find out who "
        f"changed it."
    )
