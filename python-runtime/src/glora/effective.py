"""Effective weight and bias of a GLoRA layer: what its support tensors amount to.

`function.py` computes with them, `merge.py` writes them into the model.
"""

from __future__ import annotations

import threading
from typing import NamedTuple

import torch
from torch import Tensor

from glora.forms import LORA, NONE, SCALAR

__all__ = [
    "Form",
    "Support",
    "dense_weight",
    "effective_bias",
    "effective_weight",
    "factors",
    "product_like",
    "vector",
    "work_type",
]


class Form(NamedTuple):
    """What a layer computes: the codes of its five tensors and the ranks they stand for.

    Attributes:
        codes: A to E.
        ranks: of A, B and C; 0 where the tensor is not in a LoRA form.
        hadamard: whether A meets W0 as W0∘A; else as W0·A.
    """

    codes: tuple[int, int, int, int, int]
    ranks: tuple[int, int, int]
    hadamard: bool


class Support(NamedTuple):
    """The stored support parameters, whole; None where the form in use does not read one."""

    Ad: Tensor | None = None
    Au: Tensor | None = None
    Bd: Tensor | None = None
    Bu: Tensor | None = None
    Cd: Tensor | None = None
    Cu: Tensor | None = None
    D: Tensor | None = None
    E: Tensor | None = None


def effective_bias(
    form: Form, support: Support, weight: Tensor, bias: Tensor | None
) -> Tensor | None:
    """b + b∘D + E + W·C [out], in float32 or better; None where there is no bias and none is made.

    Args:
        form: of the layer.
        support: its parameters.
        weight: W [out, in] as it was pre-trained: with a W that A and B already changed, the
            prompt's part would be wrong.
        bias: b [out] as it was pre-trained, or None.
    """
    _, _, c, d, e = form.codes
    if c == d == e == NONE:
        return bias
    work = torch.promote_types(weight.dtype, torch.float32)
    result = None if bias is None else bias.to(work)
    if d != NONE and result is not None:
        result = torch.addcmul(result, result, vector(support.D, d, work))
    if e != NONE:
        shift = vector(support.E, e, work)
        result = shift.expand(weight.shape[0]) if result is None else result + shift
    if c != NONE:
        moved = torch.mv(weight, _prompt(form, support, work).to(weight.dtype)).to(work)
        result = moved if result is None else result + moved
    return result


def effective_weight(form: Form, support: Support, weight: Tensor) -> Tensor:
    """W + W∘A + B (or W + W·A + B), dense, in float32 or better.

    Args:
        form: of the layer.
        support: its parameters.
        weight: W [out, in].
    """
    a, b = form.codes[:2]
    work = torch.promote_types(weight.dtype, torch.float32)
    full = weight.to(work)
    result = full
    if a >= LORA:
        down, up = factors(support.Ad, support.Au, form.ranks[0], work)
        result = (
            _hadamard_weight(full, down, up)
            if form.hadamard
            else torch.addmm(full, full @ down, up)
        )
    elif a != NONE:
        factor = vector(support.Ad, a, work)
        # Hadamard scales the rows of W, a diagonal matrix its columns.
        result = torch.addcmul(full, full, factor.unsqueeze(-1) if form.hadamard else factor)
    if b >= LORA:
        down, up = factors(support.Bd, support.Bu, form.ranks[1], work)
        result = torch.addmm(result, down, up)
    elif b != NONE:
        result = result + vector(support.Bd, b, work).unsqueeze(-1)
    return result


class _Scratch(threading.local):
    """One buffer a thread for a dense product [out, in] that lives within one call.

    On CPU a buffer that is used again stands in the cache; a fresh one of some megabytes is
    zeroed page by page by the system. CUDA's allocator keeps its blocks by itself.
    """

    def __init__(self) -> None:
        self.buffer = torch.empty(0)

    def __call__(self, rows: int, columns: int, like: Tensor, dtype: torch.dtype) -> Tensor:
        """An uninitialised [rows, columns] of `dtype`; the one before it is no longer valid."""
        if like.device.type != "cpu" or dtype != torch.float32:
            return torch.empty(rows, columns, dtype=dtype, device=like.device)
        if self.buffer.numel() < rows * columns:
            with torch.inference_mode(False):
                self.buffer = torch.empty(rows * columns)
        return self.buffer[: rows * columns].view(rows, columns)


