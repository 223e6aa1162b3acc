"""Which known methods are structures of GLoRA, and which are not (docs/mathematics.md)."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from peft import IA3Config, LoraConfig, get_peft_model
from small_models import tiny_bert, tokens
from torch import Tensor, nn

import glora
from glora.structure import SearchSpace

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
SPACE = SearchSpace((1, 2))
OUT, WIDTH = 4, 6


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def site(forms: dict[str, str], values: dict[str, Tensor]) -> tuple[nn.Module, nn.Linear]:
    """A layer in the given forms with the given leading numbers, and the layer it adapts."""
    base = nn.Linear(WIDTH, OUT).double()
    with torch.no_grad():
        base.weight.copy_(drawn(OUT, WIDTH))
        base.bias.copy_(drawn(OUT, seed=1))
    model = nn.Sequential(copy.deepcopy(base))
    glora.inject(model, SPACE)
    glora.set_structure(model, {"0": forms})
    with torch.no_grad():
        for name, value in values.items():
            parameter = getattr(model[0], name)
            parameter[tuple(slice(n) for n in value.shape)] = value
    return model, base


X = drawn(5, WIDTH, seed=2)
EXACT = {"rtol": 1e-12, "atol": 1e-12}


def test_lora_is_b() -> None:
    """Hu et al. 2022, PEFT's layer: W0 + alpha/r · lora_B·lora_A."""
    down, up = drawn(OUT, 2, seed=3), drawn(2, WIDTH, seed=4)
    model, base = site({"B": "lora-2"}, {"Bd": 1.5 * down, "Bu": up})
    peft = get_peft_model(
        nn.Sequential(base), LoraConfig(r=2, lora_alpha=3, target_modules=["0"])
    ).double()
    with torch.no_grad():
        layer = peft.base_model.model[0]
        layer.lora_B["default"].weight.copy_(down)
        layer.lora_A["default"].weight.copy_(up)
    torch.testing.assert_close(model(X), peft(X), **EXACT)


def test_bitfit_at_the_sites_is_e() -> None:
    """Ben Zaken et al. 2022: only biases are trained. Those of norms belong to no site."""
    delta = drawn(OUT, seed=3)
    model, base = site({"E": "vector"}, {"E": delta})
    with torch.no_grad():
        base.bias.add_(delta)
    torch.testing.assert_close(model(X), base(X), **EXACT)
    # Their training is one as well: the gradients are equal.
    model(X).square().sum().backward()
    base(X).square().sum().backward()
    torch.testing.assert_close(model[0].E.grad, base.bias.grad, **EXACT)


def test_ssf_after_a_linear_layer_is_a_and_d_tied_and_e() -> None:
    """Lian et al. 2022: γ∘(W0·x + b0) + β. A and D hold γ − 1, β is E."""
    gamma, beta = drawn(OUT, seed=3), drawn(OUT, seed=4)
    model, base = site(
        {"A": "vector", "D": "vector", "E": "vector"},
        {"Ad": (gamma - 1).unsqueeze(1), "D": gamma - 1, "E": beta},
    )
    torch.testing.assert_close(model(X), gamma * base(X) + beta, **EXACT)


def test_ssf_is_not_a_alone() -> None:
    gamma = drawn(OUT, seed=3)
    model, base = site({"A": "vector"}, {"Ad": (gamma - 1).unsqueeze(1)})
    difference = gamma * base(X) - model(X)
    torch.testing.assert_close(difference, ((gamma - 1) * base.bias).expand(5, -1), **EXACT)


def test_ia3_of_peft_is_a_and_d_on_keys_and_values_and_a_lora_a_on_the_feed_forward() -> None:
    """Liu et al. 2022: learned factors on keys, values and on the input of the second layer."""
    config = IA3Config(
        target_modules=["key", "value", "output.dense"],
        feedforward_modules=["output.dense"],
    )
    peft = get_peft_model(tiny_bert(), config).eval()
    factors = {
        name.removesuffix(".ia3_l.default").removeprefix("base_model.model."): parameter
        for name, parameter in peft.named_parameters()
        if "ia3_l" in name
    }
    generator = torch.Generator().manual_seed(0)
    model = tiny_bert()
    glora.inject(model, SPACE, targets=[f"re:{name}" for name in factors])
    forms = {}
    with torch.no_grad():
        for name, factor in factors.items():
            factor.add_(0.3 * torch.randn(factor.shape, generator=generator))
            layer, change = glora.glora_layers(model)[name], factor.flatten() - 1
            if name.endswith("output.dense"):
                # W0·(l∘x) = (W0∘(1·lᵀ))·x: of rank one, and constant along the outputs.
                forms[name] = {"A": "lora-1"}
                layer.Ad[:, 0], layer.Au[0] = 1, change
            else:
                forms[name] = {"A": "vector", "D": "vector"}
                layer.Ad[:, 0] = change
                if layer.D is not None:  # a key's bias is dead in BERT
                    layer.D.copy_(change)
    glora.set_structure(model, forms)
    expected = peft(**tokens()).logits
    assert not torch.allclose(expected, tiny_bert()(**tokens()).logits, atol=1e-3)
    torch.testing.assert_close(model(**tokens()).logits, expected, rtol=1e-4, atol=1e-5)


