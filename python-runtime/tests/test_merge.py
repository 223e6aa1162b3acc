from __future__ import annotations

import copy

import pytest
import torch
from oracle import all_codes, leaves, make_layer, plain_weight_and_bias
from small_models import fill_with_noise, tiny_bert, tokens
from torch import nn

import glora
from glora.errors import MergeError
from glora.layer import GLoRALinear
from glora.structure import SearchSpace


def holder(layer: nn.Module) -> nn.Sequential:
    return nn.Sequential(layer)


@pytest.mark.parametrize("a_product", ["hadamard", "matmul"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
@pytest.mark.parametrize(("width", "out", "bias"), [(5, 3, True), (3, 1, False)])
def test_merged_equals_unmerged_for_every_form(
    width: int, out: int, bias: bool, dtype: torch.dtype, tolerance: float, a_product: str
) -> None:
    layer = make_layer(width, out, bias=bias, dtype=dtype, a_product=a_product)
    model = holder(layer)
    x = torch.randn(6, width, generator=torch.Generator().manual_seed(1)).to(dtype)
    weight, old_bias = layer.weight.clone(), None if layer.bias is None else layer.bias.clone()
    for codes in all_codes():
        layer.set_codes(codes)
        expected = layer(x)
        report = glora.merge(model)
        linear = model[0]
        assert type(linear) is nn.Linear
        torch.testing.assert_close(linear(x), expected, rtol=tolerance, atol=tolerance)
        assert report.max_output_error <= tolerance
        made = not bias and bool(layer.codes[2] or layer.codes[4])
        assert report.created_biases == (("",) if made else ())
        assert (linear.bias is not None) == (bias or made)
        glora.unmerge(model)
        assert model[0] is layer
        assert torch.equal(layer.weight, weight)
        assert old_bias is None or torch.equal(layer.bias, old_bias)


def test_the_bias_is_taken_from_the_weight_as_it_was() -> None:
    layer = make_layer(6, 4)
    layer.set_codes((3, 3, 3, 2, 2))
    weight, bias = plain_weight_and_bias(
        layer.weight.detach(), layer.bias.detach(), leaves(layer), layer.codes, layer.space.ranks
    )
    model = holder(layer)
    glora.merge(model)
    torch.testing.assert_close(
        model[0].weight, weight.detach(), rtol=0, atol=1e-12, check_dtype=True
    )
    torch.testing.assert_close(model[0].bias, bias.detach(), rtol=0, atol=1e-12)


def test_a_half_precision_weight_is_cast_once() -> None:
    layer = make_layer(16, 8, dtype=torch.bfloat16)
    layer.set_codes((3, 3, 3, 2, 2))
    weight, bias = plain_weight_and_bias(
        layer.weight.detach().double(),
        layer.bias.detach().double(),
        leaves(layer),
        layer.codes,
        layer.space.ranks,
    )
    model = holder(layer)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        glora.merge(model)
    assert model[0].weight.dtype == torch.bfloat16
    torch.testing.assert_close(model[0].weight, weight.detach().to(torch.bfloat16), rtol=0, atol=0)
    torch.testing.assert_close(model[0].bias, bias.detach().to(torch.bfloat16), rtol=0, atol=0)


def test_a_merged_bert_is_plain_and_computes_the_same() -> None:
    model = tiny_bert()
    plain_keys = list(model.state_dict())
    space = SearchSpace((1, 2))
    sites = glora.inject(model, space)
    glora.set_structure(model, space.largest(sites))
    fill_with_noise(model, 0.05)
    adapted = model(**tokens()).logits
    state = copy.deepcopy(model.state_dict())

    report = glora.merge(model)
    assert report.sites == tuple(s.name for s in sites)
    assert report.created_biases == ()
    assert report.max_abs_diff == max(report.changes.values()) > 0
    assert report.max_output_error < 1e-5
    assert not any(isinstance(m, GLoRALinear) for m in model.modules())
    assert list(model.state_dict()) == plain_keys
    merged = model(**tokens()).logits
    torch.testing.assert_close(merged, adapted, rtol=1e-4, atol=1e-5)
    fresh = tiny_bert(seed=3)
    fresh.load_state_dict(model.state_dict())
    assert torch.equal(fresh(**tokens()).logits, merged)

    glora.unmerge(model)
    assert torch.equal(model(**tokens()).logits, adapted)
    assert all(torch.equal(state[key], value) for key, value in model.state_dict().items())


def test_training_a_merged_model_does_not_reach_the_backup() -> None:
    layer = make_layer(4, 3)
    model = holder(layer)
    before = layer.weight.clone()
    glora.merge(model)
    with torch.no_grad():
        model[0].weight.fill_(7)
        model[0].bias.fill_(7)
    glora.unmerge(model)
    assert torch.equal(layer.weight, before)


def test_a_second_merge_and_an_unmerge_of_nothing_are_refused() -> None:
    model = holder(make_layer(4, 3))
    with pytest.raises(MergeError, match="not merged"):
        glora.unmerge(model)
    glora.merge(model)
    with pytest.raises(MergeError, match="merged already"):
        glora.merge(model)
    with pytest.raises(MergeError, match="no GLoRA layer"):
        glora.merge(nn.Sequential(nn.Linear(2, 2)))


@pytest.mark.parametrize(
    ("bad", "dtype"),
    [(float("nan"), torch.float32), (float("inf"), torch.float32), (1e6, torch.float16)],
)
def test_values_that_are_not_finite_are_refused_and_nothing_changes(
    bad: float, dtype: torch.dtype
) -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3)).to(dtype)
    sites = glora.inject(model, SearchSpace((2,)))
    fill_with_noise(model)
    glora.set_structure(model, {site.name: {"B": "scalar"} for site in sites})
    with torch.no_grad():
        model[1].Bd[0, 0] = bad
    modules = list(model)
    state = copy.deepcopy(model.state_dict())
    with pytest.raises(MergeError, match=r"site '1' gives 9 weight entries"):
        glora.merge(model)
    assert list(model) == modules
    for key, value in model.state_dict().items():
        assert torch.equal(value.nan_to_num(), state[key].nan_to_num())


def test_a_copied_merged_model_unmerges_on_its_own() -> None:
    layer = make_layer(4, 3)
    layer.set_codes((2, 3, 0, 0, 2))
    model = holder(layer)
    x = torch.randn(2, 4, dtype=torch.float64)
    expected = layer(x)
    glora.merge(model)
    twin = copy.deepcopy(model)
    glora.unmerge(twin)
    assert torch.equal(twin(x), expected)
    assert type(model[0]) is nn.Linear
