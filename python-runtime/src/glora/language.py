"""What a causal language model is asked: which word follows, and how likely answers are.

    target    outputs of a row                                            loss of a row
    word      [C]: log p(word_c | prompt), over the whole vocabulary      −log p(word of its class)
    tokens    [3]: Σ −log p(token), tokens, tokens predicted right, of    Σ −log p(token)
              the answers alone

A class is a word here (a verbaliser): the greatest likelihood among the words is the prediction,
and training raises the likelihood of the right word as generation would need it, against all
words and not only against those of the other classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from glora.models.causal import last_hidden, word_logits

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

__all__ = ["NO_TARGET", "OUTPUTS", "token_losses", "word_scores"]

# Where no token is to be predicted; the number that torch's cross-entropy ignores.
NO_TARGET = -100
# What the three outputs of the target `tokens` are.
OUTPUTS = ("loss", "tokens", "right")
# Positions whose logits over the vocabulary are held at once: 200 MB at 50,000 words.
_POSITIONS = 1024


def word_scores(
    model: PreTrainedModel, batch: Mapping[str, Tensor], words: Sequence[int]
) -> Tensor:
    """Return the words' log-likelihoods behind each prompt.

    Args:
        model: of `load_causal`.
        batch: `input_ids` and `attention_mask`: [rows, tokens], padded to the right.
        words: one token for each class.

    Returns:
        float32 [rows, classes].
    """
    hidden = last_hidden(model, batch["input_ids"])
    last = batch["attention_mask"].sum(1) - 1
    logits = word_logits(model, hidden[torch.arange(len(last), device=last.device), last])
    return logits.log_softmax(-1)[:, list(words)]


def token_losses(model: PreTrainedModel, batch: Mapping[str, Tensor]) -> Tensor:
    """Return how likely each row's answers are.

    Args:
        model: of `load_causal`.
        batch: [rows, tokens] each, padded to the right: `input_ids`; `target_ids`, the token that
            follows where it is part of an answer, else `NO_TARGET`; and `position_ids` where
            documents are packed.

    Returns:
        float32 [rows, 3], see `OUTPUTS`; the gradient is that of the first one.
    """
    hidden = last_hidden(model, batch["input_ids"], batch.get("position_ids"))
    trained = batch["target_ids"] != NO_TARGET
    rows = trained.nonzero()[:, 0]
    seen, targets = hidden[trained], batch["target_ids"][trained]
    parts = []
    for start in range(0, len(targets), _POSITIONS):
        part = seen[start : start + _POSITIONS], targets[start : start + _POSITIONS]
        if torch.is_grad_enabled() and len(targets) > _POSITIONS:
            parts.append(checkpoint(_losses, model, *part, use_reentrant=False))
        else:
            parts.append(_losses(model, *part))
    found = torch.cat(parts)
    return found.new_zeros(len(hidden), len(OUTPUTS)).index_add(0, rows, found)


def _losses(model: PreTrainedModel, hidden: Tensor, targets: Tensor) -> Tensor:
    """[positions, 3] of the hidden states [positions, hidden] before the targets."""
    logits = word_logits(model, hidden)
    losses = functional.cross_entropy(logits, targets, reduction="none")
    right = (logits.detach().argmax(-1) == targets).to(losses.dtype)
    return torch.stack([losses, torch.ones_like(losses), right], 1)
