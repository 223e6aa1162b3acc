"""Causal language models of each family, from a table to a merged folder in plain transformers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import tiny_language
import torch
from safetensors.numpy import load_file
from torch import Tensor

from glora import java
from glora.errors import ConfigurationError, EnvironmentNotUsable, SourceError
from glora.models import gguf, resolve_model

java.configure({"threads": 1, "deterministic": True})

FAMILIES = sorted(tiny_language.KIND)
SPLIT = {"train": 40, "val": 12, "test": 12, "seed": 5}
PROMPT = "{text} Sentiment:"
ROWS = 8
# The classes of transformers and of the reports that a plain process loads a merged folder with.
PLAIN = """
import json, sys
sys.modules["glora"] = None  # whoever imports it fails
import torch, transformers
torch.set_num_threads(1)
for folder in sys.argv[1:]:
    model, report = transformers.AutoModelForCausalLM.from_pretrained(
        folder, output_loading_info=True
    )
    assert not any(report[k] for k in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("a good film Sentiment:", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        print(json.dumps(model.eval()(ids).logits[0, -1].tolist()))
"""


@dataclass
class Opened:
    """A session on a prepared set, and its buffers."""

    number: int
    answer: dict[str, Any]
    buffers: dict[str, Tensor]
    rows: dict[str, Any]

    @property
    def trainer(self) -> Any:
        return java._sessions[self.number]

    def write(self, first: int, count: int = ROWS) -> None:
        """Binds rows of train."""
        length = int(self.rows["lengths"][first : first + count].max())
        self.buffers["control"][:4] = torch.tensor([count, length, first, 100 + first])
        for name, buffer in self.buffers.items():
            if name in self.rows and name != "labels":
                part = self.rows[name][first : first + count, :length]
                buffer[: part.size] = torch.from_numpy(np.ascontiguousarray(part)).flatten()
        labels = self.rows["labels"][first : first + count]
        self.buffers["labels"][:count] = torch.from_numpy(labels)

    def step(self, first: int) -> float:
        self.write(first)
        java.step(self.number)
        return float(self.buffers["loss"][0])

    def outputs(self) -> Tensor:
        self.write(0)
        java.evaluate(self.number)
        return self.buffers["logits"].clone()


def prepare(model: Path, task: dict[str, Any], cache: Path) -> dict[str, Any]:
    return java.prepare(
        {"model": f"local:{model}", "task": {"split": SPLIT, **task}, "cache": str(cache)}
    )


def open_set(prepared: dict[str, Any], method: str = "glora", **settings: Any) -> Opened:
    folder = Path(prepared["path"])
    info = json.loads((folder / "set.json").read_text())
    if method == "glora":
        settings = {"ranks": [2], **settings}
    answer = java.open(
        {
            "method": method,
            "model_path": prepared["model_path"],
            "model_digest": prepared["model_digest"],
            "labels": info["labels"],
            "columns": info["columns"],
            "target": info["target"],
            "settings": settings,
            "seed": 3,
        }
    )
    buffers = {
        "control": torch.zeros(8, dtype=torch.int64),
        "rates": torch.tensor([0.02, 0, 1, 0, 0, 0, 0, 0], dtype=torch.float64),
        "labels": torch.zeros(ROWS, dtype=torch.int64),
        "loss": torch.zeros(4, dtype=torch.float64),
        "logits": torch.zeros(ROWS, len(info["labels"])),
    }
    kinds = {"i32": torch.int32, "u8": torch.uint8}
    for column in info["columns"]:
        size = ROWS * column["row_shape"][0]
        buffers[column["name"]] = torch.zeros(size, dtype=kinds[column["dtype"]])
    if answer["sites"]:
        buffers["codes"] = torch.zeros(len(answer["sites"]), 5, dtype=torch.int8)
    java.bind(answer["session"], buffers)
    rows = load_file(folder / info["splits"]["train"]["file"])
    return Opened(answer["session"], answer, buffers, rows)


def largest(session: Opened) -> None:
    """Every tensor that is alive at a site in its largest form."""
    for row, site in enumerate(session.answer["sites"]):
        for column, (tensor, code) in enumerate(zip("ABCDE", (3, 3, 2, 2, 2), strict=True)):
            session.buffers["codes"][row, column] = 0 if tensor in site["dead"] else code


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_data(tmp_path_factory.mktemp("data") / "data.tsv")


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_language.write_model(tmp_path_factory.mktemp("llama"))


def words(table: Path, **changes: Any) -> dict[str, Any]:
    return {"source": f"local:{table}", "prompt": PROMPT, "max_length": 48, **changes}


def test_every_family_is_trained_merged_and_loaded_by_plain_transformers(
    table: Path, tmp_path: Path
) -> None:
    expected, notes = {}, {}
    for family in FAMILIES:
        model = tiny_language.write_model(tmp_path / family / "model", family)
        session = open_set(prepare(model, words(table), tmp_path / "cache"))
        notes[family] = session.answer["notes"]
        largest(session)
        losses = [session.step(0) for _ in range(8)]
        assert losses[-1] < 0.8 * losses[0], family
        before = session.outputs()
        java.merge(session.number)
        torch.testing.assert_close(session.outputs(), before, rtol=1e-3, atol=1e-3)
        folder = tmp_path / family / "merged"
        java.export_merged(session.number, str(folder))
        tokenizer = tiny_language.load(folder)
        ids = tokenizer("a good film Sentiment:", return_tensors="pt")["input_ids"]
        with torch.no_grad():
            expected[family] = session.trainer.method.model(ids).logits[0, -1]
        java.close(session.number)
    # What a family's configuration cannot declare is not made.
    assert [family for family in FAMILIES if notes[family]] == ["mistral", "qwen2", "qwen3"]
    assert "8 sites" in notes["qwen2"][0]  # o, gate, up and down of two blocks
    assert "6 sites" in notes["qwen3"][0]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", PLAIN, *(str(tmp_path / f / "merged") for f in FAMILIES)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    for family, logits in zip(FAMILIES, lines, strict=True):
        torch.testing.assert_close(torch.tensor(logits), expected[family], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("method", ["lora", "full", "dora"])
def test_other_methods_train_a_language_model_without_a_head(
    method: str, table: Path, llama: Path, tmp_path: Path
) -> None:
    session = open_set(prepare(llama, words(table), tmp_path), method)
    assert session.answer["parameters"]["head"] == 0
    losses = [session.step(0) for _ in range(8)]
    assert losses[-1] < losses[0]
    before = session.outputs()
    java.export_adapter(session.number, str(tmp_path / "adapter"))
    java.merge(session.number)
    torch.testing.assert_close(session.outputs(), before, rtol=1e-3, atol=1e-3)


def test_outputs_are_the_words_likelihoods(table: Path, llama: Path, tmp_path: Path) -> None:
    session = open_set(prepare(llama, words(table), tmp_path), "lora")
    outputs = session.outputs()
    model, tokenizer = session.trainer.method.model, tiny_language.load(llama)
    tokens = [tokenizer(f" {w}", add_special_tokens=False)["input_ids"][0] for w in tiny.LABELS]
    for row in range(ROWS):
        ids = torch.from_numpy(session.rows["input_ids"][row, : session.rows["lengths"][row]])
        with torch.no_grad():
            scores = model(ids.long()[None]).logits[0, -1].log_softmax(-1)
        torch.testing.assert_close(outputs[row], scores[tokens], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("packing", [False, True])
def test_answers_are_learnt_and_micro_batches_count_their_tokens(
    packing: bool, llama: Path, tmp_path: Path
) -> None:
    file = tiny_language.write_alpaca(tmp_path / "alpaca.json", rows=70)
    task = {"source": f"local:{file}", "format": "alpaca", "template": "chat"}
    prepared = prepare(llama, {**task, "max_length": 150, "packing": packing}, tmp_path)
    whole = open_set(prepared, "lora", alpha=16)
    cut = open_set(prepared, "lora", alpha=16, accumulate=3)
    info = json.loads((Path(prepared["path"]) / "set.json").read_text())
    assert (info["splits"]["train"]["rows"] < SPLIT["train"]) == packing
    assert info["splits"]["val"]["rows"] == SPLIT["val"]
    losses = [whole.step(0) for _ in range(6)]
    assert losses[-1] < losses[0]
    assert [cut.step(0) for _ in range(6)] == pytest.approx(losses, rel=1e-3)
    outputs = whole.outputs()
    counted = (whole.rows["target_ids"][:ROWS] >= 0).sum(1)
    assert outputs[:, 1].tolist() == counted.tolist()
    assert ((outputs[:, 2] >= 0) & (outputs[:, 2] <= outputs[:, 1])).all()


def test_methods_and_models_that_do_not_fit_are_one_sentence(
    table: Path, llama: Path, tmp_path: Path
) -> None:
    prepared = prepare(llama, words(table), tmp_path)
    with pytest.raises(ConfigurationError, match="trains a head of its own"):
        open_set(prepared, "majority", counts=[1, 2])
    bert = tiny.write_model(tmp_path / "bert")
    with pytest.raises(ConfigurationError, match="no single token"):
        prepare(bert, words(table), tmp_path)
    broken = {**prepared, "model_path": str(bert), "model_digest": None}
    with pytest.raises(ConfigurationError, match=r"causal language model .* 'bert'"):
        open_set(broken)
    for change, said in (
        ({"format": "alpaca"}, "expected one"),
        ({"prompt": "no place"}, "expected {text} in it"),
        ({"target": "number"}, "expected class"),
        ({"pair_column": "other"}, "reads one text a row; put both texts into the column 'text'"),
        ({"prompt": None, "packing": True}, "needs task.format"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            prepare(llama, words(table, **change), tmp_path)


def test_a_gguf_file_becomes_a_model_folder_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF, as this test has it")
    calls = []

    def converted(source: Path, folder: Path) -> None:
        calls.append(source)
        tiny_language.write_model(folder)

    monkeypatch.setattr(gguf, "_convert", converted)
    first = resolve_model(f"local:{file}", None, tmp_path / "cache")
    again = resolve_model(f"local:{tmp_path}", None, tmp_path / "cache")
    assert first.path == again.path
    assert calls == [file]
    (first.path / "model.safetensors").write_bytes(b"cut")
    assert resolve_model(f"local:{file}", None, tmp_path / "cache").digest == first.digest
    assert len(calls) == 2


def test_a_damaged_gguf_file_is_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF" + bytes(60))
    with pytest.raises((SourceError, EnvironmentNotUsable), match="cannot be read"):
        resolve_model(f"local:{file}", None, tmp_path / "cache")
    assert not list((tmp_path / "cache" / "converted").glob("*/config.json"))
