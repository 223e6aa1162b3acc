"""DoRA by PEFT: LoRA of the direction, a vector for the magnitude (Liu et al. 2024)."""

from __future__ import annotations

from typing import Any

import torch

from glora.methods.lora import LoRAMethod
from glora.methods.peft_method import ADAPTER

__all__ = ["DoRAMethod"]

_MAGNITUDE = "lora_magnitude_vector"


class DoRAMethod(LoRAMethod):
    """m ∘ (W0 + ΔW)/‖W0 + ΔW‖ by output row, ΔW as LoRA's. Settings: LoRA's."""

    name = "dora"

    def _variant(self) -> dict[str, Any]:
        return {"use_dora": True}

    def _decays(self, name: str) -> bool:
        return _MAGNITUDE not in name

    @torch.no_grad()
    def _reset_layer(self, layer: Any) -> None:
        super()._reset_layer(layer)
        # B is zero, so the norms are the pre-trained weight's.
        norm = torch.linalg.norm(layer.get_base_layer().weight, dim=1)
        getattr(layer, _MAGNITUDE)[ADAPTER].weight.copy_(norm)
