"""Pre-trained models: load one from a source string, say where its head and its linears are."""

from __future__ import annotations

from glora.models.architecture import ARCHITECTURES, Architecture, architecture, linear_sites
from glora.models.classifier import (
    init_head,
    load_classifier,
    pooled_features,
    save_classifier,
    set_dropout,
)
from glora.models.files import (
    ModelFiles,
    load_tokenizer,
    read_config,
    resolve_model,
    tokenizer_digests,
    weights_digest,
)

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "ModelFiles",
    "architecture",
    "init_head",
    "linear_sites",
    "load_classifier",
    "load_tokenizer",
    "pooled_features",
    "read_config",
    "resolve_model",
    "save_classifier",
    "set_dropout",
    "tokenizer_digests",
    "weights_digest",
]
