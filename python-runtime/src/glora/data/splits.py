"""Splits that are disjoint, free of duplicates, and the same everywhere."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from glora.data.pictures import Picture
from glora.data.rows import Label, Row
from glora.data.task import Split, Task
from glora.errors import ConfigurationError

Labelled = TypeVar("Labelled", Row, Picture)

NAMES = ("train", "val", "test")


def normal_text(text: str) -> str:
    """Return what two texts have in common that an uncased tokenizer cannot tell apart.

    Compatibility forms, accents, case and white space are removed.
    """
    split = unicodedata.normalize("NFKD", text)
    bare = "".join(char for char in split if not unicodedata.combining(char))
    return " ".join(bare.casefold().split())


def normal_row(row: Row) -> str:
    """Return `normal_text` of a row, of a pair both with a line's end between."""
    text = normal_text(row.text)
    return text if row.pair is None else f"{text}\n{normal_text(row.pair)}"


def draw_splits(rows: Sequence[Row], split: Split, overlap: str = "refuse") -> dict[str, list[Row]]:
    """Deal rows out to train, val and test.

    Of texts that are equal after `normal_text` the first is kept, and none where their labels
    differ. The rest is sorted by SHA-256 of (seed, normal text): the order depends on no library's
    generator, and a row added or removed moves no other row. Train takes the first (or the first
    of each class), val the next, test what follows, up to its size. Stratified, the order is that
    of a row's place within its class, so that each split has the data's proportions.

    Rows with a group are dealt group by group, in the order of the groups' own hashes; what a
    split leaves of a group that it has a part of is left out.

    Rows with a split keep it; a split that no row has is dealt from train's.

    Args:
        rows: labelled texts.
        split: sizes and seed.
        overlap: what becomes of a text that stands in two given splits: `refuse`, or `drop`, which
            keeps it in the later of train, val, test.

    Raises:
        ConfigurationError: there are not enough rows, or given splits that overlap.
    """
    if any(row.split for row in rows):
        return _given(rows, split, overlap)
    clear = _by_group(_order(clear_rows(rows), split), split)
    wanted = (0 if split.shots else split.train) + split.val
    if len(clear) <= wanted:
        raise ConfigurationError(
            f"The data has {len(clear)} different labelled texts; expected more than the {wanted} "
            f"of train and val, so that test has some: lower task.split."
        )
    train, rest = take_train(clear, split)
    rest = _apart(rest, train)
    val = rest[: split.val]
    test = _apart(rest[split.val :], val)
    if not test:
        raise ConfigurationError(
            f"The data has {len(rest)} texts beside train (and beside its documents, where it has "
            f"some); expected more than the {split.val} of val, so that test has some: lower "
            f"task.split."
        )
    return {"train": train, "val": val, "test": test[: split.test]}


def further_test(rows: Sequence[Row], split: Split, seen: Iterable[Row]) -> list[Row]:
    """Draw a further test set: no text of it is among `seen`, the task's train and val.

    Raises:
        ConfigurationError: no text is left.
    """
    taken = {normal_row(row) for row in seen}
    left = [row for row in _order(clear_rows(rows), split) if normal_row(row) not in taken]
    if not left:
        raise ConfigurationError(
            "A further test set has no text that train and val do not have; expected another."
        )
    return left[: split.test]


def take_train(
    pool: Sequence[Labelled], split: Split, name: Callable[[int], str] = str
) -> tuple[list[Labelled], list[Labelled]]:
    """Return train, the first rows of a pool or the first of each class, and what is left.

    Args:
        pool: rows in the order in which they are dealt out.
        split: gives `train`, or `shots` for each class.
        name: of a class.

    Raises:
        ConfigurationError: a class of the pool has less than `shots` rows.
    """
    if split.shots is None:
        return list(pool[: split.train]), list(pool[split.train :])
    train: list[Labelled] = []
    rest: list[Labelled] = []
    counts: Counter[Any] = Counter()
    for row in pool:
        counts[row.label] += 1
        (train if counts[row.label] <= split.shots else rest).append(row)
    for label, count in sorted(counts.items()):
        if count < split.shots:
            raise ConfigurationError(
                f"The class {name(label)} has {count} rows for train; expected at least the "
                f"{split.shots} of task.split.shots."
            )
    return train, rest


