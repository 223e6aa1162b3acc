"""What a method is: a model, its trainable entries, and what becomes of them afterwards."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from glora.errors import ConfigurationError
from glora.losses import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from torch import Tensor, nn

    from glora.models import PixelInput
    from glora.optimizer import Entry, Region
    from glora.structure import Site

__all__ = ["Counts", "Method", "Opening", "Parameters"]


@dataclass(frozen=True)
class Opening:
    """What a method is opened with.

    Attributes:
        model_path: folder of the pre-trained model, as `glora.models` reads it.
        labels: the classes' names; their number is the width of the head.
        target: what a row's label is.
        settings: of the method; each method says which it knows.
        features: width of the features, for a method that trains on cached features.
        max_length: tokens of the longest row, where rows are sequences.
        pixels: what an image becomes on its way into the model, where rows are images.
        seed: of the fresh weights.
        device: torch device that the model is put on.
        precision: of the body: `float32`, `bfloat16`, or `autocast`, which keeps it in float32.
    """

    model_path: Path
    labels: Sequence[str]
    target: Target = field(default_factory=Target)
    settings: Mapping[str, Any] = field(default_factory=dict)
    features: int | None = None
    max_length: int | None = None
    pixels: PixelInput | None = None
    seed: int = 0
    device: str = "cpu"
    precision: str = "float32"


@dataclass(frozen=True)
class Parameters:
    """How many entries a method has.

    Attributes:
        trainable: everything that training may move.
        adapter: `trainable` without the head.
        head: of the fresh classifier.
        total: of the whole model, trained or not.
    """

    trainable: int
    adapter: int
    head: int
    total: int


@dataclass(frozen=True)
class Counts:
    """Entries of an adapter as it stands, the head's not among them.

    Attributes:
        stored: in the file that `Method.export_adapter` writes.
        folded: what remains where several of them amount to one, by which methods are compared.
    """

    stored: int
    folded: int


class Method(ABC):
    """One way to adapt a pre-trained model. Every module of `glora.methods` has one.

    Attributes:
        name: the method's name in experiment files and checkpoints.
        model: what `train()` and `eval()` are called on.
        sites: the adapted linear layers that have a choice of structure; empty without one.
        ranks: the ranks of the choice; empty without one.
        hidden: width of the classifier's input.
        notes: sentences for whoever opened it: what of the settings could not be kept.
    """

    name: ClassVar[str]
    model: nn.Module
    sites: Sequence[Site] = ()
    ranks: Sequence[int] = ()
    notes: Sequence[str] = ()
    hidden: int

    @abstractmethod
    def entries(self) -> list[Entry]:
        """Returns the trainable entries, the head's (group `head`) last."""

    @abstractmethod
    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Returns the logits [rows, classes] of a batch of columns, each [rows, …]."""

    @abstractmethod
    def parameters(self) -> Parameters:
        """Returns the counts of entries."""

    def counts(self) -> Counts:
        """Returns the entries of the adapter as it stands, for a method without sites."""
        adapter = self.parameters().adapter
        return Counts(adapter, adapter)

    @abstractmethod
    def reset_weights(self, seed: int) -> None:
        """Draws fresh trainable weights in place, the same ones as opening with `seed`."""

    @abstractmethod
    def export_adapter(self, folder: Path) -> tuple[str, int]:
        """Writes adapter and head; returns the file that the digest is taken of, and its entries.

        The count is the adapter's own: entries of the head are written, but not counted.
        """

    @abstractmethod
    def merge(self) -> dict[str, float]:
        """Folds the adapter into the body in place; afterwards `forward` runs the plain model."""

    @abstractmethod
    def export_merged(self, folder: Path) -> None:
        """Writes the adapted model as an ordinary model folder, with what reads its input."""

    def multipliers(self) -> Mapping[str, float]:
        """Returns what the learning rate of a group of entries is multiplied by, where not 1.

        The head's comes from the caller, with the rates of each step.
        """
        return {}

    def penalty(self) -> Tensor | None:
        """Returns what a step adds to the mean loss of its batch before it goes backward, if any.

        The loss that is reported stays the batch's own.
        """
        return None

    def after_step(self, step: int) -> None:  # noqa: B027
        """Does what a method does after the optimiser's step `step`, gradients still there."""

    def state(self) -> dict[str, Tensor]:
        """Returns what the next step depends on beside the entries and the optimiser's state."""
        return {}

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:  # noqa: B027
        """Takes what `state` returned, by the same names."""

    def checkpoint_activations(self) -> None:  # noqa: B027 (see below)
        """Computes the blocks' activations again in the backward pass, instead of keeping them.

        A method without a body in its step keeps none, and does nothing.
        """

    def finish(self) -> None:  # noqa: B027 (most have nothing to do)
        """Puts the merged model in the types in which it is saved."""

    def set_codes(self, codes: np.ndarray) -> Mapping[str, Region | None]:
        """Takes a structure [sites, 5]; returns the active region of each entry it governs.

        Raises:
            ConfigurationError: the method has no structure to choose.
        """
        raise ConfigurationError(
            f"The method `{self.name}` has no structure, but codes [{len(codes)}, 5] were bound: "
            "bind no `codes` for it."
        )

    def add_scores(self, scores: Tensor, product: Callable[[str], Tensor]) -> None:
        """Adds the first-order effect of each slice to `scores` [sites, 5, ranks].

        Args:
            scores: float64; see `Trainer.score`.
            product: gives θ∘g of an entry by its name, in its shape.

        Raises:
            ConfigurationError: the method has no structure to score.
        """
        raise ConfigurationError(
            f"The method `{self.name}` has no structure to score: score a method that has sites."
        )

    def sort_ranks(self, scores: Tensor) -> None:
        """Sorts the rank columns of each site, and `scores` with them, best first, in place.

        Args:
            scores: float64 [sites, 5, ranks]; see `Trainer.sort_ranks`.

        Raises:
            ConfigurationError: the method has no ranks to sort.
        """
        raise ConfigurationError(
            f"The method `{self.name}` has no ranks to sort: sort those of a method with sites."
        )
