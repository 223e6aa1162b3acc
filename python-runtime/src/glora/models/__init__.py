"""Pre-trained models: load one from a source string, say where its head and its linears are."""

from __future__ import annotations

from glora.models.architecture import (
    ARCHITECTURES,
    CAUSAL,
    Architecture,
    architecture,
    is_causal,
    linear_sites,
    modality,
)
from glora.models.causal import last_hidden, load_causal, word_logits
from glora.models.classifier import (
    checkpoint_activations,
    init_head,
    load_classifier,
    pooled_features,
    save_classifier,
    set_dropout,
)
from glora.models.files import (
    PREPROCESSOR,
    ModelFiles,
    has_token_types,
    load_tokenizer,
    read_config,
    resolve_model,
    tokenizer_digests,
    weights_digest,
)
from glora.models.pixels import PixelInput, pixel_input

__all__ = [
    "ARCHITECTURES",
    "CAUSAL",
    "PREPROCESSOR",
    "Architecture",
    "ModelFiles",
    "PixelInput",
    "architecture",
    "checkpoint_activations",
    "has_token_types",
    "init_head",
    "is_causal",
    "last_hidden",
    "linear_sites",
    "load_causal",
    "load_classifier",
    "load_tokenizer",
    "modality",
    "pixel_input",
    "pooled_features",
    "read_config",
    "resolve_model",
    "save_classifier",
    "set_dropout",
    "tokenizer_digests",
    "weights_digest",
    "word_logits",
]
