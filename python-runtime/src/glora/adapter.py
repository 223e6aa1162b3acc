"""Save an adapter as two files, and load it onto the body it was made for.

    adapter.json          version, structure, digest of the body, names, digest of the tensors
    adapter.safetensors   the support tensors of the chosen forms, cut to what the forms use,
                          named `<site>.<parameter>`; and a trained head, if any, as `head.<name>`

Equal adapters give equal bytes. The JSON is written last and removed first, so a folder with an
`adapter.json` is whole, and one without is not an adapter (yet).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from glora.bases import weight_and_bias
from glora.errors import AdapterError, ConfigurationError, StorageError
from glora.forms import Site, near
from glora.inject import glora_layers, inject, injected_layers, site_at, structure_of
from glora.layer import GLoRALinear
from glora.merge import is_merged
from glora.storage import write_file
from glora.structure import Structure

__all__ = [
    "ReadAdapter",
    "SavedAdapter",
    "body_digest",
    "check_head",
    "fill",
    "load_adapter",
    "place",
    "read_adapter",
    "save_adapter",
    "write_adapter",
]

ADAPTER_FORMAT = "glora-adapter"
ADAPTER_VERSION = 1
JSON_FILE = "adapter.json"
TENSOR_FILE = "adapter.safetensors"
_HEAD = "head."


@dataclass(frozen=True)
class SavedAdapter:
    """What `save_adapter` wrote.

    Attributes:
        digest: SHA-256 of `adapter.json`, which holds the tensors' own digest.
        entries: entries of support tensors written, equal to `count_parameters`; without a head.
        files: paths of the two files.
    """

    digest: str
    entries: int
    files: tuple[Path, Path]


@dataclass(frozen=True)
class ReadAdapter:
    """An adapter from its files, checked against a body.

    Attributes:
        structure: its forms.
        tensors: the support tensors' parts in use, by `<site>.<parameter>`.
        head: further parameters by their name in the model.
    """

    structure: Structure
    tensors: Mapping[str, Tensor]
    head: Mapping[str, Tensor]


def save_adapter(
    model: nn.Module, folder: str | Path, head: Mapping[str, Tensor] | None = None
) -> SavedAdapter:
    """Writes the adapter of an injected model in its current structure.

    Args:
        model: after `inject`; not merged.
        folder: made if missing; an adapter that is there already is replaced.
        head: further trained parameters to keep with the adapter, by their name in the model, for
            example `{"classifier.weight": …}`.

    Raises:
        ConfigurationError: the model holds no GLoRA layer, or `head` names no parameter of it.
        StorageError: the files cannot be written.
    """
    for name, tensor in (head or {}).items():
        check_head(model, name, tensor.shape)
    return write_adapter(injected_layers(model), folder, head or {})


def write_adapter(
    layers: Mapping[str, GLoRALinear], folder: str | Path, head: Mapping[str, Tensor]
) -> SavedAdapter:
    """Writes the adapter that `layers` (by site) are; see `save_adapter`."""
    folder = Path(folder)
    tensors: dict[str, Tensor] = {}
    for site, layer in layers.items():
        parameters = layer.support_parameters()
        for name, slices in layer.active_slices().items():
            tensors[f"{site}.{name}"] = _for_file(parameters[name][slices])
    entries = sum(t.numel() for t in tensors.values())
    tensors |= {_HEAD + name: _for_file(tensor) for name, tensor in head.items()}
    data = safetensors.torch.save(tensors)
    description = {
        "format": ADAPTER_FORMAT,
        "version": ADAPTER_VERSION,
        "body_sha256": body_digest(layers),
        "structure": structure_of(layers).to_dict(),
        "entries": entries,
        "head": sorted(head),
        "tensors": {"file": TENSOR_FILE, "sha256": hashlib.sha256(data).hexdigest()},
    }
    text = (json.dumps(description, indent=1, ensure_ascii=False) + "\n").encode()
    files = (folder / JSON_FILE, folder / TENSOR_FILE)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files[0].unlink(missing_ok=True)
        write_file(files[1], data)
        write_file(files[0], text)
    except OSError as error:
        raise StorageError(
            f"The adapter cannot be written to {folder} ({error.strerror or error}); expected a "
            f"folder that can be made and written, so choose another."
        ) from error
    return SavedAdapter(hashlib.sha256(text).hexdigest(), entries, files)


def load_adapter(model: nn.Module, folder: str | Path) -> Structure:
    """Puts a saved adapter onto a body and chooses its structure.

    A plain model gets GLoRA layers at the adapter's sites, just large enough for its structure. A
    model that is injected keeps its layers; the adapter's numbers replace the leading part of its
    support tensors. A head in the adapter replaces the model's parameters of the same names.

    Returns:
        The adapter's structure, which the model now has.

    Raises:
        AdapterError: the files are missing, damaged or newer than this glora, or the adapter was
            made for another body. The model is as before.
        ConfigurationError: the model is merged, or its GLoRA layers are at other sites or cannot
            hold the structure. The model is as before.
    """
    read = read_adapter(model, folder)
    place(model, read.structure, read.tensors)
    state = model.state_dict()
    with torch.no_grad():
        for name, tensor in read.head.items():
            state[name].copy_(tensor)
    return read.structure


def read_adapter(model: nn.Module, folder: str | Path) -> ReadAdapter:
    """Reads an adapter's files and checks that they fit `model`; errors as of `load_adapter`."""
    folder = Path(folder)
    description, tensors = _read(folder)
    try:
        structure = Structure.from_dict(description["structure"])
    except ConfigurationError as error:
        raise AdapterError(f"The adapter in {folder} cannot be used: {error}") from error
    if is_merged(model):
        raise ConfigurationError(
            "The model is merged; call glora.unmerge(model) before loading an adapter."
        )
    _check_body(model, structure, str(description["body_sha256"]), folder)
    head: dict[str, Tensor] = {}
    for name in map(str, description["head"]):
        tensor = tensors.pop(_HEAD + name, None)
        if tensor is None:
            raise AdapterError(
                f"The adapter in {folder} is damaged: its head's {name!r} is not in {TENSOR_FILE}; "
                f"save the adapter again."
            )
        check_head(model, name, tensor.shape)
        head[name] = tensor
    return ReadAdapter(structure, _fitting(model, structure, tensors, folder), head)


