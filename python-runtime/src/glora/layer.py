"""GLoRALinear: a frozen linear layer with the five support tensors of GLoRA.

    y = (W0 + W0∘A + B) x + W0·C + b0∘D + E + b0                  (GLoRA, arXiv 2306.07967, Eq. 10)

            x [.., in]
            │
      ┌─────┴───────────┐
      │                 │
      │   W0  ◄── A     │  B            A  scales W0          none  a  a[out]  Ad[out,r]·Au[r,in]
      │   │             │               B  is added to it     none  b  b[out]  Bd[out,r]·Bu[r,in]
      │   │             │
      │   ├── b0 ◄─ D   │               D  scales b0          none  d  d[out]
      │   ├── E         │               E  is added to it     none  e  e[out]
      │   ├── W0·C      │               C  is a prompt: it    none     c[in]   Cd[in,r]·Cu[r,1]
      │   │             │                  shifts the input
      └───┴──────(+)────┘
                  │
                  y [.., out]

Weight entanglement: a smaller form is the leading part of the largest one. LoRA of rank r is the
first r columns and rows of the factors, a vector is column 0 of the down-factor, a scalar is its
element 0. So all structures of a super-network share one set of numbers.

The sum is never taken as it is written: `function.py` says how each form is computed. Two rules
come from outside it:

- The bias is gathered first and goes into the same GEMM as W0: `L = F.linear(x, W0, b)`. A bias
  added after a GEMM is not bit-equal to a fused one, and step 0 must be the pre-trained layer bit
  for bit. W0 should start at a 64-byte boundary, too: some kernels, those for a single row among
  them, round differently where it does not, and files are mapped unaligned.
- With `a_product="matmul"` the weight is W0 + W0·A, A [in, in]: A changes the input before W0 sees
  it. LoRA is `x + Ad·(Au·x)`, a vector is a diagonal matrix (`x + a∘x`), a scalar a multiple of
  the identity.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from glora.effective import Form, Support, effective_bias, effective_weight
from glora.errors import ConfigurationError
from glora.forms import LORA, NONE, SCALAR, TENSORS, Site, form_name
from glora.function import adapted_linear
from glora.structure import SearchSpace

__all__ = ["SUPPORT", "GLoRALinear", "LayerCodes", "Slices"]

# The parameters that hold each support tensor: the down-factor (also vector and scalar) first.
SUPPORT: dict[str, tuple[str, ...]] = {
    "A": ("Ad", "Au"),
    "B": ("Bd", "Bu"),
    "C": ("Cd", "Cu"),
    "D": ("D",),
    "E": ("E",),
}

LayerCodes = tuple[int, int, int, int, int]
Slices = dict[str, tuple[slice, ...]]

_ALL_NONE: LayerCodes = (NONE, NONE, NONE, NONE, NONE)


class GLoRALinear(nn.Module):
    """A pre-trained `nn.Linear`, frozen and shared, with support tensors around it.

    Only the support tensors whose forms the space allows exist; the others are `None`. They start
    with the down-factors, D and E at zero, so that the layer is the pre-trained one bit for bit.

    Args:
        base: the pre-trained layer; its weight and bias become this layer's (the same objects).
        space: the forms that `set_codes` may choose from.
        site: name and dead tensors of the layer; made from `base` when omitted.
        generator: for the up-factors' first values; torch's global one when omitted.

    Attributes:
        weight: [out, in], frozen.
        bias: [out], frozen, or None.
        Ad, Au: [out, R], [R, in] for Hadamard A; [in, R], [R, in] for matmul A.
        Bd, Bu: [out, R], [R, in].
        Cd, Cu: [in, R], [R, 1].
        D, E: [out].
        codes: the forms in use, A to E.
    """

    weight: Tensor
    bias: Tensor | None
    Ad: Tensor | None
    Au: Tensor | None
    Bd: Tensor | None
    Bu: Tensor | None
    Cd: Tensor | None
    Cu: Tensor | None
    D: Tensor | None
    E: Tensor | None

    def __init__(
        self,
        base: nn.Module,
        space: SearchSpace,
        site: Site | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.in_features, self.out_features = self.features_of(base)
        self.site = site or Site("", self.in_features, self.out_features, base.bias is not None)
        self.space = space
        # A tuple hides the module: registered, it would add its weight to the state dict again.
        self._base = (base,)
        # Written past `__setattr__`: where `weight` is a view of another layout, it is a property.
        self._parameters.update(base._parameters)
        for parameter in base.parameters():
            parameter.requires_grad_(False)
        self._allowed = tuple(frozenset(space.codes(t, self.site)) | {NONE} for t in TENSORS)
        self.codes = _ALL_NONE
        for name, shape in self._support_shapes().items():
            self.register_parameter(name, None if shape is None else self._new_parameter(shape))
        self.reset_support(generator)
        self.train(base.training)

    @property
    def base(self) -> nn.Module:
        """The pre-trained layer that this one stands for."""
        return self._base[0]

    @staticmethod
    def features_of(base: nn.Module) -> tuple[int, int]:
        """Width of the input and of the output of a pre-trained layer."""
        assert isinstance(base, nn.Linear)
        return base.in_features, base.out_features

    def plain_module(self, weight: Tensor, bias: Tensor | None) -> nn.Module:
        """A module like the pre-trained one with other numbers: what merging leaves.

        Args:
            weight: [out, in].
            bias: [out] or None.
        """
        linear = nn.Linear(self.in_features, self.out_features, bias=False, device="meta")
        linear.weight = nn.Parameter(weight, requires_grad=False)
        if bias is not None:
            linear.bias = nn.Parameter(bias, requires_grad=False)
        return linear

    def probe(self, generator: torch.Generator) -> Tensor:
        """Four inputs drawn from N(0, 1), of the weight's type, that the layer can be tried on."""
        drawn = torch.randn(4, self.in_features, generator=generator)
        return drawn.to(device=self.weight.device, dtype=self.weight.dtype)

    def _new_parameter(self, shape: tuple[int, ...]) -> nn.Parameter:
        # Small numbers move in small steps: support tensors are never kept in less than float32.
        dtype = torch.promote_types(self.weight.dtype, torch.float32)
        return nn.Parameter(torch.zeros(shape, dtype=dtype, device=self.weight.device))

    def _support_shapes(self) -> dict[str, tuple[int, ...] | None]:
        """Shape of every support parameter, None where no allowed form needs it."""
        shapes: dict[str, tuple[int, ...] | None] = {}
        left = {"A": self.out_features, "B": self.out_features, "C": self.in_features}
        right = {"A": self.in_features, "B": self.in_features, "C": 1}
        if self.space.a_product == "matmul":
            left["A"] = self.in_features
        for tensor in TENSORS:
            exists = max(self.space.codes(tensor, self.site)) != NONE
            if tensor not in left:
                shapes[tensor] = (self.out_features,) if exists else None
                continue
            rank = self.space.max_rank(tensor, self.site)
            down, up = SUPPORT[tensor]
            shapes[down] = (left[tensor], max(rank, 1)) if exists else None
            shapes[up] = (rank, right[tensor]) if rank else None
        return shapes

    @torch.no_grad()
    def reset_support(self, generator: torch.Generator | None = None) -> None:
        """Zeros down-factors, D and E; draws the up-factors uniformly, Xavier's bound for [R, in].

        Cu gets the bound of Au and Bu: its own, sqrt(6 / (R + 1)), would be some ten times larger
        and let the prompt run ahead of all else. Drawn in float32 on the CPU, so that a seed means
        the same numbers on every device.
        """
        for name, parameter in self.support_parameters().items():
            if name in ("Au", "Bu", "Cu"):
                bound = math.sqrt(6.0 / (parameter.shape[0] + self.in_features))
                drawn = torch.empty(parameter.shape, dtype=torch.float32)
                parameter.copy_(drawn.uniform_(-bound, bound, generator=generator))
            else:
                parameter.zero_()

    def support_parameters(self) -> dict[str, nn.Parameter]:
        """The support parameters that exist, by name, in the order Ad, Au, Bd, Bu, Cd, Cu, D, E."""
        names = [name for tensor in TENSORS for name in SUPPORT[tensor]]
        return {n: p for n in names if (p := self._parameters.get(n)) is not None}

    def set_codes(self, codes: Sequence[int]) -> None:
        """Chooses the form of each support tensor; a dead tensor's code counts as none.

        Args:
            codes: five codes, A to E.

        Raises:
            ConfigurationError: a code outside the layer's space; the codes stay as they were.
        """
        a, b, c, d, e = (int(code) for code in codes)
        chosen = [a, b, c, d, e]
        for index, tensor in enumerate(TENSORS):
            if tensor in self.site.dead:
                chosen[index] = NONE
            elif chosen[index] not in self._allowed[index]:
                allowed = {c: form_name(c, self.space.ranks) for c in sorted(self._allowed[index])}
                raise ConfigurationError(
                    f"Site {self.site.name!r} is given code {chosen[index]} for tensor {tensor}; "
                    f"its space allows {allowed}."
                )
        self.codes = (chosen[0], chosen[1], chosen[2], chosen[3], chosen[4])

    def active_slices(self, codes: Sequence[int] | None = None) -> Slices:
        """Which part of each support parameter `codes` (default: those in use) read and train.

        Returns:
            Parameter name to one slice per dimension; parameters without an active entry are left
            out. The sizes of the parts sum to the structure's stored count at this site.
        """
        whole = slice(None)
        active: Slices = {}
        for tensor, code in zip(TENSORS, self.codes if codes is None else codes, strict=True):
            if code == NONE or tensor in self.site.dead:
                continue
            down, *up = SUPPORT[tensor]
            first = slice(0, 1) if code == SCALAR else whole
            if not up:
                active[down] = (first,)
            elif code < LORA:
                active[down] = (first, slice(0, 1))
            else:
                leading = slice(0, self.space.rank(int(code)))
                active[down] = (whole, leading)
                active[up[0]] = (leading, whole)
        return active

    def fill_mask(self, masks: Mapping[str, Tensor], codes: Sequence[int] | None = None) -> None:
        """Writes into `masks` which entries of the support parameters are active.

        Args:
            masks: parameter name to a tensor of the parameter's shape (bool, or any number type);
                active entries become one, the others zero.
            codes: the forms; those in use when omitted.
        """
        active = self.active_slices(codes)
        for name, mask in masks.items():
            mask.zero_()
            if name in active:
                mask[active[name]] = 1

    def forward(self, x: Tensor) -> Tensor:
        """Maps `x` [.., in] to [.., out]."""
        return self.compute(x, self.weight, self.bias)

    def compute(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The layer's output [.., out] for `x` [.., in] on W0 [out, in] and b0 [out] or None.

        Never traced by `torch.compile`: a graph would hold one structure, and the next would
        compile anew. What surrounds the site is compiled once.
        """
        # The mark is left out where nobody compiles: its wrapper costs as much as a small product.
        if torch.compiler.is_compiling():
            return cast("Tensor", self._opaque(x, weight, bias))
        return self._adapted(x, weight, bias)

    @torch.compiler.disable
    def _opaque(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return self._adapted(x, weight, bias)

    def _adapted(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if self.codes == _ALL_NONE:
            return functional.linear(x, weight, bias)
        device, dtype = x.device.type, None
        # As torch.nn.functional.linear under autocast, which leaves float64 alone.
        if torch.is_autocast_enabled(device) and x.dtype != torch.float64:
            dtype = torch.get_autocast_dtype(device)
            x = x.to(dtype)
        return adapted_linear(self._form(), x, weight, bias, self._support(), dtype)

    def effective_weight(self, weight: Tensor) -> Tensor:
        """W + W∘A + B (or W + W·A + B), dense, in float32 or better.

        Args:
            weight: W [out, in].
        """
        return effective_weight(self._form(), self._support(), weight)

    def effective_bias(self, weight: Tensor, bias: Tensor | None) -> Tensor | None:
        """b + b∘D + E + W·C, [out], or None where the base has no bias and none is made.

        Args:
            weight: W [out, in] as it was pre-trained: with a W that A and B already changed, the
                prompt's part would be wrong.
            bias: b [out] as it was pre-trained, or None.
        """
        return effective_bias(self._form(), self._support(), weight, bias)

    def _form(self) -> Form:
        rank_a, rank_b, rank_c = (
            self.space.rank(code) if code >= LORA else 0 for code in self.codes[:3]
        )
        return Form(self.codes, (rank_a, rank_b, rank_c), self.space.a_product == "hadamard")

    def _support(self) -> Support:
        """The parameters that the forms in use read: autograd sees no others."""
        stored = self._parameters
        used: list[Tensor | None] = []
        for tensor, code in zip(TENSORS, self.codes, strict=True):
            down, *up = SUPPORT[tensor]
            used.append(stored[down] if code != NONE else None)
            used.extend(stored[name] if code >= LORA else None for name in up)
        return Support(*used)

    def extra_repr(self) -> str:
        """Shape and forms in use, for `print(model)`."""
        forms = ", ".join(
            f"{t}={form_name(c, self.space.ranks)}"
            for t, c in zip(TENSORS, self.codes, strict=True)
        )
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}, {forms}"
        )
