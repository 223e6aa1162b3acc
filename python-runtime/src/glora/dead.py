"""Which support tensors cannot change a model's output, by architecture.

A bias on a key projection adds the same number to all of a query's scores, and softmax does not
see it: q·(k_j + b) = q·k_j + q·b for every position j. C, D and E only shift the bias, so there
they are dead genes. With a rotary embedding between projection and score the added number depends
on the position and the bias is alive; so only architectures that were checked are listed, and a
test perturbs the keys of each. In a fused q/k/v projection only the middle third of the bias is
dead, so its tensors are alive.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from torch import nn

__all__ = ["dead_tensors"]

# Names of key projections whose scores go straight into softmax, with Hugging Face's model types
# that have them. An additive mask or relative bias that does not depend on the key changes nothing.
_FAMILIES: dict[str, tuple[str, ...]] = {
    "*attention.self.key": (
        *("bert", "roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "electra", "ernie"),
        *("megatron-bert", "data2vec-text", "layoutlm"),
    ),
    "*attention.key": ("albert",),
    "*attention.attn.k": ("mpnet",),
    "*attention.k_lin": ("distilbert",),
    "*attention.k_proj": (
        *("vit", "deit", "beit", "dinov2", "dinov2_with_registers", "vit_msn", "ijepa"),
        *("wav2vec2", "hubert", "unispeech", "data2vec-audio"),
    ),
    "*attention.attention.key": ("dpt", "data2vec-vision"),
    "*_attn.k_proj": (
        *("opt", "biogpt", "bart", "mbart", "pegasus", "marian", "blenderbot", "m2m_100", "plbart"),
        *("whisper", "speech_to_text", "clip_text_model", "clip_vision_model"),
    ),
    "*Attention.k": ("t5", "mt5", "umt5"),
}
_KEY_PROJECTIONS = {kind: pattern for pattern, kinds in _FAMILIES.items() for kind in kinds}
_SHIFTS_OF_BIAS = frozenset("CDE")


def dead_tensors(model: nn.Module, name: str) -> frozenset[str]:
    """The tensors that are dead at the linear layer `name` of `model`, because of its place.

    A model of an architecture that is not in the table has none.
    """
    config = getattr(model, "config", None)
    pattern = _KEY_PROJECTIONS.get(str(getattr(config, "model_type", "")))
    # Some of these can be configured with relative positions that multiply the key, its bias too.
    if getattr(config, "position_embedding_type", None) not in (None, "absolute"):
        return frozenset()
    return _SHIFTS_OF_BIAS if pattern and fnmatchcase(name, pattern) else frozenset()
