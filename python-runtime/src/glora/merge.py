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

from glora.errors import MergeError
from glora.inject import glora_layers
from glora.layer import GLoRALinear
from glora.targets import replace_modules

__all__ = ["MergeReport", "is_merged", "merge", "unmerge"]

# Where a merged nn.Linear keeps the layer it came from. It stands in the instance's `__dict__` and
# not among the submodules, so that the state dict is the plain model's.
_ORIGIN = "_glora_origin"


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


def merge(model: nn.Module) -> MergeReport:
    """Replaces every GLoRA layer by a plain `nn.Linear` that computes the same, in place.

    The model has its original modules and state-dict keys again; a site gets a bias it did not
    have only where its structure needs one. The pre-trained weights and the support tensors are
    kept aside for `unmerge`, outside the state dict.

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
    # All sites are computed before the first is replaced: a refusal leaves the model as it was.
    merged = {name: _merged_linear(name, layer) for name, layer in layers.items()}
    changes = {name: _change(layer, merged[name]) for name, layer in layers.items()}
    errors = [_output_error(layer, merged[name]) for name, layer in layers.items()]
    for name, layer in layers.items():
        merged[name].__dict__[_ORIGIN] = layer
    replace_modules(model, [(layer, merged[name]) for name, layer in layers.items()])
    return MergeReport(
        max_abs_diff=max(changes.values()),
        max_output_error=max(errors),
        sites=tuple(layers),
        created_biases=tuple(
            n for n, layer in layers.items() if layer.bias is None and merged[n].bias is not None
        ),
        changes=changes,
    )


def unmerge(model: nn.Module) -> None:
    """Puts the GLoRA layers of a merged model back, bit for bit as they were before `merge`.

    Raises:
        MergeError: the model is not merged.
    """
    merged = _merged_layers(model)
    if not merged:
        raise MergeError("The model is not merged; call glora.merge(model) first.")
    origins: list[tuple[nn.Module, nn.Module]] = []
    for linear in merged:
        origin: GLoRALinear = linear.__dict__.pop(_ORIGIN)
        # The model may have moved since; its hidden layers did not move with it.
        origins.append((linear, origin.to(linear.weight.device).train(linear.training)))
    replace_modules(model, origins)


def is_merged(model: nn.Module) -> bool:
    """Whether `unmerge` has something to undo in `model`."""
    return bool(_merged_layers(model))


def _merged_layers(model: nn.Module) -> list[nn.Linear]:
    return [m for m in model.modules() if isinstance(m, nn.Linear) and _ORIGIN in m.__dict__]


@torch.no_grad()
def _merged_linear(name: str, layer: GLoRALinear) -> nn.Linear:
    original, dtype = layer.weight, layer.weight.dtype
    work = original.to(torch.promote_types(dtype, torch.float32))
    # Autocast would take the products in half precision.
    with torch.autocast(original.device.type, enabled=False):
        bias = layer.effective_bias(work, None if layer.bias is None else layer.bias.to(work.dtype))
        weight = layer.effective_weight(work)
    # The placeholder's own weights are never filled: both parameters are set below.
    linear = nn.Linear(layer.in_features, layer.out_features, bias=False, device="meta")
    linear.weight = _finite_parameter(name, "weight", weight, dtype)
    if bias is not None:
        kind = dtype if layer.bias is None else layer.bias.dtype
        linear.bias = _finite_parameter(name, "bias", bias, kind)
    return linear.train(layer.training)


def _finite_parameter(site: str, what: str, value: Tensor, dtype: torch.dtype) -> nn.Parameter:
    # A copy even where nothing changed: training the merged model must not reach the backup.
    cast = value.detach().to(dtype, copy=True, memory_format=torch.contiguous_format)
    finite = torch.isfinite(cast)
    if not bool(finite.all()):
        count = int((~finite).sum())
        raise MergeError(
            f"Merging site {site!r} gives {count} {what} entries that are not finite in {dtype}; "
            f"the model is unchanged, so look for a diverged training or merge in a wider type."
        )
    return nn.Parameter(cast, requires_grad=False)


@torch.no_grad()
def _change(layer: GLoRALinear, merged: nn.Linear) -> float:
    differences = [(merged.weight.double() - layer.weight.double()).abs().max()]
    if merged.bias is not None:
        before = 0.0 if layer.bias is None else layer.bias.double()
        differences.append((merged.bias.double() - before).abs().max())
    return float(max(differences))


@torch.no_grad()
def _output_error(layer: GLoRALinear, merged: nn.Linear) -> float:
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(4, layer.in_features, generator=generator)
    x = drawn.to(device=layer.weight.device, dtype=layer.weight.dtype)
    with torch.autocast(x.device.type, enabled=False):
        return float((layer(x).double() - merged(x).double()).abs().max())
