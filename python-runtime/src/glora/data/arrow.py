"""Parquet files and the folders that Hugging Face's `datasets` saves, read with pyarrow."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from glora.errors import ConfigurationError, EnvironmentNotUsable

__all__ = ["dataset_rows", "is_dataset", "parquet", "parquet_bytes", "parts"]

_DICT, _STATE, _INFO = "dataset_dict.json", "state.json", "dataset_info.json"
_BATCH = 1024


def parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a Parquet file.

    Raises:
        ConfigurationError: it is damaged, or is no Parquet file.
        EnvironmentNotUsable: pyarrow is not installed.
    """
    pyarrow = _pyarrow(path)

    def batches() -> Iterator[Any]:
        with pyarrow.parquet.ParquetFile(path) as file:
            yield from file.iter_batches(_BATCH)

    yield from _rows(path, pyarrow, batches, lambda name, cell: cell)


def parquet_bytes(path: Path, rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return rows as a Parquet file.

    Raises:
        ConfigurationError: a column has cells of different types.
        EnvironmentNotUsable: pyarrow is not installed.
    """
    pyarrow = _pyarrow(path)
    sink = pyarrow.BufferOutputStream()
    try:
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist([dict(row) for row in rows]), sink)
    except pyarrow.ArrowException as error:
        raise ConfigurationError(
            f"The rows cannot be written as Parquet to {path} ({error}); choose an output in "
            f".jsonl, whose cells may be of any type."
        ) from error
    return bytes(sink.getvalue())


def is_dataset(folder: Path) -> bool:
    """Whether `datasets` saved this folder."""
    return (folder / _DICT).is_file() or (folder / _STATE).is_file()


def parts(folder: Path) -> dict[str, Path]:
    """Return the folders of a saved data set's splits by their names; of one without, by ""."""
    if not (folder / _DICT).is_file():
        return {"": folder}
    names = _json(folder / _DICT).get("splits")
    if not isinstance(names, list) or not names:
        raise ConfigurationError(f"{folder / _DICT} names no splits; save the data set anew.")
    return {str(name): folder / str(name) for name in names}


def dataset_rows(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of one split; a class's number is replaced by its name.

    Raises:
        ConfigurationError: a file is missing or damaged.
        EnvironmentNotUsable: pyarrow is not installed.
    """
    pyarrow = _pyarrow(folder)
    files = [str(entry.get("filename")) for entry in _json(folder / _STATE).get("_data_files", [])]
    if not files:
        raise ConfigurationError(
            f"{folder / _STATE} names no files; expected what datasets.save_to_disk writes."
        )
    features = _json(folder / _INFO).get("features") or {}
    names = {
        column: feature["names"]
        for column, feature in features.items()
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
    }

    def named(column: str, cell: Any) -> Any:
        known = names.get(column)
        if known is None or not isinstance(cell, int) or not 0 <= cell < len(known):
            # datasets writes -1 where a row has no label.
            return None if known is not None and cell == -1 else cell
        return known[cell]

    for file in files:
        path = folder / file

        def batches(path: Path = path) -> Iterator[Any]:
            with pyarrow.memory_map(str(path)) as source:
                yield from pyarrow.ipc.open_stream(source)

        yield from _rows(path, pyarrow, batches, named)


def _rows(
    path: Path,
    pyarrow: Any,
    batches: Callable[[], Iterator[Any]],
    named: Callable[[str, Any], Any],
) -> Iterator[Mapping[str, Any]]:
    try:
        for batch in batches():
            for row in batch.to_pylist():
                yield {column: named(column, cell) for column, cell in row.items()}
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigurationError(
            f"{path} cannot be read as {'Parquet' if path.suffix == '.parquet' else 'Arrow'} "
            f"({reason}); it may be cut, write or fetch it anew."
        ) from error


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{path} cannot be read ({error}); expected what datasets.save_to_disk writes."
        ) from error
    return found if isinstance(found, dict) else {}


def _pyarrow(path: Path) -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise EnvironmentNotUsable(
            f"{path} is read with pyarrow, which cannot be imported ({error}): install "
            f"`glora[tables]`, or convert the data to CSV or JSON lines."
        ) from error
    return pyarrow
