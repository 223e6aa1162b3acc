"""The kinds of target, from a table to a merged model that plain transformers loads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from torch import Tensor
from transformers import AutoModelForSequenceClassification

from glora import data, java
from glora.buffers import Buffers, Column
from glora.errors import ConfigurationError, StorageError
from glora.losses import Target

TASK = {"split": {"train": 48, "val": 12, "test": 12, "seed": 3}, "max_length": 12}


def texts(count: int = 80) -> list[str]:
    draw = np.random.default_rng(1)
    words = (*tiny.GOOD, *tiny.BAD, *tiny.PLAIN)
    return [f"{' '.join(draw.choice(words, 6))} {words[i % len(words)]}" for i in range(count)]


def table(path: Path, labels: list[Any]) -> Path:
    rows = [
        {"text": t, "label": label} for t, label in zip(texts(len(labels)), labels, strict=True)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def prepare(body: Path, source: Path, **settings: Any) -> data.PreparedSet:
    task = {**TASK, "source": f"local:{source}", **settings}
    made = data.prepare(f"local:{body}", task, source.parent / "cache")
    return data.verify(made.path)


def mood(text: str) -> list[str]:
    words = text.split()
    found = {"praise": tiny.GOOD, "blame": tiny.BAD, "film": ("film", "story", "plot", "scene")}
    return [name for name, known in found.items() if set(words) & set(known)]


def price(text: str) -> float:
    good, bad = (sum(word in known for word in text.split()) for known in (tiny.GOOD, tiny.BAD))
    return 30_000 + 9_000.0 * (good - bad)


class Session:
    """A session on a prepared set, all rows of train in one batch."""

    def __init__(self, method: str, body: Path, prepared: data.PreparedSet) -> None:
        arrays = prepared.arrays("train")
        rows, width = prepared.rows("train"), len(prepared.labels)
        settings = {"ranks": [1, 2]} if method == "glora" else {"rank": 2}
        opened = java.open(
            {
                "method": method,
                "model_path": str(body),
                "labels": prepared.labels,
                "columns": prepared.info["columns"],
                "settings": settings,
                "seed": 1,
                **({"target": prepared.info["target"]} if "target" in prepared.info else {}),
            }
        )
        self.number, self.labels = opened["session"], torch.from_numpy(arrays["labels"])
        self.inputs = {
            name: torch.from_numpy(arrays[name]) for name in ("input_ids", "attention_mask")
        }
        self.buffers: dict[str, Tensor] = {
            "control": torch.tensor([rows, TASK["max_length"], 0, 1, 0, 0, 0, 0]),
            "rates": torch.tensor([0.02, 0, 1, 0, 0, 0, 0, 0], dtype=torch.float64),
            "labels": self.labels.clone(),
            "loss": torch.zeros(4, dtype=torch.float64),
            "logits": torch.zeros(rows, width),
            **{name: column.flatten() for name, column in self.inputs.items()},
        }
        if opened["sites"]:
            codes = torch.tensor([0, 4, 0, 0, 2], dtype=torch.int8)
            self.buffers["codes"] = codes.repeat(len(opened["sites"]), 1)
        java.bind(self.number, self.buffers)

    def train(self, steps: int) -> list[float]:
        losses = []
        for step in range(steps):
            self.buffers["control"][2] = step
            java.step(self.number)
            losses.append(float(self.buffers["loss"][0]))
        return losses

    def logits(self) -> Tensor:
        java.evaluate(self.number)
        return self.buffers["logits"].clone()

    def plain(self, folder: Path) -> Tensor:
        """What transformers alone makes of the merged folder."""
        model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
        with torch.inference_mode():
            return model(**{name: column.long() for name, column in self.inputs.items()}).logits


@pytest.mark.parametrize("method", ["lora", "glora"])
def test_several_labels_are_learnt_and_merged(method: str, body: Path, tmp_path: Path) -> None:
    prepared = prepare(
        body, table(tmp_path / "a.jsonl", [mood(t) for t in texts()]), target="labels"
    )
    assert prepared.labels == ["blame", "film", "praise"]
    assert prepared.info["target"] == {"kind": "labels"}
    session = Session(method, body, prepared)
    losses = session.train(60)
    assert losses[-1] < losses[0] / 3
    before = session.logits()
    loss = torch.nn.functional.binary_cross_entropy_with_logits(before, session.labels)
    assert float(session.buffers["loss"][0]) / len(before) == pytest.approx(float(loss), abs=1e-6)
    assert ((before > 0) == session.labels.bool()).all(1).float().mean() > 0.9

    java.merge(session.number)
    java.export_merged(session.number, str(tmp_path / "merged"))
    assert (session.logits() - before).abs().max() < 1e-3
    assert (session.plain(tmp_path / "merged") - before).abs().max() < 1e-3
    config = json.loads((tmp_path / "merged/config.json").read_text())
    assert config["problem_type"] == "multi_label_classification"
    assert list(config["id2label"].values()) == prepared.labels


@pytest.mark.parametrize("method", ["lora", "glora"])
def test_number_is_learnt_in_its_own_unit(method: str, body: Path, tmp_path: Path) -> None:
    prepared = prepare(
        body, table(tmp_path / "a.jsonl", [price(t) for t in texts()]), target="number"
    )
    assert prepared.labels == ["label"]
    session = Session(method, body, prepared)
    losses = session.train(80)
    before = session.logits()
    labels = session.labels
    target = prepared.target
    assert target.deviation == pytest.approx(float(labels.std(correction=0)), rel=1e-6)
    # The mean alone has a loss of 1: train's variance in its own deviations.
    assert losses[-1] < 0.2 < losses[0]
    found = ((before - labels) / target.deviation).square().mean()
    assert float(session.buffers["loss"][0]) / len(before) == pytest.approx(float(found), rel=1e-4)
    assert (before.mean() - labels.mean()).abs() < 0.2 * target.deviation

    java.export_adapter(session.number, str(tmp_path / "adapter"))
    assert torch.equal(session.logits(), before)  # the head that it folded is as it was
    java.merge(session.number)
    java.export_merged(session.number, str(tmp_path / "merged"))
    bound = 1e-3 * target.deviation
    assert (session.logits() - before).abs().max() < bound
    assert (session.plain(tmp_path / "merged") - before).abs().max() < bound
    config = json.loads((tmp_path / "merged/config.json").read_text())
    assert config["problem_type"] == "regression"


def test_targets_have_their_own_sets_and_classes_keep_theirs(body: Path, tmp_path: Path) -> None:
    source = table(tmp_path / "a.jsonl", [i % 3 for i in range(80)])
    plain = prepare(body, source)
    explicit = prepare(body, source, target="class")
    number = prepare(body, source, target="number")
    assert explicit.path == plain.path
    assert "target" not in plain.info
    assert "target" not in plain.info["task"]
    assert number.path != plain.path
    assert number.arrays("val")["labels"].dtype == np.float32
    assert "classes" not in number.info["splits"]["val"]
    row = json.loads((number.path / "val.jsonl").read_text().split("\n")[0])
    assert row["label"] == float(number.arrays("val")["labels"][0, 0])


def test_changed_scale_of_a_set_is_noticed(body: Path, tmp_path: Path) -> None:
    number = prepare(body, table(tmp_path / "a.jsonl", [i % 7 for i in range(80)]), target="number")
    info = json.loads((number.path / "set.json").read_text())
    info["target"]["deviation"] *= 2
    (number.path / "set.json").write_text(json.dumps(info))
    with pytest.raises(StorageError, match="has been changed"):
        data.verify(number.path)


def test_features_of_a_frozen_body_keep_the_target(body: Path, tmp_path: Path) -> None:
    number = prepare(body, table(tmp_path / "a.jsonl", [i % 7 for i in range(80)]), target="number")
    made = data.features(number.path, body, java_digest(body), tmp_path / "cache")
    assert data.verify(made.path).target == number.target


def java_digest(body: Path) -> str:
    from glora.models import weights_digest

    return weights_digest(body)


@pytest.mark.parametrize(
    ("target", "label", "sentence"),
    [
        ("number", "four", "Row 3 of .* has 'four' in the column 'label'; the target is a number"),
        ("number", float("nan"), "Row 3 of .* has nan"),
        ("number", float("inf"), "Row 3 of .* has inf"),
        ("number", True, "Row 3 of .* has True"),
        ("number", None, "Row 3 of .* has None"),
        ("labels", {"a": 1}, "has the labels .*expected a list of texts"),
        ("class", ["a", "b"], "set task.target to labels for several"),
        ("labels", [["a"]], "expected a list of texts"),
        ("mood", 1, "task.target is 'mood'; expected one of class, labels, number"),
    ],
)
def test_labels_of_another_kind_are_named(
    body: Path, tmp_path: Path, target: str, label: Any, sentence: str
) -> None:
    labels: list[Any] = [i % 5 for i in range(80)]
    labels[2] = label
    source = table(tmp_path / "a.jsonl", labels)
    with pytest.raises(ConfigurationError, match=sentence):
        prepare(body, source, target=target)


def test_numbers_that_are_all_the_same_teach_nothing(body: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="standard deviation 0; expected different ones"):
        prepare(body, table(tmp_path / "a.jsonl", [4] * 80), target="number")


def test_labels_in_a_cell_and_in_columns_are_the_same(body: Path, tmp_path: Path) -> None:
    cells, columns = ["text,label"], ["text,a,b"]
    for i, text in enumerate(texts()):
        names = [name for name, on in (("a", i % 2), ("b", i % 3 == 0)) if on]
        cells.append(f'"{text}",{";".join(names)}')
        columns.append(f'"{text}",{i % 2},{1.0 if i % 3 == 0 else 0.0}')
    (tmp_path / "cells.csv").write_text("\n".join(cells))
    (tmp_path / "columns.csv").write_text("\n".join(columns))
    one = prepare(body, tmp_path / "cells.csv", target="labels", label_separator=";")
    other = prepare(body, tmp_path / "columns.csv", target="labels", label_column=["a", "b"])
    assert one.labels == other.labels == ["a", "b"]
    assert np.array_equal(one.arrays("test")["labels"], other.arrays("test")["labels"])


def test_buffers_of_another_kind_are_refused() -> None:
    column = Column("input_ids", "i32", (4,), True)
    tensors = {
        "control": torch.zeros(8, dtype=torch.int64),
        "rates": torch.zeros(8, dtype=torch.float64),
        "labels": torch.zeros(2, dtype=torch.int64),
        "loss": torch.zeros(4, dtype=torch.float64),
        "logits": torch.zeros(2, 3),
        "input_ids": torch.zeros(8, dtype=torch.int32),
    }
    Buffers.check(tensors, [column], 0, 3)
    with pytest.raises(ConfigurationError, match=r"`labels` is torch.int64 \[2\], expected .*32"):
        Buffers.check(tensors, [column], 0, 3, Target("labels"))


@pytest.mark.parametrize(
    "value", [{"kind": "x"}, {"kind": "number", "deviation": 0}, {"kind": "number", "mean": "inf"}]
)
def test_target_that_is_none_is_refused(value: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="prepare the data anew"):
        Target.of(value)
