"""The buffers that a caller binds to a session: names, types, sizes and their check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from glora.errors import ConfigurationError
from glora.losses import Target
from glora.models.pixels import PixelInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

__all__ = ["Buffers", "Column", "Plan"]

CLASS = Target()
_DTYPES = {"i32": torch.int32, "u8": torch.uint8, "f32": torch.float32, "i64": torch.int64}


@dataclass(frozen=True)
class Column:
    """One input of the model in a prepared set.

    Attributes:
        name: of the model's input, such as `input_ids`.
        dtype: `i32`, `u8`, `f32` or `i64`.
        row_shape: of one row, before trimming.
        sequence: whether a batch is trimmed to its longest row along the first dimension.
        pixels: what bytes of an image become on their way into the model; for features, what the
            body got that they were computed with.
    """

    name: str
    dtype: str
    row_shape: tuple[int, ...]
    sequence: bool
    pixels: PixelInput | None = None

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> Column:
        """Reads the entry of a prepared set's `columns`.

        Raises:
            ConfigurationError: a key is missing or the type is unknown.
        """
        try:
            column = cls(
                str(value["name"]),
                str(value["dtype"]),
                tuple(int(x) for x in value["row_shape"]),
                bool(value["sequence"]),
                PixelInput.parse(value["pixels"]) if value.get("pixels") else None,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigurationError(
                f"A column is {dict(value)!r}, expected `name`, `dtype`, `row_shape` and "
                "`sequence`: pass the columns of the prepared set as they are in set.json."
            ) from error
        if column.dtype not in _DTYPES:
            raise ConfigurationError(
                f"The column `{column.name}` has the type `{column.dtype}`, expected one of "
                f"{', '.join(_DTYPES)}: prepare the set again."
            )
        return column

    @property
    def row_elements(self) -> int:
        """Elements of one untrimmed row."""
        count = 1
        for size in self.row_shape:
            count *= size
        return count


class Plan(NamedTuple):
    """What `control` says of the bound batch."""

    rows: int
    length: int
    step: int
    seed: int


@dataclass(frozen=True)
class Buffers:
    """The bound memory of a session.

    Attributes:
        columns: the specification of `data`.
        codes: int8 [sites, 5], or None for a method without sites.
        control: int64 [8]: rows, trimmed length, step index from 0, seed of the dropout.
        rates: float64 [8]: learning rate, weight decay, multiplier of the head's learning rate,
            norm to clip gradients to (0: off).
        data: by column: flat, B rows of it; rows are packed at the trimmed length.
        labels: of B rows, as `Target.labels_buffer` says; int64 [B] for classes.
        loss: float64 [4], written: loss and gradient norm.
        logits: float32 [B, classes], written.
    """

    columns: tuple[Column, ...]
    codes: Tensor | None
    control: Tensor
    rates: Tensor
    data: dict[str, Tensor]
    labels: Tensor
    loss: Tensor
    logits: Tensor

    @classmethod
    def check(
        cls,
        tensors: Mapping[str, Tensor],
        columns: Sequence[Column],
        sites: int,
        classes: int,
        target: Target = CLASS,
    ) -> Buffers:
        """Checks every tensor and takes them, without a copy.

        Raises:
            ConfigurationError: one is missing, unknown, of another type or shape, or strided.
        """
        if "labels" not in tensors:
            raise ConfigurationError(
                f"The buffer `labels` is missing: bind {target.labels_buffer(1, classes)[0]} with "
                "an entry for each row of the greatest batch."
            )
        rows = len(tensors["labels"])
        expected: dict[str, tuple[torch.dtype, tuple[int, ...]]] = {
            "control": (torch.int64, (8,)),
            "rates": (torch.float64, (8,)),
            "labels": target.labels_buffer(rows, classes),
            "loss": (torch.float64, (4,)),
            "logits": (torch.float32, (rows, classes)),
        }
        if sites:
            expected["codes"] = (torch.int8, (sites, 5))
        for column in columns:
            expected[column.name] = (_DTYPES[column.dtype], (rows * column.row_elements,))
        unknown = sorted(set(tensors) - set(expected))
        if unknown:
            raise ConfigurationError(
                f"The buffer `{unknown[0]}` is not known to this session, which takes "
                f"{', '.join(sorted(expected))}: bind only these."
            )
        for name, (dtype, shape) in expected.items():
            tensor = tensors.get(name)
            if tensor is None:
                raise ConfigurationError(
                    f"The buffer `{name}` is missing: bind {dtype} {list(shape)}."
                )
            if tensor.dtype != dtype or tuple(tensor.shape) != shape or not tensor.is_contiguous():
                layout = "" if tensor.is_contiguous() else ", strided"
                raise ConfigurationError(
                    f"The buffer `{name}` is {tensor.dtype} {list(tensor.shape)}{layout}, expected "
                    f"{dtype} {list(shape)}, contiguous: allocate it so before binding."
                )
        return cls(
            columns=tuple(columns),
            codes=tensors.get("codes"),
            control=tensors["control"],
            rates=tensors["rates"],
            data={column.name: tensors[column.name] for column in columns},
            labels=tensors["labels"],
            loss=tensors["loss"],
            logits=tensors["logits"],
        )

    def plan(self) -> Plan:
        """Reads `control`.

        Raises:
            ConfigurationError: more rows or a greater length than the buffers hold.
        """
        rows, length, step, seed = self.control[:4].tolist()
        capacity = len(self.labels)
        if not 0 < rows <= capacity:
            raise ConfigurationError(
                f"The batch has {rows} rows, expected 1 to {capacity}: set control[0] to the "
                "number of rows written."
            )
        for column in self.columns:
            if column.sequence and not 0 < length <= column.row_shape[0]:
                raise ConfigurationError(
                    f"The batch's length is {length}, expected 1 to {column.row_shape[0]} for "
                    f"`{column.name}`: set control[1] to the longest row of the batch."
                )
        return Plan(rows, length, step, seed)

    def batch(self, plan: Plan) -> dict[str, Tensor]:
        """Returns the rows of the bound batch: by column, [rows, (length,) …].

        These are views, but for images: pixels are kept as bytes, and become float32 here.
        """
        rows = plan.rows
        views = {}
        for column in self.columns:
            shape = (plan.length, *column.row_shape[1:]) if column.sequence else column.row_shape
            elements = rows
            for size in shape:
                elements *= size
            view = self.data[column.name][:elements].view(rows, *shape)
            if column.pixels is not None and column.dtype == "u8":
                view = column.pixels.normalised(view)
            views[column.name] = view
        return views
