"""GLoRA, generalised LoRA: adapt a pre-trained transformer, search its structure, merge it away.

    space = glora.SearchSpace(ranks=(2, 4, 8))
    sites = glora.inject(model, space, targets="all-linear", exclude=("head",))
    glora.set_structure(model, structure)
    report = glora.merge(model)

Names are loaded when they are first used, so that `import glora` costs nothing and threads, caches
and allocators can be set before torch is imported.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glora.adapter import load_adapter, save_adapter
    from glora.adapters import Adapters
    from glora.biases import declare_biases, undeclarable
    from glora.errors import (
        AdapterError,
        ConfigurationError,
        DivergedError,
        EnvironmentNotUsable,
        GloraError,
        MergeError,
        SourceError,
        StorageError,
    )
    from glora.fold import FoldReport, fold
    from glora.inject import current_structure, eject, glora_layers, inject, set_structure
    from glora.layer import GLoRALinear
    from glora.merge import MergeReport, merge, unmerge
    from glora.peft_export import export_peft
    from glora.peft_import import import_peft
    from glora.structure import (
        Counts,
        SearchSpace,
        Site,
        Structure,
        count_parameters,
        parameter_counts,
    )

__version__ = "0.1.0"

_EXPORTS = {
    "AdapterError": "glora.errors",
    "Adapters": "glora.adapters",
    "ConfigurationError": "glora.errors",
    "Counts": "glora.structure",
    "DivergedError": "glora.errors",
    "EnvironmentNotUsable": "glora.errors",
    "FoldReport": "glora.fold",
    "GLoRALinear": "glora.layer",
    "GloraError": "glora.errors",
    "MergeError": "glora.errors",
    "MergeReport": "glora.merge",
    "SearchSpace": "glora.structure",
    "Site": "glora.structure",
    "SourceError": "glora.errors",
    "StorageError": "glora.errors",
    "Structure": "glora.structure",
    "count_parameters": "glora.structure",
    "current_structure": "glora.inject",
    "declare_biases": "glora.biases",
    "eject": "glora.inject",
    "export_peft": "glora.peft_export",
    "fold": "glora.fold",
    "glora_layers": "glora.inject",
    "import_peft": "glora.peft_import",
    "inject": "glora.inject",
    "load_adapter": "glora.adapter",
    "merge": "glora.merge",
    "parameter_counts": "glora.structure",
    "save_adapter": "glora.adapter",
    "set_structure": "glora.inject",
    "undeclarable": "glora.biases",
    "unmerge": "glora.merge",
}

__all__ = [
    "AdapterError",
    "Adapters",
    "ConfigurationError",
    "Counts",
    "DivergedError",
    "EnvironmentNotUsable",
    "FoldReport",
    "GLoRALinear",
    "GloraError",
    "MergeError",
    "MergeReport",
    "SearchSpace",
    "Site",
    "SourceError",
    "StorageError",
    "Structure",
    "count_parameters",
    "current_structure",
    "declare_biases",
    "eject",
    "export_peft",
    "fold",
    "glora_layers",
    "import_peft",
    "inject",
    "load_adapter",
    "merge",
    "parameter_counts",
    "save_adapter",
    "set_structure",
    "undeclarable",
    "unmerge",
]


class _Package(ModuleType):
    """A package in which `inject` and `merge` stay functions.

    Importing the submodule `glora.inject` makes Python bind it to the package under that name,
    over the function of the same name. Here such a binding is left out: `glora.inject` is the
    function, `from glora.inject import …` reads the module as ever.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _EXPORTS and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'glora' has no attribute {name!r}")
    value = getattr(importlib.import_module(_EXPORTS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
