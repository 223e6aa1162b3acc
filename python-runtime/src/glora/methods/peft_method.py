"""What the methods of PEFT share: its layers at the sites, its files, and our optimiser."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import torch

from glora.checkpoint import save_tensors
from glora.errors import ConfigurationError, EnvironmentNotUsable
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
from glora.peft_export import sort_config

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import nn

    from glora.methods.base import Opening

__all__ = ["ADAPTER", "PeftMethod", "positive", "whole"]

ADAPTER = "default"
_FILE = "adapter_model.safetensors"  # PEFT's name
_HEAD_FILE = "head.safetensors"


class PeftMethod(ClassifierMethod):
    """A method of PEFT at the linears that GLoRA adapts.

    Settings of all: `targets`, `exclude`, `dropout` (of the body, as for GLoRA).
    """

    def __init__(self, opening: Opening) -> None:
        super().__init__(opening)
        settings = opening.settings
        targets = self._chosen(find_sites(self.model, settings))
        config = self._config(list(targets), settings)
        with warnings.catch_warnings():
            # PEFT asks transformers for an attribute under its old name.
            warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
            self._peft = _peft(self.name).get_peft_model(self.model, config, adapter_name=ADAPTER)
        self._layers: dict[str, Any] = {name: self.model.get_submodule(name) for name in targets}
        self._head = head_entries(self.model)
        heads = {id(entry.parameter) for entry in self._head}
        self._adapter = [
            Entry(_entry_name(name), parameter, decay=self._decays(name))
            for name, parameter in self.model.named_parameters()
            if parameter.requires_grad and id(parameter) not in heads
        ]
        self._start = {
            entry.name: entry.parameter.detach().clone()
            for entry in self._adapter
            if entry.name.endswith("bias")
        }
        self.reset_weights(opening.seed)

    @abstractmethod
    def _config(self, targets: list[str], settings: Mapping[str, Any]) -> Any:
        """Returns PEFT's configuration of the method."""

    @abstractmethod
    def _reset_layer(self, layer: Any) -> None:
        """Draws the first weights of one of PEFT's layers."""

    def _chosen(self, targets: dict[str, nn.Module]) -> dict[str, nn.Module]:
        """Takes those of the linears that the method adapts: all of them."""
        return targets

    def _decays(self, name: str) -> bool:
        """Whether weight decay applies to a parameter: where its neutral value is zero."""
        return True

    @torch.no_grad()
    def reset_weights(self, seed: int) -> None:
        """Draws PEFT's first values and the head's; trained biases are the body's again."""
        torch.manual_seed(adapter_seed(seed))  # PEFT draws from the global generator
        for layer in self._layers.values():
            self._reset_layer(layer)
        for entry in self._adapter:
            if entry.name in self._start:
                entry.parameter.copy_(self._start[entry.name])
        init_head(self.model, seed)

    def export_adapter(self, folder: Path) -> tuple[str, int]:
        """Writes PEFT's own files, and the head beside them."""
        with warnings.catch_warnings():
            # Of a site that AdaLoRA left no rank: PEFT takes its empty tensors for a mistake.
            warnings.filterwarnings("ignore", message=".*invalid shape", category=UserWarning)
            self._peft.save_pretrained(str(folder))
        # PEFT's empty model card, which names the place of the body on this machine.
        (folder / "README.md").unlink(missing_ok=True)
        sort_config(folder)
        save_tensors(folder / _HEAD_FILE, head_tensors(self.model), {"method": self.name})
        return _FILE, self._written(folder / _FILE)

    def _written(self, file: Path) -> int:
        """Returns the entries of the adapter in the file that PEFT wrote."""
        return count(self._adapter)

    @torch.no_grad()
    def merge(self) -> dict[str, float]:
        """Folds the adapter into the weights and takes PEFT's layers out."""
        before = {name: x.get_base_layer().weight.clone() for name, x in self._layers.items()}
        self.model = self._peft.merge_and_unload(safe_merge=True)
        change = max(
            float((self.model.get_submodule(name).weight - weight).abs().max())
            for name, weight in before.items()
        )
        self._layers = {}
        return {"max_abs_weight_change": change}


def positive(settings: Mapping[str, Any], key: str, default: int, what: str) -> int:
    """Returns a rank from the settings.

    Raises:
        ConfigurationError: it is less than 1.
    """
    value = int(settings.get(key, default))
    if value < 1:
        raise ConfigurationError(f"{what} is {value}, expected an integer from 1 on.")
    return value


def whole(alpha: float) -> Any:
    """Returns a whole number as an int: PEFT says int and divides, as in anyone's configuration."""
    return int(alpha) if alpha.is_integer() else alpha


def _entry_name(parameter: str) -> str:
    return parameter.split(f".{ADAPTER}")[0]


def _peft(method: str) -> Any:
    try:
        import peft
    except ImportError as error:
        raise EnvironmentNotUsable(
            f"The method `{method}` needs PEFT, which cannot be imported ({error}): install "
            "`glora[peft]`."
        ) from error
    return peft
