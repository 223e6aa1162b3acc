"""Scoring pictures with a merged classifier of images."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from glora.data.pictures import SUFFIXES, Picture
from glora.data.table import decoded
from glora.errors import ConfigurationError
from glora.models import pixel_input
from glora.predict.output import Predictions, Record, check_suffix, finite, scored
from glora.predict.texts import outputs_of

__all__ = ["predict_pictures"]

PATH, LABEL = "path", "label"


def predict_pictures(
    model_path: str | Path, source: str | Path, target: str | Path, *, batch_size: int = 32
) -> Predictions:
    """Score pictures and write a row for each: its path, and what is predicted.

    They are prepared as a task's pictures are, by what the model's folder says.

    Args:
        model_path: a merged classifier's folder.
        source: a picture; a folder, whose pictures at any depth are taken in the order of their
            paths; or a list (`.txt`) of a path a line, relative to the list's folder, behind
            which a label may stand, which is written beside.
        target: where to, as a whole or not at all; its suffix chooses the format.
        batch_size: pictures scored at a time.

    Raises:
        ConfigurationError: no picture, one that cannot be read, or a format that is not known.
        EnvironmentNotUsable: Parquet without pyarrow.
        SourceError: the folder holds no classifier of images.
        StorageError: no space, or the target cannot be written.
    """
    source, target, model_path = Path(source), Path(target), Path(model_path)
    check_suffix(target)
    found = _pictures(source)
    kind, labels = outputs_of(model_path)
    logits = _logits(model_path, [file for file, _ in found], batch_size)
    return scored(target, [record for _, record in found], kind, labels, logits, cut=0)


def _pictures(source: Path) -> list[tuple[Path, Record]]:
    """Each picture's file and row."""
    if source.is_dir():
        files = sorted(file for file in source.rglob("*") if file.suffix.lower() in SUFFIXES)
        if not files:
            raise ConfigurationError(
                f"The folder {source} has no picture; expected files that end in "
                f"{', '.join(SUFFIXES)}."
            )
        return [(file, {PATH: file.relative_to(source).as_posix()}) for file in files]
    if source.suffix.lower() in SUFFIXES:
        return [(source, {PATH: source.name})]
    if source.suffix.lower() != ".txt":
        raise ConfigurationError(
            f"{source} is no folder, no picture and no list of pictures; the run's model takes "
            f"pictures, so a folder, a file that ends in {', '.join(SUFFIXES)}, or a .txt with a "
            f"path a line was expected."
        )
    lines = [line.strip() for line in decoded(source).split("\n") if line.strip()]
    return [_listed(source.parent, line) for line in lines]


def _listed(folder: Path, line: str) -> tuple[Path, Record]:
    path, space, label = line.rpartition(" ")
    # A path may have spaces in it: the whole line is one wherever such a file is there.
    if space and not (folder / line).is_file():
        return folder / path.strip(), {PATH: path.strip(), LABEL: label}
    return folder / line, {PATH: line}


def _logits(model_path: Path, files: list[Path], batch_size: int) -> Tensor:
    """Logits [pictures, classes]."""
    from transformers import AutoModelForImageClassification

    pixels = pixel_input(model_path)
    model = AutoModelForImageClassification.from_pretrained(str(model_path), local_files_only=True)
    cast(nn.Module, model).eval()
    parts = []
    for start in range(0, len(files), batch_size):
        rows = [
            Picture(file.name, 0, file).resized(pixels.height, pixels.width, pixels.channels)
            for file in files[start : start + batch_size]
        ]
        batch = pixels.normalised(torch.from_numpy(np.stack(rows))).to(model.dtype)
        with torch.inference_mode():
            parts.append(finite(model(pixel_values=batch).logits.float(), model_path))
    return torch.cat(parts)
