from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiny

from glora import java
from glora.data import prepare
from glora.data.guess import guess
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
