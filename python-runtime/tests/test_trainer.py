"""The Trainer over a small module of its own: buffers, steps, state, errors."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from glora import checkpoint
from glora.buffers import Column
from glora.errors import ConfigurationError, DivergedError, StorageError
from glora.methods.base import Method, Parameters
from glora.optimizer import Entry
from glora.storage import sha256_file
from glora.trainer import Trainer

TOKENS, WIDTH, CLASSES, ROWS, LENGTH = 11, 8, 2, 6, 7
torch.set_num_threads(1)
COLUMNS = (
    Column("input_ids", "i32", (LENGTH,), sequence=True),
    Column("weight", "f32", (), sequence=False),
)


class BagOfWords(Method):
    """Weighted mean of word vectors, dropout, a linear head."""

    name = "bag"
    hidden = WIDTH

    def __init__(self, seed: int = 0, dropout: float = 0.0) -> None:
        self.embedding = nn.Embedding(TOKENS, WIDTH)
        self.head = nn.Linear(WIDTH, CLASSES)
        self.model = nn.ModuleList([self.embedding, nn.Dropout(dropout), self.head])
        self.reset_weights(seed)

    def reset_weights(self, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in self.model.parameters():
                parameter.normal_(generator=generator)

    def entries(self) -> list[Entry]:
        return [
            Entry("embedding", self.embedding.weight),
            Entry("head.weight", self.head.weight, group="head"),
            Entry("head.bias", self.head.bias, group="head"),
        ]

    def forward(self, batch: Any) -> Tensor:
        pooled = self.embedding(batch["input_ids"]).mean(1) * batch["weight"][:, None]
        return self.head(self.model[1](pooled))

    def parameters(self) -> Parameters:
        return Parameters(0, 0, 0, 0)

    def export_adapter(self, folder: Path) -> tuple[str, int]:
        checkpoint.save_tensors(folder / "a.safetensors", {"w": self.embedding.weight.data}, {})
        return "a.safetensors", self.embedding.weight.numel()

    def merge(self) -> dict[str, float]:
        return {"max_abs_weight_change": 0.0}

    def export_merged(self, folder: Path) -> None:
        folder.mkdir()


def buffers() -> dict[str, Tensor]:
    return {
        "control": torch.zeros(8, dtype=torch.int64),
        "rates": torch.tensor([0.05, 0.01, 1, 0, 0, 0, 0, 0], dtype=torch.float64),
        "input_ids": torch.zeros(ROWS * LENGTH, dtype=torch.int32),
        "weight": torch.ones(ROWS),
        "labels": torch.zeros(ROWS, dtype=torch.int64),
        "loss": torch.zeros(4, dtype=torch.float64),
        "logits": torch.zeros(ROWS, CLASSES),
    }


def write_batch(bound: dict[str, Tensor], step: int, rows: int = ROWS, length: int = 5) -> None:
    """A batch that is a function of the step alone; the label is whether word 3 occurs."""
    generator = torch.Generator().manual_seed(step)
    ids = torch.randint(TOKENS, (rows, length), generator=generator)
    bound["input_ids"][: rows * length] = ids.flatten().int()
    bound["labels"][:rows] = (ids == 3).any(1).long()
    bound["control"][:4] = torch.tensor([rows, length, step, 1000 + step])


def session(seed: int = 0, dropout: float = 0.2) -> tuple[Trainer, dict[str, Tensor]]:
    trainer = Trainer(BagOfWords(seed, dropout), COLUMNS, CLASSES)
    bound = buffers()
    trainer.bind(bound)
    return trainer, bound


def train(trainer: Trainer, bound: dict[str, Tensor], start: int, stop: int) -> None:
    for step in range(start, stop):
        write_batch(bound, step)
        trainer.step()


def state_digest(trainer: Trainer) -> str:
    state = hashlib.sha256()
    for value in trainer.optimizer.state().values():
        state.update(value.numpy().tobytes())
    return state.hexdigest()


def test_a_step_is_the_plain_torch_step() -> None:
    trainer, bound = session(dropout=0.0)
    plain = BagOfWords(0)
    optimizer = torch.optim.AdamW(plain.model.parameters(), lr=0.05, weight_decay=0.01)
    for step in range(5):
        write_batch(bound, step, rows=4 + step % 2)
        trainer.step()
        rows = 4 + step % 2
        ids = bound["input_ids"][: rows * 5].view(rows, 5)
        logits = plain.forward({"input_ids": ids, "weight": bound["weight"][:rows]})
        loss = nn.functional.cross_entropy(logits, bound["labels"][:rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        assert bound["loss"][0].item() == loss.item()
        assert torch.equal(bound["logits"][:rows], logits)
    assert torch.equal(trainer.method.model[2].weight, plain.head.weight)


def test_training_learns_and_evaluation_sums_losses() -> None:
    trainer, bound = session(dropout=0.0)
    write_batch(bound, 10_000)
    trainer.evaluate()
    before = bound["loss"][0].item()
    train(trainer, bound, 0, 60)
    write_batch(bound, 10_000)
    trainer.evaluate()
    assert bound["loss"][0].item() < before / 2
    summed = nn.functional.cross_entropy(bound["logits"], bound["labels"], reduction="sum")
    assert bound["loss"][0].item() == pytest.approx(summed.item(), rel=1e-6)


def test_dropout_follows_the_seed_of_the_step_only() -> None:
    trainer, bound = session(dropout=0.5)
    write_batch(bound, 0)
    logits = []
    for noise, seed in ((1, 7), (2, 7), (3, 8)):
        torch.manual_seed(noise)
        bound["control"][3] = seed
        bound["rates"][:2] = 0.0
        trainer.step()
        logits.append(bound["logits"].clone())
    assert torch.equal(logits[0], logits[1])
    assert not torch.equal(logits[0], logits[2])


def test_gradient_is_clipped_to_the_norm() -> None:
    trainer, bound = session(dropout=0.0)
    write_batch(bound, 0)
    trainer.step()
    unclipped = bound["loss"][1].item()
    trainer.reset(weights=True, optimizer=True, seed=0)
    bound["rates"][3] = unclipped / 4
    trainer.step()
    assert bound["loss"][1].item() == unclipped
    clipped = torch.linalg.vector_norm(trainer.optimizer.gradients).item()
    assert clipped == pytest.approx(unclipped / 4, rel=1e-4)


CONTINUE = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import test_trainer as t
trainer, bound = t.session(seed=5)
trainer.load_state(Path({path!r}))
t.train(trainer, bound, 4, 9)
print(t.state_digest(trainer))
"""


