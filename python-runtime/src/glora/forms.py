"""The forms of a support tensor, their codes and costs, and the site they belong to.

Each adapted linear layer (a *site*) has five support tensors A, B, C, D, E. Each takes one form,
written as one small number (a *code*), the same in Python, in Java and in files:

    code    form       A, B            C               D, E
    0       none       yes             yes             yes
    1       scalar     yes             -               yes
    2       vector     yes             yes             yes
    3 + k   lora-<r>   yes             yes             -          r = k-th rank, ascending

Forms and costs are those of the paper's Eq. 11 and the published `get_param_tensor`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from glora.errors import ConfigurationError

__all__ = ["LORA", "NONE", "SCALAR", "TENSORS", "VECTOR", "Site", "form_cost", "form_name"]

TENSORS = ("A", "B", "C", "D", "E")
NONE, SCALAR, VECTOR, LORA = 0, 1, 2, 3
A_PRODUCTS = ("hadamard", "matmul")

# Which families of forms each tensor has at all (paper Eq. 11).
FAMILIES: dict[str, tuple[str, ...]] = {
    "A": ("none", "scalar", "vector", "lora"),
    "B": ("none", "scalar", "vector", "lora"),
    "C": ("none", "vector", "lora"),
    "D": ("none", "scalar", "vector"),
    "E": ("none", "scalar", "vector"),
}
_SIMPLE = {"none": NONE, "scalar": SCALAR, "vector": VECTOR}
_NAMES = {code: form for form, code in _SIMPLE.items()}


@dataclass(frozen=True)
class Site:
    """One adapted linear layer.

    Attributes:
        name: the module's path in the model, for example `bert.encoder.layer.0.output.dense`.
        in_features: width of the input.
        out_features: width of the output.
        has_bias: whether the pre-trained layer has a bias.
        dead: tensors that cannot change the model's output here. D is always among them where
            the layer has no bias: there is nothing to scale.
    """

    name: str
    in_features: int
    out_features: int
    has_bias: bool
    dead: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        unknown = sorted(set(self.dead) - set(TENSORS))
        if unknown:
            raise ConfigurationError(
                f"Site {self.name!r} names {unknown} as dead tensors; they must be among "
                f"{list(TENSORS)}."
            )
        always = frozenset() if self.has_bias else frozenset("D")
        object.__setattr__(self, "dead", frozenset(self.dead) | always)


def all_forms(tensor: str, ranks: Sequence[int]) -> list[str]:
    """Every form of `tensor` in the order of the codes."""
    simple = [form for form in _SIMPLE if form in FAMILIES[tensor]]
    return simple + ([f"lora-{r}" for r in ranks] if "lora" in FAMILIES[tensor] else [])


def form_name(code: int, ranks: Sequence[int]) -> str:
    """The name of a code: `none`, `scalar`, `vector` or `lora-<rank>`."""
    return _NAMES[code] if code < LORA else f"lora-{ranks[code - LORA]}"


def form_code(tensor: str, form: str, ranks: Sequence[int]) -> int:
    """The code of a form's name.

    Raises:
        ConfigurationError: `tensor` has no such form with these ranks.
    """
    names = all_forms(tensor, ranks)
    if form not in names:
        raise ConfigurationError(
            f"Tensor {tensor} has no form {form!r}{near(str(form), names)}; with ranks "
            f"{list(ranks)} its forms are {names}."
        )
    return _SIMPLE[form] if form in _SIMPLE else LORA + list(ranks).index(int(form[5:]))


def form_cost(
    tensor: str, code: int, site: Site, ranks: Sequence[int], a_product: str = "hadamard"
) -> int:
    """How many numbers one form of one tensor takes at a site (0 where the tensor is dead)."""
    if code == NONE or tensor in site.dead:
        return 0
    if code == SCALAR:
        return 1
    left, right = _factor_sizes(tensor, site, a_product)
    return left if code == VECTOR else ranks[code - LORA] * (left + right)


def _factor_sizes(tensor: str, site: Site, a_product: str) -> tuple[int, int]:
    """Rows of the down-factor (or the vector) and columns of the up-factor of a tensor."""
    if tensor == "C":
        return site.in_features, 1
    if tensor == "A" and a_product == "matmul":
        return site.in_features, site.in_features
    return site.out_features, site.in_features


def checked_ranks(ranks: Iterable[int]) -> tuple[int, ...]:
    """Ranks ascending, without repetition; `ConfigurationError` unless positive integers."""
    values = list(ranks) if isinstance(ranks, Iterable) else [ranks]
    if not values or any(isinstance(r, bool) or not isinstance(r, int) or r < 1 for r in values):
        raise ConfigurationError(
            f"Ranks are {values!r}; expected at least one integer, each 1 or more."
        )
    # A code is one signed byte, so the k-th rank's code 3 + k must not pass 127.
    if len(set(values)) > 128 - LORA:
        raise ConfigurationError(
            f"There are {len(set(values))} ranks; a code has room for {128 - LORA}, so name fewer."
        )
    return tuple(sorted(set(values)))


def check_a_product(a_product: str) -> None:
    """`ConfigurationError` unless `a_product` is one of `A_PRODUCTS`."""
    if a_product not in A_PRODUCTS:
        raise ConfigurationError(
            f"a_product is {a_product!r}{near(str(a_product), A_PRODUCTS)}; expected one of "
            f"{list(A_PRODUCTS)}."
        )


def near(name: str, names: Iterable[str]) -> str:
    """` (did you mean …?)` with the nearest of `names`, or nothing."""
    close = difflib.get_close_matches(name, list(dict.fromkeys(names)), n=3, cutoff=0.5)
    return f" (did you mean {' or '.join(repr(c) for c in close)}?)" if close else ""
