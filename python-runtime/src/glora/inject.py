"""Put GLoRA layers into a model, choose their structure, and take them out again.

The model stays the caller's: `inject` exchanges the targeted linear layers for `GLoRALinear` ones
on the same frozen weights, in place, and nothing else of the model is touched.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from glora.bases import layer_class
from glora.dead import dead_tensors
from glora.errors import ConfigurationError
from glora.forms import TENSORS, Site
from glora.layer import GLoRALinear
from glora.structure import SearchSpace, Structure
from glora.targets import ALL_LINEAR, find_targets, replace_modules

__all__ = [
    "current_structure",
    "eject",
    "glora_layers",
    "inject",
    "injected_layers",
    "new_layer",
    "set_structure",
    "site_at",
    "sites_of",
    "structure_of",
]


def inject(
    model: nn.Module,
    space: SearchSpace,
    targets: str | Sequence[str] = ALL_LINEAR,
    exclude: str | Sequence[str] = ("head",),
    *,
    generator: torch.Generator | None = None,
    without_bias: Collection[str] = (),
) -> list[Site]:
    """Replaces the targeted linear layers by `GLoRALinear`, all forms `none`, in place.

    Every parameter that the model had is frozen. A head that is to be trained is unfrozen
    afterwards (`model.classifier.requires_grad_(True)`).

    Args:
        model: any module; the pre-trained weights are shared, not copied.
        space: the forms that each support tensor may take.
        targets: one pattern or several, see `targets.py`.
        exclude: patterns of layers to leave as they are.
        generator: for the support tensors' first values; torch's global one when omitted.
        without_bias: sites that must not get a bias (see `glora.undeclarable`): C, D and E are
            dead there.

    Returns:
        The sites in the model's order: row i of a structure's codes belongs to site i.

    Raises:
        ConfigurationError: a pattern matches nothing, a target cannot be adapted, or the model
            holds GLoRA layers already. Nothing was changed.
    """
    if glora_layers(model):
        raise ConfigurationError(
            "The model holds GLoRA layers already; call glora.eject(model) before injecting anew."
        )
    found = find_targets(model, targets, exclude)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    layers = [
        new_layer(model, name, space, generator, without_bias=name in without_bias)
        for name in found
    ]
    replace_modules(model, [(layer.base, layer) for layer in layers])
    return [layer.site for layer in layers]


def site_at(model: nn.Module, name: str) -> Site:
    """The site at the linear layer `name` of `model`.

    Raises:
        ConfigurationError: the module there is no linear layer.
    """
    module = model.get_submodule(name)
    if isinstance(module, GLoRALinear):
        return module.site
    kind = layer_class(module)
    if kind is None:
        raise ConfigurationError(
            f"The module {name!r} is a {type(module).__name__}; expected a linear layer, so name "
            f"one that is."
        )
    return Site(name, *kind.features_of(module), module.bias is not None, dead_tensors(model, name))


def new_layer(
    model: nn.Module,
    name: str,
    space: SearchSpace,
    generator: torch.Generator | None = None,
    *,
    without_bias: bool = False,
) -> GLoRALinear:
    """A GLoRA layer for the linear layer `name` of `model`, which does not hold it yet."""
    site, module = site_at(model, name), model.get_submodule(name)
    if without_bias:
        site = replace(site, dead=site.dead | frozenset("CDE"))
    base = module.base if isinstance(module, GLoRALinear) else module
    kind = layer_class(base)
    assert kind is not None  # site_at refuses the others
    return kind(base, space, site, generator)


def eject(model: nn.Module) -> None:
    """Takes every GLoRA layer out and puts the pre-trained modules back.

    The support tensors are dropped; the parameters stay frozen.
    """
    layers = glora_layers(model)
    if not layers:
        raise ConfigurationError("The model holds no GLoRA layer; there is nothing to eject.")
    replace_modules(model, [(layer, layer.base) for layer in layers.values()])


def glora_layers(model: nn.Module) -> dict[str, GLoRALinear]:
    """The model's GLoRA layers by site name, in the order of the sites."""
    return {m.site.name: m for m in model.modules() if isinstance(m, GLoRALinear)}


def sites_of(model: nn.Module) -> list[Site]:
    """The sites of an injected model, as `inject` returned them."""
    return [layer.site for layer in glora_layers(model).values()]


def set_structure(
    model: nn.Module, structure: Structure | Mapping[str, Any] | npt.ArrayLike
) -> None:
    """Chooses the form of every support tensor of an injected model.

    Args:
        model: after `inject`.
        structure: a `Structure`; or a mapping, either `Structure.to_dict`'s or site name → tensor →
            form name, where what is not named is `none`; or codes, integers [sites, 5].

    Raises:
        ConfigurationError: the structure does not fit the model or its space; the model keeps
            the structure it had.
    """
    layers = list(injected_layers(model).values())
    before = [layer.codes for layer in layers]
    try:
        for layer, codes in zip(layers, _codes(layers, structure), strict=True):
            layer.set_codes(codes)
    except ConfigurationError:
        for layer, old in zip(layers, before, strict=True):
            layer.codes = old
        raise


def current_structure(model: nn.Module) -> Structure:
    """The structure that an injected model computes with now."""
    return structure_of(injected_layers(model))


def structure_of(layers: Mapping[str, GLoRALinear]) -> Structure:
    """The structure that `layers` (by site, at least one) compute with now."""
    space = next(iter(layers.values())).space
    return space.structure(layers, [layer.codes for layer in layers.values()])


def _codes(layers: Sequence[GLoRALinear], structure: Any) -> list[list[int]]:
    """Codes row by row from any of the ways to write a structure."""
    sites, space = [layer.site for layer in layers], layers[0].space
    if isinstance(structure, Mapping):
        if "format" in structure or "version" in structure:
            structure = Structure.from_dict(structure)
        else:
            names = [site.name for site in sites]
            structure = Structure.from_forms(names, structure, space.ranks, space.a_product)
    if isinstance(structure, Structure):
        space.check(structure, sites)
        rows: list[list[int]] = structure.codes.tolist()
        return rows
    array = np.asarray(structure)
    if array.shape != (len(sites), len(TENSORS)) or array.dtype.kind not in "iu":
        raise ConfigurationError(
            f"The structure's codes are {array.dtype} of shape {list(array.shape)}; expected "
            f"integers of shape {[len(sites), len(TENSORS)]}: one row per site, columns "
            f"{', '.join(TENSORS)}."
        )
    rows = array.tolist()
    return rows


def injected_layers(model: nn.Module) -> dict[str, GLoRALinear]:
    """`glora_layers`, or a `ConfigurationError` where there are none."""
    layers = glora_layers(model)
    if not layers:
        raise ConfigurationError(
            "The model holds no GLoRA layer; call glora.inject(model, space) first, or "
            "glora.unmerge(model) if it is merged."
        )
    return layers
