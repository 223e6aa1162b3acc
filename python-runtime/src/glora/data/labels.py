"""From the cells of a label column to labels: classes, several labels, numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from glora.data.rows import Label, Row
from glora.data.task import Task
from glora.errors import ConfigurationError

__all__ = ["Cell", "array", "named", "number", "read", "several", "target_of"]

_YES_NO = {"1": True, "0": False, "true": True, "false": False}


@dataclass(frozen=True)
class Cell:
    """What a row says of its label.

    Attributes:
        where: how messages name the row.
        text: the row's text, for messages.
        values: of each label column the cell.
    """

    where: str
    text: str
    values: Sequence[Any]


def read(source: str, cells: Sequence[Cell], task: Task) -> tuple[tuple[str, ...], list[Label]]:
    """Read the labels of all rows.

    Args:
        source: how messages name the data.
        cells: one for each row.
        task: `target`, `label_column` and `label_separator` are used.

    Returns:
        The names (of a number the one of its column) and each row's label.

    Raises:
        ConfigurationError: a cell that is not of the task's target, or too few classes.
    """
    if task.target == "number":
        return (task.label_columns[0],), [number(cell, task.label_columns[0]) for cell in cells]
    if task.target == "labels":
        return _several(source, cells, task)
    return _classes(source, cells, task)


def _classes(source: str, cells: Sequence[Cell], task: Task) -> tuple[tuple[str, ...], list[Label]]:
    found = []
    for cell in cells:
        value = cell.values[0]
        if isinstance(value, list | dict):
            raise ConfigurationError(
                f"{cell.where} has {value!r} in the label column {task.label_columns[0]!r}; "
                f"expected a text or a number, or set task.target to labels for several ones."
            )
        if value is None or str(value).strip() == "":
            raise ConfigurationError(
                f"{cell.where} has the text {cell.text!r} and the label {value!r}; expected a "
                f"text and a class, complete or remove the row."
            )
        found.append(str(value).strip())
    names = tuple(_sorted(set(found)))
    if len(names) < 2:
        raise ConfigurationError(
            f"{source} has {len(names)} classes in its column {task.label_column!r}; expected at "
            f"least two, name another column with task.label_column."
        )
    numbers = {name: index for index, name in enumerate(names)}
    return names, [numbers[name] for name in found]


def _several(source: str, cells: Sequence[Cell], task: Task) -> tuple[tuple[str, ...], list[Label]]:
    sets = [set(several(cell, task)) for cell in cells]
    # One column for each label names them all; lists name only those that some row has.
    wide = len(task.label_columns) > 1 or isinstance(task.label_column, tuple)
    names = task.label_columns if wide else tuple(_sorted({n for names in sets for n in names}))
    if not any(sets):
        raise ConfigurationError(
            f"No row of {source} has any label in {', '.join(map(repr, task.label_columns))}; "
            f"expected lists of labels, texts with {task.label_separator!r} between the labels, "
            f"or a column of 0 and 1 for each label."
        )
    numbers = {name: index for index, name in enumerate(names)}
    return names, [tuple(sorted(numbers[name] for name in names)) for names in sets]


def several(cell: Cell, task: Task) -> list[str]:
    """Return the labels of one row: a list, a text with separators, or columns of 0 and 1.

    Raises:
        ConfigurationError: the cell is none of these.
    """
    if isinstance(task.label_column, tuple):
        return [
            name
            for name, value in zip(task.label_column, cell.values, strict=True)
            if _yes(cell, name, value)
        ]
    value = cell.values[0]
    if value is None:
        return []
    parts = value.split(task.label_separator) if isinstance(value, str) else value
    parts = parts if isinstance(parts, list) else [parts]
    if not all(isinstance(part, str | int) and not isinstance(part, bool) for part in parts):
        raise ConfigurationError(
            f"{cell.where} has the labels {value!r}; expected a list of texts or numbers."
        )
    return [name for name in (str(part).strip() for part in parts) if name]


def _yes(cell: Cell, name: str, value: Any) -> bool:
    text = str(value).strip().casefold()
    text = text.removesuffix(".0")
    if text not in _YES_NO:
        raise ConfigurationError(
            f"{cell.where} has {value!r} in the label column {name!r}; expected 0 or 1."
        )
    return _YES_NO[text]


def number(cell: Cell, column: str) -> float:
    """Return the number of one row.

    Raises:
        ConfigurationError: it is none, or not finite.
    """
    value = cell.values[0]
    try:
        found = float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found):
        raise ConfigurationError(
            f"{cell.where} has {value!r} in the column {column!r}; the target is a number, so a "
            f"finite one was expected: complete or remove the row."
        )
    return found


def named(label: Label, names: Sequence[str]) -> str | list[str] | float:
    """Return a label as people read it: a name, several names, or a number."""
    if isinstance(label, tuple):
        return [names[index] for index in label]
    return label if isinstance(label, float) else names[label]


def array(rows: Sequence[Row], target: str, width: int) -> npt.NDArray[Any]:
    """Return the rows' labels as a prepared set holds them.

    Args:
        rows: of one split.
        target: the kind.
        width: number of labels.

    Returns:
        int64 [rows] of classes, else float32 [rows, width]: 0 and 1, or the number.
    """
    if target == "class":
        return np.array([row.label for row in rows], np.int64)
    if target == "number":
        return np.array([[row.label] for row in rows], np.float32)
    several = np.zeros((len(rows), width), np.float32)
    for index, row in enumerate(rows):
        several[index, list(cast("tuple[int, ...]", row.label))] = 1
    return several


def target_of(task: Task, train: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """Return `target` of set.json; nothing for a class.

    Raises:
        ConfigurationError: numbers of train that are all the same, or too great for float32.
    """
    if task.target == "class":
        return {}
    if task.target == "labels":
        return {"target": {"kind": "labels"}}
    numbers = np.array([row.label for row in train], np.float64)
    mean, deviation = float(numbers.mean()), float(numbers.std())
    if not 0 < deviation < np.finfo(np.float32).max or float(np.float32(deviation)) == 0:
        raise ConfigurationError(
            f"The numbers of the train split have the mean {mean:g} and the standard deviation "
            f"{deviation:g}; expected different ones within the range of float32, name another "
            f"column with task.label_column."
        )
    return {"target": {"kind": "number", "mean": mean, "deviation": deviation}}


def _sorted(names: set[str]) -> list[str]:
    try:
        return sorted(names, key=float)
    except ValueError:
        return sorted(names)
