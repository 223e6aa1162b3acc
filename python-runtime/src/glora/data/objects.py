"""Files of JSON objects: one list of them, or one a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from glora.data.table import decoded
from glora.errors import ConfigurationError

__all__ = ["objects"]


def objects(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield a file's objects with their numbers from 1.

    Raises:
        ConfigurationError: wrong encoding, no JSON, or a row that is no object.
    """
    text = decoded(path)
    listed = text.lstrip().startswith("[")
    try:
        lines = [line for line in text.split("\n") if line.strip()]
        rows = json.loads(text) if listed else [json.loads(line) for line in lines]
    except ValueError as error:
        raise ConfigurationError(
            f"{path} is no JSON list and no JSON lines ({error}); mend the file."
        ) from error
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise ConfigurationError(
                f"Row {number} of {path} is {str(row)[:60]!r}; expected an object."
            )
        yield number, row
