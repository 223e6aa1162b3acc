"""Adapters to and from PEFT, with PEFT's own model as the oracle."""

from __future__ import annotations

import copy
import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from oracle import all_codes
from peft import GloraConfig, LoraConfig, PeftModel, VeraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from small_models import fill_with_noise, tiny_bert, tokens, with_noise
from test_bases import IDS, PIXELS, tiny_gpt2, tiny_vit
from torch import Tensor, nn

import glora
from glora.errors import AdapterError, ConfigurationError
from glora.forms import TENSORS
from glora.structure import SearchSpace

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def adapted(
    model: nn.Module, space: SearchSpace, seed: int | None = None, **kwargs: Any
) -> nn.Module:
    """`model` with a drawn structure (the largest one without a seed) and drawn numbers."""
    sites = glora.inject(model, space, **kwargs)
    structure = space.largest(sites)
    if seed is not None:
        random = np.random.default_rng(seed)
        codes = [[random.choice(space.codes(t, site)) for t in TENSORS] for site in sites]
        structure = space.structure([s.name for s in sites], codes)
    glora.set_structure(model, structure)
    fill_with_noise(model, 0.1)
    return model


def by_peft(body: nn.Module, folder: Path) -> nn.Module:
    return PeftModel.from_pretrained(body, str(folder)).eval()


NO_A = SearchSpace((1, 2, 4), {"A": ["none"]})


@pytest.mark.parametrize("seed", [*range(4), None])
@pytest.mark.parametrize(
    ("space", "asked", "written"),
    [
        (NO_A, "auto", "lora"),
        (SearchSpace((2,), {"A": ["none", "lora"]}, "matmul"), "auto", "lora"),
        (SearchSpace((1, 2, 4)), "glora", "glora"),
        (SearchSpace((2,), {"A": "vector", "B": ["none", "scalar"]}), "auto", "glora"),
    ],
)
def test_peft_computes_the_exported_adapters_logits(
    tmp_path: Path, seed: int | None, space: SearchSpace, asked: str, written: str
) -> None:
    model = adapted(tiny_bert(), space, seed)
    assert glora.export_peft(model, tmp_path, format=asked) == written
    found = by_peft(tiny_bert(), tmp_path)(**tokens()).logits
    torch.testing.assert_close(found, model(**tokens()).logits, **CLOSE)


@pytest.mark.parametrize("bias", [True, False])
def test_every_form_is_exported_or_refused_with_a_reason(tmp_path: Path, bias: bool) -> None:
    torch.manual_seed(0)
    body = nn.Sequential(nn.Linear(3, 2, bias=bias))
    x = torch.randn(4, 3)
    model = adapted(copy.deepcopy(body), SearchSpace((2,)))
    exported = 0
    for codes in itertools.islice(all_codes(), 0, None, 5):
        glora.set_structure(model, [codes])
        a, _, c, _, e = model[0].codes
        if not any(model[0].codes):
            continue
        if a and not bias and (c or e):
            why = r"lora: .* no low rank; glora: .* no bias"
            with pytest.raises(ConfigurationError, match=why):
                glora.export_peft(model, tmp_path)
            continue
        assert glora.export_peft(model, tmp_path) == ("glora" if a else "lora")
        torch.testing.assert_close(by_peft(copy.deepcopy(body), tmp_path)(x), model(x), **CLOSE)
        exported += 1
    assert exported > (40 if bias else 20)


@pytest.mark.parametrize(
    ("make", "inputs"), [(tiny_gpt2, {"input_ids": IDS}), (tiny_vit, {"pixel_values": PIXELS})]
)
def test_other_bases_are_exported_and_imported(tmp_path: Path, make, inputs) -> None:
    model = adapted(make(), NO_A, targets=["*"], exclude=("lm_head",))
    expected = model(**inputs).logits
    assert glora.export_peft(model, tmp_path) == "lora"
    torch.testing.assert_close(by_peft(make(), tmp_path)(**inputs).logits, expected, **CLOSE)
    body = make()
    glora.import_peft(body, tmp_path)
    torch.testing.assert_close(body(**inputs).logits, expected, **CLOSE)
    with pytest.raises(ConfigurationError, match=r"glora: .* PEFT's takes nn\.Linear only"):
        glora.export_peft(model, tmp_path, format="glora")


