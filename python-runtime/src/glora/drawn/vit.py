"""A vision transformer that nothing has trained, as a folder of transformers.

A. Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at
Scale", ICLR 2021. numpy draws the weights, so that they are the same under every torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

__all__ = ["VIT_TINY", "write_vit"]

# 0.8 M parameters, 49 patches: what two cores train in minutes.
VIT_TINY: dict[str, Any] = {
    "model_type": "vit",
    "architectures": ["ViTModel"],
    "hidden_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 512,
    "hidden_act": "gelu",
    "image_size": 28,
    "patch_size": 4,
    "num_channels": 3,
    "qkv_bias": True,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
    "layer_norm_eps": 1e-6,
    "initializer_range": 0.02,
}
_PREPROCESSOR = {
    "image_processor_type": "ViTImageProcessor",
    "do_resize": True,
    "resample": 3,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
}


def write_vit(
    folder: Path, config: Mapping[str, Any], seed: int = 0, scale: float | None = None
) -> Path:
    """Write a ViT or DeiT body: configuration, weights, and how its images are normalised.

    Args:
        folder: an existing folder.
        config: as transformers has it.
        seed: of the weights.
        scale: standard deviation of the linears' weights times the root of their inputs; by
            default `initializer_range` is their standard deviation.
    """
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    channels = int(config["num_channels"])
    preprocessor = {
        **_PREPROCESSOR,
        "size": {"height": config["image_size"], "width": config["image_size"]},
        "image_mean": [0.5] * channels,
        "image_std": [0.5] * channels,
    }
    (folder / "preprocessor_config.json").write_text(
        json.dumps(preprocessor, indent=2) + "\n", encoding="utf-8"
    )
    save_file(
        _weights(config, seed, scale), folder / "model.safetensors", metadata={"format": "pt"}
    )
    return folder


def _weights(
    config: Mapping[str, Any], seed: int, scale: float | None
) -> dict[str, npt.NDArray[np.float32]]:
    draw = np.random.default_rng(seed)
    hidden, inner = int(config["hidden_size"]), int(config["intermediate_size"])
    patch, channels = int(config["patch_size"]), int(config["num_channels"])
    patches = (int(config["image_size"]) // patch) ** 2
    spread = float(config["initializer_range"])
    tensors: dict[str, npt.NDArray[np.float32]] = {}

    def normal(name: str, *shape: int) -> None:
        fan_in = int(np.prod(shape[1:]))
        deviation = spread if scale is None else scale / fan_in**0.5
        tensors[name] = (draw.standard_normal(shape) * deviation).astype(np.float32)

    def constant(name: str, value: float, size: int) -> None:
        tensors[name] = np.full(size, value, np.float32)

    def linear(name: str, rows: int, columns: int) -> None:
        normal(f"{name}.weight", rows, columns)
        constant(f"{name}.bias", 0, rows)

    def norm(name: str) -> None:
        constant(f"{name}.weight", 1, hidden)
        constant(f"{name}.bias", 0, hidden)

    special = ["cls_token", "distillation_token"][: 2 if config["model_type"] == "deit" else 1]
    for token in special:
        normal(f"embeddings.{token}", 1, 1, hidden)
    normal("embeddings.position_embeddings", 1, patches + len(special), hidden)
    projection = "embeddings.patch_embeddings.projection"
    normal(f"{projection}.weight", hidden, channels, patch, patch)
    constant(f"{projection}.bias", 0, hidden)
    for block in range(int(config["num_hidden_layers"])):
        layer = f"encoder.layer.{block}"
        norm(f"{layer}.layernorm_before")
        for part in ("query", "key", "value"):
            linear(f"{layer}.attention.attention.{part}", hidden, hidden)
        linear(f"{layer}.attention.output.dense", hidden, hidden)
        norm(f"{layer}.layernorm_after")
        linear(f"{layer}.intermediate.dense", inner, hidden)
        linear(f"{layer}.output.dense", hidden, inner)
    norm("layernorm")
    return tensors
