"""Fold the support tensors into the weights, take them out again, and check both.

    b* = b0 + b0∘D + E + W0·C            first, from the weight as it was pre-trained
    W* = W0 + W0∘A + B

Both are computed in float32 or better and cast once. Writing W* first and then using it for W·C,
as has been published, shifts the bias by (W0∘A + B)·C. Dividing W* by 1 + A to get W0 back loses
digits where 1 + A is near zero, so the pre-trained weights are kept and `unmerge` is bit-exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from glora.bases import GLoRAQuantizedLinear
from glora.errors import MergeError
from glora.inject import glora_layers
from glora.layer import GLoRALinear
from glora.targets import replace_modules

__all__ = ["MergeReport", "created_biases", "is_merged", "merge", "unmerge"]

# Where a merged module keeps the layer it came from. It stands in the instance's `__dict__` and
# not among the submodules, so that the state dict is the plain model's.
_ORIGIN = "_glora_origin"
# Where a merged model keeps what `declare_biases` did: settings, and modules with a bias of zeros.
DECLARED = "_glora_declared"


@dataclass(frozen=True)
class MergeReport:
    """What `merge` did.

    Attributes:
        max_abs_diff: greatest absolute change of any weight or bias, |W* − W0| and |b* − b0|.
        max_output_error: greatest difference between merged and unmerged layer, over all sites,
            on four inputs drawn from N(0, 1) with a fixed seed: rounding, if all is well.
        sites: names of the merged layers.
        created_biases: names of those that had no bias and have one now.
        changes: `max_abs_diff` of each site.
    """

    max_abs_diff: float
    max_output_error: float
    sites: tuple[str, ...]
    created_biases: tuple[str, ...]
    changes: dict[str, float] = field(default_factory=dict)


def merge(model: nn.Module, dtype: torch.dtype | None = None) -> MergeReport:
    """Replaces every GLoRA layer by a plain module that computes the same, in place.

    The model has its original modules and state-dict keys again; a site gets a bias it did not
    have only where its structure needs one. The pre-trained weights and the support tensors are
    kept aside for `unmerge`, outside the state dict.

    Args:
        model: after `inject`.
        dtype: of the merged weights; the pre-trained one's when omitted. Where that is quantised,
            the merged weight is dense, of the type that the quantised one stands for.

    Raises:
        MergeError: the model is merged already, holds no GLoRA layer, or a merged value is not
            finite in the weight's type. Nothing was changed.
    """
    if is_merged(model):
        raise MergeError(
            "The model is merged already; call glora.unmerge(model) before merging again."
        )
    layers = glora_layers(model)
    if not layers:
        raise MergeError("The model holds no GLoRA layer; call glora.inject(model, space) first.")
    if dtype is not None and not dtype.is_floating_point:
        raise MergeError(
            f"The weights cannot be merged into {dtype}; expected a floating-point type."
        )
    # All sites are computed before the first is replaced: a refusal leaves the model as it was.
    merged = {name: _merge_layer(name, layer, dtype) for name, layer in layers.items()}
    for name, layer in layers.items():
        merged[name].module.__dict__[_ORIGIN] = layer
    replace_modules(model, [(layer, merged[name].module) for name, layer in layers.items()])
    return MergeReport(
        max_abs_diff=max(m.change for m in merged.values()),
        max_output_error=max(m.output_error for m in merged.values()),
        sites=tuple(layers),
        created_biases=tuple(created_biases(model)),
        changes={name: m.change for name, m in merged.items()},
    )


def unmerge(model: nn.Module) -> None:
    """Puts the GLoRA layers of a merged model back, bit for bit as they were before `merge`.

    Raises:
        MergeError: the model is not merged.
    """
    merged = _merged_modules(model)
    if not merged:
        raise MergeError("The model is not merged; call glora.merge(model) first.")
    origins: list[tuple[nn.Module, nn.Module]] = []
    for module in merged:
        origin: GLoRALinear = module.__dict__.pop(_ORIGIN)
        # The model may have moved since; its hidden layers did not move with it.
        device = next(module.parameters()).device
        origins.append((module, origin.to(device).train(module.training)))
    replace_modules(model, origins)
    settings, filled = model.__dict__.pop(DECLARED, ((), ()))
    for setting in settings:
        setattr(model.config, setting, False)
    for module in filled:
        module.bias = None


def is_merged(model: nn.Module) -> bool:
    """Whether `unmerge` has something to undo in `model`."""
    return bool(_merged_modules(model))


def created_biases(model: nn.Module) -> list[str]:
    """The sites of a merged model that had no bias and have one now."""
    modules = _merged_modules(model)
    pairs = [(m.__dict__[_ORIGIN], m) for m in modules]
    return [o.site.name for o, m in pairs if o.bias is None and m.bias is not None]


def _merged_modules(model: nn.Module) -> list[nn.Module]:
    return [m for m in model.modules() if _ORIGIN in m.__dict__]


@dataclass(frozen=True)
class _Merged:
    """A site's plain module, and how it compares with the layer that it replaces."""

    module: nn.Module
    change: float
    output_error: float


@torch.no_grad()
def _merge_layer(name: str, layer: GLoRALinear, dtype: torch.dtype | None) -> _Merged:
    original = layer.weight
    kind = dtype or original.dtype
    quantised = isinstance(layer, GLoRAQuantizedLinear)
    work = original.to(torch.promote_types(original.dtype, torch.float32))
    # Autocast would take the products in half precision.
    with torch.autocast(original.device.type, enabled=False):
        bias = layer.effective_bias(work, None if layer.bias is None else layer.bias.to(work.dtype))
        weight = _finite(name, "weight", layer.effective_weight(work), kind)
        differences = [(weight.double() - original.double()).abs().max()]
        if bias is not None:
            before = torch.zeros_like(bias) if layer.bias is None else layer.bias
            # A quantised layer's bias says nothing about the type of its dense weight.
            keeps = dtype is None and layer.bias is not None and not quantised
            bias = _finite(name, "bias", bias, before.dtype if keeps else kind)
            differences.append((bias.double() - before.double()).abs().max())
        module = layer.plain_module(weight, bias).train(layer.training)
        x = layer.probe(torch.Generator().manual_seed(0))
        error = (layer(x).double() - module(x.to(kind)).double()).abs().max()
    return _Merged(module, float(max(differences)), float(error))


def _finite(site: str, what: str, value: Tensor, dtype: torch.dtype) -> Tensor:
    # A copy even where nothing changed: training the merged model must not reach the backup.
    cast = value.detach().to(dtype, copy=True, memory_format=torch.contiguous_format)
    finite = torch.isfinite(cast)
    if not bool(finite.all()):
        count = int((~finite).sum())
        raise MergeError(
            f"Merging site {site!r} gives {count} {what} entries that are not finite in {dtype}; "
            f"the model is unchanged, so look for a diverged training or merge in a wider type."
        )
    return cast
