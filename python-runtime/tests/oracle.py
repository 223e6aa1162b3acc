"""The plain formula of GLoRA, dense and in float64. It lives in the tests only.

y = (W0 + W0∘A + B) x + W0·C + b0∘D + E + b0
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from glora.layer import GLoRALinear
from glora.structure import SearchSpace

RANK = 2
# Codes for one rank: A and B none, scalar, vector, LoRA; C none, vector, LoRA; D, E no LoRA.
CODES = ((0, 1, 2, 3), (0, 1, 2, 3), (0, 2, 3), (0, 1, 2), (0, 1, 2))


def all_codes() -> Iterator[tuple[int, ...]]:
    """All 432 forms of a site with one rank."""
    return itertools.product(*CODES)


def plain_weight_and_bias(
    weight: Tensor,
    bias: Tensor | None,
    values: Mapping[str, Tensor],
    codes: tuple[int, ...],
    ranks: tuple[int, ...],
    a_product: str = "hadamard",
) -> tuple[Tensor, Tensor]:
    """W* [out, in] and b* [out], every tensor written out in full."""
    out_features, in_features = weight.shape
    ones = torch.ones(out_features, in_features, dtype=weight.dtype)

    def full(tensor: str, code: int) -> Tensor:
        down = values.get(f"{tensor}d")
        if code == 0 or down is None:
            return torch.zeros_like(weight)
        if code == 1:
            return ones * down[0, 0]
        if code == 2:
            return ones * down[:, 0].reshape(-1, 1)
        rank = ranks[code - 3]
        return sum(torch.outer(down[:, k], values[f"{tensor}u"][k]) for k in range(rank))

    a, b, c, d, e = codes
    if a_product == "hadamard":
        moved = weight * full("A", a)
    elif a == 0:
        moved = torch.zeros_like(weight)
    else:
        down = values["Ad"]
        square = {1: lambda: down[0, 0] * torch.eye(in_features, dtype=weight.dtype)}
        square[2] = lambda: torch.diag(down[:, 0])
        lora = lambda: down[:, : ranks[a - 3]] @ values["Au"][: ranks[a - 3]]  # noqa: E731
        moved = weight @ square.get(a, lora)()
    new_weight = weight + moved + full("B", b)

    prompt = torch.zeros(in_features, 1, dtype=weight.dtype)
    if c == 2:
        prompt = values["Cd"][:, :1]
    elif c >= 3:
        prompt = values["Cd"][:, : ranks[c - 3]] @ values["Cu"][: ranks[c - 3]]
    new_bias = (weight @ prompt)[:, 0]
    if bias is not None:
        new_bias = new_bias + bias
        if d:
            new_bias = new_bias + bias * (values["D"] if d == 2 else values["D"][0])
    if e:
        new_bias = new_bias + (values["E"] if e == 2 else values["E"][0])
    return new_weight, new_bias


def make_layer(
    in_features: int,
    out_features: int,
    *,
    bias: bool = True,
    ranks: tuple[int, ...] = (RANK,),
    a_product: str = "hadamard",
    dtype: torch.dtype = torch.float64,
    seed: int = 0,
) -> GLoRALinear:
    """A layer with every support tensor filled with noise, as after some training."""
    generator = torch.Generator().manual_seed(seed)
    base = nn.Linear(in_features, out_features, bias=bias, dtype=dtype)
    layer = GLoRALinear(base, SearchSpace(ranks, a_product=a_product))
    with torch.no_grad():
        for parameter in layer.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.copy_(0.5 * noise)
    return layer


def leaves(layer: GLoRALinear) -> dict[str, Tensor]:
    """The layer's support tensors as float64 leaves of a graph of their own."""
    return {
        name: p.detach().double().clone().requires_grad_()
        for name, p in layer.support_parameters().items()
    }


def plain_forward(layer: GLoRALinear, x: Tensor, values: Mapping[str, Tensor]) -> Tensor:
    """The layer's output by the plain formula, in float64."""
    bias = None if layer.bias is None else layer.bias.detach().double()
    weight, shift = plain_weight_and_bias(
        layer.weight.detach().double(),
        bias,
        values,
        layer.codes,
        layer.space.ranks,
        layer.space.a_product,
    )
    return x.double() @ weight.T + shift
