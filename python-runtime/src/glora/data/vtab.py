"""VTAB-1k in the folders that its users share, and a look at what is wrong with such a copy.

    <root>/<task>/images/{train800,val200,train800val200,test}/000000.jpg
    <root>/<task>/{train800,val200,train800val200,test}.txt    lines: images/train800/000000.jpg 66

X. Zhai et al., "A Large-scale Study of Representation Learning with the Visual Task Adaptation
Benchmark", 2019: 800 and 200 labelled examples of each of 19 tasks, and the whole test set. The
thousand of train800val200 are the same examples, so this reader uses the first two lists: `train`
and `val`, which a training on all of them joins. vtab.json has each task's number of classes, its
group, the rows of its test set and, where they are known, the digests of its lists.
"""

from __future__ import annotations

import difflib
import functools
import importlib.resources
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image, JpegImagePlugin

from glora import storage
from glora.data.lists import numbered
from glora.data.pictures import Picture, Pictures
from glora.data.pictures import read as read_picture
from glora.errors import ConfigurationError

LISTS = {"train": "train800.txt", "val": "val200.txt", "test": "test.txt"}
BOTH = "train800val200.txt"
_ROWS = {"train": 800, "val": 200}
# Below this quality of JPEG a copy differs from its lossless original by what a model can see.
_GOOD_QUALITY = 92
_LOOKED_AT = 16
# Mean of the luminance table of JPEG's annex K, which is quality 50.
_BASE = 3688 / 64


@functools.cache
def tasks() -> dict[str, dict[str, Any]]:
    """Return what is known of the 19 tasks, by the name of the task's folder."""
    text = importlib.resources.files("glora.data").joinpath("vtab.json").read_text("utf-8")
    known: dict[str, dict[str, Any]] = json.loads(text)
    return known


def is_task(home: Path) -> bool:
    """Say whether a folder has the lists of a task."""
    return (home / LISTS["train"]).is_file()


def read(home: Path, name: str | None) -> Pictures:
    """Read the lists of a task.

    Args:
        home: the task's folder.
        name: the task's name, which says how many classes it has.

    Raises:
        ConfigurationError: the name is not known, a list is missing or not what it should be, or
            it names a picture that is not there.
    """
    if name not in tasks():
        near = difflib.get_close_matches(str(name), tasks(), n=1)
        raise ConfigurationError(
            f"task.domain is {name!r} and {home} has VTAB-1k's lists; expected the name of one of "
            f"its tasks: {', '.join(tasks())}" + (f" (the nearest is {near[0]})." if near else ".")
        )
    classes = int(tasks()[name]["classes"])
    problems = _list_problems(home, name)
    if problems:
        raise ConfigurationError(
            f"{problems[0]} `glora doctor --vtab {home.parent}` looks at all of them."
        )
    parts, digests = {}, {}
    for part, file in LISTS.items():
        rows = numbered(home / file)
        parts[part] = tuple(Picture(path, label, home / path) for path, label in rows)
        digests[file] = storage.sha256_file(home / file)
    settings = {"reader": "vtab-1k", "domain": name, "lists": digests}
    return Pictures(tuple(map(str, range(classes))), parts, settings, published=True)


