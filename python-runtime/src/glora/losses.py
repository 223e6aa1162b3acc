"""The kinds of target: what a row's label is, and the loss that trains on it.

    kind     a row has         labels bound          loss of a row
    class    one of C classes  int64 [B]             −log softmax(z)_label
    labels   any of C labels   float32 [B, C], 0/1   mean over C of the binary cross-entropy of σ(z)
    number   a number          float32 [B, 1]        ((z − label) / deviation)²
    word     one of C classes  int64 [B]             −log p(word of its class), see `language.py`
    tokens   nothing           int64 [B], zeros      Σ −log p(token) of its answers, likewise

A number's unit may be anything, and a head that starts at zero would walk to 30,000 in steps of
the learning rate. So the head is trained on (label − mean) / deviation of the train split, and
whatever leaves the trainer (logits, adapter, merged model) is in the label's own unit again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from glora.errors import ConfigurationError

__all__ = ["KINDS", "LANGUAGE", "PROBLEM_TYPES", "Target"]

# Kind to transformers' name of it (`problem_type` of a configuration).
PROBLEM_TYPES = {
    "class": "single_label_classification",
    "labels": "multi_label_classification",
    "number": "regression",
}
KINDS = tuple(PROBLEM_TYPES)
# Kinds that a causal language model is for; a task has them by its prompt or format.
LANGUAGE = ("word", "tokens")


@dataclass(frozen=True)
class Target:
    """What is predicted.

    Attributes:
        kind: one of `KINDS` or `LANGUAGE`.
        mean: of a number over the train split, in its unit.
        deviation: its standard deviation there, above 0.
        tokens: of words the token of each class.
    """

    kind: str = "class"
    mean: float = 0.0
    deviation: float = 1.0
    tokens: tuple[int, ...] = ()

    @classmethod
    def of(cls, value: Mapping[str, Any] | None) -> Target:
        """Reads `target` of a prepared set; None is `class`.

        Raises:
            ConfigurationError: an unknown kind, or a mean and deviation that scale nothing.
        """
        if value is None:
            return cls()
        target = cls(
            str(value.get("kind")),
            float(value.get("mean", 0)),
            float(value.get("deviation", 1)),
            tuple(int(token) for token in value.get("tokens", ())),
        )
        if target.kind not in (*KINDS, *LANGUAGE):
            raise ConfigurationError(
                f"The target is {target.kind!r}, expected one of {', '.join((*KINDS, *LANGUAGE))}: "
                "prepare the data anew."
            )
        if not (math.isfinite(target.mean) and 0 < target.deviation < math.inf):
            raise ConfigurationError(
                f"The target's mean is {target.mean} and its deviation {target.deviation}, "
                "expected finite numbers and a deviation above 0: prepare the data anew."
            )
        return target

    @property
    def problem_type(self) -> str:
        """The kind's name in a configuration of transformers."""
        return PROBLEM_TYPES[self.kind]

    def labels_buffer(self, rows: int, width: int) -> tuple[torch.dtype, tuple[int, ...]]:
        """Returns type and shape of the labels of `rows` rows beside logits [rows, width]."""
        if self.kind in ("class", *LANGUAGE):
            return torch.int64, (rows,)
        return torch.float32, (rows, width)

    def losses(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Returns each row's loss [rows] for outputs [rows, width] of a head as it is trained."""
        if self.kind == "class":
            return functional.cross_entropy(outputs, labels, reduction="none")
        if self.kind == "word":
            return -outputs.gather(1, labels[:, None])[:, 0]
        if self.kind == "tokens":
            return outputs[:, 0]
        if self.kind == "labels":
            return functional.binary_cross_entropy_with_logits(
                outputs, labels, reduction="none"
            ).mean(1)
        return (outputs - self.standard(labels)).square().mean(1)

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Returns the mean of `losses` over rows, or over tokens, which is what a step lowers."""
        if self.kind == "class":
            return functional.cross_entropy(outputs, labels)
        if self.kind == "tokens":
            return outputs[:, 0].sum() / outputs[:, 1].sum()
        return self.losses(outputs, labels).mean()

    def weight(self, batch: Mapping[str, Tensor]) -> int:
        """Returns what a part of a batch counts in the mean: its rows, or the tokens it trains."""
        if self.kind == "tokens":
            return int((batch["target_ids"] >= 0).sum())
        return len(next(iter(batch.values())))

    def standard(self, values: Tensor) -> Tensor:
        """Takes values of the label's unit to where the head is trained."""
        return (values - self.mean) / self.deviation if self.kind == "number" else values

    def natural(self, outputs: Tensor) -> Tensor:
        """Takes outputs of a head as it is trained to the label's unit."""
        return outputs * self.deviation + self.mean if self.kind == "number" else outputs

    def fold(self, head: Mapping[str, Tensor]) -> None:
        """Lets a trained head give the label's unit by itself: W·deviation, b·deviation + mean.

        Args:
            head: its `weight` [width, hidden] and `bias` [width], changed in place.
        """
        if self.kind == "number":
            head["weight"].mul_(self.deviation)
            head["bias"].mul_(self.deviation).add_(self.mean)
