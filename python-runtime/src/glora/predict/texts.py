"""Scoring texts, or pairs of them, with a merged classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from glora.data.rows import one_line
from glora.errors import ConfigurationError, SourceError
from glora.losses import PROBLEM_TYPES
from glora.models import has_token_types, load_tokenizer, read_config
from glora.predict.output import Predictions, check_suffix, finite, scored, text_rows

__all__ = ["outputs_of", "predict_table"]


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
    source, target, model_path = Path(source), Path(target), Path(model_path)
    check_suffix(target)
    if pair_column is not None and source.suffix.lower() == ".txt":
        raise ConfigurationError(
            f"{source} is plain text and the model reads pairs; expected a table with the columns "
            f"{text_column!r} and {pair_column!r}."
        )
    columns = (text_column,) if pair_column is None else (text_column, pair_column)
    records = text_rows(source, columns, ("--text-column", "--pair-column")[: len(columns)])
    kind, labels = outputs_of(model_path)
    logits, cut = _logits(model_path, records, columns, max_length, batch_size)
    return scored(target, records, kind, labels, logits, cut, label_separator)


def outputs_of(path: Path) -> tuple[str, list[str]]:
    """Return what a classifier predicts, and the names of its outputs.

    Raises:
        SourceError: the folder holds no classifier.
    """
    config = read_config(path)
    names = config.get("id2label")
    kinds = {name: kind for kind, name in PROBLEM_TYPES.items()}
    kind = kinds.get(str(config.get("problem_type")), "class")
    if not isinstance(names, dict) or len(names) < (2 if kind == "class" else 1):
        raise SourceError(
            f"{path} names no classes (id2label in config.json); expected a merged classifier."
        )
    return kind, [str(names[str(number)]) for number in range(len(names))]


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
            parts.append(finite(model(**encoded).logits.float(), model_path))
    return torch.cat(parts), cut
