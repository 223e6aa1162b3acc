"""What every reader gives: labelled texts and the names of the labels."""

from __future__ import annotations

from dataclasses import dataclass

# By the kind of target: a class's number, the ascending numbers of several labels, a number.
Label = int | tuple[int, ...] | float


@dataclass(frozen=True)
class Row:
    """One labelled text.

    Attributes:
        text: as it is tokenised, white space normalised.
        label: number of its class; of several labels the numbers of those it has; or a number.
        pair: the second text of a pair.
        split: `train`, `val` or `test` where the data says so.
        group: what it belongs to, such as a document, that no two splits may share.
    """

    text: str
    label: Label
    pair: str | None = None
    split: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class Rows:
    """All labelled texts of a source, in its order.

    Attributes:
        labels: the names of the classes or labels; of a number the one name of what it is.
        rows: the texts.
        settings: what of the task decided them, beside the source itself.
    """

    labels: tuple[str, ...]
    rows: tuple[Row, ...]
    settings: dict[str, object]


def one_line(text: str) -> str:
    """Return a text with every run of white space as one space, none at its ends."""
    return " ".join(text.split())
