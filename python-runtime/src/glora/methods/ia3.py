"""(IA)³ by PEFT: scales on keys, values and the feed-forward's inner activations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glora.errors import ConfigurationError
from glora.methods.peft_method import ADAPTER, PeftMethod

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

__all__ = ["IA3Method"]

# The last parts of the names that the families give to the projections of keys and values.
_KEYS_AND_VALUES = frozenset(
    {"k", "k_lin", "k_proj", "key", "key_proj", "v", "v_lin", "v_proj", "value", "value_proj"}
)


class IA3Method(PeftMethod):
    """(IA)³ (Liu et al. 2022): k and v scaled by output, the feed-forward's second by input.

    The second linear of a feed-forward is known by its shape, wider in than out. Settings: those
    of `PeftMethod`.
    """

    name = "ia3"

    def _chosen(self, targets: dict[str, nn.Module]) -> dict[str, nn.Module]:
        chosen = {
            name: module
            for name, module in targets.items()
            if name.rpartition(".")[2] in _KEYS_AND_VALUES or _narrows(module)
        }
        if not chosen:
            raise ConfigurationError(
                f"The method `ia3` found no projection of keys or values and no feed-forward among "
                f"{', '.join(list(targets)[:3])}, …: choose another method for this architecture."
            )
        return chosen

    def _config(self, targets: list[str], settings: Mapping[str, Any]) -> Any:
        from peft import IA3Config

        inner = [name for name in targets if _narrows(self.model.get_submodule(name))]
        return IA3Config(target_modules=targets, feedforward_modules=inner)

    def _decays(self, name: str) -> bool:
        return False

    def _reset_layer(self, layer: Any) -> None:
        layer.reset_ia3_parameters(ADAPTER)


def _narrows(module: nn.Module) -> bool:
    inputs, outputs = getattr(module, "in_features", 0), getattr(module, "out_features", 0)
    return int(inputs) > int(outputs)
