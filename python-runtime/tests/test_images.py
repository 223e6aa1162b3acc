"""Tasks of pictures: readers, what damaged or odd files become, splits, the prepared set."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from glora import data, drawn, models, sources
from glora.data import deal, pictures, prepared
from glora.data.picture_sources import read
from glora.data.pictures import Picture, Pictures
from glora.drawn import sprites
from glora.errors import ConfigurationError, SourceError

VIT = {
    **drawn.VIT_TINY,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "intermediate_size": 16,
    "num_attention_heads": 2,
    "image_size": 8,
}


@pytest.fixture
def body(tmp_path: Path) -> str:
    (tmp_path / "body").mkdir()
    return f"local:{drawn.write_vit(tmp_path / 'body', VIT)}"


def noise(seed: int, size: int = 10) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8)


def save(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise(seed)).save(path)


def task(source: Path | str, **changes: Any) -> data.Task:
    block = {
        "source": f"local:{source}" if isinstance(source, Path) else source,
        "split": {"train": 6, "val": 2, "test": 100, "seed": 1},
    }
    return data.Task.of({**block, **changes})


def found(source: Path, **changes: Any) -> Pictures:
    asked = task(source, **changes)
    return read(sources.fetch(asked.source), asked)


def class_folders(root: Path, count: int = 8, first: int = 0) -> Path:
    for number in range(count):
        name = ("cat", "dog")[number % 2]
        save(root / name / f"{number}.png", first + number)
    return root


def damaged(path: Path, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        pictures.read(path)


def test_every_usual_mode_becomes_red_green_and_blue(tmp_path: Path) -> None:
    plain = noise(0)
    expected = {
        "RGB": plain,
        "L": np.repeat(np.asarray(Image.fromarray(plain).convert("L"))[:, :, None], 3, 2),
    }
    for mode, pixels in expected.items():
        Image.fromarray(plain).convert(mode).save(tmp_path / "x.png")
        assert np.array_equal(pictures.read(tmp_path / "x.png"), pixels)
    for mode, name in (("CMYK", "x.tif"), ("P", "x.gif"), ("1", "x.png"), ("YCbCr", "x.jpg")):
        Image.fromarray(plain).convert(mode).save(tmp_path / name)
        assert pictures.read(tmp_path / name).shape == (10, 10, 3)


def test_sixteen_bits_become_eight_and_alpha_lies_over_white(tmp_path: Path) -> None:
    deep = np.array([[0, 257, 65535], [128 * 257, 65278, 1]], np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert pictures.read(tmp_path / "deep.png")[:, :, 0].tolist() == [[0, 1, 255], [128, 254, 0]]
    clear = np.zeros((2, 2, 4), np.uint8)
    clear[0] = (10, 20, 30, 255)
    Image.fromarray(clear).save(tmp_path / "clear.png")
    assert pictures.read(tmp_path / "clear.png")[:, 0].tolist() == [[10, 20, 30], [255, 255, 255]]
    Image.fromarray(np.full((2, 2), 0.5, np.float32)).save(tmp_path / "float.tiff")
    damaged(tmp_path / "float.tiff", "mode 'F', whose numbers have no fixed black and white")


def test_a_cameras_rotation_is_applied(tmp_path: Path) -> None:
    wide = Image.fromarray(np.zeros((2, 5, 3), np.uint8))
    exif = wide.getexif()
    exif[0x0112] = 6
    wide.save(tmp_path / "turned.jpg", exif=exif)
    assert pictures.read(tmp_path / "turned.jpg").shape == (5, 2, 3)


def test_damaged_pictures_are_one_sentence_with_their_path(tmp_path: Path) -> None:
    save(tmp_path / "whole.png", 1)
    content = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(content[: len(content) // 2])
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    damaged(tmp_path / "cut.png", r"cut\.png is damaged or cut")
    damaged(tmp_path / "text.png", r"text\.png is no picture")
    damaged(tmp_path / "empty.png", r"empty\.png is no picture")
    damaged(tmp_path / "gone.png", r"gone\.png is missing")


def test_class_folders_are_dealt_out_without_a_picture_in_two_splits(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "all", 12)
    save(root / "cat" / "again.png", 0)  # the pixels of 0.png
    save(root / "dog" / "other.png", 2)  # those of cat's 2.png: two labels, so neither is kept
    dealt = deal.deal(found(root), task(root).split)
    names = [row.name for part in dealt.values() for row in part.rows]
    assert [len(part.rows) for part in dealt.values()] == [6, 2, 3]
    assert not {"dog/other.png", "cat/2.png"} & set(names)
    assert len({"cat/again.png", "cat/0.png"} & set(names)) == 1
    assert dealt["train"].left_out == 3


def test_given_splits_are_kept_and_what_stands_in_test_leaves_train(tmp_path: Path) -> None:
    class_folders(tmp_path / "train", 10)
    class_folders(tmp_path / "validation", 4, 50)
    class_folders(tmp_path / "test", 6, 100)
    save(tmp_path / "train" / "cat" / "leak.png", 100)
    dealt = deal.deal(found(tmp_path), task(tmp_path).split)
    assert {row.name.split("/")[0] for row in dealt["val"].rows} == {"validation"}
    assert len(dealt["test"].rows) == 6
    assert dealt["train"].left_out == 1
    assert "train/cat/leak.png" not in [row.name for row in dealt["train"].rows]


def test_lists_give_paths_and_labels(tmp_path: Path) -> None:
    class_folders(tmp_path / "pictures with space", 9)
    lines = [
        f"pictures with space/{('cat', 'dog')[n % 2]}/{n}.png {('10', '9')[n % 2]}"
        for n in range(9)
    ]
    (tmp_path / "train.txt").write_text("\n".join(lines[:7]))
    (tmp_path / "test.txt").write_text("\n".join(lines[7:]) + "\n")
    got = found(tmp_path, split={"train": 5, "val": 2, "test": 9})
    assert got.labels == ("9", "10")
    assert [row.label for row in got.parts["test"]] == [0, 1]
    (tmp_path / "test.txt").write_text("pictures\n")
    with pytest.raises(ConfigurationError, match="expected a path, a space and a label"):
        found(tmp_path)


def test_bad_folders_are_one_sentence(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "all", 4)
    with pytest.raises(ConfigurationError, match=r"4 different pictures .* lower it"):
        deal.deal(found(root), task(root).split)
    (root / "empty").mkdir()
    with pytest.raises(ConfigurationError, match=r"The class folder .*empty has no picture"):
        found(root)
    (tmp_path / "one" / "only").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match="has 1 folders of classes; expected at least two"):
        found(tmp_path / "one")


def test_class_that_train_lacks_is_refused(tmp_path: Path) -> None:
    class_folders(tmp_path / "train", 10)
    class_folders(tmp_path / "test", 6, 100)
    save(tmp_path / "test" / "bird" / "b.png", 900)
    with pytest.raises(ConfigurationError, match="'bird' has pictures in test and none in train"):
        deal.deal(found(tmp_path), task(tmp_path).split)


def test_shots_take_so_many_of_each_class(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "all", 12)
    split = data.Split(1, 2, 100, 1, shots=2)
    dealt = deal.deal(found(root), split)
    assert sorted(row.label for row in dealt["train"].rows) == [0, 0, 1, 1]
    with pytest.raises(ConfigurationError, match=r"'cat' has 6 rows for train; expected at least"):
        deal.deal(found(root), data.Split(1, 2, 100, 1, shots=7))


def test_sprites_are_seeded_and_their_labels_are_in_the_picture() -> None:
    shown, labels = sprites.draw("position", 200, 3)
    again, _ = sprites.draw("position", 20, 3)
    assert np.array_equal(shown[:20], again)
    assert not np.array_equal(shown[:20], sprites.draw("position", 20, 4)[0])
    assert set(labels) == set(range(16))
    # The mean place of the white pixels along x is what the label bins.
    weights = shown.sum(1) / shown.sum((1, 2))[:, None]
    centre = weights @ (np.arange(sprites.SIZE) + 0.5) / sprites.SIZE
    assert np.corrcoef(centre, labels)[0, 1] > 0.98
    assert not shown[:, [0, -1]].any()
    assert not shown[:, :, [0, -1]].any()


def idx(axes: int, numbers: np.ndarray) -> bytes:
    header = bytes((0, 0, 8, axes)) + np.array(numbers.shape, ">u4").tobytes()
    return header + numbers.astype(np.uint8).tobytes()


def idx_files(folder: Path) -> dict[str, bytes]:
    draw = np.random.default_rng(0)
    files = {}
    for part, rows in (("train", 40), ("t10k", 20)):
        files[f"{part}-images-idx3-ubyte"] = idx(3, draw.integers(0, 256, (rows, 5, 5)))
        files[f"{part}-labels-idx1-ubyte"] = idx(1, np.arange(rows) % 3)
    for name, content in files.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
    return files


def test_idx_files_are_read_from_a_folder_and_from_a_debian_package(tmp_path: Path) -> None:
    (tmp_path / "idx").mkdir()
    idx_files(tmp_path / "idx")
    got = found(tmp_path / "idx")
    assert [len(part) for part in got.parts.values()] == [40, 20]
    tarred = io.BytesIO()
    with tarfile.open(fileobj=tarred, mode="w") as tar:
        for file in (tmp_path / "idx").iterdir():
            tar.add(file, f"./usr/share/datasets/{file.name}")
    package = b"!<arch>\n"
    for name, content in (
        ("debian-binary", b"2.0\n"),
        ("control.tar.xz", b"odd"),
        ("data.tar.xz", lzma.compress(tarred.getvalue())),
    ):
        head = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n"
        package += head.encode() + content + b"\n" * (len(content) % 2)
    (tmp_path / "x.deb").write_bytes(package)
    other = found(tmp_path / "x.deb")
    assert all(
        np.array_equal(one.pixels(), two.pixels()) and one.label == two.label
        for one, two in zip(got.parts["test"], other.parts["test"], strict=True)
    )
    (tmp_path / "x.deb").write_bytes(package[: len(package) // 2])
    with pytest.raises(SourceError, match="damaged or cut"):
        found(tmp_path / "x.deb")
    (tmp_path / "idx" / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(3, noise(0))))
    with pytest.raises(ConfigurationError, match=r"10 pictures and .* 20"):
        found(tmp_path / "idx")


def test_debian_packages_come_by_apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apt = tmp_path / "bin" / "apt-get"
    apt.parent.mkdir()
    apt.write_text('#!/bin/sh\nfor last; do :; done\necho "$last" > "$last.deb"\n')
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", f"{apt.parent}:/usr/bin:/bin")
    cache = tmp_path / "cache"
    first = sources.fetch("debian:dataset-x=1.0", cache=cache)
    assert (first.path.read_text(), first.cached) == ("dataset-x=1.0\n", False)
    assert sources.fetch("debian:dataset-x=1.0", cache=cache).cached
    with pytest.raises(SourceError, match=r"has the SHA-256 .*, expected 0000"):
        sources.fetch("debian:dataset-x=2.0", "0" * 64, cache=cache)
    apt.write_text("#!/bin/sh\necho 'E: Unable to locate package dataset-y'; exit 100\n")
    with pytest.raises(SourceError, match="run `apt-get update`"):
        sources.fetch("debian:dataset-y", cache=cache)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="no apt-get"):
        sources.fetch("debian:dataset-y", cache=cache)


def test_prepared_set_holds_bytes_that_any_safetensors_reader_reads(
    tmp_path: Path, body: str
) -> None:
    root = class_folders(tmp_path / "all", 12)
    made = data.prepare(body, task(root, normalisation="imagenet"), tmp_path / "cache")
    opened = data.verify(made.path)
    column = opened.info["columns"][0]
    assert column["name"] == "pixel_values"
    assert column["row_shape"] == [3, 8, 8]
    assert column["pixels"]["mean"] == [0.485, 0.456, 0.406]
    assert opened.info["splits"]["train"]["rows"] == 6
    whole, mapped = opened.arrays("test"), opened.mapped("test")
    assert all(np.array_equal(whole[name], mapped[name]) for name in whole)
    row = opened.texts("test")[0]
    small = Image.open(root / row).resize((8, 8), Image.Resampling.BICUBIC)
    assert np.array_equal(whole["pixel_values"][0], np.asarray(small).transpose(2, 0, 1))
    again = data.prepare(body, task(root, normalisation="imagenet"), tmp_path / "cache")
    assert again.cached
    assert again.digest == made.digest
    assert str(root) not in (made.path / "set.json").read_text("utf-8")


def test_features_of_pictures_are_what_the_head_sees(tmp_path: Path, body: str) -> None:
    root = class_folders(tmp_path / "all", 12)
    made = data.prepare(body, task(root), tmp_path / "cache")
    done = data.features(made.path, made.model_path, made.model_digest, tmp_path / "cache", 4)
    model = models.load_classifier(made.model_path, ["cat", "dog"])
    rows = torch.from_numpy(data.verify(made.path).arrays("val")["pixel_values"])
    with torch.inference_mode():
        pooled = models.pooled_features(
            model, {"pixel_values": models.pixel_input(made.model_path).normalised(rows)}
        )
    features = data.verify(done.path).arrays("val")["features"]
    np.testing.assert_allclose(features, pooled.numpy(), atol=1e-5)


def test_further_test_sets_share_no_picture_with_train(tmp_path: Path, body: str) -> None:
    root = class_folders(tmp_path / "all", 12)
    other = class_folders(tmp_path / "other", 6, 200)
    for number in range(12):
        save(other / ("cat", "dog")[number % 2] / f"seen{number}.png", number)
    block = [{"name": "shifted", "source": f"local:{other}"}]
    made = data.prepare(body, task(root, tests=block), tmp_path / "cache")
    splits = data.verify(made.path).info["splits"]
    assert list(splits) == ["train", "val", "test", "test-shifted"]
    assert splits["test-shifted"]["rows"] == 6 + 4
    assert splits["test-shifted"]["left_out"] == 8
    save(other / "bird" / "b.png", 900)
    with pytest.raises(ConfigurationError, match=r"has the class 'bird'; expected classes"):
        data.prepare(body, task(root, tests=block), tmp_path / "cache")


def test_a_stream_writes_what_the_library_writes(tmp_path: Path) -> None:
    import safetensors.numpy

    arrays = {"a": np.arange(24, dtype=np.uint8).reshape(4, 3, 2), "labels": np.arange(4)}
    stream = prepared.Stream(np.dtype(np.uint8), (4, 3, 2), lambda: iter(np.split(arrays["a"], 2)))
    prepared._write_streams(tmp_path / "x", {"a": stream, "labels": arrays["labels"]})
    assert (tmp_path / "x").read_bytes() == safetensors.numpy.save(arrays)


def test_gray_models_get_one_channel(tmp_path: Path) -> None:
    (tmp_path / "gray").mkdir()
    folder = drawn.write_vit(tmp_path / "gray", {**VIT, "num_channels": 1})
    root = class_folders(tmp_path / "all", 12)
    made = data.prepare(f"local:{folder}", task(root), tmp_path / "cache")
    info = json.loads((made.path / "set.json").read_text("utf-8"))
    assert info["columns"][0]["row_shape"] == [1, 8, 8]


def test_one_name_for_two_further_test_sets_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="has a name twice"):
        task("local:x", tests=[{"name": "a"}, {"name": "a"}])
    with pytest.raises(ConfigurationError, match="expected settings with a name"):
        task("local:x", tests=[{"name": "../a"}])


def test_picture_of_gray_pixels_has_three_channels() -> None:
    picture = Picture("x", 0, np.arange(4, dtype=np.uint8).reshape(2, 2))
    assert picture.pixels().shape == (2, 2, 3)
    assert picture.digest() == Picture("y", 1, picture.pixels()).digest()
