"""SSF at the linears: their outputs scaled and shifted (Lian et al. 2022).

    y = γ∘(W0 x + b0) + β          merged: W = diag(γ)·W0, b = γ∘b0 + β

The published method has such pairs after the norms, too; here they stand where GLoRA's sites are,
so that the two differ in what a site can do and not in where the sites are. A site without a bias
is scaled only: not every architecture could hold the bias that the shift would make.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from glora.checkpoint import save_tensors
from glora.methods.classifier import (
    ClassifierMethod,
    adapter_seed,
    count,
    find_sites,
    head_entries,
    head_tensors,
)
from glora.models import init_head
from glora.optimizer import Entry
from glora.targets import replace_modules

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from glora.methods.base import Opening

__all__ = ["SSFMethod"]

_FILE = "ssf.safetensors"
_STD = 0.02  # of the published first values, γ ~ N(1, 0.02²) and β ~ N(0, 0.02²)


class _ScaledLinear(nn.Module):
    """A frozen linear layer and its vectors, each [out]."""

    def __init__(self, base: Any) -> None:
        super().__init__()
        self.base = base
        # nn.Linear has its weight as [out, in], the Conv1D of transformers as [in, out].
        self._rows = 0 if isinstance(base, nn.Linear) else 1
        width = base.weight.shape[self._rows]
        device = base.weight.device
        self.scale = nn.Parameter(torch.ones(width, device=device))
        self.shift = None if base.bias is None else nn.Parameter(torch.zeros(width, device=device))

    def forward(self, x: Tensor) -> Tensor:
        """Takes x [.., in], returns [.., out]."""
        y: Tensor = self.base(x)
        return y * self.scale if self.shift is None else torch.addcmul(self.shift, y, self.scale)

    @torch.no_grad()
    def fold(self) -> tuple[nn.Module, float]:
        """Folds the vectors into the layer; returns it and the greatest change of its weight."""
        base = self.base
        before = base.weight.clone()
        base.weight.mul_(self.scale if self._rows else self.scale[:, None])
        if self.shift is not None:
            base.bias.copy_(torch.addcmul(self.shift, base.bias, self.scale))
        return base, float((base.weight - before).abs().max())


class SSFMethod(ClassifierMethod):
    """A scale and a shift at every site. Settings: `targets`, `exclude`, `dropout`."""

    name = "ssf"

    def __init__(self, opening: Opening) -> None:
        super().__init__(opening)
        targets = find_sites(self.model, opening.settings)
        self._layers = {name: _ScaledLinear(base) for name, base in targets.items()}
        replace_modules(self.model, [(layer.base, layer) for layer in self._layers.values()])
        # Weight decay would pull a scale to zero, and its neutral value is one.
        self._adapter = [
            Entry(f"{site}.{part}", getattr(layer, part), decay=part == "shift")
            for site, layer in self._layers.items()
            for part in ("scale", "shift")
            if getattr(layer, part) is not None
        ]
        self._head = head_entries(self.model)
        self.reset_weights(opening.seed)

    @torch.no_grad()
    def reset_weights(self, seed: int) -> None:
        """Draws the vectors of every site, and the head."""
        generator = torch.Generator().manual_seed(adapter_seed(seed))
        for layer in self._layers.values():
            for mean, vector in ((1.0, layer.scale), (0.0, layer.shift)):
                if vector is not None:
                    # Drawn on the CPU, so that the numbers are the same for every device.
                    drawn = torch.empty(vector.shape).normal_(mean, _STD, generator=generator)
                    vector.copy_(drawn)
        init_head(self.model, seed)

    def export_adapter(self, folder: Path) -> tuple[str, int]:
        """Writes the vectors of every site by name, and the head."""
        tensors = {entry.name: entry.parameter.detach() for entry in self._adapter}
        save_tensors(folder / _FILE, {**tensors, **head_tensors(self.model)}, {"method": self.name})
        return _FILE, count(self._adapter)

    def merge(self) -> dict[str, float]:
        """Folds the vectors into the weights and takes the layers out."""
        folded = [(layer, *layer.fold()) for layer in self._layers.values()]
        replace_modules(self.model, [(layer, base) for layer, base, _ in folded])
        self._layers = {}
        return {"max_abs_weight_change": max(change for _, _, change in folded)}
