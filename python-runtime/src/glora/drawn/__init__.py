"""What glora draws itself from a seed: pictures of sprites, and bodies that nothing has trained."""

from __future__ import annotations

from pathlib import Path

from glora import storage
from glora.drawn.vit import VIT_TINY, write_vit
from glora.errors import ConfigurationError

__all__ = ["VIT_TINY", "body", "write_vit"]

_BODIES = {"vit-tiny": VIT_TINY}


def body(name: str, folder: Path) -> Path:
    """Return the model folder of a body without training, made now if it is missing.

    Args:
        name: such as `vit-tiny`.
        folder: where it is or will be.

    Raises:
        ConfigurationError: there is no such body.
        StorageError: no space, or the folder cannot be written.
    """
    if name not in _BODIES:
        raise ConfigurationError(
            f"The model drawn:{name} is no body; expected one of "
            f"{', '.join(f'drawn:{each}' for each in _BODIES)}."
        )
    with storage.locked(folder.parent):
        # A folder is there as a whole or not at all, but a user may have cleaned up in it.
        if not all((folder / file).is_file() for file in ("config.json", "model.safetensors")):
            with storage.new_folder(folder) as new:
                write_vit(new, _BODIES[name])
    return folder
