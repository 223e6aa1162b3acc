"""The layer's autograd function: every way of computing A, and what autograd may ask of it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import all_codes, leaves, make_layer, plain_forward
from small_models import fill_with_noise, tiny_bert, tokens
from torch import nn
from torch.utils.checkpoint import checkpoint

import glora
from glora.effective import Form
from glora.errors import ConfigurationError
from glora.forms import TENSORS
from glora.function import adapted_linear
from glora.layer import GLoRALinear

# Tokens, in, out: A = LoRA is computed rank by rank; dense with B in it; dense, B apart.
SHAPES = {"rank-wise": (3, 5, 4), "joined": (70, 5, 3), "apart": (34, 80, 80)}


def assert_gradients_like_oracle(layer: GLoRALinear, x: torch.Tensor, tolerance: float) -> None:
    layer.zero_grad(set_to_none=True)
    seen, values = x.detach().clone().requires_grad_(), leaves(layer)
    plain_x = x.detach().double().requires_grad_()
    output, expected = layer(seen), plain_forward(layer, plain_x, values)
    direction = torch.randn(
        expected.shape, generator=torch.Generator().manual_seed(8), dtype=torch.float64
    )
    output.backward(direction.to(output.dtype))
    expected.backward(direction.to(output.dtype).double())
    pairs = {"output": (output, expected), "x": (seen.grad, plain_x.grad)}
    used = layer.active_slices()
    for name, parameter in layer.support_parameters().items():
        if name in used:
            pairs[name] = (parameter.grad, values[name].grad)
        else:
            assert parameter.grad is None, name
    for name, (found, wanted) in pairs.items():
        scale = max(1.0, float(wanted.detach().abs().max()))
        error = float((found.double() - wanted).detach().abs().max())
        assert error <= tolerance * scale, (name, layer.codes, error, scale)


def inputs(shape: str, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    rows, width, _ = SHAPES[shape]
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(2)).to(dtype)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_form_with_a_lora_equals_the_plain_formula(shape: str, bias: bool) -> None:
    layer = make_layer(*SHAPES[shape][1:], bias=bias)
    every = [codes for codes in all_codes() if codes[0] == 3]
    assert len(every) == 108
    for codes in every[:: 1 if shape == "joined" else 5]:
        layer.set_codes(codes)
        assert_gradients_like_oracle(layer, inputs(shape), 1e-11)


@pytest.mark.parametrize("bias", [True, False])
def test_every_other_form_of_many_rows_equals_the_plain_formula(bias: bool) -> None:
    layer = make_layer(5, 3, bias=bias)
    every = [codes for codes in all_codes() if codes[0] != 3]
    assert len(every) == 324
    for codes in every:
        layer.set_codes(codes)
        assert_gradients_like_oracle(layer, inputs("joined"), 1e-11)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 0.05), (torch.float16, 0.01)]
)
@pytest.mark.parametrize("shape", SHAPES)
def test_lower_precisions_equal_the_formula_to_rounding(
    shape: str, dtype: torch.dtype, tolerance: float
) -> None:
    layer = make_layer(*SHAPES[shape][1:], dtype=dtype)
    for codes in list(all_codes())[::17]:
        layer.set_codes(codes)
        assert_gradients_like_oracle(layer, inputs(shape, dtype), tolerance)


@given(
    tokens=st.lists(st.integers(1, 12), min_size=1, max_size=3),
    width=st.integers(1, 24),
    out=st.integers(1, 24),
    ranks=st.sets(st.integers(1, 9), min_size=1, max_size=3),
    bias=st.booleans(),
    data=st.data(),
)
@settings(max_examples=60)
def test_drawn_shapes_and_forms_equal_the_plain_formula(
    tokens: list[int], width: int, out: int, ranks: set[int], bias: bool, data: st.DataObject
) -> None:
    product = data.draw(st.sampled_from(["hadamard", "matmul"]))
    layer = make_layer(width, out, bias=bias, ranks=tuple(ranks), a_product=product)
    layer.set_codes([data.draw(st.sampled_from(layer.space.codes(t)), label=t) for t in TENSORS])
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(*tokens, width, generator=generator, dtype=torch.float64)
    if data.draw(st.booleans(), label="strided"):
        x = torch.cat([x, x], -1)[..., ::2]
    assert_gradients_like_oracle(layer, x, 1e-10)


@pytest.mark.parametrize("shape", ["rank-wise", "joined"])
@pytest.mark.parametrize("codes", [(3, 3, 3, 2, 2), (3, 2, 2, 1, 1), (2, 1, 0, 2, 0)])
def test_gradients_pass_gradcheck(shape: str, codes: tuple[int, ...]) -> None:
    layer = make_layer(*SHAPES[shape][1:])
    layer.set_codes(codes)
    parameters = [layer.support_parameters()[name] for name in layer.active_slices()]
    x = inputs(shape).requires_grad_()
    # A second backward pass finds the output let go: equal but for rounding.
    assert torch.autograd.gradcheck(lambda x, *_: layer(x), (x, *parameters), nondet_tol=1e-12)


@pytest.mark.parametrize("codes", [(3, 3, 2, 1, 2), (2, 3, 0, 2, 0), (1, 2, 2, 0, 1)])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_weight_that_is_stored_transposed_gives_the_same(
    shape: str, codes: tuple[int, int, int, int, int]
) -> None:
    _, width, out = SHAPES[shape]
    layer = make_layer(width, out)
    layer.set_codes(codes)
    expected = layer(inputs(shape))
    ranks = tuple(2 if code == 3 else 0 for code in codes[:3])
    form, support = Form(layer.codes, (ranks[0], ranks[1], ranks[2]), True), layer._support()
    stored = layer.weight.detach().t().contiguous()
    found = adapted_linear(form, inputs(shape), stored.t(), layer.bias, support)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    a, b = (torch.autograd.grad(y.square().sum(), layer.Ad)[0] for y in (found, expected))
    torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("shape", SHAPES)
def test_step_zero_of_every_way_is_the_pretrained_layer_bit_for_bit(shape: str) -> None:
    _, width, out = SHAPES[shape]
    base = nn.Linear(width, out)
    layer = GLoRALinear(base, glora.SearchSpace((2,)))
    x = inputs(shape, torch.float32)
    expected = base(x)
    for codes in list(all_codes())[::3]:
        layer.set_codes(codes)
        assert torch.equal(layer(x), expected), codes


def test_what_is_frozen_gets_no_gradient_and_the_rest_the_same() -> None:
    for shape in SHAPES:
        layer = make_layer(*SHAPES[shape][1:])
        layer.set_codes((3, 3, 3, 2, 2))
        layer(inputs(shape)).square().sum().backward()
        whole = {n: p.grad.clone() for n, p in layer.support_parameters().items()}
        for frozen in whole:
            layer.zero_grad(set_to_none=True)
            for name, parameter in layer.support_parameters().items():
                parameter.requires_grad_(name != frozen)
            layer(inputs(shape)).square().sum().backward()
            for name, parameter in layer.support_parameters().items():
                if name == frozen:
                    assert parameter.grad is None
                else:
                    assert torch.equal(parameter.grad, whole[name])


def test_an_input_without_gradient_costs_no_product_for_it() -> None:
    layer = make_layer(5, 3)
    for codes, products in {(0, 0, 0, 0, 2): 0, (0, 2, 0, 0, 0): 1, (2, 0, 0, 0, 0): 0}.items():
        layer.set_codes(codes)
        output = layer(inputs("joined")).sum()
        with torch.profiler.profile() as profile:
            output.backward()
        counts = {event.key: event.count for event in profile.key_averages()}
        assert counts.get("aten::mm", 0) == products, codes


@pytest.mark.parametrize(
    "codes", [(1, 0, 0, 0, 0), (1, 3, 2, 0, 2), (2, 2, 3, 2, 0), (2, 3, 0, 2, 2)]
)
@pytest.mark.parametrize("scale", [0.0, 1e-12, -0.05, 0.3])
@pytest.mark.parametrize("shape", ["joined", "rank-wise"])
def test_a_scale_near_zero_has_the_same_gradients(
    codes: tuple[int, ...], scale: float, shape: str
) -> None:
    layer = make_layer(*SHAPES[shape][1:])
    layer.set_codes(codes)
    assert layer.Ad is not None
    with torch.no_grad():
        layer.Ad[0] = scale - 1
    assert_gradients_like_oracle(layer, inputs(shape), 1e-11)


@pytest.mark.parametrize("codes", [(2, 0, 0, 0, 0), (2, 1, 2, 0, 2), (2, 3, 0, 2, 0)])
@pytest.mark.parametrize("shape", ["joined", "rank-wise"])
def test_an_output_may_be_changed_in_place(codes: tuple[int, ...], shape: str) -> None:
    layer = make_layer(*SHAPES[shape][1:])
    layer.set_codes(codes)
    gradients = []
    for change in (lambda y: y.relu_(), lambda y: y.relu()):
        layer.zero_grad(set_to_none=True)
        x = inputs(shape).requires_grad_()
        change(layer(x)).square().sum().backward()
        gradients.append([x.grad, *(p.grad for p in layer.support_parameters().values())])
    for in_place, apart in zip(*gradients, strict=True):
        if apart is not None:
            torch.testing.assert_close(in_place, apart, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("shape", ["joined", "rank-wise"])
def test_a_graph_that_is_kept_gives_its_gradients_twice(shape: str) -> None:
    layer = make_layer(*SHAPES[shape][1:])
    layer.set_codes((2, 3, 0, 2, 0))
    output = layer(inputs(shape)).square().sum()
    first = torch.autograd.grad(output, layer.Ad, retain_graph=True)
    torch.testing.assert_close(torch.autograd.grad(output, layer.Ad), first, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpointing_gives_the_same_gradients_bit_for_bit(reentrant: bool) -> None:
    layer = make_layer(5, 3, dtype=torch.float32)
    layer.set_codes((3, 3, 3, 2, 2))
    gradients = []
    for checkpointed in (False, True):
        layer.zero_grad(set_to_none=True)
        x = inputs("joined", torch.float32).requires_grad_()
        output = checkpoint(layer, x, use_reentrant=reentrant) if checkpointed else layer(x)
        output.square().sum().backward()
        gradients.append([x.grad, *(p.grad for p in layer.support_parameters().values())])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_a_second_derivative_is_refused() -> None:
    layer = make_layer(5, 3)
    layer.set_codes((3, 3, 0, 0, 0))
    x = inputs("joined").requires_grad_()
    (first,) = torch.autograd.grad(layer(x).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


def test_a_pretrained_weight_that_is_to_be_trained_is_refused() -> None:
    layer = make_layer(5, 3)
    layer.set_codes((0, 3, 0, 0, 0))
    layer.weight.requires_grad_(True)
    with pytest.raises(ConfigurationError, match="requires a gradient"):
        layer(inputs("joined"))
    with torch.no_grad():
        assert layer(inputs("joined")).shape == (70, 3)


def test_inference_first_does_not_spoil_training() -> None:
    layer = make_layer(90, 90, dtype=torch.float32)
    layer.set_codes((3, 3, 0, 0, 0))
    x = torch.randn(200, 90)
    with torch.inference_mode():
        expected = layer(x)
    output = layer(x)
    assert torch.equal(output, expected)
    output.sum().backward()
    assert bool(layer.Ad.grad.isfinite().all())


def test_autocast_chooses_the_type_and_the_gradients_stay_in_float32() -> None:
    layer = make_layer(5, 3, dtype=torch.float32)
    for codes in [(3, 3, 3, 2, 2), (2, 2, 2, 1, 1), (1, 1, 0, 0, 0)]:
        layer.set_codes(codes)
        layer.zero_grad(set_to_none=True)
        x = inputs("joined", torch.float32).requires_grad_()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            output = layer(x)
        assert output.dtype == torch.bfloat16
        output.float().sum().backward()
        values, plain_x = leaves(layer), x.detach().double().requires_grad_()
        plain_forward(layer, plain_x, values).sum().backward()
        for name in layer.active_slices():
            found, wanted = layer.support_parameters()[name].grad, values[name].grad
            assert found.dtype == torch.float32
            scale = max(1.0, float(wanted.detach().abs().max()))
            assert float((found.double() - wanted).detach().abs().max()) <= 0.05 * scale, name
        assert x.grad.dtype == torch.float32


def test_a_compiled_model_is_not_compiled_anew_for_another_structure() -> None:
    model = tiny_bert()
    space = glora.SearchSpace((1, 2))
    sites = glora.inject(model, space, exclude=("classifier", "pooler"))
    fill_with_noise(model)
    batch = tokens()
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    compiled = torch.compile(model, backend="eager")
    generator, frames = torch.Generator().manual_seed(4), []
    for _ in range(4):
        codes = [
            [c[int(torch.randint(len(c), (), generator=generator))] for c in choices]
            for choices in ([space.codes(t, s) for t in TENSORS] for s in sites)
        ]
        glora.set_structure(model, codes)
        with torch.no_grad():
            torch.testing.assert_close(compiled(**batch).logits, model(**batch).logits)
        frames.append(sum(torch._dynamo.utils.counters["frames"].values()))
    torch._dynamo.reset()
    assert frames[0] > 0
    assert frames == frames[:1] * 4