_scratch = _Scratch()


def work_type(tensor: Tensor) -> torch.dtype:
    """The type sums are taken in: float32 or better."""
    dtype = tensor.dtype
    return dtype if dtype == torch.float32 else torch.promote_types(dtype, torch.float32)


def vector(stored: Tensor | None, code: int, dtype: torch.dtype) -> Tensor:
    """The vector ([n]) or scalar ([1]) form of a stored parameter."""
    assert stored is not None  # set_codes lets only forms through whose parameters exist
    column = stored[:, 0] if stored.dim() == 2 else stored
    column = column[:1] if code == SCALAR else column
    return column if column.dtype == dtype else column.to(dtype)


def factors(
    down: Tensor | None, up: Tensor | None, rank: int, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Both factors of a LoRA form, cut to its rank."""
    assert down is not None
    assert up is not None
    if rank < up.shape[0]:
        down, up = down[:, :rank], up[:rank]
    return down.to(dtype), up.to(dtype)


def _prompt(form: Form, support: Support, dtype: torch.dtype) -> Tensor:
    """C as one vector [in]."""
    if form.codes[2] < LORA:
        return vector(support.Cd, form.codes[2], dtype)
    down, up = factors(support.Cd, support.Cu, form.ranks[2], dtype)
    return torch.mv(down, up[:, 0])


def product_like(left: Tensor, right: Tensor, like: Tensor, reuse: bool = False) -> Tensor:
    """left·right [out, in] in the memory order of `like`, a weight.

    A weight that is stored as [in, out] is a transposed view here. With `reuse` the result stands
    in this thread's scratch memory, to the next call only.
    """
    if like.stride(0) < like.stride(1):
        return product_like(right.t(), left.t(), like.t(), reuse).t()
    if not reuse:
        return torch.mm(left, right)
    target = _scratch(left.shape[0], right.shape[1], left, left.dtype)
    return torch.mm(left, right, out=target)


def _scratch_like(matrix: Tensor) -> Tensor:
    """Scratch memory for a matrix like this one, in its memory order."""
    rows, columns = matrix.shape
    if matrix.stride(0) < matrix.stride(1):
        return _scratch(columns, rows, matrix, matrix.dtype).t()
    return _scratch(rows, columns, matrix, matrix.dtype)


def _hadamard_weight(full: Tensor, down: Tensor, up: Tensor, reuse: bool = False) -> Tensor:
    """W + W∘(down·up), in the memory of the product."""
    product = product_like(down, up, full, reuse)
    return torch.addcmul(full, full, product, out=product)


def dense_weight(form: Form, support: Support, matrix: Tensor, *, joined: bool) -> Tensor:
    """W + W∘A, and B where it is joined, in W's type and in scratch memory."""
    work = work_type(matrix)
    full, (a, b) = matrix.to(work), form.codes[:2]
    if a >= LORA:
        result = _hadamard_weight(full, *factors(support.Ad, support.Au, form.ranks[0], work), True)
    else:
        scale = 1 + vector(support.Ad, a, work).unsqueeze(-1)
        result = _scratch_like(full)
        if joined and b < LORA:
            shift = vector(support.Bd, b, work).unsqueeze(-1)
            return torch.addcmul(shift, full, scale, out=result).to(matrix.dtype)
        torch.mul(full, scale, out=result)
    if joined and b >= LORA:
        result.addmm_(*factors(support.Bd, support.Bu, form.ranks[1], work))
    elif joined:
        result += vector(support.Bd, b, work).unsqueeze(-1)
    return result.to(matrix.dtype)
