"""What the methods over a whole classifier share: loading, the head, the forward."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from torch import nn

from glora import language, models
from glora.errors import ConfigurationError
from glora.losses import LANGUAGE
from glora.methods.base import Method, Opening, Parameters
from glora.optimizer import Entry
from glora.targets import find_targets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor
    from torch.utils.hooks import RemovableHandle
    from transformers import PreTrainedModel

__all__ = [
    "ClassifierMethod",
    "adapter_seed",
    "count",
    "excluded",
    "find_sites",
    "head_entries",
    "head_of",
    "head_tensors",
    "load_model",
]


class ClassifierMethod(Method):
    """A method that trains something inside the body, and the head."""

    model: PreTrainedModel
    _adapter: list[Entry]
    _head: list[Entry]

    def __init__(self, opening: Opening) -> None:
        self._model_path = opening.model_path
        self._pixels = opening.pixels
        self._target = opening.target
        self.model = load_model(opening)
        self.model.requires_grad_(False)
        self._hook = None if models.is_causal(self.model) else widen_head(self.model)
        # Not every configuration names its width: a classifier's head does.
        causal = models.is_causal(self.model)
        own = self.model.config.hidden_size if causal else head_of(self.model).in_features
        self.hidden = int(own)
        self._plain_entries = sum(p.numel() for p in self.model.parameters())

    def entries(self) -> list[Entry]:
        """Returns the adapter's tensors, site by site, then the head."""
        return [*self._adapter, *self._head]

    def parameters(self) -> Parameters:
        """Returns counts of all that can be trained; a structure may use less of it."""
        adapter, head = count(self._adapter), count(self._head)
        return Parameters(adapter + head, adapter, head, self._plain_entries + adapter)

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Returns logits [rows, classes] for columns [rows, tokens], or for images.

        Of a language model the outputs that its target asks for, see `glora.language`.
        """
        inputs = {
            # Prepared sets hold int32 and uint8; the embedding's backward and masks want int64.
            name: column if column.is_floating_point() else column.long()
            for name, column in batch.items()
        }
        if self._target.kind == "word":
            return language.word_scores(self.model, inputs, self._target.tokens)
        if self._target.kind == "tokens":
            return language.token_losses(self.model, inputs)
        logits: Tensor = self.model(**inputs).logits
        return logits

    def checkpoint_activations(self) -> None:
        """Lets transformers run every block under torch's activation checkpointing."""
        models.checkpoint_activations(self.model)

    def finish(self) -> None:
        """Rounds the head to the body's type."""
        if self._hook is not None:
            self._hook.remove()
            head_of(self.model).to(self.model.dtype)

    def export_merged(self, folder: Path) -> None:
        """Writes an ordinary Hugging Face folder."""
        models.save_classifier(self.model, self._model_path, folder, self._pixels)


def load_model(opening: Opening) -> PreTrainedModel:
    """Loads what the task asks for: a classifier with a head of zeros, or a language model.

    Raises:
        ConfigurationError: the model's family is not known for the task.
        SourceError: the folder is incomplete.
    """
    dropout = float(opening.settings.get("dropout", 0.0))
    dtype = "bfloat16" if opening.precision == "bfloat16" else "float32"
    if opening.target.kind in LANGUAGE:
        return models.load_causal(
            opening.model_path, dropout=dropout, dtype=dtype, device=opening.device
        )
    return models.load_classifier(
        opening.model_path,
        opening.labels,
        dropout=dropout,
        max_length=opening.max_length,
        dtype=dtype,
        device=opening.device,
        problem_type=opening.target.problem_type,
    )


def head_of(model: PreTrainedModel) -> nn.Linear:
    """Returns the classifier's last layer.

    Raises:
        ConfigurationError: a language model, whose own head is pre-trained and frozen.
    """
    if models.is_causal(model):
        raise ConfigurationError(
            "The method trains a head of its own, and the task asks a language model for words: "
            "choose another method, such as lora or glora."
        )
    return cast(
        nn.Linear, model.get_submodule(models.architecture(str(model.config.model_type)).head)
    )


def widen_head(model: PreTrainedModel) -> RemovableHandle:
    """Keeps the head in float32 over a body in half precision; it takes the body's output so.

    What is trained moves in steps that bfloat16, with its 8 bits, would round away.
    """
    head = head_of(model).float()

    def widened(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (inputs[0].to(cast(nn.Linear, module).weight.dtype), *inputs[1:])

    return head.register_forward_pre_hook(widened)


def excluded(model: PreTrainedModel, settings: Mapping[str, Any]) -> list[str]:
    """Returns what is no site: what the settings exclude, and the family's own head and pooler."""
    if models.is_causal(model):
        return list(settings.get("exclude", ()))
    known = models.architecture(str(model.config.model_type)).exclude
    return list(dict.fromkeys([*settings.get("exclude", ()), *known]))


def find_sites(model: PreTrainedModel, settings: Mapping[str, Any]) -> dict[str, nn.Module]:
    """Returns the linears that the settings `targets` and `exclude` choose, by name.

    Raises:
        ConfigurationError: a pattern matches nothing, or a tied weight is chosen.
    """
    return find_targets(model, settings.get("targets", "all-linear"), excluded(model, settings))


def head_entries(model: PreTrainedModel) -> list[Entry]:
    """Makes the head trainable; returns its entries, none of a language model."""
    if models.is_causal(model):
        return []
    head = head_of(model).requires_grad_(True)
    return [
        Entry(f"head.{name}", parameter, group="head")
        for name, parameter in head.named_parameters()
    ]


def head_tensors(model: PreTrainedModel) -> dict[str, Tensor]:
    """Returns the head's tensors by their names in the model, none of a language model."""
    if models.is_causal(model):
        return {}
    name = models.architecture(str(model.config.model_type)).head
    return {
        f"{name}.{key}": parameter.detach() for key, parameter in head_of(model).named_parameters()
    }


def count(parameters: list[Entry]) -> int:
    """Returns how many entries these are."""
    return sum(entry.parameter.numel() for entry in parameters)


def adapter_seed(seed: int) -> int:
    """Returns the seed of fresh adapter weights; the head's is `seed` itself."""
    # One seed for both would draw the head and the first factor from the same stream.
    return (seed + 1) & (2**63 - 1)
