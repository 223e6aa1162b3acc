from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from small_models import fill_with_noise, tiny_bert, tokens
from torch import nn

import glora
from glora.errors import ConfigurationError
from glora.layer import GLoRALinear
from glora.structure import SearchSpace
from glora.targets import find_targets

SPACE = SearchSpace((1, 2))
KINDS = [
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
]
BLOCKS = [f"bert.encoder.layer.{i}.{kind}" for i in range(2) for kind in KINDS]


def test_the_documented_calls_work_on_bert() -> None:
    model = tiny_bert()
    expected = model(**tokens()).logits
    space = glora.SearchSpace(ranks=(2, 4, 8))
    sites = glora.inject(model, space, targets="all-linear", exclude=("head",))
    assert [site.name for site in sites] == [*BLOCKS, "bert.pooler.dense"]
    structure = space.largest(sites)
    glora.set_structure(model, structure)
    assert glora.count_parameters(structure, sites) > glora.count_parameters(
        structure, sites, folded=True
    )
    # Step 0 is the pre-trained model, bit for bit.
    assert torch.equal(model(**tokens()).logits, expected)
    assert [n for n, p in model.named_parameters() if p.requires_grad and "classifier" in n] == []
    assert isinstance(model.classifier, nn.Linear)


def test_sites_say_shape_bias_and_dead_tensors() -> None:
    model = tiny_bert()
    sites = glora.inject(model, SPACE, exclude=["pooler", "classifier"])
    assert [site.name for site in sites] == BLOCKS
    by_name = {site.name: site for site in sites}
    up = by_name["bert.encoder.layer.0.intermediate.dense"]
    assert (up.in_features, up.out_features, up.has_bias, up.dead) == (16, 24, True, frozenset())
    assert {s.name for s in sites if s.dead} == {n for n in BLOCKS if n.endswith("self.key")}


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ("query", ["0.attention.self.query", "1.attention.self.query"]),
        ("layer.1.attention.self", [f"1.{k}" for k in KINDS[:3]]),
        ("*.layer.?.output.dense", ["0.output.dense", "1.output.dense"]),
        (
            r"re:.*layer\.0\.(intermediate|output)\.dense",
            ["0.intermediate.dense", "0.output.dense"],
        ),
        (
            ["value", "query"],
            [f"{i}.attention.self.{k}" for i in (0, 1) for k in ("query", "value")],
        ),
    ],
)
def test_patterns(targets: str | list[str], expected: list[str]) -> None:
    found = find_targets(tiny_bert(), targets, ())
    assert list(found) == [f"bert.encoder.layer.{name}" for name in expected]


def test_an_explicit_pattern_reaches_the_head_and_all_linear_does_not() -> None:
    model = tiny_bert()
    assert "classifier" not in find_targets(model, "all-linear", ())
    assert list(find_targets(model, "classifier", ("head",))) == ["classifier"]


@pytest.mark.parametrize(
    ("targets", "exclude", "said"),
    [
        ("qery", (), "did you mean 'query'"),
        ("re:(", (), "not a regular expression"),
        (["query", "nothing.like.it"], (), "'nothing.like.it' matches none of the model's 14"),
        ("LayerNorm", (), "a LayerNorm, and no linear layer"),
        ("query", ("attention",), "takes all of them away"),
        ("", (), "expected a name"),
    ],
)
def test_patterns_that_find_nothing_are_refused_and_change_nothing(
    targets: str, exclude: tuple[str, ...], said: str
) -> None:
    model = tiny_bert()
    with pytest.raises(ConfigurationError) as caught:
        glora.inject(model, SPACE, targets, exclude)
    assert said in str(caught.value)
    assert not glora.glora_layers(model)
    assert all(p.requires_grad for p in model.parameters())


