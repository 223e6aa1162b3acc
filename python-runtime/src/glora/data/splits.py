"""Splits that are disjoint, free of duplicates, and the same everywhere."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence

from glora.data.rows import Label, Row
from glora.data.task import Split
from glora.errors import ConfigurationError


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
    generator, and a row added or removed moves no other row. Train takes the first, val the next,
    test what follows, up to its size.

    Raises:
        ConfigurationError: there are not enough rows, or train lacks a class.
    """
    labels: dict[str, set[Label]] = {}
    first: dict[str, Row] = {}
    for row in rows:
        key = normal_text(row.text)
        labels.setdefault(key, set()).add(row.label)
        first.setdefault(key, row)
    clear = [key for key in first if len(labels[key]) == 1]
    wanted = split.train + split.val
    if len(clear) <= wanted:
        raise ConfigurationError(
            f"The data has {len(clear)} different labelled texts; expected more than the {wanted} "
            f"of train and val, so that test has some: lower task.split."
        )
    clear.sort(key=lambda key: hashlib.sha256(f"{split.seed}\n{key}".encode()).digest())
    dealt = [first[key] for key in clear]
    return {
        "train": dealt[: split.train],
        "val": dealt[split.train : wanted],
        "test": dealt[wanted : wanted + split.test],
    }
