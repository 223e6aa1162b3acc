"""The door for Java, driven as Java drives it: plain values, and tensors on foreign memory."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sessions
import tiny
import torch
from safetensors.torch import load_file
from sessions import LARGEST, open_session

from glora import java
from glora.errors import ConfigurationError, DivergedError, SourceError, StorageError

pytestmark = pytest.mark.usefixtures("closed")


def plain(value: Any) -> bool:
    """Whether a result is made of what crosses into Java, and nothing else."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(plain(item) for item in value)
    return value is None or type(value) in (bool, int, float, str)


def random_codes(session: sessions.Session, index: int) -> None:
    generator = torch.Generator().manual_seed(index)
    codes = session.buffers["codes"]
    for column, forms in enumerate(
        ([0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5], [0, 2, 3, 4, 5], [0, 1, 2], [0, 1, 2])
    ):
        drawn = torch.randint(len(forms), (len(codes),), generator=generator)
        codes[:, column] = torch.tensor(forms, dtype=torch.int8)[drawn]


def supernet_steps(session: sessions.Session, start: int, stop: int) -> None:
    for index in range(start, stop):
        random_codes(session, index)
        session.train(index, index + 1)


def state_digest(session: sessions.Session) -> str:
    digest = hashlib.sha256()
    for value in java._sessions[session.number].optimizer.state().values():
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()


CONTINUE = """
import sys
sys.path.insert(0, {tests!r})
import test_java as t
session = t.open_session("glora", t.Path({body!r}), dropout=0.1)
t.java.state_load(session.number, {state!r})
t.supernet_steps(session, 4, 8)
print(t.state_digest(session))
session.set_codes((5, 4, 2, 1, 2))
print(t.java.export_adapter(session.number, {out!r} + "/adapter")["digest"])
t.java.merge(session.number)
print(t.java.export_merged(session.number, {out!r} + "/model")["digest"])
"""


