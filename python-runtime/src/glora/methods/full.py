"""Full fine-tuning: every parameter of the body and the head."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch

from glora import models
from glora.checkpoint import save_tensors
from glora.errors import ConfigurationError
from glora.forms import near
from glora.methods.classifier import (
    ClassifierMethod,
    adapter_seed,
    count,
    head_entries,
    head_tensors,
    load_model,
)
from glora.optimizer import Entry

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PreTrainedModel

    from glora.methods.base import Opening, Parameters

__all__ = ["FullMethod"]

_FILE = "weights.safetensors"
_WEIGHTS = ("pretrained", "fresh")


class FullMethod(ClassifierMethod):
    """The whole model is trained. Settings: `dropout`, `weights`.

    With `weights: fresh` the body starts from weights that its own class draws by the seed, as
    for training a model from scratch; with `pretrained`, the default, from the folder's.
    """

    name = "full"

    def __init__(self, opening: Opening) -> None:
        super().__init__(opening)
        self._opening = opening
        self._weights = str(opening.settings.get("weights", "pretrained"))
        if self._weights not in _WEIGHTS:
            raise ConfigurationError(
                f"The method `{self.name}` has weights={self._weights!r}"
                f"{near(self._weights, _WEIGHTS)}; expected one of {', '.join(_WEIGHTS)}."
            )
        self._head = head_entries(self.model)
        heads = {id(entry.parameter) for entry in self._head}
        self._adapter = [
            Entry(name, parameter, group="body")
            for name, parameter in self.model.named_parameters()
            if id(parameter) not in heads and self._trains(name)
        ]
        for entry in self._adapter:
            entry.parameter.requires_grad_(True)
        if self._weights == "pretrained":
            models.init_head(self.model, opening.seed)  # the body has just been read
        else:
            self.reset_weights(opening.seed)

    def _trains(self, name: str) -> bool:
        """Whether a parameter of the body is trained."""
        return True

    def parameters(self) -> Parameters:
        """Returns counts; what is trained is part of the model, nothing is added to it."""
        counts = super().parameters()
        return type(counts)(counts.trainable, counts.adapter, counts.head, self._plain_entries)

    @torch.no_grad()
    def reset_weights(self, seed: int) -> None:
        """Puts the body's first weights back, read or drawn, and draws the head."""
        start = dict(self._start(seed).named_parameters())
        for entry in self._adapter:
            entry.parameter.copy_(start[entry.name])
        models.init_head(self.model, seed)

    def _start(self, seed: int) -> PreTrainedModel:
        if self._weights == "pretrained":
            return load_model(self._opening)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(adapter_seed(seed))
            return type(self.model)(copy.deepcopy(self.model.config))

    def export_adapter(self, folder: Path) -> tuple[str, int]:
        """Writes what was trained, by its names in the model, and the head."""
        tensors = {entry.name: entry.parameter.detach() for entry in self._adapter}
        save_tensors(folder / _FILE, {**tensors, **head_tensors(self.model)}, {"method": self.name})
        return _FILE, count(self._adapter)

    @torch.no_grad()
    def merge(self) -> dict[str, float]:
        """Changes nothing: the weights are already where they belong."""
        before = load_model(self._opening)
        start = dict(before.named_parameters())
        change = max(float((e.parameter - start[e.name]).abs().max()) for e in self._adapter)
        return {"max_abs_weight_change": change}
