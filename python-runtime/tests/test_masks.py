"""What a structure does not use is not trained: slices by the layers, masks by the optimiser."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import glora
from glora.forms import TENSORS
from glora.optimizer import Entry, FlatAdamW
from glora.structure import SearchSpace

SPACE = SearchSpace((1, 2, 4))


def supernet() -> tuple[nn.Module, dict[str, nn.Parameter]]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3, bias=False))
    glora.inject(model, SPACE)
    return model, {n: p for n, p in model.named_parameters() if p.requires_grad}


def draw(model: nn.Module, random: np.random.Generator) -> glora.Structure:
    sites = [layer.site for layer in glora.glora_layers(model).values()]
    codes = [[random.choice(SPACE.codes(t, site)) for t in TENSORS] for site in sites]
    structure = SPACE.structure([s.name for s in sites], codes)
    glora.set_structure(model, structure)
    return structure


@pytest.mark.parametrize("seed", range(6))
def test_a_step_moves_the_trained_entries_and_no_momentum_or_decay_the_others(seed: int) -> None:
    model, parameters = supernet()
    sites = [layer.site for layer in glora.glora_layers(model).values()]
    optimizer = FlatAdamW([Entry(name, p) for name, p in parameters.items()])
    plain, others = supernet()
    reference = torch.optim.AdamW(others.values(), lr=0.1, weight_decay=0.1)
    random = np.random.default_rng(seed)
    x = torch.randn(8, 6)
    strayed = 0
    for step in range(4):
        glora.set_structure(model, SPACE.largest(sites))  # gives every entry a momentum
        structure = SPACE.largest(sites) if step % 2 == 0 else draw(model, random)
        glora.set_structure(plain, structure)
        regions: dict[str, tuple[slice, ...] | None] = dict.fromkeys(parameters)
        used = {name: torch.zeros_like(p, dtype=torch.bool) for name, p in parameters.items()}
        for site, layer in glora.glora_layers(model).items():
            for name, slices in layer.active_slices().items():
                regions[f"{site}.{name}"] = slices
                used[f"{site}.{name}"][slices] = True
        optimizer.activate(regions)
        count = glora.parameter_counts(structure, sites).trained
        assert optimizer.active() == count == sum(int(mask.sum()) for mask in used.values())
        before = {name: p.detach().clone() for name, p in parameters.items()}
        old = {name: p.detach().clone() for name, p in others.items()}
        optimizer.zero_grad()
        model(x).square().sum().backward()
        optimizer.step(0.1, 0.1)
        reference.zero_grad(set_to_none=False)
        plain(x).square().sum().backward()
        reference.step()
        for name, parameter in parameters.items():
            assert torch.equal(parameter[~used[name]], before[name][~used[name]])
            strayed += int((others[name] != old[name])[~used[name]].sum())
    # The same steps by an optimiser without masks would have moved what is not in use.
    assert strayed > 0
