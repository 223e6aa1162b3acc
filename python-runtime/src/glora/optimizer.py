"""AdamW over one flat vector, with a mask by entry.

A super-network trains a different slice of its support tensors at each step. An ordinary AdamW
would still move the rest: their gradient is zero, yet their momentum and the weight decay are
not. Here an entry outside the active slices keeps its value, its moments and its step count bit
for bit; the bias correction therefore counts steps by entry (Adam: Kingma & Ba 2015, algorithm 1;
decoupled decay: Loshchilov & Hutter 2019, algorithm 2)::

    w <- w * (1 - lr * decay)
    m <- b1 * m + (1 - b1) * g
    v <- b2 * v + (1 - b2) * g^2
    w <- w - lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)        t: steps of this entry

All parameters are views into one vector and all gradients views into another::

    | site 0: Ad, Au, ... E | site 1: ... | ... | head.weight | head.bias |
    0     every entry starts at a 64-byte boundary (gaps hold zeros)      size

so that a step does not depend on the number of layers, a checkpoint is four vectors, and no memory
moves: gradients are zeroed in place, and autograd adds into them. A step goes through the vector in
chunks: a chunk's gathered copies stay in the cache, and the scratch memory is a chunk's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from glora.errors import ConfigurationError

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Entry", "FlatAdamW", "Region"]

Region = tuple[slice, ...]
"""The active part of one parameter: slices for its leading dimensions; `()` is all of it."""

_ALIGNMENT = 16  # f32 elements: 64 bytes, one cache line and one AVX-512 register
# Entries: six rows of them are 1.5 MiB on a CPU; on a GPU a kernel's start costs more than memory.
_CHUNK, _CHUNK_GPU = 1 << 16, 1 << 22


@dataclass(frozen=True)
class Entry:
    """One trainable parameter.

    Attributes:
        name: unique; names the parameter in checkpoints.
        parameter: becomes a view into the flat vector.
        group: parameters of one group share a learning-rate multiplier.
        decay: whether weight decay applies.
    """

    name: str
    parameter: nn.Parameter
    group: str = "support"
    decay: bool = True


@dataclass(frozen=True)
class _Segment:
    name: str
    shape: tuple[int, ...]
    offset: int
    size: int


@dataclass(frozen=True)
class _Run:
    """A stretch of the flat vector with one multiplier and one decay rule."""

    group: str
    decay: bool
    start: int
    end: int


@dataclass
class _Part:
    """A run's stretch of the active entries, and their common step count where there is one."""

    run: _Run
    start: int
    end: int
    common: int | None


