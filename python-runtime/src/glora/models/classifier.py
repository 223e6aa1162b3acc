"""A classifier of texts or images: a pre-trained body and a fresh linear head."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from safetensors import SafetensorError
from torch import nn

from glora import storage
from glora.errors import ConfigurationError, SourceError
from glora.models.architecture import architecture, is_causal
from glora.models.files import INPUT_FILES, PREPROCESSOR, read_config
from glora.models.pixels import PixelInput, tokens_of
from glora.models.quiet import quiet

if TYPE_CHECKING:
    from transformers import PreTrainedModel

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float64": torch.float64}
HEAD_STD = 0.02
_ALIGNMENT = 64
_SHORT = 128


def load_classifier(
    path: str | Path,
    labels: Sequence[str],
    *,
    dropout: float = 0.0,
    dtype: str = "float32",
    device: str = "cpu",
    max_length: int | None = None,
    attention: str | None = None,
    problem_type: str = "single_label_classification",
) -> PreTrainedModel:
    """Load a pre-trained body with a head for `labels`, in evaluation mode.

    The head's weights are zero until `init_head` draws them, so that loading leaves
    torch's generator as it was. Dropout is set in the modules only: the configuration, which is
    saved with a merged model, keeps the body's own values.

    Args:
        path: a model folder.
        labels: the names of the classes, in the order of their numbers.
        dropout: probability of every dropout in the model, attention's included; 0 is off.
        dtype: `float32`, `bfloat16` or `float64`.
        device: a torch device.
        max_length: tokens of the longest row, if known.
        attention: `eager` or `sdpa`; by default the faster one for device and length.
        problem_type: transformers' name of what is predicted, which the merged model keeps.

    Raises:
        ConfigurationError: the architecture or the dtype is not known.
        SourceError: the folder is incomplete.
    """
    path = Path(path)
    config = read_config(path)
    known = architecture(config["model_type"])
    if dtype not in DTYPES:
        raise ConfigurationError(f"The dtype is {dtype!r}; expected one of {', '.join(DTYPES)}.")
    import transformers

    kind: Any = transformers.AutoModelForSequenceClassification
    if known.modality == "image":
        kind = transformers.AutoModelForImageClassification
        max_length = tokens_of(config)
    # A missing head is drawn at random before we set it: keep the process's generator out of it.
    with quiet(), torch.random.fork_rng(devices=[]):
        model, loading = kind.from_pretrained(
            str(path),
            dtype=DTYPES[dtype],
            attn_implementation=attention or _attention(device, max_length),
            num_labels=len(labels),
            id2label=dict(enumerate(labels)),
            label2id={label: index for index, label in enumerate(labels)},
            problem_type=problem_type,
            local_files_only=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
        )
    body = sorted(
        name
        for name in {*loading["missing_keys"], *(key[0] for key in loading["mismatched_keys"])}
        if not name.startswith(f"{known.head}.")
    )
    if body:
        raise SourceError(
            f"The weights in {path} lack {', '.join(body[:3])}"
            + (f" and {len(body) - 3} more" if len(body) > 3 else "")
            + "; expected the whole pre-trained body, choose a folder that has it."
        )
    classifier = cast("PreTrainedModel", model)
    set_dropout(classifier, dropout)
    cast(nn.Module, classifier).to(device).eval()
    align(classifier)
    with torch.no_grad():
        for parameter in _head(classifier).parameters():
            parameter.zero_()
    return classifier


def init_head(model: nn.Module, seed: int) -> None:
    """Draw a fresh head: weights from N(0, 0.02²), bias 0.

    The numbers are drawn in float32 on the CPU, so that they are the same for every device. A
    language model, whose head is pre-trained, is left as it is.
    """
    if is_causal(model):
        return
    head = _head(model)
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.empty(head.weight.shape, dtype=torch.float32)
    drawn.normal_(0.0, HEAD_STD, generator=generator)
    with torch.no_grad():
        head.weight.copy_(drawn)
        if head.bias is not None:
            head.bias.zero_()


def checkpoint_activations(model: PreTrainedModel) -> None:
    """Makes every block compute its activations again in the backward pass, in training mode.

    Raises:
        ConfigurationError: the architecture cannot do so.
    """
    if not getattr(model, "supports_gradient_checkpointing", False):
        raise ConfigurationError(
            f"A {type(model).__name__} cannot compute its activations again: set "
            "training.gradient_checkpointing to false."
        )
    # Not re-entrant: the frozen embeddings' output has no gradient, and the re-entrant kind gives
    # none to what is inside of a block then.
    model.activation_checkpointing_enable({"use_reentrant": False})


def set_dropout(model: nn.Module, probability: float) -> None:
    """Give every dropout of the model one probability; attention reads its module's, too."""
    if not 0.0 <= probability < 1.0:
        raise ConfigurationError(
            f"The dropout is {probability}; expected a probability of at least 0 and under 1."
        )
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = probability
        # Some attention modules have no dropout of their own, but a number they call one with.
        if isinstance(getattr(module, "attention_dropout", None), int | float):
            module.__dict__["attention_dropout"] = probability


