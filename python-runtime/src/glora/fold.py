"""Fold C, D and E of every site into one bias vector.

    E* = b0∘D + E + W0·C                        [out], from the weights as they were pre-trained

All three only shift the bias, so after training a single vector does what they did together. What
is left are the numbers by which a structure is compared with other methods: its folded count.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from glora.adapter import fill
from glora.errors import MergeError
from glora.inject import injected_layers, structure_of
from glora.layer import GLoRALinear
from glora.structure import Counts, parameter_counts
from glora.targets import replace_modules

__all__ = ["FoldReport", "bias_shift", "fold"]


@dataclass(frozen=True)
class FoldReport:
    """What `fold` did.

    Attributes:
        before: the counts of the structure that was.
        after: the counts of the structure that is; stored and folded are equal.
        max_output_error: greatest difference between the layers' outputs before and after, over
            all sites, on four inputs drawn from N(0, 1) with a fixed seed: rounding.
    """

    before: Counts
    after: Counts
    max_output_error: float


@torch.no_grad()
def fold(model: nn.Module) -> FoldReport:
    """Replaces C, D and E of an injected model by one vector E a site, in place.

    A and B keep their numbers; where C, D and E are dead, nothing is left of them. The new layers
    have room for the folded structure alone, so this is a step after training and search.

    Raises:
        ConfigurationError: the model holds no GLoRA layer, or is merged.
        MergeError: a folded value is not finite. The model is as before.
    """
    layers = injected_layers(model)
    sites = [layer.site for layer in layers.values()]
    structure = structure_of(layers)
    folded = structure.folded(sites)
    space = folded.smallest_space()
    # Every drawn number is overwritten: the caller's random state is not touched.
    new = {
        name: type(layer)(layer.base, space, layer.site, torch.Generator())
        for name, layer in layers.items()
    }
    tensors: dict[str, Tensor] = {}
    for name, layer in layers.items():
        parameters = layer.support_parameters()
        for parameter, slices in layer.active_slices().items():
            tensors[f"{name}.{parameter}"] = parameters[parameter][slices]
        if any(code for code in layer.codes[2:]):
            tensors[f"{name}.E"] = bias_shift(name, layer)
    fill(new, folded, tensors)
    error = 0.0
    for name, layer in layers.items():
        new[name].train(layer.training)
        x = layer.probe(torch.Generator().manual_seed(0))
        error = max(error, float((layer(x).double() - new[name](x).double()).abs().max()))
    replace_modules(model, [(layer, new[name]) for name, layer in layers.items()])
    before, after = (parameter_counts(s, sites) for s in (structure, folded))
    return FoldReport(before, after, error)


def bias_shift(site: str, layer: GLoRALinear) -> Tensor:
    """b0∘D + E + W0·C [out] in float64, at a site where one of the three is active.

    Raises:
        MergeError: a value is not finite.
    """
    bias = None if layer.bias is None else layer.bias.double()
    with torch.autocast(layer.weight.device.type, enabled=False):
        shifted = layer.effective_bias(layer.weight.double(), bias)
    assert shifted is not None  # one of the three is active
    shift = shifted if bias is None else shifted - bias
    if not bool(torch.isfinite(shift).all()):
        raise MergeError(
            f"Folding site {site!r} gives values that are not finite; the model is unchanged, so "
            f"look for a diverged training."
        )
    return shift
