"""Scoring pictures with a merged classifier of images."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModelForImageClassification

from glora import drawn, java, models
from glora.errors import ConfigurationError

LABELS = ("cat", "dog")
VIT = {
    **drawn.VIT_TINY,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "intermediate_size": 16,
    "num_attention_heads": 2,
    "image_size": 8,
}


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vit")
    (folder / "body").mkdir()
    body = drawn.write_vit(folder / "body", VIT, scale=1.0)
    model = models.load_classifier(body, LABELS)
    models.init_head(model, 3)
    with torch.no_grad():
        model.classifier.weight.mul_(50)  # type: ignore[union-attr, operator]
    return models.save_classifier(model, body, folder / "merged", models.pixel_input(body))


def picture(path: Path, seed: int, size: int = 11) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def plain(merged: Path, path: Path) -> tuple[str, float]:
    """What transformers alone says of one picture."""
    processor = AutoImageProcessor.from_pretrained(str(merged), use_fast=False)
    batch = processor(Image.open(path).convert("RGB"), return_tensors="pt")
    with torch.inference_mode():
        model = AutoModelForImageClassification.from_pretrained(str(merged)).eval()
        probabilities = model(**batch).logits.softmax(-1)[0]
    return LABELS[int(probabilities.argmax())], float(probabilities.max())


def predict(merged: Path, source: Path, target: Path) -> dict[str, object]:
    request = {"model_path": str(merged), "input": str(source), "output": str(target)}
    return java.predict({**request, "batch_size": 2, "text_column": "text", "max_length": 64})


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_folder_is_scored_in_the_order_of_its_paths(merged: Path, tmp_path: Path) -> None:
    home = tmp_path / "new"
    names = ["a.png", "b/c.png", "b/d.jpg", "e.png"]
    for seed, name in enumerate(names):
        picture(home / name, seed)
    (home / "notes.md").write_text("no picture")
    done = predict(merged, home, tmp_path / "out.csv")
    rows = table(tmp_path / "out.csv")
    assert [row["path"] for row in rows] == names
    for row in rows:
        label, probability = plain(merged, home / row["path"])
        assert row["prediction"] == label
        assert float(row["probability"]) == pytest.approx(probability, abs=1e-3)
    assert done["rows"] == 4
    assert done["kind"] == "class"
    counts = done["counts"]
    assert counts == {n: sum(row["prediction"] == n for row in rows) for n in LABELS}


def test_one_picture_and_lists_are_scored(merged: Path, tmp_path: Path) -> None:
    first, second = picture(tmp_path / "my cat.png", 0), picture(tmp_path / "x/two.png", 1)
    predict(merged, first, tmp_path / "one.jsonl")
    (row,) = [json.loads(line) for line in (tmp_path / "one.jsonl").read_text().splitlines()]
    assert row["path"] == "my cat.png"
    assert row["prediction"] == plain(merged, first)[0]
    assert sum(row["probabilities"].values()) == pytest.approx(1, abs=2e-6)
    names = tmp_path / "list.txt"
    names.write_text("my cat.png\nx/two.png dog\nmy cat.png cat\n", encoding="utf-8")
    predict(merged, names, tmp_path / "list.csv")
    rows = table(tmp_path / "list.csv")
    assert [row["path"] for row in rows] == ["my cat.png", "x/two.png", "my cat.png"]
    assert [row["label"] for row in rows] == ["", "dog", "cat"]
    assert rows[1]["prediction"] == plain(merged, second)[0]
    predict(merged, names, tmp_path / "list.out.txt")
    assert (tmp_path / "list.out.txt").read_text().split() == [r["prediction"] for r in rows]


def test_what_is_no_picture_is_a_sentence_and_nothing_is_written(
    merged: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    whole = picture(tmp_path / "cut/a.png", 0, size=60).read_bytes()
    (tmp_path / "cut/b.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "no/a.png").parent.mkdir()
    (tmp_path / "no/a.png").write_text("not a picture")
    (tmp_path / "list.txt").write_text("nowhere.png\n")
    (tmp_path / "rows.csv").write_text("text\na\n")
    for name, sentence in (
        ("empty", "has no picture; expected files that end in .png"),
        ("cut", "b.png is damaged or cut"),
        ("no", "no picture that can be read"),
        ("list.txt", "nowhere.png is missing"),
        ("rows.csv", "the run's model takes pictures, so a folder"),
        ("gone.png", "gone.png is missing"),
    ):
        with pytest.raises(ConfigurationError, match=sentence):
            predict(merged, tmp_path / name, tmp_path / "out.csv")
    with pytest.raises(ConfigurationError, match=r"expected one of .tsv, .csv"):
        predict(merged, tmp_path / "cut/a.png", tmp_path / "out.png")
    assert not (tmp_path / "out.csv").exists()