def pooled_features(model: nn.Module, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Return what the head sees when dropout is off.

    Args:
        model: a classifier of `load_classifier`.
        batch: `input_ids` and `attention_mask`: [rows, tokens]; or `pixel_values`: [rows,
            channels, height, width].

    Returns:
        [rows, hidden], the body's pooled output.
    """
    known = architecture(cast(str, model.config.model_type))  # type: ignore[union-attr]
    body: Any = model.get_submodule(known.body)
    if known.pooling == "own":
        own: torch.Tensor = body.forward_head(
            body.forward_features(batch["pixel_values"]), pre_logits=True
        )
        return own
    output = body(**batch)
    pooled: torch.Tensor = (
        output.pooler_output if known.pooling == "pooler" else output.last_hidden_state[:, 0]
    )
    return pooled


def save_classifier(
    model: nn.Module,
    model_path: str | Path,
    folder: str | Path,
    pixels: PixelInput | None = None,
) -> Path:
    """Write a plain classifier as transformers reads it, with what reads its input beside it.

    The folder is there as a whole or not at all; what stood there before is replaced.

    Args:
        model: a classifier without any adapter in it.
        model_path: the model folder whose files of the tokenizer, or of the preparation of
            images, are copied unchanged.
        folder: where to.
        pixels: of a model for images, what it was given; written in place of the model folder's.

    Raises:
        StorageError: no space, or the folder cannot be written.
    """
    target = Path(folder)
    with storage.new_folder(target) as new:
        try:
            with quiet():
                cast("PreTrainedModel", model).save_pretrained(str(new))
        except SafetensorError as error:  # it reports a full disk as text only
            if "os error 28" in str(error):
                raise storage.no_space(target) from error
            raise
        for name in INPUT_FILES:
            file = Path(model_path) / name
            if file.is_file():
                shutil.copyfile(file, new / name)
        if pixels is not None:
            said = json.dumps(pixels.preprocessor(), indent=2) + "\n"
            (new / PREPROCESSOR).write_text(said, encoding="utf-8")
    return target


def _head(model: nn.Module) -> nn.Linear:
    known = architecture(cast(str, model.config.model_type))  # type: ignore[union-attr]
    return cast(nn.Linear, model.get_submodule(known.head))


def _attention(device: str, max_length: int | None) -> str:
    # Batch 32 x 40 on two CPU cores, forward and backward: eager 0.351 s, sdpa 0.373 s. Eager
    # holds [batch, heads, tokens, tokens] for the backward pass, so long rows take sdpa.
    short = max_length is None or max_length <= _SHORT
    return "eager" if device == "cpu" and short else "sdpa"


def align(model: nn.Module) -> None:
    """Bring every weight to a 64-byte boundary.

    A weight that is mapped from its file starts wherever the file has it, and the CPU's matrix
    products differ in their last bits from one alignment to another.
    """
    for tensor in [*model.parameters(), *model.buffers()]:
        if tensor.device.type == "cpu" and tensor.data_ptr() % _ALIGNMENT:
            tensor.data = tensor.data.clone()
