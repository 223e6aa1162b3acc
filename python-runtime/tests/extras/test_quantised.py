"""GLoRA on weights in 8 and 4 bits, on the CPU, by each library; run by tools/extras."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from oracle import all_codes, leaves, plain_forward
from small_models import fill_with_noise
from torch import Tensor, nn

import glora
from glora import bases
from glora.errors import AdapterError, ConfigurationError, MergeError
from glora.structure import SearchSpace

SPACE = SearchSpace((2,))
WIDTH, OUT = 64, 32


def dense_model(seed: int = 0, *, bias: bool = True) -> nn.Sequential:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(WIDTH, OUT, bias=bias), nn.Tanh(), nn.Linear(OUT, WIDTH))
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model


def by_torchao(bits: int) -> Callable[[nn.Sequential], nn.Sequential]:
    def quantise(model: nn.Sequential) -> nn.Sequential:
        pytest.importorskip("torchao", reason="tools/extras installs torchao")
        from torchao.quantization import Int8WeightOnlyConfig, IntxWeightOnlyConfig, quantize_
        from torchao.quantization.granularity import PerGroup

        four = IntxWeightOnlyConfig(weight_dtype=torch.int4, granularity=PerGroup(32))
        quantize_(model, Int8WeightOnlyConfig() if bits == 8 else four)
        return model

    return quantise


def by_bitsandbytes(kind: str) -> Callable[[nn.Sequential], nn.Sequential]:
    def quantise(model: nn.Sequential) -> nn.Sequential:
        bnb = pytest.importorskip("bitsandbytes", reason="tools/extras installs bitsandbytes")
        for index in (0, 2):
            linear = model[index]
            sizes = (linear.in_features, linear.out_features, linear.bias is not None)
            if kind == "int8":
                packed = bnb.nn.Linear8bitLt(*sizes, has_fp16_weights=False)
            else:
                packed = bnb.nn.Linear4bit(*sizes, compute_dtype=torch.float32, quant_type=kind)
            packed.load_state_dict(linear.state_dict())
            model[index] = packed.to("cpu").requires_grad_(False)
        return model

    return quantise


BACKENDS = {
    "torchao-int8": by_torchao(8),
    "torchao-int4": by_torchao(4),
    "bitsandbytes-int8": by_bitsandbytes("int8"),
    "bitsandbytes-nf4": by_bitsandbytes("nf4"),
    "bitsandbytes-fp4": by_bitsandbytes("fp4"),
}
backends = pytest.mark.parametrize("backend", BACKENDS)


def injected(backend: str, *, seed: int = 0, bias: bool = True) -> nn.Sequential:
    model = BACKENDS[backend](dense_model(seed, bias=bias))
    glora.inject(model, SPACE)
    assert all(isinstance(model[i], bases.GLoRAQuantizedLinear) for i in (0, 2))
    return model


def inputs(rows: int = 5) -> Tensor:
    return torch.randn(rows, WIDTH, generator=torch.Generator().manual_seed(1))


@backends
@pytest.mark.parametrize("bias", [True, False])
def test_forward_and_backward_equal_the_plain_formula(backend: str, bias: bool) -> None:
    layer = injected(backend, bias=bias)[0]
    fill_with_noise(nn.Sequential(layer))
    weight = layer.weight
    for codes in itertools.islice(all_codes(), 0, None, 7):
        layer.set_codes(codes)
        x = inputs().requires_grad_()
        values, x64 = leaves(layer), x.detach().double().requires_grad_()
        expected = plain_forward(layer, x64, values)
        output = layer(x)
        torch.testing.assert_close(output.double(), expected, rtol=1e-4, atol=1e-4)
        layer.zero_grad()
        output.square().sum().backward()
        expected.square().sum().backward()
        scale = float(x64.grad.abs().max())
        torch.testing.assert_close(x.grad.double(), x64.grad, rtol=1e-4, atol=1e-5 * scale)
        for name, slices in layer.active_slices().items():
            found = layer.support_parameters()[name].grad[slices].double()
            wanted = values[name].grad[slices]
            torch.testing.assert_close(
                found, wanted, rtol=1e-3, atol=1e-5 * float(wanted.abs().max())
            )
    assert torch.equal(layer.weight, weight)
    assert all(p.grad is None for p in layer.base.parameters())


@backends
def test_step_0_is_the_dequantised_model_and_near_the_librarys_kernel(backend: str) -> None:
    own = BACKENDS[backend](dense_model())(inputs())
    model = injected(backend)
    dense = dense_model()
    for index in (0, 2):
        dense[index].weight = nn.Parameter(model[index].weight, requires_grad=False)
    glora.set_structure(model, SPACE.largest([m.site for m in glora.glora_layers(model).values()]))
    assert torch.equal(model(inputs()), dense(inputs()))
    torch.testing.assert_close(model(inputs()), own, rtol=0, atol=0.03)


@backends
def test_no_dense_weight_is_kept_for_backward(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = injected(backend)
    glora.set_structure(model, [[2, 3, 0, 2, 2]] * 2)
    made: list[weakref.ref[Tensor]] = []
    plain = bases.dequantized

    def counted(module: nn.Module) -> Tensor:
        dense = plain(module)
        made.append(weakref.ref(dense))
        return dense

    monkeypatch.setattr(bases, "dequantized", counted)
    output = model(inputs().requires_grad_())
    assert len(made) >= 2
    assert not any(reference() is not None for reference in made)
    forward = len(made)
    output.sum().backward()
    assert len(made) > forward


@backends
def test_training_lowers_the_loss_and_leaves_the_weight_packed(backend: str) -> None:
    model = injected(backend)
    glora.set_structure(model, [[3, 3, 3, 2, 2]] * 2)
    before = [model[i].weight for i in (0, 2)]
    target = torch.randn(5, WIDTH, generator=torch.Generator().manual_seed(2))
    trained = [p for layer in glora.glora_layers(model).values() for p in layer.parameters()]
    optimizer = torch.optim.AdamW([p for p in trained if p.requires_grad], lr=0.02)
    losses = []
    for _ in range(8):
        loss = (model(inputs()) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]
    assert all(torch.equal(model[i].weight, w) for i, w in zip((0, 2), before, strict=True))


@backends
def test_autocast_computes_in_its_type(backend: str) -> None:
    model = injected(backend)
    glora.set_structure(model, [[2, 3, 2, 2, 2]] * 2)
    fill_with_noise(model, 0.05)
    x = inputs().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = model(x)
    assert output.dtype == torch.bfloat16
    output.float().sum().backward()
    assert torch.isfinite(x.grad).all()
    torch.testing.assert_close(output.float(), model(x), rtol=0.1, atol=0.2)


@backends
@pytest.mark.parametrize("dtype", [None, torch.bfloat16, torch.float64])
def test_merging_dequantises_into_a_type(backend: str, dtype: torch.dtype | None) -> None:
    model = injected(backend)
    sites = [layer.site for layer in glora.glora_layers(model).values()]
    glora.set_structure(model, SPACE.largest(sites))
    fill_with_noise(model, 0.05)
    expected, layers = model(inputs()), [model[0], model[2]]
    packed = [layer.base.state_dict() for layer in layers]
    glora.merge(model, dtype)
    assert all(type(model[i]) is nn.Linear for i in (0, 2))
    assert {model[i].weight.dtype for i in (0, 2)} == {dtype or torch.float32}
    found = model(inputs().to(dtype or torch.float32)).float()
    tolerance = 0.1 if dtype == torch.bfloat16 else 1e-4
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)
    assert list(model.state_dict()) == list(dense_model().state_dict())
    glora.unmerge(model)
    assert [model[0], model[2]] == layers
    assert torch.equal(model(inputs()), expected)
    for layer, before in zip(layers, packed, strict=True):
        assert str(layer.base.state_dict()) == str(before)
    with pytest.raises(MergeError, match="floating-point"):
        glora.merge(model, torch.int8)


@backends
def test_a_half_precision_body_computes_in_its_type_and_merges_into_one_type(backend: str) -> None:
    model = BACKENDS[backend](dense_model().to(torch.bfloat16))
    glora.inject(model, SPACE)
    glora.set_structure(model, [[2, 3, 2, 2, 2]] * 2)
    fill_with_noise(model, 0.05)
    x = inputs().to(torch.bfloat16)
    output = model(x)
    assert output.dtype == torch.bfloat16
    glora.merge(model)
    (kind,) = {p.dtype for p in model.parameters()}
    torch.testing.assert_close(model(x.to(kind)).float(), output.float(), rtol=0.05, atol=0.05)
    glora.unmerge(model)
    glora.merge(model, torch.bfloat16)
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}
    torch.testing.assert_close(model(x).float(), output.float(), rtol=0.05, atol=0.05)


@backends
def test_an_adapter_fits_the_same_quantised_body_and_its_dense_twin_only(
    backend: str, tmp_path: Path
) -> None:
    model = injected(backend)
    glora.set_structure(model, [[2, 3, 2, 2, 2]] * 2)
    fill_with_noise(model)
    glora.save_adapter(model, tmp_path)
    expected = model(inputs())
    body = BACKENDS[backend](dense_model())
    glora.load_adapter(body, tmp_path)
    assert torch.equal(body(inputs()), expected)
    dense = dense_model()
    for index in (0, 2):
        dense[index].weight = nn.Parameter(model[index].weight, requires_grad=False)
    glora.load_adapter(dense, tmp_path)
    assert torch.equal(dense(inputs()), expected)
    for other in (dense_model(), BACKENDS[backend](dense_model(seed=1))):
        with pytest.raises(AdapterError, match="another body"):
            glora.load_adapter(other, tmp_path)


@backends
def test_eject_gives_the_librarys_layers_back(backend: str) -> None:
    model = BACKENDS[backend](dense_model())
    before = [model[0], model[2]]
    expected = model(inputs())
    glora.inject(model, SPACE)
    model(inputs())
    glora.eject(model)
    assert [model[0], model[2]] == before
    assert torch.equal(model(inputs()), expected)


def test_a_layer_that_is_not_quantised_yet_is_refused() -> None:
    bnb = pytest.importorskip("bitsandbytes", reason="tools/extras installs bitsandbytes")
    model = nn.Sequential(bnb.nn.Linear4bit(WIDTH, OUT))
    with pytest.raises(ConfigurationError, match="not quantised yet; move the model"):
        glora.inject(model, SPACE)
    assert type(model[0]) is bnb.nn.Linear4bit
    assert model[0].bias.requires_grad
