"""GLoRA: support tensors at every site; the structure comes from the bound codes."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import torch

from glora.adapter import TENSOR_FILE, save_adapter
from glora.biases import declare_biases, undeclarable
from glora.errors import ConfigurationError, EnvironmentNotUsable
from glora.forms import TENSORS
from glora.inject import glora_layers, inject, set_structure
from glora.layer import SUPPORT
from glora.merge import merge
from glora.methods.classifier import (
    ClassifierMethod,
    adapter_seed,
    excluded,
    find_sites,
    head_entries,
    head_tensors,
)
from glora.models import init_head
from glora.optimizer import Entry
from glora.peft_export import export_peft
from glora.structure import SearchSpace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy as np
    from torch import Tensor

    from glora.methods.base import Opening
    from glora.optimizer import Region

__all__ = ["GLoRAMethod"]

_UP = frozenset(name for names in SUPPORT.values() for name in names[1:])


class GLoRAMethod(ClassifierMethod):
    """A super-network; a structure of it is active at a time.

    Settings: `ranks`, `forms`, `a_product` as in `SearchSpace`; `targets` and `exclude` as in
    `inject`; `dropout`; `rate_ratio`, by which the learning rate of what starts at zero (all but
    the up-factors) is higher. Adam moves a product down·up of width n by about the rate times n at
    a step of the down-factor and by the rate times rank at one of the up-factor, so equal rates
    are no equal steps (Hayou et al. 2024, LoRA+).
    """

    name = "glora"

    def __init__(self, opening: Opening) -> None:
        super().__init__(opening)
        settings = opening.settings
        self.space = SearchSpace(
            tuple(settings.get("ranks", (4,))),
            settings.get("forms"),
            str(settings.get("a_product", "hadamard")),
        )
        targets = settings.get("targets", "all-linear")
        exclude = excluded(self.model, settings)
        bare = undeclarable(self.model, find_sites(self.model, settings))
        if bare:
            self.notes = (
                f"C and E leave the space at {len(bare)} sites such as {bare[0]}: they would make "
                f"a bias, which the configuration of a {self.model.config.model_type} model "
                "cannot declare there, so that the merged model would load without it.",
            )
        self.sites = inject(self.model, self.space, targets, exclude, without_bias=bare)
        self.ranks = self.space.ranks
        self._layers = glora_layers(self.model)
        self._ratio = float(settings.get("rate_ratio", 1.0))
        self._adapter = [
            Entry(f"{site}.{name}", parameter, group=self._group(name))
            for site, layer in self._layers.items()
            for name, parameter in layer.support_parameters().items()
        ]
        self._head = head_entries(self.model)
        self.reset_weights(opening.seed)

    def _group(self, name: str) -> str:
        # One group is one stretch of the flat vector, so no second one without need.
        return "support" if self._ratio == 1 or name in _UP else "zero"

    def multipliers(self) -> Mapping[str, float]:
        """Returns the ratio for what starts at zero."""
        return {"zero": self._ratio}

    def reset_weights(self, seed: int) -> None:
        """Draws up-factors and head afresh; all else is zero."""
        generator = torch.Generator().manual_seed(adapter_seed(seed))
        for layer in self._layers.values():
            layer.reset_support(generator)
        init_head(self.model, seed)

    def set_codes(self, codes: np.ndarray) -> Mapping[str, Region | None]:
        """Takes a structure; what is not active in it is neither read nor trained."""
        set_structure(self.model, codes)
        regions: dict[str, Region | None] = {}
        for site, layer in self._layers.items():
            active = layer.active_slices()
            for name in layer.support_parameters():
                regions[f"{site}.{name}"] = active.get(name)
        return regions

    def add_scores(self, scores: Tensor, product: Callable[[str], Tensor]) -> None:
        """Adds |⟨θ, g⟩|: by rank column for A and B, whole for C, D and E."""
        for row, (site, layer) in enumerate(self._layers.items()):
            present = layer.support_parameters()
            for column, tensor in enumerate(TENSORS):
                down = SUPPORT[tensor][0]
                if down not in present:
                    continue
                effect = product(f"{site}.{down}")
                if tensor in ("A", "B"):
                    scores[row, column, : effect.shape[1]] += effect.sum(0).abs()
                else:
                    scores[row, column, 0] += effect.sum().abs()

    @torch.no_grad()
    def sort_ranks(self, scores: Tensor) -> None:
        """Sorts the rank-one products of A and B by score; the largest structure is unchanged."""
        for row, layer in enumerate(self._layers.values()):
            present = layer.support_parameters()
            for column, tensor in enumerate(TENSORS[:2]):
                down, up = (present.get(name) for name in SUPPORT[tensor])
                if down is None or up is None:
                    continue
                order = scores[row, column].sort(descending=True, stable=True).indices
                down.copy_(down[:, order])
                up.copy_(up[order])
                scores[row, column] = scores[row, column, order]

    def export_adapter(self, folder: Path) -> tuple[str, int]:
        """Writes the active slices and the head; beside them PEFT's files, if PEFT can hold it."""
        head = head_tensors(self.model)
        saved = save_adapter(self.model, folder, head)
        # An adapter in a form that PEFT lacks, or a Python without PEFT, has this one form only.
        with contextlib.suppress(ConfigurationError, EnvironmentNotUsable):
            export_peft(self.model, folder, head)
        return TENSOR_FILE, saved.entries

    @torch.no_grad()
    def merge(self) -> dict[str, float]:
        """Folds the current structure into the weights."""
        report = merge(self.model)
        # Where C or E made biases, the configuration says so: transformers then loads them.
        declare_biases(self.model)
        return {
            "max_abs_weight_change": report.max_abs_diff,
            "max_output_error": report.max_output_error,
        }
