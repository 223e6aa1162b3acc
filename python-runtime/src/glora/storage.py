"""Files that are whole or absent.

Everything this package leaves on disk for a later process is written beside its final place,
flushed to the disk and renamed once. A process that is killed leaves at most a temporary
folder, which the next one removes. Nobody reads a file that is half there.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import filelock

from glora.errors import StorageError

_TEMPORARY = ".tmp-"
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
_NOT_WRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS}
_digests: dict[tuple[str, int, int, int, int, int], str] = {}


def default_cache() -> Path:
    """Return the folder of models and prepared data: `GLORA_CACHE`, else `~/.cache/glora`."""
    return Path(os.environ.get("GLORA_CACHE") or "~/.cache/glora").expanduser()


def canonical_json(value: Any) -> bytes:
    """Return the one JSON text of a value: sorted keys, no spaces, UTF-8."""
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode("utf-8")


def sha256_json(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON, in hex."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file, in hex.

    A digest is remembered for as long as the file's inode, size and times stay the same, since a
    run asks for the same 90 MB several times.
    """
    stat = path.stat()
    key = (
        str(path.resolve()),
        stat.st_dev,
        stat.st_ino,
        stat.st_size,
        stat.st_mtime_ns,
        stat.st_ctime_ns,
    )
    if key not in _digests:
        with path.open("rb") as file:
            _digests[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return _digests[key]


def list_files(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file under a folder, by its path with forward slashes."""
    return {
        path.relative_to(folder).as_posix(): sha256_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@contextlib.contextmanager
def storage_errors(folder: Path) -> Iterator[None]:
    """Turn a full disk and a folder that cannot be written into a sentence.

    Raises:
        StorageError: names the folder and, where the disk is full, the space that is left.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise no_space(folder) from error
        if error.errno in _NOT_WRITABLE:
            raise StorageError(
                f"{error.filename or folder} cannot be written ({error.strerror}); make it "
                f"writable or choose another folder with GLORA_CACHE or --runs."
            ) from error
        raise


def no_space(folder: Path) -> StorageError:
    """Return the error of a full disk."""
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    return StorageError(
        f"No space is left for {folder} ({free / 1e6:.0f} MB free); free some or choose another "
        f"disk with GLORA_CACHE or --runs, then run the same command again."
    )


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the one lock of a folder, and remove what killed processes left in it.

    Whoever holds the lock is the only writer, so any temporary folder it finds is a dead one's.
    """
    _make_folder(folder)
    with storage_errors(folder):
        lock = filelock.FileLock(str(folder / ".lock"))
        lock.acquire()
    try:
        for leftover in folder.glob(f"{_TEMPORARY}*"):
            _remove(leftover)
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def temporary_folder(parent: Path, name: str = "") -> Iterator[Path]:
    """Give a new empty folder inside `parent` that is gone afterwards unless it was renamed."""
    _make_folder(parent)
    with storage_errors(parent):
        folder = Path(tempfile.mkdtemp(prefix=f"{_TEMPORARY}{name}-", dir=parent))
    try:
        with storage_errors(parent):
            yield folder
    finally:
        _remove(folder)


@contextlib.contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder that becomes `target` when the block ends without an error.

    What stood at `target` before is replaced. Leftovers of earlier attempts at the same target
    are removed first, so two processes must not write one target at once: hold a lock.
    """
    sweep(target)
    with temporary_folder(target.parent, target.name) as folder:
        yield folder
        os.chmod(folder, 0o755)  # mkdtemp's 0700 would keep a shared cache private
        flush_tree(folder)
        if target.exists():
            # A reader may have a file of the old one mapped: rename keeps its inode alive.
            with temporary_folder(target.parent, target.name) as old:
                os.rename(target, old / "replaced")
                os.rename(folder, target)
                _flush_folder(target.parent)
        else:
            os.rename(folder, target)
            _flush_folder(target.parent)


def sweep(target: Path) -> None:
    """Remove what killed processes left of their attempts at `target`, of which none may run."""
    for leftover in target.parent.glob(f"{_TEMPORARY}{glob.escape(target.name)}-*"):
        _remove(leftover)


def write_file(path: Path, content: bytes) -> None:
    """Write a small file at once: it has the old content or the new one, never a part."""
    with temporary_folder(path.parent, path.name) as folder:
        new = folder / path.name
        new.write_bytes(content)
        move_file(new, path)


def move_file(source: Path, target: Path) -> None:
    """Flush a file and rename it over its final place, on the same disk."""
    _flush_file(source)
    os.replace(source, target)
    _flush_folder(target.parent)


def flush_tree(folder: Path) -> None:
    """Flush every file and folder below `folder`, and itself, to the disk."""
    for root, _, names in os.walk(folder):
        for name in names:
            _flush_file(Path(root, name))
        _flush_folder(Path(root))


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it; a path that can be none is the user's to change."""
    with storage_errors(folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError, FileNotFoundError) as error:
            raise StorageError(
                f"The folder {folder} cannot be made ({error.strerror}); expected a path where "
                f"folders can be, choose another with GLORA_CACHE or --runs."
            ) from error


def _flush_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _flush_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        # Another sweeper may be at the same folder: what is gone already is as it should be.
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
