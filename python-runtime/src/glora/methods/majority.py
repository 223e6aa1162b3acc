"""The majority class: what a model is worth that has not looked at its input."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from glora.checkpoint import save_tensors
from glora.errors import ConfigurationError
from glora.methods.base import Parameters
from glora.methods.classifier import ClassifierMethod, head_entries, head_of, head_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from glora.methods.base import Opening

__all__ = ["MajorityMethod"]

_FILE = "head.safetensors"


class MajorityMethod(ClassifierMethod):
    """A head of zeros whose bias is the logarithm of the classes' frequencies; nothing is trained.

    Its logits are the same for every row: the prediction is the most frequent class of train, the
    first of several, and the loss is the entropy of train's classes against the labels.

    Settings: `counts`, the rows of each class in train; a class without rows counts as half a row,
    so that the loss stays finite.
    """

    name = "majority"

    def __init__(self, opening: Opening) -> None:
        super().__init__(opening)
        counts = [int(value) for value in opening.settings.get("counts", ())]
        if len(counts) != len(opening.labels) or min(counts) < 0 or not any(counts):
            raise ConfigurationError(
                f"The method `majority` was given the counts {counts}, expected the rows of each "
                f"of the {len(opening.labels)} classes in train: pass `counts`."
            )
        self._adapter = []
        self._head = head_entries(self.model)
        rows = torch.tensor([max(value, 0.5) for value in counts], dtype=torch.float64)
        self._bias = (rows / rows.sum()).log().float()
        self.reset_weights(opening.seed)

    def parameters(self) -> Parameters:
        """Returns counts: nothing is trained, the head either."""
        return Parameters(0, 0, 0, self._plain_entries)

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Returns the same logits for each row; the body need not run for them."""
        rows = next(iter(batch.values())).shape[0]
        bias = head_of(self.model).bias
        return bias.expand(rows, -1)

    @torch.no_grad()
    def reset_weights(self, seed: int) -> None:
        """Sets the head, which no seed changes."""
        head = head_of(self.model)
        head.weight.zero_()
        head.bias.copy_(self._bias)

    def export_adapter(self, folder: Path) -> tuple[str, int]:
        """Writes the head; there is no adapter, so it has no entries."""
        save_tensors(folder / _FILE, head_tensors(self.model), {"method": self.name})
        return _FILE, 0

    def merge(self) -> dict[str, float]:
        """Changes nothing."""
        return {"max_abs_weight_change": 0.0}