def test_supernet_goes_on_in_a_new_process_to_the_same_digests(body: Path, tmp_path: Path) -> None:
    session = open_session("glora", body, dropout=0.1)
    supernet_steps(session, 0, 4)
    state = tmp_path / "state.safetensors"
    java.state_save(session.number, str(state))
    supernet_steps(session, 4, 8)
    expected = [state_digest(session)]
    session.set_codes((5, 4, 2, 1, 2))
    expected.append(java.export_adapter(session.number, str(tmp_path / "adapter"))["digest"])
    java.merge(session.number)
    expected.append(java.export_merged(session.number, str(tmp_path / "model"))["digest"])

    code = CONTINUE.format(
        tests=str(Path(__file__).parent),
        body=str(body),
        state=str(state),
        out=str(tmp_path / "again"),
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == expected


def test_prepared_rows_train_a_head_and_a_supernet(body: Path, tmp_path: Path) -> None:
    """prepare → features → open → bind → step → evaluate, as the orchestrator does it."""
    data = tiny.write_data(tmp_path / "data.tsv")
    cache = str(tmp_path / "cache")
    prepared = java.prepare({"model": f"local:{body}", "task": tiny.task(data), "cache": cache})
    cached = java.features(
        {
            "prepared": prepared["path"],
            "model_path": prepared["model_path"],
            "model_digest": prepared["model_digest"],
            "cache": cache,
        }
    )
    assert plain(prepared)
    assert plain(cached)
    for method, source in (("head", cached), ("glora", prepared)):
        info = json.loads((Path(source["path"]) / "set.json").read_text())
        rows = load_file(Path(source["path"]) / info["splits"]["train"]["file"])
        opened = java.open(
            {
                "method": method,
                "model_path": source["model_path"],
                "model_digest": source["model_digest"],
                "labels": info["labels"],
                "columns": info["columns"],
                "settings": {"ranks": [2, 4]} if method == "glora" else {},
                "seed": 1,
                "device": "cpu",
                "dtype": "float32",
            }
        )
        assert plain(opened)
        batch = 16
        length = int(rows["lengths"][:batch].max()) if "lengths" in rows else 1
        buffers = {
            "control": torch.tensor([batch, length, 0, 5, 0, 0, 0, 0]),
            "rates": torch.tensor([0.03, 0, 1, 0, 0, 0, 0, 0], dtype=torch.float64),
            "labels": rows["labels"][:batch].clone(),
            "loss": torch.zeros(4, dtype=torch.float64),
            "logits": torch.zeros(batch, len(info["labels"])),
        }
        if opened["sites"]:
            buffers["codes"] = torch.tensor([[0, 4, 0, 0, 2]] * len(opened["sites"])).to(torch.int8)
        for column in info["columns"]:
            values = rows[column["name"]][:batch]
            packed = (values[:, :length] if column["sequence"] else values).reshape(-1)
            buffers[column["name"]] = torch.zeros_like(rows[column["name"]][:batch]).reshape(-1)
            buffers[column["name"]][: packed.numel()] = packed
        java.bind(opened["session"], buffers)
        java.step(opened["session"])
        first = buffers["loss"][0].item()
        for _ in range(30):
            java.step(opened["session"])
        java.evaluate(opened["session"])
        assert buffers["loss"][0].item() / batch < 0.8 * first


def test_buffers_are_used_in_place_and_let_go(body: Path) -> None:
    session = open_session("glora", body)
    memory = np.zeros(4 * 8 + 64, dtype=np.uint8)  # stands for a direct buffer of Java's
    loss = torch.from_numpy(memory[:32].view(np.float64))
    java.bind(session.number, {**session.buffers, "loss": loss})
    session.train(0, 1)
    assert memory[:32].view(np.float64)[0] > 0
    held = weakref.ref(loss)
    java.close(session.number)
    del loss
    gc.collect()
    assert held() is None


def test_a_diverged_step_names_itself_and_keeps_the_weights(body: Path) -> None:
    session = open_session("lora", body)
    session.train(0, 1)
    session.buffers["rates"][0] = 1e30
    session.train(1, 2)
    before = state_digest(session)
    with pytest.raises(DivergedError, match="at step 2 "):
        session.train(2, 3)
    assert state_digest(session) == before


def test_environment_is_plain_and_its_fingerprint_follows_the_threads() -> None:
    java.configure({"threads": 1})
    first = java.environment()
    assert plain(first)
    assert first == java.environment()
    assert first["mkl"] is None or first["mkl"][0].isdigit()
    java.configure({"threads": 2})
    second = java.environment()
    java.configure({"threads": 1})
    assert second["threads"] == 2
    assert second["fingerprint"] != first["fingerprint"]
    assert java.environment()["fingerprint"] == first["fingerprint"]
    with pytest.raises(ConfigurationError, match="`threads` is 0"):
        java.configure({"threads": 0})
    with pytest.raises(ConfigurationError, match="without `threads`"):
        java.configure({})


def test_the_door_opens_without_torch() -> None:
    code = "import glora.java, sys; print('torch' in sys.modules, 'numpy' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False"]


def test_wrong_requests_are_one_sentence(body: Path, tmp_path: Path) -> None:
    request = sessions.request("lora", body)
    with pytest.raises(ConfigurationError, match="session 99 is not open"):
        java.step(99)
    with pytest.raises(ConfigurationError, match="without `labels`"):
        java.open({key: value for key, value in request.items() if key != "labels"})
    with pytest.raises(ConfigurationError, match="type `f16`"):
        java.open({**request, "columns": [{**sessions.TOKEN_COLUMNS[0], "dtype": "f16"}]})
    with pytest.raises(SourceError, match="expected 00"):
        java.open({**request, "model_digest": "00"})
    session = open_session("glora", body)
    session.set_codes((0, 99, 0, 0, 0))
    session.write_batch(0)
    with pytest.raises(ConfigurationError, match="code 99 for tensor B"):
        java.step(session.number)
    with pytest.raises(StorageError, match="is missing"):
        java.state_load(session.number, str(tmp_path / "none"))
    session.set_codes(LARGEST)
    java.step(session.number)
    java.close(session.number)
    with pytest.raises(ConfigurationError, match="is not open"):
        java.close(session.number)


def test_states_of_another_method_are_refused(body: Path, tmp_path: Path) -> None:
    lora, glora = open_session("lora", body), open_session("glora", body)
    java.state_save(lora.number, str(tmp_path / "state"))
    before = state_digest(glora)
    with pytest.raises(ConfigurationError, match='`method` is "lora", expected "glora"'):
        java.state_load(glora.number, str(tmp_path / "state"))
    assert state_digest(glora) == before
