"""The task block of an experiment."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from glora.errors import ConfigurationError
from glora.losses import KINDS

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Split:
    """How many rows each split gets; `seed` is the data's own, apart from any run's.

    Attributes:
        train: rows to train on.
        val: rows that the search and the choice of settings see.
        test: at most so many of the rest.
        seed: decides the order in which rows are dealt out.
        shots: rows of each class to train on, in place of `train`; None for `train` rows.
        stratified: whether each split has the classes in the data's proportions.
    """

    train: int = 800
    val: int = 200
    test: int = 2000
    seed: int = 17
    shots: int | None = None
    stratified: bool = False


@dataclass(frozen=True)
class TestSet:
    """A further test set: what the task's model is tried on beside the task's own test split.

    Attributes:
        name: what it is called in results.
        source: source string of its data.
        sha256: its digest, or None.
        domain: which part of the source.
    """

    name: str
    source: str
    sha256: str | None
    domain: str | None


@dataclass(frozen=True)
class Task:
    """Which texts, which labels, which splits.

    Attributes:
        source: source string of the data.
        sha256: its digest, or None.
        domain: of the VADER snippets: movies, tweets, products, editorials.
        threshold: of the VADER snippets: a row is labelled where |rating| is at least this.
        split: the sizes and the seed of the splits.
        max_length: tokens at which a text is cut, special tokens included.
        text_column: of a table: the column with the text.
        label_column: of a table: the column with the label; of several labels also a list of
            columns, each with 0 or 1.
        target: `class`, `labels` (several of them, or none) or `number`.
        label_separator: what stands between several labels in one cell.
        prompt: for a language model: what it reads, with {text} in it; the class follows as a word.
        label_words: of a prompt: class to word; a space and the class's name when omitted.
        format: for a language model: `alpaca` or `sharegpt`, conversations whose answers are
            learnt.
        template: of a format: how a conversation is written, see `instructions.py`.
        packing: of a format: whether train's conversations share rows.
        pair_column: of a table of text pairs: the column with the second text.
        split_column: of a table with given splits: the column that names them.
        overlap: what becomes of a text that stands in two given splits: `refuse` or `drop`.
        too_long: what becomes of a text of more than `max_length` tokens: `cut` or `refuse`.
        fit: whose rows a training sees, which is its caller's to do: no set depends on it.
        normalisation: of pictures: `weights`, what the model's own files say; or a name.
        tests: further test sets, each `{name, source, domain}`, of which only the name must be
            given: the source is then the task's, and the domain is called as the name.
    """

    source: str
    sha256: str | None = None
    domain: str | None = None
    threshold: float = 0.5
    split: Split = field(default_factory=Split)
    max_length: int = 64
    text_column: str = "text"
    label_column: str | tuple[str, ...] = "label"
    target: str = "class"
    label_separator: str = ","
    prompt: str | None = None
    label_words: Mapping[str, str] | None = None
    format: str | None = None
    template: str | None = None
    packing: bool = False
    pair_column: str | None = None
    split_column: str | None = None
    overlap: str = "refuse"
    too_long: str = "cut"
    normalisation: str = "weights"
    fit: str = "train"
    tests: Sequence[Mapping[str, Any]] = ()

    @classmethod
    def of(cls, block: Mapping[str, Any]) -> Task:
        """Read the task block as it stands in an experiment.

        `source` is a source string or `{source, sha256}`; settings that are null are left out.

        Raises:
            ConfigurationError: an unknown key, a wrong type, or a number out of range.
        """
        values = {key: value for key, value in block.items() if value is not None}
        source, sha256 = source_and_digest(values.pop("source", None), "task.source")
        sha256 = values.pop("sha256", sha256)
        split = values.pop("split", {})
        _known(values, cls, "task")
        _known(split, Split, "task.split")
        if isinstance(values.get("label_column"), list):
            values["label_column"] = tuple(values["label_column"])
        task = cls(source, sha256, split=Split(**split), **values)
        task._check()
        return task

    def _check(self) -> None:
        _integer("task.split.train", self.split.train, 1)
        _integer("task.split.val", self.split.val, 1)
        _integer("task.split.test", self.split.test, 1)
        _integer("task.split.seed", self.split.seed, None)
        if self.split.shots is not None:
            _integer("task.split.shots", self.split.shots, 1)
            if self.target != "class":
                raise ConfigurationError(
                    f"task.split.shots is {self.split.shots} and task.target is {self.target}; "
                    f"expected the target class, of which there can be so many rows each."
                )
        names = [test.name for test in self.test_sets()]
        if len(set(names)) < len(names):
            raise ConfigurationError(f"task.tests has a name twice: {', '.join(names)}.")
        _integer("task.max_length", self.max_length, 1)
        number = isinstance(self.threshold, int | float) and not isinstance(self.threshold, bool)
        if not number or not 0 < self.threshold <= 4:
            raise ConfigurationError(
                f"task.threshold is {self.threshold!r}; expected a number over 0 and at most 4 "
                f"(ratings go from -4 to 4)."
            )
        if self.target not in KINDS:
            raise ConfigurationError(
                f"task.target is {self.target!r}; expected one of {', '.join(KINDS)}."
            )
        if isinstance(self.label_column, tuple) and self.target != "labels":
            raise ConfigurationError(
                f"task.label_column has {len(self.label_column)} columns and task.target is "
                f"{self.target}; expected one column, or the target labels."
            )
        for name, values in (("overlap", ("refuse", "drop")), ("too_long", ("cut", "refuse"))):
            if getattr(self, name) not in values:
                raise ConfigurationError(
                    f"task.{name} is {getattr(self, name)!r}; expected one of {', '.join(values)}."
                )
        if self.split.stratified and self.target != "class":
            raise ConfigurationError(
                f"task.split.stratified is true and task.target is {self.target}; expected the "
                f"target class, whose proportions can be kept."
            )
        beside = [name for name in (self.pair_column, self.split_column) if name is not None]
        if self.text_column in beside or len(beside) != len(set(beside)):
            raise ConfigurationError(
                f"task.text_column, task.pair_column and task.split_column are "
                f"{self.text_column!r}, {self.pair_column!r} and {self.split_column!r}; expected "
                f"different columns."
            )
        names = [*beside, self.text_column, self.label_separator, *self.label_columns]
        if not all(isinstance(name, str) and name for name in names):
            raise ConfigurationError(
                "task.text_column, task.label_column and task.label_separator are "
                f"{self.text_column!r}, {self.label_column!r} and {self.label_separator!r}; "
                "expected columns' names and a text."
            )

        self._check_language()

    def _check_language(self) -> None:
        if self.prompt is not None and self.format is not None:
            raise ConfigurationError(
                "task.prompt asks for a word and task.format for whole answers; expected one."
            )
        for name, value, needed in (
            ("label_words", self.label_words, "prompt"),
            ("template", self.template, "format"),
            ("packing", self.packing or None, "format"),
        ):
            if value is not None and getattr(self, needed) is None:
                raise ConfigurationError(f"task.{name} needs task.{needed} beside it.")
        if self.prompt is not None and self.prompt.count("{text}") != 1:
            raise ConfigurationError(
                f"task.prompt is {self.prompt!r}; expected {{text}} in it, once."
            )
        if (self.prompt or self.format) and self.pair_column is not None:
            raise ConfigurationError(
                f"task.pair_column is {self.pair_column!r}, and a language model reads one text a "
                f"row; put both texts into the column {self.text_column!r}, and leave it out."
            )
        if (self.prompt or self.format) and self.target != "class":
            raise ConfigurationError(
                f"task.target is {self.target}, which a language model is not asked for by a "
                "prompt or a format; expected class."
            )
        for name, given, known in (
            ("format", self.format, ("alpaca", "sharegpt")),
            ("template", self.template, ("alpaca", "chat", "vicuna")),
        ):
            if given is not None and given not in known:
                raise ConfigurationError(
                    f"task.{name} is {given!r}; expected one of {', '.join(known)}."
                )

    @property
    def label_columns(self) -> tuple[str, ...]:
        """The columns that hold a row's label."""
        return self.label_column if isinstance(self.label_column, tuple) else (self.label_column,)

    def split_json(self) -> dict[str, int]:
        """Return the split as plain values; `shots` and `stratified` where they are set."""
        later = ("shots", "stratified")
        values = asdict(self.split).items()
        return {name: value for name, value in values if value or name not in later}

    def test_sets(self) -> list[TestSet]:
        """Return the further test sets, written out.

        Raises:
            ConfigurationError: one is no object with a name that can be a file's.
        """
        sets = []
        for number, block in enumerate(self.tests):
            name = block.get("name") if isinstance(block, Mapping) else None
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                raise ConfigurationError(
                    f"task.tests[{number}] is {block!r}; expected settings with a name of letters, "
                    f"digits, dots, dashes and underscores."
                )
            source, sha256 = self.source, self.sha256
            if block.get("source") is not None:
                source, sha256 = source_and_digest(block["source"], f"task.tests[{number}].source")
            sets.append(TestSet(name, source, sha256, block.get("domain") or name))
        return sets


