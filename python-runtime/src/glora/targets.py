r"""Find the linear layers of a model that a pattern names.

A linear layer is an `nn.Linear`, the `Conv1D` of transformers, and where another pattern than
`all-linear` names it, a convolution over points or patches (`bases.py`). A pattern is one of

- `all-linear`: every `nn.Linear` and `Conv1D` except the model's output head;
- a name or a part of one, whole words between dots: `query`, `attention.self`, `encoder.layer.0`;
- a glob over the full name, `*` also crossing dots: `*.layer.?.output.dense`;
- a regular expression for the full name, after `re:`: `re:.*layer\.(0|1)\..*`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

from torch import nn

from glora.bases import awaits_quantising, is_convolution, layer_class
from glora.errors import ConfigurationError
from glora.forms import near
from glora.layer import GLoRALinear

__all__ = ["ALL_LINEAR", "find_targets", "replace_modules"]

ALL_LINEAR = "all-linear"

# Heads are trained afresh, not adapted; these are the names that Hugging Face, timm and torchvision
# give them at the top of a model. An explicit pattern can still target one.
_HEADS = frozenset(
    {"classifier", "head", "heads", "lm_head", "pre_classifier", "qa_outputs", "score"}
)


def find_targets(
    model: nn.Module, targets: str | Sequence[str], exclude: str | Sequence[str]
) -> dict[str, nn.Module]:
    """The linear layers that `targets` name and `exclude` does not, in the model's order.

    Returns:
        Name to module; a module that the model holds twice appears once, under its first name.

    Raises:
        ConfigurationError: a target pattern matches no linear layer, everything that matches is
            excluded, or a layer cannot be adapted (its weight is shared, hooks hang on it, …).
    """
    included, excluded = _as_patterns(targets), _as_patterns(exclude)
    names = _linear_names(model)
    matched: set[int] = set()
    for pattern in included:
        hit = {key for key, found in names.items() if _names_match(model, pattern, *found)}
        if not hit:
            raise ConfigurationError(_no_match(model, pattern, [k for _, k in names.values()]))
        matched |= hit
    kept = {
        known[0]: module
        for key, (module, known) in names.items()
        if key in matched and not any(_names_match(model, p, module, known) for p in excluded)
    }
    if not kept:
        raise ConfigurationError(
            f"The targets {list(included)} match {len(matched)} linear layers and exclude="
            f"{list(excluded)} takes all of them away; exclude fewer."
        )
    _check_adaptable(model, kept)
    return kept


def replace_modules(model: nn.Module, replacements: Iterable[tuple[nn.Module, nn.Module]]) -> None:
    """Puts each new module wherever `model` holds the old one."""
    new_by_old = {id(old): new for old, new in replacements}
    for parent in list(model.modules()):
        for attribute, child in list(parent._modules.items()):
            if child is not None and id(child) in new_by_old:
                parent._modules[attribute] = new_by_old[id(child)]


def _as_patterns(patterns: str | Sequence[str]) -> tuple[str, ...]:
    listed = (patterns,) if isinstance(patterns, str) else tuple(patterns)
    for pattern in listed:
        if not isinstance(pattern, str) or not pattern:
            raise ConfigurationError(
                f"A pattern is {pattern!r}; expected a name, a glob or 're:' and an expression."
            )
    return listed


def _linear_names(model: nn.Module) -> dict[int, tuple[nn.Module, list[str]]]:
    """Every linear layer with all its names; kinds of `nn.Linear` that cannot be adapted too."""
    found: dict[int, tuple[nn.Module, list[str]]] = {}
    for name, held in model.named_modules(remove_duplicate=False):
        # Another adapter's layer stands for the one that it adapts.
        module = held.base if isinstance(held, GLoRALinear) else held
        if isinstance(module, nn.Linear) or layer_class(module) is not None:
            found.setdefault(id(module), (module, []))[1].append(name)
    return found


def _names_match(model: nn.Module, pattern: str, module: nn.Module, names: Iterable[str]) -> bool:
    if pattern == ALL_LINEAR:
        if is_convolution(module):
            return False
        return not any(name.split(".")[0] in _HEADS for name in names) and all(
            model.get_submodule(name) is not _output_embeddings(model) for name in names
        )
    return any(_matches(pattern, name) for name in names)


def _matches(pattern: str, name: str) -> bool:
    if pattern.startswith("re:"):
        try:
            return re.fullmatch(pattern[3:], name) is not None
        except re.error as error:
            raise ConfigurationError(
                f"The pattern {pattern!r} is not a regular expression: {error}."
            ) from error
    if any(sign in pattern for sign in "*?["):
        return fnmatchcase(name, pattern)
    return f".{pattern}." in f".{name}."


def _output_embeddings(model: nn.Module) -> nn.Module | None:
    find = getattr(model, "get_output_embeddings", None)
    found = find() if callable(find) else None
    return found if isinstance(found, nn.Module) else None


def _no_match(model: nn.Module, pattern: str, known: Sequence[Sequence[str]]) -> str:
    names = [name for group in known for name in group]
    if not names:
        return f"The model {type(model).__name__} has no linear layer that {pattern!r} could match."
    others = [
        (name, type(module).__name__)
        for name, module in model.named_modules()
        if name and pattern != ALL_LINEAR and _matches(pattern, name)
    ]
    if others:
        name, kind = others[0]
        return (
            f"The pattern {pattern!r} matches {name!r}, a {kind}, and no linear layer (nn.Linear, "
            f"Conv1D, a convolution of 1×1 or of patches); name some, for example {names[0]!r}."
        )
    words = [word for name in names for word in name.split(".")]
    hint = near(pattern.removeprefix("re:").strip("*."), [*names, *words])
    return (
        f"The pattern {pattern!r} matches none of the model's {len(names)} linear layers{hint}; "
        f"names look like {names[0]!r}."
    )


def _check_adaptable(model: nn.Module, targets: dict[str, nn.Module]) -> None:
    owners: dict[object, list[str]] = {}
    for name, module in model.named_modules():
        for attribute, parameter in module.named_parameters(recurse=False):
            owners.setdefault(_identity(parameter), []).append(f"{name}.{attribute}".lstrip("."))
    for name, module in targets.items():
        for problem in _problems(name, module, owners):
            raise ConfigurationError(problem)


def _problems(name: str, module: nn.Module, owners: dict[object, list[str]]) -> Iterator[str]:
    if not name:
        yield (
            "The model is itself the linear layer to adapt and cannot be replaced from within; "
            "wrap it in a module, for example nn.Sequential."
        )
    if layer_class(module) is None:
        yield (
            f"Target {name!r} is a {type(module).__name__}, whose own arithmetic an adapter would "
            f"bypass; expected nn.Linear itself or one of its kinds that are known, so exclude it."
        )
    elif awaits_quantising(module):
        yield (
            f"Target {name!r} is a {type(module).__name__} that is not quantised yet; move the "
            f"model to its device first, which is when bitsandbytes quantises it."
        )
    if module._forward_hooks or module._forward_pre_hooks or module._backward_hooks:
        yield (
            f"Target {name!r} has hooks, which its replacement would lose; remove them before "
            f"injecting, or exclude it."
        )
    for attribute, parameter in module.named_parameters(recurse=False):
        others = [o for o in owners[_identity(parameter)] if o != f"{name}.{attribute}"]
        if others:
            yield (
                f"Target {name!r} shares its {attribute} with {others[0]!r}, which merging would "
                f"change or untie; exclude it or untie the two first."
            )


def _identity(parameter: nn.Parameter) -> object:
    """Equal for parameters that are the same numbers in memory."""
    # A tensor that wraps others (a quantised one) has no address of its own.
    wraps = hasattr(parameter, "__tensor_flatten__")
    if wraps or parameter.device.type == "meta" or parameter.numel() == 0:
        return id(parameter)
    return parameter.device, parameter.data_ptr()
