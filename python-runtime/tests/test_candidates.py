"""Candidates: merged or not, shared or not, the numbers are those of an evaluation alone."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sessions import LORA, NONE, RANKS, VECTOR, Session, open_session, request
from tiny import write_model
from torch import Tensor

from glora import java
from glora.candidates import MERGE_RATIO, _keeps, merges, order_of
from glora.errors import ConfigurationError
from glora.inject import glora_layers
from glora.structure import SearchSpace

BATCHES = (1, 2, 3)
TOKENS = 10**6
BLOCKS = 4


@pytest.fixture(scope="module")
def body(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("candidates") / "model", blocks=BLOCKS)


@pytest.fixture
def session(body: Path) -> Iterator[Session]:
    opened = open_session("glora", body)
    opened.set_codes((5, 5, 5, 2, 2))
    opened.train(0, 4)
    yield opened
    java.close(opened.number)


def drawn(session: Session, count: int, seed: int = 0) -> list[bytes]:
    """Structures that agree in their first blocks with one or another of them."""
    space = SearchSpace(tuple(RANKS))
    generator = np.random.default_rng(seed)
    sites = len(session.sites)

    def any_structure() -> np.ndarray:
        return np.array(
            [[generator.choice((0, 1, 2, 3, 4, 5)) for _ in range(5)] for _ in range(sites)],
            dtype=np.int8,
        )

    base = _legal(any_structure(), session, space)
    structures = []
    for _ in range(count):
        child = _legal(any_structure(), session, space)
        cut = int(generator.integers(0, sites))
        child[:cut] = base[:cut]
        structures.append(child.tobytes())
    return structures


def _legal(codes: np.ndarray, session: Session, space: SearchSpace) -> np.ndarray:
    for row, site in enumerate(session.sites):
        for column, tensor in enumerate("ABCDE"):
            allowed = [c for c in range(6) if not (tensor == "C" and c == 1)]
            if tensor in "DE":
                allowed = [0, 1, 2]
            if tensor in site["dead"]:
                allowed = [0]
            codes[row, column] = allowed[int(codes[row, column]) % len(allowed)]
    return codes


def logits(session: Session, structure: bytes) -> list[Tensor]:
    codes = np.frombuffer(structure, dtype=np.int8).reshape(-1, 5)
    session.buffers["codes"].copy_(torch.from_numpy(codes.copy()))
    return [session.logits(batch) for batch in BATCHES]


def opened(session: Session, structures: list[bytes], forward: str, cache: int = 64) -> dict:
    return java.candidates(
        session.number,
        {
            "structures": [b64encode(codes).decode() for codes in structures],
            "tokens": TOKENS,
            "cache_mib": cache,
            "forward": forward,
        },
    )


def equal(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("forward", ["merged", "unmerged"])
def test_shared_prefixes_change_no_bit(session: Session, forward: str) -> None:
    structures = drawn(session, 12)
    opened(session, [], forward)
    alone = {codes: logits(session, codes) for codes in structures}
    plan = opened(session, structures, forward)
    assert sorted(plan["order"]) == list(range(12))
    assert plan["shared"] > 0
    assert plan["blocks"] == 12 * BLOCKS
    for index in plan["order"]:
        assert equal(logits(session, structures[index]), alone[structures[index]])


def test_an_unmerged_candidate_is_the_ordinary_evaluation_bit_for_bit(session: Session) -> None:
    structures = drawn(session, 4)
    ordinary = [logits(session, codes) for codes in structures]
    opened(session, structures, "unmerged")
    assert all(
        equal(logits(session, codes), before)
        for codes, before in zip(structures, ordinary, strict=True)
    )


def test_a_merged_candidate_is_the_merged_model_bit_for_bit(body: Path, session: Session) -> None:
    for structure in drawn(session, 3):
        opened(session, [structure], "merged")
        candidate = logits(session, structure)
        other = open_session("glora", body)
        other.set_codes((5, 5, 5, 2, 2))
        other.train(0, 4)
        other.buffers["codes"].copy_(session.buffers["codes"])
        java.merge(other.number)
        assert equal([other.logits(batch) for batch in BATCHES], candidate)
        java.close(other.number)


def test_a_structure_of_nothing_is_the_plain_model_bit_for_bit(session: Session) -> None:
    session.set_codes(NONE)
    plain = [session.logits(batch) for batch in BATCHES]
    structure = session.buffers["codes"].numpy().tobytes()
    opened(session, [structure], "merged")
    assert equal(logits(session, structure), plain)


def test_shared_blocks_are_not_computed(session: Session) -> None:
    structures = drawn(session, 10, seed=3)
    plan = opened(session, structures, "auto")
    calls = 0
    model: Any = java._sessions[session.number].method.model
    attention = [layer.attention for layer in model.bert.encoder.layer]

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    hooks = [module.register_forward_hook(count) for module in attention]
    for index in plan["order"]:
        logits(session, structures[index])
    for hook in hooks:
        hook.remove()
    assert calls == len(BATCHES) * (plan["blocks"] - plan["shared"])
    assert plan["shared"] > 0


def test_without_room_everything_is_computed_and_equal(session: Session) -> None:
    structures = drawn(session, 6)
    opened(session, [], "auto")
    alone = {codes: logits(session, codes) for codes in structures}
    for index in opened(session, structures, "auto", cache=0)["order"]:
        assert equal(logits(session, structures[index]), alone[structures[index]])


def test_candidates_out_of_order_and_unknown_ones_are_right(session: Session) -> None:
    structures = drawn(session, 8)
    opened(session, [], "auto")
    alone = {codes: logits(session, codes) for codes in structures}
    opened(session, structures[:5], "auto")
    for codes in [*reversed(structures), structures[2], structures[7], structures[2]]:
        assert equal(logits(session, codes), alone[codes])


def test_other_rows_under_the_same_number_are_not_taken_for_the_shared_ones(
    session: Session,
) -> None:
    structures = drawn(session, 2)
    tail = np.frombuffer(structures[0], np.int8).copy()
    tail[-1] = 0 if tail[-1] else 2
    structures[1] = tail.tobytes()
    opened(session, structures, "auto")
    logits(session, structures[0])
    session.buffers["codes"].copy_(
        torch.from_numpy(np.frombuffer(structures[1], np.int8).reshape(-1, 5).copy())
    )
    session.write_batch(1)
    session.buffers["input_ids"][:4] = torch.tensor([5, 6, 5, 6], dtype=torch.int32)
    java.evaluate(session.number)
    shared = session.buffers["logits"].clone()
    opened(session, [], "auto")
    java.evaluate(session.number)
    assert torch.equal(session.buffers["logits"], shared)


def test_a_step_ends_it_and_computes_what_it_computed(body: Path, session: Session) -> None:
    structures = drawn(session, 3)
    other = open_session("glora", body)
    other.set_codes((5, 5, 5, 2, 2))
    other.train(0, 4)
    opened(session, structures, "merged")
    logits(session, structures[0])
    session.set_codes(LORA)
    other.set_codes(LORA)
    assert session.train(4, 7) == other.train(4, 7)
    assert torch.equal(session.logits(), other.logits())
    model = java._sessions[session.number].method.model
    assert not any("forward" in module.__dict__ for module in model.modules())
    java.close(other.number)


def test_loading_resetting_and_merging_end_it(session: Session, tmp_path: Path) -> None:
    java.state_save(session.number, str(tmp_path / "state.safetensors"))
    session.set_codes(VECTOR)
    before = session.logits()
    structure = session.buffers["codes"].numpy().tobytes()
    opened(session, [structure], "merged")
    session.logits()
    java.state_load(session.number, str(tmp_path / "state.safetensors"))
    assert torch.equal(session.logits(), before)
    opened(session, [structure], "merged")
    merged = session.logits()
    java.merge(session.number)
    assert torch.equal(session.logits(), merged)
    with pytest.raises(ConfigurationError, match="after `merge`"):
        opened(session, [structure], "merged")


def test_closing_puts_every_forward_back(session: Session) -> None:
    structures = drawn(session, 2)
    before = logits(session, structures[0])
    opened(session, structures, "merged")
    logits(session, structures[1])
    java.candidates(session.number, None)
    java.candidates(session.number, None)
    assert equal(logits(session, structures[0]), before)


def test_structures_of_another_model_and_methods_without_sites_are_refused(
    body: Path, session: Session
) -> None:
    with pytest.raises(ConfigurationError, match=r"has 5 codes, expected"):
        opened(session, [bytes(5)], "auto")
    lora = java.open(request("lora", body, rank=2, alpha=4))["session"]
    with pytest.raises(ConfigurationError, match="at least one site"):
        java.candidates(lora, {"structures": [], "tokens": 1, "cache_mib": 1, "forward": "auto"})
    java.close(lora)


def test_the_rule_reads_shapes_and_tokens_alone() -> None:
    tokens = int(MERGE_RATIO * 384 * 1536 / (384 + 1536))
    assert not merges(384, 1536, tokens - 1)
    assert merges(384, 1536, tokens + 1)
    assert merges(1536, 384, tokens + 1)


def test_the_rule_decides_for_each_site(session: Session) -> None:
    layers = glora_layers(java._sessions[session.number].method.model)
    shapes = [(layer.in_features, layer.out_features) for layer in layers.values()]
    structures = drawn(session, 1)
    for tokens in (1, 36, 50, 100, 10_000):
        plan = java.candidates(
            session.number,
            {
                "structures": [b64encode(structures[0]).decode()],
                "tokens": tokens,
                "cache_mib": 1,
                "forward": "auto",
            },
        )
        assert plan["merged_sites"] == sum(merges(i, o, tokens) for i, o in shapes)


def test_kept_depths_are_those_that_later_candidates_share() -> None:
    parts = [
        tuple(text.encode() for text in word) for word in ("aaaa", "aaab", "aabb", "abbb", "b")
    ]
    parts[-1] = (b"b", b"b", b"b", b"b")
    assert _keeps(parts) == [
        frozenset({3, 2}),
        frozenset({2}),
        frozenset(),
        frozenset(),
        frozenset(),
    ]


def test_equal_prefixes_follow_each_other() -> None:
    codes = [bytes([b] * 5 + [a] * 5) for a in (1, 0) for b in (2, 1, 0)]
    # Site 1 is of the first block, site 0 of the second.
    assert order_of(codes, [[], [1], [0]]) == [5, 4, 3, 2, 1, 0]
