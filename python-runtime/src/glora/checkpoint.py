"""Training state on disk: one safetensors file with a header that says what it belongs to."""

from __future__ import annotations

import errno
import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from glora import storage
from glora.errors import ConfigurationError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from torch import Tensor

__all__ = ["load_tensors", "save_tensors", "storage_errors"]

FORMAT = 1


def save_tensors(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, object]) -> None:
    """Writes a safetensors file, whole or not at all.

    Args:
        path: of the file; its folder is made when missing. Only one process may write it.
        tensors: by name.
        header: kept in the file under `glora`, as one JSON value: safetensors writes several
            metadata keys in an order that changes from process to process.

    Raises:
        StorageError: the file cannot be written (no space, no permission, …).
    """
    metadata = {"glora": json.dumps({"format": FORMAT, **header}, sort_keys=True)}
    data = save({name: t.contiguous() for name, t in tensors.items()}, metadata=metadata)
    with storage_errors(path):
        storage.sweep(path)
        storage.write_file(path, data)


def load_tensors(path: Path, header: Mapping[str, object]) -> dict[str, Tensor]:
    """Reads a file that `save_tensors` wrote with the same header.

    Raises:
        StorageError: the file is missing, cut or not of this format.
        ConfigurationError: it was saved for something else.
    """
    if not path.is_file():
        raise StorageError(
            f"The state file {path} is missing: run again without it, from the last stage that "
            "finished."
        )
    try:
        with storage_errors(path), safe_open(path, framework="pt") as file:
            found = json.loads((file.metadata() or {}).get("glora", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, json.JSONDecodeError) as error:
        raise StorageError(
            f"The state file {path} is damaged ({error}): delete it and run again."
        ) from error
    for key, value in {"format": FORMAT, **header}.items():
        if found.get(key) != value:
            raise ConfigurationError(
                f"The state file {path} was saved for another setting: its `{key}` is "
                f"{_short(found.get(key))}, expected {_short(value)}; delete it, or run with the "
                "setting that it was saved for."
            )
    return tensors


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turns what the operating system says about `path` into a StorageError of one sentence."""
    try:
        with storage.storage_errors(path):
            yield
    except SafetensorError as error:
        # safetensors writes from Rust; the number of the system's error survives in its text only.
        if re.search(rf"os error ({errno.ENOSPC}|{errno.EDQUOT})\b", str(error)):
            raise storage.no_space(path) from error
        raise
    except OSError as error:
        raise StorageError(
            f"{path} cannot be read or written ({error.strerror or error}): check that its folder "
            "is yours and on a working disk."
        ) from error


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:60]}… ({len(text)} characters)"
