from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import tiny
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from glora import models
from glora.data import arrow, table
from glora.errors import ConfigurationError, SourceError
from glora.predict import predict_table

LABELS = ("negative", "positive")
TEXTS = ["a good film", "bad, bad!", "so  plain\u2028it is", "not good " * 30]


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    body = tiny.write_model(folder / "body")
    model = models.load_classifier(body, LABELS)
    models.init_head(model, 3)
    with torch.no_grad():
        model.classifier.weight.mul_(50)  # type: ignore[union-attr, operator]
    return models.save_classifier(model, body, folder / "merged")


def plain(merged: Path, text: str, length: int) -> tuple[str, float]:
    """What transformers alone says of one text."""
    tokens = AutoTokenizer.from_pretrained(str(merged))(
        " ".join(text.split()),
        truncation=True,
        max_length=length,
        return_tensors="pt",
        return_token_type_ids=False,
    )
    with torch.inference_mode():
        model = AutoModelForSequenceClassification.from_pretrained(str(merged)).eval()
        probabilities = model(**tokens).logits.softmax(-1)[0]
    return LABELS[int(probabilities.argmax())], float(probabilities.max())


def written(path: Path, name: str) -> Path:
    file = path / name
    rows = [{"id": str(i), "review": text} for i, text in enumerate(TEXTS)]
    if name.endswith(".jsonl"):
        text = "".join(json.dumps(row) + "\n" for row in rows)
    elif name.endswith(".txt"):
        text = "".join(row["review"] + "\n" for row in rows)
    else:
        separator = "\t" if name.endswith(".tsv") else ","
        quote = '"' if separator == "," else ""
        lines = [f"{row['id']}{separator}{quote}{row['review']}{quote}\n" for row in rows]
        text = f"id{separator}review\n" + "".join(lines)
    file.write_text(text, "utf-8")
    return file


def read(path: Path) -> list[dict[str, str]]:
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ","))


@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv", "rows.jsonl"])
def test_every_row_keeps_its_cells_and_gets_what_transformers_says(
    merged: Path, tmp_path: Path, name: str
) -> None:
    target = tmp_path / f"out-{name}"
    done = predict_table(
        merged, written(tmp_path, name), target, text_column="review", max_length=16, batch_size=3
    )
    rows = read(target)
    assert done.rows == len(rows) == 4
    assert done.cut == 1
    assert sum(done.counts.values()) == 4
    for row, (index, text) in zip(rows, enumerate(TEXTS), strict=True):
        label, probability = plain(merged, text, 16)
        assert row["id"] == str(index)
        assert row["prediction"] == label
        assert float(row["probability"]) == pytest.approx(probability, abs=2e-6)
    if name.endswith(".jsonl"):
        assert rows[0]["review"] == TEXTS[0]
        probabilities = rows[0]["probabilities"]
        assert list(probabilities) == list(LABELS)
        assert sum(probabilities.values()) == pytest.approx(1, abs=2e-6)  # type: ignore[attr-defined]


