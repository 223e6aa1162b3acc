"""Precision, micro-batches, activation checkpointing and devices, through the Java door."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sessions
import torch
from sessions import LARGEST, ROWS, Session, open_session
from torch import Tensor

from glora import java
from glora.errors import ConfigurationError, EnvironmentNotUsable


def step_gradients(session: Session) -> tuple[float, Tensor]:
    """Loss and gradients of one step on a batch of seven rows, which two pieces cut unevenly."""
    if session.sites:
        session.set_codes(LARGEST)
    session.train(0, 3)  # so that the down-factors, which start at zero, have something to pass
    session.write_batch(3, rows=ROWS - 1)
    java.step(session.number)
    gradients = java._sessions[session.number].optimizer.gradients.clone()
    return float(session.buffers["loss"][0]), gradients


@pytest.mark.parametrize("method", ["glora", "lora"])
@pytest.mark.parametrize("pieces", [2, 3, 7])
def test_micro_batches_make_the_step_of_the_whole_batch(
    method: str, pieces: int, body: Path
) -> None:
    whole_loss, whole = step_gradients(open_session(method, body))
    cut_loss, cut = step_gradients(open_session(method, body, accumulate=pieces))
    assert cut_loss == pytest.approx(whole_loss, rel=1e-5)
    torch.testing.assert_close(cut, whole, rtol=1e-3, atol=1e-6)
    assert not torch.equal(cut, torch.zeros_like(cut))


def test_rows_at_once_bound_training_and_evaluation(body: Path) -> None:
    request = {**sessions.request("glora", body), "micro_batch": 3}
    session = sessions.bound_session(request)
    trainer = java._sessions[session.number]
    seen: list[int] = []
    forward = trainer.method.forward

    def counted(batch: Any) -> Tensor:
        seen.append(len(batch["input_ids"]))
        return forward(batch)

    trainer.method.forward = counted  # type: ignore[method-assign]
    session.set_codes(LARGEST)
    session.write_batch(0)
    java.step(session.number)
    java.evaluate(session.number)
    assert seen == [2, 3, 3, 2, 3, 3]
    whole = open_session("glora", body)
    whole.set_codes(LARGEST)
    whole.write_batch(0)
    java.step(whole.number)
    java.evaluate(whole.number)
    torch.testing.assert_close(
        session.buffers["logits"], whole.buffers["logits"], rtol=1e-4, atol=1e-5
    )
    torch.testing.assert_close(session.buffers["loss"][0], whole.buffers["loss"][0])


@pytest.mark.parametrize("method", ["glora", "lora"])
def test_checkpointed_activations_give_equal_gradients(method: str, body: Path) -> None:
    # With dropout: the second forward must draw what the first one drew.
    kept_loss, kept = step_gradients(open_session(method, body, dropout=0.3))
    again = open_session(method, body, dropout=0.3, gradient_checkpointing=True)
    trainer = java._sessions[again.number]
    assert trainer.method.model.is_activation_checkpointing
    again_loss, gradients = step_gradients(again)
    assert again_loss == kept_loss
    assert torch.equal(gradients, kept)


@pytest.mark.parametrize("method", ["glora", "lora"])
@pytest.mark.parametrize("precision", ["bfloat16", "autocast"])
def test_half_precision_learns_and_keeps_what_is_trained_in_float32(
    method: str, precision: str, body: Path, tmp_path: Path
) -> None:
    session = open_session(method, body, precision=precision)
    trainer = java._sessions[session.number]
    model = trainer.method.model
    if session.sites:
        session.set_codes((0, 5, 2, 2, 2))
    stored = torch.bfloat16 if precision == "bfloat16" else torch.float32
    assert model.get_input_embeddings().weight.dtype == stored
    assert all(e.parameter.dtype == torch.float32 for e in trainer.method.entries())
    losses = session.train(0, 40)
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
    before = session.logits()
    assert not torch.equal(before, open_and_copy(session, method, body).logits())
    java.merge(session.number)
    assert all(p.dtype == stored for p in trainer.method.model.parameters())
    # bfloat16 keeps eight bits of every weight and activation.
    torch.testing.assert_close(session.logits(), before, rtol=0.1, atol=0.1)
    java.export_merged(session.number, str(tmp_path / "merged"))
    plain = loaded(tmp_path / "merged")
    assert plain.dtype == stored


@pytest.mark.parametrize("method", ["full", "bitfit"])
def test_methods_that_move_the_body_keep_small_steps_under_autocast(
    method: str, body: Path, tmp_path: Path
) -> None:
    session = open_session(method, body, precision="autocast")
    entries = java._sessions[session.number].method.entries()
    assert all(entry.parameter.dtype == torch.float32 for entry in entries)
    before = {e.name: e.parameter.detach().clone() for e in entries if e.group == "body"}
    # A step of 1e-7 is far below what bfloat16 can add to a weight of 0.1.
    session.buffers["rates"][0] = 1e-7
    session.train(0, 1)
    for entry in entries:
        if entry.name in before and bool((before[entry.name].abs() > 0.05).any()):
            assert not torch.equal(entry.parameter, before[entry.name]), entry.name
    logits = session.logits()
    java.merge(session.number)
    java.export_merged(session.number, str(tmp_path / "merged"))
    assert loaded(tmp_path / "merged").dtype == torch.float32
    torch.testing.assert_close(session.logits(), logits)


@pytest.mark.parametrize(
    ("method", "settings"), [("full", {}), ("bitfit", {}), ("lora", {"bias": "all"})]
)
def test_a_body_in_bfloat16_is_not_trained_itself(
    method: str, settings: dict[str, str], body: Path
) -> None:
    with pytest.raises(ConfigurationError, match="bfloat16 loses small steps"):
        open_session(method, body, precision="bfloat16", **settings)


def open_and_copy(session: Session, method: str, body: Path) -> Session:
    """A session in float32 with the weights of another one."""
    other = open_session(method, body)
    target, source = java._sessions[other.number], java._sessions[session.number]
    target.optimizer.load_state(source.optimizer.state())
    if other.sites:
        other.buffers["codes"].copy_(session.buffers["codes"])
    return other


def loaded(folder: Path) -> Any:
    from transformers import AutoModelForSequenceClassification

    return AutoModelForSequenceClassification.from_pretrained(folder, dtype="auto")


def test_devices_and_precisions_that_are_not_there_are_one_sentence(body: Path) -> None:
    request = sessions.request("lora", body)
    if not torch.cuda.is_available():
        with pytest.raises(EnvironmentNotUsable, match=r"`cuda:3` and this torch .* finds 0 CUDA"):
            java.open({**request, "device": "cuda:3"})
        with pytest.raises(EnvironmentNotUsable, match="`cuda` and this torch"):
            java.environment({"device": "cuda"})
    if not torch.backends.mps.is_available():
        with pytest.raises(EnvironmentNotUsable, match="device `mps`, which this torch"):
            java.open({**request, "device": "mps"})
    with pytest.raises(ConfigurationError, match="device 'gpu', expected auto, cpu, cuda:N or mps"):
        java.open({**request, "device": "gpu"})
    with pytest.raises(ConfigurationError, match="precision 'float16', expected one of float32"):
        java.open({**request, "settings": {"precision": "float16"}})
    with pytest.raises(ConfigurationError, match="into 0 micro-batches"):
        java.open({**request, "settings": {"accumulate": 0}})


def test_auto_says_which_device_it_is(body: Path) -> None:
    opened = java.open({**sessions.request("lora", body), "device": "auto"})
    found = java.environment({"device": "auto"})
    assert opened["device"] == found["device"]
    if not torch.cuda.is_available() and not torch.backends.mps.is_available():
        assert found["device"] == "cpu"
        # The processor's own fingerprint does not depend on how it was chosen.
        assert found == java.environment()
