from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glora
from glora.errors import ConfigurationError
from glora.forms import TENSORS, all_forms, form_code, form_name
from glora.structure import Counts, SearchSpace, Site, Structure

SITES = [
    Site("a.query", 6, 4, True),
    Site("a.key", 6, 4, True, frozenset("CDE")),
    Site("b", 5, 7, False),
]
NAMES = [site.name for site in SITES]


def test_codes_are_those_of_the_contract() -> None:
    ranks = (2, 4, 8)
    assert [form_code("A", f, ranks) for f in ("none", "scalar", "vector")] == [0, 1, 2]
    assert [form_code("B", f"lora-{r}", ranks) for r in ranks] == [3, 4, 5]
    assert all_forms("C", ranks) == ["none", "vector", "lora-2", "lora-4", "lora-8"]
    assert all_forms("D", ranks) == all_forms("E", ranks) == ["none", "scalar", "vector"]
    for tensor in TENSORS:
        for form in all_forms(tensor, ranks):
            assert form_name(form_code(tensor, form, ranks), ranks) == form


def test_one_rank_gives_432_forms_of_a_site() -> None:
    space = SearchSpace((4,))
    assert np.prod([len(space.codes(tensor)) for tensor in TENSORS]) == 432


def test_a_space_orders_ranks_and_forms() -> None:
    space = SearchSpace((8, 2, 8), {"A": ["lora", "none"], "B": ["lora-8", "scalar"], "C": "none"})
    assert space.ranks == (2, 8)
    assert space.codes("A") == (0, 3, 4)
    assert space.codes("B") == (1, 4)
    assert space.codes("C") == (0,)
    assert space.codes("D") == (0, 1, 2)
    assert (space.max_rank("A"), space.max_rank("C"), space.max_rank("D")) == (8, 0, 0)
    assert space.codes("C", SITES[1]) == space.codes("D", SITES[2]) == (0,)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"ranks": ()}, "at least one integer"),
        ({"ranks": (0,)}, "1 or more"),
        ({"ranks": (2.0,)}, "1 or more"),
        ({"ranks": tuple(range(1, 127))}, "room for 125"),
        ({"forms": {"F": ["none"]}}, "'F'"),
        ({"forms": {"A": ["vektor"]}}, "did you mean 'vector'"),
        ({"forms": {"C": ["scalar"]}}, "Tensor C has no form 'scalar'"),
        ({"forms": {"D": ["lora"]}}, "Tensor D has no form 'lora'"),
        ({"forms": {"B": ["lora-3"]}}, "did you mean 'lora-4'"),
        ({"forms": {"E": []}}, "no form at all"),
        ({"a_product": "matmull"}, "did you mean 'matmul'"),
    ],
)
def test_a_wrong_space_is_refused_with_a_sentence(arguments: dict, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SearchSpace(**{"ranks": (4,), **arguments})
    assert said in str(caught.value)
    assert str(caught.value).endswith((".", "?"))


def test_spaces_and_structures_are_values() -> None:
    space = SearchSpace((4, 2), {"A": ["none", "lora"]})
    same = SearchSpace((2, 4), {"A": ["lora-4", "lora-2", "none"]})
    assert space == same
    assert hash(space) == hash(same)
    assert copy.deepcopy(space) == pickle.loads(pickle.dumps(space)) == space
    structure = space.largest(SITES)
    assert structure == same.largest(SITES)
    assert len({structure, same.largest(SITES), space.smallest(SITES)}) == 2
    with pytest.raises(ValueError, match="read-only"):
        structure.codes[0, 0] = 0


def test_a_structure_does_not_change_with_the_array_it_was_made_from() -> None:
    codes = np.zeros((3, 5), dtype=np.int8)
    structure = Structure(NAMES, codes, (4,))
    codes[:] = 2
    assert not structure.codes.any()


@given(st.data(), st.sets(st.integers(1, 40), min_size=1, max_size=5))
def test_json_gives_the_same_structure_back(data: st.DataObject, ranks: set[int]) -> None:
    space = SearchSpace(tuple(ranks), a_product=data.draw(st.sampled_from(["hadamard", "matmul"])))
    codes = [[data.draw(st.sampled_from(space.codes(t))) for t in TENSORS] for _ in NAMES]
    structure = space.structure(NAMES, codes)
    back = Structure.from_json(structure.to_json())
    assert back == structure
    assert back.to_json() == structure.to_json()


def test_json_is_readable_and_versioned() -> None:
    value = json.loads(SearchSpace((2, 4)).largest(SITES).to_json())
    assert value["version"] == 1
    assert value["sites"][0] == {
        "name": "a.query",
        "A": "lora-4",
        "B": "lora-4",
        "C": "lora-4",
        "D": "vector",
        "E": "vector",
    }


# A file written by version 1. It is kept as it is: later versions must go on reading it.
VERSION_1 = """
{"format": "glora-structure", "version": 1, "a_product": "hadamard", "ranks": [2, 4],
 "sites": [{"name": "x", "A": "vector", "B": "lora-4", "C": "none", "D": "scalar", "E": "none"},
           {"name": "y", "A": "none", "B": "lora-2", "C": "vector", "D": "none", "E": "vector"}]}
"""


def test_version_1_is_read() -> None:
    structure = Structure.from_json(VERSION_1)
    assert structure.sites == ("x", "y")
    assert structure.codes.tolist() == [[2, 4, 0, 1, 0], [0, 3, 2, 0, 2]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("[]", "not a structure"),
        ('{"format": "glora-structure", "version": 2}', "version 2"),
        ('{"format": "glora-structure", "version": 1}', "incomplete"),
        (VERSION_1.replace('"lora-4"', '"lora-3"'), "no form 'lora-3'"),
        (VERSION_1.replace('"name": "y"', '"name": "x"'), "twice"),
        (VERSION_1.replace('"E": "vector"', '"F": "vector"'), "'F'"),
    ],
)
def test_damaged_json_is_refused_with_a_sentence(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Structure.from_json(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "codes",
    [
        np.zeros((2, 5), np.int8),
        np.zeros((3, 5)),
        np.array([[0, 0, 1, 0, 0]] * 3),
        np.array([[4, 0, 0, 0, 0]] * 3),
        np.array([[0, 0, 0, 3, 0]] * 3),
        np.array([[-1, 0, 0, 0, 0]] * 3),
        np.array([[259, 0, 0, 0, 0]] * 3),
    ],
)
def test_wrong_codes_are_refused(codes: np.ndarray) -> None:
    with pytest.raises(ConfigurationError):
        Structure(NAMES, codes, (4,))


def test_canonical_sets_dead_genes_to_none() -> None:
    structure = SearchSpace((2,)).structure(NAMES, [[3, 3, 3, 2, 2]] * 3)
    canonical = structure.canonical(SITES)
    assert canonical.codes.tolist() == [[3, 3, 3, 2, 2], [3, 3, 0, 0, 0], [3, 3, 3, 0, 2]]
    assert canonical.canonical(SITES) == canonical


def test_counts_by_hand() -> None:
    space = SearchSpace((2, 4))
    structure = space.structure(NAMES, [[1, 4, 3, 1, 2], [2, 0, 2, 2, 2], [0, 1, 0, 2, 1]])
    # a.query: 1 + 4·(4+6) + 2·(6+1) + 1 + 4; a.key: 4, C to E dead; b: 1 + 1, D without a bias.
    assert glora.parameter_counts(structure, SITES) == Counts(60 + 4 + 2, 60 + 4 + 2, 45 + 4 + 8)
    assert glora.count_parameters(structure, SITES) == 66
    assert glora.count_parameters(structure, SITES, folded=True) == 57


def test_counts_of_the_published_vit() -> None:
    """ViT-B/16, 48 sites, B = LoRA of rank 4 everywhere, and everything at its largest."""
    shapes = [(768, 2304), (768, 768), (768, 3072), (3072, 768)] * 12
    sites = [Site(f"s{i}", a, b, True) for i, (a, b) in enumerate(shapes)]
    space = SearchSpace((4,))
    lora = sum(4 * (a + b) for a, b in shapes)
    largest = sum(8 * (a + b) + 4 * (a + 1) + 2 * b for a, b in shapes)
    structure = space.structure([s.name for s in sites], [[0, 3, 0, 0, 0]] * 48)
    assert glora.count_parameters(structure, sites) == lora
    assert glora.count_parameters(space.largest(sites), sites) == largest


def test_matmul_a_is_square() -> None:
    space = SearchSpace((2,), a_product="matmul")
    sites = [Site("s", 5, 3, True)]
    counts = [
        glora.count_parameters(space.structure(["s"], [[code, 0, 0, 0, 0]]), sites)
        for code in range(4)
    ]
    assert counts == [0, 1, 5, 2 * (5 + 5)]


def test_a_structure_of_other_sites_is_refused() -> None:
    structure = SearchSpace((2,)).largest(SITES)
    with pytest.raises(ConfigurationError, match="first: b"):
        structure.canonical(SITES[:2])
    with pytest.raises(ConfigurationError, match="another order"):
        structure.canonical(SITES[::-1])


def test_a_site_without_a_bias_has_a_dead_d() -> None:
    assert Site("s", 2, 2, False).dead == {"D"}
    with pytest.raises(ConfigurationError, match="'s'"):
        Site("s", 2, 2, True, frozenset("X"))
