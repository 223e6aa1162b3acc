"""What an experiment on so many rows may cost: sizes of the splits, steps, LoRA's parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from glora import models
from glora.data.splits import NAMES
from glora.errors import ConfigurationError

__all__ = ["lengths", "lora_parameters", "refuse_few", "sizes", "training"]

# Fewer rows leave no val split that could tell structures apart, nor a test split worth its name.
LEAST_ROWS = 60
RANK = 4
MOST_TOKENS = 512


def refuse_few(rows: int, what: str, where: Path) -> None:
    """Refuses data of which no experiment can be made.

    Raises:
        ConfigurationError: see above.
    """
    if rows < LEAST_ROWS:
        raise ConfigurationError(
            f"{where} has {rows} different {what}; expected at least {LEAST_ROWS}, of which val "
            f"and test get their part."
        )


def sizes(rows: int, given: Mapping[str, int]) -> dict[str, Any]:
    """Propose the sizes of the splits: a seventh for val, a fifth for test, each 20 to 2,000.

    Given splits keep their sizes; one that is not given is taken from train.

    Args:
        rows: different ones.
        given: split to its rows, 0 where it is not given.

    Returns:
        `split` {train, val, test}, and `given` without what is not.
    """
    train = given["train"] or rows
    val = given["val"] or min(max(train // 7, 20), 2000)
    test = given["test"] or min(max(train // 5, 20), 2000)
    drawn = (0 if given["val"] else val) + (0 if given["test"] else test)
    return {
        "split": {"train": train - drawn, "val": val, "test": test},
        "given": {part: given[part] for part in NAMES if given[part]},
    }


def training(train: int, epochs: int, batch: int) -> dict[str, int]:
    """Propose `batch_size` and `steps`, at least 40, for passes over train."""
    return {"batch_size": min(batch, train), "steps": max(40, math.ceil(epochs * train / batch))}


def lengths(tokens: Sequence[int], model: Path) -> dict[str, Any]:
    """Return `tokens` {median, p95, longest}, `max_length` and `cut` of ascending lengths."""
    most = _longest(tokens, model)
    return {
        "tokens": {
            "median": tokens[len(tokens) // 2],
            "p95": tokens[int(0.95 * (len(tokens) - 1))],
            "longest": tokens[-1],
        },
        "max_length": most,
        "cut": sum(count > most for count in tokens) / len(tokens),
    }


def _longest(tokens: Sequence[int], model: Path) -> int:
    """Return what 95 % of the rows fit into, in steps of eight, within the model's positions."""
    wanted = math.ceil(tokens[int(0.95 * (len(tokens) - 1))] / 8) * 8
    config = models.read_config(model)
    positions = config.get("max_position_embeddings", config.get("n_positions"))
    return min(wanted, positions if isinstance(positions, int) else wanted, MOST_TOKENS)


def lora_parameters(model: Path) -> dict[str, int]:
    """Count what LoRA has at every site (`lora_parameters`), without loading a weight.

    Args:
        model: a model folder.

    Returns:
        Also `lora_rank`, the rank it has.

    Raises:
        ConfigurationError: the family is not known.
    """
    import torch
    import transformers

    from glora.targets import find_targets

    family = str(models.read_config(model)["model_type"])
    kind: Any = transformers.AutoModelForCausalLM
    exclude: Sequence[str] = ()
    if family not in models.CAUSAL:
        known = models.architecture(family)
        exclude = known.exclude
        image = known.modality == "image"
        kind = transformers.AutoModelForSequenceClassification
        kind = transformers.AutoModelForImageClassification if image else kind
    # A head is no site, and no model of timm is made without one.
    config = transformers.AutoConfig.from_pretrained(
        str(model), local_files_only=True, num_labels=2
    )
    with torch.device("meta"):
        skeleton = kind.from_config(config)
    sites = find_targets(skeleton, "all-linear", exclude).values()
    # The sum of a matrix's sides is the same whichever of them a layer calls its first.
    sides = sum(sum(site.get_parameter("weight").shape) for site in sites)
    return {"lora_rank": RANK, "lora_parameters": RANK * sides}
