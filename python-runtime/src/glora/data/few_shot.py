"""Few-shot lists in NOAH's layout, and the shifted test sets beside them.

    <task>/annotations/train_meta.list.num_shot_<k>.seed_<s>    k pictures of each class
    <task>/annotations/val_meta.list                            of ImageNet: its test list, and
    <task>/annotations/unofficial_val_list_4_shot16seed0        this one its val list
    <task>/annotations/test_meta.list
    <shifted set>/annotations/val_meta.list                     its only list, a test list

Y. Zhang, K. Zhou, Z. Liu, "Neural Prompt Search", TPAMI 2024; repository
ZhangYuanhan-AI/NOAH, folders data/few-shot and data/domain-generalization. Two things of the
published lists are mended here: a picture that stands in a train list twice (the pets with one
shot, filled up to a batch) counts once, and val is the val list whatever is being trained.
"""

from __future__ import annotations

import re
from pathlib import Path

from glora.data.lists import numbered
from glora.data.pictures import Picture, Pictures
from glora.data.task import Split
from glora.errors import ConfigurationError

_TRAIN = re.compile(r"train_meta\.list\.num_shot_(\d+)\.seed_(\d+)")
_IMAGENET_VAL = "unofficial_val_list_4_shot16seed0"
# Where the pictures of a list lie, below the task's folder.
_HOMES = ("images", "", "train", "val")


def is_task(home: Path) -> bool:
    """Say whether a folder has lists in this layout."""
    return (home / "annotations" / "val_meta.list").is_file()


def read(home: Path, split: Split) -> Pictures:
    """Read a task's lists; `split.shots` and `split.seed` choose the train list.

    Raises:
        ConfigurationError: there is no such list, or it names pictures that are not there.
    """
    notes = home / "annotations"
    known = sorted(
        (int(match[1]), int(match[2]))
        for file in notes.iterdir()
        if (match := _TRAIN.fullmatch(file.name))
    )
    imagenet = (notes / _IMAGENET_VAL).is_file()
    if not known:
        files = {"test": notes / "val_meta.list"}
    else:
        if (split.shots, split.seed) not in known:
            raise ConfigurationError(
                f"task.split asks for {split.shots} shots with the seed {split.seed}; expected of "
                f"{notes} shots and seed of one of its lists: "
                f"{', '.join(f'{shots} and {seed}' for shots, seed in known)}."
            )
        files = {
            "train": notes / f"train_meta.list.num_shot_{split.shots}.seed_{split.seed}",
            "val": notes / (_IMAGENET_VAL if imagenet else "val_meta.list"),
            "test": notes / ("val_meta.list" if imagenet else "test_meta.list"),
        }
    rows = {part: numbered(file) for part, file in files.items()}
    rows["train"] = list(dict.fromkeys(rows.get("train", [])))
    classes = 1 + max(label for part in rows.values() for _, label in part)
    parts = {
        part: tuple(
            Picture(name, label, _home(home, named, files[part]) / name) for name, label in named
        )
        for part, named in rows.items()
        if named
    }
    settings = {"reader": "few-shot", "shots": split.shots, "list": split.seed}
    return Pictures(tuple(map(str, range(classes))), parts, settings, published=True)


def _home(home: Path, rows: list[tuple[str, int]], file: Path) -> Path:
    """Find where a list's pictures lie, by its first one."""
    for name in _HOMES:
        if (home / name / rows[0][0]).is_file():
            return home / name
    raise ConfigurationError(
        f"The picture {rows[0][0]} of {file} is missing; expected it in {home} or its folder "
        f"{', '.join(name for name in _HOMES if name)}, get the data set that the lists are of."
    )
