"""Letting merged language models say a class, and answer."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import tiny_language
import torch
from transformers import AutoModelForCausalLM

from glora import java
from glora.data import instructions
from glora.errors import ConfigurationError

# Matrices this small gain nothing from a second thread.
torch.set_num_threads(1)

PROMPT = "{text} Sentiment:"
LABELS = ["down", "up"]
WORDS = {"down": " negative", "up": " positive"}


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_language.write_model(tmp_path_factory.mktemp("llama"))


def predict(model: Path, source: Path, target: Path, **settings: Any) -> dict[str, Any]:
    paths = {"model_path": str(model), "input": str(source), "output": str(target)}
    return java.predict({**paths, "text_column": "text", "max_length": 48, **settings})


def words(model: Path, source: Path, target: Path, **settings: Any) -> dict[str, Any]:
    asked = {"prompt": PROMPT, "labels": LABELS, "label_words": WORDS, "batch_size": 2}
    return predict(model, source, target, **{**asked, **settings})


def test_the_class_of_the_likeliest_word_is_predicted(llama: Path, tmp_path: Path) -> None:
    texts = ["a good film", "bad and  dull", "the story", "a man " * 40]
    source = tmp_path / "rows.csv"
    source.write_text("nr,text\n" + "".join(f"{n},{t}\n" for n, t in enumerate(texts)))
    done = words(llama, source, tmp_path / "out.csv")
    tokenizer = tiny_language.load(llama)
    model = AutoModelForCausalLM.from_pretrained(str(llama)).eval()
    tokens = [tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in WORDS.values()]
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row, text in zip(rows[:3], texts, strict=False):
        ids = tokenizer(PROMPT.replace("{text}", " ".join(text.split())), return_tensors="pt")
        with torch.inference_mode():
            shares = model(ids["input_ids"]).logits[0, -1, tokens].softmax(-1)
        assert row["prediction"] == LABELS[int(shares.argmax())]
        assert float(row["probability"]) == pytest.approx(float(shares.max()), abs=1e-5)
    assert (done["rows"], done["cut"], done["kind"]) == (4, 1, "class")
    assert sum(done["counts"].values()) == 4
    named = words(
        llama, source, tmp_path / "named.csv", labels=["negative", "positive"], label_words=None
    )
    assert list(named["counts"].values()) == list(done["counts"].values())


def test_rows_that_cannot_be_asked_are_a_sentence(llama: Path, tmp_path: Path) -> None:
    source = tmp_path / "rows.csv"
    source.write_text("texte\na\n")
    with pytest.raises(ConfigurationError, match="no column 'text'; found texte"):
        words(llama, source, tmp_path / "out.csv")
    with pytest.raises(ConfigurationError, match=r"out.png ends in '.png'; expected one of"):
        words(llama, source, tmp_path / "out.png")
    assert not (tmp_path / "out.csv").exists()


def greedy(model: Path, ids: list[int], room: int, end: int) -> list[int]:
    """The likeliest tokens by hand, the whole text computed anew for each."""
    network = AutoModelForCausalLM.from_pretrained(str(model)).eval()
    said: list[int] = []
    while len(said) < room and (not said or said[-1] != end):
        with torch.inference_mode():
            logits = network(torch.tensor([ids + said])).logits[0, -1]
        said.append(int(logits.argmax()))
    return said


@pytest.mark.parametrize("template", ["alpaca", "chat", "vicuna"])
def test_instructions_are_answered_as_they_were_trained(
    llama: Path, tmp_path: Path, template: str
) -> None:
    row = {"instruction": "good or bad?", "input": "", "output": "It is bad."}
    source = tmp_path / "rows.json"
    source.write_text(json.dumps([row, {"instruction": "say it"}]))
    question = instructions.question(source, 1, {**row, "output": ""}, "alpaca")
    tokenizer = tiny_language.load(llama)
    ids = instructions.encode_question(question, template, tokenizer)
    most = len(ids) + 6
    settings = {"form": "alpaca", "template": template, "max_length": most}
    done = predict(llama, source, tmp_path / "out.jsonl", **settings)
    answered = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    # What stands before the answer is, token by token, what a row of the training has there.
    (stored,) = instructions.read(write(tmp_path / "one.json", [row]), "alpaca")
    trained = instructions.encode(stored, template, tokenizer, 1000)
    assert trained is not None
    start = int((trained.targets != instructions.NO_TARGET).argmax()) + 1
    assert ids == trained.ids[: len(ids)].tolist()
    assert start - len(ids) in (0, 1)  # a space before the answer may be a token of its own
    said = greedy(llama, ids, most - len(ids), 2)
    assert answered[0]["prediction"] == tokenizer.decode(said, skip_special_tokens=True).strip()
    assert answered[0]["ended"] == (said[-1] == 2)
    assert answered[0]["output"] == "It is bad."
    assert (done["rows"], done["kind"], done["counts"]) == (2, "answer", {})
    assert done["cut"] == sum(not row["ended"] for row in answered)


def test_an_answer_ends_at_a_token_that_the_models_own_settings_name(
    llama: Path, tmp_path: Path
) -> None:
    asked = write(tmp_path / "a.json", [{"instruction": "say good"}])
    settings = {"form": "alpaca", "template": "vicuna", "max_length": 135}
    predict(llama, asked, tmp_path / "open.jsonl", **settings)
    row = json.loads((tmp_path / "open.jsonl").read_text())
    question = instructions.question(asked, 1, {"instruction": "say good"}, "alpaca")
    tokenizer = tiny_language.load(llama)
    said = greedy(llama, instructions.encode_question(question, "vicuna", tokenizer), 3, 2)
    assert not row["ended"]
    copied = Path(shutil.copytree(llama, tmp_path / "ending"))
    file = copied / "generation_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "eos_token_id": [2, said[2]]}))
    done = predict(copied, asked, tmp_path / "closed.jsonl", **settings)
    closed = json.loads((tmp_path / "closed.jsonl").read_text())
    assert closed["ended"]
    assert done["cut"] == 0
    upto = said.index(said[2]) + 1
    assert closed["prediction"] == tokenizer.decode(said[:upto], skip_special_tokens=True).strip()


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text(json.dumps(rows))
    return path


def test_conversations_are_answered_at_their_end(llama: Path, tmp_path: Path) -> None:
    turns = [
        {"from": "human", "value": "good?"},
        {"from": "gpt", "value": "bad"},
        {"from": "human", "value": "sure?"},
    ]
    closed = [*turns, {"from": "gpt", "value": "yes"}]
    source = write(tmp_path / "a.json", [{"conversations": turns}, {"conversations": closed}])
    predict(llama, source, tmp_path / "out.jsonl", form="sharegpt", max_length=80)
    first, second = (json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines())
    assert first["prediction"] == second["prediction"]
    assert second["conversations"] == closed


def test_plain_instructions_and_what_asks_nothing(llama: Path, tmp_path: Path) -> None:
    lines = tmp_path / "a.txt"
    lines.write_text("say good\n\nsay bad\n")
    settings = {"form": "alpaca", "template": "vicuna", "max_length": 150}
    assert predict(llama, lines, tmp_path / "out.txt", **settings)["rows"] == 2
    assert len((tmp_path / "out.txt").read_text().split("\n")) == 3
    table = tmp_path / "a.csv"
    table.write_text("instruction,nr\nsay good,1\n")
    predict(llama, table, tmp_path / "out.csv", **settings)
    assert (tmp_path / "out.csv").read_text().startswith("instruction,nr,prediction,ended\n")
    for rows, form, sentence in (
        ([{"instruction": " "}], "alpaca", "Row 1 of .* asks nothing"),
        ([{"text": "a"}], "alpaca", "has None as 'instruction', found text"),
        ([{"instruction": "good " * 200}], "alpaca", r"has \d+ tokens and a row of the run has"),
        ([{"conversations": [{"from": "gpt", "value": "a"}]}], "sharegpt", "asks nothing"),
        ([{"conversations": "a"}], "sharegpt", "no list `conversations`"),
    ):
        source = write(tmp_path / "bad.json", rows)
        with pytest.raises(ConfigurationError, match=sentence):
            predict(llama, source, tmp_path / "no.jsonl", **{**settings, "form": form})
    with pytest.raises(ConfigurationError, match="answers rows of the format sharegpt"):
        predict(llama, lines, tmp_path / "no.jsonl", form="sharegpt", max_length=140)
    assert not (tmp_path / "no.jsonl").exists()
