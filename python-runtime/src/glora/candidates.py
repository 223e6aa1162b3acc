"""Evaluates many structures of one super-network on the same batches, at the plain model's speed.

Three things make a candidate cost little more than the plain model's forward:

- **Merged where that is faster.** A site's weights are folded into a scratch copy once per
  candidate, `W* = W0 + W0∘A + B`, and used for every batch; the alternative adds thin products and
  sums to every batch. Folding touches in·out weights, staying unmerged touches (in + out) numbers
  for each of the tokens, so a site is merged where

      tokens · (in + out) ≥ MERGE_RATIO · in · out

  with the tokens of the whole evaluation. The rule looks at shapes alone and never at a clock: both
  ways round differently, and a result must not depend on how busy a machine was.
- **Only what changed is folded.** A site whose forms are those of the candidate before keeps its
  scratch weights.
- **Shared prefixes are computed once.** Candidates are put in an order in which those with equal
  first blocks follow each other; the output of the last block that a later candidate shares is kept
  per batch. What is reused is the tensor that would be computed again from equal inputs by equal
  kernels, so the results are those of an evaluation without sharing, bit for bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from glora.forms import NONE
from glora.inject import glora_layers
from glora.layer import GLoRALinear

__all__ = ["MERGE_RATIO", "Candidates", "Plan", "merges", "order_of"]

# Where folding begins to pay by the count of memory passes: it reads and writes the weights a few
# times, the support tensors' sums pass over inputs and outputs about as often. A change makes other
# bits, so it is part of what a cached evaluation is found by; experiments/benchmarks/candidates.py
# measures where it should lie.
MERGE_RATIO = 2.0


def merges(in_features: int, out_features: int, tokens: int) -> bool:
    """Whether a site of this shape is merged for an evaluation over `tokens` tokens."""
    return tokens * (in_features + out_features) >= MERGE_RATIO * in_features * out_features


@dataclass(frozen=True)
class Plan:
    """How a set of candidates is evaluated.

    Attributes:
        order: indices of the candidates, in the order in which most is shared.
        blocks: blocks of all candidates together.
        shared: those of them that need no computation.
        merged_sites: sites whose weights are folded; the others stay unmerged.
    """

    order: tuple[int, ...]
    blocks: int
    shared: int
    merged_sites: int


def order_of(codes: Sequence[bytes], groups: Sequence[Sequence[int]]) -> list[int]:
    """Indices of `codes` such that equal prefixes follow each other.

    Args:
        codes: of each candidate, five bytes per site.
        groups: the sites of each block, outermost first: a prefix is the codes of the first groups.
    """
    return sorted(range(len(codes)), key=lambda i: (_parts(codes[i], groups), i))


def _parts(codes: bytes, groups: Sequence[Sequence[int]]) -> tuple[bytes, ...]:
    return tuple(b"".join(codes[5 * s : 5 * s + 5] for s in group) for group in groups)


class Candidates:
    """The evaluation of some structures; `close` puts the model back as it was.

    Between construction and `close` no weight may change.

    Args:
        model: with GLoRA layers in it.
        structures: the codes that will be asked for, five bytes per site. Others may be asked for,
            too, and share nothing.
        tokens: of a whole evaluation, padding included.
        cache_bytes: greatest memory of the kept block outputs.
        merge: `True` or `False` to merge every site or none, in place of the rule.
    """

    def __init__(
        self,
        model: nn.Module,
        structures: Sequence[bytes],
        tokens: int,
        cache_bytes: int,
        *,
        merge: bool | None = None,
    ) -> None:
        self._layers = glora_layers(model)
        self._merged = [
            merges(layer.in_features, layer.out_features, tokens) if merge is None else merge
            for layer in self._layers.values()
        ]
        self._folded: list[bytes | None] = [None] * len(self._merged)
        self._blocks = _blocks(model, self._layers)
        self._groups = _groups(self._blocks, self._layers)
        order = order_of(structures, self._groups)
        parts = [_parts(structures[i], self._groups) for i in order]
        self._keeps = {structures[i]: keep for i, keep in zip(order, _keeps(parts), strict=True)}
        shared = sum(max(_common(a, b) - 1, 0) for a, b in pairwise(parts))
        self.plan = Plan(
            order=tuple(order),
            blocks=len(order) * len(self._blocks),
            shared=shared,
            merged_sites=sum(self._merged),
        )
        self._budget = cache_bytes
        self._used = 0
        # (batch, depth) to the codes of that depth's prefix and the output of its last block.
        self._saved: dict[tuple[bytes, int], tuple[tuple[bytes, ...], Any, int]] = {}
        self._path: tuple[bytes, ...] = ()
        self._keep: frozenset[int] = frozenset()
        self._batch = b""
        self._reused: tuple[int, Any] = (0, None)
        for index, block in enumerate(self._blocks):
            block.__dict__["forward"] = self._wrapped(index, block.forward)

    def choose(self, codes: bytes) -> None:
        """Makes `codes`, which the layers have already, the structure of the next forwards."""
        self._path = _parts(codes, self._groups)
        self._keep = self._keeps.get(codes, frozenset())
        for key, (prefix, _, size) in list(self._saved.items()):
            if prefix != self._path[: len(prefix)]:
                self._used -= size
                del self._saved[key]
        with torch.inference_mode():
            for site, (layer, merged) in enumerate(
                zip(self._layers.values(), self._merged, strict=True)
            ):
                own = codes[5 * site : 5 * site + 5]
                if merged and self._folded[site] != own:
                    layer.__dict__["forward"] = _folded(layer).forward
                    self._folded[site] = own

    def forward(self, run: Callable[[], Tensor], batch: Mapping[str, Tensor]) -> Tensor:
        """Calls `run`, which runs the model on `batch`, with what is shared left out."""
        self._batch = _digest(batch) if self._keep or self._saved else b""
        self._reused = (0, None)
        for depth in range(len(self._groups), 1, -1):
            found = self._saved.get((self._batch, depth))
            if found is not None and found[0] == self._path[:depth]:
                # Group 0 is the sites outside of all blocks.
                self._reused = (depth - 1, found[1])
                break
        return run()

    def close(self) -> None:
        """Puts every forward back."""
        for block in self._blocks:
            block.__dict__.pop("forward", None)
        for layer in self._layers.values():
            layer.__dict__.pop("forward", None)
        self._saved.clear()

    def _wrapped(self, index: int, original: Callable[..., Any]) -> Callable[..., Any]:
        def forward(*args: Any, **kwargs: Any) -> Any:
            if index < self._reused[0]:
                return self._reused[1]
            output = original(*args, **kwargs)
            if index + 2 in self._keep:
                self._save(index + 2, output)
            return output

        return forward

    def _save(self, depth: int, output: Any) -> None:
        size = _bytes(output)
        if (self._batch, depth) not in self._saved and self._used + size <= self._budget:
            self._saved[self._batch, depth] = (self._path[:depth], output, size)
            self._used += size


def _common(a: Sequence[bytes], b: Sequence[bytes]) -> int:
    """Length of the common prefix."""
    count = 0
    for x, y in zip(a, b, strict=True):
        if x != y:
            break
        count += 1
    return count


def _keeps(parts: Sequence[Sequence[bytes]]) -> list[frozenset[int]]:
    """For each candidate of an order the depths that a later one shares with it."""
    keeps: list[frozenset[int]] = []
    later: frozenset[int] = frozenset()
    for index in range(len(parts) - 1, -1, -1):
        if index + 1 < len(parts):
            common = _common(parts[index], parts[index + 1])
            # What comes after the next one shares no more than the next one does.
            later = frozenset(min(depth, common) for depth in later) | {common}
        keeps.append(frozenset(depth for depth in later if depth > 1))
    return keeps[::-1]


def _blocks(model: nn.Module, layers: Mapping[str, GLoRALinear]) -> list[nn.Module]:
    """The list of blocks that holds most sites: what runs one after the other."""
    best: list[nn.Module] = []
    most = 0
    for name, module in model.named_modules():
        if isinstance(module, nn.ModuleList):
            held = sum(site.startswith(f"{name}.") for site in layers)
            if held > most:
                best, most = list(module), held
    return best


def _groups(blocks: Sequence[nn.Module], layers: Mapping[str, GLoRALinear]) -> list[list[int]]:
    """The sites outside of the blocks, which every prefix includes, then those of each block."""
    owner = {
        id(module): index + 1 for index, block in enumerate(blocks) for module in block.modules()
    }
    groups: list[list[int]] = [[] for _ in range(len(blocks) + 1)]
    for site, layer in enumerate(layers.values()):
        groups[owner.get(id(layer), 0)].append(site)
    return groups


def _folded(layer: GLoRALinear) -> nn.Module:
    """The plain module of a layer's structure: its own weights where no form is active."""
    weight, bias = layer.weight, layer.bias
    if any(code != NONE for code in layer.codes):
        work = weight.to(torch.promote_types(weight.dtype, torch.float32))
        shift = layer.effective_bias(work, None if bias is None else bias.to(work.dtype))
        bias = None if shift is None else shift.to(weight.dtype if bias is None else bias.dtype)
        weight = layer.effective_weight(work).to(weight.dtype)
    return layer.plain_module(weight, bias).train(layer.training)


def _digest(batch: Mapping[str, Tensor]) -> bytes:
    """Two batches are one only if they hold the same numbers in the same shape."""
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in batch.items():
        digest.update(f"{name} {tuple(tensor.shape)} ".encode())
        digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().data)
    return digest.digest()


def _bytes(output: Any) -> int:
    tensors = output if isinstance(output, (tuple, list)) else (output,)
    return sum(t.numel() * t.element_size() for t in tensors if isinstance(t, Tensor))