class Nested(nn.Module):
    """`a` and `b.a`, of which PEFT's suffix `a` finds both; and `x.a`, of another size."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(3, 3)
        self.b = nn.ModuleDict({"a": nn.Linear(3, 3)})

    def forward(self, x: Tensor) -> Tensor:
        return self.b["a"](torch.tanh(self.a(x)))


def test_a_name_that_ends_another_one_is_not_mistaken_for_it(tmp_path: Path) -> None:
    torch.manual_seed(0)
    body, x = Nested(), torch.randn(2, 3)
    model = copy.deepcopy(body)
    space = SearchSpace((1, 2))
    glora.inject(model, space)
    fill_with_noise(model)
    for forms in (
        {"a": {"B": "lora-1"}},
        {"a": {"B": "lora-1"}, "b.a": {"B": "lora-2", "E": "vector"}},
    ):
        glora.set_structure(model, forms)
        glora.export_peft(model, tmp_path)
        torch.testing.assert_close(by_peft(copy.deepcopy(body), tmp_path)(x), model(x), **CLOSE)


def test_a_head_travels_as_a_module_to_save(tmp_path: Path) -> None:
    model = adapted(tiny_bert(), NO_A)
    with torch.no_grad():
        model.classifier.weight.fill_(0.25)
    expected = model(**tokens()).logits
    glora.export_peft(model, tmp_path, {"classifier.weight": model.classifier.weight})
    torch.testing.assert_close(by_peft(tiny_bert(), tmp_path)(**tokens()).logits, expected, **CLOSE)
    body = tiny_bert()
    glora.import_peft(body, tmp_path)
    torch.testing.assert_close(body(**tokens()).logits, expected, **CLOSE)
    glora.eject(model)
    adapted(model, NO_A, targets="classifier", exclude=())
    with pytest.raises(ConfigurationError, match="belongs to an adapted site"):
        glora.export_peft(model, tmp_path, {"classifier.weight": model.classifier.weight})
    with pytest.raises(ConfigurationError, match=r"'clasifier\.weight' \[1\] is no parameter"):
        glora.export_peft(model, tmp_path, {"clasifier.weight": torch.zeros(1)})


def test_equal_adapters_are_exported_as_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        model = adapted(tiny_bert(), NO_A, 1)
        model.config._name_or_path = str(tmp_path / name / "body")  # where it lay here
        glora.export_peft(model, tmp_path / name)
    for file in ("adapter_config.json", "adapter_model.safetensors"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    config = json.loads((tmp_path / "one" / "adapter_config.json").read_text())
    assert config["target_modules"] == sorted(config["target_modules"])
    assert list(config) == sorted(config)
    assert config["base_model_name_or_path"] is None


def test_a_structure_without_a_form_and_an_unknown_format_are_refused(tmp_path: Path) -> None:
    model = tiny_bert()
    glora.inject(model, NO_A)
    with pytest.raises(ConfigurationError, match="nothing to export"):
        glora.export_peft(model, tmp_path)
    with pytest.raises(ConfigurationError, match="'dora'"):
        glora.export_peft(model, tmp_path, format="dora")


LORAS = {
    "plain": {"target_modules": ["query", "value"], "r": 2, "lora_alpha": 5},
    "patterns": {
        "target_modules": ["query", "dense"],
        "r": 4,
        "lora_alpha": 8,
        "rank_pattern": {"query": 1, r"layer\.1\.output\.dense": 3},
        "alpha_pattern": {"dense": 3},
        "exclude_modules": ["pooler.dense"],
    },
    "stabilised": {"target_modules": "all-linear", "r": 4, "lora_alpha": 6, "use_rslora": True},
    "bias of lora": {"target_modules": ["key", "value"], "r": 2, "lora_bias": True},
    "biases of sites": {"target_modules": ["value"], "r": 2, "bias": "lora_only"},
    "all biases": {"target_modules": ["value"], "r": 2, "bias": "all"},
    "with a head": {"target_modules": ["value"], "r": 2, "modules_to_save": ["classifier"]},
    "gaussian": {"target_modules": ["value"], "r": 2, "init_lora_weights": "gaussian"},
}


def saved_by_peft(body: nn.Module, config: Any, folder: Path) -> nn.Module:
    """A PEFT model of drawn numbers, saved; the buffers of absent paths stay zero."""
    model = get_peft_model(body, config).eval()
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    model.save_pretrained(str(folder))
    return model


@pytest.mark.parametrize("settings", LORAS.values(), ids=LORAS)
def test_pefts_lora_is_imported(tmp_path: Path, settings: dict[str, Any]) -> None:
    peft = saved_by_peft(tiny_bert(), LoraConfig(**settings), tmp_path)
    expected = peft(**tokens()).logits
    assert not torch.allclose(expected, tiny_bert()(**tokens()).logits, atol=1e-3)
    body = tiny_bert()
    structure = glora.import_peft(body, tmp_path)
    assert structure == glora.current_structure(body)
    torch.testing.assert_close(body(**tokens()).logits, expected, **CLOSE)
    # And back: what was imported can be exported.
    head = {n: p for n, p in body.named_parameters() if n.startswith("classifier")}
    head = {} if "classifier" in structure.sites else head
    if settings.get("bias") != "all":  # biases outside the sites are no adapter's to hold
        glora.export_peft(body, tmp_path / "again", head)
        again = by_peft(tiny_bert(), tmp_path / "again")
        torch.testing.assert_close(again(**tokens()).logits, expected, **CLOSE)


def test_a_trained_dora_is_a_scaled_row_and_a_lora(tmp_path: Path) -> None:
    config = LoraConfig(target_modules=["query", "dense"], r=2, use_dora=True, lora_alpha=3)
    peft = saved_by_peft(tiny_bert(), config, tmp_path)
    body = tiny_bert()
    structure = glora.import_peft(body, tmp_path)
    assert set(structure.forms(structure.sites[0]).values()) == {"vector", "lora-2", "none"}
    torch.testing.assert_close(body(**tokens()).logits, peft(**tokens()).logits, **CLOSE)
    saved_by_peft(tiny_gpt2(), LoraConfig(target_modules=["c_attn"], use_dora=True), tmp_path)
    with pytest.raises(AdapterError, match=r"a DoRA is imported on an nn\.Linear only"):
        glora.import_peft(tiny_gpt2(), tmp_path)


@pytest.mark.parametrize("fan_in_fan_out", [True, False])
def test_pefts_lora_of_gpt2_is_imported(tmp_path: Path, fan_in_fan_out: bool) -> None:
    config = LoraConfig(
        target_modules=["c_attn", "c_proj"], r=2, fan_in_fan_out=fan_in_fan_out, lora_alpha=3
    )
    expected = saved_by_peft(tiny_gpt2(), config, tmp_path)(input_ids=IDS).logits
    body = tiny_gpt2()
    glora.import_peft(body, tmp_path)
    torch.testing.assert_close(body(input_ids=IDS).logits, expected, **CLOSE)


def test_pefts_lora_of_a_patch_embedding_is_imported(tmp_path: Path) -> None:
    config = LoraConfig(target_modules=["projection", "k_proj"], r=2)
    expected = saved_by_peft(tiny_vit(), config, tmp_path)(pixel_values=PIXELS).logits
    body = tiny_vit()
    glora.import_peft(body, tmp_path)
    torch.testing.assert_close(body(pixel_values=PIXELS).logits, expected, **CLOSE)


@pytest.mark.parametrize("bias", [True, False])
def test_each_of_pefts_36_gloras_is_imported(tmp_path: Path, bias: bool) -> None:
    torch.manual_seed(0)
    body = with_noise(nn.Sequential(nn.Linear(5, 3, bias=bias), nn.Linear(3, 4)))
    x = torch.randn(2, 5)
    for ab, c, de in itertools.product(
        ("lora", "vector", "constant", "none"),
        ("lora", "vector", "none"),
        ("vector", "constant", "none"),
    ):
        if (ab, c, de) == ("none", "none", "none"):
            continue  # PEFT can train no such thing
        config = GloraConfig(
            target_modules=["0", "1"], r=2, config_A_B=ab, config_C=c, config_D_E=de
        )
        peft = saved_by_peft(copy.deepcopy(body), config, tmp_path)
        model = copy.deepcopy(body)
        glora.import_peft(model, tmp_path)
        torch.testing.assert_close(model(x), peft(x), **CLOSE)


@pytest.mark.parametrize(
    ("ab", "c", "de"),
    [("lora", "lora", "vector"), ("vector", "vector", "constant"), ("lora", "none", "none")],
)
def test_ten_steps_beside_pefts_glora_have_the_same_losses(
    tmp_path: Path, ab: str, c: str, de: str
) -> None:
    """The same structure, weights and batches, each under torch's own AdamW."""
    config = GloraConfig(
        target_modules=["query", "value", "dense"], r=2, config_A_B=ab, config_C=c, config_D_E=de
    )
    peft = saved_by_peft(tiny_bert(), config, tmp_path)
    body = tiny_bert().requires_grad_(False)
    glora.import_peft(body, tmp_path)
    models: list[nn.Module] = [body, peft]
    adapters = [
        [p for x in glora.glora_layers(body).values() for p in x.support_parameters().values()],
        [p for name, p in peft.named_parameters() if "glora" in name],
    ]
    losses: list[list[float]] = []
    for model, parameters in zip(models, adapters, strict=True):
        for parameter in parameters:
            parameter.requires_grad_(True)
        optimizer = torch.optim.AdamW(parameters, lr=0.01, weight_decay=0.0)
        losses.append([])
        for step in range(10):
            logits = model(**tokens()).logits
            labels = (torch.arange(len(logits)) + step) % 2
            loss = nn.functional.cross_entropy(logits, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses[-1].append(float(loss.detach()))
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert losses[0][9] != pytest.approx(losses[0][0], rel=1e-2)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            LoraConfig(target_modules=["query"], r=2, use_qalora=True, qalora_group_size=2),
            "QALoRA pools",
        ),
        (LoraConfig(target_modules=["word_embeddings"]), "is a Embedding; expected a linear"),
        (
            LoraConfig(target_modules=["query"], init_lora_weights="olora"),
            r"first values \(olora\)",
        ),
        (VeraConfig(target_modules=["value"], r=2), "of the kind VERA"),
        (GloraConfig(target_modules=["query"], r=2, bias="all"), "biases were trained"),
    ],
)
def test_what_glora_cannot_hold_is_refused_with_a_reason(
    tmp_path: Path, config: Any, said: str
) -> None:
    saved_by_peft(tiny_bert(), config, tmp_path)
    body = tiny_bert()
    with pytest.raises(AdapterError, match=said):
        glora.import_peft(body, tmp_path)
    assert not glora.glora_layers(body)