def place(model: nn.Module, structure: Structure, tensors: Mapping[str, Tensor]) -> None:
    """Gives `model` a structure and its numbers, on the GLoRA layers it has or on new ones.

    Args:
        model: plain or injected.
        structure: the forms.
        tensors: the parts of the support tensors that the forms use, by `<site>.<parameter>`.

    Raises:
        ConfigurationError: the model's GLoRA layers are at other sites, or cannot hold the
            structure. The model is as before.
    """
    layers = glora_layers(model)
    if layers:
        space = next(iter(layers.values())).space
        space.check(structure, [layer.site for layer in layers.values()])
    else:
        targets = ["re:" + re.escape(site) for site in structure.sites]
        # Every drawn number is overwritten or unused: the caller's random state is not touched.
        inject(model, structure.smallest_space(), targets, exclude=(), generator=torch.Generator())
        layers = glora_layers(model)
    fill(layers, structure, tensors)


@torch.no_grad()
def fill(
    layers: Mapping[str, GLoRALinear], structure: Structure, tensors: Mapping[str, Tensor]
) -> None:
    """Writes `tensors` into the parts of the support tensors that `structure` uses."""
    for site, codes in zip(structure.sites, structure.codes.tolist(), strict=True):
        layer = layers[site]
        layer.set_codes(codes)
        parameters = layer.support_parameters()
        for name, slices in layer.active_slices().items():
            parameters[name][slices] = tensors[f"{site}.{name}"].to(parameters[name])


def body_digest(modules: Mapping[str, nn.Module]) -> str:
    """SHA-256 over name, type, shape and bytes of the pre-trained weights and biases at sites.

    The layers around them (embeddings, norms, a head that is trained or drawn anew) do not count.
    A weight is taken as W0 [out, in] however it is kept, a quantised one dequantised: an adapter
    fits wherever these numbers are the same.

    Args:
        modules: the pre-trained layers, or the GLoRA layers on them, by site.
    """
    digest = hashlib.sha256()
    for site, module in modules.items():
        for name, value in zip(("weight", "bias"), weight_and_bias(module), strict=True):
            if value is None:
                digest.update(f"{site}.{name} none\n".encode())
                continue
            digest.update(f"{site}.{name} {value.dtype} {list(value.shape)}\n".encode())
            raw = value.detach().cpu().contiguous().view(-1).view(torch.uint8)
            digest.update(raw.numpy().data)
    return digest.hexdigest()


def _for_file(tensor: Tensor) -> Tensor:
    # A copy: safetensors refuses tensors that share memory, and slices of one parameter do.
    return tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)


