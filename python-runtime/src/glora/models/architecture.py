"""What differs between families of models, as one table."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from glora.errors import ConfigurationError

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Architecture:
    """Where the parts of a sequence classifier of one family are.

    Attributes:
        name: the configuration's `model_type`.
        body: the attribute that holds the pre-trained body.
        head: the attribute that holds the new linear layer over the pooled output.
        exclude: names of modules whose linears are no sites, as any part of a path.
    """

    name: str
    body: str
    head: str
    exclude: tuple[str, ...]


ARCHITECTURES = {
    # BERT's pooler stands between the blocks and the head; it stays as it was pre-trained.
    "bert": Architecture("bert", body="bert", head="classifier", exclude=("pooler", "classifier")),
}


def architecture(model_type: str) -> Architecture:
    """Return what is known of a family of models.

    Raises:
        ConfigurationError: the family is not known.
    """
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
    intermediate and output of each block.
    """
    from torch import nn

    known = architecture(cast(str, model.config.model_type))  # type: ignore[union-attr]
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and not set(name.split(".")) & set(known.exclude)
    ]
