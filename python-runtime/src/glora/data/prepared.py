"""Prepared sets: rows as a training loop reads them, in files that can be mapped.

    <cache>/prepared/<key>/
        set.json                 what it is (below)
        train.safetensors        one tensor [rows, ...row_shape] per column,
        val.safetensors          `labels` i64 [rows], and `lengths` i32 [rows] where a column is a
        test.safetensors         sequence: the number of leading valid positions
        test-NAME.safetensors    a further test set, where the task has some
        train.jsonl …            the rows' texts (of pictures their names) and labels, in the same
                                 order

    set.json: format, key, digest, task, labels, sources, target {kind, mean, deviation} where a
        row's label is not a class (then `labels` is f32 [rows, labels]: 0 and 1, or the number),
        columns  [{name, dtype, row_shape, sequence}]; of images also pixels {height, width, mean,
                 std}: `pixel_values` u8 [channels, height, width] are bytes, of which the model
                 gets (x / 255 - mean) / std
        cut      {split: texts that were longer than a row}, where there are some
        splits   {name: {file, rows, sha256, classes, texts: {file, sha256}}}; `classes` are the
                 rows of each class or label, and are not there for a number; `left_out`, where it
                 is not 0, counts rows of the source that stand in another split or contradict

`key` is the digest of all that decides the content, known before it is made; `digest` is that of
the content.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.numpy

from glora import storage
from glora.errors import SourceError, StorageError
from glora.losses import Target

FORMAT = 1
# Part of every key: raised when the same input would be prepared differently.
VERSION = 1
SPLITS = ("train", "val", "test")

Array = npt.NDArray[Any]
_NUMPY = {"U8": np.uint8, "I32": np.int32, "I64": np.int64, "F32": np.float32}
_NAMES = {np.dtype(kind): name for name, kind in _NUMPY.items()}


@dataclass(frozen=True)
class Prepared:
    """What preparing gives.

    Attributes:
        path: the prepared set's folder.
        digest: SHA-256 over its content.
        model_path: the model folder that it was prepared for.
        model_digest: SHA-256 of that model's weights.
        cached: it was there already.
    """

    path: Path
    digest: str
    model_path: Path
    model_digest: str
    cached: bool

    def to_json(self) -> dict[str, Any]:
        """Return the plain values that cross into Java."""
        return {
            "path": str(self.path),
            "digest": self.digest,
            "model_path": str(self.model_path),
            "model_digest": self.model_digest,
            "cached": self.cached,
        }


@dataclass(frozen=True)
class PreparedSet:
    """A prepared set that has been verified.

    Attributes:
        path: its folder.
        info: set.json.
    """

    path: Path
    info: Mapping[str, Any]

    @property
    def labels(self) -> list[str]:
        """The names of the classes."""
        return list(self.info["labels"])

    @property
    def target(self) -> Target:
        """What a row's label is."""
        return Target.of(self.info.get("target"))

    @property
    def digest(self) -> str:
        """SHA-256 over the content."""
        return str(self.info["digest"])

    def rows(self, split: str) -> int:
        """Return the number of rows of a split."""
        return int(self.info["splits"][split]["rows"])

    def arrays(self, split: str) -> dict[str, Array]:
        """Return a split's columns, `labels` and, of sequences, `lengths`."""
        return safetensors.numpy.load_file(self.path / self.info["splits"][split]["file"])

    def mapped(self, split: str) -> dict[str, Array]:
        """Return what `arrays` does, mapped read-only: for splits larger than the memory."""
        file = self.path / self.info["splits"][split]["file"]
        with file.open("rb") as opened:
            begin = int.from_bytes(opened.read(8), "little") + 8
            header = json.loads(opened.read(begin - 8))
        header.pop("__metadata__", None)
        return {
            name: np.memmap(
                file,
                _NUMPY[entry["dtype"]],
                "r",
                begin + entry["data_offsets"][0],
                tuple(entry["shape"]),
            )
            for name, entry in header.items()
        }

    def texts(self, split: str) -> list[str]:
        """Return a split's texts."""
        file = self.path / self.info["splits"][split]["texts"]["file"]
        lines = file.read_text("utf-8").split("\n")
        return [json.loads(line)["text"] for line in lines if line]