def test_damaged_and_foreign_adapters_of_pefts_are_refused(tmp_path: Path) -> None:
    source = tmp_path / "adapter"
    saved_by_peft(tiny_bert(), LoraConfig(target_modules=["query"], r=2), source)
    config, weights = source / "adapter_config.json", source / "adapter_model.safetensors"
    kept = config.read_bytes(), weights.read_bytes()

    def refused(said: str, body: nn.Module) -> None:
        state = copy.deepcopy(body.state_dict())
        with pytest.raises(AdapterError, match=said):
            glora.import_peft(body, source)
        assert not glora.glora_layers(body)
        assert all(torch.equal(state[k], v) for k, v in body.state_dict().items())
        config.write_bytes(kept[0])
        weights.write_bytes(kept[1])

    refused("another body: it adapts", tiny_gpt2())
    refused(r"does not fit: at .*query", tiny_bert(hidden_size=8))
    weights.write_bytes(kept[1][:-7])
    refused("is damaged", tiny_bert())
    config.write_bytes(kept[0][:40])
    refused("is damaged", tiny_bert())
    config.write_bytes(kept[0].replace(b'"r": 2', b'"r": 3'))
    refused("rank 3 is declared", tiny_bert())
    tensors = load_file(weights)
    save_file({k: v for k, v in tensors.items() if "lora_A" not in k}, weights)
    refused("lora_A", tiny_bert())
    save_file({"base_model.model.classifier.weight": torch.zeros(2, 16)}, weights)
    refused("adapts no linear layer", tiny_bert())
    shutil.rmtree(source)
    with pytest.raises(AdapterError, match="holds no adapter of PEFT's"):
        glora.import_peft(tiny_bert(), source)
