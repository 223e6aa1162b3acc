"""Stability and rank correlation of structures, on cases whose answer is known."""

from __future__ import annotations

import base64
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from glora import Structure


def drawn(seed: int, sites: int = 40) -> np.ndarray:
    codes = np.zeros((sites, 5), dtype=np.int8)
    codes[:, 1] = np.random.default_rng(seed).integers(0, 4, sites)
    codes[:, 4] = np.random.default_rng(seed + 100).integers(0, 2, sites)
    return codes


def test_equal_structures_agree_and_unrelated_ones_as_by_lot(structures: ModuleType) -> None:
    equal = structures.agreement([drawn(0), drawn(0)], draws=300)
    assert equal["equal_genes"] == 1
    # A quarter of B's genes and half of E's: (1/4 + 1/2) / 2.
    assert equal["by_lot"] == pytest.approx(0.375, abs=0.06)
    other = structures.agreement([drawn(1), drawn(2), drawn(3)], draws=300)
    assert other["equal_genes"] < other["by_lot_97.5"]
    with pytest.raises(ValueError, match="at least two"):
        structures.agreement([drawn(0)])


def test_structures_are_spread_evenly(structures: ModuleType) -> None:
    assert structures.spread(3, 9) == [0, 4, 8]
    assert structures.spread(20, 4) == [0, 1, 2, 3]


def test_a_correlation_has_its_sign_and_an_interval(structures: ModuleType) -> None:
    same = structures.correlation(range(20), range(20))
    assert same["spearman"] == same["low"] == same["high"] == 1
    noise = np.random.default_rng(0).random((2, 20))
    unrelated = structures.correlation(*noise)
    assert unrelated["low"] < 0 < unrelated["high"]


def test_the_experiment_names_a_file_for_each_structure(
    structures: ModuleType, tmp_path: Path
) -> None:
    template = Structure(tuple(f"s{i}" for i in range(40)), drawn(0), (1, 2))
    coded = base64.b64encode(drawn(5).tobytes()).decode()
    plan = structures.retrained(Path("/x/ranks.yaml"), template, [coded], tmp_path)
    assert plan["name"] == "ranks-retrained"
    written = Structure.from_json((tmp_path / plan["methods"][0]["structure"]["file"]).read_bytes())
    assert np.array_equal(written.codes, drawn(5))
    assert written.sites == template.sites