@dataclass
class Looked:
    """What a look at one task found.

    Attributes:
        name: the task.
        there: it has a folder.
        problems: what keeps it from being run, a sentence each.
        notes: what makes its numbers other than published ones, a sentence each.
    """

    name: str
    there: bool
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the plain values that cross into Java."""
        known = tasks()[self.name]
        return {
            "name": self.name,
            "group": known["group"],
            "classes": known["classes"],
            "there": self.there,
            "problems": self.problems,
            "notes": self.notes,
        }


def look(root: Path) -> list[Looked]:
    """Look at a copy of VTAB-1k: lists, pictures, and how its pictures were stored.

    Raises:
        ConfigurationError: the folder does not exist.
    """
    if not root.is_dir():
        raise ConfigurationError(
            f"The folder {root} was not found; expected one with a folder for each task of VTAB-1k."
        )
    return [_look(root / name, name) for name in tasks()]


def _look(home: Path, name: str) -> Looked:
    found = Looked(name, home.is_dir())
    if not found.there:
        found.problems.append(f"The folder {home} is missing.")
        return found
    found.problems += _list_problems(home, name)
    if found.problems:
        return found
    known = tasks()[name]
    files: list[Path] = []
    for part, file in {**LISTS, "both": BOTH}.items():
        if not (home / file).is_file():
            found.notes.append(f"{name} has no {file}; it is not needed here, train and val are.")
            continue
        rows = numbered(home / file)
        missing = [path for path, _ in rows if not (home / path).is_file()]
        if missing and part != "both":
            found.problems.append(
                f"{len(missing)} of the {len(rows)} pictures in {home / file} are missing, the "
                f"first one is {missing[0]}."
            )
        digest = known.get("lists", {}).get(file)
        if digest and storage.sha256_file(home / file) != digest:
            found.notes.append(f"{home / file} is not the list that others use (by its SHA-256).")
        files += [home / path for path, _ in rows[:: max(1, len(rows) // 4)]][:4]
        if part == "test" and len(rows) != known["test"]:
            found.notes.append(
                f"{home / file} has {len(rows)} pictures; the benchmark's test set has "
                f"{known['test']}."
            )
        absent = sorted(set(range(known["classes"])) - {label for _, label in rows})
        if part == "train" and absent:
            found.notes.append(
                f"{len(absent)} of {known['classes']} classes have no picture in {file}, as the "
                f"draw of the benchmark may have it."
            )
    if not found.problems:
        found.notes += _storage_notes(name, files[:_LOOKED_AT])
        for picture in files[:_LOOKED_AT]:
            try:
                read_picture(picture)
            except ConfigurationError as error:
                found.problems.append(str(error))
    return found


def _list_problems(home: Path, name: str) -> list[str]:
    """What is wrong with a task's lists: sentences."""
    classes = int(tasks()[name]["classes"])
    problems = []
    rows: dict[str, list[tuple[str, int]]] = {}
    for part, file in LISTS.items():
        if not (home / file).is_file():
            problems.append(f"The list {home / file} is missing.")
            continue
        rows[part] = numbered(home / file)
        wanted = _ROWS.get(part, len(rows[part]))
        if len(rows[part]) != wanted:
            problems.append(
                f"The list {home / file} has {len(rows[part])} lines, expected {wanted}."
            )
        highest = max(label for _, label in rows[part])
        if highest >= classes:
            problems.append(
                f"The list {home / file} has the label {highest}; {name} has {classes} classes, "
                f"so expected at most {classes - 1}."
            )
    if (home / BOTH).is_file() and {"train", "val"} <= rows.keys():
        both = [label for _, label in numbered(home / BOTH)]
        if both != [label for part in ("train", "val") for _, label in rows[part]]:
            problems.append(
                f"The labels of {home / BOTH} are not those of {LISTS['train']} and then "
                f"{LISTS['val']}; expected the same thousand examples."
            )
    return problems


def _storage_notes(name: str, files: Sequence[Path]) -> list[str]:
    qualities = []
    for file in files:
        with Image.open(file) as image:
            if isinstance(image, JpegImagePlugin.JpegImageFile):
                qualities.append(quality(image.quantization[0]))
    if not qualities or min(qualities) >= _GOOD_QUALITY:
        return []
    return [
        f"The pictures of {name} are JPEG of a quality around {min(qualities)}, compressed anew "
        f"when the copy was made: copies of this kind have cost up to ten points (CIFAR); a copy "
        f"as PNG is the benchmark's own data."
    ]


def quality(table: Sequence[int]) -> int:
    """Return the quality (1 to 100) of the Independent JPEG Group's scale that a table is near.

    Args:
        table: the 64 numbers of the luminance, in any order.
    """
    percent = 100 * sum(table) / len(table) / _BASE
    return max(1, min(100, round((200 - percent) / 2 if percent <= 100 else 5000 / percent)))
