"""Causal language models: which families there are, and how one is loaded.

Nothing of such a model is fresh: its output head (`lm_head`) is pre-trained, is no site, and is
frozen. It is often tied to the input embedding, which matters only to whoever targets one of them.

    family            linears of a block                     biases that a merged model can declare
    llama             q, k, v, o; gate, up, down             all: attention_bias, mlp_bias
    mistral           the same                               none
    qwen2             the same                               q, k and v have one already; no other
    qwen3             the same                               q, k, v and o: attention_bias
    gpt2              c_attn (q, k, v), c_proj; c_fc, c_proj all have one already

Rows are padded to the right: no position looks to its right, so padding changes nothing of what
stands before it and needs no mask.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch

from glora.errors import ConfigurationError, SourceError
from glora.models.architecture import CAUSAL
from glora.models.classifier import DTYPES, align, set_dropout
from glora.models.files import read_config
from glora.models.quiet import quiet

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedModel

__all__ = ["last_hidden", "load_causal", "word_logits"]


def load_causal(
    path: str | Path, *, dropout: float = 0.0, dtype: str = "float32", device: str = "cpu"
) -> PreTrainedModel:
    """Load a pre-trained causal language model, in evaluation mode.

    Args:
        path: a model folder.
        dropout: probability of every dropout that the family has, attention's included; LLaMA and
            its like have attention's only.
        dtype: `float32`, `bfloat16` or `float64`.
        device: a torch device.

    Raises:
        ConfigurationError: the family is not known.
        SourceError: the folder is incomplete.
    """
    family = read_config(Path(path))["model_type"]
    if family not in CAUSAL:
        raise ConfigurationError(
            f"The task asks for a causal language model and {path} is of the family {family!r}; "
            f"expected one of {', '.join(CAUSAL)}."
        )
    from transformers import AutoModelForCausalLM

    with quiet(), torch.random.fork_rng(devices=[]):
        found: Any = AutoModelForCausalLM.from_pretrained(
            str(path),
            dtype=DTYPES[dtype],
            attn_implementation="sdpa",
            local_files_only=True,
            output_loading_info=True,
        )
    loaded, loading = found
    missing = sorted(loading["missing_keys"])
    if missing:
        raise SourceError(
            f"The weights in {path} lack {missing[0]!r}"
            + (f" and {len(missing) - 1} more" if len(missing) > 1 else "")
            + "; expected a whole language model, choose a folder that has it."
        )
    model = cast("PreTrainedModel", loaded)
    set_dropout(model, dropout)
    cast("nn.Module", model).to(device).eval()
    align(model)
    return model


def last_hidden(
    model: PreTrainedModel, input_ids: Tensor, position_ids: Tensor | None = None
) -> Tensor:
    """Return what the output head sees.

    Args:
        model: of `load_causal`.
        input_ids: [rows, tokens], padded to the right.
        position_ids: [rows, tokens]. Where they begin anew, another document begins, and no
            position looks at those of another document. None for one document a row.

    Returns:
        [rows, tokens, hidden].
    """
    hidden: Tensor = model.base_model(
        input_ids=input_ids, position_ids=position_ids, use_cache=False
    ).last_hidden_state
    return hidden


def word_logits(model: PreTrainedModel, hidden: Tensor) -> Tensor:
    """Return the logits [.., vocabulary] of hidden states [.., hidden], in float32 or better."""
    logits: Tensor = cast(Any, model.get_output_embeddings())(hidden)
    return logits.to(torch.promote_types(logits.dtype, torch.float32))
