"""Looking at pictures of one's own: what an experiment on them may be."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from glora import models, sources
from glora.data import budget, few_shot, vtab
from glora.data.deal import pools
from glora.data.picture_sources import read
from glora.data.pictures import SUFFIXES
from glora.data.splits import NAMES
from glora.data.task import Task
from glora.errors import ConfigurationError, SourceError

__all__ = ["guess_pictures", "looks_like_pictures"]

EPOCHS, BATCH = 16, 32
# What most weights of today want, where the model's folder does not say.
NORMALISATION = "imagenet"


def looks_like_pictures(path: Path) -> bool:
    """Whether a path is a folder, a list, or a picture, which a model of images reads."""
    return path.is_dir() or path.suffix.lower() in (".txt", *SUFFIXES)


def guess_pictures(path: Path, model: Path, cache: Path) -> dict[str, Any]:
    """Look at pictures, all of which are read, and propose the settings of an experiment.

    Args:
        path: a folder of folders, or a list; see `picture_sources`.
        model: folder of the model.
        cache: the cache folder.

    Returns:
        As `guess.guess`; `texts` is the number of different pictures whose class is clear, and
        `size` {height, width, channels} and `normalisation` are what the model is given.

    Raises:
        ConfigurationError: no pictures, one that cannot be read, one class, or too few.
    """
    if path.is_file() and path.suffix.lower() in SUFFIXES:
        raise ConfigurationError(
            f"{path} is one picture; expected a folder with a folder of pictures for each class, "
            f"or a list of paths and labels (.txt)."
        )
    if path.is_dir() and (vtab.is_task(path) or few_shot.is_task(path)):
        raise ConfigurationError(
            f"{path} has the lists of a published protocol; take an experiment of "
            f"experiments/paper and set task.source in it, or name a folder of one's own pictures."
        )
    task = Task.of({"source": f"local:{path}"})
    found = read(sources.fetch(task.source, cache=cache), task)
    rows = sum(map(len, found.parts.values()))
    if not rows:
        raise ConfigurationError(f"{path} has no pictures; expected a folder of them a class.")
    drawn = pools(found, task.split.seed)
    parts = {name: rows for name, (rows, _) in zip(NAMES, drawn, strict=True)}
    clear = sum(map(len, parts.values()))
    budget.refuse_few(clear, "pictures with a clear class", path)
    labels = Counter(found.labels[row.label] for part in parts.values() for row in part)
    given = {name: len(part) if name in found.parts else 0 for name, part in parts.items()}
    sizes = budget.sizes(clear, given)
    normalisation = "weights"
    try:
        pixels = models.pixel_input(model)
    except SourceError:
        normalisation = NORMALISATION
        pixels = models.pixel_input(model, normalisation)
    return {
        "kind": "image",
        "rows": rows,
        "texts": clear,
        "target": "class",
        "classes": {name: labels[name] for name in found.labels},
        "numbers": {},
        **sizes,
        "stratified": not sizes["given"],
        "size": {"height": pixels.height, "width": pixels.width, "channels": pixels.channels},
        "normalisation": normalisation,
        **budget.training(sizes["split"]["train"], EPOCHS, BATCH),
        **budget.lora_parameters(model),
    }
