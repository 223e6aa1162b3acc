"""GGUF: a language model and its tokenizer in one file, as llama.cpp reads it.

transformers dequantises such a file and rebuilds its tokenizer, which takes longer than reading
the result. So it is done once, into a model folder like any other's in the cache:

    <cache>/converted/<SHA-256 of the GGUF file>/     config.json, model.safetensors, tokenizer
        gguf.json                                     format, the file, what converted it

A quantised weight q·d + m is kept in float32, exactly. A later conversion is a new one only where
`VERSION` was raised.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from glora import storage
from glora.errors import EnvironmentNotUsable, SourceError

__all__ = ["find", "model_folder"]

VERSION = 1
_NOTE = "gguf.json"


def find(root: Path, source: str) -> Path | None:
    """Return the one GGUF file of a source, or None where it has none.

    Args:
        root: the file itself, or a folder.
        source: the source string, for the error.

    Raises:
        SourceError: there are several.
    """
    files = [root] if root.is_file() else sorted(root.rglob("*.gguf"))
    if len(files) > 1:
        names = ", ".join(file.relative_to(root).as_posix() for file in files)
        raise SourceError(
            f"The source {source} holds several GGUF files ({names}), expected one; name the file "
            f"with local:PATH."
        )
    return files[0] if files else None


def model_folder(file: Path, cache: Path) -> Path:
    """Return the model folder made of a GGUF file, made now if it is missing or damaged.

    Raises:
        EnvironmentNotUsable: the package gguf is not installed.
        SourceError: the file is damaged, or transformers does not know its architecture.
        StorageError: no space, or the cache cannot be written.
    """
    digest = storage.sha256_file(file)
    store = cache / "converted"
    target = store / digest
    if _whole(target):
        return target
    with storage.locked(store):
        if not _whole(target):  # another process may have been faster
            with storage.new_folder(target) as folder:
                _convert(file, folder)
                note = {"format": 1, "version": VERSION, "sha256": digest, "file": file.name}
                note["files"] = storage.list_files(folder)
                (folder / _NOTE).write_bytes(storage.canonical_json(note))
    return target


def _whole(target: Path) -> bool:
    try:
        note = json.loads((target / _NOTE).read_bytes())
        return note["version"] == VERSION and all(
            (target / name).is_file() and storage.sha256_file(target / name) == sha256
            for name, sha256 in note["files"].items()
        )
    except (FileNotFoundError, ValueError, KeyError):
        return False


def _convert(file: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from glora.models.quiet import quiet

    try:
        import gguf  # noqa: F401
    except ImportError as error:
        raise EnvironmentNotUsable(
            f"{file.name} is a GGUF file, which needs the package gguf ({error}): install "
            "`glora[gguf]`."
        ) from error
    names: dict[str, Any] = {"gguf_file": file.name, "local_files_only": True}
    with quiet():
        try:
            model: Any = AutoModelForCausalLM.from_pretrained(
                str(file.parent), dtype=torch.float32, **names
            )
            tokenizer = AutoTokenizer.from_pretrained(str(file.parent), **names)
        except (ValueError, KeyError, IndexError, OSError) as error:
            raise SourceError(
                f"The GGUF file {file} cannot be read ({_first_line(error)}); expected a whole "
                f"file of an architecture that transformers loads from GGUF."
            ) from error
        # Dequantised: whoever loads the folder must not look for the file again.
        vars(model).pop("hf_quantizer", None)
        vars(model.config).pop("quantization_config", None)
        model.save_pretrained(str(folder))
        tokenizer.save_pretrained(str(folder))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
