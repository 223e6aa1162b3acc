"""LoRA by PEFT at the sites that GLoRA adapts, trained by the same optimiser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glora.errors import ConfigurationError
from glora.forms import near
from glora.methods.peft_method import ADAPTER, PeftMethod, positive, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LoRAMethod"]

_BIASES = ("none", "all", "lora_only")


class LoRAMethod(PeftMethod):
    """W0 + alpha/rank · B·A at every site (Hu et al. 2022), in PEFT's layers.

    Settings: `rank`, `alpha`; `bias`, which biases are trained beside: `none`, `all` of the body,
    or `lora_only`, those of the sites; and those of `PeftMethod`.
    """

    name = "lora"

    def _config(self, targets: list[str], settings: Mapping[str, Any]) -> Any:
        from peft import LoraConfig

        bias = settings.get("bias", "none")
        if bias not in _BIASES:
            raise ConfigurationError(
                f"LoRA's bias is {bias!r}{near(str(bias), _BIASES)}; expected one of "
                f"{', '.join(_BIASES)}."
            )
        return LoraConfig(
            r=positive(settings, "rank", 4, "LoRA's rank"),
            lora_alpha=whole(float(settings.get("alpha", 8))),
            target_modules=targets,
            bias=bias,
            **self._variant(),
        )

    def _variant(self) -> dict[str, Any]:
        """What a variant of LoRA sets beside."""
        return {}

    def _reset_layer(self, layer: Any) -> None:
        # A Kaiming, B zero.
        layer.reset_lora_parameters(ADAPTER, True)
