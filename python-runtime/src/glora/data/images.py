"""Preparing pictures: fetch, read, split, resize, write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from glora import models, sources, storage
from glora.data import prepared
from glora.data.deal import Dealt, deal, shifted
from glora.data.picture_sources import read
from glora.data.pictures import Picture, Pictures
from glora.data.task import Task
from glora.errors import ConfigurationError

_CHUNK = 64


def prepare(
    files: models.ModelFiles,
    task: Task,
    root: Path,
    *,
    progress: sources.Progress | None = None,
) -> prepared.Prepared:
    """Make a prepared set of pixels, or find it in the cache.

    Pixels stay bytes, of the size that the model takes; set.json says what the model is given.

    Args:
        files: the model.
        task: the task block of an experiment.
        root: the cache folder.
        progress: called with the bytes fetched so far and in total.

    Raises:
        ConfigurationError: a setting does not fit the data or the model, or a bad picture.
        SourceError: something cannot be fetched or is not what it should be.
        StorageError: no space, or the cache cannot be written.
    """
    pixels = models.pixel_input(files.path, task.normalisation)
    read_ones = [_fetch(task, root, progress)]
    read_ones += [
        _fetch(replace(task, source=test.source, sha256=test.sha256, domain=test.domain), root)
        for test in task.test_sets()
    ]
    if task.target != "class":
        raise ConfigurationError(
            f"task.target is {task.target} and the task's rows are pictures; expected class."
        )
    (fetched, pictures), further = read_ones[0], read_ones[1:]
    names = [test.name for test in task.test_sets()]
    data = {"source": sources.public(task.source), "sha256": fetched.digest}
    more = {
        name: {"sha256": found.digest, **others.settings}
        for name, (found, others) in zip(names, further, strict=True)
    }
    settings = {**pictures.settings, "split": task.split_json(), "pixels": pixels.to_json()}
    if more:
        settings["tests"] = more
    if task.split.stratified:
        settings["order"] = "stratified"  # which sets made earlier were not, whatever the task said
    key = storage.sha256_json(
        {
            "format": prepared.FORMAT,
            "version": prepared.VERSION,
            "task": settings,
            "data": fetched.digest,
        }
    )
    shape = [pixels.channels, pixels.height, pixels.width]
    head = {
        "task": settings,
        "labels": list(pictures.labels),
        "columns": prepared.columns_of(
            {"pixel_values": ("u8", shape, False)}, pixels=pixels.to_json()
        ),
        "sources": {"data": data},
    }

    def make() -> dict[str, prepared.SplitContent]:
        splits = deal(pictures, task.split)
        seen = [*splits["train"].rows, *splits["val"].rows]
        for name, (_, others) in zip(names, further, strict=True):
            splits[prepared.test_name(name)] = shifted(others, task.split, pictures.labels, seen)
        return {name: _content(part, pictures, shape) for name, part in splits.items()}

    done, cached = prepared.write(root / "prepared", key, head, make)
    return prepared.Prepared(done.path, done.digest, files.path, files.digest, cached)


def _fetch(
    task: Task, root: Path, progress: sources.Progress | None = None
) -> tuple[sources.Fetched, Pictures]:
    fetched = sources.fetch(task.source, task.sha256, root, progress=progress)
    return fetched, read(fetched, task)


def _content(part: Dealt, pictures: Pictures, shape: Sequence[int]) -> prepared.SplitContent:
    labels = [picture.label for picture in part.rows]
    channels, height, width = shape

    def chunks() -> Iterator[prepared.Array]:
        for start in range(0, len(part.rows), _CHUNK):
            yield np.stack(
                [_resized(row, height, width, channels) for row in part.rows[start:][:_CHUNK]]
            )

    arrays: Mapping[str, Any] = {
        "pixel_values": prepared.Stream(np.dtype(np.uint8), (len(labels), *shape), chunks),
        "labels": np.array(labels, np.int64),
    }
    lines = prepared.text_lines(
        [picture.name for picture in part.rows], [pictures.labels[label] for label in labels]
    )
    notes = {"left_out": part.left_out} if part.left_out else {}
    return prepared.SplitContent(arrays, lines, notes)


def _resized(picture: Picture, height: int, width: int, channels: int) -> prepared.Array:
    return picture.resized(height, width, channels)
