"""Dead genes, by what they claim: no bias on such a layer changes the model's output."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from glora import dead

SIZES = {
    **dict.fromkeys(("hidden_size", "d_model", "dim", "embedding_size", "word_embed_proj_dim"), 16),
    **dict.fromkeys(("num_hidden_layers", "num_layers", "n_layers", "num_feat_extract_layers"), 2),
    **dict.fromkeys(("encoder_layers", "decoder_layers"), 1),
    **dict.fromkeys(("num_attention_heads", "num_heads", "n_heads"), 2),
    **dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 2),
    **dict.fromkeys(("intermediate_size", "ffn_dim", "encoder_ffn_dim", "decoder_ffn_dim"), 24),
    **dict.fromkeys(("hidden_dim", "d_ff"), 24),
    **dict.fromkeys(("max_position_embeddings", "max_target_positions"), 24),
    **dict.fromkeys(("vocab_size",), 40),
    **dict.fromkeys(("image_size",), 16),
    **dict.fromkeys(("patch_size", "d_kv", "num_mel_bins", "input_feat_per_channel"), 8),
    **dict.fromkeys(("max_source_positions",), 16),
    **dict.fromkeys(("pad_token_id",), 0),
    **dict.fromkeys(("bos_token_id", "decoder_start_token_id"), 1),
    **dict.fromkeys(("eos_token_id",), 2),
    "conv_dim": (8, 8),
    "conv_kernel": (4, 4),
    "conv_stride": (2, 2),
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
}
IDS = torch.tensor([[3, 4, 5, 6, 7, 8], [9, 3, 4, 5, 6, 7]])
MASK = torch.tensor([[1] * 6, [1] * 4 + [0] * 2])


def tiny(model_type: str) -> nn.Module:
    from transformers import AutoConfig, AutoModel

    config = AutoConfig.for_model(model_type)
    for name, value in SIZES.items():
        if hasattr(config, name):
            setattr(config, name, value)
    torch.manual_seed(0)
    model = AutoModel.from_config(config).double().eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.add_(0.3 * noise)
    return model


def drawn(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@torch.no_grad()
def outputs(model: nn.Module) -> list[Tensor]:
    """All of a model's outputs on tokens with padding, pixels, or sound."""
    inputs: dict[str, Tensor] = {}
    main = model.main_input_name
    if main == "pixel_values":
        inputs[main] = drawn(2, 3, 16, 16)
    elif main == "input_values":
        inputs[main] = drawn(2, 200)
    elif main == "input_features":
        whisper = model.config.model_type == "whisper"
        inputs[main] = drawn(2, 8, 32) if whisper else drawn(2, 16, 8)
    else:
        inputs |= {"input_ids": IDS, "attention_mask": MASK}
    if model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = IDS
    found = model(**inputs).to_tuple()
    return [value for value in found if isinstance(value, Tensor)]


def dead_layers(model: nn.Module) -> Iterator[nn.Linear]:
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and dead.dead_tensors(model, name):
            yield module


@pytest.mark.parametrize("model_type", sorted(dead._KEY_PROJECTIONS))
def test_a_bias_on_a_listed_key_changes_nothing(model_type: str) -> None:
    model = tiny(model_type)
    before = outputs(model)
    found = list(dead_layers(model))
    assert found
    for index, layer in enumerate(found):
        shift = 3 * torch.randn(
            layer.out_features,
            generator=torch.Generator().manual_seed(index),
            dtype=torch.float64,
        )
        handle = layer.register_forward_hook(lambda _m, _i, output, shift=shift: output + shift)
        after = outputs(model)
        handle.remove()
        for one, other in zip(after, before, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


def test_a_query_of_the_same_model_is_alive() -> None:
    model = tiny("bert")
    query = model.get_submodule("encoder.layer.0.attention.self.query")
    before = outputs(model)[0]
    query.register_forward_hook(lambda _m, _i, output: output + 1)
    assert not torch.allclose(outputs(model)[0], before, atol=1e-3)


def test_relative_positions_that_multiply_the_key_make_its_bias_alive() -> None:
    model = tiny("bert")
    assert list(dead_layers(model))
    model.config.position_embedding_type = "relative_key_query"
    assert not list(dead_layers(model))


def test_a_key_with_rotary_embedding_is_alive() -> None:
    from transformers import LlamaConfig, LlamaModel

    config = LlamaConfig(
        vocab_size=30,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        attention_bias=True,
    )
    model = LlamaModel(config)
    assert not any(dead.dead_tensors(model, name) for name, _ in model.named_modules())
    assert not dead.dead_tensors(nn.Sequential(nn.Linear(2, 2)), "attention.self.key")
