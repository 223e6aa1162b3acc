"""What is read and written beside the model: rows of texts, and rows with their predictions."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from glora import storage
from glora.data import arrow, table
from glora.data.rows import one_line
from glora.errors import ConfigurationError, SourceError

__all__ = ["PREDICTION", "Predictions", "check_suffix", "finite", "scored", "text_rows", "write"]

Record = dict[str, Any]

# What is added to each row. A probability for each class goes into JSON lines and Parquet only,
# one for each of several labels into every table.
PREDICTION, PROBABILITY, PROBABILITIES = "prediction", "probability", "probabilities"
SUFFIXES = (*table.SUFFIXES, ".txt")


@dataclass(frozen=True)
class Predictions:
    """What scoring gave.

    Attributes:
        rows: how many rows were scored.
        cut: how many of them were longer than `max_length` tokens and were cut; of answers, how
            many did not end within it.
        kind: `class`, `labels`, `number` or `answer`.
        counts: class or label to the number of rows that it was predicted for.
        numbers: of numbers the `least`, `mean` and `greatest` predicted; else empty.
    """

    rows: int
    cut: int
    kind: str
    counts: dict[str, int]
    numbers: dict[str, float]


def check_suffix(path: Path) -> None:
    """Refuses a file of rows whose format is not known.

    Raises:
        ConfigurationError: see above.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigurationError(
            f"{path} ends in {path.suffix!r}; expected one of {', '.join(SUFFIXES)}."
        )


def text_rows(path: Path, columns: Sequence[str], options: Sequence[str]) -> list[Record]:
    """Read the rows of a table, or of plain text with one row a line.

    Args:
        path: the file.
        columns: those with texts; of plain text there is only one.
        options: what names each of them, for messages.

    Raises:
        ConfigurationError: a table that cannot be read, a missing column, a cell that is no text,
            or a name that predictions have.
        EnvironmentNotUsable: Parquet without pyarrow.
    """
    check_suffix(path)
    if path.suffix.lower() == ".txt":
        lines = table.decoded(path).split("\n")
        return [{columns[0]: line} for line in lines if line.strip()]
    records = []
    for record in table.records(path):
        for column, option in zip(columns, options, strict=True):
            table.text(record, column, option)
        records.append(dict(record.cells))
    refuse_taken(path, records[0])
    return records


def refuse_taken(path: Path, record: Record) -> None:
    """Refuses rows that have a column of predictions already.

    Raises:
        ConfigurationError: see above.
    """
    taken = sorted(set(record) & {PREDICTION, PROBABILITY, PROBABILITIES})
    if taken:
        raise ConfigurationError(
            f"{path} has a column {taken[0]!r} already, which would be written over; rename it."
        )


def finite(logits: Tensor, model_path: Path) -> Tensor:
    """Return logits that are numbers.

    Raises:
        SourceError: the model gives others.
    """
    if not torch.isfinite(logits).all():
        raise SourceError(
            f"The model in {model_path} gives logits that are not finite; train it anew."
        )
    return logits


def scored(
    target: Path,
    records: Sequence[Record],
    kind: str,
    labels: Sequence[str],
    logits: Tensor,
    cut: int,
    separator: str = ",",
) -> Predictions:
    """Write rows with what a classifier says of them.

        class    the class of the greatest logit; its softmax is a score, no calibrated probability
        labels   every label whose logit is above 0, with the sigmoid of each as its score
        number   the output itself

    Args:
        target: where to; its suffix chooses the format.
        records: the rows.
        kind: of the target.
        labels: names of the outputs.
        logits: [rows, labels].
        cut: how many rows were cut.
        separator: what is put between several labels in one cell.
    """
    if kind == "number":
        values = logits[:, 0].tolist()
        write(target, [{**row, PREDICTION: v} for row, v in zip(records, values, strict=True)])
        mean = sum(values) / len(values)
        numbers = {"least": min(values), "mean": mean, "greatest": max(values)}
        return Predictions(len(records), cut, kind, {}, numbers)
    chosen, scores = _chosen(kind, labels, logits)
    write(
        target,
        [
            {**record, **_added(kind, row, score, target, separator)}
            for record, row, score in zip(records, chosen, scores, strict=True)
        ],
    )
    counts = {label: sum(label in row for row in chosen) for label in labels}
    return Predictions(len(records), cut, kind, counts, {})


def _chosen(
    kind: str, labels: Sequence[str], logits: Tensor
) -> tuple[list[list[str]], list[dict[str, float]]]:
    """Each row's classes or labels, and the score of all."""
    scores = logits.softmax(-1) if kind == "class" else logits.sigmoid()
    named = [
        {label: round(value, 6) for label, value in zip(labels, row, strict=True)}
        for row in scores.tolist()
    ]
    if kind == "class":
        return [[labels[index]] for index in logits.argmax(-1).tolist()], named
    over = (logits > 0).tolist()
    return [[n for n, yes in zip(labels, row, strict=True) if yes] for row in over], named


def _added(
    kind: str, chosen: list[str], scores: dict[str, float], target: Path, separator: str
) -> Record:
    nested = target.suffix.lower() in (".jsonl", ".parquet")
    if kind == "class":
        found: Record = {PREDICTION: chosen[0], PROBABILITY: scores[chosen[0]]}
        return {**found, PROBABILITIES: scores} if nested else found
    if nested:
        return {PREDICTION: chosen, PROBABILITIES: scores}
    each = {f"{PROBABILITY} of {label}": score for label, score in scores.items()}
    return {PREDICTION: separator.join(chosen), **each}


def write(target: Path, rows: Sequence[Record]) -> None:
    """Write rows as a whole or not at all, in the format of the suffix.

    Raises:
        EnvironmentNotUsable: Parquet without pyarrow.
        StorageError: no space, or the target cannot be written.
    """
    suffix = target.suffix.lower()
    if suffix == ".parquet":
        storage.write_file(target, arrow.parquet_bytes(target, rows))
        return
    lines: Iterator[str]
    if suffix == ".jsonl":
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    elif suffix == ".txt":
        lines = (f"{one_line(str(row[PREDICTION]))}\n" for row in rows)
    else:
        lines = _separated(rows, "\t" if suffix == ".tsv" else ",")
    storage.write_file(target, "".join(lines).encode())


def _separated(rows: Sequence[Record], delimiter: str) -> Iterator[str]:
    names = list(dict.fromkeys(str(name) for row in rows for name in row))
    for row in [dict(zip(names, names, strict=True)), *rows]:
        line = io.StringIO()
        cells = ["" if row.get(name) is None else row[name] for name in names]
        if delimiter == "\t":  # a TSV has no quotes, so a tab or an end of line becomes a space
            line.write("\t".join(one_line(str(cell)) for cell in cells) + "\n")
        else:
            csv.writer(line, lineterminator="\n").writerow(cells)
        yield line.getvalue()
