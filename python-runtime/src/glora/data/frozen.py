"""Features of a frozen body, computed once, for a head that is trained alone."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from glora import models, storage
from glora.buffers import Column
from glora.data import prepared
from glora.errors import ConfigurationError, SourceError

Progress = Callable[[int, int], None]


def features(
    source: str | Path,
    model_path: str | Path,
    model_digest: str,
    cache: str | Path | None = None,
    batch: int = 64,
    *,
    device: str = "cpu",
    progress: Progress | None = None,
) -> prepared.Prepared:
    """Run the body over every row of a prepared set and keep what its head would see.

    Texts go through by length, so that a batch holds little padding; they are written in their own
    order. The result is the same bit for bit within one environment, which is why torch's
    version, threads and CPU are part of the key.

    Args:
        source: folder of a prepared set of token ids or images.
        model_path: the model folder.
        model_digest: SHA-256 of its weights.
        cache: the cache folder; by default `GLORA_CACHE` or `~/.cache/glora`.
        batch: rows at once.
        device: a torch device.
        progress: called with the rows done and in total.

    Raises:
        ConfigurationError: the set has neither token ids nor images, or `batch` is not positive.
        SourceError: the model is not the one named by its digest, or its body is incomplete.
        StorageError: the set is damaged, or there is no space.
    """
    if batch < 1:
        raise ConfigurationError(f"The batch is {batch}; expected at least 1 row.")
    inputs = prepared.verify(source)
    first = inputs.info["columns"][0]
    if first["name"] not in ("input_ids", "pixel_values"):
        raise ConfigurationError(
            f"The prepared set {source} has the column {first['name']}; expected one of token ids "
            f"(input_ids) or images (pixel_values)."
        )
    found = models.weights_digest(Path(model_path))
    if found != model_digest:
        raise SourceError(
            f"The weights in {model_path} have the SHA-256 {found}, expected {model_digest}; fetch "
            f"the model anew."
        )
    hidden = int(models.read_config(Path(model_path))["hidden_size"])
    origin = {
        "set": inputs.digest,
        "model": model_digest,
        "batch": batch,
        "environment": {
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "cpu": torch.backends.cpu.get_cpu_capability(),
            "machine": platform.machine(),
            "device": device,
        },
    }
    key = storage.sha256_json(
        {"format": prepared.FORMAT, "version": prepared.VERSION, "features": origin}
    )
    head = {
        "task": inputs.info["task"],
        "labels": inputs.labels,
        **({"target": inputs.info["target"]} if "target" in inputs.info else {}),
        "columns": prepared.columns_of(
            {"features": ("f32", [hidden], False)}, pixels=first.get("pixels")
        ),
        "sources": {**inputs.info["sources"], "features": origin},
    }
    root = Path(cache).expanduser() if cache is not None else storage.default_cache()
    done, cached = prepared.write(
        root / "prepared",
        key,
        head,
        lambda: _run(inputs, Path(model_path), batch, device, hidden, progress),
    )
    return prepared.Prepared(done.path, done.digest, Path(model_path), model_digest, cached)


def _run(
    inputs: prepared.PreparedSet,
    model_path: Path,
    batch: int,
    device: str,
    hidden: int,
    progress: Progress | None,
) -> dict[str, prepared.SplitContent]:
    names = list(inputs.info["splits"])
    total, done = sum(inputs.rows(name) for name in names), 0
    columns = [Column.parse(column) for column in inputs.info["columns"]]
    longest = max((column.row_shape[0] for column in columns if column.sequence), default=None)
    model = models.load_classifier(model_path, inputs.labels, device=device, max_length=longest)
    content = {}
    for name in names:
        arrays = inputs.mapped(name)
        out = np.empty((inputs.rows(name), hidden), np.float32)
        lengths = arrays.get("lengths", np.zeros(len(out), np.int32))
        order = np.argsort(-lengths, kind="stable")
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            given = {
                column.name: _input(column, arrays[column.name][rows], int(lengths[rows].max()))
                for column in columns
            }
            with torch.inference_mode():
                pooled = models.pooled_features(
                    model, {column: tensor.to(device) for column, tensor in given.items()}
                )
            out[rows] = pooled.float().cpu().numpy()
            done += len(rows)
            if progress:
                progress(done, total)
        texts = inputs.path / inputs.info["splits"][name]["texts"]["file"]
        content[name] = prepared.SplitContent(
            {"features": out, "labels": np.array(arrays["labels"])}, texts.read_bytes()
        )
    return content


def _input(column: Column, rows: prepared.Array, length: int) -> torch.Tensor:
    if column.pixels is not None:
        return column.pixels.normalised(torch.from_numpy(rows))
    return torch.from_numpy(rows[:, :length].astype(np.int64))
