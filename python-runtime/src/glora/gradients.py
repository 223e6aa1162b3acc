"""The gradients of one call of a GLoRA layer; the formulas stand in `function.py`."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from glora.effective import Support, dense_weight, factors, product_like, vector, work_type
from glora.forms import LORA, NONE, SCALAR, VECTOR

__all__ = ["LEAST_SCALE", "Gradients", "Way", "stacked"]

# A scale (1 + a) is divided by in the backward pass; nearer to zero than this, L is computed.
LEAST_SCALE = 0.1


class Way(NamedTuple):
    """How a Hadamard A is computed: dense, with B in it or not, rank by rank, or else by rows.

    By rows, `apart` keeps the unscaled output; without it the scaled one stands for it.
    """

    dense: bool = False
    rank_wise: bool = False
    joined: bool = False
    apart: bool = False


class Gradients:
    """The gradients of one call, tensor by tensor."""

    def __init__(self, ctx: Any, gradient: Tensor) -> None:
        x, weight, self.bias, self.shift, self.kept, self.products, self.hidden, *parameters = (
            ctx.saved_tensors
        )
        self.form, self.way, self.output = ctx.form, ctx.way, ctx.output
        self.support = Support(**dict(zip(ctx.names, parameters, strict=True)))
        self.wants_x = ctx.needs_input_grad[1]
        needed = ctx.needs_input_grad[2:]
        self.wanted = {n for n, needs in zip(ctx.names, needed, strict=True) if needs}
        self.gradients: dict[str, Tensor] = {}
        self.weight = weight
        self.matrix = weight if ctx.dtype is None else weight.to(ctx.dtype)
        self.g = gradient.reshape(-1, weight.shape[0])
        self.x = None if x is None else x.reshape(-1, weight.shape[1])
        self._total: Tensor | None = None
        self._ascent: Tensor | None = None
        self._reached: Tensor | None = None

    def total(self) -> Tensor:
        """Σₜ G [out]."""
        if self._total is None:
            self._total = self.g.sum(0, dtype=work_type(self.g))
        return self._total

    def through_weight(self) -> Tensor | None:
        """Gradients of A and B; returns dX [T, in], or None where nobody asks for it."""
        if self.way.dense and self.form.codes[0] < LORA:
            return self._dense_scale()
        return self._through_b(self._through_a())

    def _through_a(self) -> Tensor | None:
        code, g = self.form.codes[0], self.g
        if self.way.dense:
            return self._dense()
        if self.way.rank_wise:
            return self._rank_wise()
        if self.form.hadamard and code == VECTOR:
            return self._scaled_rows()
        trained = code != NONE and not self.wanted.isdisjoint(("Ad", "Au"))
        if not (self.wants_x or trained):
            return None
        u = torch.mm(g, self.matrix)
        if self.form.codes[2] != NONE and g.shape[0] < g.shape[1]:
            self._reached = u.sum(0, dtype=work_type(u))
        if code == NONE:
            return u
        assert self.x is not None
        if code >= LORA:
            down, up = factors(self.support.Ad, self.support.Au, self.form.ranks[0], g.dtype)
            back = torch.mm(u, down)
            if "Ad" in self.wanted:
                self._keep("Ad", LORA, torch.mm(torch.mm(up, self.x.t()), u).t())
            if "Au" in self.wanted:
                self._keep("Au", LORA, torch.mm(back.t(), self.x))
            return u.addmm_(back, up)
        if "Ad" in self.wanted:
            effect = torch.mul(u, self.x) if code == VECTOR else None
            self._keep("Ad", code, _dot(u, self.x) if effect is None else effect.sum(0))
        return u.mul_(1 + vector(self.support.Ad, code, work_type(g)))

    def _dense(self) -> Tensor | None:
        assert self.x is not None
        dx = None
        if self.wants_x:
            dx = torch.mm(self.g, self._dense_weight())
        names = {"Ad", "Au", "Bd", "Bu"} if self.way.joined else {"Ad", "Au"}
        if self.wanted.isdisjoint(names):
            return dx
        v = product_like(self.g.t(), self.x, self.matrix, reuse=True).to(work_type(self.g))
        if self.way.joined:
            self._from_dense("B", 1, v)
        if not self.wanted.isdisjoint(("Ad", "Au")):
            self._from_dense("A", 0, v.mul_(self.matrix))
        return dx

    def _dense_scale(self) -> Tensor | None:
        """A = scalar or vector, in the weight: what dX or Σₜ G∘Y holds, less what is not A's."""
        assert self.x is not None
        code, trained = self.form.codes[0], "Ad" in self.wanted
        scale = 1 + vector(self.support.Ad, code, work_type(self.g))
        dx = None
        if self.wants_x or (trained and code == SCALAR):
            dx = torch.mm(self.g, self._dense_weight())
        effect = self._joined_b()
        if not trained:
            return dx
        if float(scale.abs().min()) < LEAST_SCALE:
            change = torch.mul(self.g, torch.mm(self.x, self.matrix.t())).sum(0)
        elif code == SCALAR:
            assert dx is not None
            change = _dot(dx, self.x).reshape(1)
            change = (change if effect is None else change - effect.sum()) / scale
        else:
            change = self._against_output()
            change = (change if effect is None else change - effect) / scale
        self._keep("Ad", code, change)
        return dx

    def _against_output(self) -> Tensor:
        """Σₜ G∘(Y − b) [out]: the output without its bias, from the gradient's point of view."""
        if self._output_intact():
            return self._without_bias(self.output[0])
        assert self.x is not None
        return torch.mul(self.g, torch.mm(self.x, self._dense_weight().t())).sum(0)

    def _output_intact(self) -> bool:
        """Whether nobody changed the output after the forward pass."""
        return self.output is not None and self.output[0]._version == self.output[1]

    def _without_bias(self, rows: Tensor, buffer: Tensor | None = None) -> Tensor:
        """Σₜ G∘(rows − b) [out]."""
        change = torch.mul(self.g, rows, out=buffer).sum(0, dtype=work_type(self.g))
        return change if self.shift is None else change.sub_(self.shift * self.total())

    def _dense_weight(self) -> Tensor:
        return dense_weight(self.form, self.support, self.matrix, joined=self.way.joined)

    def _from_dense(self, tensor: str, index: int, v: Tensor) -> None:
        """Gradients of A or B from the gradient [out, in] of their dense product."""
        code = self.form.codes[index]
        stored = self.support[2 * index], self.support[2 * index + 1]
        if code < LORA:
            self._keep(f"{tensor}d", code, v.sum(1))
            return
        down, up = factors(*stored, self.form.ranks[index], v.dtype)
        if f"{tensor}d" in self.wanted:
            self._keep(f"{tensor}d", code, torch.mm(up, v.t()).t())
        if f"{tensor}u" in self.wanted:
            self._keep(f"{tensor}u", code, torch.mm(down.t(), v))

    def _rank_wise(self) -> Tensor | None:
        assert self.x is not None
        assert self.products is not None
        down, up = factors(self.support.Ad, self.support.Au, self.form.ranks[0], self.g.dtype)
        code = self.form.codes[0]
        if "Ad" in self.wanted:
            self._keep("Ad", code, (self.products * self.g.unsqueeze(1)).sum(0).t())
        dx = torch.mm(self.g, self.matrix) if self.wants_x else None
        if self.wants_x or "Au" in self.wanted:
            back = stacked(self.g, down.t(), self.matrix)
            if "Au" in self.wanted:
                self._keep("Au", code, (back * self.x.unsqueeze(1)).sum(0))
            if dx is not None:
                dx += (back * up).sum(1)
        return dx

    def _scaled_rows(self) -> Tensor | None:
        """A = vector (Hadamard): the scale of the output's columns."""
        buffer = torch.empty_like(self.g)
        scale = 1 + vector(self.support.Ad, VECTOR, work_type(self.g))
        if "Ad" in self.wanted:
            if self.kept is not None:
                change = self._without_bias(self.kept, buffer)
            elif self._output_intact():
                change = self._without_bias(self.output[0], buffer)
                effect = self._effect_of_b()
                change = (change if effect is None else change - effect) / scale
            else:
                assert self.x is not None
                change = torch.mul(self.g, torch.mm(self.x, self.matrix.t()), out=buffer).sum(0)
            self._keep("Ad", VECTOR, change)
        if not self.wants_x:
            return None
        return torch.mm(torch.mul(self.g, scale, out=buffer), self.matrix)

    def _through_b(self, dx: Tensor | None) -> Tensor | None:
        """Gradients of B where it stands apart; adds its part to `dx`."""
        code, g = self.form.codes[1], self.g
        if code == NONE or self.way.joined:
            return dx
        self._ascent_gradient()
        if code >= LORA:
            down, up = factors(self.support.Bd, self.support.Bu, self.form.ranks[1], g.dtype)
            back = torch.mm(g, down)
            if "Bu" in self.wanted:
                assert self.x is not None
                self._keep("Bu", code, torch.mm(back.t(), self.x))
            return None if dx is None else dx.addmm_(back, up)
        if dx is not None:
            moved = vector(self.support.Bd, code, g.dtype).expand(g.shape[1])
            dx += torch.mm(g, moved.unsqueeze(1))
        return dx

    def _joined_b(self) -> Tensor | None:
        """Gradients of a B within the scaled weight; Σₜ G∘(B·x) [out], None without a B."""
        code = self.form.codes[1]
        if code == NONE:
            return None
        self._ascent_gradient()
        if code >= LORA and "Bu" in self.wanted:
            assert self.x is not None
            down, _ = factors(self.support.Bd, self.support.Bu, self.form.ranks[1], self.g.dtype)
            self._keep("Bu", code, torch.mm(torch.mm(self.g, down).t(), self.x))
        return self._effect_of_b()

    def _ascent_of_b(self) -> Tensor:
        """hᵀ·G [r or 1, out], of which B's down-factor gets its gradient; computed once."""
        if self._ascent is None:
            hidden = self.hidden
            if hidden is None:
                assert self.x is not None
                if self.form.codes[1] < LORA:
                    hidden = self.x.sum(-1, keepdim=True)
                else:
                    _, up = factors(
                        self.support.Bd, self.support.Bu, self.form.ranks[1], self.x.dtype
                    )
                    hidden = torch.mm(up, self.x.t()).t()
            self._ascent = torch.mm(hidden.t(), self.g)
        return self._ascent

    def _ascent_gradient(self) -> None:
        code = self.form.codes[1]
        if "Bd" in self.wanted:
            ascent = self._ascent_of_b()
            self._keep("Bd", code, ascent.t() if code >= LORA else ascent[0])

    def _effect_of_b(self) -> Tensor | None:
        """Σₜ G∘(B·x) [out], None without a B."""
        code = self.form.codes[1]
        if code == NONE:
            return None
        ascent = self._ascent_of_b()
        if code < LORA:
            return ascent[0] * vector(self.support.Bd, code, ascent.dtype)
        down, _ = factors(self.support.Bd, self.support.Bu, self.form.ranks[1], ascent.dtype)
        return (ascent.t() * down).sum(1)

    def through_bias(self) -> None:
        """Gradients of C, D and E from that of the effective bias."""
        _, _, c, d, e = self.form.codes
        if e != NONE and "E" in self.wanted:
            self._keep("E", e, self.total())
        if d != NONE and "D" in self.wanted and self.bias is not None:
            self._keep("D", d, self.total() * self.bias)
        if c != NONE and not self.wanted.isdisjoint(("Cd", "Cu")):
            # W0ᵀ·Σₜ G = Σₜ G·W0, a sum over rows that stand in the cache where dX is G·W0.
            prompt = self._reached
            if prompt is None:
                prompt = torch.mv(self.weight.t(), self.total().to(self.weight.dtype))
            if c < LORA:
                self._keep("Cd", c, prompt)
                return
            down, up = factors(self.support.Cd, self.support.Cu, self.form.ranks[2], prompt.dtype)
            if "Cd" in self.wanted:
                self._keep("Cd", c, torch.outer(prompt, up[:, 0]))
            if "Cu" in self.wanted:
                self._keep("Cu", c, torch.mv(down.t(), prompt).unsqueeze(1))

    def _keep(self, name: str, code: int, part: Tensor) -> None:
        """Stores the gradient of the part of a parameter that is in use; the rest gets zeros."""
        parameter = getattr(self.support, name)
        if part.shape == parameter.shape and code != SCALAR:
            self.gradients[name] = part.to(parameter.dtype)
            return
        whole = torch.zeros_like(parameter)
        if code >= LORA:
            whole[: part.shape[0], : part.shape[1]] = part
        else:
            column = whole[:, 0] if whole.dim() == 2 else whole
            if code == VECTOR:
                column.copy_(part)
            else:
                column[0] = part.sum()
        self.gradients[name] = whole


def stacked(rows: Tensor, factors: Tensor, matrix: Tensor) -> Tensor:
    """(rows [T, n] ∘ factors [r, n])·matrix [n, m] as [T, r, m], one GEMM."""
    count, rank = rows.shape[0], factors.shape[0]
    stacked = (rows.unsqueeze(1) * factors).reshape(count * rank, rows.shape[1])
    return torch.mm(stacked, matrix).view(count, rank, matrix.shape[1])


def _dot(left: Tensor, right: Tensor) -> Tensor:
    """⟨left, right⟩ in float32 or better."""
    work = work_type(left)
    return torch.dot(left.reshape(-1).to(work), right.reshape(-1).to(work))
