"""Scoring new rows with a merged model: a table in, the same table with predictions out.

The model is a plain folder of transformers, as `merge` and `save_classifier` write it. A row's
prediction is the class of the greatest logit; its probability is the softmax of the logits there,
which is a score and no calibrated probability.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from glora import storage
from glora.data import table
from glora.data.rows import one_line
from glora.errors import ConfigurationError, SourceError
from glora.models import load_tokenizer, read_config

__all__ = ["COLUMNS", "Predictions", "predict_table"]

# What is added to each row. A probability for each class goes into JSON lines only.
COLUMNS = ("prediction", "probability")


@dataclass(frozen=True)
class Predictions:
    """What scoring a table gave.

    Attributes:
        rows: how many rows were scored.
        cut: how many of them were longer than `max_length` tokens and were cut.
        counts: class to the number of rows that it was predicted for.
    """

    rows: int
    cut: int
    counts: dict[str, int]


def predict_table(
    model_path: str | Path,
    source: str | Path,
    target: str | Path,
    *,
    text_column: str = "text",
    max_length: int = 64,
    batch_size: int = 32,
) -> Predictions:
    """Score every row of a table and write the table with `COLUMNS` added.

    Args:
        model_path: a merged classifier's folder.
        source: a TSV, CSV or JSON lines file, or plain text with one row a line (`.txt`).
        target: where to, as a whole or not at all; its suffix chooses the format.
        text_column: the column with the text; of plain text there is only one.
        max_length: tokens at which a text is cut, special tokens included.
        batch_size: rows scored at a time.

    Raises:
        ConfigurationError: a table that cannot be read, a missing column, a name of `COLUMNS`
            that the table has already, or a format that is not known.
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
    records = _records(source, text_column)
    model, labels = _classifier(Path(model_path))
    texts = [one_line(str(record[text_column])) for record in records]
    tokenizer = load_tokenizer(Path(model_path))
    cut = 0
    scores: list[list[float]] = []
    for start in range(0, len(texts), batch_size):
        part = texts[start : start + batch_size]
        whole = tokenizer(part, return_attention_mask=False, return_token_type_ids=False)
        cut += sum(len(ids) > max_length for ids in whole["input_ids"])
        encoded = tokenizer(
            part,
            truncation=True,
            max_length=max_length,
            padding=True,
            return_tensors="pt",
            return_token_type_ids=False,
        )
        with torch.inference_mode():
            logits = model(**encoded).logits.float()
        if not torch.isfinite(logits).all():
            raise SourceError(
                f"The model in {model_path} gives logits that are not finite; train it anew."
            )
        scores += cast("list[list[float]]", logits.softmax(-1).tolist())
    counts = dict.fromkeys(labels, 0)
    out = []
    for record, row in zip(records, scores, strict=True):
        best = max(range(len(row)), key=row.__getitem__)
        counts[labels[best]] += 1
        out.append({**record, "prediction": labels[best], "probability": round(row[best], 6)})
    _write(target, out, [dict(zip(labels, row, strict=True)) for row in scores])
    return Predictions(len(out), cut, counts)


def _records(path: Path, text_column: str) -> list[dict[str, Any]]:
    """Read the rows, each with a text."""
    if path.suffix.lower() == ".txt":
        lines = table.decoded(path).split("\n")
        records = [{text_column: line} for line in lines if line.strip()]
    else:
        records = []
        for number, record in table.records(path):
            value = table.value(path, number, record, text_column, "--text-column")
            if not isinstance(value, str):
                raise ConfigurationError(
                    f"Row {number} of {path} has {value!r} in {text_column!r}; expected a text."
                )
            records.append(dict(record))
    if not records:
        raise ConfigurationError(f"{path} has no rows; expected at least one.")
    taken = [name for name in COLUMNS if name in records[0]]
    if taken:
        raise ConfigurationError(
            f"{path} has a column {taken[0]!r} already, which would be written over; rename it."
        )
    return records


def _classifier(path: Path) -> tuple[nn.Module, list[str]]:
    from transformers import AutoModelForSequenceClassification

    names = read_config(path).get("id2label")
    if not isinstance(names, dict) or len(names) < 2:
        raise SourceError(
            f"{path} names no classes (id2label in config.json); expected a merged classifier."
        )
    model = AutoModelForSequenceClassification.from_pretrained(str(path), local_files_only=True)
    labels = [str(names[str(number)]) for number in range(len(names))]
    return cast(nn.Module, model).eval(), labels


def _write(
    target: Path, rows: Sequence[dict[str, Any]], scores: Sequence[dict[str, float]]
) -> None:
    suffix = target.suffix.lower()
    if suffix == ".jsonl":
        lines = _json_lines(rows, scores)
    elif suffix == ".txt":
        lines = (str(row["prediction"]) + "\n" for row in rows)
    else:
        lines = _separated(rows, "\t" if suffix == ".tsv" else ",")
    storage.write_file(target, "".join(lines).encode())


def _json_lines(
    rows: Sequence[dict[str, Any]], scores: Sequence[dict[str, float]]
) -> Iterator[str]:
    for row, score in zip(rows, scores, strict=True):
        rounded = {label: round(value, 6) for label, value in score.items()}
        yield json.dumps({**row, "probabilities": rounded}, ensure_ascii=False) + "\n"


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
