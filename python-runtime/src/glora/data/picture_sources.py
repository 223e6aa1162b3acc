"""Readers of pictures: digits, Fashion-MNIST's format, sprites, folders, and lists."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from glora import sources
from glora.data import few_shot, vtab
from glora.data.lists import entries
from glora.data.pictures import SUFFIXES, Picture, Pictures
from glora.data.task import Task
from glora.drawn import sprites
from glora.errors import ConfigurationError, SourceError

_DIGITS = "digits.csv.gz"
_IDX = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
# Names of split folders and lists, as people have them.
_SPLITS = {"train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",)}
_FASHION = (
    *("t-shirt/top", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
)


def read(fetched: sources.Fetched, task: Task) -> Pictures:
    """Read a source by what it is.

    Raises:
        ConfigurationError: the source holds nothing that is known, or bad pictures or lists.
        SourceError: what was fetched is damaged.
    """
    spec, path = sources.parse(task.source), fetched.path
    if spec.kind == "sklearn":
        return _digits(path)
    if spec.kind == "drawn":
        return _sprites(task)
    if spec.kind == "debian" or path.suffix == ".deb":
        return _idx(path)
    if path.is_file():
        return _lists({"all": path})
    home = path / task.domain if task.domain and (path / task.domain).is_dir() else path
    if vtab.is_task(home):
        return vtab.read(home, task.domain)
    if few_shot.is_task(home):
        return few_shot.read(home, task.split)
    if any((home / f"{name}{end}").is_file() for name in _IDX["train"] for end in ("", ".gz")):
        return _idx(home)
    lists = _found(lambda name: (home / f"{name}.txt").is_file())
    if lists:
        return _lists({part: home / f"{name}.txt" for part, name in lists.items()})
    return _folders(home, _found(lambda name: (home / name).is_dir()))


def _digits(path: Path) -> Pictures:
    content = sources.read_member(path, _DIGITS)
    if content is None:
        raise SourceError(f"{path} holds no {_DIGITS}; fetch scikit-learn's package anew.")
    try:
        numbers = np.loadtxt(
            gzip.decompress(content).decode("ascii").splitlines(), np.int64, delimiter=","
        )
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise SourceError(f"{_DIGITS} in {path} is damaged ({error}); fetch it anew.") from error
    # A line is 64 numbers from 0 (white) to 16, row by row, and the digit.
    gray = np.rint(numbers[:, :64] * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8)
    return Pictures(
        tuple("0123456789"), {"all": _rows("digit", gray, numbers[:, 64])}, {"reader": "digits"}
    )


def _sprites(task: Task) -> Pictures:
    if task.domain not in sprites.DOMAINS:
        raise ConfigurationError(
            f"task.domain is {task.domain!r}; expected one of {', '.join(sprites.DOMAINS)}, what "
            f"of a sprite is to be told."
        )
    # A few more than are needed: two small ellipses may happen to be alike.
    count = math.ceil(1.05 * (task.split.train + task.split.val + task.split.test))
    pictures, labels = sprites.draw(task.domain, count, task.split.seed)
    return Pictures(
        tuple(str(number) for number in range(sprites.BINS)),
        {"all": _rows("sprite", pictures, labels)},
        {"reader": "sprites", "domain": task.domain},
    )


def _idx(path: Path) -> Pictures:
    parts = {}
    for part, (images, labels) in _IDX.items():
        pixels = _idx_file(path, images, 3)
        numbers = _idx_file(path, labels, 1)
        if len(pixels) != len(numbers):
            raise ConfigurationError(
                f"{images} in {path} has {len(pixels)} pictures and {labels} {len(numbers)} "
                f"labels; expected as many, take files that belong together."
            )
        parts[part] = _rows(part, pixels, numbers.astype(np.int64))
    classes = 1 + max(picture.label for part in parts.values() for picture in part)
    names = _FASHION if classes == len(_FASHION) else tuple(map(str, range(classes)))
    return Pictures(names, parts, {"reader": "idx"})


def _idx_file(path: Path, name: str, axes: int) -> npt.NDArray[np.uint8]:
    """Read a file of the IDX format: two zeros, type (8: bytes), axes, their sizes, the numbers."""
    content = sources.read_member(path, f"{name}.gz")
    try:
        if content is not None:
            content = gzip.decompress(content)
        else:
            content = sources.read_member(path, name)
        if content is None:
            raise ConfigurationError(
                f"{path} holds neither {name}.gz nor {name}; expected the four files of the format "
                f"of MNIST."
            )
        if content[:4] != bytes((0, 0, 8, axes)):
            raise ValueError(f"it begins with {content[:4].hex()}")
        shape = np.frombuffer(content, ">u4", axes, 4)
        return np.frombuffer(content, np.uint8, -1, 4 + 4 * axes).reshape(shape)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise ConfigurationError(
            f"{name} in {path} is damaged or no IDX file of bytes with {axes} axes ({error}); "
            f"fetch it anew."
        ) from error


def _rows(
    name: str, pixels: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64]
) -> tuple[Picture, ...]:
    return tuple(
        Picture(f"{name} {number}", int(label), picture)
        for number, (picture, label) in enumerate(zip(pixels, labels, strict=True))
    )


def _found(there: Callable[[str], bool]) -> dict[str, str]:
    """Return the splits' own names by ours, of those that are there."""
    return {part: name for part, names in _SPLITS.items() for name in names if there(name)}


def _folders(home: Path, given: dict[str, str]) -> Pictures:
    """Read folders of classes, below the folders of splits where there are some."""
    roots = {part: home / name for part, name in given.items()} or {"all": home}
    if "train" not in roots and "all" not in roots:
        raise ConfigurationError(
            f"{home} has the folder {next(iter(given.values()))} and no folder train; expected "
            f"train, val and test, or folders of classes alone."
        )
    classes: dict[str, set[str]] = {
        part: {each.name for each in root.iterdir() if each.is_dir()}
        for part, root in roots.items()
    }
    names = sorted(set().union(*classes.values()))
    if len(names) < 2:
        raise ConfigurationError(
            f"{next(iter(roots.values()))} has {len(names)} folders of classes; expected at least "
            f"two, each with the pictures of its class, or lists train.txt and test.txt."
        )
    numbers = {name: number for number, name in enumerate(names)}
    parts = {}
    for part, root in roots.items():
        rows = []
        for name in sorted(classes[part]):
            files = _files(root / name)
            if not files:
                raise ConfigurationError(
                    f"The class folder {root / name} has no picture; expected files that end in "
                    f"{', '.join(SUFFIXES)}, fill or remove it."
                )
            rows += [
                Picture(file.relative_to(home).as_posix(), numbers[name], file) for file in files
            ]
        parts[part] = tuple(rows)
    return Pictures(tuple(names), parts, {"reader": "folders"})


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def _lists(files: dict[str, Path]) -> Pictures:
    """Read lists of `path label` lines; paths are relative to the list's folder."""
    lines = {part: list(entries(file)) for part, file in files.items()}
    names = _sorted({label for part in lines.values() for _, label in part})
    if len(names) < 2:
        raise ConfigurationError(
            f"{next(iter(files.values()))} names {len(names)} classes; expected at least two."
        )
    numbers = {name: number for number, name in enumerate(names)}
    return Pictures(
        tuple(names),
        {
            part: tuple(
                Picture(name, numbers[label], files[part].parent / name) for name, label in rows
            )
            for part, rows in lines.items()
        },
        {"reader": "lists"},
    )


def _sorted(labels: Iterable[str]) -> Sequence[str]:
    try:
        return sorted(labels, key=float)
    except ValueError:
        return sorted(labels)
