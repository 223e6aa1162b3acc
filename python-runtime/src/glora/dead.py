"""Which support tensors cannot change a model's output, by architecture.

A bias on a key projection adds the same number to all of a query's scores, and softmax does not
see it: q·(k_j + b) = q·k_j + q·b for every position j. C, D and E only shift the bias, so there
they are dead genes. With a rotary embedding between projection and score the added number depends
on the position and the bias is alive; so only architectures that were checked are listed.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from torch import nn

__all__ = ["dead_tensors"]

# Hugging Face's model_type → names of key projections whose scores go straight into softmax.
_KEY_PROJECTIONS: dict[str, tuple[str, ...]] = {
    "bert": ("*attention.self.key",),
    "roberta": ("*attention.self.key",),
    "xlm-roberta": ("*attention.self.key",),
    "camembert": ("*attention.self.key",),
    "electra": ("*attention.self.key",),
    "distilbert": ("*attention.k_lin",),
}
_SHIFTS_OF_BIAS = frozenset("CDE")


def dead_tensors(model: nn.Module, name: str) -> frozenset[str]:
    """The tensors that are dead at the linear layer `name` of `model`, because of its place.

    A model of an architecture that is not in the table has none.
    """
    config = getattr(model, "config", None)
    patterns = _KEY_PROJECTIONS.get(str(getattr(config, "model_type", "")), ())
    # Relative positions add terms that depend on the key, its bias included.
    if getattr(config, "position_embedding_type", None) not in (None, "absolute"):
        return frozenset()
    return _SHIFTS_OF_BIAS if any(fnmatchcase(name, p) for p in patterns) else frozenset()
