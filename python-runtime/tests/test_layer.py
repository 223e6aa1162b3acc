from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracle import all_codes, leaves, make_layer, plain_forward
from torch import nn

from glora.errors import ConfigurationError
from glora.forms import TENSORS, Site, form_cost
from glora.layer import GLoRALinear
from glora.structure import SearchSpace


def assert_like_oracle(layer: GLoRALinear, x: torch.Tensor, tolerance: float) -> None:
    """Output and every gradient agree with autograd through the plain formula."""
    layer.zero_grad(set_to_none=True)
    seen = x.detach().clone().requires_grad_()
    output = layer(seen)
    values, plain_x = leaves(layer), x.detach().double().requires_grad_()
    expected = plain_forward(layer, plain_x, values)
    direction = torch.linspace(-1, 1, expected.numel(), dtype=torch.float64).view_as(expected)
    output.backward(direction.to(output.dtype))
    expected.backward(direction)

    close = {"rtol": tolerance, "atol": tolerance}
    assert output.dtype == x.dtype
    torch.testing.assert_close(output.double(), expected, **close)
    torch.testing.assert_close(seen.grad.double(), plain_x.grad, **close)
    used = layer.active_slices()
    for name, parameter in layer.support_parameters().items():
        if name not in used:
            assert parameter.grad is None, name
            continue
        torch.testing.assert_close(parameter.grad.double(), values[name].grad, **close)
        outside = torch.ones_like(parameter, dtype=torch.bool)
        outside[used[name]] = False
        assert not parameter.grad[outside].any(), name


@pytest.mark.parametrize("a_product", ["hadamard", "matmul"])
@pytest.mark.parametrize("bias", [True, False])
def test_every_form_equals_the_plain_formula(bias: bool, a_product: str) -> None:
    layer = make_layer(5, 3, bias=bias, a_product=a_product)
    x = torch.randn(2, 4, 5, dtype=torch.float64)
    count = 0
    for codes in all_codes():
        layer.set_codes(codes)
        assert_like_oracle(layer, x, 1e-12)
        count += 1
    assert count == 432


@given(
    in_features=st.integers(1, 9),
    out_features=st.integers(1, 9),
    batch=st.lists(st.integers(1, 3), max_size=3),
    ranks=st.sets(st.integers(1, 6), min_size=1, max_size=4),
    bias=st.booleans(),
    a_product=st.sampled_from(["hadamard", "matmul"]),
    data=st.data(),
)
def test_odd_shapes_and_several_ranks_equal_the_plain_formula(
    in_features: int,
    out_features: int,
    batch: list[int],
    ranks: set[int],
    bias: bool,
    a_product: str,
    data: st.DataObject,
) -> None:
    layer = make_layer(
        in_features, out_features, bias=bias, ranks=tuple(ranks), a_product=a_product
    )
    codes = [data.draw(st.sampled_from(layer.space.codes(t)), label=t) for t in TENSORS]
    layer.set_codes(codes)
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(*batch, in_features, dtype=torch.float64, generator=generator)
    assert_like_oracle(layer, x, 1e-11)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.bfloat16, 0.2)])
def test_lower_precisions_equal_the_formula_to_rounding(
    dtype: torch.dtype, tolerance: float, bias: bool
) -> None:
    layer = make_layer(8, 6, bias=bias, dtype=dtype)
    x = torch.randn(7, 8, generator=torch.Generator().manual_seed(2)).to(dtype)
    for codes in list(all_codes())[:: 7 if dtype is torch.float32 else 23]:
        layer.set_codes(codes)
        assert_like_oracle(layer, x, tolerance)


@pytest.mark.parametrize(
    "codes", [(3, 3, 3, 2, 2), (2, 3, 2, 1, 1), (1, 2, 3, 2, 0), (0, 1, 0, 0, 2)]
)
@pytest.mark.parametrize("a_product", ["hadamard", "matmul"])
def test_gradients_pass_gradcheck(codes: tuple[int, ...], a_product: str) -> None:
    layer = make_layer(4, 3, a_product=a_product)
    layer.set_codes(codes)
    parameters = [layer.support_parameters()[name] for name in layer.active_slices()]
    x = torch.randn(2, 4, dtype=torch.float64, requires_grad=True)
    # A second backward pass over a kept graph finds the output let go: equal but for rounding.
    assert torch.autograd.gradcheck(lambda x, *_: layer(x), (x, *parameters), nondet_tol=1e-12)


