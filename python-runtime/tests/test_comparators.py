"""The methods beside GLoRA, LoRA and the head: each one's own arithmetic and files."""

from __future__ import annotations

from pathlib import Path

import pytest
import sessions
import torch
from peft import PeftModel
from safetensors.torch import load_file
from sessions import Session, open_session
from transformers import AutoModelForSequenceClassification

from glora import java, models
from glora.errors import ConfigurationError
from glora.methods.base import Method

pytestmark = pytest.mark.usefixtures("closed")


def method_of(session: Session) -> Method:
    return java._sessions[session.number].method


def test_full_moves_every_parameter_that_the_loss_depends_on(body: Path) -> None:
    session = open_session("full", body)
    session.buffers["rates"][1] = 0  # weight decay would move the others too
    model = method_of(session).model
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    session.train(0, 3)
    still = [name for name, p in model.named_parameters() if torch.equal(p, before[name])]
    assert still == []


def test_full_equals_torch_adamw(body: Path) -> None:
    session = open_session("full", body)
    plain = models.load_classifier(body, sessions.LABELS, attention="eager")
    models.init_head(plain, 11)
    optimizer = torch.optim.AdamW(plain.parameters(), lr=0.01, weight_decay=0.01)
    plain.train()
    for index in range(2):
        session.train(index, index + 1)
        rows, length = session.buffers["control"][:2].tolist()
        batch = {
            name: session.buffers[name][: rows * length].view(rows, length).long()
            for name in ("input_ids", "attention_mask")
        }
        logits = plain(**batch).logits
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(logits, session.buffers["labels"][:rows]).backward()
        optimizer.step()
    mine = dict(method_of(session).model.named_parameters())
    for name, expected in plain.named_parameters():
        torch.testing.assert_close(mine[name], expected, rtol=0, atol=1e-6)


def test_fresh_weights_follow_the_seed_and_not_the_folder(body: Path) -> None:
    def weight(seed: int, **settings: str) -> torch.Tensor:
        request = {**sessions.request("full", body, **settings), "seed": seed}
        opened = java.open(request)["session"]
        model = java._sessions[opened].method.model
        return model.get_parameter("bert.encoder.layer.0.output.dense.weight").detach().clone()

    pretrained, one = weight(1), weight(1, weights="fresh")
    assert torch.equal(pretrained, weight(2))
    assert not torch.equal(one, pretrained)
    assert torch.equal(one, weight(1, weights="fresh"))
    assert not torch.equal(one, weight(2, weights="fresh"))
    assert one.std() < 0.03  # BERT's own first weights, N(0, 0.02)
    with pytest.raises(ConfigurationError, match=r"weights='frsh'.*fresh"):
        weight(1, weights="frsh")


def test_bitfit_moves_biases_alone(body: Path) -> None:
    session = open_session("bitfit", body)
    model = method_of(session).model
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    session.train(0, 3)
    moved = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert moved - {"classifier.weight"} <= {name for name in before if name.endswith("bias")}
    assert "bert.encoder.layer.1.output.LayerNorm.bias" in moved
    assert "bert.encoder.layer.0.attention.self.query.bias" in moved


def test_majority_predicts_the_most_frequent_class_with_its_frequency(
    body: Path, tmp_path: Path
) -> None:
    session = open_session("majority", body, counts=[30, 50])
    expected = torch.tensor([30 / 80, 50 / 80]).log()
    torch.testing.assert_close(session.logits(), expected.expand(sessions.ROWS, 2))
    java.merge(session.number)
    java.export_merged(session.number, str(tmp_path / "model"))
    loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path / "model").eval()
    ids = torch.randint(5, 20, (3, 7))
    torch.testing.assert_close(loaded(input_ids=ids).logits, expected.expand(3, 2))
    assert session.opened["parameters"]["trainable"] == 0
    absent = open_session("majority", body, counts=[0, 9]).logits()
    assert torch.isfinite(absent).all()
    for counts in ([1], [0, 0], [-1, 3]):
        with pytest.raises(ConfigurationError, match="the rows of each of the 2 classes"):
            open_session("majority", body, counts=counts)


@pytest.mark.parametrize("method", ["full", "bitfit"])
def test_exported_entries_are_counted(body: Path, tmp_path: Path, method: str) -> None:
    session = open_session(method, body)
    session.train(0, 2)
    export = java.export_adapter(session.number, str(tmp_path / "adapter"))
    tensors = load_file(tmp_path / "adapter" / "weights.safetensors")
    written = sum(t.numel() for name, t in tensors.items() if not name.startswith("classifier."))
    counts = java.counts(session.number)
    assert export["entries"] == written == counts["stored"] == counts["folded"]
    own = method_of(session).model.state_dict()
    assert all(torch.equal(own[name], tensor) for name, tensor in tensors.items())