def test_plain_text_gives_one_class_a_line(merged: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    predict_table(merged, written(tmp_path, "rows.txt"), target, max_length=16)
    assert target.read_text().split("\n")[:-1] == [plain(merged, text, 16)[0] for text in TEXTS]


def test_scores_do_not_depend_on_the_batch(merged: Path, tmp_path: Path) -> None:
    source = written(tmp_path, "rows.jsonl")
    seen = []
    for size in (1, 4):
        target = tmp_path / f"{size}.jsonl"
        predict_table(merged, source, target, text_column="review", batch_size=size)
        seen.append([float(row["probability"]) for row in read(target)])
    assert seen[0] == pytest.approx(seen[1], abs=2e-6)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("rows.csv", b"id,text\n", "has no rows"),
        ("rows.csv", b"id,texte\n1,a\n", "no column 'text'; found id, texte (the nearest"),
        ("rows.csv", b"id,text\n1,\xff\n", "not UTF-8"),
        ("rows.jsonl", b'{"text": 3}\n', "Row 1"),
        ("rows.jsonl", b"{\n", "not JSON"),
        ("rows.csv", b"text,prediction\na,b\n", "column 'prediction' already"),
        ("rows.xlsx", b"", "expected one of .tsv, .csv, .jsonl, .parquet, .txt"),
    ],
)
def test_tables_that_cannot_be_read_are_named_and_nothing_is_written(
    merged: Path, tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    source = tmp_path / name
    source.write_bytes(content)
    with pytest.raises(ConfigurationError, match=sentence.replace("(", r"\(")):
        predict_table(merged, source, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_a_folder_without_a_classifier_is_refused(merged: Path, tmp_path: Path) -> None:
    body = tiny.write_model(tmp_path / "body")
    with pytest.raises(SourceError, match="names no classes"):
        predict_table(body, written(tmp_path, "rows.txt"), tmp_path / "out.txt")


def test_a_missing_table_is_named(merged: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        predict_table(merged, tmp_path / "no.csv", tmp_path / "out.csv")


def head(folder: Path, labels: tuple[str, ...], problem_type: str) -> Path:
    """A merged model whose head sees little, so that its logits lie on both sides of 0."""
    body = tiny.write_model(folder / "body")
    model = models.load_classifier(body, labels, problem_type=problem_type)
    models.init_head(model, 4)
    with torch.no_grad():
        model.classifier.weight.mul_(50)  # type: ignore[union-attr, operator]
    return models.save_classifier(model, body, folder / "merged")


def logits(merged: Path, *texts: str) -> list[float]:
    tokens = AutoTokenizer.from_pretrained(str(merged))(*texts, return_tensors="pt")
    with torch.inference_mode():
        model = AutoModelForSequenceClassification.from_pretrained(str(merged)).eval()
        return [float(value) for value in model(**tokens).logits[0]]


def test_several_labels_are_those_above_one_half(tmp_path: Path) -> None:
    names = ("warm", "cold", "loud")
    merged = head(tmp_path, names, "multi_label_classification")
    source = tmp_path / "rows.csv"
    source.write_text("text\n" + "\n".join(TEXTS[:2]).replace(",", "") + "\n")
    found = predict_table(merged, source, tmp_path / "out.csv", label_separator="; ")
    assert (found.kind, found.rows, found.numbers) == ("labels", 2, {})
    rows = read(tmp_path / "out.csv")
    for row in rows:
        expected = logits(merged, row["text"])
        said = [name for name, value in zip(names, expected, strict=True) if value > 0]
        assert row["prediction"] == "; ".join(said)
        for name, value in zip(names, expected, strict=True):
            probability = float(torch.tensor(value).sigmoid())
            assert float(row[f"probability of {name}"]) == pytest.approx(probability, abs=1e-5)
    assert any(found.counts.values())
    assert found.counts == {n: sum(n in row["prediction"] for row in rows) for n in names}

    predict_table(merged, source, tmp_path / "out.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert ["; ".join(line["prediction"]) for line in lines] == [r["prediction"] for r in rows]
    assert set(lines[0]["probabilities"]) == set(names)


def test_number_is_the_output_itself(tmp_path: Path) -> None:
    merged = head(tmp_path, ("price",), "regression")
    source = written(tmp_path, "rows.jsonl")
    found = predict_table(merged, source, tmp_path / "out.csv", text_column="review")
    values = [float(row["prediction"]) for row in read(tmp_path / "out.csv")]
    assert values[0] == pytest.approx(logits(merged, TEXTS[0])[0], abs=1e-5)
    assert "probability" not in read(tmp_path / "out.csv")[0]
    assert found.counts == {}
    assert found.numbers == {
        "least": min(values),
        "mean": pytest.approx(sum(values) / len(values)),
        "greatest": max(values),
    }


def test_pair_is_scored_as_the_models_pair(merged: Path, tmp_path: Path) -> None:
    source = tmp_path / "rows.parquet"
    rows = [{"one": "a good film", "other": "not good"}, {"one": "bad", "other": "the man is old"}]
    source.write_bytes(arrow.parquet_bytes(source, rows))
    target = tmp_path / "out.parquet"
    found = predict_table(merged, source, target, text_column="one", pair_column="other")
    assert found.cut == 0
    for record, row in zip(table.records(target), rows, strict=True):
        expected = torch.tensor(logits(merged, row["one"], row["other"])).softmax(0)
        scores = record.cells["probabilities"]
        assert [scores[name] for name in LABELS] == pytest.approx(expected.tolist(), abs=1e-5)
        assert record.cells["prediction"] == LABELS[int(expected.argmax())]
    with pytest.raises(ConfigurationError, match="is plain text and the model reads pairs"):
        predict_table(merged, written(tmp_path, "a.txt"), target, pair_column="other")