def check_classes(parts: Mapping[str, Sequence[Row]], names: Sequence[str], task: Task) -> None:
    """Refuse a class that train lacks: no model learns it, and val or test may ask for it.

    Raises:
        ConfigurationError: with the class, and where it is instead.
    """
    if task.target == "number":
        return
    train = _labels(parts["train"])
    for index, name in enumerate(names):
        if index in train:
            continue
        elsewhere = [part for part in NAMES[1:] if index in _labels(parts[part])]
        what = "class" if task.target == "class" else "label"
        raise ConfigurationError(
            f"The train split has no row of the {what} {name!r}"
            + (f", which {' and '.join(elsewhere)} has" if elsewhere else "")
            + "; expected at least one: add rows of it, remove it"
            + (", or set task.split.stratified to true." if task.target == "class" else ".")
        )


def _labels(rows: Sequence[Row]) -> Counter[Label]:
    found: Counter[Label] = Counter()
    for row in rows:
        found.update(row.label if isinstance(row.label, tuple) else (row.label,))
    return found


def clear_rows(rows: Sequence[Row]) -> list[Row]:
    """Rows whose text is no other's, or the first of those that agree on the label."""
    labels: dict[str, set[Label]] = {}
    first: dict[str, Row] = {}
    for row in rows:
        key = normal_row(row)
        labels.setdefault(key, set()).add(row.label)
        first.setdefault(key, row)
    return [first[key] for key in first if len(labels[key]) == 1]


def _hash(seed: int, text: str) -> bytes:
    return hashlib.sha256(f"{seed}\n{text}".encode()).digest()


def _order(rows: Sequence[Row], split: Split) -> list[Row]:
    ordered = sorted(rows, key=lambda row: _hash(split.seed, normal_row(row)))
    if not split.stratified:
        return ordered
    return stratify(ordered)


def stratify(ordered: Sequence[Labelled]) -> list[Labelled]:
    """Put rows in the order of their places within their classes.

    Every stretch of the result has the classes in about the proportions of the whole.

    Args:
        ordered: rows with one class each, as drawn.
    """
    sizes: Counter[Any] = Counter(row.label for row in ordered)
    seen: Counter[Any] = Counter()
    places = []
    for row in ordered:
        places.append((seen[row.label] + 0.5) / sizes[row.label])
        seen[row.label] += 1
    # Sorting is stable: rows of one place stay in the order in which they were drawn.
    return [ordered[index] for index in sorted(range(len(ordered)), key=places.__getitem__)]


def _by_group(rows: Sequence[Row], split: Split) -> list[Row]:
    """Rows of one group after another, in the order of the groups' own hashes."""
    return sorted(rows, key=lambda row: b"" if row.group is None else _hash(split.seed, row.group))


def _apart(rows: Sequence[Row], taken: Sequence[Row]) -> list[Row]:
    """Rows of no group that an earlier split has a part of."""
    groups = {row.group for row in taken} - {None}
    return [row for row in rows if row.group not in groups]


def _given(rows: Sequence[Row], split: Split, overlap: str) -> dict[str, list[Row]]:
    given = {name: clear_rows([row for row in rows if row.split == name]) for name in NAMES}
    if not given["train"]:
        raise ConfigurationError(
            "The data names splits and none of its rows is of train; expected rows to train on."
        )
    _disjoint(given, overlap)
    parts = {name: _order(part, split) for name, part in given.items()}
    pool = parts["train"]
    for name, size in (("test", split.test), ("val", split.val)):
        if not parts[name]:
            parts[name], pool = pool[-size:], pool[:-size]
    parts["train"] = take_train(pool, split)[0] if split.shots else pool
    train = len(parts["train"]) if split.shots else split.train
    sizes = {"train": train, "val": split.val, "test": split.test}
    for name in ("train", "val"):
        if len(parts[name]) < sizes[name]:
            raise ConfigurationError(
                f"The {name} split has {len(parts[name])} different labelled texts; expected at "
                f"least the {sizes[name]} of task.split.{name}: lower it."
            )
    return {name: parts[name][: sizes[name]] for name in NAMES}


def _disjoint(given: dict[str, list[Row]], overlap: str) -> None:
    """Take texts of a later split out of the earlier ones, or refuse them."""
    for index, earlier in enumerate(NAMES):
        for later in NAMES[index + 1 :]:
            known = {normal_row(row) for row in given[later]}
            shared = [row for row in given[earlier] if normal_row(row) in known]
            if shared and overlap == "refuse":
                raise ConfigurationError(
                    f"{len(shared)} texts of {earlier} stand in {later} too (the first is "
                    f"{shared[0].text[:60]!r}); remove them from one of the two, or set "
                    f"task.overlap to drop, which takes them out of {earlier}."
                )
            given[earlier] = [row for row in given[earlier] if normal_row(row) not in known]