def test_factors_on_the_input_are_no_vector_a_unless_it_is_the_matrix_product() -> None:
    factor = drawn(WIDTH, seed=3)
    base = nn.Linear(WIDTH, OUT, bias=False).double()
    with torch.no_grad():
        base.weight.copy_(drawn(OUT, WIDTH))
    wanted = base.weight * factor
    # The best factors on the rows, in the least squares' sense, are far off.
    rows = (wanted * base.weight).sum(1) / base.weight.square().sum(1)
    missed = wanted - rows.unsqueeze(1) * base.weight
    assert missed.norm() > 0.3 * wanted.norm()
    model = nn.Sequential(base)
    glora.inject(model, SearchSpace((1,), a_product="matmul"))
    glora.set_structure(model, {"0": {"A": "vector"}})
    with torch.no_grad():
        model[0].Ad[:, 0] = factor - 1
    torch.testing.assert_close(model(X), X @ wanted.T, **EXACT)


def test_an_additive_prompt_is_c() -> None:
    """A vector added to each input of the layer: W0·(x + p) + b0."""
    prompt = drawn(WIDTH, seed=3)
    model, base = site({"C": "vector"}, {"Cd": prompt.unsqueeze(1)})
    torch.testing.assert_close(model(X), base(X + prompt), **EXACT)


def attention(x: Tensor, linears: list[nn.Module]) -> Tensor:
    """One head over the tokens of x [tokens, width]; its output at the last of them."""
    query, key, value, output = linears
    scores = query(x[-1:]) @ key(x).T
    result: Tensor = output(scores.softmax(-1) @ value(x))
    return result


def bend(f, x: Tensor, y: Tensor) -> float:
    """How far f is from an affine map, which has f(x) + f(y) = f(x + y) + f(0)."""
    return float((f(x) + f(y) - f(x + y) - f(torch.zeros_like(x))).detach().abs().max())


def test_a_prepended_prompt_is_no_structure() -> None:
    """Jia et al. 2022 (VPT). Over one token attention is affine whatever GLoRA does to its four
    layers; over one token and a prompt before it, it is not."""
    torch.manual_seed(0)
    linears = [nn.Linear(WIDTH, WIDTH).double() for _ in range(4)]
    x, y, prompt = drawn(1, WIDTH, seed=3), drawn(1, WIDTH, seed=4), drawn(1, WIDTH, seed=5)
    assert bend(lambda t: attention(torch.cat([prompt, t]), linears), x, y) > 1e-2
    model = nn.ModuleList(linears)
    sites = glora.inject(model, SPACE)
    glora.set_structure(model, SPACE.largest(sites))
    with torch.no_grad():
        for seed, layer in enumerate(glora.glora_layers(model).values()):
            for parameter in layer.support_parameters().values():
                parameter.copy_(drawn(*parameter.shape, seed=seed))
    assert bend(lambda t: attention(t, list(model)), x, y) < 1e-12


def test_a_bottleneck_adapter_is_no_structure() -> None:
    """Houlsby et al. 2019: between its two layers is a non-linearity; a site stays affine."""
    torch.manual_seed(0)
    base, down, up = (nn.Linear(n, m).double() for n, m in ((WIDTH, OUT), (OUT, 2), (2, OUT)))
    x, y = drawn(1, WIDTH, seed=3), drawn(1, WIDTH, seed=4)
    assert bend(lambda t: base(t) + up(torch.relu(down(base(t)))), x, y) > 1e-3
    model, _ = site(dict.fromkeys("AB", "lora-2"), {"Ad": drawn(OUT, 2), "Bd": drawn(OUT, 2)})
    assert bend(model, x, y) < 1e-12


def test_lora_c_reaches_nothing_that_vector_c_does_not() -> None:
    down, up = drawn(WIDTH, 2, seed=3), drawn(2, 1, seed=4)
    large, _ = site({"C": "lora-2"}, {"Cd": down, "Cu": up})
    small, _ = site({"C": "vector"}, {"Cd": down @ up})
    torch.testing.assert_close(large(X), small(X), **EXACT)
    sizes = [
        glora.count_parameters(glora.current_structure(m), [m[0].site]) for m in (large, small)
    ]
    assert sizes == [2 * (WIDTH + 1), WIDTH]


def test_the_page_names_what_is_tested_here() -> None:
    page = (Path(__file__).parents[2] / "docs" / "mathematics.md").read_text(encoding="utf-8")
    for method in ("LoRA", "BitFit", "SSF", "(IA)³", "DoRA", "VPT", "additive prompt"):
        assert method in page
