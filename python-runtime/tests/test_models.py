from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
import tiny
import torch
from safetensors.numpy import load_file, save_file
from torch import nn
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from glora import models, storage
from glora.errors import ConfigurationError, SourceError, StorageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny.write_model(tmp_path / "model")


def batch() -> dict[str, torch.Tensor]:
    ids = torch.randint(5, 100, (3, 7), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(ids)
    mask[1, 4:] = 0
    return {"input_ids": ids, "attention_mask": mask}


def test_model_is_found_beside_configurations_of_other_things(tmp_path: Path) -> None:
    folder = tiny.write_model(tmp_path / "package" / "model")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text("{}", encoding="utf-8")

    files = models.resolve_model(f"local:{tmp_path / 'package'}")

    assert files.path == folder
    assert files.digest == storage.sha256_file(folder / "model.safetensors")


def test_source_without_a_model_or_with_several_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="holds no model"):
        models.resolve_model(f"local:{tmp_path / 'empty'}")
    tiny.write_model(tmp_path / "two" / "a")
    tiny.write_model(tmp_path / "two" / "b")
    with pytest.raises(SourceError, match=r"several models \(a, b\)"):
        models.resolve_model(f"local:{tmp_path / 'two'}")


def test_weights_that_are_no_safetensors_are_refused(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(SourceError, match=r"no model\.safetensors"):
        models.weights_digest(folder)


def test_unknown_architecture_names_the_known_ones(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(
        json.dumps({**config, "model_type": "bart"}), encoding="utf-8"
    )
    with pytest.raises(ConfigurationError, match=r"'bart'; expected one of bert"):
        models.load_classifier(folder, tiny.LABELS)


def test_incomplete_body_is_refused_instead_of_being_drawn_at_random(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["pooler.dense.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SourceError, match=r"lack bert\.pooler\.dense\.weight"):
        models.load_classifier(folder, tiny.LABELS)


def test_loading_leaves_the_generator_alone_and_aligns_every_weight(folder: Path) -> None:
    before = torch.get_rng_state()
    first = models.load_classifier(folder, tiny.LABELS)
    assert torch.equal(torch.get_rng_state(), before)
    assert not first.training
    assert all(parameter.data_ptr() % 64 == 0 for parameter in first.parameters())
    assert not first.classifier.weight.any()


def test_head_is_drawn_from_its_seed_alone(folder: Path) -> None:
    heads = []
    for seed in (3, 3, 4):
        torch.manual_seed(len(heads))
        model = models.load_classifier(folder, tiny.LABELS)
        models.init_head(model, seed)
        heads.append(model.classifier.weight.detach().clone())
        assert not model.classifier.bias.any()
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])
    assert 0.01 < heads[0].std() < 0.03


def test_dropout_is_set_everywhere_and_zero_makes_training_mode_deterministic(folder: Path) -> None:
    model = models.load_classifier(folder, tiny.LABELS, dropout=0.0)
    models.init_head(model, 0)
    evaluated = model(**batch()).logits
    assert torch.equal(model.train()(**batch()).logits, evaluated)

    models.set_dropout(model, 0.3)
    assert {m.p for m in model.modules() if isinstance(m, nn.Dropout)} == {0.3}
    assert not torch.equal(model(**batch()).logits, evaluated)
    assert model.config.hidden_dropout_prob == 0.1  # what a merged model is saved with
    with pytest.raises(ConfigurationError, match="probability"):
        models.set_dropout(model, 1.0)


def test_attention_dropout_follows_the_setting(folder: Path) -> None:
    model = models.load_classifier(folder, tiny.LABELS, dropout=0.0).train()
    models.init_head(model, 0)
    plain = models.pooled_features(model, batch())
    for name, module in model.named_modules():
        if name.endswith("attention.self.dropout"):
            module.p = 0.5
    assert not torch.equal(models.pooled_features(model, batch()), plain)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_pooled_features_are_what_the_head_sees(folder: Path, attention: str) -> None:
    model = models.load_classifier(folder, tiny.LABELS, attention=attention)
    models.init_head(model, 0)
    pooled = models.pooled_features(model, batch())
    assert pooled.shape == (3, tiny.HIDDEN)
    assert torch.equal(model.classifier(pooled), model(**batch()).logits)


def test_sites_are_the_linears_of_the_blocks(folder: Path) -> None:
    sites = models.linear_sites(models.load_classifier(folder, tiny.LABELS))
    assert len(sites) == 6 * tiny.BLOCKS
    assert sites[0] == "bert.encoder.layer.0.attention.self.query"
    assert not [site for site in sites if "pooler" in site or "classifier" in site]


def test_saved_classifier_loads_in_plain_transformers(folder: Path, tmp_path: Path) -> None:
    model = models.load_classifier(folder, tiny.LABELS)
    models.init_head(model, 0)
    saved = models.save_classifier(model, folder, tmp_path / "saved")
    models.save_classifier(model, folder, saved)  # replaces

    plain = AutoModelForSequenceClassification.from_pretrained(
        str(saved), attn_implementation="eager"
    ).eval()
    ids = AutoTokenizer.from_pretrained(str(saved))("a good film.")["input_ids"]

    assert torch.equal(plain(**batch()).logits, model(**batch()).logits)
    assert plain.config.id2label == {0: "negative", 1: "positive"}
    assert ids == models.load_tokenizer(folder)("a good film.")["input_ids"]
    assert str(tmp_path) not in (saved / "config.json").read_text("utf-8")


def test_full_disk_while_saving_leaves_the_old_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = models.load_classifier(folder, tiny.LABELS)
    saved = models.save_classifier(model, folder, tmp_path / "saved")
    digest = models.weights_digest(saved)
    models.init_head(model, 0)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space"):
        models.save_classifier(model, folder, saved)
    monkeypatch.undo()

    assert models.weights_digest(saved) == digest
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "saved"]
