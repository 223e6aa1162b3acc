from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from small_models import fill_with_noise, with_noise
from torch import Tensor, nn

import glora
from glora.errors import MergeError
from glora.structure import SearchSpace

SPACE = SearchSpace((2,))
IDS = torch.tensor([[1, 5, 9, 2, 7], [3, 3, 0, 8, 4]])


def tiny(kind: str) -> Any:
    import transformers

    config = getattr(transformers, f"{kind}Config")(
        vocab_size=30,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        intermediate_size=24,
        max_position_embeddings=16,
    )
    torch.manual_seed(0)
    return with_noise(getattr(transformers, f"{kind}ForCausalLM")(config)).eval()


def merged(model: nn.Module, targets: Any) -> nn.Module:
    sites = glora.inject(model, SPACE, targets=targets)
    glora.set_structure(model, SPACE.largest(sites))
    fill_with_noise(model, 0.05)
    glora.merge(model)
    return model


def logits(model: nn.Module) -> Tensor:
    with torch.no_grad():
        result: Tensor = model(input_ids=IDS).logits
    return result


@pytest.mark.parametrize(
    ("targets", "settings", "zeros"),
    [
        (["q_proj", "v_proj"], ("attention_bias",), ("k_proj", "o_proj")),
        ("down_proj", ("mlp_bias",), ("gate_proj", "up_proj")),
        ("all-linear", ("attention_bias", "mlp_bias"), ()),
    ],
)
def test_a_merged_llama_is_saved_and_loaded_with_its_new_biases(
    tmp_path: Path, targets: Any, settings: tuple[str, ...], zeros: tuple[str, ...]
) -> None:
    from transformers import LlamaForCausalLM

    model = tiny("Llama")
    keys = list(model.state_dict())
    merged(model, targets)
    expected = logits(model)
    assert glora.declare_biases(model) == settings
    # A bias of zeros may round otherwise than none.
    torch.testing.assert_close(logits(model), expected, rtol=1e-5, atol=1e-6)
    for name, module in model.named_modules():
        if name.endswith(zeros) and zeros:
            assert not module.bias.any()
    model.save_pretrained(tmp_path)
    loaded, report = LlamaForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert torch.equal(logits(loaded.eval()), logits(model))
    glora.unmerge(model)
    glora.eject(model)
    assert list(model.state_dict()) == keys
    assert not any(getattr(model.config, setting) for setting in settings)


def test_without_the_declaration_the_biases_would_be_lost(tmp_path: Path) -> None:
    from transformers import LlamaForCausalLM

    model = merged(tiny("Llama"), "q_proj")
    model.save_pretrained(tmp_path)
    loaded, report = LlamaForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert report["unexpected_keys"]
    assert not torch.allclose(logits(loaded.eval()), logits(model), atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "targets", "said"),
    [
        ("Mistral", "q_proj", "'mistral' cannot declare 'model.layers.0.self_attn.q_proj.bias'"),
        ("Qwen2", "o_proj", "'qwen2' cannot declare"),
        ("Llama", "lm_head", "'llama' cannot declare 'lm_head.bias'"),
    ],
)
def test_a_bias_that_cannot_be_declared_is_refused_and_nothing_changes(
    kind: str, targets: str, said: str
) -> None:
    model = merged(tiny(kind), targets)
    keys, config = list(model.state_dict()), copy.deepcopy(model.config)
    with pytest.raises(MergeError, match=said):
        glora.declare_biases(model)
    assert list(model.state_dict()) == keys
    assert model.config.to_dict() == config.to_dict()


def test_where_there_is_nothing_to_declare() -> None:
    assert glora.declare_biases(merged(tiny("Qwen2"), "q_proj")) == ()
    with pytest.raises(MergeError, match="not merged"):
        glora.declare_biases(tiny("Llama"))
    with pytest.raises(MergeError, match="has no configuration"):
        glora.declare_biases(merged(nn.Sequential(nn.Linear(3, 2, bias=False)), "all-linear"))