class FlatAdamW:
    """AdamW for the active slices of many parameters.

    Args:
        entries: in the order they are laid out.
        betas: decay rates of the two moments.
        eps: added to the denominator.

    Raises:
        ConfigurationError: a name twice, a parameter that is not float32, or several devices.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        self._betas = betas
        self._eps = eps
        self._segments: dict[str, _Segment] = {}
        self._runs: list[_Run] = []
        offset = 0
        for entry in entries:
            _check(entry, self._segments, entries[0].parameter.device)
            parameter = entry.parameter
            size = parameter.numel()
            segment = _Segment(entry.name, tuple(parameter.shape), offset, size)
            self._segments[entry.name] = segment
            end = offset + -(-size // _ALIGNMENT) * _ALIGNMENT
            last = self._runs[-1] if self._runs else None
            if last and (last.group, last.decay) == (entry.group, entry.decay):
                self._runs[-1] = _Run(last.group, last.decay, last.start, end)
            else:
                self._runs.append(_Run(entry.group, entry.decay, offset, end))
            offset = end
        self.size = offset
        self._device = device = entries[0].parameter.device if entries else torch.device("cpu")
        self.weights = torch.zeros(offset, device=device)
        self.gradients = torch.zeros(offset, device=device)
        self.exp_avg = torch.zeros(offset, device=device)
        self.exp_avg_sq = torch.zeros(offset, device=device)
        self.counts = torch.zeros(offset, dtype=torch.int32, device=device)
        # Gathered copies of active entries; one allocation for the life of the optimiser.
        self._chunk = min(offset, _CHUNK if device.type == "cpu" else _CHUNK_GPU)
        self._scratch = torch.empty(6, self._chunk, device=device)
        self._count_scratch = torch.empty(self._chunk, dtype=torch.int32, device=device)
        self._mask = torch.ones(offset, dtype=torch.bool, device=device)
        self._regions: dict[str, Region | None] = {}
        self._index: Tensor | None = None
        self._parts: list[_Part] | None = None
        self._bias1 = torch.empty(0, dtype=torch.float64)
        self._bias2 = torch.empty(0, dtype=torch.float64)
        self._adopt(entries)

    def _adopt(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            weight = self.view(self.weights, entry.name)
            weight.copy_(entry.parameter.detach())
            entry.parameter.data = weight
            entry.parameter.grad = self.view(self.gradients, entry.name)

    def view(self, flat: Tensor, name: str) -> Tensor:
        """Returns the entry `name` of a flat vector (`weights`, `gradients`, …) in its shape."""
        segment = self._segments[name]
        return flat[segment.offset : segment.offset + segment.size].view(segment.shape)

    @property
    def names(self) -> list[str]:
        """The entries' names in the order of the flat vector."""
        return list(self._segments)

    def table(self) -> list[list[object]]:
        """Returns `[name, shape, offset]` of every entry: what identifies a checkpoint's layout."""
        return [[s.name, list(s.shape), s.offset] for s in self._segments.values()]

    def activate(self, regions: Mapping[str, Region | None]) -> None:
        """Says which entries the next steps may touch.

        Args:
            regions: by name of an entry: the active slices, or None where nothing of it is
                active. An entry that is not named is active as a whole.
        """
        changed = False
        for name in self._segments:
            region = regions.get(name, ())
            if self._regions.get(name, ()) == region:
                continue
            changed = True
            self._regions[name] = region
            mask = self.view(self._mask, name)
            if region is None:
                mask.fill_(False)
            elif region == ():
                mask.fill_(True)
            else:
                mask.fill_(False)
                mask[region] = True
        if changed:
            # The gaps are always active: they hold zeros, and so "all" stays recognisable.
            self._index = None if bool(self._mask.all()) else self._mask.nonzero().squeeze(1)
            self._parts = None

    def active(self) -> int:
        """Returns how many entries (without the gaps) the next step may touch."""
        return sum(int(self.view(self._mask, name).sum()) for name in self._segments)

    def zero_grad(self) -> None:
        """Zeroes all gradients in place."""
        self.gradients.zero_()

    def gradient_norm(self) -> float:
        """Returns the Euclidean norm of the gradient; inactive entries have none."""
        norm = float(torch.linalg.vector_norm(self.gradients))
        if norm != norm or norm == float("inf"):
            # f32 squares overflow from 1.8e19 on; the norm itself may well be finite.
            norm = float(torch.linalg.vector_norm(self.gradients, dtype=torch.float64))
        return norm

    def scale_gradients(self, factor: float) -> None:
        """Multiplies all gradients (clipping)."""
        self.gradients.mul_(factor)

    @torch.no_grad()
    def step(
        self,
        learning_rate: float,
        weight_decay: float = 0.0,
        multipliers: Mapping[str, float] | None = None,
    ) -> None:
        """Moves the active entries once.

        Args:
            learning_rate: of all groups.
            weight_decay: decoupled; times the learning rate of the group.
            multipliers: learning-rate multiplier by group; 1 where absent.
        """
        if self._parts is None:
            self._parts = self._divide()
        for part in self._parts:
            rate = learning_rate * (multipliers or {}).get(part.run.group, 1.0)
            decay = weight_decay if part.run.decay else 0.0
            if part.common is not None:
                part.common += 1
            for start in range(part.start, part.end, self._chunk):
                entries = slice(start, min(start + self._chunk, part.end))
                self._move(entries, part.common, rate, decay)

    def _divide(self) -> list[_Part]:
        """Cuts the active entries at the runs' borders; equal step counts are kept as one."""
        parts = []
        counts = self.counts if self._index is None else self.counts[self._index]
        for run in self._runs:
            start, end = run.start, run.end
            if self._index is not None:
                borders = torch.tensor([run.start, run.end], device=self._device)
                start, end = (int(x) for x in torch.searchsorted(self._index, borders))
            if start < end:
                low, high = (int(x) for x in counts[start:end].aminmax())
                parts.append(_Part(run, start, end, low if low == high else None))
        return parts

    def _move(self, entries: slice, common: int | None, rate: float, decay: float) -> None:
        """Moves some of the active entries, of one run.

        Args:
            entries: their places among the active ones, at most a chunk.
            common: the step that this is for all of them, or None where they differ.
            rate: learning rate.
            decay: weight decay.
        """
        index, n = self._index, entries.stop - entries.start
        stored = self.weights, self.gradients, self.exp_avg, self.exp_avg_sq
        if index is None:
            w, g, m, v = (flat[entries] for flat in stored)
            t = self.counts[entries]
        else:
            index = index[entries]
            w, g, m, v = (
                torch.index_select(flat, 0, index, out=self._scratch[row, :n])
                for row, flat in enumerate(stored)
            )
            t = torch.index_select(self.counts, 0, index, out=self._count_scratch[:n])
        t.add_(1)
        m.lerp_(g, 1 - self._betas[0])
        v.mul_(self._betas[1]).addcmul_(g, g, value=1 - self._betas[1])
        # The order of the operations is torch.optim.AdamW's, so that the results are its too.
        if decay != 0:
            w.mul_(1 - rate * decay)
        denominator = torch.sqrt(v, out=self._scratch[4, :n])
        if common is not None:
            step_size = rate / (1 - self._betas[0] ** common)
            denominator.div_((1 - self._betas[1] ** common) ** 0.5).add_(self._eps)
            w.addcdiv_(m, denominator, value=-step_size)
        else:
            self._correct(int(t.max()))
            move = self._scratch[5, :n]
            torch.index_select(self._bias2.float().to(self._device), 0, t, out=move)
            denominator.div_(move).add_(self._eps)
            torch.index_select((-rate / self._bias1).float().to(self._device), 0, t, out=move)
            w.add_(move.mul_(m).div_(denominator))
        if index is not None:
            self.weights.index_copy_(0, index, w)
            self.exp_avg.index_copy_(0, index, m)
            self.exp_avg_sq.index_copy_(0, index, v)
            self.counts.index_copy_(0, index, t)

    def _correct(self, count: int) -> None:
        """Extends the tables of 1 - b1^t and sqrt(1 - b2^t) to `count`; entry 0 is never used."""
        if self._bias1.numel() > count:
            return
        steps = range(1, 2 * count + 1)
        beta1, beta2 = self._betas
        self._bias1 = torch.tensor([1.0, *(1 - beta1**t for t in steps)], dtype=torch.float64)
        self._bias2 = torch.tensor(
            [1.0, *((1 - beta2**t) ** 0.5 for t in steps)], dtype=torch.float64
        )

    def reset(self) -> None:
        """Forgets moments and step counts; weights stay."""
        self.exp_avg.zero_()
        self.exp_avg_sq.zero_()
        self.counts.zero_()
        self._parts = None

    def state(self) -> dict[str, Tensor]:
        """Returns the four vectors that the next step depends on (no copies)."""
        return {
            "weights": self.weights,
            "exp_avg": self.exp_avg,
            "exp_avg_sq": self.exp_avg_sq,
            "counts": self.counts,
        }

    @torch.no_grad()
    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Copies the four vectors into the existing memory.

        Raises:
            ConfigurationError: a vector is missing, or has another size or type.
        """
        for name, own in self.state().items():
            found = state.get(name)
            if found is None or found.shape != own.shape or found.dtype != own.dtype:
                what = "none" if found is None else f"{found.dtype} {list(found.shape)}"
                raise ConfigurationError(
                    f"The optimiser state has {what} as `{name}`, expected {own.dtype} "
                    f"{list(own.shape)}: load a state that was saved for the same model and method."
                )
        for name, own in self.state().items():
            own.copy_(state[name])
        self._parts = None


def _check(entry: Entry, known: Mapping[str, _Segment], device: torch.device) -> None:
    parameter = entry.parameter
    if entry.name in known:
        raise ConfigurationError(
            f"The trainable entry `{entry.name}` appears twice: give each its own name."
        )
    if parameter.dtype != torch.float32 or parameter.device != device:
        raise ConfigurationError(
            f"The trainable entry `{entry.name}` is {parameter.dtype} on {parameter.device}, "
            f"expected torch.float32 on {device}: what is trained is kept in float32, since "
            "bfloat16 loses small steps (the precision `autocast` keeps the body so, too), and on "
            "one device."
        )