def source_and_digest(value: Any, where: str) -> tuple[str, str | None]:
    """Read a source that is given as a string or as `{source, sha256}`.

    Raises:
        ConfigurationError: it is neither.
    """
    if isinstance(value, str):
        return value, None
    if isinstance(value, Mapping) and isinstance(value.get("source"), str):
        return value["source"], value.get("sha256")
    raise ConfigurationError(
        f"{where} is {value!r}; expected a source string or {{source: …, sha256: …}}."
    )


def _known(block: Any, kind: type, where: str) -> None:
    if not isinstance(block, Mapping):
        raise ConfigurationError(f"{where} is {block!r}; expected settings by name.")
    names = list(kind.__dataclass_fields__)  # type: ignore[attr-defined]
    for key in block:
        if key not in names:
            near = difflib.get_close_matches(str(key), names, n=1)
            raise ConfigurationError(
                f"{where} has the unknown setting {key!r}"
                + (f", did you mean {near[0]!r}?" if near else ";")
                + f" Expected one of: {', '.join(names)}."
            )


def _integer(name: str, value: Any, least: int | None) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or (least is not None and value < least):
        wanted = "a whole number" + (f" of at least {least}" if least is not None else "")
        raise ConfigurationError(f"{name} is {value!r}; expected {wanted}.")
