"""Preparing texts: fetch, read, split, tokenise, write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glora import models, sources, storage
from glora.data import images, labels, prepared, table, vader
from glora.data.generation import Generation, conversations, is_generation
from glora.data.rows import Row, Rows
from glora.data.splits import check_classes, draw_splits, further_test
from glora.data.task import Task, TestSet, source_and_digest
from glora.errors import ConfigurationError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def prepare(
    model: str | Mapping[str, Any],
    task: Task | Mapping[str, Any],
    cache: str | Path | None = None,
    *,
    progress: sources.Progress | None = None,
) -> prepared.Prepared:
    """Make a prepared set of token ids or pixels, or find it in the cache; fetch what is missing.

    Args:
        model: source of the model that reads it: a string or `{source, sha256}`.
        task: the task block of an experiment.
        cache: the cache folder; by default `GLORA_CACHE` or `~/.cache/glora`.
        progress: called with the bytes fetched so far and in total.

    Raises:
        ConfigurationError: a setting does not fit the data or the model.
        SourceError: something cannot be fetched or is not what it should be.
        StorageError: no space, or the cache cannot be written.
    """
    task = task if isinstance(task, Task) else Task.of(task)
    root = Path(cache).expanduser() if cache is not None else storage.default_cache()
    name, sha256 = source_and_digest(model, "model")
    files = models.resolve_model(name, sha256, root, progress=progress)
    if models.modality(str(models.read_config(files.path)["model_type"])) == "image":
        return images.prepare(files, task, root, progress=progress)
    _check_length(task, files.path)
    fetched = sources.fetch(task.source, task.sha256, root, progress=progress)
    rows = _read(fetched, task)
    tests = [(test.name, _further(test, task, rows, root)) for test in task.test_sets()]
    generation = Generation(task, rows.labels, files.path) if is_generation(task) else None
    settings = {
        **rows.settings,
        **_later_settings(task),
        **(generation.settings if generation else {}),
        "split": task.split_json(),
        "max_length": task.max_length,
    }
    origin = {
        "data": {"source": sources.public(task.source), "sha256": fetched.digest},
        "tokenizer": models.tokenizer_digests(files.path),
    }
    if tests:
        settings["tests"] = {name: further.settings for name, further in tests}
    key = storage.sha256_json(
        {
            "format": prepared.FORMAT,
            "version": prepared.VERSION,
            "task": settings,
            "data": fetched.digest,
            "tokenizer": origin["tokenizer"],
        }
    )
    shape = [task.max_length]
    splits = draw_splits(rows.rows, task.split, task.overlap)
    seen = [*splits["train"], *splits["val"]]
    for test, further in tests:
        splits[prepared.test_name(test)] = further_test(further.rows, task.split, seen)
    if task.format is None:
        check_classes(splits, rows.labels, task)
    columns: dict[str, tuple[str, list[int], bool]] = {
        "input_ids": ("i32", shape, True),
        "attention_mask": ("u8", shape, True),
    }
    if task.pair_column is not None and models.has_token_types(files.path):
        columns["token_type_ids"] = ("u8", shape, True)
    head: dict[str, Any] = {
        "task": settings,
        "labels": list(rows.labels),
        **labels.target_of(task, splits["train"]),
        "columns": prepared.columns_of(columns),
        "sources": origin,
    }
    if generation:
        head["target"] = generation.target
        head["columns"] = prepared.columns_of(generation.columns)
    done, cached = prepared.write(
        root / "prepared",
        key,
        head,
        lambda: (
            {name: generation.split(name, part) for name, part in splits.items()}
            if generation
            else _tokenise(splits, list(rows.labels), task, files.path)
        ),
    )
    return prepared.Prepared(done.path, done.digest, files.path, files.digest, cached)


def _read(fetched: sources.Fetched, task: Task) -> Rows:
    """Choose the reader by what the source is."""
    spec = sources.parse(task.source)
    path = fetched.path
    if task.format is not None:
        return conversations(path, task)
    if spec.kind == "pypi" and spec.name == "vadersentiment":
        return vader.read(path, task)
    if spec.kind == "local" and table.is_table(path):
        return table.read(path, task)
    if spec.kind == "local" and (path.is_dir() or path.name.endswith(".tar.gz")):
        return vader.read(path, task)
    raise ConfigurationError(
        f"task.source is {task.source!r}, which no reader knows; expected "
        f"pypi:vaderSentiment==3.3.2 or local:PATH of a table ({', '.join(table.SUFFIXES)}), of "
        f"a folder with train, val and test as tables, or of what datasets.save_to_disk wrote."
    )


def _further(test: TestSet, task: Task, rows: Rows, root: Path) -> Rows:
    """Read a further test set, whose labels must be the task's."""
    own = replace(task, source=test.source, sha256=test.sha256, domain=test.domain)
    fetched = sources.fetch(own.source, own.sha256, root)
    found = _read(fetched, own)
    if found.labels != rows.labels:
        raise ConfigurationError(
            f"The further test set {test.name} has the classes {', '.join(found.labels)}; expected "
            f"the task's, {', '.join(rows.labels)}."
        )
    return Rows(found.labels, found.rows, {**found.settings, "sha256": fetched.digest})