@pytest.mark.parametrize("a_product", ["hadamard", "matmul"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("rows", "width", "out"), [((8, 13), 48, 96), ((5,), 7, 1), ((3,), 1, 6)])
def test_step_zero_is_the_pretrained_layer_bit_for_bit(
    rows: tuple[int, ...], width: int, out: int, bias: bool, a_product: str
) -> None:
    torch.manual_seed(3)
    base = nn.Linear(width, out, bias=bias)
    x = torch.randn(*rows, width)
    expected = base(x)
    layer = GLoRALinear(base, SearchSpace((1, 4), a_product=a_product))
    for codes in [*list(all_codes())[::5], (4, 4, 4, 2, 2), (4, 0, 0, 0, 0)]:
        layer.set_codes(codes)
        assert torch.equal(layer(x), expected), codes


def test_autocast_keeps_the_base_layers_type() -> None:
    layer = make_layer(6, 4, dtype=torch.float32)
    x = torch.randn(3, 6)
    for codes in [(0, 0, 0, 0, 0), (3, 3, 3, 2, 2), (2, 3, 2, 1, 1), (1, 2, 0, 0, 0)]:
        layer.set_codes(codes)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            output = layer(x)
        assert output.dtype == torch.bfloat16
        expected = plain_forward(layer, x, leaves(layer))
        torch.testing.assert_close(output.double(), expected, rtol=0.1, atol=0.2)


def test_support_tensors_of_a_half_precision_body_stay_in_float32() -> None:
    layer = GLoRALinear(nn.Linear(4, 3, dtype=torch.bfloat16), SearchSpace((2,)))
    assert {p.dtype for p in layer.support_parameters().values()} == {torch.float32}


def test_smaller_forms_are_slices_of_the_same_parameters() -> None:
    layer = make_layer(5, 4, ranks=(1, 3))
    x = torch.eye(5, dtype=torch.float64)
    before = {}
    for code in (1, 2, 3):
        layer.set_codes((0, code, 0, 0, 0))
        before[code] = layer(x) - layer.base(x)
    bd, bu = layer.Bd.detach(), layer.Bu.detach()
    torch.testing.assert_close(before[1], bd[0, 0].expand(5, 4))
    torch.testing.assert_close(before[2], bd[:, 0].expand(5, 4))
    torch.testing.assert_close(before[3], torch.outer(bu[0], bd[:, 0]))
    with torch.no_grad():
        layer.Bd[0, 0] += 1
    layer.set_codes((0, 1, 0, 0, 0))
    torch.testing.assert_close(layer(x) - layer.base(x), before[1] + 1)


def test_active_slices_hold_as_many_entries_as_the_structure_counts() -> None:
    for a_product in ("hadamard", "matmul"):
        for bias in (True, False):
            layer = make_layer(5, 3, bias=bias, a_product=a_product)
            parameters = layer.support_parameters()
            masks = {n: torch.ones_like(p, dtype=torch.bool) for n, p in parameters.items()}
            for codes in all_codes():
                expected = sum(
                    form_cost(t, c, layer.site, layer.space.ranks, a_product)
                    for t, c in zip(TENSORS, codes, strict=True)
                )
                slices = layer.active_slices(codes)
                assert sum(parameters[n][s].numel() for n, s in slices.items()) == expected
                layer.fill_mask(masks, codes)
                assert sum(int(m.sum()) for m in masks.values()) == expected


def test_only_parameters_that_the_space_can_use_exist() -> None:
    space = SearchSpace(
        (2, 4), {"A": ["none"], "B": ["none", "lora-2"], "C": ["vector"], "D": ["none"]}
    )
    layer = GLoRALinear(nn.Linear(6, 5), space)
    shapes = {name: tuple(p.shape) for name, p in layer.support_parameters().items()}
    assert shapes == {"Bd": (5, 2), "Bu": (2, 6), "Cd": (6, 1), "E": (5,)}
    assert set(layer.state_dict()) == {"weight", "bias", *shapes}
    assert layer.Ad is None


def test_a_code_outside_the_space_is_refused_and_changes_nothing() -> None:
    layer = GLoRALinear(nn.Linear(3, 3), SearchSpace((2,), {"A": ["none", "vector"]}))
    layer.set_codes((2, 3, 0, 0, 0))
    with pytest.raises(ConfigurationError, match="tensor A"):
        layer.set_codes((3, 0, 0, 0, 0))
    assert layer.codes == (2, 3, 0, 0, 0)


def test_dead_tensors_have_no_parameters_and_their_codes_count_as_none() -> None:
    site = Site("key", 3, 3, True, frozenset("CDE"))
    layer = GLoRALinear(nn.Linear(3, 3), SearchSpace((2,)), site)
    assert list(layer.support_parameters()) == ["Ad", "Au", "Bd", "Bu"]
    layer.set_codes((0, 3, 2, 2, 2))
    assert layer.codes == (0, 3, 0, 0, 0)


def test_a_seed_means_the_same_numbers() -> None:
    drawn = []
    for _ in range(2):
        generator = torch.Generator().manual_seed(11)
        layer = GLoRALinear(nn.Linear(6, 5), SearchSpace((4,)), generator=generator)
        drawn.append({n: p.detach().clone() for n, p in layer.support_parameters().items()})
    assert all(torch.equal(drawn[0][n], drawn[1][n]) for n in drawn[0])
    bound = (6 / (4 + 6)) ** 0.5
    for name in ("Au", "Bu", "Cu"):
        assert 0 < drawn[0][name].abs().max() <= bound
    for name in ("Ad", "Bd", "Cd", "D", "E"):
        assert not drawn[0][name].any()


def test_the_base_is_frozen_and_shared() -> None:
    base = nn.Linear(3, 2)
    layer = GLoRALinear(base, SearchSpace((1,)))
    assert layer.weight is base.weight
    assert layer.bias is base.bias
    assert not base.weight.requires_grad
    assert all(p.requires_grad for p in layer.support_parameters().values())


def test_a_copy_of_a_layer_is_independent() -> None:
    layer = make_layer(4, 3)
    layer.set_codes((3, 3, 3, 2, 2))
    twin = copy.deepcopy(layer)
    assert twin.weight is twin.base.weight
    assert twin.weight is not layer.weight
    x = torch.randn(2, 4, dtype=torch.float64)
    assert torch.equal(twin(x), layer(x))


def test_parameters_may_be_views_of_one_flat_vector() -> None:
    layer = make_layer(4, 3)
    layer.set_codes((2, 3, 2, 2, 2))
    x = torch.randn(2, 4, dtype=torch.float64)
    expected = layer(x)
    parameters = layer.support_parameters()
    flat = torch.cat([p.detach().flatten() for p in parameters.values()])
    start = 0
    for parameter in parameters.values():
        parameter.data = flat[start : start + parameter.numel()].view_as(parameter)
        start += parameter.numel()
    assert torch.equal(layer(x), expected)
    flat.zero_()
    assert torch.equal(layer(x), layer.base(x))
