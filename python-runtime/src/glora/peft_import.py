"""Read an adapter of PEFT's, LoRA or PEFT's GLoRA, as a GLoRA structure with its numbers.

    LoRA     W0 + s·lora_B·lora_A      B = lora-r: Bd = s·lora_B, Bu = lora_A; s = alpha/r, or
                                       alpha/√r with rank stabilisation
             lora_B's bias β           E = s·β
             a trained bias b'         E = b' − b0
    DoRA     n∘(W0 + s·lora_B·lora_A)  A = vector: n − 1; B as above, its rows scaled by n, where
                                       n = m / norm of each row of W0 + s·lora_B·lora_A
    GLoRA    one form for A and B, …   the same forms, `constant` being scalar

A LoRA on a Conv1D stores the same factors as on an `nn.Linear`, so `fan_in_fan_out` changes nothing
here. PEFT's files do not say which weights they were trained on: only names and shapes are checked.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from glora.adapter import place
from glora.bases import weight_and_bias
from glora.errors import AdapterError, ConfigurationError
from glora.forms import Site, near
from glora.inject import site_at
from glora.layer import GLoRALinear
from glora.merge import is_merged
from glora.peft_export import PEFT_CONFIG, PEFT_TENSORS, PREFIX
from glora.structure import Structure

__all__ = ["import_peft"]

# Settings of a LoRA that change its function or the body's weights, and what they do.
_OTHER_FUNCTIONS = {
    "use_qalora": "QALoRA pools the input",
    "use_bdlora": "its factors are block-diagonal",
    "alora_invocation_tokens": "it is active behind certain tokens only",
    "arrow_config": "Arrow routes between adapters",
    "kasa_config": "KaSA changes the body's weights and scales the rank by a diagonal",
    "monteclora_config": "MonteCLoRA draws its weights",
    "target_parameters": "it adapts parameters that belong to no linear layer",
    "trainable_token_indices": "it changes rows of an embedding",
    "layer_replication": "it repeats blocks of the body",
}
_CHANGES_BODY = ("pissa", "olora", "corda", "loftq", "lora_ga")
_LORA_PARTS = {
    *("lora_A.weight", "lora_B.weight", "lora_B.bias", "lora_magnitude_vector"),
    "base_layer.bias",
}
_GLORA_FORMS = {"none": "none", "constant": "scalar", "vector": "vector"}


def import_peft(model: nn.Module, folder: str | Path) -> Structure:
    """Puts an adapter of PEFT's onto a body, as `load_adapter` does with one of glora's.

    Args:
        model: the plain model that PEFT adapted; or injected at the adapter's sites, with a space
            that holds its structure.
        folder: with `adapter_config.json` and `adapter_model.safetensors`.

    Returns:
        The adapter's structure, which the model now has. Modules that PEFT saved beside it (a head)
        are copied into the model.

    Raises:
        AdapterError: the files are missing or damaged, do not fit the model, or are of a kind that
            GLoRA cannot hold; the sentence says why. The model is as before.
        ConfigurationError: the model is merged or injected otherwise. The model is as before.
    """
    folder = Path(folder)
    if is_merged(model):
        raise ConfigurationError(
            "The model is merged; call glora.unmerge(model) before importing an adapter."
        )
    config, tensors = _read(folder)
    kind = str(config.get("peft_type"))
    _check_kind(config, kind, folder)
    parts: dict[str, dict[str, Tensor]] = {}
    head: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        name = key.removeprefix(PREFIX)
        match = re.fullmatch(r"(.+?)\.((?:lora|glora)_\w+(?:\.\w+)?|base_layer\.bias)", name)
        if match:
            parts.setdefault(match[1], {})[match[2]] = tensor
        else:
            head[name] = tensor
    _check_names(model, parts, head, folder)
    order = [name for name, _ in model.named_modules() if name in parts]
    forms: dict[str, dict[str, str]] = {}
    values: dict[str, Tensor] = {}
    for name in order:
        site = site_at(model, name)
        try:
            if kind == "LORA":
                forms[name], own = _from_lora(model, site, parts[name], config)
            else:
                forms[name], own = _from_glora(site, parts[name], config)
        except (KeyError, RuntimeError, ValueError) as error:
            raise AdapterError(
                f"The adapter in {folder} does not fit: at {name!r} it has "
                f"{ {k: list(v.shape) for k, v in parts[name].items()} } for a layer [out, in] = "
                f"[{site.out_features}, {site.in_features}] ({type(error).__name__}: {error}); "
                f"import it onto the model it was made for."
            ) from error
        values |= {f"{name}.{parameter}": tensor for parameter, tensor in own.items()}
    ranks = {int(form[5:]) for f in forms.values() for form in f.values() if form[:5] == "lora-"}
    structure = Structure.from_forms(order, forms, sorted(ranks) or [1])
    structure = structure.canonical([site_at(model, name) for name in order])
    place(model, structure, values)
    state = model.state_dict()
    with torch.no_grad():
        for name, tensor in head.items():
            state[name].copy_(tensor)
    return structure


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    try:
        config = json.loads((folder / PEFT_CONFIG).read_bytes())
        tensors = safetensors.torch.load((folder / PEFT_TENSORS).read_bytes())
    except OSError as error:
        raise AdapterError(
            f"{folder} holds no adapter of PEFT's ({error.strerror or error}: {error.filename}); "
            f"expected {PEFT_CONFIG} and {PEFT_TENSORS}, as PEFT's save_pretrained writes them."
        ) from error
    except (ValueError, SafetensorError) as error:
        raise AdapterError(
            f"The adapter in {folder} is damaged ({type(error).__name__}: {error}); save it again "
            f"by PEFT's save_pretrained."
        ) from error
    if not isinstance(config, dict):
        raise AdapterError(f"{folder / PEFT_CONFIG} is damaged; expected an object of settings.")
    return config, tensors


def _check_kind(config: Mapping[str, Any], kind: str, folder: Path) -> None:
    why = None
    if kind not in ("LORA", "GLORA"):
        why = f"it is of the kind {kind}, and only LORA and GLORA are linear in the way GLoRA is"
    elif kind == "GLORA" and config.get("bias", "none") != "none":
        why = f"its biases were trained beside C, D and E (bias={config['bias']!r})"
    elif kind == "LORA":
        why = next((text for key, text in _OTHER_FUNCTIONS.items() if config.get(key)), None)
        drawn = config.get("init_lora_weights", True)
        if isinstance(drawn, str) and drawn.lower().startswith(_CHANGES_BODY):
            why = (
                f"its first values ({drawn}) were taken out of the body's weights; convert it to "
                f"an ordinary LoRA when saving it, as PEFT describes"
            )
    if why:
        raise AdapterError(f"The adapter in {folder} cannot be held by GLoRA: {why}.")


def _check_names(
    model: nn.Module, parts: Mapping[str, object], head: Mapping[str, Tensor], folder: Path
) -> None:
    modules = {name for name, _ in model.named_modules()}
    parameters = model.state_dict()
    for name in parts:
        if name not in modules:
            raise AdapterError(
                f"The adapter in {folder} is for another body: it adapts {name!r}, which this "
                f"model does not have{near(name, modules)}; import it onto the model it was made "
                f"for."
            )
        try:
            site_at(model, name)
        except ConfigurationError as error:
            raise AdapterError(
                f"The adapter in {folder} cannot be held by GLoRA: {error}"
            ) from error
    for name, tensor in head.items():
        if name not in parameters or parameters[name].shape != tensor.shape:
            raise AdapterError(
                f"The adapter in {folder} holds {name!r} {list(tensor.shape)}, which is no "
                f"parameter of this model in that shape{near(name, parameters)}; import it onto "
                f"the model it was made for."
            )
    if not parts:
        raise AdapterError(
            f"The adapter in {folder} adapts no linear layer; expected at least one."
        )


def _from_lora(
    model: nn.Module, site: Site, parts: Mapping[str, Tensor], config: Mapping[str, Any]
) -> tuple[dict[str, str], dict[str, Tensor]]:
    unknown = set(parts) - _LORA_PARTS
    if unknown:
        raise ValueError(f"unknown parts {sorted(unknown)}")
    up = parts["lora_A.weight"].flatten(1)
    down = parts["lora_B.weight"].flatten(1)
    rank = up.shape[0]
    declared = _of_pattern(config.get("rank_pattern"), site.name, config.get("r", rank))
    if (
        rank != declared
        or up.shape[1] != site.in_features
        or down.shape != (site.out_features, rank)
    ):
        raise ValueError(f"rank {declared} is declared")
    alpha = _of_pattern(config.get("alpha_pattern"), site.name, config.get("lora_alpha", 8))
    scale = float(alpha) / (math.sqrt(rank) if config.get("use_rslora") else rank)
    forms, values = {"B": f"lora-{rank}"}, {"Bd": scale * down, "Bu": up}
    shift = None
    if config.get("use_dora"):
        base = model.get_submodule(site.name)
        if not isinstance(base.base if isinstance(base, GLoRALinear) else base, nn.Linear):
            raise ValueError("a DoRA is imported on an nn.Linear only")
        weight = weight_and_bias(base)[0].detach().cpu().double()
        rows = weight + scale * down.double() @ up.double()
        factor = parts["lora_magnitude_vector"].double() / torch.linalg.vector_norm(rows, dim=1)
        forms["A"], values["Ad"] = "vector", (factor - 1).unsqueeze(1)
        values["Bd"] = factor.unsqueeze(1) * values["Bd"]
    if "lora_B.bias" in parts:
        shift = scale * parts["lora_B.bias"]
    if "base_layer.bias" in parts:
        bias = weight_and_bias(model.get_submodule(site.name))[1]
        if bias is None:
            raise ValueError("it has a bias and the layer has none")
        moved = parts["base_layer.bias"].double() - bias.detach().cpu().double()
        shift = moved if shift is None else shift + moved
    if shift is not None:
        forms["E"], values["E"] = "vector", shift.view(site.out_features)
    return forms, values


def _from_glora(
    site: Site, parts: Mapping[str, Tensor], config: Mapping[str, Any]
) -> tuple[dict[str, str], dict[str, Tensor]]:
    rank = int(config["r"])
    groups = {"A": "config_A_B", "B": "config_A_B", "C": "config_C"}
    forms: dict[str, str] = {}
    values: dict[str, Tensor] = {}
    for tensor in "ABCDE":
        form = str(config[groups.get(tensor, "config_D_E")])
        if form == "none" or (tensor in "CDE" and not site.has_bias):
            continue
        rows = site.in_features if tensor == "C" else site.out_features
        columns = 1 if tensor == "C" else site.in_features
        key = f"glora_{tensor}."
        if form == "lora":
            forms[tensor] = f"lora-{rank}"
            values[f"{tensor}d"] = parts[key + "Xd"].view(rows, rank)
            values[f"{tensor}u"] = parts[key + "Xu"].view(rank, columns)
            continue
        forms[tensor] = _GLORA_FORMS[form]
        size = (1,) if form == "constant" else (rows,)
        stored = parts[key + "X"].view(size)
        values[tensor if tensor in "DE" else f"{tensor}d"] = (
            stored if tensor in "DE" else stored.unsqueeze(1)
        )
    return forms, values


def _of_pattern(pattern: Mapping[str, Any] | None, name: str, default: Any) -> Any:
    """A setting of one layer, by PEFT's rule: the first expression for the end of its name."""
    keys: Iterable[str] = pattern or {}
    for key in keys:
        if re.match(rf"(.*\.)?({key})$", name):
            return (pattern or {})[key]
    return default
