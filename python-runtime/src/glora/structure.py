"""The search space of GLoRA, one point of it (a structure), and what a structure costs.

The forms and their codes are in `forms.py`. Nothing here needs torch.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from glora.errors import ConfigurationError
from glora.forms import (
    FAMILIES,
    LORA,
    NONE,
    SCALAR,
    TENSORS,
    VECTOR,
    Site,
    all_forms,
    check_a_product,
    checked_ranks,
    form_code,
    form_cost,
    form_name,
    near,
)

__all__ = [
    "LORA",
    "NONE",
    "SCALAR",
    "TENSORS",
    "VECTOR",
    "Counts",
    "SearchSpace",
    "Site",
    "Structure",
    "count_parameters",
    "parameter_counts",
]

STRUCTURE_FORMAT = "glora-structure"
STRUCTURE_VERSION = 1

Codes = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Counts:
    """How many numbers a structure is made of, counted three ways.

    Attributes:
        trained: entries that a training step moves.
        stored: entries that `save_adapter` writes; the same entries, so the same number.
        folded: entries left once W0·C + b0∘D + E are folded into one bias vector per site.
            This is the count by which structures are compared with other methods.
    """

    trained: int
    stored: int
    folded: int


@dataclass(frozen=True)
class SearchSpace:
    """The forms that each support tensor may take.

    Attributes:
        ranks: the LoRA ranks, kept in ascending order without repetition.
        forms: tensor name to the allowed form names: `none`, `scalar`, `vector`, `lora-<rank>`, or
            `lora` for all ranks. A tensor that is not named has all of its forms, and
            `forms=None` leaves all five tensors all of theirs.
        a_product: `hadamard` (W0∘A, what the published results were made with) or `matmul` (W0·A,
            the paper's text).

    Raises:
        ConfigurationError: a rank, a tensor or a form that does not exist.
    """

    ranks: tuple[int, ...] = (4,)
    forms: Mapping[str, Sequence[str]] | None = field(default=None, hash=False)
    a_product: str = "hadamard"

    def __post_init__(self) -> None:
        object.__setattr__(self, "ranks", checked_ranks(self.ranks))
        check_a_product(self.a_product)
        given = dict(self.forms or {})
        for tensor in given:
            if tensor not in FAMILIES:
                raise ConfigurationError(
                    f"Forms are given for a tensor {tensor!r}; the tensors are {list(TENSORS)}."
                )
        names = {t: self._checked_forms(t, given.get(t)) for t in TENSORS}
        object.__setattr__(self, "forms", MappingProxyType(names))

    def _checked_forms(self, tensor: str, forms: Sequence[str] | None) -> tuple[str, ...]:
        if isinstance(forms, str):
            forms = (forms,)
        chosen: set[int] = set()
        for form in FAMILIES[tensor] if forms is None else forms:
            if form == "lora" and "lora" in FAMILIES[tensor]:
                chosen.update(LORA + k for k in range(len(self.ranks)))
            else:
                chosen.add(form_code(tensor, form, self.ranks))
        if not chosen:
            raise ConfigurationError(
                f"Tensor {tensor} is given no form at all; name at least one of "
                f"{list(FAMILIES[tensor])}."
            )
        return tuple(form_name(code, self.ranks) for code in sorted(chosen))

    def __reduce__(self) -> tuple[Any, ...]:
        # A mapping proxy can be neither pickled nor deep-copied, and models that hold a space are.
        return SearchSpace, (self.ranks, dict(self.forms or {}), self.a_product)

    def codes(self, tensor: str, site: Site | None = None) -> tuple[int, ...]:
        """The codes `tensor` may take, ascending; only `none` where the site's tensor is dead."""
        if site is not None and tensor in site.dead:
            return (NONE,)
        assert self.forms is not None
        return tuple(form_code(tensor, form, self.ranks) for form in self.forms[tensor])

    def rank(self, code: int) -> int:
        """The rank of a LoRA code."""
        return self.ranks[code - LORA]

    def max_rank(self, tensor: str, site: Site | None = None) -> int:
        """The largest LoRA rank `tensor` may take, or 0 where it has no LoRA form."""
        largest = max(self.codes(tensor, site))
        return self.rank(largest) if largest >= LORA else 0

    def largest(self, sites: Sequence[Site]) -> Structure:
        """The structure in which every tensor has its largest form."""
        return self._extreme(sites, -1)

    def smallest(self, sites: Sequence[Site]) -> Structure:
        """The structure in which every tensor has its smallest form."""
        return self._extreme(sites, 0)

    def _extreme(self, sites: Sequence[Site], index: int) -> Structure:
        codes = [[self.codes(t, site)[index] for t in TENSORS] for site in sites]
        return self.structure([site.name for site in sites], codes)

    def structure(self, sites: Iterable[str], codes: npt.ArrayLike) -> Structure:
        """A structure with this space's ranks and A-product from codes [sites, 5]."""
        return Structure(tuple(sites), np.asarray(codes), self.ranks, self.a_product)

    def check(self, structure: Structure, sites: Sequence[Site]) -> None:
        """Raises `ConfigurationError` unless `structure` lies in this space at these sites."""
        structure.check_sites(sites)
        if structure.ranks != self.ranks or structure.a_product != self.a_product:
            raise ConfigurationError(
                f"The structure was made for ranks {list(structure.ranks)} and a_product "
                f"{structure.a_product}, the space has ranks {list(self.ranks)} and "
                f"{self.a_product}; use the space that the structure comes from."
            )
        for site, row in zip(sites, structure.codes.tolist(), strict=True):
            for tensor, code in zip(TENSORS, row, strict=True):
                if code not in self.codes(tensor, site) and not (
                    tensor in site.dead or code == NONE
                ):
                    raise ConfigurationError(
                        f"Site {site.name!r} has {form_name(code, self.ranks)} for tensor "
                        f"{tensor}; the space allows {list((self.forms or {})[tensor])}."
                    )


@dataclass(frozen=True, eq=False)
class Structure:
    """One form for each support tensor of each site. Immutable; equal by value.

    Attributes:
        sites: the sites' names, in the model's order.
        codes: int8 [sites, 5], read-only, columns A, B, C, D, E.
        ranks: the ranks that LoRA codes count through, ascending.
        a_product: how A meets W0, see `SearchSpace`.
    """

    sites: tuple[str, ...]
    codes: Codes
    ranks: tuple[int, ...]
    a_product: str = "hadamard"

    def __post_init__(self) -> None:
        object.__setattr__(self, "sites", tuple(self.sites))
        object.__setattr__(self, "ranks", checked_ranks(self.ranks))
        check_a_product(self.a_product)
        raw = np.asarray(self.codes)
        shape = (len(self.sites), len(TENSORS))
        if raw.shape != shape or (raw.size and raw.dtype.kind not in "iu"):
            raise ConfigurationError(
                f"Structure codes are {raw.dtype} of shape {list(raw.shape)}; expected integers "
                f"of shape {list(shape)}: one row per site, columns {', '.join(TENSORS)}."
            )
        if len(set(self.sites)) != len(self.sites):
            raise ConfigurationError("A structure names a site twice; each site has one row.")
        for column, tensor in enumerate(TENSORS):
            valid = {form_code(tensor, form, self.ranks) for form in all_forms(tensor, self.ranks)}
            wrong = sorted(set(raw[:, column].tolist()) - valid)
            if wrong:
                raise ConfigurationError(
                    f"Tensor {tensor} has code {wrong[0]}; with ranks {list(self.ranks)} its codes "
                    f"are {sorted(valid)}."
                )
        codes = np.array(raw, dtype=np.int8, order="C")
        codes.setflags(write=False)
        object.__setattr__(self, "codes", codes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Structure):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[Any, ...]:
        return self.sites, self.codes.tobytes(), self.ranks, self.a_product

    def forms(self, site: str) -> dict[str, str]:
        """The forms of one site by tensor, for example `{"A": "none", "B": "lora-4", …}`."""
        row = self.codes[self.sites.index(site)].tolist()
        return {t: form_name(c, self.ranks) for t, c in zip(TENSORS, row, strict=True)}

    @classmethod
    def from_forms(
        cls,
        sites: Sequence[str],
        forms: Mapping[str, Mapping[str, str]],
        ranks: Sequence[int],
        a_product: str = "hadamard",
    ) -> Structure:
        """A structure from form names; sites and tensors that are not named are `none`."""
        ranks = checked_ranks(ranks)
        for name in forms:
            if name not in sites:
                raise ConfigurationError(
                    f"The structure names a site {name!r} that does not exist{near(name, sites)}."
                )
        rows = []
        for name in sites:
            given = forms.get(name, {})
            unknown = sorted(set(given) - set(TENSORS))
            if unknown:
                raise ConfigurationError(
                    f"Site {name!r} names a tensor {unknown[0]!r}; the tensors are {list(TENSORS)}."
                )
            rows.append([form_code(t, given.get(t, "none"), ranks) for t in TENSORS])
        codes = np.array(rows, dtype=np.int8).reshape(len(rows), len(TENSORS))
        return cls(tuple(sites), codes, ranks, a_product)

    def check_sites(self, sites: Sequence[Site]) -> None:
        """Raises `ConfigurationError` unless the structure's rows are exactly these sites."""
        names = tuple(site.name for site in sites)
        if names != self.sites:
            odd = next((n for n in self.sites if n not in names), None) or next(
                (n for n in names if n not in self.sites), "in another order"
            )
            raise ConfigurationError(
                f"The structure has {len(self.sites)} sites and the model {len(names)}, and they "
                f"differ (first: {odd}); use a structure that was made for this model."
            )

    def canonical(self, sites: Sequence[Site]) -> Structure:
        """The same function with every dead gene set to `none`.

        Two structures whose canonical forms are equal compute the same outputs from the same
        support tensors, so one evaluation serves both.
        """
        self.check_sites(sites)
        codes = self.codes.copy()
        for row, site in enumerate(sites):
            for column, tensor in enumerate(TENSORS):
                if tensor in site.dead:
                    codes[row, column] = NONE
        return Structure(self.sites, codes, self.ranks, self.a_product)

    def folded(self, sites: Sequence[Site]) -> Structure:
        """The forms that `fold` leaves: A and B as they are, C to E as one vector E."""
        codes = self.canonical(sites).codes.copy()
        shifted = codes[:, 2:].any(axis=1)
        codes[:, 2:] = NONE
        codes[shifted, TENSORS.index("E")] = VECTOR
        return Structure(self.sites, codes, self.ranks, self.a_product)

    def smallest_space(self) -> SearchSpace:
        """The smallest space that holds this structure, with the same codes."""
        used: dict[str, set[str]] = {tensor: {"none"} for tensor in TENSORS}
        for site in self.sites:
            for tensor, form in self.forms(site).items():
                used[tensor].add(form)
        forms = {tensor: tuple(sorted(names)) for tensor, names in used.items()}
        return SearchSpace(self.ranks, forms, self.a_product)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that say everything: version, ranks, A-product and each site's forms."""
        return {
            "format": STRUCTURE_FORMAT,
            "version": STRUCTURE_VERSION,
            "a_product": self.a_product,
            "ranks": list(self.ranks),
            "sites": [{"name": name, **self.forms(name)} for name in self.sites],
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Structure:
        """The structure of `to_dict`'s values.

        Raises:
            ConfigurationError: another format, a newer version, or a part that is missing.
        """
        if not isinstance(value, Mapping) or value.get("format") != STRUCTURE_FORMAT:
            raise ConfigurationError(
                f"This is not a structure; expected an object with format {STRUCTURE_FORMAT!r}."
            )
        if value.get("version") != STRUCTURE_VERSION:
            raise ConfigurationError(
                f"The structure has version {value.get('version')!r}; this glora reads version "
                f"{STRUCTURE_VERSION}, so use a glora that is as new as the file."
            )
        try:
            rows = [dict(row) for row in value["sites"]]
            names = [str(row.pop("name")) for row in rows]
            ranks, a_product = tuple(value["ranks"]), str(value["a_product"])
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigurationError(
                f"The structure is incomplete ({type(error).__name__}: {error}); expected ranks, "
                f"a_product and sites, each site with a name and its forms."
            ) from error
        if len(set(names)) != len(names):
            raise ConfigurationError("A structure names a site twice; each site has one row.")
        return cls.from_forms(names, dict(zip(names, rows, strict=True)), ranks, a_product)

    def to_json(self) -> str:
        """`to_dict` as JSON text; equal structures give equal bytes."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Structure:
        """The structure that `to_json` wrote."""
        try:
            value = json.loads(text)
        except ValueError as error:
            raise ConfigurationError(
                f"The structure is not JSON ({error}); expected what Structure.to_json wrote."
            ) from error
        return cls.from_dict(value)


def parameter_counts(structure: Structure, sites: Sequence[Site]) -> Counts:
    """How many numbers `structure` is made of: trained, stored and folded.

    Dead tensors count nothing: they are neither trained nor written.
    """
    structure.check_sites(sites)
    stored = folded = 0
    for site, row in zip(sites, structure.codes.tolist(), strict=True):
        cost = {
            tensor: form_cost(tensor, code, site, structure.ranks, structure.a_product)
            for tensor, code in zip(TENSORS, row, strict=True)
        }
        stored += sum(cost.values())
        shifts_bias = cost["C"] or cost["D"] or cost["E"]
        folded += cost["A"] + cost["B"] + (site.out_features if shifts_bias else 0)
    return Counts(trained=stored, stored=stored, folded=folded)


def count_parameters(structure: Structure, sites: Sequence[Site], *, folded: bool = False) -> int:
    """The number of entries that `save_adapter` writes for `structure` at `sites`.

    Args:
        structure: the forms.
        sites: what `inject` returned.
        folded: count instead what is left once W0·C + b0∘D + E are one bias vector per site.
    """
    counts = parameter_counts(structure, sites)
    return counts.folded if folded else counts.stored
