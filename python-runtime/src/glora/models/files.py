"""The files of a pre-trained model: where they are and what their digests are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glora import drawn, sources, storage
from glora.errors import SourceError
from glora.models import gguf

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

WEIGHTS = "model.safetensors"
_SHARDS = "model.safetensors.index.json"
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "chat_template.jinja",
)
PREPROCESSOR = "preprocessor_config.json"
# What stands beside the weights and says how an input becomes numbers.
INPUT_FILES = (*TOKENIZER_FILES, PREPROCESSOR)


@dataclass(frozen=True)
class ModelFiles:
    """A pre-trained model on this machine.

    Attributes:
        path: a folder as transformers writes it: configuration, weights, tokenizer.
        digest: SHA-256 of the weights file; of several, of the list of their digests.
        cached: nothing had to be fetched.
    """

    path: Path
    digest: str
    cached: bool

    def to_json(self) -> dict[str, Any]:
        """Return the plain values that cross into Java."""
        return {"path": str(self.path), "digest": self.digest, "cached": self.cached}


def resolve_model(
    source: str,
    sha256: str | None = None,
    cache: str | Path | None = None,
    *,
    progress: sources.Progress | None = None,
) -> ModelFiles:
    """Fetch a model if it is missing and find its folder in what the source holds.

    Args:
        source: a source string.
        sha256: the digest of what it names, or None.
        cache: the cache folder; by default `GLORA_CACHE` or `~/.cache/glora`.
        progress: called with the bytes fetched so far and in total.

    Raises:
        ConfigurationError: the source string is malformed.
        SourceError: it cannot be fetched or holds no model.
        StorageError: no space, or the cache cannot be written.
    """
    fetched = sources.fetch(source, sha256, cache, progress=progress)
    spec = sources.parse(source)
    if spec.kind == "drawn":
        path = drawn.body(spec.name, fetched.path.with_suffix(""))
        return ModelFiles(path, weights_digest(path), fetched.cached)
    folder = Path(cache).expanduser() if cache is not None else storage.default_cache()
    if fetched.path.suffix.lower() == ".npz":
        from glora.models import npz  # it reads and writes what this module names

        path = npz.convert(fetched.path, fetched.digest, folder)
        return ModelFiles(path, weights_digest(path), fetched.cached)
    alone = fetched.path.suffix.lower() == ".gguf"
    root = fetched.path if alone else sources.tree(fetched, folder)
    path = _model_folder(root, source, folder)
    return ModelFiles(path, weights_digest(path), fetched.cached)


def _model_folder(root: Path, source: str, cache: Path) -> Path:
    # A folder of sentence-transformers has config.json files of its layers too; the model's is
    # the one that names an architecture.
    folders = [
        path.parent
        for path in sorted(root.rglob("config.json"))
        if {"model_type", "pretrained_cfg"} & _json(path).keys()
    ]
    if not folders:
        packed = gguf.find(root, source)
        if packed is not None:
            return gguf.model_folder(packed, cache)
        raise SourceError(
            f"The source {source} holds no model: no config.json with a model_type was found, and "
            f"no GGUF file; expected a folder as transformers saves it."
        )
    depth = min(len(folder.parts) for folder in folders)
    shallowest = [folder for folder in folders if len(folder.parts) == depth]
    if len(shallowest) > 1:
        names = ", ".join(folder.relative_to(root).as_posix() for folder in shallowest)
        raise SourceError(
            f"The source {source} holds several models ({names}), expected one; name the folder "
            f"with local:PATH."
        )
    return shallowest[0]


def weights_digest(path: Path) -> str:
    """Return the SHA-256 of a model folder's weights.

    Raises:
        SourceError: the folder has no weights in safetensors.
    """
    if (path / WEIGHTS).is_file():
        return storage.sha256_file(path / WEIGHTS)
    if (path / _SHARDS).is_file():
        shards = sorted(set(_json(path / _SHARDS)["weight_map"].values()))
        return storage.sha256_json({name: storage.sha256_file(path / name) for name in shards})
    raise SourceError(
        f"The model folder {path} has no {WEIGHTS}; expected weights as safetensors (other "
        f"formats can run code when they are read), convert them with transformers."
    )


def tokenizer_digests(path: Path) -> dict[str, str]:
    """Return the SHA-256 of each of a model folder's tokenizer files.

    Raises:
        SourceError: the folder has none.
    """
    digests = {
        name: storage.sha256_file(path / name)
        for name in TOKENIZER_FILES
        if (path / name).is_file()
    }
    if not digests:
        raise SourceError(
            f"The model folder {path} has no tokenizer; expected tokenizer.json or vocab.txt "
            f"beside its config.json."
        )
    return digests


def read_config(path: Path) -> dict[str, Any]:
    """Return a model folder's configuration as it stands in the file.

    Raises:
        SourceError: it is missing or no JSON object.
    """
    file = path / "config.json"
    config = _json(file) if file.is_file() else {}
    if "architecture" in config and "pretrained_cfg" in config:
        config = {**config, **_of_timm(config)}
    if "model_type" not in config:
        raise SourceError(
            f"The model folder {path} has no config.json with a model_type; expected a folder as "
            f"transformers saves it."
        )
    return config


def _of_timm(config: dict[str, Any]) -> dict[str, Any]:
    """What a configuration of timm says, in the words of transformers."""
    said = config["pretrained_cfg"]
    channels, height, width = said.get("input_size", (3, 224, 224))
    return {
        "model_type": "timm_wrapper",
        "image_size": [height, width],
        "num_channels": channels,
        "hidden_size": config.get("num_features"),
        "normalisation": {"image_mean": said.get("mean"), "image_std": said.get("std")},
        "id2label": {
            str(number): name for number, name in enumerate(config.get("label_names") or ())
        },
    }


def load_tokenizer(path: Path) -> PreTrainedTokenizerBase:
    """Load a model folder's own fast tokenizer, without the network."""
    from transformers import AutoTokenizer

    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
        str(path), use_fast=True, local_files_only=True
    )
    return tokenizer


def has_token_types(path: Path) -> bool:
    """Whether a model folder's tokenizer tells the two texts of a pair apart by their types."""
    return "token_type_ids" in load_tokenizer(path).model_input_names


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except ValueError as error:
        raise SourceError(
            f"The file {path} is not JSON ({error}); fetch the model anew."
        ) from error
    return value if isinstance(value, dict) else {}
