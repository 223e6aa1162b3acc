"""The flat AdamW: torch's own is the oracle; outside the mask nothing moves."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from glora.errors import ConfigurationError
from glora.optimizer import Entry, FlatAdamW, Region

SHAPES = {"a": (5, 3), "b": (7,), "c": (4, 4), "head.weight": (2, 5), "head.bias": (2,)}


def entries(seed: int = 0, *, decay_head: bool = True) -> list[Entry]:
    generator = torch.Generator().manual_seed(seed)
    return [
        Entry(
            name,
            nn.Parameter(torch.randn(shape, generator=generator)),
            group="head" if name.startswith("head") else "support",
            decay=decay_head or not name.startswith("head"),
        )
        for name, shape in SHAPES.items()
    ]


def fill_gradients(parameters: list[nn.Parameter], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter in parameters:
        assert parameter.grad is not None
        parameter.grad.copy_(torch.randn(parameter.shape, generator=generator))


def snapshot(optimizer: FlatAdamW) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in optimizer.state().items()}


@pytest.mark.parametrize(("decay", "multiplier"), [(0.0, 1.0), (0.1, 1.0), (0.1, 5.0)])
def test_all_active_equals_torch_adamw_bit_for_bit(decay: float, multiplier: float) -> None:
    ours = entries(decay_head=False)
    theirs = [nn.Parameter(e.parameter.detach().clone()) for e in ours]
    for parameter in theirs:
        parameter.grad = torch.zeros_like(parameter)
    optimizer = FlatAdamW(ours)
    reference = torch.optim.AdamW(
        [
            {"params": theirs[:3], "weight_decay": decay},
            {"params": theirs[3:], "weight_decay": 0.0},
        ]
    )
    for step in range(30):
        rate = 0.01 * (1 + step % 7)
        reference.param_groups[0]["lr"] = rate
        reference.param_groups[1]["lr"] = rate * multiplier
        fill_gradients([e.parameter for e in ours], step)
        fill_gradients(theirs, step)
        optimizer.step(rate, decay, {"head": multiplier})
        reference.step()
    for entry, expected in zip(ours, theirs, strict=True):
        assert torch.equal(entry.parameter, expected), entry.name


def test_an_entry_sees_only_its_own_steps() -> None:
    """Each entry equals an AdamW that was stepped only when the entry was active."""
    ours = entries()
    optimizer = FlatAdamW(ours)
    column = ours[0].parameter[:, 0].detach().clone()
    alone = nn.Parameter(column.clone())
    reference = torch.optim.AdamW([alone], weight_decay=0.05)
    schedule: list[Region | None] = [(slice(None), slice(1)), None, (), None, (slice(None),)]
    for step, region in enumerate(schedule * 3):
        rate = 0.01 + 0.001 * step
        optimizer.activate({"a": region})
        optimizer.zero_grad()
        fill_gradients([e.parameter for e in ours], step)
        if region is not None:
            assert ours[0].parameter.grad is not None
            alone.grad = ours[0].parameter.grad[:, 0].clone()
            reference.param_groups[0]["lr"] = rate
            reference.step()
        optimizer.step(rate, 0.05)
    torch.testing.assert_close(ours[0].parameter[:, 0].detach(), alone.detach(), rtol=0, atol=2e-7)


def test_outside_the_mask_nothing_moves() -> None:
    ours = entries()
    optimizer = FlatAdamW(ours)
    fill_gradients([e.parameter for e in ours], 1)
    optimizer.step(0.1, 0.1)
    before = snapshot(optimizer)
    optimizer.activate({"a": (slice(None), slice(2)), "b": None, "c": (slice(1), slice(1))})
    fill_gradients([e.parameter for e in ours], 2)
    optimizer.step(0.1, 0.1)
    after = snapshot(optimizer)
    for vector in before:
        old, new = before[vector], after[vector]
        assert torch.equal(optimizer.view(old, "b"), optimizer.view(new, "b"))
        assert torch.equal(optimizer.view(old, "a")[:, 2], optimizer.view(new, "a")[:, 2])
        assert torch.equal(optimizer.view(old, "c")[1:], optimizer.view(new, "c")[1:])
        assert not torch.equal(optimizer.view(old, "a")[:, :2], optimizer.view(new, "a")[:, :2])
        assert optimizer.view(old, "c")[0, 0] != optimizer.view(new, "c")[0, 0]
        assert not torch.equal(
            optimizer.view(old, "head.weight"), optimizer.view(new, "head.weight")
        )
    assert optimizer.active() == 10 + 1 + 12


def test_memory_and_alignment_stay() -> None:
    ours = entries()
    optimizer = FlatAdamW(ours)
    weights = [e.parameter.data_ptr() for e in ours]
    gradients = [e.parameter.grad.data_ptr() for e in ours if e.parameter.grad is not None]
    for _ in range(3):
        optimizer.zero_grad()
        sum(e.parameter.square().sum() for e in ours).backward()  # type: ignore[union-attr]
        optimizer.step(0.1)
    assert all(pointer % 64 == 0 for pointer in weights + gradients)
    assert weights == [e.parameter.data_ptr() for e in ours]
    assert gradients == [e.parameter.grad.data_ptr() for e in ours if e.parameter.grad is not None]


def test_loaded_state_continues_bit_for_bit() -> None:
    ours, again = entries(), entries(seed=9)
    optimizer, loaded = FlatAdamW(ours), FlatAdamW(again)
    regions: list[dict[str, Region | None]] = [{"b": None}, {"c": (slice(2),)}, {}]
    for step in range(6):
        if step == 3:
            loaded.load_state(snapshot(optimizer))
        for which, target in ((optimizer, ours), (loaded, again)):
            which.activate(regions[step % 3])
            fill_gradients([e.parameter for e in target], step)
            which.step(0.05, 0.01)
    for name, value in optimizer.state().items():
        assert torch.equal(value, loaded.state()[name]), name


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="`a` appears twice"):
        FlatAdamW(
            [Entry("a", nn.Parameter(torch.ones(1))), Entry("a", nn.Parameter(torch.ones(1)))]
        )
    with pytest.raises(ConfigurationError, match=r"expected torch\.float32 on cpu"):
        FlatAdamW([Entry("a", nn.Parameter(torch.ones(1, dtype=torch.float64)))])
    optimizer = FlatAdamW(entries())
    state = snapshot(optimizer)
    state["exp_avg"] = state["exp_avg"][:-1]
    before = snapshot(optimizer)
    with pytest.raises(ConfigurationError, match=r"`exp_avg`, expected torch\.float32"):
        optimizer.load_state(state)
    assert all(torch.equal(before[name], value) for name, value in optimizer.state().items())
