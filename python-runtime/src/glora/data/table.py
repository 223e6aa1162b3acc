"""A table of one's own: TSV, CSV or JSON lines with a column of texts and one of labels."""

from __future__ import annotations

import csv
import difflib
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from glora.data import labels
from glora.data.rows import Row, Rows, one_line
from glora.data.task import Task
from glora.errors import ConfigurationError

SUFFIXES = (".tsv", ".csv", ".jsonl")


def read(path: Path, task: Task) -> Rows:
    """Read a table; `labels` says what its label cells may hold.

    The first line of a TSV or CSV file names the columns. Rows without a text are left out.

    Raises:
        ConfigurationError: wrong encoding, a missing column, or labels that are not of the
            task's target.
    """
    texts, cells = [], []
    for number, record in records(path):
        text = value(path, number, record, task.text_column, "task.text_column")
        found = [
            value(path, number, record, column, "task.label_column")
            for column in task.label_columns
        ]
        if not isinstance(text, str):
            raise ConfigurationError(
                f"Row {number} of {path} has the text {text!r} and the label {found[0]!r}; "
                f"expected a text and a class, complete or remove the row."
            )
        if one_line(text):
            texts.append(one_line(text))
            cells.append(labels.Cell(f"Row {number} of {path}", text, found))
    names, values = labels.read(str(path), cells, task)
    rows = tuple(Row(text, label) for text, label in zip(texts, values, strict=True))
    settings: dict[str, object] = {
        "reader": "table",
        "text_column": task.text_column,
        "label_column": task.label_column,
    }
    return Rows(names, rows, settings)


def decoded(path: Path) -> str:
    """Return a file's text.

    Raises:
        ConfigurationError: it is not UTF-8, or cannot be read.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path} is not UTF-8 (byte {error.start}); expected a text file in UTF-8, convert it."
        ) from error
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror}).") from error


def records(path: Path) -> Iterable[tuple[int, Mapping[str, Any]]]:
    """Yield the rows of a table, each with its line's number and its cells by column.

    Raises:
        ConfigurationError: wrong encoding, or a line that cannot be read.
    """
    content = decoded(path)
    suffix = path.suffix.lower()
    if suffix == ".jsonl":
        for number, line in enumerate(content.split("\n"), 1):
            if line.strip():
                yield number, _object(path, number, line)
    else:
        # A tab cannot stand in a cell of a TSV file, so a quote there is a character like others.
        tabs = suffix == ".tsv"
        reader = csv.DictReader(
            io.StringIO(content, newline=""),
            delimiter="\t" if tabs else ",",
            quoting=csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL,
        )
        try:
            for record in reader:
                yield reader.line_num, record
        except csv.Error as error:
            raise ConfigurationError(
                f"Line {reader.line_num} of {path} cannot be read ({error}); mend the file."
            ) from error


def _object(path: Path, number: int, line: str) -> Mapping[str, Any]:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise ConfigurationError(f"Line {number} of {path} is not JSON ({error}).") from error
    if not isinstance(found, dict):
        raise ConfigurationError(f"Line {number} of {path} is {found!r}; expected an object.")
    return found


def value(path: Path, number: int, record: Mapping[str, Any], column: str, setting: str) -> Any:
    """Return a row's cell; `ConfigurationError` names the columns that are there and `setting`."""
    if column not in record:
        columns = [str(name) for name in record if name is not None]
        near = difflib.get_close_matches(column, columns, n=1)
        raise ConfigurationError(
            f"Row {number} of {path} has no column {column!r}; found {', '.join(columns)}"
            + (f" (the nearest is {near[0]!r})" if near else "")
            + f", set {setting}."
        )
    return record[column]
