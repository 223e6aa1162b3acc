"""The methods on a tiny body: what trains, what stays, what is exported."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import sessions
import torch
from peft import PeftModel
from safetensors.torch import load_file
from sessions import LARGEST, LORA, NONE, VECTOR, Session, open_session
from transformers import AutoModelForSequenceClassification

from glora import java
from glora.errors import ConfigurationError
from glora.inject import eject
from glora.methods import METHODS
from glora.methods.lora import LoRAMethod
from glora.trainer import Trainer

TRAINED = tuple(sorted(set(METHODS) - {"majority"}))


pytestmark = pytest.mark.usefixtures("closed")


def trainer(session: Session) -> Trainer:
    return java._sessions[session.number]


def weights(session: Session) -> dict[str, torch.Tensor]:
    optimizer = trainer(session).optimizer
    return {name: optimizer.view(optimizer.weights, name).clone() for name in optimizer.names}


@pytest.mark.parametrize("method", TRAINED)
def test_learns(body: Path, method: str) -> None:
    session = open_session(method, body)
    if method == "glora":
        session.set_codes(LARGEST)
    session.buffers["rates"][2] = 3
    losses = session.train(0, 60)
    assert sum(losses[-10:]) < 0.85 * sum(losses[:10])


def test_every_method_starts_from_the_same_function(body: Path) -> None:
    lora, glora = open_session("lora", body), open_session("glora", body)
    expected = lora.logits()
    for codes in (NONE, LARGEST):
        glora.set_codes(codes)
        assert torch.equal(glora.logits(), expected)


def test_vector_form_trains_column_zero_and_nothing_else(body: Path) -> None:
    session = open_session("glora", body, a_product="hadamard")
    before = weights(session)
    session.set_codes((0, 2, 0, 0, 0))
    session.train(0, 2)
    after = weights(session)
    for name, old in before.items():
        if name.endswith(".Bd"):
            assert (after[name][:, 0] != old[:, 0]).any(), name
            assert torch.equal(after[name][:, 1:], old[:, 1:]), name
        elif not name.startswith("head."):
            assert torch.equal(after[name], old), name


def test_rate_ratio_is_for_what_starts_at_zero(body: Path) -> None:
    """Adam's first step is as long as its rate, whatever the gradient."""
    session = open_session("glora", body, rate_ratio=4)
    session.buffers["rates"][1] = 0
    session.set_codes(LARGEST)
    before = weights(session)
    session.train(0, 1)
    moved = {n: float((w - before[n]).abs().max()) for n, w in weights(session).items()}
    zero = [value for name, value in moved.items() if name[-1] == "d" or name[-2:] in (".D", ".E")]
    assert zero == pytest.approx([0.04] * len(zero), rel=1e-3)
    assert moved["head.weight"] == pytest.approx(0.01, rel=1e-3)
    # An up-factor has no gradient before its down-factor has moved.
    assert not any(value for name, value in moved.items() if name.endswith("u"))
    before = weights(session)
    session.train(1, 2)
    after = weights(session)
    ups = [float((after[n] - before[n]).abs().max()) for n in before if n.endswith("u")]
    assert max(ups) < 0.011


def test_smaller_rank_is_the_leading_slice(body: Path) -> None:
    session = open_session("glora", body)
    session.set_codes(LARGEST)
    session.train(0, 3)
    before = weights(session)
    session.set_codes((0, 4, 0, 0, 0))  # B = LoRA of rank 2
    session.train(3, 5)
    for name, new in weights(session).items():
        if name.endswith(".Bd"):
            assert (new[:, :2] != before[name][:, :2]).all(), name
            assert torch.equal(new[:, 2:], before[name][:, 2:]), name
        if name.endswith(".Bu"):
            assert torch.equal(new[2:], before[name][2:]), name


def test_dead_tensors_never_move(body: Path) -> None:
    session = open_session("glora", body)
    keys = [site["name"] for site in session.sites if site["dead"]]
    assert keys
    assert all("key" in name for name in keys)
    session.set_codes(LARGEST)
    session.train(0, 2)
    names = weights(session)
    assert not [n for n in names if n.rsplit(".", 1)[0] in keys and n[-2:] in ("Cd", ".D", ".E")]


def test_largest_structure_equals_torch_adamw_on_all_parameters(body: Path) -> None:
    """The whole path against plain torch: same model, torch's own optimiser and loss."""
    session, other = open_session("glora", body), open_session("glora", body)
    for one in (session, other):
        one.set_codes(LARGEST)
    plain = trainer(other)
    plain.method.set_codes(other.buffers["codes"].numpy())
    parameters = [entry.parameter for entry in plain.method.entries()]
    optimizer = torch.optim.AdamW(parameters, lr=0.01, weight_decay=0.01)
    plain.method.model.train()
    for index in range(3):
        session.train(index, index + 1)
        other.write_batch(index)
        rows, length = other.buffers["control"][:2].tolist()
        batch = {
            name: other.buffers[name][: rows * length].view(rows, length)
            for name in ("input_ids", "attention_mask")
        }
        loss = torch.nn.functional.cross_entropy(
            plain.method.forward(batch), other.buffers["labels"][:rows]
        )
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
        assert session.buffers["loss"][0].item() == loss.item()
    mine, theirs = weights(session), weights(other)
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


