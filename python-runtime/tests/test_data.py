from __future__ import annotations

import io
import json
import os
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from hypothesis import given
from hypothesis import strategies as st

from glora import data, models, sources, storage
from glora.data import table, vader
from glora.data.rows import Row
from glora.data.splits import further_test
from glora.errors import ConfigurationError, SourceError, StorageError


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    tiny.write_model(folder / "model")
    tiny.write_data(folder / "data.tsv")
    return folder


def prepare(home: Path, cache: Path, **changes: Any) -> data.Prepared:
    return data.prepare(
        {"source": f"local:{home / 'model'}", "sha256": None},
        {**tiny.task(home / "data.tsv"), **changes},
        cache,
    )


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_prepared_set_holds_what_the_tokenizer_gives(home: Path, tmp_path: Path) -> None:
    made = prepare(home, tmp_path)
    found = data.verify(made.path)
    tokenizer = models.load_tokenizer(home / "model")

    assert made.to_json()["model_digest"] == models.weights_digest(home / "model")
    assert found.labels == list(tiny.LABELS)
    assert found.info["columns"] == [
        {"name": "input_ids", "dtype": "i32", "row_shape": [16], "sequence": True},
        {"name": "attention_mask", "dtype": "u8", "row_shape": [16], "sequence": True},
    ]
    for split in data.SPLITS:
        arrays = found.arrays(split)
        rows = tiny.SPLIT[split]
        assert found.rows(split) == rows
        assert {name: (a.dtype.name, a.shape) for name, a in arrays.items()} == {
            "input_ids": ("int32", (rows, 16)),
            "attention_mask": ("uint8", (rows, 16)),
            "labels": ("int64", (rows,)),
            "lengths": ("int32", (rows,)),
        }
        for row, text in enumerate(found.texts(split)):
            ids = tokenizer(text, truncation=True, max_length=16)["input_ids"]
            length = arrays["lengths"][row]
            assert arrays["input_ids"][row, :length].tolist() == ids
            assert not arrays["input_ids"][row, length:].any()
            assert arrays["attention_mask"][row].tolist() == [1] * length + [0] * (16 - length)


def test_texts_are_cut_at_max_length(home: Path, tmp_path: Path) -> None:
    arrays = data.verify(prepare(home, tmp_path, max_length=5).path).arrays("train")
    assert arrays["lengths"].max() == 5
    assert (arrays["input_ids"][:, 4] > 0).any()


def test_second_preparation_is_taken_from_the_cache(home: Path, tmp_path: Path) -> None:
    first, second = prepare(home, tmp_path), prepare(home, tmp_path)
    assert (first.cached, second.cached) == (False, True)
    assert replace(second, cached=False) == first


