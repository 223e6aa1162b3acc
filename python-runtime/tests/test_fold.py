from __future__ import annotations

from pathlib import Path

import pytest
import torch
from oracle import all_codes, leaves, make_layer, plain_weight_and_bias
from safetensors.torch import load_file
from small_models import fill_with_noise, tiny_bert, tokens
from torch import nn

import glora
from glora.errors import ConfigurationError, MergeError
from glora.structure import SearchSpace


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("a_product", ["hadamard", "matmul"])
def test_every_form_folds_into_the_plain_formulas_bias(bias: bool, a_product: str) -> None:
    x = torch.randn(4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for codes in all_codes():
        layer = make_layer(5, 3, bias=bias, a_product=a_product)
        layer.set_codes(codes)
        weight, shift = plain_weight_and_bias(
            layer.weight.detach(),
            None if layer.bias is None else layer.bias.detach(),
            leaves(layer),
            layer.codes,
            layer.space.ranks,
            a_product,
        )
        shift = shift.detach()
        model = nn.Sequential(layer)
        report = glora.fold(model)
        folded = model[0]
        shifts = any(layer.codes[2:])
        assert folded.codes == (*codes[:2], 0, 0, 2 if shifts else 0)
        torch.testing.assert_close(folded(x), x @ weight.detach().T + shift, rtol=0, atol=1e-12)
        assert report.max_output_error < 1e-12
        assert report.after.stored == report.after.folded == report.before.folded
        if shifts:
            expected = shift if layer.bias is None else shift - layer.bias.detach()
            torch.testing.assert_close(folded.E.detach(), expected, rtol=0, atol=1e-12)


def test_a_folded_bert_computes_the_same_with_the_folded_count_on_disk(tmp_path: Path) -> None:
    model, space = tiny_bert(), SearchSpace((1, 2))
    sites = glora.inject(model, space)
    structure = space.largest(sites)
    glora.set_structure(model, structure)
    fill_with_noise(model, 0.05)
    expected = model(**tokens()).logits
    random_state = torch.random.get_rng_state()
    report = glora.fold(model)
    assert torch.equal(torch.random.get_rng_state(), random_state)
    torch.testing.assert_close(model(**tokens()).logits, expected, rtol=1e-4, atol=1e-5)
    assert 0 < report.max_output_error < 1e-5
    assert report.before == glora.parameter_counts(structure, sites)
    assert report.before.stored > report.after.stored
    saved = glora.save_adapter(model, tmp_path)
    assert saved.entries == glora.count_parameters(structure, sites, folded=True)
    tensors = load_file(tmp_path / "adapter.safetensors")
    assert sum(t.numel() for t in tensors.values()) == saved.entries
    assert not any(name.endswith((".Cd", ".Cu", ".D")) for name in tensors)
    # Nothing is kept for a key projection, where a shift of the bias is no function.
    assert not any(name.endswith("key.E") for name in tensors)
    body = tiny_bert()
    glora.load_adapter(body, tmp_path)
    assert torch.equal(body(**tokens()).logits, model(**tokens()).logits)


def test_folding_twice_changes_nothing_more() -> None:
    layer = make_layer(5, 3, dtype=torch.float32)
    layer.set_codes((2, 3, 3, 2, 2))
    model = nn.Sequential(layer)
    glora.fold(model)
    first = model[0].E.clone()
    report = glora.fold(model)
    torch.testing.assert_close(model[0].E, first, rtol=1e-6, atol=1e-7)
    assert report.before == report.after


def test_a_folded_model_merges_to_the_same_weights() -> None:
    layer = make_layer(5, 3)
    layer.set_codes((3, 3, 3, 2, 1))
    model, twin = nn.Sequential(layer), nn.Sequential(layer)
    glora.merge(twin)
    glora.fold(model)
    glora.merge(model)
    torch.testing.assert_close(model[0].weight, twin[0].weight, rtol=0, atol=0)
    torch.testing.assert_close(model[0].bias, twin[0].bias, rtol=0, atol=1e-12)


def test_what_cannot_be_folded_is_refused_and_stays() -> None:
    layer = make_layer(5, 3)
    layer.set_codes((0, 0, 2, 0, 0))
    with torch.no_grad():
        layer.Cd[0, 0] = float("nan")
    model = nn.Sequential(layer)
    with pytest.raises(MergeError, match="not finite"):
        glora.fold(model)
    assert model[0] is layer
    with pytest.raises(ConfigurationError, match="no GLoRA layer"):
        glora.fold(nn.Sequential(nn.Linear(2, 2)))