@pytest.mark.parametrize("codes", [LARGEST, LORA, VECTOR, (1, 1, 2, 1, 1)])
def test_scores_are_first_order_effects(body: Path, codes: tuple[int, ...]) -> None:
    session = open_session("glora", body)
    session.set_codes(LARGEST)
    session.train(0, 3)
    session.set_codes(codes)
    session.write_batch(50)
    before = weights(session)
    scores = torch.zeros(len(session.sites), 5, 4, dtype=torch.float64)
    java.score(session.number, scores)
    java.score(session.number, scores)
    assert all(torch.equal(before[name], new) for name, new in weights(session).items())

    method = trainer(session).method
    for row, site in enumerate(session.sites):
        layer = method.model.get_submodule(site["name"])
        for column, (tensor, code) in enumerate(zip("ABCDE", codes, strict=True)):
            if code == 0 or tensor in site["dead"]:
                assert not scores[row, column].any()
                continue
            down = getattr(layer, tensor + "d" if tensor in "ABC" else tensor)
            effect = (down.double() * down.grad.double()).detach()
            if tensor in "AB":
                expected = 2 * effect.sum(0).abs()
                torch.testing.assert_close(scores[row, column], expected)
                if code >= 3:  # the rank-one product's effect is that of its other factor too
                    up = getattr(layer, tensor + "u")
                    other = (up.double() * up.grad.double()).detach().sum(1).abs()
                    torch.testing.assert_close(expected, 2 * other, rtol=1e-3, atol=1e-8)
            else:
                torch.testing.assert_close(scores[row, column, 0], 2 * effect.sum().abs())


def token_batch(session: Session) -> dict[str, torch.Tensor]:
    """The batch that stands in a session's buffers, as a model of transformers takes it."""
    rows, length = session.buffers["control"][:2].tolist()
    return {
        name: session.buffers[name][: rows * length].view(rows, length).long()
        for name in ("input_ids", "attention_mask")
    }


@pytest.mark.parametrize("method", TRAINED)
def test_merged_model_is_an_ordinary_folder_with_the_same_logits(
    body: Path, tmp_path: Path, method: str
) -> None:
    session = open_session(method, body)
    if method == "glora":
        session.set_codes((5, 4, 2, 1, 2))
    session.train(0, 6)
    before = session.logits()
    adapter = java.export_adapter(session.number, str(tmp_path / "adapter"))
    again = java.export_adapter(session.number, str(tmp_path / "again"))
    report = java.merge(session.number)
    merged = session.logits()
    torch.testing.assert_close(merged, before, rtol=0, atol=2e-5)
    done = java.export_merged(session.number, str(tmp_path / "model"))

    assert adapter["digest"] == again["digest"]
    assert (report["max_abs_weight_change"] > 0) == (method != "head")
    assert len(done["digest"]) == 64
    assert (tmp_path / "model" / "vocab.txt").is_file()
    loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path / "model").eval()
    assert loaded.config.id2label == dict(enumerate(sessions.LABELS))
    with torch.inference_mode():
        if method == "head":
            rows = int(session.buffers["control"][0])
            features = session.buffers["features"].view(rows, -1)
            logits = loaded.classifier(features)
        else:
            logits = loaded(**token_batch(session)).logits
    torch.testing.assert_close(logits, merged, rtol=0, atol=2e-5)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("codes", [(0, 4, 2, 1, 2), (5, 4, 2, 1, 2), (0, 0, 0, 0, 0)])
def test_the_adapters_folder_is_one_of_pefts_too(
    body: Path, tmp_path: Path, codes: tuple[int, ...]
) -> None:
    session = open_session("glora", body)
    session.set_codes(codes)
    session.train(0, 4)
    expected = session.logits()
    java.export_adapter(session.number, str(tmp_path))
    if not any(codes):  # nothing is adapted, which PEFT calls no adapter
        assert not (tmp_path / "adapter_config.json").exists()
        return
    plain = copy.deepcopy(java._trainer(session.number).method.model)
    eject(plain)
    for parameter in plain.classifier.parameters():
        parameter.data.zero_()  # the head comes from PEFT's file
    loaded = PeftModel.from_pretrained(plain, str(tmp_path)).eval()
    with torch.inference_mode():
        logits = loaded(**token_batch(session)).logits
    torch.testing.assert_close(logits, expected, rtol=0, atol=2e-5)


