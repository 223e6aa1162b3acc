from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tiny
import tiny_language
from PIL import Image

from glora import drawn, java
from glora.data import prepare, verify
from glora.data.guess import guess
from glora.data.vtab import LISTS
from glora.errors import ConfigurationError


def rows(count: int) -> list[dict[str, object]]:
    return [
        {"nr": i, "what they wrote": f"word {i} " * (1 + i % 5), "mood": ("up", "down")[i % 2]}
        for i in range(count)
    ]


def jsonl(path: Path, records: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_columns_are_found_by_name_or_by_what_stands_in_them(body: Path, tmp_path: Path) -> None:
    found = guess(f"local:{body}", jsonl(tmp_path / "a.jsonl", rows(200)))
    assert (found["text_column"], found["label_column"]) == ("what they wrote", "mood")
    assert found["classes"] == {"down": 100, "up": 100}
    named = [
        {"Label": r["mood"], "TEXT": r["what they wrote"], "x": "a b c d e"} for r in rows(200)
    ]
    found = guess(f"local:{body}", jsonl(tmp_path / "b.jsonl", named))
    assert (found["text_column"], found["label_column"]) == ("TEXT", "Label")


def test_what_is_proposed_can_be_prepared(body: Path, tmp_path: Path) -> None:
    data = tiny.write_data(tmp_path / "rows.tsv", rows=150)
    found = guess(f"local:{body}", data)
    split = found["split"]
    assert sum(split.values()) == found["texts"] == 150
    prepared = prepare(
        f"local:{body}",
        {
            "source": f"local:{data}",
            "split": split,
            "max_length": found["max_length"],
            "text_column": found["text_column"],
            "label_column": found["label_column"],
        },
        tmp_path / "cache",
    )
    assert prepared.path.is_dir()
    # Two blocks of the tiny BERT: query, key, value, output (square), and the two of the MLP.
    square, wide = 2 * tiny.HIDDEN, tiny.HIDDEN + tiny.INNER
    assert found["lora_parameters"] == tiny.BLOCKS * 4 * (4 * square + 2 * wide)


def test_doubles_and_contradictions_do_not_count(body: Path, tmp_path: Path) -> None:
    records = rows(100)
    records += [dict(records[0]), {**records[1], "mood": "up"}]
    found = guess(f"local:{body}", jsonl(tmp_path / "a.jsonl", records))
    assert (found["rows"], found["texts"]) == (102, 99)


def test_long_texts_are_cut_where_the_model_ends(body: Path, tmp_path: Path) -> None:
    records = [{"text": f"good {i} " * 300, "label": i % 2} for i in range(80)]
    found = guess(f"local:{body}", jsonl(tmp_path / "a.jsonl", records))
    assert found["max_length"] == tiny.POSITIONS
    assert found["cut"] == 1.0
    assert found["tokens"]["longest"] > tiny.POSITIONS


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        (rows(30), "30 different texts"),
        ([{"a": i, "b": i} for i in range(100)], "looks like texts"),
        ([{"text": f"a {i}", "b": i} for i in range(100)], "looks like classes"),
        ([{"text": f"a {i}", "label": "one"} for i in range(100)], "1 classes"),
        ([], "is empty"),
    ],
)
def test_what_no_experiment_can_be_made_of_is_a_sentence(
    body: Path, tmp_path: Path, records: list[dict[str, object]], sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        guess(f"local:{body}", jsonl(tmp_path / "a.jsonl", records))


def test_columns_that_are_named_wrongly_are_a_sentence(body: Path, tmp_path: Path) -> None:
    data = jsonl(tmp_path / "a.jsonl", rows(100))
    with pytest.raises(ConfigurationError, match="no column 'no'; found nr, what they wrote, mood"):
        java.guess({"model": f"local:{body}", "data": str(data), "label_column": "no"})


def picture(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def vit(tmp_path: Path) -> str:
    (tmp_path / "vit").mkdir()
    small = {**drawn.VIT_TINY, "hidden_size": 16, "num_hidden_layers": 1, "intermediate_size": 16}
    return f"local:{drawn.write_vit(tmp_path / 'vit', {**small, 'num_attention_heads': 2})}"


def test_pictures_get_their_classes_splits_and_budget(vit: str, tmp_path: Path) -> None:
    home = tmp_path / "animals"
    for number in range(90):
        picture(home / ("cat", "cat", "dog")[number % 3] / f"{number}.png", number)
    picture(home / "cat/again.png", 0)
    found = guess(vit, home, tmp_path / "cache")
    assert (found["kind"], found["rows"], found["texts"]) == ("image", 91, 90)
    assert found["classes"] == {"cat": 60, "dog": 30}
    assert found["stratified"]
    assert sum(found["split"].values()) == 90
    # One block: query, key, value and output, and the two layers of the MLP, all 16 by 16.
    assert found["lora_parameters"] == 4 * 6 * 32
    made = prepare(
        vit,
        {"source": f"local:{home}", "split": {**found["split"], "stratified": True}},
        tmp_path / "cache",
    )
    for part, size in found["split"].items():
        labels = verify(made.path).arrays(part)["labels"]
        assert len(labels) == size
        assert abs(int((labels == 1).sum()) - size / 3) <= 1
    # Given splits keep their sizes.
    for number in range(90, 120):
        picture(tmp_path / "given/test" / ("cat", "dog")[number % 2] / f"{number}.png", number)
    home.rename(tmp_path / "given/train")
    found = guess(vit, tmp_path / "given", tmp_path / "cache")
    assert found["given"] == {"train": 90, "test": 30}
    assert found["split"] == {"train": 70, "val": 20, "test": 30}


def test_pictures_that_no_experiment_can_be_made_of_are_a_sentence(
    body: Path, vit: str, tmp_path: Path
) -> None:
    home = tmp_path / "animals"
    home.mkdir()

    def refused(sentence: str, path: Path = home, **columns: str) -> None:
        with pytest.raises(ConfigurationError, match=sentence):
            guess(columns.pop("model", vit), path, tmp_path / "cache", **columns)

    refused("has 0 folders of classes; expected at least two")
    picture(home / "cat/0.png", 0)
    refused("has 1 folders of classes; expected at least two")
    picture(home / "dog/1.png", 1)
    refused("has 2 different pictures with a clear class; expected at least 60")
    refused("has no columns to name", label_column="x")
    refused("is one picture", home / "cat/0.png")
    refused(
        "of a model of images a folder of pictures, and local:.* is a bert", model=f"local:{body}"
    )
    refused("is a model of images", jsonl(tmp_path / "a.jsonl", rows(100)))
    whole = (home / "dog/1.png").read_bytes()
    (home / "dog/1.png").write_bytes(whole[: len(whole) // 2])
    refused("1.png is damaged or cut")
    (home / "dog/1.png").unlink()
    refused("dog has no picture")
    for name in LISTS.values():
        (home / name).write_text("")
    refused("has the lists of a published protocol")
    (tmp_path / "list.txt").write_text("")
    refused("has no line", tmp_path / "list.txt")


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"local:{tiny_language.write_model(tmp_path_factory.mktemp('llama'))}"


def test_a_causal_model_gets_a_prompt_and_a_word_for_each_class(llama: str, tmp_path: Path) -> None:
    data = tiny.write_data(tmp_path / "rows.tsv", rows=100)
    found = guess(llama, data)
    assert found["kind"] == "language"
    assert found["label_words"] == {"negative": " negative", "positive": " positive"}
    assert found["prompt"].count("{text}") == 1
    task = {name: found[name] for name in ("prompt", "label_words", "max_length", "split")}
    made = prepare(llama, {"source": f"local:{data}", **task}, tmp_path / "cache")
    assert len(verify(made.path).target.tokens) == 2


def test_classes_whose_names_are_no_tokens_get_letters(llama: str, tmp_path: Path) -> None:
    named = [{"text": f"good {i}", "label": ("Very Long", "so short")[i % 2]} for i in range(80)]
    data = jsonl(tmp_path / "a.jsonl", named)
    found = guess(llama, data)
    assert found["label_words"] == {"Very Long": "A", "so short": "B"}
    assert "A. Very Long\nB. so short\n" in found["prompt"]
    task = {name: found[name] for name in ("prompt", "label_words", "max_length", "split")}
    assert prepare(llama, {"source": f"local:{data}", **task}, tmp_path / "cache").path.is_dir()
    scores = [{"text": f"good {i}", "label": i + 0.5} for i in range(80)]
    with pytest.raises(ConfigurationError, match="has the target number, and a causal language"):
        guess(llama, jsonl(tmp_path / "b.jsonl", scores))
    many = [{"text": f"good {i}", "label": f"class number {i % 30}"} for i in range(90)]
    with pytest.raises(ConfigurationError, match="expected at most 26 classes"):
        guess(llama, jsonl(tmp_path / "c.jsonl", many))


def test_instructions_are_known_by_their_keys(llama: str, body: Path, tmp_path: Path) -> None:
    data = tiny_language.write_alpaca(tmp_path / "a.json", rows=70)
    found = guess(llama, data)
    assert (found["kind"], found["format"], found["template"]) == (
        "conversations",
        "alpaca",
        "alpaca",
    )
    assert sum(found["split"].values()) == found["texts"] == 70
    with pytest.raises(ConfigurationError, match=r"family 'bert'; expected a causal language"):
        guess(f"local:{body}", data)
    data.write_text(json.dumps([{"a": 1}]))
    with pytest.raises(ConfigurationError, match="has rows of a; expected instructions"):
        guess(llama, data)
