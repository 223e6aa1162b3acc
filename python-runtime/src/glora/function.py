"""The arithmetic of a GLoRA layer as one autograd function.

Autograd left to itself would keep every factor's product for the backward pass and compute
gradients in more passes than needed. Here forward and backward are written out for each form; with
T tokens, G = dY the gradient of the output [T, out] and b the effective bias:

    A                forward                           backward, beside dX = G·W0
    none             L = x·W0ᵀ + b, one GEMM           -
    scalar, dense    W = W0·(1 + a), then L            dX = G·W, da = ⟨dX, x⟩ / (1 + a)
    scalar, by rows  L·(1 + a) − a·b, in place         da = ⟨G·W0, x⟩: no further GEMM
    vector, dense    W = W0∘(1 + a), then L            dX = G·W, da = (Σₜ G∘L − b·Σₜ G) / (1 + a)
    vector, by rows  L·(1 + a) − a∘b                   da = Σₜ G∘L − b·Σₜ G: keeps L, not x
    LoRA, dense      W = W0 + W0∘(Ad·Au), then L       V = GᵀX∘W0; dAd = V·Auᵀ, dAu = Adᵀ·V
    LoRA, rank-wise  L + Σₖ Ad[:, k]∘(W0·(Au[k]∘x))    the same r products, transposed

    B                forward                           backward
    scalar, vector   L + s·bᵀ, s = Σⱼ x                db = Gᵀ·s, dX + (G·b)·1ᵀ
    LoRA             L + h·Bdᵀ, h = x·Buᵀ              dBd = Gᵀ·h, dBu = kᵀ·x, dX + k·Bu, k = G·Bd

    C, D, E          part of b                         dE = Σₜ G, dD = b0∘Σₜ G, dC = W0ᵀ·Σₜ G

The dense W is built anew in the backward pass: nothing of W0's size is kept. It is the cheaper way
where W0 is smaller than the activations, and then B joins it and costs no pass of its own; its part
of da is subtracted. The output itself serves as L: what follows a linear layer mostly keeps it
anyway. By rows that is done while 1 + a is far from zero and known without waiting, as it is on a
CPU, and the type has digits enough; else L is kept apart. What is not active, frozen or has no use
for a gradient costs nothing; sums go into GEMMs or fresh outputs. On CPU a fresh [T, out] costs
more (the pages are new) than a pass over one that is there.
"""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from glora.effective import (
    Form,
    Support,
    dense_weight,
    effective_bias,
    factors,
    vector,
    work_type,
)
from glora.errors import ConfigurationError
from glora.forms import LORA, NONE, SCALAR, VECTOR
from glora.gradients import LEAST_SCALE, Gradients, Way, stacked

__all__ = ["adapted_linear"]

# Rank-wise products take r GEMMs of T rows each way; the dense way takes one GEMM more for the
# gradient and some passes over [out, in]. On CPU (shapes from 384x1536 to 768x768, r from 2 to 8)
# they are even at T·r = 64 in training and between 16 and 32 in inference.
_RANK_WISE_ROWS = {True: 64, False: 24}