def test_counts_and_adapter_entries_agree(body: Path, tmp_path: Path) -> None:
    lora, glora = open_session("lora", body, rank=3, alpha=6), open_session("glora", body)
    head = open_session("head", body)
    glora.set_codes(LARGEST)
    expected = 3 * sum(s["in"] + s["out"] for s in glora.sites)
    assert lora.opened["parameters"]["adapter"] == expected
    for session in (lora, glora, head):
        counts = session.opened["parameters"]
        export = java.export_adapter(session.number, str(tmp_path / str(session.number)))
        assert counts["head"] == 2 * sessions.HIDDEN + 2
        assert counts["trainable"] == counts["adapter"] + counts["head"]
        assert export["entries"] == counts["adapter"]
        assert session.opened["hidden"] == sessions.HIDDEN
    totals = [s.opened["parameters"]["total"] for s in (head, lora, glora)]
    assert totals[1] - totals[0] == expected


def test_lora_is_pefts(body: Path, tmp_path: Path) -> None:
    """Its adapter loads with PEFT alone and computes the same."""
    from peft import PeftModel

    session = open_session("lora", body, rank=2, alpha=8)
    session.train(0, 4)
    expected = session.logits()
    java.export_adapter(session.number, str(tmp_path / "adapter"))
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["bias"]) == (2, 8, "none")

    base = AutoModelForSequenceClassification.from_pretrained(body, num_labels=2)
    model = PeftModel.from_pretrained(base, tmp_path / "adapter").eval()
    base.load_state_dict(load_file(tmp_path / "adapter" / "head.safetensors"), strict=False)
    rows, length = session.buffers["control"][:2].tolist()
    batch = {
        name: session.buffers[name][: rows * length].view(rows, length).long()
        for name in ("input_ids", "attention_mask")
    }
    with torch.inference_mode():
        torch.testing.assert_close(model(**batch).logits, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("method", TRAINED)
def test_reset_is_opening_anew(body: Path, method: str) -> None:
    session = open_session(method, body)
    if method == "glora":
        session.set_codes(LARGEST)
    fresh = weights(session)
    session.train(0, 2)
    java.reset(session.number, {"weights": True, "optimizer": True, "seed": 11})
    assert all(torch.equal(fresh[name], new) for name, new in weights(session).items())
    assert not trainer(session).optimizer.counts.any()
    java.reset(session.number, {"weights": True, "optimizer": False, "seed": 12})
    changed = [n for n, new in weights(session).items() if not torch.equal(fresh[n], new)]
    assert "head.weight" in changed


def test_only_the_methods_own_entries_change(body: Path) -> None:
    for method, kind in (("lora", LoRAMethod), ("glora", None)):
        session = open_session(method, body)
        if kind is None:
            session.set_codes(LARGEST)
        own = {id(e.parameter) for e in trainer(session).method.entries()}
        model = trainer(session).method.model
        before = {n: p.clone() for n, p in model.named_parameters() if id(p) not in own}
        assert not any(p.requires_grad for p in model.parameters() if id(p) not in own)
        session.train(0, 2)
        after = dict(model.named_parameters())
        assert all(torch.equal(after[name], old) for name, old in before.items())


def test_wrong_settings_are_refused(body: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"'lor'.*lora"):
        java.open({**sessions.request("glora", body), "method": "lor"})
    columns = [{**sessions.FEATURE_COLUMNS[0], "row_shape": [16]}]
    with pytest.raises(ConfigurationError, match="32, the width"):
        java.open({**sessions.request("head", body), "columns": columns})
    with pytest.raises(ConfigurationError, match="rank is 0"):
        open_session("lora", body, rank=0)
    with pytest.raises(ConfigurationError, match="quary"):
        open_session("glora", body, targets="quary")


def test_sorting_ranks_leaves_the_largest_structure_and_leads_with_the_best(body: Path) -> None:
    session = open_session("glora", body)
    session.set_codes(LARGEST)
    session.train(0, 4)
    before = session.logits()
    scores = torch.zeros(len(session.sites), 5, 4, dtype=torch.float64)
    for index in range(3):
        session.write_batch(index)
        java.score(session.number, scores)
    unsorted = scores.clone()
    java.sort_ranks(session.number, scores)

    torch.testing.assert_close(session.logits(), before, rtol=0, atol=1e-5)
    assert torch.equal(scores[:, :2], unsorted[:, :2].sort(dim=2, descending=True).values)
    assert not torch.equal(scores[:, :2], unsorted[:, :2])
    assert torch.equal(scores[:, 2:], unsorted[:, 2:])
    again = torch.zeros_like(scores)
    for index in range(3):
        session.write_batch(index)
        java.score(session.number, again)
    torch.testing.assert_close(again, scores, rtol=1e-3, atol=1e-6)
    java.close(session.number)