def _check_length(task: Task, model: Path) -> None:
    config = models.read_config(model)
    longest = config.get("max_position_embeddings", config.get("n_positions"))
    if isinstance(longest, int) and task.max_length > longest:
        raise ConfigurationError(
            f"task.max_length is {task.max_length}; expected at most {longest}, the positions that "
            f"the model has."
        )


def _later_settings(task: Task) -> dict[str, object]:
    """What sets made before these settings were there do without, so that their keys stay."""
    settings: dict[str, object] = {}
    if task.target != "class":
        settings["target"] = task.target
    if task.target == "labels":
        settings["label_separator"] = task.label_separator
    for setting, default in (("overlap", "refuse"), ("too_long", "cut")):
        if getattr(task, setting) != default:
            settings[setting] = getattr(task, setting)
    return settings


def _tokenise(
    splits: dict[str, list[Row]], names: list[str], task: Task, model: Path
) -> dict[str, prepared.SplitContent]:
    tokenizer = models.load_tokenizer(model)
    pairs = task.pair_column is not None
    least = tokenizer.num_special_tokens_to_add(pair=pairs) + 1 + pairs
    if task.max_length < least:
        raise ConfigurationError(
            f"task.max_length is {task.max_length}; expected at least {least}, so that a token of "
            f"the text fits beside the special ones."
        )
    content = {name: _columns(part, names, tokenizer, task) for name, part in splits.items()}
    cut = {name: part.cut for name, part in content.items() if part.cut}
    if cut and task.too_long == "refuse":
        counts = ", ".join(
            f"{count} of {len(splits[name])} in {name}" for name, count in cut.items()
        )
        raise ConfigurationError(
            f"Texts are longer than the {task.max_length} tokens of task.max_length ({counts}) and "
            f"task.too_long is refuse; raise max_length, shorten them, or set too_long to cut."
        )
    return content


def _columns(
    rows: list[Row], names: list[str], tokenizer: PreTrainedTokenizerBase, task: Task
) -> prepared.SplitContent:
    max_length = task.max_length
    pairs = [row.pair for row in rows] if task.pair_column is not None else None
    encoded = tokenizer(
        [row.text for row in rows],
        pairs,
        truncation=True,
        max_length=max_length,
        padding=False,
        return_token_type_ids=pairs is not None,
        return_attention_mask=False,
    )
    padding = tokenizer.pad_token_id if isinstance(tokenizer.pad_token_id, int) else 0
    lengths = np.array([len(ids) for ids in encoded["input_ids"]], np.int32)
    arrays: dict[str, prepared.Array] = {
        "input_ids": np.full((len(rows), max_length), padding, np.int32),
        "attention_mask": (np.arange(max_length) < lengths[:, None]).astype(np.uint8),
        "labels": labels.array(rows, task.target, len(names)),
        "lengths": lengths,
    }
    if "token_type_ids" in tokenizer.model_input_names and pairs is not None:
        arrays["token_type_ids"] = np.zeros((len(rows), max_length), np.uint8)
    for name in ("input_ids", "token_type_ids"):
        for index, ids in enumerate(encoded[name] if name in arrays else ()):
            arrays[name][index, : len(ids)] = ids
    cut = sum(bool(encoding.overflowing) for encoding in encoded.encodings or ())
    texts = prepared.text_lines(
        [row.text for row in rows],
        [labels.named(row.label, names) for row in rows],
        [row.pair for row in rows],
    )
    return prepared.SplitContent(arrays, texts, cut=cut)
