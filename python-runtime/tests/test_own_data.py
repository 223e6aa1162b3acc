"""Tables of one's own as people bring them: pairs, given splits, Parquet, and what is wrong."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
import tiny
from pyarrow import ipc

from glora import data, models
from glora.data import arrow, table, vader
from glora.data.guess import guess
from glora.data.rows import Row
from glora.data.splits import draw_splits
from glora.data.task import Split, Task
from glora.errors import ConfigurationError, EnvironmentNotUsable

SPLIT = {"train": 60, "val": 20, "test": 20, "seed": 2}


def texts(count: int, first: int = 0) -> list[str]:
    words = (*tiny.GOOD, *tiny.BAD, *tiny.PLAIN)
    return [
        f"{words[i % len(words)]} {words[i // len(words) % len(words)]} film of {'day ' * (i % 3)}"
        for i in range(first, first + count)
    ]


def rows(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [
        {"text": text, "label": ("up", "down")[i % 2]} for i, text in enumerate(texts(count, first))
    ]


def jsonl(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def prepare(body: Path, source: Path, cache: Path, **settings: Any) -> data.PreparedSet:
    task = {"source": f"local:{source}", "split": SPLIT, "max_length": 16, **settings}
    return data.verify(data.prepare(f"local:{body}", task, cache).path)


def saved_dataset(folder: Path, splits: dict[str, list[dict[str, Any]]]) -> Path:
    """What datasets.save_to_disk writes, by the format's own files."""
    folder.mkdir()
    (folder / "dataset_dict.json").write_text(json.dumps({"splits": list(splits)}))
    for name, records in splits.items():
        part = folder / name
        part.mkdir()
        numbered = [{**r, "label": ("down", "up").index(r["label"])} for r in records]
        content = pyarrow.Table.from_pylist(numbered)
        half = len(records) // 2
        files = ["data-00000-of-00002.arrow", "data-00001-of-00002.arrow"]
        for file, piece in zip(files, (content[:half], content[half:]), strict=True):
            with ipc.new_stream(str(part / file), piece.schema) as writer:
                writer.write_table(piece)
        features = {
            "text": {"dtype": "string", "_type": "Value"},
            "label": {"names": ["down", "up"], "_type": "ClassLabel"},
        }
        (part / "dataset_info.json").write_text(json.dumps({"features": features}))
        state = {"_data_files": [{"filename": file} for file in files]}
        (part / "state.json").write_text(json.dumps(state))
    return folder


def test_pair_is_tokenised_as_the_models_pair(body: Path, tmp_path: Path) -> None:
    records = [
        {"premise": first, "hypothesis": second, "label": i % 2}
        for i, (first, second) in enumerate(zip(texts(140), texts(140, 200), strict=True))
    ]
    source = jsonl(tmp_path / "a.jsonl", records)
    found = prepare(
        body, source, tmp_path, text_column="premise", pair_column="hypothesis", max_length=24
    )
    tokenizer = models.load_tokenizer(body)
    arrays = found.arrays("val")
    assert [c["name"] for c in found.info["columns"]][2] == "token_type_ids"
    lines = [json.loads(line) for line in (found.path / "val.jsonl").read_text().splitlines()]
    for row, line in enumerate(lines):
        expected = tokenizer(line["text"], line["pair"], truncation=True, max_length=24)
        length = arrays["lengths"][row]
        for name in ("input_ids", "token_type_ids"):
            assert arrays[name][row, :length].tolist() == expected[name]
            assert not arrays[name][row, length:].any()
    assert arrays["token_type_ids"].any()
    made = data.features(found.path, body, models.weights_digest(body), tmp_path)
    assert data.verify(made.path).rows("val") == 20


def test_equal_first_texts_with_other_second_ones_are_different_pairs() -> None:
    dealt = draw_splits([Row("same", i % 2, pair=f"other {i}") for i in range(10)], Split(4, 2, 4))
    assert sum(map(len, dealt.values())) == 10


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_every_format_gives_the_same_set(body: Path, tmp_path: Path, suffix: str) -> None:
    records = rows(120)
    expected = prepare(body, jsonl(tmp_path / "a.jsonl", records), tmp_path / "cache")
    other = tmp_path / f"b{suffix}"
    if suffix == ".parquet":
        other.write_bytes(arrow.parquet_bytes(other, records))
    elif suffix == ".jsonl":
        jsonl(other, records)
    else:
        mark = "," if suffix == ".csv" else "\t"
        lines = [f"text{mark}label", *(f"{r['text']}{mark}{r['label']}" for r in records)]
        # With the mark that Windows' programs put before UTF-8, and their ends of lines.
        other.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    assert prepare(body, other, tmp_path / "cache").digest == expected.digest


