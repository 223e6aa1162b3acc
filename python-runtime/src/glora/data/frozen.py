"""Features of a frozen body, computed once, for a head that is trained alone."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from glora import models, storage
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

    Rows go through by length, so that a batch holds little padding; they are written in their own
    order. The result is the same bit for bit within one environment, which is why torch's
    version, threads and CPU are part of the key.

    Args:
        source: folder of a prepared set of token ids.
        model_path: the model folder.
        model_digest: SHA-256 of its weights.
        cache: the cache folder; by default `GLORA_CACHE` or `~/.cache/glora`.
        batch: rows at once.
        device: a torch device.
        progress: called with the rows done and in total.

    Raises:
        ConfigurationError: the set has no token ids, or `batch` is not positive.
        SourceError: the model is not the one named by its digest, or its body is incomplete.
        StorageError: the set is damaged, or there is no space.
    """
    if batch < 1:
        raise ConfigurationError(f"The batch is {batch}; expected at least 1 row.")
    tokens = prepared.verify(source)
    if "input_ids" not in [column["name"] for column in tokens.info["columns"]]:
        raise ConfigurationError(
            f"The prepared set {source} has no column input_ids; expected one of token ids."
        )
    found = models.weights_digest(Path(model_path))
    if found != model_digest:
        raise SourceError(
            f"The weights in {model_path} have the SHA-256 {found}, expected {model_digest}; fetch "
            f"the model anew."
        )
    hidden = int(models.read_config(Path(model_path))["hidden_size"])
    origin = {
        "set": tokens.digest,
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
        "task": tokens.info["task"],
        "labels": tokens.labels,
        "columns": prepared.columns_of({"features": ("f32", [hidden], False)}),
        "sources": {**tokens.info["sources"], "features": origin},
    }
    root = Path(cache).expanduser() if cache is not None else storage.default_cache()
    done, cached = prepared.write(
        root / "prepared",
        key,
        head,
        lambda: _run(tokens, Path(model_path), batch, device, hidden, progress),
    )
    return prepared.Prepared(done.path, done.digest, Path(model_path), model_digest, cached)


def _run(
    tokens: prepared.PreparedSet,
    model_path: Path,
    batch: int,
    device: str,
    hidden: int,
    progress: Progress | None,
) -> dict[str, prepared.SplitContent]:
    names = list(tokens.info["splits"])
    total, done = sum(tokens.rows(name) for name in names), 0
    longest = tokens.info["columns"][0]["row_shape"][0]
    model = models.load_classifier(model_path, tokens.labels, device=device, max_length=longest)
    content = {}
    for name in names:
        arrays = tokens.arrays(name)
        out = np.empty((tokens.rows(name), hidden), np.float32)
        order = np.argsort(-arrays["lengths"], kind="stable")
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            length = int(arrays["lengths"][rows].max())
            inputs = {
                column: torch.from_numpy(arrays[column][rows, :length].astype(np.int64)).to(device)
                for column in ("input_ids", "attention_mask")
            }
            with torch.inference_mode():
                pooled = models.pooled_features(model, inputs)
            out[rows] = pooled.float().cpu().numpy()
            done += len(rows)
            if progress:
                progress(done, total)
        texts = tokens.path / tokens.info["splits"][name]["texts"]["file"]
        content[name] = prepared.SplitContent(
            {"features": out, "labels": arrays["labels"]}, texts.read_bytes()
        )
    return content
