"""Splits that are disjoint, free of duplicates, and the same everywhere."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from glora.data.pictures import Picture
from glora.data.rows import Label, Row
from glora.data.task import Split
from glora.errors import ConfigurationError

Labelled = TypeVar("Labelled", Row, Picture)


def normal_text(text: str) -> str:
    """Return what two texts have in common that an uncased tokenizer cannot tell apart.

    Compatibility forms, accents, case and white space are removed.
    """
    split = unicodedata.normalize("NFKD", text)
    bare = "".join(char for char in split if not unicodedata.combining(char))
    return " ".join(bare.casefold().split())


def draw_splits(rows: Sequence[Row], split: Split) -> dict[str, list[Row]]:
    """Deal rows out to train, val and test.

    Of texts that are equal after `normal_text` the first is kept, and none where their labels
    differ. The rest is sorted by SHA-256 of (seed, normal text): the order depends on no library's
    generator, and a row added or removed moves no other row. Train takes the first (or the first
    of each class), val the next, test what follows, up to its size.

    Raises:
        ConfigurationError: there are not enough rows, or train lacks a class.
    """
    first, clear = _clear(rows, split.seed)
    wanted = (0 if split.shots else split.train) + split.val
    if len(clear) <= wanted:
        raise ConfigurationError(
            f"The data has {len(clear)} different labelled texts; expected more than the {wanted} "
            f"of train and val, so that test has some: lower task.split."
        )
    train, rest = take_train([first[key] for key in clear], split)
    if len(rest) <= split.val:
        raise ConfigurationError(
            f"The data has {len(rest)} texts beside train; expected more than the {split.val} of "
            f"val, so that test has some: lower task.split."
        )
    return {
        "train": train,
        "val": rest[: split.val],
        "test": rest[split.val : split.val + split.test],
    }


def further_test(rows: Sequence[Row], split: Split, seen: Iterable[Row]) -> list[Row]:
    """Draw a further test set: no text of it is among `seen`, the task's train and val.

    Raises:
        ConfigurationError: no text is left.
    """
    first, clear = _clear(rows, split.seed)
    taken = {normal_text(row.text) for row in seen}
    left = [first[key] for key in clear if key not in taken]
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


def _clear(rows: Sequence[Row], seed: int) -> tuple[dict[str, Row], list[str]]:
    """Return the first row of each normal text, and the texts with one label as dealt out."""
    labels: dict[str, set[Label]] = {}
    first: dict[str, Row] = {}
    for row in rows:
        key = normal_text(row.text)
        labels.setdefault(key, set()).add(row.label)
        first.setdefault(key, row)
    clear = [key for key in first if len(labels[key]) == 1]
    clear.sort(key=lambda key: hashlib.sha256(f"{seed}\n{key}".encode()).digest())
    return first, clear