def batch_of(session: Session) -> dict[str, torch.Tensor]:
    rows, length = session.buffers["control"][:2].tolist()
    return {
        name: session.buffers[name][: rows * length].view(rows, length).long()
        for name in ("input_ids", "attention_mask")
    }


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
@pytest.mark.parametrize(
    ("method", "settings"),
    [
        ("lora", {"bias": "all"}),
        ("lora", {"bias": "lora_only"}),
        ("dora", {}),
        ("adalora", {}),
        ("ia3", {}),
    ],
)
def test_adapters_folder_is_pefts_and_its_entries_are_counted(
    body: Path, tmp_path: Path, method: str, settings: dict[str, str]
) -> None:
    session = open_session(method, body, **settings)
    session.train(0, 60)
    expected = session.logits()
    export = java.export_adapter(session.number, str(tmp_path))
    tensors = load_file(tmp_path / "adapter_model.safetensors")
    written = sum(t.numel() for name, t in tensors.items() if "classifier." not in name)
    assert export["entries"] == written == java.counts(session.number)["stored"]

    plain = models.load_classifier(body, sessions.LABELS, attention="eager")
    loaded = PeftModel.from_pretrained(plain, str(tmp_path)).eval()
    plain.load_state_dict(load_file(tmp_path / "head.safetensors"), strict=False)
    with torch.inference_mode():
        logits = loaded(**batch_of(session)).logits
    torch.testing.assert_close(logits, expected, rtol=0, atol=2e-5)


def test_biases_are_trained_as_peft_names_them(body: Path) -> None:
    names = {
        bias: {entry.name for entry in method_of(open_session("lora", body, bias=bias)).entries()}
        for bias in ("none", "lora_only", "all")
    }
    sites = {name.removesuffix(".lora_A") for name in names["none"] if name.endswith("lora_A")}
    assert names["lora_only"] - names["none"] == {f"{site}.base_layer.bias" for site in sites}
    others = names["all"] - names["lora_only"]
    assert "bert.embeddings.LayerNorm.bias" in others
    assert all(name.endswith("bias") for name in others)
    with pytest.raises(ConfigurationError, match=r"'al'.*all"):
        open_session("lora", body, bias="al")


def test_adalora_ends_with_its_budget_and_penalises_as_peft_does(body: Path) -> None:
    session = open_session("adalora", body, rank=1, initial_rank=3, steps=20)
    method = method_of(session)
    sites = len(method.state()["kept"])
    assert java.counts(session.number)["folded"] == method.parameters().adapter - 3 * sites
    session.write_batch(0)
    labels = session.buffers["labels"][: sessions.ROWS]
    method._peft.eval()
    outputs = method._peft.base_model(**batch_of(session), labels=labels)
    plain = torch.nn.functional.cross_entropy(outputs.logits, labels)
    torch.testing.assert_close(outputs.loss - plain, method.penalty(), rtol=1e-4, atol=1e-6)
    method._peft.train()

    session.train(0, 20)
    kept = method.state()["kept"]
    assert int(kept.sum()) == sites
    for row, layer in zip(kept, method._layers.values(), strict=True):
        assert not layer.lora_E["default"][~row].any()
        assert layer.lora_E["default"][row].all()


def test_adalora_goes_on_as_if_it_had_not_been_stopped(body: Path, tmp_path: Path) -> None:
    for stop in (3, 9, 16):  # before the budget falls, while it does, after it
        whole = open_session("adalora", body, rank=1, initial_rank=3, steps=20)
        whole.train(0, 20)
        first = open_session("adalora", body, rank=1, initial_rank=3, steps=20)
        first.train(0, stop)
        java.state_save(first.number, str(tmp_path / "state"))
        second = open_session("adalora", body, rank=1, initial_rank=3, steps=20)
        java.state_load(second.number, str(tmp_path / "state"))
        second.train(stop, 20)
        assert torch.equal(second.logits(), whole.logits())
        assert java.counts(second.number) == java.counts(whole.number)


def test_ia3_scales_keys_values_and_the_inner_activations(body: Path) -> None:
    method = method_of(open_session("ia3", body))
    scaled = {entry.name.removesuffix(".ia3_l") for entry in method.entries()[:-2]}
    block = "bert.encoder.layer.0."
    assert {name for name in scaled if name.startswith(block)} == {
        f"{block}attention.self.key",
        f"{block}attention.self.value",
        f"{block}output.dense",
    }
    assert method.parameters().adapter == 2 * (32 + 32 + 64)  # width 32, inner 64, two blocks


def test_ssf_scales_and_shifts_every_sites_output(body: Path) -> None:
    session = open_session("ssf", body)
    session.train(0, 5)
    method = method_of(session)
    name, layer = next(iter(method._layers.items()))
    x = torch.randn(3, 32, generator=torch.Generator().manual_seed(0))
    expected = (x @ layer.base.weight.T + layer.base.bias) * layer.scale + layer.shift
    torch.testing.assert_close(layer(x), expected)
    java.merge(session.number)
    torch.testing.assert_close(method.model.get_submodule(name)(x), expected, rtol=0, atol=1e-6)
    assert java.counts(session.number)["stored"] == method.parameters().adapter


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"rank": 2, "initial_rank": 2}, "more at the beginning"),
        ({"steps": 9}, "at least 10"),
        ({"rank": 0}, "rank is 0"),
    ],
)
def test_adaloras_impossible_settings_are_refused(
    body: Path, settings: dict[str, int], sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        open_session("adalora", body, **settings)
