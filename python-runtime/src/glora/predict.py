"""Scoring new rows with a merged model: a table in, the same table with predictions out.

The model is a plain folder of transformers, as `merge` and `save_classifier` write it. What it
predicts follows from its `problem_type`:

    class    the class of the greatest logit; its softmax is a score, no calibrated probability
    labels   every label whose logit is above 0, with the sigmoid of each as its score
    number   the output itself
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from glora import storage
from glora.data import arrow, table
from glora.data.rows import one_line
from glora.errors import ConfigurationError, SourceError
from glora.losses import PROBLEM_TYPES
from glora.models import has_token_types, load_tokenizer, read_config

__all__ = ["Predictions", "predict_table"]

# What is added to each row. A probability for each class goes into JSON lines and Parquet only,
# one for each of several labels into every table.
PREDICTION, PROBABILITY, PROBABILITIES = "prediction", "probability", "probabilities"


@dataclass(frozen=True)
class Predictions:
    """What scoring a table gave.

    Attributes:
        rows: how many rows were scored.
        cut: how many of them were longer than `max_length` tokens and were cut.
        kind: `class`, `labels` or `number`.
        counts: class or label to the number of rows that it was predicted for.
        numbers: of numbers the `least`, `mean` and `greatest` predicted; else empty.
    """

    rows: int
    cut: int
    kind: str
    counts: dict[str, int]
    numbers: dict[str, float]


def predict_table(
    model_path: str | Path,
    source: str | Path,
    target: str | Path,
    *,
    text_column: str = "text",
    pair_column: str | None = None,
    label_separator: str = ",",
    max_length: int = 64,
    batch_size: int = 32,
) -> Predictions:
    """Score every row of a table and write the table with predictions added.

    Args:
        model_path: a merged classifier's folder.
        source: a TSV, CSV, JSON lines or Parquet file, or plain text with one row a line (`.txt`).
        target: where to, as a whole or not at all; its suffix chooses the format.
        text_column: the column with the text; of plain text there is only one.
        pair_column: of pairs the column with the second text.
        label_separator: what is put between several labels in one cell.
        max_length: tokens at which a text is cut, special tokens included.
        batch_size: rows scored at a time.

    Raises:
        ConfigurationError: a table that cannot be read, a missing column, a name that the table
            has already, or a format that is not known.
        EnvironmentNotUsable: Parquet without pyarrow.
        SourceError: the folder holds no classifier.
        StorageError: no space, or the target cannot be written.
    """
    source, target = Path(source), Path(target)
    for path in (source, target):
        if path.suffix.lower() not in (*table.SUFFIXES, ".txt"):
            raise ConfigurationError(
                f"{path} ends in {path.suffix!r}; expected one of {', '.join(table.SUFFIXES)}, "
                f".txt."
            )
    if pair_column is not None and source.suffix.lower() == ".txt":
        raise ConfigurationError(
            f"{source} is plain text and the model reads pairs; expected a table with the columns "
            f"{text_column!r} and {pair_column!r}."
        )
    records = _records(source, text_column, pair_column)
    kind, labels = _kind(Path(model_path))
    columns = (text_column,) if pair_column is None else (text_column, pair_column)
    logits, cut = _logits(Path(model_path), records, columns, max_length, batch_size)
    if kind == "number":
        values = logits[:, 0].tolist()
        out = [{**row, PREDICTION: value} for row, value in zip(records, values, strict=True)]
        numbers = {
            "least": min(values),
            "mean": sum(values) / len(values),
            "greatest": max(values),
        }
        _write(target, out)
        return Predictions(len(out), cut, kind, {}, numbers)
    chosen, scores = _chosen(kind, labels, logits)
    counts = {label: sum(label in row for row in chosen) for label in labels}
    _write(
        target,
        [
            {**record, **_added(kind, row, score, target, label_separator)}
            for record, row, score in zip(records, chosen, scores, strict=True)
        ],
    )
    return Predictions(len(records), cut, kind, counts, {})


def _chosen(
    kind: str, labels: list[str], logits: Tensor
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
) -> dict[str, Any]:
    nested = target.suffix.lower() in (".jsonl", ".parquet")
    if kind == "class":
        found: dict[str, Any] = {PREDICTION: chosen[0], PROBABILITY: scores[chosen[0]]}
        return {**found, PROBABILITIES: scores} if nested else found
    if nested:
        return {PREDICTION: chosen, PROBABILITIES: scores}
    each = {f"{PROBABILITY} of {label}": score for label, score in scores.items()}
    return {PREDICTION: separator.join(chosen), **each}


def _logits(
    model_path: Path,
    records: Sequence[Mapping[str, Any]],
    columns: tuple[str, ...],
    max_length: int,
    batch_size: int,
) -> tuple[Tensor, int]:
    """Logits [rows, labels], and how many rows were cut."""
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained(
        str(model_path), local_files_only=True
    )
    cast(nn.Module, model).eval()
    tokenizer = load_tokenizer(model_path)
    types = len(columns) > 1 and has_token_types(model_path)
    parts, cut = [], 0
    for start in range(0, len(records), batch_size):
        rows = records[start : start + batch_size]
        encoded = tokenizer(
            *([one_line(str(row[column])) for row in rows] for column in columns),
            truncation=True,
            max_length=max_length,
            padding=True,
            return_tensors="pt",
            return_token_type_ids=types,
        )
        cut += sum(bool(encoding.overflowing) for encoding in encoded.encodings or ())
        with torch.inference_mode():
            logits = model(**encoded).logits.float()
        if not torch.isfinite(logits).all():
            raise SourceError(
                f"The model in {model_path} gives logits that are not finite; train it anew."
            )
        parts.append(logits)
    return torch.cat(parts), cut


def _records(path: Path, text_column: str, pair_column: str | None) -> list[dict[str, Any]]:
    """Read the rows, each with a text."""
    if path.suffix.lower() == ".txt":
        lines = table.decoded(path).split("\n")
        return [{text_column: line} for line in lines if line.strip()]
    records = []
    for record in table.records(path):
        table.text(record, text_column, "--text-column")
        if pair_column is not None:
            table.text(record, pair_column, "--pair-column")
        records.append(dict(record.cells))
    names = set(records[0])
    taken = sorted(names & {PREDICTION, PROBABILITY, PROBABILITIES})
    if taken:
        raise ConfigurationError(
            f"{path} has a column {taken[0]!r} already, which would be written over; rename it."
        )
    return records


def _kind(path: Path) -> tuple[str, list[str]]:
    """What the model predicts, and the names of its outputs."""
    config = read_config(path)
    names = config.get("id2label")
    kinds = {name: kind for kind, name in PROBLEM_TYPES.items()}
    kind = kinds.get(str(config.get("problem_type")), "class")
    if not isinstance(names, dict) or len(names) < (2 if kind == "class" else 1):
        raise SourceError(
            f"{path} names no classes (id2label in config.json); expected a merged classifier."
        )
    return kind, [str(names[str(number)]) for number in range(len(names))]


def _write(target: Path, rows: Sequence[dict[str, Any]]) -> None:
    suffix = target.suffix.lower()
    if suffix == ".parquet":
        storage.write_file(target, arrow.parquet_bytes(target, rows))
        return
    lines: Iterator[str]
    if suffix == ".jsonl":
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    elif suffix == ".txt":
        lines = (f"{row[PREDICTION]}\n" for row in rows)
    else:
        lines = _separated(rows, "\t" if suffix == ".tsv" else ",")
    storage.write_file(target, "".join(lines).encode())


def _separated(rows: Sequence[dict[str, Any]], delimiter: str) -> Iterator[str]:
    names = list(dict.fromkeys(str(name) for row in rows for name in row))
    for row in [dict(zip(names, names, strict=True)), *rows]:
        line = io.StringIO()
        cells = ["" if row.get(name) is None else row[name] for name in names]
        if delimiter == "\t":  # a TSV has no quotes, so a tab or an end of line becomes a space
            line.write("\t".join(one_line(str(cell)) for cell in cells) + "\n")
        else:
            csv.writer(line, lineterminator="\n").writerow(cells)
        yield line.getvalue()
