"""Tables of one's own: TSV, CSV, JSON lines or Parquet, one file or a folder of given splits.

FILE                                one table; its splits are drawn, or named by a column
FOLDER/{train,val,test}.SUFFIX      given splits (also valid, validation, dev)
FOLDER of datasets.save_to_disk     a DatasetDict's splits, or one Dataset
"""

from __future__ import annotations

import csv
import difflib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from glora.data import arrow, labels
from glora.data.rows import Row, Rows, one_line
from glora.data.task import Task
from glora.errors import ConfigurationError

SUFFIXES = (".tsv", ".csv", ".jsonl", ".parquet")
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Record(NamedTuple):
    """One row of a table.

    Attributes:
        where: how messages name it.
        cells: by column.
        split: `train`, `val` or `test` where that is given, else None.
    """

    where: str
    cells: Mapping[str, Any]
    split: str | None = None


def is_table(path: Path) -> bool:
    """Whether this reader knows a file by its suffix, or a folder by what is in it."""
    if path.is_dir():
        return bool(_split_files(path)) or arrow.is_dataset(path)
    return path.suffix.lower() in SUFFIXES


def read(path: Path, task: Task) -> Rows:
    """Read a table; `labels` says what its label cells may hold.

    The first line of a TSV or CSV file names the columns. Rows without a text are left out.

    Raises:
        ConfigurationError: wrong encoding, a missing column, a cell that is no text, or labels
            that are not of the task's target.
        EnvironmentNotUsable: Parquet or Arrow without pyarrow.
    """
    return rows_of(records(path), path, task)


def rows_of(found: Iterable[Record], path: Path, task: Task) -> Rows:
    """Make labelled texts of what `records` yields of a path; see `read`."""
    rows: list[tuple[str, str | None, str | None]] = []
    cells = []
    for record in found:
        first = text(record, task.text_column, "task.text_column")
        pair = text(record, task.pair_column, "task.pair_column") if task.pair_column else None
        given = [value(record, column, "task.label_column") for column in task.label_columns]
        if one_line(first) and (pair is None or one_line(pair)):
            split = _split(record, task.split_column) if task.split_column else record.split
            rows.append((one_line(first), None if pair is None else one_line(pair), split))
            cells.append(labels.Cell(record.where, first, given))
    if not rows:
        raise ConfigurationError(
            f"{path} has no row with a text in {task.text_column!r}; expected labelled texts."
        )
    names, values = labels.read(str(path), cells, task)
    settings: dict[str, object] = {
        "reader": "table",
        "text_column": task.text_column,
        "label_column": task.label_column,
    }
    for setting in ("pair_column", "split_column"):
        if getattr(task, setting) is not None:
            settings[setting] = getattr(task, setting)
    made = tuple(
        Row(first, label, pair=pair, split=split)
        for (first, pair, split), label in zip(rows, values, strict=True)
    )
    return Rows(names, made, settings)


def records(path: Path) -> Iterator[Record]:
    """Yield the rows of a file or folder, in order.

    Raises:
        ConfigurationError: wrong encoding, no rows, or a line that cannot be read.
        EnvironmentNotUsable: Parquet or Arrow without pyarrow.
    """
    if not path.is_dir():
        yield from _file(path, None)
        return
    files = _split_files(path)
    if files:
        for split, file in files.items():
            yield from _file(file, split)
        return
    for name, folder in arrow.parts(path).items():
        given = SPLIT_NAMES.get(name)
        if name and given is None:
            raise ConfigurationError(
                f"{path} has the split {name!r}; expected train, validation and test only, "
                f"rename or remove it."
            )
        for number, cells in enumerate(arrow.dataset_rows(folder), 1):
            yield Record(f"Row {number} of {folder}", cells, given)


def _split_files(folder: Path) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        split = SPLIT_NAMES.get(file.stem.lower())
        if split is None or not file.is_file() or file.suffix.lower() not in SUFFIXES:
            continue
        if split in files:
            raise ConfigurationError(
                f"{folder} has two files of the {split} split, {files[split].name} and "
                f"{file.name}; expected one, remove the other."
            )
        files[split] = file
    return {split: files[split] for split in ("train", "val", "test") if split in files}


