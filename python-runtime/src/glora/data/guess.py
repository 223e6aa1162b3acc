"""Looking at data of one's own: what an experiment on them may be."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from glora import models, sources, storage
from glora.data import budget, guess_language, guess_pictures, table
from glora.data.objects import objects
from glora.data.rows import Row, Rows
from glora.data.splits import NAMES, clear_rows
from glora.data.task import Task, source_and_digest
from glora.data.words import PLACE
from glora.errors import ConfigurationError

__all__ = ["guess"]

TEXT_NAMES = ("text", "sentence", "review", "comment", "content", "body", "message", "title")
# The usual names of the two columns of a pair, in the order in which they are looked for.
PAIR_NAMES = (
    ("sentence1", "sentence2"),
    ("premise", "hypothesis"),
    ("question1", "question2"),
    ("text1", "text2"),
    ("text_a", "text_b"),
    ("question", "sentence"),
    ("question", "passage"),
    ("query", "passage"),
    ("query", "document"),
)
LABEL_NAMES = (
    *("label", "labels", "class", "category", "target", "sentiment", "rating", "stars"),
    *("score", "topic", "topics", "tags", "genres"),
)
SPLIT_COLUMNS = ("split", "set", "fold", "partition")
SEPARATORS = (";", "|", ",")

MOST_CLASSES = 100
# Numbers of more different values than this are a quantity, not classes with numbers for names.
MOST_STEPS = 20
EPOCHS = 8
BATCH = 32


def guess(
    model: str | Mapping[str, Any],
    path: str | Path,
    cache: str | Path | None = None,
    *,
    text_column: str | None = None,
    pair_column: str | None = None,
    label_column: str | None = None,
    target: str | None = None,
    progress: sources.Progress | None = None,
) -> dict[str, Any]:
    """Look at data and a model, and propose the settings of an experiment.

    Args:
        model: source of the model: a string or `{source, sha256}`.
        path: a table, a folder of given splits, or what `datasets` saved, see `table`; of a model
            of images a folder or list of pictures, see `picture_sources`; of a causal language
            model also instructions and their answers, see `instructions`.
        cache: the cache folder.
        text_column: the column with the texts, where it is known.
        pair_column: the column with the second texts of pairs, where it is known.
        label_column: the column with the labels, where it is known.
        target: `class`, `labels` or `number`, where it is known.
        progress: called with the bytes fetched so far and in total.

    Returns:
        `kind` (`text`; `image`; `language`, where a class is a word; `conversations`), `rows`,
        `texts` (different ones whose label is clear), `columns`, `text_column`, `pair_column`,
        `label_column` (a name, or several), `split_column`, `target`, `label_separator`, `classes`
        {name: rows}, `numbers` {least, mean, greatest}, `given` {split: texts}, `tokens` {median,
        p95, longest}, `max_length`, `cut` (share of texts that it cuts), `split` {train, val,
        test}, `stratified`, `batch_size`, `steps`, `lora_rank`, `lora_parameters` (LoRA's count of
        that rank at the model's sites). Of language `prompt` and `label_words`; of conversations
        and images see `guess_language` and `guess_pictures`. What does not apply is null, empty,
        or not there.

    Raises:
        ConfigurationError: no columns of texts and labels, too few rows, or data and a model that
            do not go together.
        EnvironmentNotUsable: Parquet or Arrow without pyarrow.
        SourceError: the model cannot be fetched, or is of no known family.
    """
    path = Path(path)
    if not path.exists():
        raise ConfigurationError(
            f"{path} is not there; expected a table, a folder of tables, or a folder of pictures."
        )
    root = Path(cache).expanduser() if cache is not None else storage.default_cache()
    name, sha256 = source_and_digest(model, "model")

    def fetched() -> Path:
        return models.resolve_model(name, sha256, root, progress=progress).path

    if path.suffix.lower() == ".json":
        found = {str(key) for _, row in objects(path) for key in row}
        form = guess_language.form_of(found)
        if form is None:
            raise ConfigurationError(
                f"{path} has rows of {', '.join(sorted(found)) or 'nothing'}; expected "
                f"instructions (instruction, output) or conversations, or a table as JSON lines "
                f"(.jsonl)."
            )
        return guess_language.guess_conversations(path, form, fetched())
    if not table.is_table(path):
        if not guess_pictures.looks_like_pictures(path):
            raise ConfigurationError(_no_table(path))
        if any(value is not None for value in (text_column, pair_column, label_column, target)):
            raise ConfigurationError(
                f"{path} is no table, so it has no columns to name; leave the columns and the "
                f"target out, the class of a picture is its folder or stands in its list."
            )
        folder = fetched()
        if models.modality(_family(folder)) != "image":
            raise ConfigurationError(
                f"{_no_table(path)[:-1]}; of a model of images a folder of pictures, and {name} "
                f"is a {_family(folder)}: name another with --model."
            )
        return guess_pictures.guess_pictures(path, folder, root)
    records = list(table.records(path))
    columns = list(dict.fromkeys(str(column) for record in records for column in record.cells))
    form = guess_language.form_of(columns) if path.suffix.lower() == ".jsonl" else None
    if form is not None and label_column is None:
        return guess_language.guess_conversations(path, form, fetched())
    cells = [record.cells for record in records]
    task = _task(path, cells, columns, text_column, pair_column, label_column, target)
    rows = table.rows_of(records, path, task)
    classes, numbers = _labels(rows, task)
    if task.target != "number" and len(classes) > MOST_CLASSES:
        raise ConfigurationError(
            f"The column {task.label_columns[0]!r} of {path} has {len(classes)} classes; expected "
            f"2 to {MOST_CLASSES}, name another with --label-column, or set --target to number."
        )
    clear = clear_rows(rows.rows)
    budget.refuse_few(len(clear), "texts with a clear label", path)
    folder = fetched()
    if models.modality(_family(folder)) == "image":
        raise ConfigurationError(
            f"{path} is a table of texts and {name} is a model of images ({_family(folder)}); "
            f"expected a folder or a list of pictures as data, or name a model of texts."
        )
    causal = _family(folder) in models.CAUSAL
    asked = _prompted(path, task, list(rows.labels), folder) if causal else {}
    given = {part: sum(row.split == part for row in clear) for part in NAMES}
    sizes = budget.sizes(len(clear), given)
    passes = (guess_language.EPOCHS, guess_language.BATCH) if causal else (EPOCHS, BATCH)
    return {
        "kind": "language" if causal else "text",
        "rows": len(records),
        "texts": len(clear),
        "columns": columns,
        "text_column": task.text_column,
        "pair_column": task.pair_column,
        "label_column": list(task.label_columns)
        if isinstance(task.label_column, tuple)
        else task.label_column,
        "split_column": task.split_column,
        "target": task.target,
        "label_separator": task.label_separator,
        "classes": classes,
        "numbers": numbers,
        **sizes,
        **budget.lengths(_tokens(clear, folder, asked.get("prompt")), folder),
        "stratified": task.target == "class" and not any(given.values()),
        **budget.training(sizes["split"]["train"], *passes),
        **budget.lora_parameters(folder),
        **asked,
    }


def _family(model: Path) -> str:
    return str(models.read_config(model)["model_type"])


def _no_table(path: Path) -> str:
    return (
        f"{path} is no table; expected a file in {', '.join(table.SUFFIXES)}, a folder with "
        f"train, val and test as such files, or what datasets.save_to_disk wrote."
    )


def _prompted(path: Path, task: Task, labels: list[str], model: Path) -> dict[str, Any]:
    """`prompt` and `label_words` for a causal language model."""
    if task.target != "class" or task.pair_column is not None:
        found = "pairs of texts" if task.target == "class" else f"the target {task.target}"
        raise ConfigurationError(
            f"{path} has {found}, and a causal language model reads one text a row and answers "
            f"with one word for its class; name other columns, or a classifier's model with "
            f"--model."
        )
    prompt, words = guess_language.prompt_for(labels, models.load_tokenizer(model))
    return {"prompt": prompt, "label_words": words}


def _task(
    path: Path,
    records: Sequence[Mapping[str, Any]],
    columns: list[str],
    text: str | None,
    pair: str | None,
    label: str | None,
    target: str | None,
) -> Task:
    """The task block that the columns suggest."""
    for name, option in (
        (text, "--text-column"),
        (pair, "--pair-column"),
        (label, "--label-column"),
    ):
        if name is not None:
            table.value(table.Record(str(path), dict.fromkeys(columns)), name, option)
    if text is None and pair is None:
        text, pair = _pair_columns(columns)
    text = text or _text_column(path, records, [name for name in columns if name != pair])
    split = _named(columns, SPLIT_COLUMNS)
    if split is not None and not all(
        str(record.get(split)).strip().lower() in table.SPLIT_NAMES for record in records
    ):
        split = None
    rest = [name for name in columns if name not in (text, pair, split)]
    flags = _flags(records, rest) if label is None and _named(rest, LABEL_NAMES) is None else []
    block: dict[str, Any] = {"source": f"local:{path}", "text_column": text}
    block.update(pair_column=pair, split_column=split)
    if len(flags) > 1 and target in (None, "labels"):
        return Task.of({**block, "label_column": flags, "target": "labels"})
    label = label or _label_column(path, records, rest)
    kind, separator = _kind([record.get(label) for record in records], target)
    block.update(label_column=label, target=kind, label_separator=separator)
    return Task.of(block)


def _named(columns: Iterable[str], names: Sequence[str]) -> str | None:
    """The first of the usual names that a column has."""
    folded = {column.casefold(): column for column in columns}
    return next((folded[name] for name in names if name in folded), None)


def _pair_columns(columns: Sequence[str]) -> tuple[str | None, str | None]:
    for first, second in PAIR_NAMES:
        one, other = _named(columns, (first,)), _named(columns, (second,))
        if one is not None and other is not None:
            return one, other
    return None, None


def _text_column(path: Path, records: Sequence[Mapping[str, Any]], columns: list[str]) -> str:
    """The column with a usual name, else the one with the longest texts of more than one word."""
    named = _named(columns, TEXT_NAMES)
    if named is not None:
        return named
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


def _label_column(path: Path, records: Sequence[Mapping[str, Any]], columns: list[str]) -> str:
    """The column with a usual name, else the one with the fewest different values."""
    named = _named(columns, LABEL_NAMES)
    if named is not None:
        return named
    different = {}
    for column in columns:
        values = {str(record[column]).strip() for record in records if record.get(column)}
        if 2 <= len(values) <= min(MOST_CLASSES, len(records) // 5):
            different[column] = len(values)
    if not different:
        raise ConfigurationError(
            f"{path} has no column that looks like classes (found {', '.join(columns)}); name it "
            f"with --label-column."
        )
    return min(different, key=lambda column: different[column])


def _flags(records: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[str]:
    """The columns that hold nothing but 0 and 1."""
    return [
        column
        for column in columns
        if {str(record.get(column)).strip().removesuffix(".0") for record in records} == {"0", "1"}
    ]


def _kind(cells: Sequence[Any], target: str | None) -> tuple[str, str]:
    """The target that a column's cells suggest, and what separates several labels."""
    texts = [str(cell).strip() for cell in cells if not isinstance(cell, list)]
    separator = next((mark for mark in SEPARATORS if _separates(texts, mark)), ",")
    if target is not None:
        return target, separator
    if len(texts) < len(cells) or _separates(texts, separator):
        return "labels", separator
    numbers = [_number(text) for text in texts]
    if all(math.isfinite(number) for number in numbers):
        whole = all(number == int(number) for number in numbers)
        if not whole or len(set(numbers)) > MOST_STEPS:
            return "number", separator
    return "class", separator


def _separates(texts: Sequence[str], mark: str) -> bool:
    """Whether cut at the mark the cells are fewer different labels, each met more than once."""
    parts = Counter(part.strip() for text in texts for part in text.split(mark))
    several = sum(mark in text for text in texts)
    return (
        several * 20 >= len(texts) > 0
        and len(parts) < len(set(texts))
        and len(parts) <= MOST_CLASSES
        and min(parts.values()) > 1
    )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _labels(rows: Rows, task: Task) -> tuple[dict[str, int], dict[str, float]]:
    """The rows of each class or label, or what the numbers are."""
    if task.target == "number":
        values = [float(row.label) for row in rows.rows if isinstance(row.label, float)]
        mean = sum(values) / len(values)
        return {}, {"least": min(values), "mean": mean, "greatest": max(values)}
    counts: Counter[int] = Counter()
    for row in rows.rows:
        counts.update(row.label if isinstance(row.label, tuple) else (int(row.label),))
    named = {name: counts[index] for index, name in enumerate(rows.labels)}
    return dict(sorted(named.items())), {}


def _tokens(rows: Sequence[Row], model: Path, prompt: str | None) -> list[int]:
    """The numbers of tokens of texts, pairs or prompts, in ascending order."""
    tokenizer = models.load_tokenizer(model)
    pairs = [row.pair for row in rows] if any(row.pair for row in rows) else None
    encoded = tokenizer(
        [row.text if prompt is None else prompt.replace(PLACE, row.text) for row in rows],
        pairs,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,
    )
    return sorted(len(ids) for ids in encoded["input_ids"])
