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

How the sum is taken, and why:

- The bias is gathered first and goes into the same GEMM as W0: `L = F.linear(x, W0, b)`. A bias
  added after a GEMM is not bit-equal to a fused one, and step 0 must be the pre-trained layer bit
  for bit.
- A vector or scalar A scales W0·x, not the bias: `L + a∘(L − b)`, which is L exactly where a = 0.
- B is never made dense by itself: LoRA is two thin GEMMs, and a vector or scalar, which adds the
  same number to a whole row of W0, is `b·Σx`.
- A LoRA (Hadamard) is one dense `W0 + W0∘(Ad·Au)`, cheaper than r further GEMMs with W0 once there
  are many tokens; B then joins it in place of a second product.
  (It starts at a 64-byte boundary, as every new tensor does. W0 should too: some kernels, those for
  a single row among them, round differently where it does not, and files are mapped unaligned.)
- With `a_product="matmul"` the weight is W0 + W0·A, A [in, in]: A changes the input before W0 sees
  it. LoRA is `x + Ad·(Au·x)`, a vector is a diagonal matrix (`x + a∘x`), a scalar a multiple of
  the identity.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from glora.errors import ConfigurationError
from glora.forms import LORA, NONE, SCALAR, TENSORS, Site, form_name
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
        """The layer's output [.., out] for `x` [.., in] on W0 [out, in] and b0 [out] or None."""
        a, b = self.codes[0], self.codes[1]
        hadamard = self.space.a_product == "hadamard"
        bias = self.effective_bias(weight, bias)
        if bias is not None:
            bias = bias.to(weight.dtype)
        if a >= LORA and hadamard:
            return functional.linear(x, self.effective_weight(weight).to(weight.dtype), bias)
        seen = x if a == NONE or hadamard else self._mixed_input(x)
        y = functional.linear(seen, weight, bias)
        if a != NONE and hadamard:
            scale = self._vector("A").to(y.dtype)
            y = torch.addcmul(y, y if bias is None else y - bias.to(y.dtype), scale)
        return y if b == NONE else self._add_b(y, x)

    def _mixed_input(self, x: Tensor) -> Tensor:
        """x + A·x for matmul A: [.., in] to [.., in]."""
        if self.codes[0] < LORA:
            return torch.addcmul(x, x, self._vector("A").to(x.dtype))
        down, up = self._factors("A")
        return _add_product(x, functional.linear(x, up.to(x.dtype)), down)

    def _add_b(self, y: Tensor, x: Tensor) -> Tensor:
        """y + B·x without a dense B."""
        if self.codes[1] < LORA:
            total = x.sum(-1, keepdim=True, dtype=y.dtype)
            return torch.addcmul(y, total, self._vector("B").to(y.dtype))
        down, up = self._factors("B")
        return _add_product(y, functional.linear(x, up.to(x.dtype)), down)

    def effective_weight(self, weight: Tensor) -> Tensor:
        """W + W∘A + B (or W + W·A + B), dense.

        Args:
            weight: W [out, in], in the precision to work in (support tensors may raise it).
        """
        a, b = self.codes[0], self.codes[1]
        hadamard = self.space.a_product == "hadamard"
        result = weight
        if a >= LORA:
            down, up = self._factors("A", weight.dtype)
            if hadamard:
                result = weight + weight * (down @ up)
            else:
                result = weight + (weight.to(down.dtype) @ down) @ up
        elif a != NONE:
            factor = self._vector("A", weight.dtype)
            # Hadamard scales the rows of W, a diagonal matrix its columns.
            result = weight + weight * (factor.unsqueeze(-1) if hadamard else factor)
        if b >= LORA:
            down, up = self._factors("B", weight.dtype)
            result = torch.addmm(result.to(down.dtype), down, up)
        elif b != NONE:
            result = result + self._vector("B", weight.dtype).unsqueeze(-1)
        return result

    def effective_bias(self, weight: Tensor, bias: Tensor | None) -> Tensor | None:
        """b + b∘D + E + W·C, [out], or None where the base has no bias and none is made.

        Args:
            weight: W [out, in] as it was pre-trained: with a W that A and B already changed, the
                prompt's part would be wrong.
            bias: b [out] as it was pre-trained, or None.
        """
        c, d, e = self.codes[2:]
        result = bias
        if d != NONE and bias is not None:
            result = bias + bias * self._vector("D", weight.dtype)
        if e != NONE:
            shift = self._vector("E", weight.dtype)
            result = shift.expand(self.out_features) if result is None else result + shift
        if c != NONE:
            if c >= LORA:
                down, up = self._factors("C", weight.dtype)
                prompt = down @ up[:, 0]
            else:
                prompt = self._vector("C", weight.dtype)
            moved = torch.matmul(weight, prompt.to(weight.dtype))
            result = moved if result is None else result + moved
        return result

    def _vector(self, tensor: str, dtype: torch.dtype | None = None) -> Tensor:
        """The vector ([n]) or scalar ([1]) form of a tensor, in at least `dtype`."""
        stored = self._stored(SUPPORT[tensor][0], dtype)
        if stored.dim() == 2:
            stored = stored[:, 0]
        return stored[:1] if self.codes[TENSORS.index(tensor)] == SCALAR else stored

    def _factors(self, tensor: str, dtype: torch.dtype | None = None) -> tuple[Tensor, Tensor]:
        """Down- and up-factor of a LoRA form, cut to its rank, in at least `dtype`."""
        down, up = (self._stored(name, dtype) for name in SUPPORT[tensor])
        rank = self.space.rank(self.codes[TENSORS.index(tensor)])
        # The largest rank needs no cut, and no backward of one.
        return (down, up) if rank == up.shape[0] else (down[:, :rank], up[:rank])

    def _stored(self, name: str, dtype: torch.dtype | None) -> Tensor:
        parameter = self._parameters[name]
        assert parameter is not None  # set_codes lets only forms through whose parameters exist
        if dtype is None:
            return parameter
        return parameter.to(torch.promote_types(parameter.dtype, dtype))

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


def _add_product(y: Tensor, hidden: Tensor, down: Tensor) -> Tensor:
    """y [.., n] + hidden [.., r]·downᵀ for down [n, r], the sum taken inside the GEMM."""
    flat = torch.addmm(
        y.reshape(-1, y.shape[-1]),
        hidden.reshape(-1, hidden.shape[-1]),
        down.to(hidden.dtype).t(),
    )
    return flat.reshape(y.shape)