def _file(path: Path, split: str | None) -> Iterator[Record]:
    suffix = path.suffix.lower()
    found: Iterator[tuple[str, Mapping[str, Any]]]
    if suffix == ".parquet":
        found = ((f"Row {n} of {path}", cells) for n, cells in enumerate(arrow.parquet(path), 1))
    elif suffix == ".jsonl":
        found = _json_lines(path)
    else:
        found = _separated(path, "\t" if suffix == ".tsv" else ",")
    empty = True
    for where, cells in found:
        empty = False
        yield Record(where, cells, split)
    if empty:
        raise ConfigurationError(f"{path} has no rows; expected at least one below its header.")


def decoded(path: Path) -> str:
    """Return a file's text; a byte order mark is no part of it.

    Raises:
        ConfigurationError: it is empty, not UTF-8, or cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror}).") from error
    if not content.strip():
        raise ConfigurationError(f"{path} is empty; expected a table with a row of column names.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path} is not UTF-8: byte {error.start} is 0x{content[error.start]:02x}, it may be "
            f"{_encoding(content)}; convert it, for instance with iconv -f {_encoding(content)} "
            f"-t UTF-8."
        ) from error


def _encoding(content: bytes) -> str:
    if content.startswith(_UTF16):
        return "UTF-16"
    # Windows' code page has characters where Latin-1 has none that people type.
    return "WINDOWS-1252" if any(0x80 <= byte < 0xA0 for byte in content) else "ISO-8859-1"


def _json_lines(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, line in enumerate(decoded(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except ValueError as error:
            raise ConfigurationError(
                f"Line {number} of {path} is not JSON ({error}); expected an object on each line."
            ) from error
        if not isinstance(found, dict):
            raise ConfigurationError(f"Line {number} of {path} is {found!r}; expected an object.")
        yield f"Row {number} of {path}", found


def _separated(path: Path, delimiter: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    # A tab cannot stand in a cell of a TSV file, so a quote there is a character like others.
    reader = csv.reader(
        io.StringIO(decoded(path), newline=""),
        delimiter=delimiter,
        quoting=csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL,
    )
    header: list[str] | None = None
    try:
        for cells in reader:
            if not cells:
                continue
            if header is None:
                header = cells
                twice = sorted({name for name in header if header.count(name) > 1})
                if twice:
                    raise ConfigurationError(
                        f"{path} has the column {twice[0]!r} twice; expected different names."
                    )
                continue
            if len(cells) != len(header):
                raise ConfigurationError(
                    f"Line {reader.line_num} of {path} has {len(cells)} cells and the first line "
                    f"names {len(header)} columns; expected as many"
                    + (
                        ", put a text that has a comma in quotes."
                        if delimiter == ","
                        else ": a cell cannot hold a tab."
                    )
                )
            yield f"Row {reader.line_num} of {path}", dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise ConfigurationError(
            f"Line {reader.line_num} of {path} cannot be read ({error}); mend the file."
        ) from error


def value(record: Record, column: str, setting: str) -> Any:
    """Return a row's cell; `ConfigurationError` names the columns that are there and `setting`."""
    if column not in record.cells:
        names = list(record.cells)
        near = difflib.get_close_matches(column, names, n=1)
        raise ConfigurationError(
            f"{record.where} has no column {column!r}; found {', '.join(names)}"
            + (f" (the nearest is {near[0]!r})" if near else "")
            + f", set {setting}."
        )
    return record.cells[column]


def text(record: Record, column: str, setting: str) -> str:
    """Return a row's text; `ConfigurationError` says what stands there instead of one."""
    found = value(record, column, setting)
    if isinstance(found, list | dict):
        raise ConfigurationError(
            f"{record.where} has {found!r} in {column!r}; expected a text, name another column "
            f"with {setting} or flatten the data."
        )
    if not isinstance(found, str):
        raise ConfigurationError(
            f"{record.where} has {found!r} in {column!r}; expected a text, complete or remove "
            f"the row."
        )
    return found


def _split(record: Record, column: str) -> str:
    found = str(value(record, column, "task.split_column")).strip()
    split = SPLIT_NAMES.get(found.lower())
    if split is None:
        raise ConfigurationError(
            f"{record.where} is of the split {found!r} (column {column!r}); expected one of "
            f"{', '.join(SPLIT_NAMES)}."
        )
    return split
