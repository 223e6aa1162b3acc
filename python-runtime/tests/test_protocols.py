"""The folders of published protocols: VTAB-1k, few-shot lists and shifted test sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import vtab_copy
from PIL import Image

from glora import data, drawn, java, sources
from glora.data import deal, vtab
from glora.data.picture_sources import read
from glora.errors import ConfigurationError


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vtab-1k")
    vtab_copy.write(folder, "eurosat")
    return folder


def task(home: Path, domain: str, **split: Any) -> data.Task:
    return data.Task.of({"source": f"local:{home}", "domain": domain, "split": split})


def found(asked: data.Task) -> Any:
    return read(sources.fetch(asked.source), asked)


def test_nineteen_tasks_in_three_groups_with_their_classes() -> None:
    groups = [known["group"] for known in vtab.tasks().values()]
    assert [groups.count(name) for name in ("natural", "specialized", "structured")] == [7, 4, 8]
    assert sum(known["classes"] for known in vtab.tasks().values()) == 940
    assert sum(known["test"] for known in vtab.tasks().values()) == 387_904


def test_vtab_is_prepared_as_its_lists_say(root: Path, tmp_path: Path) -> None:
    (tmp_path / "body").mkdir()
    body = drawn.write_vit(tmp_path / "body", vtab_copy.BODY)
    asked = task(root / "eurosat", "eurosat", train=800, val=200, test=1000)
    made = data.prepare(f"local:{body}", asked, tmp_path / "cache")
    opened = data.verify(made.path)
    assert [opened.rows(name) for name in data.SPLITS] == [800, 200, vtab_copy.TEST_ROWS]
    assert opened.labels == [str(number) for number in range(10)]
    lines = (root / "eurosat" / "train800.txt").read_text().splitlines()
    assert opened.texts("train") == [line.split()[0] for line in lines]
    assert opened.arrays("train")["labels"].tolist() == [int(line.split()[1]) for line in lines]
    first = Image.open(root / "eurosat" / lines[0].split()[0])
    assert np.array_equal(
        opened.arrays("train")["pixel_values"][0], np.asarray(first).transpose(2, 0, 1)
    )


def test_wrong_task_sizes_and_names_are_refused(root: Path) -> None:
    with pytest.raises(ConfigurationError, match="the nearest is eurosat"):
        found(task(root / "eurosat", "euro-sat"))
    asked = task(root / "eurosat", "eurosat", train=700, val=200)
    with pytest.raises(ConfigurationError, match="the protocol's list has 800 rows; set it to 800"):
        deal.deal(found(asked), asked.split)
    with pytest.raises(ConfigurationError, match="dmlab has 6 classes, so expected at most 5"):
        found(task(root / "eurosat", "dmlab"))


def test_a_look_says_what_is_missing_and_what_is_odd(tmp_path: Path) -> None:
    vtab_copy.write(tmp_path, "kitti", suffix="jpg")
    vtab_copy.write(tmp_path, "svhn")
    (tmp_path / "svhn" / "images" / "val200" / "000007.png").unlink()
    lines = (tmp_path / "kitti" / vtab.BOTH).read_text().splitlines()
    looked = {each["name"]: each for each in java.look_at_vtab({"folder": str(tmp_path)})["tasks"]}
    assert len(looked) == 19
    assert looked["cifar"]["problems"] == [f"The folder {tmp_path / 'cifar'} is missing."]
    assert "000007.png" in looked["svhn"]["problems"][0]
    assert looked["kitti"]["problems"] == []
    notes = " ".join(looked["kitti"]["notes"])
    assert "JPEG of a quality around 75" in notes
    assert "has 60 pictures; the benchmark's test set has 711" in notes
    (tmp_path / "kitti" / vtab.BOTH).write_text("\n".join(lines[::-1]))
    (again,) = [each for each in vtab.look(tmp_path) if each.name == "kitti"]
    assert "expected the same thousand examples" in again.problems[0]
    with pytest.raises(ConfigurationError, match="was not found"):
        vtab.look(tmp_path / "nowhere")


@pytest.mark.parametrize("quality", [50, 75, 90, 95])
def test_quality_of_jpeg_is_read_from_its_tables(tmp_path: Path, quality: int) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "x.jpg", quality=quality)
    with Image.open(tmp_path / "x.jpg") as image:
        assert abs(vtab.quality(image.quantization[0]) - quality) <= 1


def few_shot(home: Path, first: int = 0) -> Path:
    notes = home / "annotations"
    notes.mkdir(parents=True)
    (home / "images").mkdir()
    for number in range(12):
        pixels = np.random.default_rng(first + number).integers(0, 256, (4, 4, 3), np.uint8)
        Image.fromarray(pixels).save(home / "images" / f"{number} a.png")
    lines = [f"{number} a.png {number % 3}\n" for number in range(12)]
    # As the published list of pets has it: each picture twice, to fill a batch.
    (notes / "train_meta.list.num_shot_1.seed_0").write_text("".join(lines[:3] * 2))
    (notes / "val_meta.list").write_text("".join(lines[3:6]))
    (notes / "test_meta.list").write_text("".join(lines[6:]))
    return home


def test_few_shot_lists_train_on_each_picture_once_and_choose_on_val(tmp_path: Path) -> None:
    home = few_shot(tmp_path / "pets")
    asked = task(home, "pets", shots=1, seed=0, val=2, test=4)
    dealt = deal.deal(found(asked), asked.split)
    assert [row.name for row in dealt["train"].rows] == ["0 a.png", "1 a.png", "2 a.png"]
    assert {row.name for row in dealt["val"].rows} < {"3 a.png", "4 a.png", "5 a.png"}
    assert [len(part.rows) for part in dealt.values()] == [3, 2, 4]
    with pytest.raises(ConfigurationError, match="one of its lists: 1 and 0"):
        found(task(home, "pets", shots=2, seed=0))
    for picture in (home / "images").iterdir():
        picture.unlink()
    with pytest.raises(ConfigurationError, match=r"The picture 0 a\.png of .* is missing"):
        found(asked)


def test_a_folder_with_a_test_list_alone_is_a_further_test_set_only(tmp_path: Path) -> None:
    home, shifted = few_shot(tmp_path / "source"), few_shot(tmp_path / "shifted", 50)
    for file in ("train_meta.list.num_shot_1.seed_0", "test_meta.list"):
        (shifted / "annotations" / file).unlink()
    asked = task(home, "source", shots=1, seed=0, val=3, test=9)
    further = deal.shifted(
        found(task(shifted, "shifted", seed=0, test=9)), asked.split, found(asked).labels, ()
    )
    assert [row.name for row in further.rows] == ["3 a.png", "4 a.png", "5 a.png"]
    with pytest.raises(ConfigurationError, match="such a folder can be a further test set only"):
        deal.deal(found(task(shifted, "shifted", shots=1, seed=0)), asked.split)
