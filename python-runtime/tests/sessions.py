"""Sessions of `glora.java` on a tiny body, with torch tensors in place of Java's buffers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tiny import HIDDEN
from tiny import LABELS as NAMES
from torch import Tensor

from glora import java

# Matrices this small gain nothing from a second thread, and wait for it on a busy machine.
java.configure({"threads": 1, "deterministic": True})

LENGTH, ROWS = 12, 8
LABELS = list(NAMES)
TOKEN_COLUMNS = [
    {"name": "input_ids", "dtype": "i32", "row_shape": [LENGTH], "sequence": True},
    {"name": "attention_mask", "dtype": "u8", "row_shape": [LENGTH], "sequence": True},
]
FEATURE_COLUMNS = [{"name": "features", "dtype": "f32", "row_shape": [HIDDEN], "sequence": False}]
RANKS = [1, 2, 4]
LARGEST = (5, 5, 5, 2, 2)
LORA, VECTOR, NONE = (0, 5, 0, 0, 0), (2, 2, 2, 2, 2), (0, 0, 0, 0, 0)


@dataclass
class Session:
    """One open session and its buffers."""

    number: int
    opened: dict[str, Any]
    buffers: dict[str, Tensor]

    @property
    def sites(self) -> list[dict[str, Any]]:
        return list(self.opened["sites"])

    def set_codes(self, codes: tuple[int, ...]) -> None:
        self.buffers["codes"][:] = torch.tensor(codes, dtype=torch.int8)

    def write_batch(self, index: int, rows: int = ROWS, length: int = LENGTH - 2) -> None:
        """A function of the index: the label says whether word 7 is among the row's words."""
        generator = torch.Generator().manual_seed(index)
        lengths = torch.randint(4, length + 1, (rows,), generator=generator)
        lengths[0] = length
        mask = torch.arange(length) < lengths[:, None]
        ids = torch.randint(5, 20, (rows, length), generator=generator) * mask
        self.buffers["control"][:4] = torch.tensor([rows, length, index, 100 + index])
        self.buffers["labels"][:rows] = (ids == 7).any(1).long()
        if "features" in self.buffers:
            signs = self.buffers["labels"][:rows, None] * 2.0 - 1
            drawn = torch.randn(rows, HIDDEN, generator=generator) + signs
            self.buffers["features"][: rows * HIDDEN] = drawn.flatten()
            return
        self.buffers["input_ids"][: rows * length] = ids.flatten().int()
        self.buffers["attention_mask"][: rows * length] = mask.flatten()

    def train(self, start: int, stop: int) -> list[float]:
        losses = []
        for index in range(start, stop):
            self.write_batch(index)
            java.step(self.number)
            losses.append(float(self.buffers["loss"][0]))
        return losses

    def logits(self, index: int = 10_000) -> Tensor:
        self.write_batch(index)
        java.evaluate(self.number)
        return self.buffers["logits"].clone()


def request(method: str, body: Path, **settings: Any) -> dict[str, Any]:
    """What `java.open` is given."""
    own = {
        "adalora": {"rank": 1, "initial_rank": 2, "steps": 60},
        "glora": {"ranks": RANKS},
        "majority": {"counts": [30, 50]},
    }
    settings = {**own.get(method, {}), **settings}
    return {
        "method": method,
        "model_path": str(body),
        "labels": LABELS,
        "columns": FEATURE_COLUMNS if method == "head" else TOKEN_COLUMNS,
        "settings": settings,
        "seed": 11,
        "device": "cpu",
    }


def open_session(method: str, body: Path, **settings: Any) -> Session:
    """Opens and binds."""
    return bound_session(request(method, body, **settings))


def bound_session(request: dict[str, Any]) -> Session:
    """Opens what is asked for and binds buffers to it."""
    opened = java.open(request)
    buffers = {
        "control": torch.zeros(8, dtype=torch.int64),
        "rates": torch.tensor([0.01, 0.01, 1, 0, 0, 0, 0, 0], dtype=torch.float64),
        "labels": torch.zeros(ROWS, dtype=torch.int64),
        "loss": torch.zeros(4, dtype=torch.float64),
        "logits": torch.zeros(ROWS, len(LABELS)),
    }
    if request["method"] == "head":
        buffers["features"] = torch.zeros(ROWS * HIDDEN)
    else:
        buffers["input_ids"] = torch.zeros(ROWS * LENGTH, dtype=torch.int32)
        buffers["attention_mask"] = torch.zeros(ROWS * LENGTH, dtype=torch.uint8)
    if opened["sites"]:
        buffers["codes"] = torch.zeros(len(opened["sites"]), 5, dtype=torch.int8)
    java.bind(opened["session"], buffers)
    return Session(opened["session"], opened, buffers)