def test_loaded_in_a_new_process_it_goes_on_bit_for_bit(tmp_path: Path) -> None:
    trainer, bound = session()
    train(trainer, bound, 0, 4)
    trainer.save_state(tmp_path / "state.safetensors")
    train(trainer, bound, 4, 9)
    code = CONTINUE.format(
        tests=str(Path(__file__).parent), path=str(tmp_path / "state.safetensors")
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == state_digest(trainer)


def test_equal_states_are_equal_files_and_loading_keeps_the_memory(tmp_path: Path) -> None:
    trainer, bound = session()
    train(trainer, bound, 0, 2)
    trainer.save_state(tmp_path / "a" / "state")
    pointer = trainer.optimizer.weights.data_ptr()
    trainer.load_state(tmp_path / "a" / "state")
    trainer.save_state(tmp_path / "b" / "state")
    assert trainer.optimizer.weights.data_ptr() == pointer
    assert sha256_file(tmp_path / "a" / "state") == sha256_file(tmp_path / "b" / "state")
    assert [p.name for p in (tmp_path / "b").iterdir()] == ["state"]


@pytest.mark.parametrize("keep", [0, 5, 200, -1])
def test_cut_state_is_refused_and_nothing_changes(tmp_path: Path, keep: int) -> None:
    trainer, bound = session()
    train(trainer, bound, 0, 2)
    path = tmp_path / "state"
    trainer.save_state(path)
    path.write_bytes(path.read_bytes()[:keep])
    before = state_digest(trainer)
    with pytest.raises(StorageError, match="damaged"):
        trainer.load_state(path)
    assert state_digest(trainer) == before


def test_missing_and_foreign_states_are_refused(tmp_path: Path) -> None:
    trainer, _ = session()
    with pytest.raises(StorageError, match="missing"):
        trainer.load_state(tmp_path / "none")
    header = {"method": "lora", "entries": trainer.optimizer.table()}
    checkpoint.save_tensors(tmp_path / "foreign", trainer.optimizer.state(), header)
    with pytest.raises(ConfigurationError, match='`method` is "lora", expected "bag"'):
        trainer.load_state(tmp_path / "foreign")


def test_full_disk_is_one_sentence_and_the_old_state_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer, _ = session()
    path = tmp_path / "state"
    trainer.save_state(path)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space is left"):
        trainer.save_state(path)
    with pytest.raises(StorageError, match="No space is left"):
        trainer.export_adapter(tmp_path / "adapter")
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["state"]


def test_diverged_step_leaves_the_weights() -> None:
    trainer, bound = session()
    train(trainer, bound, 0, 2)
    before = state_digest(trainer)
    write_batch(bound, 2)
    bound["weight"][1] = float("nan")
    with pytest.raises(DivergedError, match=r"step 2 \(loss nan"):
        trainer.step()
    assert state_digest(trainer) == before


def test_broken_off_update_is_not_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, bound = session()
    trainer.save_state(tmp_path / "good")
    write_batch(bound, 0)

    def cancel(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(trainer.optimizer, "step", cancel)
    with pytest.raises(KeyboardInterrupt):
        trainer.step()
    with pytest.raises(StorageError, match="broken off"):
        trainer.save_state(tmp_path / "torn")
    trainer.load_state(tmp_path / "good")
    trainer.save_state(tmp_path / "again")


def test_export_replaces_the_folder_whole(tmp_path: Path) -> None:
    trainer, _ = session()
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "old").write_text("x")
    (tmp_path / ".tmp-adapter-killed").mkdir()
    export = trainer.export_adapter(folder)
    assert export.files == ("a.safetensors",)
    assert [p.name for p in folder.iterdir()] == ["a.safetensors"]
    assert [p.name for p in tmp_path.iterdir()] == ["adapter"]


def test_after_merge_only_evaluation_and_export(tmp_path: Path) -> None:
    trainer, bound = session()
    write_batch(bound, 0)
    with pytest.raises(ConfigurationError, match="not merged"):
        trainer.export_merged(tmp_path / "m")
    trainer.merge()
    trainer.evaluate()
    trainer.export_merged(tmp_path / "m")
    for call in (trainer.step, trainer.merge):
        with pytest.raises(ConfigurationError, match="after `merge`"):
            call()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("labels", None, "`labels` is missing"),
        ("rates", None, "`rates` is missing: bind torch.float64"),
        ("loss", torch.zeros(4), "`loss` is torch.float32 .4., expected torch.float64 .4."),
        ("logits", torch.zeros(CLASSES, ROWS).T, "strided, expected"),
        ("input_ids", torch.zeros(ROWS, LENGTH, dtype=torch.int32), "`input_ids` is"),
        ("codes", torch.zeros(1, 5, dtype=torch.int8), "`codes` is not known"),
    ],
)
def test_wrong_buffers_are_named(name: str, value: Tensor | None, message: str) -> None:
    trainer, bound = session()
    bound = {k: v for k, v in bound.items() if k != name}
    if value is not None:
        bound[name] = value
    with pytest.raises(ConfigurationError, match=message):
        trainer.bind(bound)


def test_wrong_control_is_refused() -> None:
    trainer, bound = session()
    with pytest.raises(ConfigurationError, match="0 rows, expected 1 to 6"):
        trainer.step()
    write_batch(bound, 0)
    bound["control"][1] = LENGTH + 1
    with pytest.raises(ConfigurationError, match="length is 8, expected 1 to 7"):
        trainer.evaluate()
    unbound = Trainer(BagOfWords(), COLUMNS, CLASSES)
    with pytest.raises(ConfigurationError, match="call `bind` first"):
        unbound.step()
    write_batch(bound, 0)
    with pytest.raises(ConfigurationError, match="no structure to score"):
        trainer.score(torch.zeros(0, 5, 0, dtype=torch.float64))
