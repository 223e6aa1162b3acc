"""What differs between families of models, as one table."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from glora.errors import ConfigurationError

if TYPE_CHECKING:
    from torch import nn

Modality = Literal["text", "image"]
TIMM = "timm_wrapper"


@dataclass(frozen=True)
class Architecture:
    """Where the parts of a classifier of one family are.

    Attributes:
        name: the configuration's `model_type`.
        body: path of the module that holds the pre-trained body.
        head: path of the new linear layer over the pooled output.
        exclude: names of modules whose linears are no sites, as any part of a path.
        modality: what the model reads: token ids and a mask, or pixels.
        pooling: what of the body's output the head sees: `pooler`, the output of a trained
            pooling layer, or `first`, the last block's normalised output at the first position
            (the class token); `own`, what the wrapped model itself gives its head.
    """

    name: str
    body: str
    head: str
    exclude: tuple[str, ...]
    modality: Modality = "text"
    pooling: Literal["pooler", "first", "own"] = "pooler"


def _image(name: str) -> Architecture:
    # The class token as it leaves the last norm is what the head sees; a pooler that a checkpoint
    # may carry is not loaded. DeiT has a second token, for its teacher, which the head ignores.
    return Architecture(name, name, "classifier", ("classifier",), "image", "first")


ARCHITECTURES = {
    # BERT's pooler stands between the blocks and the head; it stays as it was pre-trained.
    "bert": Architecture("bert", body="bert", head="classifier", exclude=("pooler", "classifier")),
    "vit": _image("vit"),
    "deit": _image("deit"),
    # A model of timm in the wrapper of transformers: its queries, keys and values are one linear,
    # so a block has four sites, 48 in twelve blocks as in the published experiments.
    TIMM: Architecture(TIMM, "timm_model", "timm_model.head", ("head",), "image", "own"),
}


# Families of causal language models; `causal.py` says what differs between them.
CAUSAL = ("gpt2", "llama", "mistral", "qwen2", "qwen3")


def is_causal(model: nn.Module) -> bool:
    """Whether a model predicts tokens, and has no head of our own."""
    return str(getattr(getattr(model, "config", None), "model_type", "")) in CAUSAL


def modality(model_type: str) -> Modality:
    """What a family reads: images where it is known to, else text."""
    known = ARCHITECTURES.get(model_type)
    return known.modality if known else "text"


def architecture(model_type: str) -> Architecture:
    """Return what is known of a family of models.

    Raises:
        ConfigurationError: the family is not known.
    """
    if model_type in CAUSAL:
        raise ConfigurationError(
            f"The model is a causal language model ({model_type}) and the task asks for a head "
            f"over it; set task.prompt or task.format, or choose one of "
            f"{', '.join(sorted(ARCHITECTURES))}."
        )
    if model_type not in ARCHITECTURES:
        near = difflib.get_close_matches(model_type, ARCHITECTURES, n=1)
        raise ConfigurationError(
            f"The model's architecture is {model_type!r}; expected one of "
            f"{', '.join(sorted(ARCHITECTURES))}"
            + (f" (the nearest is {near[0]!r})" if near else "")
            + "; choose a model of such a family."
        )
    return ARCHITECTURES[model_type]


def linear_sites(model: nn.Module) -> list[str]:
    """Return the paths of the linear layers that are adapted by default, in the model's order.

    `all-linear` without the pooler and the head: for BERT query, key, value, attention output,
    intermediate and output of each block; for ViT and DeiT the projections of queries, keys,
    values and outputs and the two layers of the MLP, 72 sites in twelve blocks.
    """
    from torch import nn

    known = architecture(cast(str, model.config.model_type))  # type: ignore[union-attr]
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and not set(name.split(".")) & set(known.exclude)
    ]
