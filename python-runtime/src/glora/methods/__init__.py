"""The methods of adaptation, one module each, behind one interface (`base.Method`)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from glora.errors import ConfigurationError
from glora.forms import near

if TYPE_CHECKING:
    from glora.methods.base import Method, Opening

__all__ = ["METHODS", "open_method"]

# By name: module and class. Imported when opened: only some of them need PEFT.
METHODS = {
    "adalora": ("glora.methods.adalora", "AdaLoRAMethod"),
    "bitfit": ("glora.methods.bitfit", "BitFitMethod"),
    "dora": ("glora.methods.dora", "DoRAMethod"),
    "full": ("glora.methods.full", "FullMethod"),
    "glora": ("glora.methods.glora", "GLoRAMethod"),
    "head": ("glora.methods.head", "HeadMethod"),
    "ia3": ("glora.methods.ia3", "IA3Method"),
    "lora": ("glora.methods.lora", "LoRAMethod"),
    "majority": ("glora.methods.majority", "MajorityMethod"),
    "ssf": ("glora.methods.ssf", "SSFMethod"),
}


def open_method(name: str, opening: Opening) -> Method:
    """Loads the model and makes it trainable by the method `name`.

    Raises:
        ConfigurationError: the method or one of its settings is not known.
        SourceError: the model folder is incomplete.
    """
    if name not in METHODS:
        raise ConfigurationError(
            f"The method is {name!r}{near(name, METHODS)}; expected one of {', '.join(METHODS)}."
        )
    module, attribute = METHODS[name]
    method: Method = getattr(importlib.import_module(module), attribute)(opening)
    return method
