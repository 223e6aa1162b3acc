"""Pre-trained layers that hold their linear map in another way than `nn.Linear` does.

    layer                              weight as stored              as W0 [out, in]
    nn.Linear                          [out, in]                     itself
    Conv1D of transformers (GPT-2)     [in, out]                     a transposed view
    nn.Conv1d, 2d, 3d: 1×1 or patch    [out, in, k, …]               a view [out, in·k·…]
    8- and 4-bit nn.Linear             packed integers and scales    dequantised

The mathematics stays GLoRALinear's: what is here only says where W0 is and what a merged layer
looks like. A convolution whose kernels do not overlap, or that looks at one point, is a linear
layer over patches; any other is none, since C would shift its borders otherwise than its middle.

A quantised layer computes with the dequantised weight, which is made anew for forward and for
backward and is never kept in between. So it is bit for bit the layer that merging leaves; the
library's own kernel may differ from both by its rounding, and where it also quantises the
activations (bitsandbytes in 8 bits with outliers, torchao's dynamic configurations) by that.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from glora.errors import ConfigurationError
from glora.layer import GLoRALinear

__all__ = [
    "GLoRAConv1D",
    "GLoRAConvolution",
    "GLoRAQuantizedLinear",
    "awaits_quantising",
    "is_convolution",
    "layer_class",
    "weight_and_bias",
]

_CONVOLUTIONS: dict[type[nn.Module], Callable[..., Tensor]] = {
    nn.Conv1d: functional.conv1d,
    nn.Conv2d: functional.conv2d,
    nn.Conv3d: functional.conv3d,
}
_BITSANDBYTES = ("Linear4bit", "LinearNF4", "LinearFP4", "Linear8bitLt")


class GLoRAConv1D(GLoRALinear):
    """On the `Conv1D` of transformers: a linear layer that stores its weight as [in, out]."""

    @staticmethod
    def features_of(base: nn.Module) -> tuple[int, int]:
        """Width of the input and of the output of a pre-trained layer."""
        rows, columns = _parameter(base, "weight").shape
        return rows, columns

    @property
    def weight(self) -> Tensor:  # type: ignore[override]
        """W0 [out, in], a view of the parameter."""
        return _parameter(self, "weight").t()

    def plain_module(self, weight: Tensor, bias: Tensor | None) -> nn.Module:
        """A Conv1D with these numbers."""
        with torch.device("meta"):
            module = type(self.base)(self.out_features, self.in_features)
        return _filled(module, weight.t().contiguous(), bias)


class GLoRAConvolution(GLoRALinear):
    """On a convolution whose kernel looks at one point or tiles the input (a patch embedding).

    Its input is no row of features but [batch, channels, …], so W* is made dense at each forward,
    and the convolution's own kernel keeps step 0 the pre-trained layer bit for bit. There is one
    such layer in a model, and its weight is small beside its work.
    """

    @staticmethod
    def features_of(base: nn.Module) -> tuple[int, int]:
        """Entries of a patch, and channels of the output."""
        out, *patch = _parameter(base, "weight").shape
        return math.prod(patch), out

    @property
    def weight(self) -> Tensor:  # type: ignore[override]
        """W0 [out, in·k·…], a view of the parameter."""
        return _parameter(self, "weight").flatten(1)

    def compute(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Maps `x` [batch, in, …] to [batch, out, …]."""
        base: Any = self.base
        with torch.no_grad():
            dense = self.effective_weight(weight).to(weight.dtype)
            shift = self.effective_bias(weight, bias)
            shift = None if shift is None else shift.to(weight.dtype)
        if torch.is_grad_enabled():
            # The linear layer's own gradients: on the unit vectors it is W*ᵀ + b*, on zero b*.
            units = torch.eye(weight.shape[1] + 1, weight.shape[1]).to(weight)
            rows = super().compute(units, weight, bias)
            dense = dense + _gradient_of(rows[:-1] - rows[-1]).t()
            shift = None if shift is None else shift + _gradient_of(rows[-1])
        return _CONVOLUTIONS[type(base)](x, dense.view(base.weight.shape), shift, base.stride)

    def probe(self, generator: torch.Generator) -> Tensor:
        """Four patches drawn from N(0, 1), of the weight's type."""
        return super().probe(generator).view(4, *_parameter(self, "weight").shape[1:])

    def plain_module(self, weight: Tensor, bias: Tensor | None) -> nn.Module:
        """A convolution with these numbers."""
        base: Any = self.base
        kind = type(base)
        module = kind(
            base.in_channels, base.out_channels, base.kernel_size, base.stride, device="meta"
        )
        return _filled(module, weight.view(base.weight.shape), bias)