@dataclass(frozen=True)
class Stream:
    """An array that is too large to hold, as pieces along its first axis.

    Attributes:
        dtype: of its elements.
        shape: of the whole.
        chunks: makes the pieces, in order.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    chunks: Callable[[], Iterator[Array]]


@dataclass(frozen=True)
class SplitContent:
    """One split before it is written.

    Attributes:
        arrays: by name; `labels` is one and no stream.
        texts: the lines of its texts.
        notes: more for its entry in set.json.
        cut: how many of the texts were longer than a row.
    """

    arrays: Mapping[str, Array | Stream]
    texts: bytes
    notes: Mapping[str, Any] = field(default_factory=dict)
    cut: int = 0


def test_name(name: str) -> str:
    """Return the name of the split of a further test set; these are the names after `test`."""
    return f"test-{name}"


def write(
    store: Path,
    key: str,
    head: Mapping[str, Any],
    make: Callable[[], Mapping[str, SplitContent]],
) -> tuple[PreparedSet, bool]:
    """Return the prepared set of a key, made now if it is missing or damaged.

    Args:
        store: the folder of prepared sets.
        key: its name.
        head: `task`, `labels`, `columns` and `sources` of set.json, and `target`, if it has one.
        make: computes the splits.

    Returns:
        The set, and whether it was there already.
    """
    target = store / key
    found = _intact(target)
    if found is not None:
        return found, True
    with storage.locked(store):
        found = _intact(target)  # another process may have been faster
        if found is not None:
            return found, True
        with storage.new_folder(target) as folder:
            labelled = Target.of(head.get("target"))
            content = make()
            splits = {
                name: _write_split(folder, name, part, labelled) for name, part in content.items()
            }
            cut = {name: part.cut for name, part in content.items() if part.cut}
            info = {"format": FORMAT, "key": key, **head, "splits": splits}
            if cut:
                info["cut"] = cut
            info["digest"] = _digest(info)
            (folder / "set.json").write_text(
                json.dumps(info, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
            )
    return PreparedSet(target, info), False


def verify(path: str | Path) -> PreparedSet:
    """Return a prepared set for reading, after a check against its own digests.

    Raises:
        SourceError: it is no prepared set, or of a version that is not known.
        StorageError: a file is missing or not what its digest says.
    """
    folder = Path(path)
    file = folder / "set.json"
    if not file.is_file():
        raise SourceError(
            f"{folder} is no prepared set: it has no set.json; prepare the data anew."
        )
    try:
        info = json.loads(file.read_bytes())
        if info["format"] != FORMAT:
            raise SourceError(
                f"The prepared set {folder} has format {info['format']!r}, expected {FORMAT}; "
                f"prepare the data anew or use the glora that made it."
            )
        for split in info["splits"].values():
            for entry in (split, split["texts"]):
                _check_file(folder / entry["file"], entry["sha256"])
        digest = _digest(info)
        noted = info["digest"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StorageError(
            f"The file {file} is damaged ({error}); prepare the data anew."
        ) from error
    if noted != digest:
        raise StorageError(f"The file {file} has been changed; prepare the data anew.")
    return PreparedSet(folder, info)


def columns_of(
    columns: Mapping[str, tuple[str, list[int], bool]], pixels: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Return the `columns` of set.json from {name: (dtype, row shape, is a sequence)}.

    Args:
        columns: of one row.
        pixels: of images, `PixelInput.to_json`.
    """
    more = {"pixels": dict(pixels)} if pixels else {}
    return [
        {"name": name, "dtype": dtype, "row_shape": shape, "sequence": sequence, **more}
        for name, (dtype, shape, sequence) in columns.items()
    ]


def text_lines(
    texts: Sequence[str], labels: Sequence[Any], pairs: Sequence[str | None] = ()
) -> bytes:
    """Return a split's rows as JSON lines: text, of pairs the second one, and label.

    A label is a name, several, or a number.
    """
    lines = []
    for text, label, pair in zip(texts, labels, pairs or [None] * len(texts), strict=True):
        beside = {} if pair is None else {"pair": pair}
        lines.append(storage.canonical_json({"text": text, **beside, "label": label}))
    return b"".join(line + b"\n" for line in lines)


def _classes(labels: Array, target: Target) -> dict[str, list[int]]:
    if target.kind == "number":
        return {}
    counts = labels.sum(0) if target.kind == "labels" else np.bincount(labels)
    return {"classes": [int(count) for count in counts]}


def _write_split(folder: Path, name: str, content: SplitContent, target: Target) -> dict[str, Any]:
    file, texts = folder / f"{name}.safetensors", folder / f"{name}.jsonl"
    if any(isinstance(array, Stream) for array in content.arrays.values()):
        _write_streams(file, content.arrays)
    else:
        file.write_bytes(
            safetensors.numpy.save(
                {key: np.ascontiguousarray(array) for key, array in content.arrays.items()}
            )
        )
    texts.write_bytes(content.texts)
    labels = np.asarray(content.arrays["labels"])
    return {
        "file": file.name,
        "rows": len(labels),
        "sha256": storage.sha256_file(file),
        **_classes(labels, target),
        "texts": {"file": texts.name, "sha256": storage.sha256_file(texts)},
        **content.notes,
    }


def _write_streams(file: Path, arrays: Mapping[str, Array | Stream]) -> None:
    """Write a safetensors file piece by piece, in the format's order: widest types first."""
    order = sorted(arrays, key=lambda name: (-arrays[name].dtype.itemsize, name))
    header: dict[str, Any] = {}
    end = 0
    for name in order:
        begin, shape, dtype = end, arrays[name].shape, arrays[name].dtype
        end += int(np.prod(shape)) * dtype.itemsize
        header[name] = {
            "dtype": _NAMES[dtype],
            "shape": list(shape),
            "data_offsets": [begin, end],
        }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with file.open("wb") as out:
        out.write(len(text).to_bytes(8, "little") + text)
        for name in order:
            array = arrays[name]
            for chunk in array.chunks() if isinstance(array, Stream) else (array,):
                out.write(np.ascontiguousarray(chunk).data)


def _digest(info: Mapping[str, Any]) -> str:
    parts = ("labels", "columns", "splits", *(("target",) if "target" in info else ()))
    return storage.sha256_json({part: info[part] for part in parts})


def _check_file(path: Path, sha256: str) -> None:
    if not path.is_file():
        raise StorageError(f"The prepared set's file {path} is missing; prepare the data anew.")
    found = storage.sha256_file(path)
    if found != sha256:
        raise StorageError(
            f"The prepared set's file {path} has the SHA-256 {found}, expected {sha256}; prepare "
            f"the data anew."
        )


def _intact(target: Path) -> PreparedSet | None:
    """Return the set if it is there and whole; a damaged one is as good as none."""
    if not target.exists():
        return None
    try:
        return verify(target)
    except (SourceError, StorageError):
        return None
