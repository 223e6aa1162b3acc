"""Write an adapter in PEFT's own format, as LoRA or as PEFT's GLoRA, with nothing approximated.

LoRA holds W0 + Bd·Bu and a bias of its own (`lora_bias`), so it holds

    B = lora-r        lora_B = Bd, lora_A = Bu
    B = vector        b·Σx: rank 1, lora_B = b, lora_A = ones; a scalar likewise
    A = lora-r        with `a_product: matmul` alone: W0·(Ad·Au) = (W0·Ad)·Au
    C, D, E           folded into lora_B's bias
    Conv1D and convolutions too

and no Hadamard A, which is W0∘(Ad·Au) and of any rank. PEFT's GLoRA holds a Hadamard A, but one
form for A and B at all sites, one for D and E, one rank, on `nn.Linear` alone and C to E only where
the layer has a bias. Smaller forms are written as larger ones: none as zeros, a scalar as a
constant vector, a vector as rank 1, a rank padded by zeros. So the file may hold more entries than
the adapter, and the function is the same.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from glora.bases import GLoRAConv1D, GLoRAConvolution
from glora.errors import ConfigurationError, EnvironmentNotUsable, StorageError
from glora.fold import bias_shift
from glora.forms import LORA, NONE, SCALAR, VECTOR
from glora.inject import injected_layers
from glora.layer import GLoRALinear
from glora.storage import write_file

__all__ = ["PEFT_CONFIG", "PEFT_TENSORS", "export_peft", "sort_config"]

PEFT_CONFIG = "adapter_config.json"
PEFT_TENSORS = "adapter_model.safetensors"
PREFIX = "base_model.model."
FORMATS = ("auto", "lora", "glora")
_SIMPLE_FORMS = {NONE: "none", SCALAR: "constant", VECTOR: "vector", LORA: "lora"}


@torch.no_grad()
def export_peft(
    model: nn.Module,
    folder: str | Path,
    head: Mapping[str, Tensor] | None = None,
    *,
    format: str = "auto",
) -> str:
    """Writes the adapter of an injected model for `PeftModel.from_pretrained`.

    Args:
        model: after `inject`; not merged.
        folder: made if missing; an adapter of PEFT's that is there already is replaced.
        head: trained parameters outside the sites, by their name in the model; PEFT keeps whole
            modules, so the others of the same modules are written too.
        format: `lora`, `glora`, or `auto`: LoRA where it can hold the structure, else GLoRA.

    Returns:
        The format that was written, `lora` or `glora`.

    Raises:
        ConfigurationError: PEFT cannot hold the structure; the sentence says why.
        EnvironmentNotUsable: PEFT is not installed.
        StorageError: the files cannot be written.
    """
    if format not in FORMATS:
        raise ConfigurationError(f"The format is {format!r}; expected one of {list(FORMATS)}.")
    layers = {n: layer for n, layer in injected_layers(model).items() if any(layer.codes)}
    if not layers:
        raise ConfigurationError(
            "Every form of the structure is none, so there is nothing to export; choose another "
            "structure by glora.set_structure."
        )
    reasons = {"lora": _why_not_lora(layers), "glora": _why_not_glora(layers)}
    tried = [format] if format != "auto" else ["lora", "glora"]
    chosen = next((name for name in tried if reasons[name] is None), None)
    if chosen is None:
        why = "; ".join(f"{name}: {reasons[name]}" for name in tried)
        raise ConfigurationError(
            f"PEFT cannot hold this structure ({why}); use glora.save_adapter, or merge."
        )
    write = _lora if chosen == "lora" else _glora
    settings, tensors = write(model, layers)
    modules, kept = _whole_modules(model, layers, head or {})
    settings["modules_to_save"] = modules or None
    source = getattr(getattr(model, "config", None), "_name_or_path", None)
    settings["base_model_name_or_path"] = source or None
    _write_files(Path(folder), settings, {**tensors, **kept}, chosen)
    return chosen


def sort_config(folder: Path) -> None:
    """Rewrites PEFT's configuration so that equal adapters give equal bytes.

    Its sets are put in order, and where the body lay on this machine is left out: it would mean
    nothing on another.
    """
    path = folder / PEFT_CONFIG
    config = json.loads(path.read_text(encoding="utf-8"))
    if Path(config.get("base_model_name_or_path") or "").is_absolute():
        config["base_model_name_or_path"] = None
    for name in ("target_modules", "modules_to_save", "exclude_modules"):
        if isinstance(config.get(name), list):
            config[name].sort()
    text = json.dumps(config, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    write_file(path, text.encode())


def _why_not_lora(layers: Mapping[str, GLoRALinear]) -> str | None:
    for name, layer in layers.items():
        a = layer.codes[0]
        if a != NONE and layer.space.a_product == "hadamard":
            return f"site {name!r} has an A, and W0∘A has no low rank"
        if NONE < a < LORA:
            return f"site {name!r} scales its input by A, which is no change of low rank"
    return None


def _why_not_glora(layers: Mapping[str, GLoRALinear]) -> str | None:
    for name, layer in layers.items():
        if type(layer.base) is not nn.Linear:
            return f"site {name!r} is a {type(layer.base).__name__} and PEFT's takes nn.Linear only"
        if layer.codes[0] != NONE and layer.space.a_product != "hadamard":
            return f"site {name!r} has A as a matrix product and PEFT's is the Hadamard one"
        if layer.bias is None and (layer.codes[2] or layer.codes[4]):
            return f"site {name!r} has C or E and no bias, where PEFT leaves both out"
    return None


def _lora(
    model: nn.Module, layers: Mapping[str, GLoRALinear]
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    tensors: dict[str, Tensor] = {}
    ranks: dict[str, int] = {}
    shifted = any(any(layer.codes[2:]) for layer in layers.values())
    for name, layer in layers.items():
        up, down = _low_rank(layer)
        ranks[name] = up.shape[0]
        if isinstance(layer, GLoRAConvolution):
            patch = layer._parameters["weight"].shape[1:]  # type: ignore[union-attr]
            up = up.view(-1, *patch)
            down = down.view(*down.shape, *(1 for _ in patch[1:]))
        key = f"{PREFIX}{name}."
        tensors |= {f"{key}lora_A.weight": up, f"{key}lora_B.weight": down}
        if shifted:
            moves = any(layer.codes[2:])
            shift = bias_shift(name, layer) if moves else torch.zeros(layer.out_features)
            tensors[f"{key}lora_B.bias"] = shift.to(down)
    exact = _are_unambiguous(model, layers)
    rank = Counter(ranks.values()).most_common(1)[0][0]
    pattern = {n if exact else f"^{re.escape(n)}": r for n, r in ranks.items() if r != rank}
    settings = {
        "r": rank,
        # Alpha over rank is 1 everywhere: the numbers are used as they are.
        "lora_alpha": rank,
        "rank_pattern": pattern,
        "alpha_pattern": dict(pattern),
        "lora_bias": shifted,
        "fan_in_fan_out": any(isinstance(layer, GLoRAConv1D) for layer in layers.values()),
        "target_modules": _targets(layers, exact),
    }
    return settings, tensors


def _low_rank(layer: GLoRALinear) -> tuple[Tensor, Tensor]:
    """Up- [r, in] and down-factor [out, r] of W* − W0."""
    values = layer.support_parameters()
    rows = layer.in_features
    ups, downs = [], []
    if layer.codes[0] >= LORA:
        rank = layer.space.rank(layer.codes[0])
        moved = layer.weight.double() @ values["Ad"][:, :rank].double()
        ups.append(values["Au"][:rank])
        downs.append(moved.to(values["Ad"].dtype))
    b = layer.codes[1]
    if b >= LORA:
        rank = layer.space.rank(b)
        ups.append(values["Bu"][:rank])
        downs.append(values["Bd"][:, :rank])
    elif b != NONE:
        down = values["Bd"][:, :1]
        ups.append(torch.ones_like(down[:1, :1]).expand(1, rows))
        downs.append(down[:1].expand(layer.out_features, 1) if b == SCALAR else down)
    if not ups:
        # PEFT needs a rank, also where only the bias moves.
        zeros = layer.weight.new_zeros
        return zeros(1, rows).float(), zeros(layer.out_features, 1).float()
    return torch.cat(ups), torch.cat(downs, dim=1)


def _glora(
    model: nn.Module, layers: Mapping[str, GLoRALinear]
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    largest = [max(layer.codes[i] for layer in layers.values()) for i in range(5)]
    space = next(iter(layers.values())).space
    rank = max((space.rank(code) for code in largest if code >= LORA), default=1)
    forms = {
        "AB": min(max(largest[:2]), LORA),
        "C": min(largest[2], LORA),
        "DE": max(largest[3:]),
    }
    tensors: dict[str, Tensor] = {}
    for name, layer in layers.items():
        sizes = {"A": layer.in_features, "B": layer.in_features, "C": 1}
        for index, tensor in enumerate("ABCDE"):
            group = next(form for letters, form in forms.items() if tensor in letters)
            if group == NONE or (tensor in "CDE" and layer.bias is None):
                continue
            key = f"{PREFIX}{name}.glora_{tensor}."
            if tensor in sizes:
                rows = layer.in_features if tensor == "C" else layer.out_features
                parts = _widened(layer, index, group, rank, rows, sizes[tensor])
            else:
                parts = _widened_vector(layer, index, group)
            tensors |= {key + part: value for part, value in parts.items()}
    settings = {
        "r": rank,
        "config_A_B": _SIMPLE_FORMS[forms["AB"]],
        "config_C": _SIMPLE_FORMS[forms["C"]],
        "config_D_E": _SIMPLE_FORMS[forms["DE"]],
        "target_modules": _targets(layers, _are_unambiguous(model, layers)),
    }
    return settings, tensors


def _widened(
    layer: GLoRALinear, index: int, form: int, rank: int, rows: int, columns: int
) -> dict[str, Tensor]:
    """A, B or C in the larger form that all sites share."""
    code, values, tensor = layer.codes[index], layer.support_parameters(), "ABC"[index]
    zeros = layer.weight.new_zeros
    down, up = zeros(rows, rank).float(), zeros(rank, columns).float()
    if code >= LORA:
        own = layer.space.rank(code)
        down[:, :own] = values[f"{tensor}d"][:, :own]
        up[:own] = values[f"{tensor}u"][:own]
    elif code != NONE:
        stored = values[f"{tensor}d"][:, 0]
        down[:, 0] = stored[0] if code == SCALAR else stored
        up[0] = 1
    if form == LORA:
        return {"Xd": down, "Xu": up}
    return {"X": down[:1, 0] if form == SCALAR else down[:, :1]}


def _widened_vector(layer: GLoRALinear, index: int, form: int) -> dict[str, Tensor]:
    """D or E in the larger form that all sites share."""
    code = layer.codes[index]
    value = torch.zeros(layer.out_features, device=layer.weight.device)
    if code != NONE:
        stored = layer.support_parameters()["DE"[index - 3]]
        value[:] = stored[0] if code == SCALAR else stored
    return {"X": value[:1] if form == SCALAR else value}


def _are_unambiguous(model: nn.Module, sites: Mapping[str, GLoRALinear]) -> bool:
    """Whether PEFT, which reads a name as an expression for the end of names, finds no others."""
    names = [name for name, _ in model.named_modules()]
    for site in sites:
        expression = re.compile(rf"(.*\.)?({site})$")
        if any(expression.match(name) and name != site for name in names):
            return False
    return True


def _targets(layers: Mapping[str, GLoRALinear], exact: bool) -> list[str] | str:
    return sorted(layers) if exact else f"(?:{'|'.join(re.escape(n) for n in sorted(layers))})"


def _whole_modules(
    model: nn.Module, sites: Mapping[str, GLoRALinear], head: Mapping[str, Tensor]
) -> tuple[list[str], dict[str, Tensor]]:
    """The modules that hold the head's parameters, and all their parameters as PEFT names them."""
    known = dict(model.named_parameters())
    for name, tensor in head.items():
        if name not in known or known[name].shape != tensor.shape:
            raise ConfigurationError(
                f"The head's {name!r} {list(tensor.shape)} is no parameter of the model in that "
                f"shape; name the head's parameters as the model does."
            )
        if name.rpartition(".")[0] in sites:
            raise ConfigurationError(
                f"The head's {name!r} belongs to an adapted site, and PEFT saves a module or "
                f"adapts it; leave it out of the head, or the site out of the structure."
            )
    modules = sorted({name.rpartition(".")[0] for name in head})
    kept = {
        name: head.get(name, parameter)
        for name, parameter in known.items()
        if name.rpartition(".")[0] in modules
    }
    return modules, {PREFIX + name: tensor for name, tensor in kept.items()}


def _write_files(
    folder: Path, settings: dict[str, Any], tensors: Mapping[str, Tensor], format: str
) -> None:
    try:
        from peft import GloraConfig, LoraConfig
    except ImportError as error:
        raise EnvironmentNotUsable(
            f"An export for PEFT needs PEFT, which cannot be imported ({error}): install "
            f"`glora[peft]`."
        ) from error
    config = (LoraConfig if format == "lora" else GloraConfig)(inference_mode=True, **settings)
    data = safetensors.torch.save(
        {
            name: tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
            for name, tensor in sorted(tensors.items())
        },
        {"format": "pt"},
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / PEFT_CONFIG).unlink(missing_ok=True)
        write_file(folder / PEFT_TENSORS, data)
        config.save_pretrained(str(folder))
        sort_config(folder)
    except OSError as error:
        raise StorageError(
            f"The adapter cannot be written to {folder} ({error.strerror or error}); expected a "
            f"folder that can be made and written, so choose another."
        ) from error
