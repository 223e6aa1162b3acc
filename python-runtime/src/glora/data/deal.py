"""Splits of pictures: given by the source, or drawn; without a picture in two of them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from glora.data.pictures import Picture, Pictures
from glora.data.splits import stratify, take_train
from glora.data.task import Split
from glora.errors import ConfigurationError


@dataclass(frozen=True)
class Dealt:
    """One split.

    Attributes:
        rows: its pictures.
        left_out: pictures of the source's part that are not used, since an equal one stands in
            the same part or in a later split, or equal ones have different labels.
    """

    rows: Sequence[Picture]
    left_out: int = 0


def deal(pictures: Pictures, split: Split) -> dict[str, Dealt]:
    """Deal pictures out to train, val and test.

    What is drawn is drawn by SHA-256 of (seed, pixels), so that it depends on no library's
    generator, and a picture more or less moves no other. A picture that stands in test too is left
    out of val and train, and one in val out of train. A published protocol is taken as it is; only
    val and test are drawn down to the sizes of `split` where they have more. Stratified, what is
    drawn has the classes in the proportions of all.

    Raises:
        ConfigurationError: a part is missing, there are not enough pictures, or train lacks a
            class.
    """
    if pictures.published:
        return _published(pictures, split)
    (pool, out), (val, val_out), (test, test_out) = pools(pictures, split.seed)
    if split.stratified:
        pool = stratify(pool)
    parts = pictures.parts
    if split.shots is None and len(pool) < split.train:
        raise ConfigurationError(
            f"The source has {len(pool)} different pictures for train; expected at least the "
            f"{split.train} of task.split.train, lower it."
        )
    train, rest = take_train(pool, split, lambda label: repr(pictures.labels[label]))
    if "val" not in parts:
        val, rest = rest[: split.val], rest[split.val :]
    if "test" not in parts:
        test = rest
    if len(val) < split.val or not test:
        raise ConfigurationError(
            f"The source has {len(pool)} different pictures to draw from, {len(val)} are left for "
            f"val and {len(test)} for test; expected {split.val} and some: lower task.split."
        )
    dealt = {
        "train": Dealt(train, out),
        "val": Dealt(val[: split.val], val_out),
        "test": Dealt(test[: split.test], test_out),
    }
    _classes(dealt, pictures.labels)
    return dealt


def pools(pictures: Pictures, seed: int) -> tuple[tuple[list[Picture], int], ...]:
    """Return what there is to draw train, val and test from, each with what was left out.

    Args:
        pictures: of a source without a published protocol.
        seed: decides the order.

    Returns:
        For train all that is not given to another part; for val and test the given pictures.

    Raises:
        ConfigurationError: parts without train or test.
    """
    parts = pictures.parts
    if "all" not in parts and not {"train", "test"} <= parts.keys():
        raise ConfigurationError(
            f"The source has the splits {', '.join(parts)}; expected train and test beside an "
            f"optional val, or no splits at all."
        )
    test, test_keys, test_out = _distinct(parts.get("test", ()), (), seed)
    val, val_keys, val_out = _distinct(parts.get("val", ()), test_keys, seed)
    pool, _, out = _distinct(parts.get("all", parts.get("train", ())), test_keys | val_keys, seed)
    return (pool, out), (val, val_out), (test, test_out)


def shifted(
    pictures: Pictures, split: Split, labels: Sequence[str], seen: Iterable[Picture]
) -> Dealt:
    """Deal out a further test set: of a source's test part, or of all that it has.

    Args:
        pictures: the further source.
        split: gives the seed and the greatest number of rows.
        labels: of the task; the further source's must be among them.
        seen: pictures of train and val, which are left out.

    Raises:
        ConfigurationError: its classes are others, or it has no pictures left.
    """
    unknown = [name for name in pictures.labels if name not in labels]
    if unknown:
        raise ConfigurationError(
            f"A further test set has the class {unknown[0]!r}; expected classes of the task: "
            f"{', '.join(labels[:10])}{' …' if len(labels) > 10 else ''}."
        )
    numbers = [labels.index(name) for name in pictures.labels]
    rows = [
        Picture(picture.name, numbers[picture.label], picture.content)
        for picture in pictures.parts.get("test", pictures.parts.get("all", ()))
    ]
    if pictures.published:
        return Dealt(_down(rows, split.test, split.seed))
    left, _, out = _distinct(rows, {picture.digest() for picture in seen}, split.seed)
    if not left:
        raise ConfigurationError(
            "A further test set has no picture that train and val do not have; expected another."
        )
    return Dealt(left[: split.test], out)


def _published(pictures: Pictures, split: Split) -> dict[str, Dealt]:
    missing = [name for name in ("train", "val", "test") if name not in pictures.parts]
    if missing:
        raise ConfigurationError(
            f"The source has no list for {missing[0]}; expected a task's own lists, such a folder "
            f"can be a further test set only."
        )
    train = pictures.parts["train"]
    if split.shots is None and len(train) != split.train:
        raise ConfigurationError(
            f"task.split.train is {split.train} and the protocol's list has {len(train)} rows; set "
            f"it to {len(train)}."
        )
    return {
        "train": Dealt(train),
        "val": Dealt(_down(pictures.parts["val"], split.val, split.seed)),
        "test": Dealt(_down(pictures.parts["test"], split.test, split.seed)),
    }


def _down(rows: Sequence[Picture], most: int, seed: int) -> Sequence[Picture]:
    """Draw rows down to a number of them, by name; in their own order."""
    if len(rows) <= most:
        return rows
    order = sorted(range(len(rows)), key=lambda i: _place(seed, rows[i].name.encode()))
    return [rows[i] for i in sorted(order[:most])]


def _place(seed: int, key: bytes) -> bytes:
    return hashlib.sha256(f"{seed}\n".encode() + key).digest()


def _distinct(
    rows: Iterable[Picture], taken: Collection[bytes], seed: int
) -> tuple[list[Picture], set[bytes], int]:
    """Return different pictures with one label each that are not taken, as drawn; their digests."""
    first: dict[bytes, Picture] = {}
    labels: dict[bytes, set[int]] = {}
    total = 0
    for picture in rows:
        total += 1
        key = picture.digest()
        first.setdefault(key, picture)
        labels.setdefault(key, set()).add(picture.label)
    clear = [key for key in first if len(labels[key]) == 1 and key not in taken]
    clear.sort(key=lambda key: _place(seed, key))
    return [first[key] for key in clear], set(first), total - len(clear)


def _classes(dealt: dict[str, Dealt], labels: Sequence[str]) -> None:
    there = {picture.label for picture in dealt["train"].rows}
    for name in ("val", "test"):
        for picture in dealt[name].rows:
            if picture.label not in there:
                raise ConfigurationError(
                    f"The class {labels[picture.label]!r} has pictures in {name} and none in "
                    f"train; expected every class in train: raise task.split.train, set "
                    f"task.split.shots, or remove the class."
                )