class GLoRAQuantizedLinear(GLoRALinear):
    """On a linear layer whose weight torchao or bitsandbytes keep in 8 or 4 bits."""

    @property
    def weight(self) -> Tensor:  # type: ignore[override]
        """W0 [out, in], dequantised anew at each reading."""
        return dequantized(self.base)

    def _new_parameter(self, shape: tuple[int, ...]) -> nn.Parameter:
        device = _parameter(self, "weight").device
        return nn.Parameter(torch.zeros(shape, dtype=torch.float32, device=device))

    def forward(self, x: Tensor) -> Tensor:
        """Maps `x` [.., in] to [.., out] in the type of `x`, or in autocast's."""
        kind = x.device.type
        autocast = torch.is_autocast_enabled(kind)
        dtype = torch.get_autocast_dtype(kind) if autocast else x.dtype
        weight = dequantized(self.base).to(dtype)
        bias = None if self.bias is None else self.bias.to(dtype)
        storage = weight.untyped_storage().data_ptr()

        # Autograd would keep every layer's dense weight until backward: it keeps a note instead.
        def pack(saved: Tensor) -> Tensor | _View:
            if saved.untyped_storage().data_ptr() != storage:
                return saved
            return _View(tuple(saved.shape), saved.stride(), int(saved.storage_offset()))

        def unpack(kept: Tensor | _View) -> Tensor:
            if isinstance(kept, Tensor):
                return kept
            return dequantized(self.base).to(dtype).as_strided(*kept)

        with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
            return self.compute(x, weight, bias)


def _gradient_of(value: Tensor) -> Tensor:
    """Zeros with the gradient of `value`."""
    return value - value.detach()


class _View(NamedTuple):
    """A part of the dequantised weight."""

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int


def layer_class(module: nn.Module) -> type[GLoRALinear] | None:
    """The GLoRA layer that can stand for `module`, or None where none can."""
    kind = type(module)
    if kind is nn.Linear and not _is_packed(module):
        return GLoRALinear
    if kind is nn.Linear or _is_bitsandbytes(module):
        return GLoRAQuantizedLinear
    if _is_conv1d(module):
        return GLoRAConv1D
    return GLoRAConvolution if is_convolution(module) else None


def is_convolution(module: nn.Module) -> bool:
    """Whether `module` is a convolution that is a linear layer over points or patches."""
    if type(module) not in _CONVOLUTIONS:
        return False
    base: Any = module
    alone = all(k == 1 for k in base.kernel_size) or base.kernel_size == base.stride
    # Padding may be a word; 'same' and 'valid' of a kernel of one point are no padding either.
    unpadded = base.padding == "valid" or not any(base.padding)
    return alone and unpadded and base.groups == 1 and all(d == 1 for d in base.dilation)


def awaits_quantising(module: nn.Module) -> bool:
    """Whether `module` is a layer of bitsandbytes that holds its weight unpacked so far."""
    packed = torch.uint8, torch.int8
    return _is_bitsandbytes(module) and _parameter(module, "weight").dtype not in packed


def weight_and_bias(module: nn.Module) -> tuple[Tensor, Tensor | None]:
    """W0 [out, in] and b0 [out] of a pre-trained layer, or of the GLoRA layer on it.

    Raises:
        ConfigurationError: the module is no layer that can be adapted.
    """
    if isinstance(module, GLoRALinear):
        return module.weight, module.bias
    kind = layer_class(module)
    if kind is None:
        raise ConfigurationError(
            f"A {type(module).__name__} holds no linear map that GLoRA can adapt; expected an "
            f"nn.Linear, a Conv1D, a 1×1 or patch convolution, or a quantised nn.Linear."
        )
    bias = module._parameters.get("bias")
    if kind is GLoRAQuantizedLinear:
        return dequantized(module), bias
    weight = _parameter(module, "weight")
    return (weight.t() if kind is GLoRAConv1D else weight.flatten(1)), bias


@torch.no_grad()
def dequantized(module: nn.Module) -> Tensor:
    """The dense weight [out, in] that a quantised layer stands for."""
    base: Any = module
    weight = base.weight
    if not _is_bitsandbytes(module):
        dense: Tensor = weight.dequantize()
        return dense
    library = sys.modules["bitsandbytes"].functional
    if weight.dtype == torch.uint8:
        return torch.as_tensor(library.dequantize_4bit(weight.data, weight.quant_state))
    # The scales move from the weight to the module's state at its first own forward.
    scales = weight.SCB if weight.SCB is not None else base.state.SCB
    return torch.as_tensor(library.int8_vectorwise_dequant(weight.data, scales))


def _parameter(module: nn.Module, name: str) -> Tensor:
    parameter = module._parameters[name]
    assert parameter is not None
    return parameter


def _filled(module: nn.Module, weight: Tensor, bias: Tensor | None) -> nn.Module:
    module.register_parameter("weight", nn.Parameter(weight, requires_grad=False))
    bias = None if bias is None else nn.Parameter(bias, requires_grad=False)
    module.register_parameter("bias", bias)
    return module


def _is_packed(module: nn.Module) -> bool:
    return type(module._parameters["weight"]).__module__.split(".")[0] == "torchao"


# Neither library is imported for the question: a module of theirs exists only where it was.
def _is_conv1d(module: nn.Module) -> bool:
    library = sys.modules.get("transformers.pytorch_utils")
    return library is not None and type(module) is library.Conv1D


def _is_bitsandbytes(module: nn.Module) -> bool:
    library = sys.modules.get("bitsandbytes")
    return library is not None and type(module) in {getattr(library.nn, n) for n in _BITSANDBYTES}
