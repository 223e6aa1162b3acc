"""Head only: a linear classifier over features that the frozen body computed once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from glora import models
from glora.checkpoint import save_tensors
from glora.errors import ConfigurationError
from glora.methods.base import Method, Parameters
from glora.methods.classifier import count, head_entries, head_of, head_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from glora.methods.base import Opening
    from glora.optimizer import Entry

__all__ = ["HeadMethod"]

_FILE = "head.safetensors"


class HeadMethod(Method):
    """The comparator with nothing in the body. Settings: `dropout`, on the features."""

    name = "head"

    def __init__(self, opening: Opening) -> None:
        dropout = float(opening.settings.get("dropout", 0.0))
        self._model_path = opening.model_path
        self._pixels = opening.pixels
        self._classifier = models.load_classifier(
            opening.model_path,
            opening.labels,
            dropout=dropout,
            device=opening.device,
            problem_type=opening.target.problem_type,
        )
        self._classifier.requires_grad_(False)
        head = head_of(self._classifier)
        self.hidden = head.in_features
        if opening.features != self.hidden:
            raise ConfigurationError(
                f"The method `head` was given rows of {opening.features} features, expected "
                f"{self.hidden}, the width of the model's pooled output: open it on the set that "
                "`features` made of this model."
            )
        self.model = nn.Sequential(nn.Dropout(dropout), head)
        self._head = head_entries(self._classifier)
        self.reset_weights(opening.seed)

    def entries(self) -> list[Entry]:
        """Returns the head's weight and bias."""
        return list(self._head)

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Returns logits [rows, classes] for `features` [rows, hidden]."""
        logits: Tensor = self.model(batch["features"])
        return logits

    def parameters(self) -> Parameters:
        """Returns counts; the body, which runs only when features are made, is in `total`."""
        head = count(self._head)
        return Parameters(head, 0, head, sum(p.numel() for p in self._classifier.parameters()))

    def reset_weights(self, seed: int) -> None:
        """Draws the head afresh."""
        models.init_head(self._classifier, seed)

    def export_adapter(self, folder: Path) -> tuple[str, int]:
        """Writes the head; there is no adapter, so it has no entries."""
        save_tensors(folder / _FILE, head_tensors(self._classifier), {"method": self.name})
        return _FILE, 0

    def merge(self) -> dict[str, float]:
        """Changes nothing: the head is already where it belongs."""
        return {"max_abs_weight_change": 0.0}

    def export_merged(self, folder: Path) -> None:
        """Writes the pre-trained body with the trained head."""
        models.save_classifier(self._classifier, self._model_path, folder, self._pixels)