class Shared(nn.Module):
    """`twice` hangs in two places; `tied` shares its weight with the embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(6, 4)
        self.twice = nn.Linear(4, 4)
        self.again = nn.ModuleList([self.twice])
        self.tied = nn.Linear(4, 6, bias=False)
        self.tied.weight = self.embedding.weight

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.tied(self.again[0](self.twice(self.embedding(ids))))


def test_a_module_in_two_places_is_one_site() -> None:
    model = Shared()
    expected = model(torch.arange(6))
    sites = glora.inject(model, SPACE, targets="all-linear", exclude=("tied",))
    assert [site.name for site in sites] == ["twice"]
    assert isinstance(model.twice, GLoRALinear)
    assert model.again[0] is model.twice
    assert torch.equal(model(torch.arange(6)), expected)
    glora.set_structure(model, {"twice": {"B": "vector"}})
    fill_with_noise(model)
    adapted = model(torch.arange(6))
    glora.merge(model)
    assert type(model.twice) is nn.Linear
    assert model.again[0] is model.twice
    torch.testing.assert_close(model(torch.arange(6)), adapted)


def test_a_tied_weight_is_refused_only_where_it_is_targeted() -> None:
    with pytest.raises(
        ConfigurationError, match=r"'tied' shares its weight with 'embedding.weight'"
    ):
        glora.inject(Shared(), SPACE)
    assert glora.inject(Shared(), SPACE, targets="twice")


def test_layers_that_an_adapter_would_break_are_refused() -> None:
    attention = nn.Sequential(nn.MultiheadAttention(4, 2))
    with pytest.raises(ConfigurationError, match="NonDynamicallyQuantizableLinear"):
        glora.inject(attention, SPACE)
    hooked = nn.Sequential(nn.Linear(2, 2))
    hooked[0].register_forward_hook(lambda *_: None)
    with pytest.raises(ConfigurationError, match="has hooks"):
        glora.inject(hooked, SPACE)
    with pytest.raises(ConfigurationError, match="wrap it"):
        glora.inject(nn.Linear(2, 2), SPACE)
    with pytest.raises(ConfigurationError, match="has no linear layer"):
        glora.inject(nn.Sequential(nn.ReLU()), SPACE)


def test_a_second_injection_is_refused() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    glora.inject(model, SPACE)
    with pytest.raises(ConfigurationError, match="eject"):
        glora.inject(model, SPACE)


def test_eject_restores_the_very_modules() -> None:
    model = tiny_bert()
    before = dict(model.named_modules())
    state = copy.deepcopy(model.state_dict())
    glora.inject(model, SPACE)
    fill_with_noise(model)
    glora.eject(model)
    after = dict(model.named_modules())
    assert list(after) == list(before)
    assert all(after[name] is before[name] for name in before)
    assert all(torch.equal(state[k], v) for k, v in model.state_dict().items())
    with pytest.raises(ConfigurationError, match="nothing to eject"):
        glora.eject(model)


def test_original_keys_stay_in_the_state_dict() -> None:
    model = tiny_bert()
    keys = set(model.state_dict())
    glora.inject(model, SPACE)
    assert keys < set(model.state_dict())
    assert not any("base" in key for key in set(model.state_dict()) - keys)


def test_all_ways_to_write_a_structure_are_one() -> None:
    model = tiny_bert()
    sites = glora.inject(model, SPACE, targets="query")
    codes = np.array([[0, 4, 2, 0, 1], [2, 0, 0, 0, 0]], dtype=np.int8)
    structure = SPACE.structure([s.name for s in sites], codes)
    forms = {s.name: structure.forms(s.name) for s in sites}
    for written in (
        structure,
        codes,
        codes.tolist(),
        torch.from_numpy(codes),
        forms,
        structure.to_dict(),
        SPACE.structure(structure.sites, codes),
    ):
        glora.set_structure(model, np.zeros((2, 5), dtype=np.int8))
        glora.set_structure(model, written)
        assert glora.current_structure(model) == structure


@pytest.mark.parametrize(
    ("structure", "said"),
    [
        (np.zeros((3, 5), np.int8), "shape [3, 5]"),
        (np.zeros((2, 5)), "float64"),
        (np.array([[0, 0, 0, 0, 0], [9, 0, 0, 0, 0]]), "code 9"),
        ({"bert.encoder.layer.0.attention.self.qery": {}}, "did you mean"),
        (SearchSpace((8,)).structure(["x", "y"], np.zeros((2, 5), int)), "differ"),
    ],
)
def test_a_structure_that_does_not_fit_is_refused_and_the_old_one_stays(
    structure: object, said: str
) -> None:
    model = tiny_bert()
    glora.inject(model, SPACE, targets="query")
    glora.set_structure(model, [[1, 0, 0, 0, 0], [0, 2, 0, 0, 0]])
    before = glora.current_structure(model)
    with pytest.raises(ConfigurationError) as caught:
        glora.set_structure(model, structure)
    assert said in str(caught.value)
    assert glora.current_structure(model) == before


def test_a_plain_model_has_no_structure() -> None:
    with pytest.raises(ConfigurationError, match="inject"):
        glora.set_structure(nn.Sequential(nn.Linear(2, 2)), [[0] * 5])


def test_a_seed_fixes_the_support_tensors() -> None:
    states = []
    for _ in range(2):
        model = tiny_bert()
        torch.manual_seed(len(states))
        glora.inject(model, SPACE, generator=torch.Generator().manual_seed(4))
        states.append(model.state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
