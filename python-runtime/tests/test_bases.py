"""Layers that are no plain `nn.Linear`, against the plain formula and torch's own convolutions."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
from oracle import all_codes, plain_weight_and_bias
from small_models import fill_with_noise, with_noise
from torch import Tensor, nn
from torch.nn import functional
from transformers.pytorch_utils import Conv1D

import glora
from glora.bases import weight_and_bias
from glora.errors import AdapterError, ConfigurationError
from glora.structure import SearchSpace

SPACE = SearchSpace((2,))


def tiny_gpt2() -> nn.Module:
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=30, n_positions=12, n_embd=8, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0
    )
    torch.manual_seed(0)
    return with_noise(GPT2LMHeadModel(config)).eval()


def tiny_vit() -> nn.Module:
    from transformers import ViTConfig, ViTForImageClassification

    config = ViTConfig(
        image_size=8,
        patch_size=4,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=12,
    )
    torch.manual_seed(0)
    return with_noise(ViTForImageClassification(config)).eval()


IDS = torch.tensor([[1, 5, 9, 2, 7], [3, 3, 0, 8, 4]])
PIXELS = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(3))


def conv1d_module(width: int, out: int) -> nn.Module:
    return with_noise(Conv1D(out, width).double())


def in_place_of(base: nn.Module, space: SearchSpace = SPACE) -> nn.Sequential:
    """`base` inside a model, injected by an explicit pattern, its support tensors filled."""
    model = nn.Sequential(base)
    glora.inject(model, space, targets="0")
    fill_with_noise(model)
    return model


def oracle_parts(model: nn.Sequential) -> tuple[Tensor, Tensor]:
    """W* and b* by the plain formula, from the weight written as [out, in]."""
    layer = model[0]
    weight, bias = weight_and_bias(layer)
    values = {n: p.detach().double() for n, p in layer.support_parameters().items()}
    return plain_weight_and_bias(
        weight.detach().double(),
        None if bias is None else bias.detach().double(),
        values,
        layer.codes,
        layer.space.ranks,
        layer.space.a_product,
    )


# Every 7th of the 432 forms: 7 divides none of the numbers of forms, so each form of each appears.
SOME_CODES = list(itertools.islice(all_codes(), 0, None, 7))


def test_the_drawn_forms_hold_every_form_of_every_tensor() -> None:
    assert [len(set(column)) for column in zip(*SOME_CODES, strict=True)] == [4, 4, 3, 3, 3]


@pytest.mark.parametrize("a_product", ["hadamard", "matmul"])
def test_conv1d_equals_the_plain_formula_and_merges_into_a_conv1d(a_product: str) -> None:
    base = conv1d_module(5, 3)
    stored = base.weight.clone()
    model = in_place_of(base, SearchSpace((2,), a_product=a_product))
    x = torch.randn(2, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for codes in SOME_CODES:
        glora.set_structure(model, [codes])
        weight, bias = oracle_parts(model)
        expected = x @ weight.T + bias
        torch.testing.assert_close(model(x), expected, rtol=1e-10, atol=1e-10)
        glora.merge(model)
        assert type(model[0]) is Conv1D
        assert model[0].weight.shape == (5, 3)
        torch.testing.assert_close(model(x), expected, rtol=1e-10, atol=1e-10)
        glora.unmerge(model)
        assert torch.equal(model[0].base.weight, stored)


CONVOLUTIONS = [
    (nn.Conv2d(2, 3, 1), (2, 2, 4, 5)),
    (nn.Conv2d(2, 3, 1, stride=2, bias=False), (2, 2, 4, 5)),
    (nn.Conv2d(2, 3, (2, 3), stride=(2, 3)), (2, 2, 4, 6)),
    (nn.Conv1d(2, 3, 4, stride=4), (2, 2, 8)),
    (nn.Conv3d(1, 2, 2, stride=2, padding="valid"), (1, 1, 4, 4, 2)),
]


@pytest.mark.parametrize(("base", "shape"), CONVOLUTIONS)
def test_a_convolution_equals_the_plain_formula_on_its_patches(
    base: nn.Module, shape: tuple[int, ...]
) -> None:
    base = with_noise(base.double())
    stored = base.weight.clone()
    model = in_place_of(base)
    x = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    convolve = {3: functional.conv1d, 4: functional.conv2d, 5: functional.conv3d}[x.dim()]
    for codes in SOME_CODES:
        glora.set_structure(model, [codes])
        weight, bias = oracle_parts(model)
        expected = convolve(x, weight.view(stored.shape), bias, base.stride)
        torch.testing.assert_close(model(x), expected, rtol=1e-10, atol=1e-10)
        report = glora.merge(model)
        assert type(model[0]) is type(base)
        assert report.max_output_error < 1e-10
        torch.testing.assert_close(model(x), expected, rtol=1e-10, atol=1e-10)
        glora.unmerge(model)
        assert torch.equal(model[0].base.weight, stored)


def test_a_patch_embedding_is_the_linear_layer_over_unfolded_patches() -> None:
    base = with_noise(nn.Conv2d(2, 3, 2, stride=2).double())
    model = in_place_of(base)
    glora.set_structure(model, [(3, 3, 3, 2, 2)])
    weight, bias = oracle_parts(model)
    x = torch.randn(1, 2, 4, 4, dtype=torch.float64)
    patches = functional.unfold(x, 2, stride=2).transpose(1, 2)  # [batch, patches, in·k·k]
    expected = (patches @ weight.T + bias).transpose(1, 2).view(1, 3, 2, 2)
    torch.testing.assert_close(model(x), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", ["conv1d", "convolution"])
def test_gradients_of_other_bases(kind: str) -> None:
    base = conv1d_module(3, 2) if kind == "conv1d" else with_noise(nn.Conv2d(1, 2, 2, 2).double())
    model = in_place_of(base)
    shape = (2, 3) if kind == "conv1d" else (1, 1, 4, 2)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    layer = model[0]
    parameters = list(layer.support_parameters().values())
    for codes in ((3, 3, 3, 2, 2), (2, 2, 2, 1, 1), (1, 1, 0, 0, 2)):
        layer.set_codes(codes)
        # A second backward pass finds the output let go: equal but for rounding.
        assert torch.autograd.gradcheck(lambda x, *_: model(x), (x, *parameters), nondet_tol=1e-12)
        assert layer.base.weight.grad is None


def test_gpt2_is_adapted_by_all_linear_and_its_tied_head_is_not() -> None:
    model = tiny_gpt2()
    expected = model(IDS).logits
    sites = glora.inject(model, SPACE)
    kinds = ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
    assert [s.name for s in sites] == [f"transformer.h.{i}.{k}" for i in (0, 1) for k in kinds]
    fused = sites[0]
    assert (fused.in_features, fused.out_features, fused.has_bias) == (8, 24, True)
    glora.set_structure(model, SPACE.largest(sites))
    assert torch.equal(model(IDS).logits, expected)
    with pytest.raises(ConfigurationError, match=r"'lm_head' shares its weight with"):
        glora.inject(tiny_gpt2(), SPACE, targets="lm_head")


@pytest.mark.parametrize("make", [tiny_gpt2, tiny_vit])
def test_a_merged_model_has_the_plain_models_keys_and_loads_into_one(make) -> None:
    inputs = {"input_ids": IDS} if make is tiny_gpt2 else {"pixel_values": PIXELS}
    model = make()
    expected = model(**inputs).logits
    state = {k: v.clone() for k, v in model.state_dict().items()}
    sites = glora.inject(model, SPACE, targets=["all-linear", "*"], exclude=("lm_head",))
    glora.set_structure(model, SPACE.largest(sites))
    assert torch.equal(model(**inputs).logits, expected)
    assert set(state) < set(model.state_dict())
    assert all(torch.equal(model.state_dict()[k], v) for k, v in state.items())
    fill_with_noise(model, 0.05)
    adapted = model(**inputs).logits
    assert not torch.allclose(adapted, expected, atol=1e-3)
    glora.merge(model)
    merged = model(**inputs).logits
    torch.testing.assert_close(merged, adapted, rtol=1e-4, atol=1e-5)
    assert list(model.state_dict()) == list(state)
    plain = make()
    plain.load_state_dict(model.state_dict())
    assert torch.equal(plain(**inputs).logits, merged)
    glora.unmerge(model)
    assert torch.equal(model(**inputs).logits, adapted)
    glora.eject(model)
    assert torch.equal(model(**inputs).logits, expected)


@pytest.mark.parametrize("make", [tiny_gpt2, tiny_vit])
def test_adapters_of_other_bases_travel(make, tmp_path: Path) -> None:
    inputs = {"input_ids": IDS} if make is tiny_gpt2 else {"pixel_values": PIXELS}
    model = make()
    sites = glora.inject(model, SPACE, targets="*", exclude=("lm_head",))
    structure = SPACE.largest(sites)
    glora.set_structure(model, structure)
    fill_with_noise(model)
    saved = glora.save_adapter(model, tmp_path)
    assert saved.entries == glora.count_parameters(structure, sites)
    body = make()
    glora.load_adapter(body, tmp_path)
    assert torch.equal(body(**inputs).logits, model(**inputs).logits)


def test_convolutions_need_an_explicit_pattern() -> None:
    embedding = "vit.embeddings.patch_embeddings.projection"
    sites = glora.inject(tiny_vit(), SPACE)
    assert embedding not in [s.name for s in sites]
    (site,) = glora.inject(tiny_vit(), SPACE, targets="patch_embeddings.projection")
    assert (site.name, site.in_features, site.out_features) == (embedding, 48, 8)


@pytest.mark.parametrize(
    "base",
    [
        nn.Conv2d(2, 2, 3, padding=1),
        nn.Conv2d(2, 2, 3),
        nn.Conv2d(2, 2, 2, stride=2, padding=1),
        nn.Conv2d(2, 2, 1, groups=2),
        nn.Conv2d(2, 2, 2, stride=2, dilation=2),
    ],
)
def test_a_convolution_that_is_no_linear_layer_is_refused(base: nn.Module) -> None:
    model = nn.Sequential(base, nn.Linear(2, 2))
    with pytest.raises(ConfigurationError, match="'0', a Conv2d, and no linear layer"):
        glora.inject(model, SPACE, targets="0")
    assert [s.name for s in glora.inject(model, SPACE, targets="*")] == ["1"]


def test_an_adapter_of_a_linear_layer_is_refused_where_there_is_none(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(3, 2))
    glora.inject(model, SPACE)
    glora.save_adapter(model, tmp_path)
    with pytest.raises(AdapterError, match=r"another body: A LayerNorm holds no linear map"):
        glora.load_adapter(nn.Sequential(nn.LayerNorm(3)), tmp_path)