def adapted_linear(
    form: Form,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    support: Support,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """The layer's output [.., out] for `x` [.., in].

    Args:
        form: of the layer.
        x: the input.
        weight: W0 [out, in], frozen.
        bias: b0 [out], frozen, or None.
        support: the parameters that `form` reads.
        dtype: what weight and bias are cast to for the products (autocast); their own if None.

    Raises:
        ConfigurationError: weight or bias is to be trained, too.
    """
    if torch.is_grad_enabled() and (
        weight.requires_grad or (bias is not None and bias.requires_grad)
    ):
        raise ConfigurationError(
            "The pre-trained weight or bias of a GLoRA layer requires a gradient, which the layer "
            "does not compute: freeze it (requires_grad_(False)) and train the support tensors."
        )
    # Autograd looks at every argument of a function at every call: it is given the active tensors
    # only, and what has no gradient in one piece.
    names = tuple(n for n, p in zip(Support._fields, support, strict=True) if p is not None)
    active = [p for p in support if p is not None]
    result: Tensor = _AdaptedLinear.apply(
        _Call(form, names, weight, bias, dtype, torch.is_grad_enabled()), x, *active
    )
    return result


class _Call(NamedTuple):
    """What one call is given beside the tensors that may have a gradient."""

    form: Form
    names: tuple[str, ...]
    weight: Tensor
    bias: Tensor | None
    dtype: torch.dtype | None
    trained: bool


def _near_zero(form: Form, support: Support) -> bool:
    """Whether some 1 + a is too small to be divided by."""
    scale = vector(support.Ad, form.codes[0], torch.float32)
    return float((1 + scale).abs().min()) < LEAST_SCALE


def _way(
    form: Form,
    x: Tensor,
    weight: Tensor,
    support: Support,
    dtype: torch.dtype,
    trained: bool,
) -> Way:
    a, b = form.codes[:2]
    if a == NONE or not form.hadamard:
        return Way()
    out_features, in_features = weight.shape
    tokens = x.numel() // in_features
    if a < LORA:
        # A pass over W0 for two over the output. Where W0 has few digits, (1 + a) stays apart from
        # it, and on a GPU nobody can look at a before dividing by it without waiting.
        apart = x.device.type != "cpu" or dtype not in (torch.float32, torch.float64)
        if not apart and in_features <= tokens:
            return Way(dense=True, joined=b != NONE)
        return Way(apart=a == VECTOR and trained and (apart or _near_zero(form, support)))
    if tokens * form.ranks[0] <= _RANK_WISE_ROWS[trained]:
        return Way(rank_wise=True)
    smaller = weight.numel() <= tokens * (in_features + out_features)
    return Way(dense=True, joined=smaller and b != NONE)


class _AdaptedLinear(torch.autograd.Function):
    """`adapted_linear`: the input and the active support tensors have gradients."""

    @staticmethod
    def forward(ctx: Any, call: _Call, x: Tensor, *parameters: Tensor) -> Tensor:
        form, names, weight, bias, dtype, trained = call
        support = Support(**dict(zip(names, parameters, strict=True)))
        a, b = form.codes[:2]
        way = _way(form, x, weight, support, dtype or weight.dtype, trained)
        kept = products = hidden = None
        with _without_autocast(x):
            matrix = weight if dtype is None else weight.to(dtype)
            shift = effective_bias(form, support, weight, bias)
            shift = None if shift is None else shift.to(matrix.dtype)
            used = matrix
            if way.dense:
                used = dense_weight(form, support, matrix, joined=way.joined)
            seen = x if form.hadamard or a == NONE else _mixed_input(form, support, x)
            # As nn.Linear does it, on x's own shape: step 0 is the pre-trained layer bit for bit.
            y = functional.linear(seen, used, shift)
            rows, flat = y.reshape(-1, y.shape[-1]), x.reshape(-1, x.shape[-1])
            if form.hadamard and a in (SCALAR, VECTOR) and not way.dense:
                kept = rows if way.apart else None
                rows = _scaled(rows, vector(support.Ad, a, work_type(rows)), shift, not way.apart)
            elif way.rank_wise:
                down, up = factors(support.Ad, support.Au, form.ranks[0], x.dtype)
                products = stacked(flat, up, matrix.t())
                rows += (products * down.t()).sum(1)
            if b >= LORA and not way.joined:
                down, up = factors(support.Bd, support.Bu, form.ranks[1], x.dtype)
                hidden = torch.mm(up, flat.t()).t()
                rows.addmm_(hidden, down.t())
            elif b != NONE and not way.joined:
                hidden = flat.sum(-1, keepdim=True)
                rows.addcmul_(hidden, vector(support.Bd, b, x.dtype))
        reads_x = b >= LORA or (a != NONE and not way.apart)
        # Not saved: whoever changes the output in place afterwards makes it useless, not wrong.
        # A view would forbid such a change altogether.
        result: Tensor = torch.ops.aten._unsafe_view(rows, y.shape)
        serves = trained and a == VECTOR and form.hadamard and not way.apart
        output = result.detach().view_as(rows) if serves else None
        ctx.output = output if output is None else (output, output._version)
        ctx.form, ctx.names, ctx.dtype, ctx.way, ctx.shape = form, names, dtype, way, x.shape
        ctx.save_for_backward(
            x if reads_x else None, weight, bias, shift, kept, products, hidden, *parameters
        )
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        with _without_autocast(gradient):
            found = Gradients(ctx, gradient)
            dx = found.through_weight()
            found.through_bias()
        ctx.output = None
        dx = dx.view(ctx.shape) if dx is not None and found.wants_x else None
        return (None, dx, *(found.gradients.get(name) for name in ctx.names))


_NOTHING = contextlib.nullcontext()


def _without_autocast(tensor: Tensor) -> AbstractContextManager[Any]:
    """Types are chosen here; autocast would choose others. Entering its context costs, too."""
    device = tensor.device.type
    return torch.autocast(device, enabled=False) if torch.is_autocast_enabled(device) else _NOTHING


def _mixed_input(form: Form, support: Support, x: Tensor) -> Tensor:
    """x + A·x for matmul A: [.., in]."""
    a = form.codes[0]
    if a < LORA:
        return torch.addcmul(x, x, vector(support.Ad, a, x.dtype))
    down, up = factors(support.Ad, support.Au, form.ranks[0], x.dtype)
    flat = x.reshape(-1, x.shape[-1])
    return torch.addmm(flat, torch.mm(up, flat.t()).t(), down.t()).view(x.shape)


def _scaled(rows: Tensor, scale: Tensor, shift: Tensor | None, in_place: bool) -> Tensor:
    """L∘(1 + a) − a∘b: L itself, bit for bit, where a = 0."""
    factor, target = 1 + scale, rows if in_place else torch.empty_like(rows)
    if shift is None:
        return torch.mul(rows, factor, out=target)
    return torch.addcmul(-scale * shift, rows, factor, out=target)
