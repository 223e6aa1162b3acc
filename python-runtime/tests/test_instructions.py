"""Instruction data: reading, templates, which tokens are trained, packing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_language
import torch

from glora.data import instructions
from glora.errors import ConfigurationError
from glora.language import NO_TARGET, token_losses
from glora.models import load_causal, load_tokenizer


@pytest.fixture(scope="module")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_language.write_model(tmp_path_factory.mktemp("language"))


@pytest.fixture(scope="module")
def tokenizer(model_path: Path) -> Any:
    return load_tokenizer(model_path)


def write(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def trained_text(encoded: instructions.Encoded, tokenizer: Any) -> str:
    return str(tokenizer.decode(encoded.targets[encoded.targets != NO_TARGET]))


def test_alpacas_answers_and_their_end_are_trained_and_nothing_else(
    tmp_path: Path, tokenizer: Any
) -> None:
    rows = [
        {"instruction": "Say what it is.", "input": "a good film", "output": "It is positive."},
        {"instruction": "Say yes.", "output": "yes"},
        {"instruction": "An answer is missing.", "input": "", "output": ""},
    ]
    read = instructions.read(write(tmp_path / "alpaca.json", rows), "alpaca")
    assert len(read) == 2
    first, second = (instructions.encode(row, "alpaca", tokenizer, 500) for row in read)
    assert first is not None
    assert second is not None
    assert trained_text(first, tokenizer) == "It is positive.</s>"
    assert trained_text(second, tokenizer) == "yes</s>"
    whole = tokenizer.decode(first.ids)
    assert whole.startswith("<s>Below is an instruction")
    assert "paired with an input" in whole
    assert "### Input:\na good film\n\n### Response:\nIt is" in whole
    assert "Input" not in tokenizer.decode(second.ids)
    # Each position's target is the token after it.
    at = np.flatnonzero(first.targets != NO_TARGET)
    assert np.array_equal(first.targets[at], first.ids[at + 1])


@pytest.mark.parametrize("template", ["chat", "vicuna"])
def test_all_answers_of_a_conversation_are_trained(
    template: str, tmp_path: Path, tokenizer: Any
) -> None:
    conversation = [
        {"from": "gpt", "value": "said before any question"},
        {"from": "human", "value": "good film?"},
        {"from": "gpt", "value": "positive"},
        {"from": "human", "value": "really"},
        {"from": "human", "value": "so?"},
        {"from": "gpt", "value": "yes"},
        {"from": "human", "value": "never answered"},
    ]
    path = write(tmp_path / "sharegpt.json", [{"conversations": conversation}])
    (row,) = instructions.read(path, "sharegpt")
    encoded = instructions.encode(row, template, tokenizer, 500)
    assert encoded is not None
    assert trained_text(encoded, tokenizer).replace(" ", "") == "positive</s>yes</s>"
    text = tokenizer.decode(encoded.ids)
    assert "said before" not in text
    assert "never answered" not in text
    assert "really\n\nso?" in text


def test_a_long_row_is_cut_at_its_end_and_left_out_where_no_answer_remains(
    tokenizer: Any,
) -> None:
    row = json.dumps({"instruction": "Say it.", "input": "", "output": "good " * 20})
    whole = instructions.encode(row, "alpaca", tokenizer, 1000)
    assert whole is not None
    first = int(np.flatnonzero(whole.targets != NO_TARGET)[0])
    cut = instructions.encode(row, "alpaca", tokenizer, first + 4)
    assert cut is not None
    assert np.array_equal(cut.ids, whole.ids[: first + 4])
    assert (cut.targets != NO_TARGET).sum() == 3
    assert instructions.encode(row, "alpaca", tokenizer, first + 1) is None


def test_packed_documents_have_the_losses_of_unpacked_ones(
    model_path: Path, tokenizer: Any, tmp_path: Path
) -> None:
    rows = instructions.read(tiny_language.write_alpaca(tmp_path / "a.json", rows=12), "alpaca")
    found = [instructions.encode(row, "chat", tokenizer, 150) for row in rows]
    documents = [document for document in found if document is not None]
    assert len(documents) == 12
    model = load_causal(model_path)
    alone = torch.stack([_losses(model, [document], 150) for document in documents])
    packs = instructions.pack(documents, 150)
    assert sorted(number for pack in packs for number in pack) == list(range(12))
    assert any(len(pack) > 1 for pack in packs)
    for pack in packs:
        assert sum(len(documents[number].ids) for number in pack) <= 150
        together = _losses(model, [documents[number] for number in pack], 150)
        torch.testing.assert_close(together, alone[pack].sum(0), rtol=1e-4, atol=1e-4)


def _losses(model: Any, documents: list[instructions.Encoded], length: int) -> torch.Tensor:
    arrays = instructions.joined(documents, length, 0)
    batch = {name: torch.from_numpy(a[None].astype(np.int64)) for name, a in arrays.items()}
    with torch.inference_mode():
        return token_losses(model, batch)[0]


def test_a_token_behind_the_border_of_a_document_is_not_seen(model_path: Path) -> None:
    model = load_causal(model_path)
    documents = [
        instructions.Encoded(np.array(ids, np.int32), np.array(targets, np.int32))
        for ids, targets in (([1, 9, 8], [-100, 8, -100]), ([1, 7, 6], [-100, 6, -100]))
    ]
    changed = instructions.Encoded(np.array([1, 50, 60], np.int32), documents[0].targets)
    one = _losses(model, [documents[0], documents[1]], 8)
    other = _losses(model, [changed, documents[1]], 8)
    alone = [_losses(model, [d], 8) for d in (documents[0], changed)]
    assert not torch.allclose(alone[0][0], alone[1][0])
    torch.testing.assert_close(one - alone[0], other - alone[1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("content", "form", "said"),
    [
        ('[{"instruction": "a"}]', "alpaca", "has None as 'output', found instruction"),
        ('[{"instruction": "a", "output": ""}]', "alpaca", "1 rows and none with an answer"),
        ("[1]", "alpaca", "Row 1 of .* is '1'; expected an object"),
        ('{"conversations": 3}', "sharegpt", "has no list `conversations`"),
        ('[{"conversations": [{"from": "cat", "value": ""}]}]', "sharegpt", "turn from 'cat'"),
        ('[{"instruction": ', "alpaca", "no JSON list and no JSON lines"),
        ("", "alpaca", "is empty"),
    ],
)
def test_malformed_files_are_one_sentence(
    content: str, form: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "data.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=said):
        instructions.read(path, form)


def test_templates_that_do_not_fit_are_refused(tmp_path: Path, tokenizer: Any) -> None:
    assert instructions.template_of("alpaca", None, tokenizer) == "alpaca"
    assert instructions.template_of("sharegpt", None, tokenizer) == "chat"
    bare = load_tokenizer(tiny_language.write_model(tmp_path / "bare", "gpt2", chat=False))
    assert instructions.template_of("sharegpt", None, bare) == "vicuna"
    with pytest.raises(ConfigurationError, match="has no chat template"):
        instructions.template_of("sharegpt", "chat", bare)
    with pytest.raises(ConfigurationError, match="one question and one answer"):
        instructions.template_of("sharegpt", "alpaca", tokenizer)