def test_saved_data_set_gives_its_splits_and_names(body: Path, tmp_path: Path) -> None:
    parts = {"train": rows(70), "validation": rows(30, 200), "test": rows(24, 400)}
    found = prepare(body, saved_dataset(tmp_path / "set", parts), tmp_path / "cache")
    assert found.labels == ["down", "up"]
    assert [found.rows(name) for name in data.SPLITS] == [60, 20, 20]
    known = {" ".join(row["text"].split()) for row in parts["test"]}
    assert set(found.texts("test")) <= known


def test_folder_of_files_gives_its_splits_and_draws_what_is_missing(
    body: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    jsonl(folder / "train.jsonl", rows(90))
    jsonl(folder / "test.jsonl", rows(20, 400))
    found = prepare(body, folder, tmp_path / "cache")
    assert [found.rows(name) for name in data.SPLITS] == [60, 20, 20]
    train = {" ".join(row["text"].split()) for row in rows(90)}
    assert set(found.texts("train")) | set(found.texts("val")) <= train


def test_split_column_gives_the_splits(body: Path, tmp_path: Path) -> None:
    names = ["Train"] * 60 + ["dev"] * 20 + ["test"] * 20
    records = [{**row, "part": name} for row, name in zip(rows(100), names, strict=True)]
    found = prepare(
        body, jsonl(tmp_path / "a.jsonl", records), tmp_path / "cache", split_column="part"
    )
    assert set(found.texts("val")) == {" ".join(r["text"].split()) for r in records[60:80]}


def test_text_in_two_given_splits_is_refused_or_dropped_from_the_earlier(
    body: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    jsonl(folder / "train.jsonl", rows(90))
    jsonl(folder / "test.jsonl", [*rows(20, 400), *rows(3)])
    with pytest.raises(ConfigurationError, match="3 texts of train stand in test too"):
        prepare(body, folder, tmp_path / "cache")
    found = prepare(body, folder, tmp_path / "cache", overlap="drop")
    assert not set(found.texts("train")) & {" ".join(r["text"].split()) for r in rows(3)}


def test_stratified_splits_have_the_classes_in_proportion() -> None:
    many = [Row(f"text {i}", int(i % 10 == 0)) for i in range(400)]
    dealt = draw_splits(many, Split(200, 100, 100, 3, stratified=True))
    shares = {name: Counter(row.label for row in part) for name, part in dealt.items()}
    assert [shares[name][1] for name in data.SPLITS] == [20, 10, 10]
    assert len({row.text for part in dealt.values() for row in part}) == 400


def test_documents_stay_in_one_split() -> None:
    many = [Row(f"sentence {i}", i % 2, group=str(i // 7)) for i in range(400)]
    dealt = draw_splits(many, Split(200, 60, 100))
    assert [len(dealt[name]) for name in data.SPLITS] == [200, 60, 100]
    groups = [{row.group for row in dealt[name]} for name in data.SPLITS]
    assert not groups[0] & groups[1]
    assert not groups[0] & groups[2]
    assert not groups[1] & groups[2]


def snippets(folder: Path) -> Path:
    folder.mkdir()
    for domain, name in vader.FILES.items():
        lines = [f"{i // 5}_{i % 5}\t{(i % 9) - 4}\t{domain} {t}" for i, t in enumerate(texts(150))]
        (folder / name).write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.mark.parametrize("domain", ["products", "editorials"])
def test_snippets_of_a_document_stand_in_one_split(domain: str, tmp_path: Path) -> None:
    task = Task("local:x", domain=domain)
    found = vader.read(snippets(tmp_path / "vader"), task)
    assert found.settings["grouped"] == "document"
    dealt = draw_splits(found.rows, Split(60, 20, 30))
    train, test = ({row.group for row in dealt[name]} for name in ("train", "test"))
    assert not train & test


def test_keys_of_movies_and_tweets_are_those_of_before(tmp_path: Path) -> None:
    for domain in ("movies", "tweets"):
        found = vader.read(snippets(tmp_path / domain), Task("local:x", domain=domain))
        assert found.settings == {"reader": "vader", "domain": domain, "threshold": 0.5}
        assert not any(row.group for row in found.rows)
    assert Task("local:x").split_json() == {"train": 800, "val": 200, "test": 2000, "seed": 17}


def test_rating_itself_is_a_number(tmp_path: Path) -> None:
    found = vader.read(
        snippets(tmp_path / "vader"), Task("local:x", domain="movies", target="number")
    )
    assert found.labels == ("rating",)
    assert [row.label for row in found.rows[:3]] == [-4.0, -3.0, -2.0]


def test_long_texts_are_counted_or_refused(body: Path, tmp_path: Path) -> None:
    source = jsonl(tmp_path / "a.jsonl", rows(120))
    found = prepare(body, source, tmp_path / "cache", max_length=6)
    assert sum(found.info["cut"].values()) > 0
    with pytest.raises(ConfigurationError, match=r"longer than the 6 tokens .* of 60 in train"):
        prepare(body, source, tmp_path / "cache", max_length=6, too_long="refuse")
    whole = prepare(body, source, tmp_path / "cache", too_long="refuse")
    assert "cut" not in whole.info


HEAD = b"text,label\n"
WRONG: dict[str, tuple[str, bytes, str]] = {
    "latin-1": ("a.csv", HEAD + b"caf\xe9,up\n", "byte 14 is 0xe9, it may be ISO-8859-1"),
    "windows": ("a.csv", HEAD + b"\x93so\x94,up\n", "byte 11 is 0x93, it may be WINDOWS-1252"),
    "utf-16": ("a.csv", "text,label\na,up\n".encode("utf-16"), "it may be UTF-16"),
    "empty": ("a.csv", b"", "is empty"),
    "blank": ("a.csv", b"\n\n", "is empty"),
    "header only": ("a.csv", HEAD, "has no rows"),
    "long row": ("a.csv", HEAD + b"a, b,up\n", "Line 2 of .* has 3 cells .* put a text"),
    "short row": ("a.csv", HEAD + b"a\n", "Line 2 of .* has 1 cells and the first line names 2"),
    "tab": ("a.tsv", b"text\tlabel\na\tb\tup\n", "a cell cannot hold a tab"),
    "twice": ("a.csv", b"text,label,text\na,up,b\n", "has the column 'text' twice"),
    "column": ("a.csv", b"texts,label\na,up\n", r"no column 'text'; .*the nearest is 'texts'"),
    "no label": ("a.csv", HEAD + b"a,\n", "the label ''; expected a text and a class"),
    "one class": ("a.csv", HEAD + b"a,up\nb,up\n", "has 1 classes"),
    "not json": ("a.jsonl", b'{"text": "a", "label": 1}\n{"text": \n', "Line 2 of .* is not JSON"),
    "no object": ("a.jsonl", b"[1]\n", "Line 1 of .* expected an object"),
    "nested text": ("a.jsonl", b'{"text": {"en": "a"}, "label": 1}\n', "flatten the data"),
    "null text": ("a.jsonl", b'{"text": null, "label": 1}\n', "expected a text, complete"),
    "nested label": ("a.jsonl", b'{"text": "a", "label": {"x": 1}}\n', "in the label column"),
    "parquet": ("a.parquet", b"PAR1 and no more", "cannot be read as Parquet"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_one_sentence(name: str, body: Path, tmp_path: Path) -> None:
    file, content, sentence = WRONG[name]
    (tmp_path / file).write_bytes(content)
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        prepare(body, tmp_path / file, tmp_path / "cache")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "cache/prepared").exists()


def test_parquet_file_cut_in_half_is_named(tmp_path: Path) -> None:
    whole = arrow.parquet_bytes(tmp_path / "a.parquet", rows(500))
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigurationError, match=r"cut.parquet cannot be read as Parquet"):
        list(table.records(cut))


def test_arrow_file_cut_in_half_is_named(tmp_path: Path) -> None:
    folder = saved_dataset(tmp_path / "set", {"train": rows(500)})
    file = folder / "train/data-00001-of-00002.arrow"
    file.write_bytes(file.read_bytes()[:900])
    with pytest.raises(ConfigurationError, match=r"of-00002\.arrow cannot be read"):
        list(table.records(folder))


def test_parquet_without_pyarrow_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "a.parquet"
    source.write_bytes(arrow.parquet_bytes(source, rows(3)))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(EnvironmentNotUsable, match=r"install `glora\[tables\]`"):
        list(table.records(source))


def test_class_that_train_lacks_is_named(body: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    jsonl(folder / "train.jsonl", rows(90))
    jsonl(folder / "test.jsonl", [{**row, "label": "new"} for row in rows(20, 400)])
    with pytest.raises(ConfigurationError, match="no row of the class 'new', which test has"):
        prepare(body, folder, tmp_path / "cache")


@pytest.mark.parametrize(
    ("records", "found"),
    [
        (
            [
                {"sentence1": t, "sentence2": t[::-1], "label": i % 2}
                for i, t in enumerate(texts(99))
            ],
            {"text_column": "sentence1", "pair_column": "sentence2", "target": "class"},
        ),
        (
            [{"text": t, "score": 0.25 * (i % 30)} for i, t in enumerate(texts(99))],
            {"label_column": "score", "target": "number", "classes": {}},
        ),
        (
            [{"text": t, "tags": ["a", "b"][: i % 3]} for i, t in enumerate(texts(99))],
            {"label_column": "tags", "target": "labels", "classes": {"a": 66, "b": 33}},
        ),
        (
            [
                {"text": t, "tags": "; ".join(["a", "b", "c"][i % 3 :])}
                for i, t in enumerate(texts(99))
            ]
            + [{"text": "one more film", "tags": "a;c"}] * 3,
            {"label_column": "tags", "target": "labels", "label_separator": ";"},
        ),
        (
            [{"text": t, "rude": i % 2, "spam": int(i % 5 == 0)} for i, t in enumerate(texts(99))],
            {"label_column": ["rude", "spam"], "target": "labels"},
        ),
        (
            [{"text": t, "stars": i % 5} for i, t in enumerate(texts(99))],
            {"label_column": "stars", "target": "class", "stratified": True},
        ),
        (
            [
                {"text": t, "label": i % 2, "split": ("train", "train", "test")[i % 3]}
                for i, t in enumerate(texts(198))
            ],
            {"split_column": "split", "given": {"train": 132, "test": 66}, "stratified": False},
        ),
    ],
)
def test_guess_tells_the_kinds_apart_and_its_draft_prepares(
    body: Path, tmp_path: Path, records: list[dict[str, Any]], found: dict[str, Any]
) -> None:
    source = jsonl(tmp_path / "a.jsonl", records)
    said = guess(f"local:{body}", source, tmp_path / "cache")
    assert {name: said[name] for name in found} == found
    names = ("text_column", "pair_column", "label_column", "split_column", "target", "max_length")
    task = {name: said[name] for name in (*names, "label_separator", "split")}
    task["split"]["stratified"] = said["stratified"]
    made = prepare(body, source, tmp_path / "cache", **task)
    assert made.rows("train") == said["split"]["train"]


def test_split_that_is_none_and_two_files_of_one_are_sentences(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "a.jsonl", [{**row, "split": "later"} for row in rows(9)])
    with pytest.raises(ConfigurationError, match="is of the split 'later'"):
        table.read(source, Task("local:x", split_column="split"))
    folder = tmp_path / "data"
    folder.mkdir()
    jsonl(folder / "val.jsonl", rows(9))
    jsonl(folder / "dev.jsonl", rows(9))
    with pytest.raises(ConfigurationError, match="two files of the val split"):
        list(table.records(folder))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"overlap": "keep"}, "task.overlap is 'keep'; expected one of refuse, drop"),
        ({"too_long": "wrap"}, "task.too_long is 'wrap'"),
        ({"pair_column": "text"}, "expected different columns"),
        ({"target": "number", "split": {"stratified": True}}, "task.split.stratified is true"),
        ({"label_column": ["a", "b"]}, "has 2 columns and task.target is class"),
    ],
)
def test_settings_that_do_not_fit_are_sentences(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        Task.of({"source": "local:x", **settings})


def test_every_example_of_the_page_is_read_by_its_settings(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/own-data.md").read_text("utf-8")
    examples = re.findall(r"```(csv|jsonl)\n(.*?)```\n\n```yaml\n(.*?)```", page, re.S)
    assert len(examples) == page.count("```yaml") == 6
    for suffix, content, settings in examples:
        source = tmp_path / f"a.{suffix}"
        source.write_text(content, "utf-8")
        found = table.read(source, Task.of({"source": f"local:{source}", **_settings(settings)}))
        assert len(found.rows) == content.strip().count("\n") + (suffix == "jsonl")
        assert found.labels


def _settings(text: str) -> dict[str, Any]:
    """The page's blocks: a key and a word, or a list of words, on each line."""
    pairs = [line.split(": ") for line in text.splitlines()]
    return {
        key: value.strip("[]").split(", ") if value.startswith("[") else value
        for key, value in pairs
    }
