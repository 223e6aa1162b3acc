"""The original weights of vision transformers, Google's `.npz` files of JAX arrays.

github.com/google-research/vision_transformer; `ViT-B_16.npz` of imagenet21k is what the published
results of GLoRA start from. Kernels are [in, out], of attention [in, heads, width of a head] and
[heads, width, out], of the patches [height, width, in, out]. Pixels are normalised by 0.5 and 0.5,
and the norms have an epsilon of 1e-6. The classifier and the layer before it are not taken over.
"""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

from glora import storage
from glora.errors import SourceError
from glora.models.files import PREPROCESSOR, WEIGHTS
from glora.models.pixels import PixelInput

Arrays = Mapping[str, npt.NDArray[Any]]

_BLOCK = "Transformer/encoderblock_"
_VERSION = 1


def convert(file: Path, digest: str, cache: Path) -> Path:
    """Return a folder of transformers with the weights of an `.npz` file, made once.

    Args:
        file: the weights.
        digest: their SHA-256.
        cache: the cache folder.

    Raises:
        SourceError: the file is damaged, or holds no vision transformer.
        StorageError: no space, or the cache cannot be written.
    """
    target = cache / "models" / f"{digest}-{_VERSION}"
    with storage.locked(target.parent):
        if not (target / WEIGHTS).is_file():
            try:
                with np.load(file, allow_pickle=False) as arrays:
                    config, tensors = _converted(arrays)
            except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
                raise SourceError(
                    f"The file {file} holds no weights of a vision transformer in JAX's names "
                    f"({error}); expected one such as ViT-B_16.npz, whole."
                ) from error
            size = config["image_size"]
            pixels = PixelInput(size, size, (0.5,) * 3, (0.5,) * 3)
            with storage.new_folder(target) as folder:
                for name, value in (
                    ("config.json", config),
                    (PREPROCESSOR, pixels.preprocessor()),
                ):
                    (folder / name).write_text(json.dumps(value, indent=2) + "\n", "utf-8")
                save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    return target


def _converted(arrays: Arrays) -> tuple[dict[str, Any], dict[str, npt.NDArray[np.float32]]]:
    names = list(arrays)
    blocks = len({name.split("/")[1] for name in names if name.startswith(_BLOCK)})
    patches = arrays["embedding/kernel"]
    positions = arrays["Transformer/posembed_input/pos_embedding"]
    query = arrays[f"{_BLOCK}0/MultiHeadDotProductAttention_1/query/kernel"]
    side = math.isqrt(positions.shape[1] - 1)
    if side**2 != positions.shape[1] - 1:
        raise ValueError(f"{positions.shape[1]} positions are no square and a class token")
    config = {
        "model_type": "vit",
        "architectures": ["ViTModel"],
        "hidden_size": int(patches.shape[3]),
        "num_hidden_layers": blocks,
        "num_attention_heads": int(query.shape[1]),
        "intermediate_size": int(arrays[f"{_BLOCK}0/MlpBlock_3/Dense_0/bias"].shape[0]),
        "hidden_act": "gelu",
        "image_size": int(patches.shape[0]) * side,
        "patch_size": int(patches.shape[0]),
        "num_channels": int(patches.shape[2]),
        "qkv_bias": True,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "layer_norm_eps": 1e-6,
        "initializer_range": 0.02,
    }
    hidden = config["hidden_size"]
    tensors: dict[str, npt.NDArray[np.float32]] = {}

    def put(name: str, value: npt.NDArray[Any]) -> None:
        tensors[name] = np.ascontiguousarray(value, np.float32)

    def linear(name: str, source: str, shape: Callable[[Any], Any]) -> None:
        put(f"{name}.weight", shape(arrays[f"{source}/kernel"]).T)
        put(f"{name}.bias", arrays[f"{source}/bias"].reshape(-1))

    def norm(name: str, source: str) -> None:
        put(f"{name}.weight", arrays[f"{source}/scale"])
        put(f"{name}.bias", arrays[f"{source}/bias"])

    put("embeddings.cls_token", arrays["cls"])
    put("embeddings.position_embeddings", positions)
    put("embeddings.patch_embeddings.projection.weight", patches.transpose(3, 2, 0, 1))
    put("embeddings.patch_embeddings.projection.bias", arrays["embedding/bias"])
    for block in range(blocks):
        layer, source = f"encoder.layer.{block}", f"{_BLOCK}{block}"
        attention = f"{source}/MultiHeadDotProductAttention_1"
        norm(f"{layer}.layernorm_before", f"{source}/LayerNorm_0")
        for part in ("query", "key", "value"):
            linear(
                f"{layer}.attention.attention.{part}",
                f"{attention}/{part}",
                lambda kernel: kernel.reshape(hidden, -1),
            )
        linear(
            f"{layer}.attention.output.dense",
            f"{attention}/out",
            lambda kernel: kernel.reshape(-1, hidden),
        )
        norm(f"{layer}.layernorm_after", f"{source}/LayerNorm_2")
        linear(f"{layer}.intermediate.dense", f"{source}/MlpBlock_3/Dense_0", np.asarray)
        linear(f"{layer}.output.dense", f"{source}/MlpBlock_3/Dense_1", np.asarray)
    norm("layernorm", "Transformer/encoder_norm")
    return config, tensors
