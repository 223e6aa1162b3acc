"""Small models with random weights, built in memory, for the tests of the layer and around it."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

import glora


def tiny_bert(seed: int = 0, **changes: Any) -> nn.Module:
    """A BertForSequenceClassification of two small blocks, with biases that are not zero."""
    from transformers import BertConfig, BertForSequenceClassification

    settings = {
        "vocab_size": 30,
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 24,
        "max_position_embeddings": 12,
        "num_labels": 2,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    }
    torch.manual_seed(seed)
    model = BertForSequenceClassification(BertConfig(**{**settings, **changes}))
    return with_noise(model, seed).eval()


def with_noise(model: nn.Module, seed: int = 0) -> nn.Module:
    """Adds noise to every parameter: fresh biases are zero and would hide what they do."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return model


def fill_with_noise(model: nn.Module, scale: float = 0.3) -> None:
    """Gives every support tensor numbers as after some training."""
    generator = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for layer in glora.glora_layers(model).values():
            for parameter in layer.support_parameters().values():
                parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))


def tokens(rows: int = 3, length: int = 7) -> dict[str, torch.Tensor]:
    """A batch whose last row is padded."""
    generator = torch.Generator().manual_seed(5)
    ids = torch.randint(1, 30, (rows, length), generator=generator)
    mask = torch.ones_like(ids)
    mask[-1, length // 2 :] = 0
    return {"input_ids": ids, "attention_mask": mask}