def check_head(model: nn.Module, name: str, shape: torch.Size | None) -> None:
    """Raises `ConfigurationError` unless the model has a parameter of that name (and shape)."""
    known = dict(model.named_parameters())
    if name not in known:
        raise ConfigurationError(
            f"The head's {name!r} is no parameter of the model{near(name, known)}; name the head's "
            f"parameters as the model does."
        )
    if shape is not None and shape != known[name].shape:
        raise ConfigurationError(
            f"The head's {name!r} has shape {list(shape)} and the "
            f"model's {list(known[name].shape)}; use a model with the same head."
        )


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The description and the tensors of an adapter's folder, checked against each other."""
    try:
        text = (folder / JSON_FILE).read_bytes()
        data = (folder / TENSOR_FILE).read_bytes()
    except OSError as error:
        raise AdapterError(
            f"{folder} holds no whole adapter ({error.strerror or error}: {error.filename}); "
            f"expected {JSON_FILE} and {TENSOR_FILE} as save_adapter writes them."
        ) from error
    try:
        description = json.loads(text)
        if description["format"] != ADAPTER_FORMAT:
            raise KeyError("format")
        version = description["version"]
        if version != ADAPTER_VERSION:
            raise AdapterError(
                f"The adapter in {folder} has version {version!r}; this glora reads version "
                f"{ADAPTER_VERSION}, so use a glora that is as new as the adapter."
            )
        expected = description["tensors"]["sha256"]
        missing = {"structure", "body_sha256", "head"} - set(description)
        if missing or not isinstance(description["head"], list):
            raise KeyError(*sorted(missing))
    except (ValueError, KeyError, TypeError) as error:
        raise AdapterError(
            f"{folder / JSON_FILE} is damaged ({type(error).__name__}: {error}); expected what "
            f"save_adapter writes, so save the adapter again."
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise AdapterError(
            f"{folder / TENSOR_FILE} is damaged or cut: its SHA-256 is {found[:12]}… and "
            f"{JSON_FILE} expects {str(expected)[:12]}…; save the adapter again."
        )
    try:
        return description, safetensors.torch.load(data)
    except SafetensorError as error:
        raise AdapterError(
            f"{folder / TENSOR_FILE} is not a safetensors file ({error}); save the adapter again."
        ) from error


def _check_body(model: nn.Module, structure: Structure, expected: str, folder: Path) -> None:
    names = {name for name, _ in model.named_modules()}
    absent = [site for site in structure.sites if site not in names]
    if absent:
        raise AdapterError(
            f"The adapter in {folder} is for another body: it adapts {absent[0]!r}, which this "
            f"model does not have{near(absent[0], names)}; load it onto the model it was made for."
        )
    try:
        found = body_digest({site: model.get_submodule(site) for site in structure.sites})
    except ConfigurationError as error:
        raise AdapterError(f"The adapter in {folder} is for another body: {error}") from error
    if found != expected:
        raise AdapterError(
            f"The adapter in {folder} is for another body: the pre-trained weights at its "
            f"{len(structure.sites)} sites have SHA-256 {found[:12]}… and it expects "
            f"{expected[:12]}…; load it onto the model it was made for, in the same type."
        )


def _fitting(
    model: nn.Module, structure: Structure, tensors: Mapping[str, Tensor], folder: Path
) -> dict[str, Tensor]:
    """Exactly the tensors that `structure` needs, or an `AdapterError`.

    Tensors that an older glora wrote for genes not known as dead then are left out.
    """
    space = structure.smallest_space()
    expected: dict[str, list[int]] = {}
    dead: dict[str, list[int]] = {}
    for name, codes in zip(structure.sites, structure.codes.tolist(), strict=True):
        site = site_at(model, name)
        sizes = site.in_features, site.out_features
        # A layer without memory tells the shapes.
        empty = nn.Linear(*sizes, bias=site.has_bias, device="meta")
        layer = GLoRALinear(empty, space, Site(name, *sizes, site.has_bias), torch.Generator())
        parameters = layer.support_parameters()
        for parameter, slices in layer.active_slices(codes).items():
            shapes = dead if parameter[0] in site.dead else expected
            shapes[f"{name}.{parameter}"] = list(parameters[parameter][slices].shape)
    found = {name: list(tensor.shape) for name, tensor in tensors.items()}
    needed = {n: shape for n, shape in found.items() if dead.get(n) != shape}
    if needed != expected:
        odd = sorted(n for n in {*found, *expected} if found.get(n) != expected.get(n))[0]
        raise AdapterError(
            f"The adapter in {folder} is damaged: {odd!r} has shape {found.get(odd)} and its "
            f"structure needs {expected.get(odd)}; save the adapter again."
        )
    return {name: tensors[name] for name in expected}
