"""Files inside of wheels, zips, tarballs and Debian packages.

Extraction is our own: only plain files and folders, only below the target, no modes, no links.
"""

from __future__ import annotations

import io
import json
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from glora import storage
from glora.errors import SourceError
from glora.sources.store import Fetched

_ZIP = (".whl", ".zip")
_TAR = (".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tar.xz")
_DEB = ".deb"
_AR, _AR_ENTRY = b"!<arch>\n", struct.Struct("16s12s6s6s8s10s2s")
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError)


def is_archive(path: Path) -> bool:
    """Say whether a file's name is that of an archive that can be read here."""
    return path.name.lower().endswith((*_ZIP, *_TAR, _DEB))


def tree(fetched: Fetched, cache: Path | None = None) -> Path:
    """Return the folder with the files of a source, extracted once into the cache.

    Every file is checked against the digest noted when it was extracted; if one has changed,
    the archive is extracted again.

    Raises:
        SourceError: the archive is damaged, unsafe, or no archive.
    """
    if fetched.path.is_dir():
        return fetched.path
    if not is_archive(fetched.path):
        raise SourceError(
            f"{fetched.source} is the file {fetched.path.name}; expected a folder or an archive "
            f"({', '.join((*_ZIP, *_TAR, _DEB))})."
        )
    home = (cache or storage.default_cache()) / "sources" / fetched.digest
    target = home / "tree"
    if not _whole(target):
        with storage.locked(home):
            if not _whole(target):
                with storage.new_folder(target) as folder:
                    _extract(fetched.path, folder / "files")
                    manifest = storage.list_files(folder / "files")
                    (folder / "manifest.json").write_bytes(storage.canonical_json(manifest))
    return target / "files"


def read_member(path: Path, name: str) -> bytes | None:
    """Return the content of the one file in an archive or folder that is called `name`.

    Raises:
        SourceError: the archive is damaged.
    """
    if path.is_dir():
        found = sorted(path.rglob(name))
        return found[0].read_bytes() if found else None
    for member, file in _members(path):
        if member.name == name:
            try:
                return file.read()
            except _DAMAGED as error:
                raise damaged(path, error) from error
    return None


def damaged(path: Path, error: Exception) -> SourceError:
    """Return the error of an archive that cannot be read to its end."""
    return SourceError(
        f"The archive {path} is damaged or cut ({error}); expected a whole one, remove it and "
        f"fetch or copy it anew."
    )


def _whole(target: Path) -> bool:
    try:
        noted = json.loads((target / "manifest.json").read_bytes())
    except (FileNotFoundError, ValueError):
        return False
    return bool(storage.list_files(target / "files") == noted)


def _extract(archive: Path, target: Path) -> None:
    target.mkdir()
    for member, file in _members(archive):
        path = target.joinpath(*member.parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as out:
            try:
                while block := file.read(1 << 20):
                    out.write(block)
            except _DAMAGED as error:
                raise damaged(archive, error) from error


def _members(archive: Path) -> Iterator[tuple[PurePosixPath, IO[bytes]]]:
    """Yield the plain files of an archive; folders are made as files need them."""
    try:
        if archive.name.lower().endswith(_ZIP):
            yield from _zip_members(archive)
        elif archive.name.lower().endswith(_DEB):
            with archive.open("rb") as file:
                yield from _tar_members(archive, _debian_data(archive, file))
        else:
            yield from _tar_members(archive)
    except _DAMAGED as error:
        raise damaged(archive, error) from error


def _zip_members(archive: Path) -> Iterator[tuple[PurePosixPath, IO[bytes]]]:
    with zipfile.ZipFile(archive) as zipped:
        for info in zipped.infolist():
            if not info.is_dir():
                with zipped.open(info) as file:
                    yield _safe(archive, info.filename), file


def _debian_data(archive: Path, file: IO[bytes]) -> IO[bytes]:
    """Return the tarball in a Debian package: an `ar` archive whose member data.tar.* it is.

    An entry is name, time, owner, group, mode, size and a mark, in text; data begin at even bytes.
    """
    if file.read(len(_AR)) != _AR:
        raise tarfile.ReadError("it does not begin as a Debian package")
    while header := file.read(_AR_ENTRY.size):
        if len(header) < _AR_ENTRY.size or header[-2:] != b"`\n":
            raise tarfile.ReadError("an entry of it is cut")
        fields = _AR_ENTRY.unpack(header)
        size = int(fields[5])
        if fields[0].strip(b" /").startswith(b"data.tar"):
            return io.BytesIO(file.read(size))
        file.seek(size + size % 2, io.SEEK_CUR)
    raise tarfile.ReadError("it holds no data.tar")


def _tar_members(
    archive: Path, file: IO[bytes] | None = None
) -> Iterator[tuple[PurePosixPath, IO[bytes]]]:
    with tarfile.open(archive, fileobj=file) as tarred:
        for info in tarred:
            if info.isfile():
                yield _safe(archive, info.name), tarred.extractfile(info) or io.BytesIO()
            elif not info.isdir():
                raise SourceError(
                    f"The archive {archive} holds {info.name!r}, which is a link or a device; "
                    f"expected plain files only, so it is not extracted."
                )


def _safe(archive: Path, name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or not path.parts:
        raise SourceError(
            f"The archive {archive} holds {name!r}, a path out of its own folder; it is not "
            f"extracted."
        )
    return path
