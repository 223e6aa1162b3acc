"""Make a merged model's new biases part of its configuration, so that it can be saved and loaded.

C and E give a site a bias that the pre-trained layer had not. In memory that is all; but a
transformers model is built from its configuration, and one that declares no bias drops those of
the file without an error. Many configurations can declare them, for a group of layers at once
(`attention_bias` of LLaMA: queries, keys, values and outputs): the others of the group get zeros.
Some cannot (Mistral, Qwen2's outputs and feed-forward layers), and then there is nothing to do but
to keep adapter and body apart, or to leave C and E out of the search space.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from glora.errors import MergeError
from glora.merge import DECLARED, created_biases, is_merged

__all__ = ["declare_biases", "undeclarable"]

# Names under which configurations of transformers say whether layers have a bias.
_SETTINGS = ("attention_bias", "mlp_bias", "qkv_bias", "use_bias", "bias", "use_qkv_bias")


def declare_biases(model: nn.Module) -> tuple[str, ...]:
    """Sets what the configuration of a merged model needs for its new biases, in place.

    Layers that the settings give a bias too get one of zeros. `glora.unmerge` takes all of it back.

    Returns:
        The settings that were switched on; empty where merging created no bias.

    Raises:
        MergeError: the model is not merged, has no configuration of transformers, or its
            configuration cannot declare the biases. Nothing was changed.
    """
    if not is_merged(model):
        raise MergeError("The model is not merged; call glora.merge(model) first.")
    needed = {f"{site}.bias" for site in created_biases(model)}
    if not needed:
        return ()
    config: Any = getattr(model, "config", None)
    if config is None or not hasattr(config, "model_type"):
        raise MergeError(
            f"The {type(model).__name__} has no configuration that could declare the biases of "
            f"{len(needed)} sites; save its weights and add the biases where the model is built."
        )
    chosen: dict[str, set[str]] = {}
    for setting in _SETTINGS:
        if getattr(config, setting, None) is False:
            gained = _gained(model, setting)
            if gained & needed:
                chosen[setting] = gained
    missing = sorted(needed - set().union(*chosen.values()))
    if missing:
        raise MergeError(
            f"A configuration of {config.model_type!r} cannot declare {missing[0]!r} and "
            f"{len(missing) - 1} more new biases; leave C and E out of the search space at such "
            f"sites, or keep the adapter apart from the body."
        )
    filled = []
    for name in sorted(set().union(*chosen.values()) - needed):
        module = model.get_submodule(name.removesuffix(".bias"))
        weight = module._parameters["weight"]
        assert weight is not None  # `_gained` looks only at what has one
        zeros = torch.zeros(weight.shape[0], dtype=weight.dtype, device=weight.device)
        module.bias = nn.Parameter(zeros, requires_grad=False)
        filled.append(module)
    for setting in chosen:
        setattr(config, setting, True)
    model.__dict__[DECLARED] = (tuple(chosen), filled)
    return tuple(chosen)


def undeclarable(model: nn.Module, sites: Iterable[str]) -> list[str]:
    """The sites without a bias to which no setting of the model's configuration gives one.

    There a bias that C or E makes would be lost when the merged model is loaded. A model without a
    configuration of transformers is built by its own code, which may do as it likes: it has none.

    Args:
        model: not merged.
        sites: names of its linear layers.
    """
    bare = [name for name in sites if getattr(model.get_submodule(name), "bias", None) is None]
    config: Any = getattr(model, "config", None)
    if not bare or config is None or not hasattr(config, "model_type"):
        return []
    able: set[str] = set()
    for setting in _SETTINGS:
        if getattr(config, setting, None) is False:
            able |= _gained(model, setting)
    return [name for name in bare if f"{name}.bias" not in able]


def _gained(model: nn.Module, setting: str) -> set[str]:
    """The biases that the configured model has with a setting switched on and not without."""
    kind: Any = type(model)
    names = []
    for value in (False, True):
        config: Any = copy.deepcopy(model.config)
        setattr(config, setting, value)
        with torch.device("meta"):
            names.append({name for name, _ in kind(config).named_parameters()})
    return {name for name in names[1] - names[0] if name.endswith(".bias")}
