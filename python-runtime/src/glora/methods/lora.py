"""LoRA by PEFT at the sites that GLoRA adapts, trained by the same optimiser."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import torch

from glora.checkpoint import save_tensors
from glora.errors import ConfigurationError, EnvironmentNotUsable
from glora.methods.classifier import (
    ClassifierMethod,
    adapter_seed,
    count,
    head_entries,
    head_tensors,
)
from glora.models import init_head
from glora.optimizer import Entry
from glora.peft_export import sort_config
from glora.targets import find_targets

if TYPE_CHECKING:
    from pathlib import Path

    from glora.methods.base import Opening

__all__ = ["LoRAMethod"]

_ADAPTER = "default"
_FILE = "adapter_model.safetensors"  # PEFT's name
_HEAD_FILE = "head.safetensors"


class LoRAMethod(ClassifierMethod):
    """W0 + alpha/rank · B·A at every site (Hu et al. 2022), in PEFT's layers.

    Settings: `rank`, `alpha`, `targets`, `exclude`, `dropout` (of the body, as for GLoRA).
    """

    name = "lora"

    def __init__(self, opening: Opening) -> None:
        super().__init__(opening)
        settings = opening.settings
        rank, alpha = int(settings.get("rank", 4)), float(settings.get("alpha", 8))
        if rank < 1:
            raise ConfigurationError(f"LoRA's rank is {rank}, expected an integer from 1 on.")
        targets = find_targets(
            self.model,
            settings.get("targets", "all-linear"),
            settings.get("exclude", ("pooler", "classifier")),
        )
        self._peft = _wrap(self.model, list(targets), rank, alpha)
        self._layers: dict[str, Any] = {name: self.model.get_submodule(name) for name in targets}
        self._adapter = [
            Entry(f"{site}.{part}", getattr(layer, part)[_ADAPTER].weight)
            for site, layer in self._layers.items()
            for part in ("lora_A", "lora_B")
        ]
        self._head = head_entries(self.model)
        self.reset_weights(opening.seed)

    def reset_weights(self, seed: int) -> None:
        """Draws PEFT's first values (A Kaiming, B zero) and the head's."""
        torch.manual_seed(adapter_seed(seed))  # PEFT draws from the global generator
        for layer in self._layers.values():
            layer.reset_lora_parameters(_ADAPTER, True)
        init_head(self.model, seed)

    def export_adapter(self, folder: Path) -> tuple[str, int]:
        """Writes PEFT's own files, and the head beside them."""
        self._peft.save_pretrained(str(folder))
        # PEFT's empty model card, which names the place of the body on this machine.
        (folder / "README.md").unlink(missing_ok=True)
        sort_config(folder)
        save_tensors(folder / _HEAD_FILE, head_tensors(self.model), {"method": self.name})
        return _FILE, count(self._adapter)

    @torch.no_grad()
    def merge(self) -> dict[str, float]:
        """Folds both factors into the weights and takes PEFT's layers out."""
        change = max(
            float(layer.get_delta_weight(_ADAPTER).abs().max()) for layer in self._layers.values()
        )
        self.model = self._peft.merge_and_unload(safe_merge=True)
        self._layers = {}
        return {"max_abs_weight_change": change}


def _wrap(model: Any, targets: list[str], rank: int, alpha: float) -> Any:
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise EnvironmentNotUsable(
            f"The method `lora` needs PEFT, which cannot be imported ({error}): install "
            "`glora[peft]`."
        ) from error
    # PEFT says int and divides; a whole number is written as one, as in anyone's adapter_config.
    scale: Any = int(alpha) if alpha.is_integer() else alpha
    config = LoraConfig(r=rank, lora_alpha=scale, target_modules=targets, bias="none")
    with warnings.catch_warnings():
        # PEFT asks transformers for an attribute under its old name.
        warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
        return get_peft_model(model, config, adapter_name=_ADAPTER)
