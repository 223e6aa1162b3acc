from __future__ import annotations

import base64
import errno
import hashlib
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from glora import sources, storage
from glora.errors import ConfigurationError, EnvironmentNotUsable, SourceError, StorageError
from glora.sources import pypi
from glora.storage import locked

CONTENT = b"what the package carries\n" * 40


def make_wheel(folder: Path, version: str = "1.0", content: bytes = CONTENT) -> Path:
    """Write a wheel `glora-test-data` with one file in it."""
    files = {
        "glora_test_data/data.txt": content,
        f"glora_test_data-{version}.dist-info/METADATA": (
            f"Metadata-Version: 2.1\nName: glora-test-data\nVersion: {version}\n".encode()
        ),
        f"glora_test_data-{version}.dist-info/WHEEL": (
            b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
    }
    record = f"glora_test_data-{version}.dist-info/RECORD"
    lines = []
    for name, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(data)}")
    files[record] = ("\n".join([*lines, f"{record},,"]) + "\n").encode()
    path = folder / f"glora_test_data-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as zipped:
        for name, data in files.items():
            zipped.writestr(zipfile.ZipInfo(name), data)
    return path


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index that is a folder, with one wheel; pip sees no other."""
    folder = tmp_path / "index"
    folder.mkdir()
    make_wheel(folder)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def no_leftovers(cache: Path) -> bool:
    return not list(cache.rglob(f"{storage._TEMPORARY}*"))


def test_package_is_fetched_once_and_needs_no_index_from_then_on(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    digest = hashlib.sha256(next(index.iterdir()).read_bytes()).hexdigest()
    seen: list[int] = []

    first = sources.fetch(
        "pypi:glora_test.data==1.0", cache=cache, progress=lambda done, _: seen.append(done)
    )
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))
    monkeypatch.setattr(pypi, "download", None)  # a call would be an error
    again = sources.fetch("pypi:glora-test-data==1.0", cache=cache)

    assert (first.digest, first.cached) == (digest, False)
    assert again.to_json() == {"path": str(first.path), "digest": digest, "cached": True}
    assert sources.read_member(again.path, "data.txt") == CONTENT
    assert no_leftovers(cache)
    assert all(done >= 0 for done in seen)


def test_wrong_digest_names_both_and_keeps_nothing(index: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    found = hashlib.sha256(next(index.iterdir()).read_bytes()).hexdigest()
    expected = "ab" * 32

    with pytest.raises(SourceError, match=f"{found}, expected {expected}"):
        sources.fetch("pypi:glora-test-data==1.0", expected, cache)

    assert [path.name for path in (cache / "sources").iterdir()] == [".lock"]
    assert no_leftovers(cache)


def test_cut_download_is_an_error_even_without_a_known_digest(index: Path, tmp_path: Path) -> None:
    wheel = next(index.iterdir())
    wheel.write_bytes(wheel.read_bytes()[:-200])

    with pytest.raises(SourceError, match="cut"):
        sources.fetch("pypi:glora-test-data==1.0", cache=tmp_path / "cache")

    assert no_leftovers(tmp_path / "cache")


def test_missing_release_and_missing_network_are_told_apart(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SourceError, match="no such release"):
        sources.fetch("pypi:glora-test-data==9.9", cache=tmp_path / "cache")

    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    with pytest.raises(SourceError, match="cannot be reached") as raised:
        sources.fetch("pypi:glora-test-other==1.0", cache=tmp_path / "cache")
    assert "pip said" in raised.value.__notes__[0]


def test_full_disk_is_said_and_leaves_nothing(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"No space is left .* MB free"):
        sources.fetch("pypi:glora-test-data==1.0", cache=tmp_path / "cache")
    monkeypatch.undo()

    assert [path.name for path in (tmp_path / "cache" / "sources").iterdir()] == [".lock"]


def test_full_disk_in_pip_is_said(tmp_path: Path) -> None:
    said = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
    spec = sources.parse("pypi:glora-test-data==1.0")
    error = pypi._failure(spec, None, tmp_path / "sources" / ".tmp-x", said)
    assert isinstance(error, StorageError)


def test_damaged_archive_in_the_cache_is_fetched_again(index: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = sources.fetch("pypi:glora-test-data==1.0", cache=cache)
    first.path.write_bytes(b"damaged")

    again = sources.fetch("pypi:glora-test-data==1.0", cache=cache)

    assert not again.cached
    assert hashlib.sha256(again.path.read_bytes()).hexdigest() == first.digest


def test_leftovers_of_a_killed_process_are_swept(index: Path, tmp_path: Path) -> None:
    store = tmp_path / "cache" / "sources"
    dead = store / f"{storage._TEMPORARY}-dead"
    dead.mkdir(parents=True)
    (dead / "half.whl").write_bytes(b"half")

    sources.fetch("pypi:glora-test-data==1.0", cache=tmp_path / "cache")

    assert not dead.exists()


def test_two_processes_at_once_fetch_the_same_file(index: Path, tmp_path: Path) -> None:
    code = (
        "import json, sys; from glora import sources;"
        "f = sources.fetch('pypi:glora-test-data==1.0', cache=sys.argv[1]);"
        "t = sources.tree(f, __import__('pathlib').Path(sys.argv[1]));"
        "print(json.dumps([f.digest, f.cached, str(t)]))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "cache")]
    path = os.pathsep.join([str(Path(sources.__file__).parents[2]), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path}
    children = [
        subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)
        for _ in range(2)
    ]
    answers = [json.loads(child.communicate(timeout=120)[0]) for child in children]

    assert answers[0][0] == answers[1][0]
    assert sorted(answer[1] for answer in answers) == [False, True]
    assert answers[0][2] == answers[1][2]
    assert (Path(answers[0][2]) / "glora_test_data" / "data.txt").read_bytes() == CONTENT
    assert no_leftovers(tmp_path / "cache")


def test_changed_file_of_an_extracted_tree_is_restored(index: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    fetched = sources.fetch("pypi:glora-test-data==1.0", cache=cache)
    file = sources.tree(fetched, cache) / "glora_test_data" / "data.txt"
    file.write_bytes(b"changed")

    assert (sources.tree(fetched, cache) / "glora_test_data" / "data.txt").read_bytes() == CONTENT


@pytest.mark.parametrize("name", ["../outside.txt", "/outside.txt", "a/../../outside.txt"])
def test_archive_that_leaves_its_folder_is_refused(name: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.zip"
    with zipfile.ZipFile(bad, "w") as zipped:
        zipped.writestr(name, b"x")

    with pytest.raises(SourceError, match="out of its own folder"):
        sources.tree(sources.fetch(f"local:{bad}"), tmp_path / "cache")

    assert not list(tmp_path.rglob("outside.txt"))


def test_archive_with_a_link_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.tar.gz"
    with tarfile.open(bad, "w:gz") as tarred:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tarred.addfile(link)

    with pytest.raises(SourceError, match="link or a device"):
        sources.tree(sources.fetch(f"local:{bad}"), tmp_path / "cache")


def test_cut_local_archive_is_an_error(tmp_path: Path) -> None:
    whole = tmp_path / "whole.tar.gz"
    (tmp_path / "file").write_bytes(os.urandom(100_000))
    with tarfile.open(whole, "w:gz") as tarred:
        tarred.add(tmp_path / "file", "file")
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(whole.read_bytes()[:50_000])

    with pytest.raises(SourceError, match="damaged or cut"):
        sources.tree(sources.fetch(f"local:{cut}"), tmp_path / "cache")

    assert no_leftovers(tmp_path / "cache")


def test_local_digest_depends_on_content_not_on_place(tmp_path: Path) -> None:
    digests = []
    for place in ("a", "b"):
        (tmp_path / place / "sub").mkdir(parents=True)
        (tmp_path / place / "sub" / "file").write_text("same", encoding="utf-8")
        digests.append(sources.fetch(f"local:{tmp_path / place}").digest)
    assert digests[0] == digests[1]

    (tmp_path / "b" / "sub" / "file").write_text("other", encoding="utf-8")
    with pytest.raises(SourceError, match="nothing was kept"):
        sources.fetch(f"local:{tmp_path / 'b'}", digests[0])


def test_missing_local_path_and_missing_hub_entry_are_clear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SourceError, match="was not found"):
        sources.fetch(f"local:{tmp_path / 'missing'}")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(SourceError, match="hub's local cache"):
        sources.fetch("hf:glora-test/never-there")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pypy:name", "did you mean 'pypi'"),
        ("rpm:dataset-fashion-mnist", "expected one of: pypi:"),
        ("debian:../x", "not a Debian package's name"),
        ("sklearn:iris", "expected one of sklearn:digits"),
        ("no-colon", "of no known kind"),
        ("pypi:", "names nothing"),
        ("pypi:name>=1", "exact version"),
        ("pypi:--index-url=x", "exact version"),
    ],
)
def test_malformed_source_is_a_configuration_error(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        sources.parse(text)


def test_cache_that_can_be_no_folder_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("", encoding="utf-8")
    for folder in (file, file / "below"):
        with pytest.raises(StorageError, match=r"cannot be made .* GLORA_CACHE"), locked(folder):
            raise AssertionError("unreachable")


def test_malformed_digest_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="64 hexadecimal"):
        sources.fetch("local:.", "abc")


def test_package_without_a_version_means_the_pinned_one() -> None:
    spec = sources.parse("pypi:vaderSentiment")
    assert str(spec) == "pypi:vadersentiment==3.3.2"
    assert spec.pin is not None
    assert spec.pin.kind == "sdist"


def test_unusable_python_executable_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLORA_PYTHON_EXECUTABLE", "/nowhere/python3")
    with pytest.raises(EnvironmentNotUsable, match="nowhere"):
        pypi.executable()
