"""Lists of pictures: lines of a path and a label."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from glora.errors import ConfigurationError


def entries(file: Path) -> Iterator[tuple[str, str]]:
    """Yield path and label of each line; the label is what stands behind the last space.

    Raises:
        ConfigurationError: the list is missing, not UTF-8, empty, or has a line without a label.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"The list {file} is not UTF-8 (byte {error.start}); convert it."
        ) from error
    except OSError as error:
        raise ConfigurationError(f"The list {file} cannot be read ({error.strerror}).") from error
    empty = True
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        path, space, label = line.strip().rpartition(" ")
        if not space:
            raise ConfigurationError(
                f"Line {number} of {file} is {line[:80]!r}; expected a path, a space and a label."
            )
        empty = False
        yield path, label
    if empty:
        raise ConfigurationError(f"The list {file} has no line; expected a path and a label each.")


def numbered(file: Path) -> list[tuple[str, int]]:
    """Return path and label of each line of a list whose labels are numbers from 0.

    Raises:
        ConfigurationError: also where a label is no such number.
    """
    rows = []
    for path, label in entries(file):
        if not label.isascii() or not label.isdigit():
            raise ConfigurationError(
                f"{file} gives {path} the label {label!r}; expected the number of a class, from 0."
            )
        rows.append((path, int(label)))
    return rows