def test_preparation_gives_the_same_bytes_wherever_it_happens(home: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    tiny.write_model(elsewhere / "model")
    tiny.write_data(elsewhere / "data.tsv")
    first = prepare(home, tmp_path / "a")
    second = prepare(elsewhere, tmp_path / "b")
    assert first.path.name == second.path.name
    assert files(first.path) == files(second.path)


@pytest.mark.parametrize("name", ["train.safetensors", "val.jsonl", "set.json"])
def test_damaged_set_is_noticed_and_made_anew(home: Path, tmp_path: Path, name: str) -> None:
    made = prepare(home, tmp_path)
    whole = files(made.path)
    (made.path / name).write_bytes(whole[name][:-9])

    with pytest.raises(StorageError, match=name.replace(".", r"\.")):
        data.verify(made.path)
    again = prepare(home, tmp_path)

    assert not again.cached
    assert files(again.path) == whole


def test_changed_label_names_are_noticed(home: Path, tmp_path: Path) -> None:
    made = prepare(home, tmp_path)
    info = json.loads((made.path / "set.json").read_text("utf-8"))
    info["labels"].reverse()
    (made.path / "set.json").write_text(json.dumps(info), encoding="utf-8")
    with pytest.raises(StorageError, match="has been changed"):
        data.verify(made.path)


def test_folder_that_is_no_set_and_unknown_format_are_refused(home: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no prepared set"):
        data.verify(tmp_path)
    made = prepare(home, tmp_path)
    info = json.loads((made.path / "set.json").read_text("utf-8"))
    (made.path / "set.json").write_text(json.dumps({**info, "format": 9}), encoding="utf-8")
    with pytest.raises(SourceError, match="format 9, expected 1"):
        data.verify(made.path)


def test_full_disk_leaves_no_half_set(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space"):
        prepare(home, tmp_path)
    monkeypatch.undo()
    assert [path.name for path in (tmp_path / "prepared").iterdir()] == [".lock"]


def test_features_are_what_the_head_sees_row_by_row(home: Path, tmp_path: Path) -> None:
    made = prepare(home, tmp_path)
    seen: list[tuple[int, int]] = []
    done = data.features(
        made.path,
        made.model_path,
        made.model_digest,
        tmp_path,
        batch=10,
        progress=lambda rows, total: seen.append((rows, total)),
    )
    tokens, found = data.verify(made.path), data.verify(done.path)
    model = models.load_classifier(made.model_path, tokens.labels)

    assert found.info["columns"] == [
        {"name": "features", "dtype": "f32", "row_shape": [tiny.HIDDEN], "sequence": False}
    ]
    assert seen[-1] == (128, 128)
    for split in data.SPLITS:
        given, got = tokens.arrays(split), found.arrays(split)
        batch = {
            name: torch.from_numpy(given[name]).long() for name in ("input_ids", "attention_mask")
        }
        with torch.inference_mode():
            whole = models.pooled_features(model, batch).numpy()
        np.testing.assert_allclose(got["features"], whole, atol=1e-5)
        np.testing.assert_array_equal(got["labels"], given["labels"])
        assert found.texts(split) == tokens.texts(split)


def test_features_are_the_same_bit_for_bit_and_cached(home: Path, tmp_path: Path) -> None:
    made = prepare(home, tmp_path)
    arguments = (made.path, made.model_path, made.model_digest)
    first = data.features(*arguments, tmp_path / "a")
    second = data.features(*arguments, tmp_path / "b")
    assert first.digest == second.digest
    assert files(first.path) == files(second.path)
    assert data.features(*arguments, tmp_path / "a").cached


def test_features_of_another_model_are_refused(home: Path, tmp_path: Path) -> None:
    made = prepare(home, tmp_path)
    with pytest.raises(SourceError, match=f"expected {'0' * 64}"):
        data.features(made.path, made.model_path, "0" * 64, tmp_path)


def rows_of(count: int) -> list[Row]:
    return [Row(f"text number {index}", index % 2) for index in range(count)]


def test_splits_are_disjoint_and_free_of_duplicates() -> None:
    rows = rows_of(60) + [Row(f"TEXT  number {index}", index % 2) for index in range(60)]
    splits = data.draw_splits(rows, data.Split(30, 10, 100, 1))
    dealt = [data.normal_text(row.text) for part in splits.values() for row in part]
    assert len(dealt) == len(set(dealt)) == 60
    assert [len(splits[name]) for name in data.SPLITS] == [30, 10, 20]


def test_shots_are_rows_of_each_class_and_the_rest_goes_on_to_val_and_test() -> None:
    splits = data.draw_splits(rows_of(60), data.Split(30, 10, 100, 1, shots=3))
    assert sorted(row.label for row in splits["train"]) == [0, 0, 0, 1, 1, 1]
    assert [len(splits[name]) for name in data.SPLITS] == [6, 10, 44]
    with pytest.raises(ConfigurationError, match="The class 0 has 5 rows for train; expected"):
        data.draw_splits(rows_of(10), data.Split(30, 1, 100, 1, shots=6))


def test_further_test_set_has_no_text_of_train_or_val() -> None:
    split = data.Split(10, 5, 8, 1)
    further = further_test([*rows_of(20), Row("Another one", 1)], split, rows_of(15))
    assert len(further) == 6
    assert not {row.text for row in further} & {row.text for row in rows_of(15)}
    with pytest.raises(ConfigurationError, match="no text that train and val do not have"):
        further_test(rows_of(3), split, rows_of(15))


def test_texts_with_two_labels_are_left_out() -> None:
    rows = [*rows_of(20), Row("Text number 3", 0)]
    dealt = data.draw_splits(rows, data.Split(10, 5, 100, 1))
    assert "text number 3" not in [row.text for part in dealt.values() for row in part]
    assert sum(map(len, dealt.values())) == 19


@given(st.permutations(range(20)), st.integers(0, 1000))
def test_splits_depend_on_the_seed_and_not_on_the_order_of_the_rows(
    order: list[int], seed: int
) -> None:
    rows, split = rows_of(20), data.Split(8, 4, 4, seed)
    assert data.draw_splits([rows[index] for index in order], split) == data.draw_splits(
        rows, split
    )


def test_another_data_seed_gives_other_splits_and_the_algorithm_is_fixed() -> None:
    first = data.draw_splits(rows_of(40), data.Split(20, 10, 10, 17))
    other = data.draw_splits(rows_of(40), data.Split(20, 10, 10, 18))
    assert first != other
    # SHA-256 of "17\ntext number i", sorted: as sha256sum and sort give it.
    assert [row.text.split()[-1] for row in first["val"]][:5] == ["23", "38", "31", "11", "16"]


def test_too_few_rows_are_said() -> None:
    with pytest.raises(ConfigurationError, match="30 different labelled texts"):
        data.draw_splits(rows_of(30), data.Split(20, 10, 10, 1))


def snippets(folder: Path, lines: bytes) -> Path:
    """Write a source distribution as vaderSentiment's: a tarball in a tarball."""

    def packed(name: str, content: bytes) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tarred:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tarred.addfile(info, io.BytesIO(content))
        return buffer.getvalue()

    inner = packed("hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt", lines)
    path = folder / "vaderSentiment-3.3.2.tar.gz"
    path.write_bytes(packed(f"vaderSentiment-3.3.2/additional_resources/{vader._INNER}", inner))
    return path


def movies(path: Path, threshold: float = 0.5) -> list[tuple[str, int]]:
    task = data.Task("local:x", domain="movies", threshold=threshold)
    return [(row.text, row.label) for row in vader.read(path, task).rows]


def test_snippets_are_labelled_by_the_sign_of_a_rating_at_or_over_the_threshold(
    tmp_path: Path,
) -> None:
    lines = "1\t0.5\tgood\r\n2\t-0.5\tbad\r\n3\t0.49\tneither\r\n4\t-2.5\t  twice \xa0 bad \r\n"
    path = snippets(tmp_path, lines.encode())
    assert movies(path) == [("good", 1), ("bad", 0), ("twice bad", 0)]
    assert movies(path, threshold=1) == [("twice bad", 0)]


def test_snippets_keep_accents_and_resolve_named_characters(tmp_path: Path) -> None:
    lines = "1\t2\tJiří &amp; M\u2028ünch\r\n2\t2\tFlom &amp;amp; R&D&nothing; &#233;".encode()
    assert movies(snippets(tmp_path, lines)) == [
        ("Jiří & M ünch", 1),
        ("Flom & R&D&nothing; é", 1),
    ]


@pytest.mark.parametrize("lines", [b"1\tgood\tx\r\n", b"1\t2\r\n", b"1\t2\tcaf\xe9\r\n"])
def test_malformed_snippets_are_an_error(tmp_path: Path, lines: bytes) -> None:
    with pytest.raises(SourceError, match="movieReviewSnippets"):
        movies(snippets(tmp_path, lines))


def test_unknown_domain_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nearest is movies"):
        vader.read(tmp_path, data.Task("local:x", domain="movie"))


def test_snippets_prepare_from_a_local_archive(home: Path, tmp_path: Path) -> None:
    lines = "".join(f"{i}\t{(-1) ** i}\tfilm {i} was good\r\n" for i in range(20))
    path = snippets(tmp_path, lines.encode())
    made = prepare(
        home,
        tmp_path,
        source={"source": f"local:{path}", "sha256": storage.sha256_file(path)},
        domain="movies",
        split={"train": 8, "val": 4, "test": 2000, "seed": 1},
    )
    assert data.verify(made.path).rows("test") == 8


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.tsv", 'text\tlabel\n"quoted\tno\nplain\tyes\n'),
        ("t.csv", 'label,text\nno,"""quoted"\nyes,plain\n'),
        ("t.jsonl", '{"text": "\\"quoted", "label": "no"}\n{"text": "plain", "label": "yes"}\n'),
    ],
)
def test_tables_of_each_kind_are_read(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text("\ufeff" + content, encoding="utf-8")
    read = table.read(tmp_path / name, data.Task("local:x"))
    assert read.labels == ("no", "yes")
    assert read.rows == (Row('"quoted', 0), Row("plain", 1))


def test_classes_that_are_numbers_are_sorted_as_numbers(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("text,label\na,10\nb,9\nc,-1\n", encoding="utf-8")
    assert table.read(tmp_path / "t.csv", data.Task("local:x")).labels == ("-1", "9", "10")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"text\tlabels\na\tb\n", r"no column 'label'; found text, labels \(the nearest"),
        (b"text\tlabel\ncaf\xe9\tb\n", "not UTF-8"),
        (b"text\tlabel\na\tb\nc\tb\n", "1 classes"),
        (b"text\tlabel\na\n", "has 1 cells and the first line names 2"),
    ],
)
def test_malformed_tables_are_a_configuration_error(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "t.tsv").write_bytes(content)
    with pytest.raises(ConfigurationError, match=message):
        table.read(tmp_path / "t.tsv", data.Task("local:x"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_lenght": 3}, "did you mean 'max_length'"),
        ({"split": {"trian": 3}}, "did you mean 'train'"),
        ({"split": {"train": 0}}, "at least 1"),
        ({"max_length": "64"}, "whole number"),
        ({"max_length": 65}, "at most 64"),
        ({"max_length": 2}, "at least 3"),
        ({"threshold": 0}, "over 0"),
        ({"source": 5}, "expected a source string"),
        ({"source": f"local:{tiny.__file__}"}, "which no reader knows"),
    ],
)
def test_wrong_task_settings_are_configuration_errors(
    home: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        prepare(home, tmp_path, **changes)
    assert not list(tmp_path.rglob("set.json"))


def cached_archive() -> Path | None:
    """Return the real archive if the quickstart has fetched it; no test downloads it."""
    pin = sources.parse("pypi:vaderSentiment").pin
    assert pin is not None
    return next((storage.default_cache() / "sources" / pin.sha256).glob("*.tar.gz"), None)


@pytest.mark.skipif(
    cached_archive() is None,
    reason="the VADER snippets are not in GLORA_CACHE; the quickstart fetches them",
)
def test_real_movies_give_the_splits_that_results_are_reported_on() -> None:
    archive = cached_archive()
    assert archive is not None
    read = vader.read(archive, data.Task("pypi:vaderSentiment", domain="movies"))
    splits = data.draw_splits(read.rows, data.Split())
    assert len(read.rows) == 10_072
    assert [len(splits[name]) for name in data.SPLITS] == [800, 200, 2000]
    assert [sum(row.label for row in splits[name]) for name in data.SPLITS] == [395, 105, 982]
