"""A small copy of VTAB-1k's folders with made-up pictures: what its protocol is tried on.

    python tests/vtab_copy.py DIR [TASK...]     writes DIR/<task>/… for the named tasks, or all,
                                                and DIR/body, a ViT to run them with

Every picture has one colour, which tells its class, and noise; the lists have the benchmark's 800
and 200 lines, test has 60.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from glora import drawn
from glora.data.vtab import BOTH, LISTS, tasks

SIZE, TEST_ROWS = 8, 60
BODY = {
    **drawn.VIT_TINY,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "intermediate_size": 32,
    "num_attention_heads": 2,
    "image_size": SIZE,
}


def write(root: Path, name: str, *, suffix: str = "png", seed: int = 0) -> Path:
    """Write one task's folder; `suffix` is `png` or `jpg` (at Pillow's default quality)."""
    home, classes = root / name, int(tasks()[name]["classes"])
    draw = np.random.default_rng(seed)
    colours = draw.integers(30, 226, (classes, 3))
    lists: dict[str, list[str]] = {file: [] for file in (*LISTS.values(), BOTH)}
    for file, rows in ((LISTS["train"], 800), (LISTS["val"], 200), (LISTS["test"], TEST_ROWS)):
        folder = home / "images" / file.removesuffix(".txt")
        folder.mkdir(parents=True, exist_ok=True)
        both = home / "images" / BOTH.removesuffix(".txt")
        both.mkdir(exist_ok=True)
        for number in range(rows):
            label = int(draw.integers(classes))
            noise = draw.integers(-30, 31, (SIZE, SIZE, 3))
            picture = Image.fromarray((colours[label] + noise).astype(np.uint8))
            picture.save(folder / f"{number:06d}.{suffix}")
            path = f"images/{folder.name}/{number:06d}.{suffix}"
            lists[file].append(f"{path} {label}\n")
            if file != LISTS["test"]:
                again = f"{len(lists[BOTH]):06d}.{suffix}"
                picture.save(both / again)
                lists[BOTH].append(f"images/{both.name}/{again} {label}\n")
    for file, lines in lists.items():
        (home / file).write_text("".join(lines), encoding="utf-8")
    return home


def main(arguments: list[str]) -> int:
    """Write the tasks into the folder that is named."""
    if not arguments:
        sys.stderr.write("usage: python tests/vtab_copy.py DIR [TASK...]\n")
        return 2
    for name in arguments[1:] or tasks():
        write(Path(arguments[0]), name)
    body = Path(arguments[0]) / "body"
    body.mkdir()
    drawn.write_vit(body, BODY, scale=1.0)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
