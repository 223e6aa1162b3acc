"""Looking at a table of one's own: what an experiment on it may be."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from glora import models, sources, storage
from glora.data import table
from glora.data.rows import one_line
from glora.data.splits import normal_text
from glora.data.task import source_and_digest
from glora.errors import ConfigurationError

__all__ = ["guess"]

TEXT_NAMES = ("text", "sentence", "review", "comment", "content", "body", "message", "title")
LABEL_NAMES = ("label", "class", "category", "target", "sentiment", "rating", "stars", "topic")

# Fewer rows leave no val split that could tell structures apart, nor a test split worth its name.
LEAST_ROWS = 60
MOST_CLASSES = 100
EPOCHS = 8
BATCH = 32
RANK = 4


def guess(
    model: str | Mapping[str, Any],
    path: str | Path,
    cache: str | Path | None = None,
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    progress: sources.Progress | None = None,
) -> dict[str, Any]:
    """Look at a table and a model, and propose the settings of an experiment.

    Args:
        model: source of the model: a string or `{source, sha256}`.
        path: a TSV, CSV or JSON lines file.
        cache: the cache folder.
        text_column: the column with the texts, where it is known.
        label_column: the column with the classes, where it is known.
        progress: called with the bytes fetched so far and in total.

    Returns:
        `rows`, `texts` (different ones whose label is clear), `columns`, `text_column`,
        `label_column`, `classes` {name: rows}, `tokens` {median, p95, longest}, `max_length`,
        `cut` (share of texts that it cuts), `split` {train, val, test}, `batch_size`, `steps`,
        `lora_rank`, `lora_parameters` (LoRA's count of that rank at the model's sites).

    Raises:
        ConfigurationError: no columns of texts and classes, or too few rows.
        SourceError: the model cannot be fetched, or is of no known family.
    """
    path = Path(path)
    if path.suffix.lower() not in table.SUFFIXES:
        raise ConfigurationError(
            f"{path} ends in {path.suffix!r}; expected a table: {', '.join(table.SUFFIXES)}."
        )
    records = [record for _, record in table.records(path)]
    columns = list(dict.fromkeys(str(n) for record in records for n in record if n is not None))
    text = text_column or _text_column(path, records, columns)
    label = label_column or _label_column(path, records, columns, text)
    for name, option in ((text, "--text-column"), (label, "--label-column")):
        if name not in columns:
            raise ConfigurationError(
                f"{path} has no column {name!r}; found {', '.join(columns)}, set {option}."
            )
    texts, classes = _clear(records, text, label)
    if len(classes) < 2 or len(classes) > MOST_CLASSES:
        raise ConfigurationError(
            f"The column {label!r} of {path} has {len(classes)} classes; expected 2 to "
            f"{MOST_CLASSES}, name another with --label-column."
        )
    if len(texts) < LEAST_ROWS:
        raise ConfigurationError(
            f"{path} has {len(texts)} different texts with a clear label; expected at least "
            f"{LEAST_ROWS}, of which val and test get their part."
        )
    root = Path(cache).expanduser() if cache is not None else storage.default_cache()
    name, sha256 = source_and_digest(model, "model")
    files = models.resolve_model(name, sha256, root, progress=progress)
    tokens = _tokens(texts, files.path)
    split = _split(len(texts))
    longest = _longest(tokens, files.path)
    return {
        "rows": len(records),
        "texts": len(texts),
        "columns": columns,
        "text_column": text,
        "label_column": label,
        "classes": classes,
        "tokens": {
            "median": tokens[len(tokens) // 2],
            "p95": tokens[int(0.95 * (len(tokens) - 1))],
            "longest": tokens[-1],
        },
        "max_length": longest,
        "cut": sum(count > longest for count in tokens) / len(tokens),
        "split": split,
        "batch_size": min(BATCH, split["train"]),
        "steps": max(40, math.ceil(EPOCHS * split["train"] / BATCH)),
        "lora_rank": RANK,
        "lora_parameters": _lora_parameters(files.path, RANK),
    }


def _text_column(path: Path, records: Sequence[Mapping[str, Any]], columns: list[str]) -> str:
    """The column with a usual name, else the one with the longest texts of more than one word."""
    for name in TEXT_NAMES:
        for column in columns:
            if column.casefold() == name:
                return column
    lengths = {}
    for column in columns:
        cells = [str(record[column]) for record in records if record.get(column)]
        words = sum(" " in cell.strip() for cell in cells)
        if cells and words > len(cells) / 2:
            lengths[column] = sum(map(len, cells)) / len(cells)
    if not lengths:
        raise ConfigurationError(
            f"{path} has no column that looks like texts (found {', '.join(columns) or 'none'}); "
            f"name it with --text-column."
        )
    return max(lengths, key=lambda column: lengths[column])


def _label_column(
    path: Path, records: Sequence[Mapping[str, Any]], columns: list[str], text: str
) -> str:
    """The column with a usual name, else the one with the fewest different values."""
    for name in LABEL_NAMES:
        for column in columns:
            if column.casefold() == name and column != text:
                return column
    different = {}
    for column in columns:
        values = {str(record[column]).strip() for record in records if record.get(column)}
        if column != text and 2 <= len(values) <= min(MOST_CLASSES, len(records) // 5):
            different[column] = len(values)
    if not different:
        raise ConfigurationError(
            f"{path} has no column that looks like classes (found {', '.join(columns)}); name it "
            f"with --label-column."
        )
    return min(different, key=lambda column: different[column])


def _clear(
    records: Sequence[Mapping[str, Any]], text: str, label: str
) -> tuple[list[str], dict[str, int]]:
    """Different texts with one label, as the splits count them, and the rows of each class."""
    first: dict[str, str] = {}
    labels: dict[str, set[str]] = {}
    classes: Counter[str] = Counter()
    for record in records:
        line = one_line(str(record.get(text) or ""))
        value = str(record.get(label) if record.get(label) is not None else "").strip()
        if line and value:
            key = normal_text(line)
            first.setdefault(key, line)
            labels.setdefault(key, set()).add(value)
            classes[value] += 1
    return [first[key] for key in first if len(labels[key]) == 1], dict(sorted(classes.items()))


def _split(texts: int) -> dict[str, int]:
    """A seventh for val, a fifth for test, each 20 to 2,000; the rest trains."""
    val = min(max(texts // 7, 20), 2000)
    test = min(max(texts // 5, 20), 2000)
    return {"train": texts - val - test, "val": val, "test": test}


def _tokens(texts: Sequence[str], model: Path) -> list[int]:
    tokenizer = models.load_tokenizer(model)
    encoded = tokenizer(list(texts), return_attention_mask=False, return_token_type_ids=False)
    return sorted(len(ids) for ids in encoded["input_ids"])


def _longest(tokens: Sequence[int], model: Path) -> int:
    """What 95 % of the texts fit into, in steps of eight, within the model's positions."""
    wanted = math.ceil(tokens[int(0.95 * (len(tokens) - 1))] / 8) * 8
    positions = models.read_config(model).get("max_position_embeddings")
    return min(wanted, positions if isinstance(positions, int) else wanted, 512)


def _lora_parameters(model: Path, rank: int) -> int:
    """Count what LoRA of a rank has at every site, without loading a weight."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    config = AutoConfig.from_pretrained(str(model), local_files_only=True)
    models.architecture(config.model_type)
    with torch.device("meta"):
        skeleton = AutoModelForSequenceClassification.from_config(config)
    sites = [skeleton.get_submodule(name) for name in models.linear_sites(skeleton)]
    return sum(rank * (site.in_features + site.out_features) for site in sites)
