"""Pictures before they are prepared: what a reader gives, and how a file becomes pixels."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from glora.errors import ConfigurationError

Pixels = npt.NDArray[np.uint8]

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"),
    *(".ppm", ".pgm"),
)
# Modes that Pillow turns into red, green and blue by a fixed rule. CMYK goes without a profile.
_DIRECT = ("1", "L", "RGB", "CMYK", "YCbCr", "LAB", "HSV", "RGBX")
_ALPHA = ("RGBA", "LA", "PA", "La", "RGBa")


@dataclass(frozen=True)
class Picture:
    """One labelled picture.

    Attributes:
        name: what it is called where it comes from.
        label: number of its class.
        content: uint8 [height, width] or [height, width, 3]; or the file that is read when asked.
    """

    name: str
    label: int
    content: Path | Pixels

    def pixels(self) -> Pixels:
        """Return uint8 [height, width, 3].

        Raises:
            ConfigurationError: the file cannot be read as a picture.
        """
        found = read(self.content) if isinstance(self.content, Path) else self.content
        return np.repeat(found[:, :, None], 3, 2) if found.ndim == 2 else found

    def digest(self) -> bytes:
        """Return SHA-256 of size and pixels: equal for equal pictures in other files."""
        pixels = np.ascontiguousarray(self.pixels())
        return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).digest()

    def resized(self, height: int, width: int, channels: int) -> Pixels:
        """Return uint8 [channels, height, width], by Pillow's bicubic filter, aspect not kept."""
        pixels = self.pixels()
        image = Image.fromarray(pixels)
        if channels == 1:
            image = image.convert("L")
        if image.size != (width, height):
            image = image.resize((width, height), Image.Resampling.BICUBIC)
        array = np.asarray(image, np.uint8)
        return array[None] if channels == 1 else array.transpose(2, 0, 1)


@dataclass(frozen=True)
class Pictures:
    """All labelled pictures of a source.

    Attributes:
        labels: the names of the classes.
        parts: by name: `train`, `val` and `test` where the source has such; `all` is still to be
            dealt out.
        settings: what of the task decided them, beside the source itself.
        published: the parts are those of a published protocol and are taken as they are.
    """

    labels: tuple[str, ...]
    parts: Mapping[str, tuple[Picture, ...]]
    settings: dict[str, Any]
    published: bool = field(default=False)


def read(path: Path) -> Pixels:
    """Read a file as uint8 [height, width, 3], as a person would see it.

    A camera's rotation (EXIF) is applied; alpha lies over white; 16 bits become 8; of an animation
    the first picture is taken.

    Raises:
        ConfigurationError: missing, cut or damaged, no picture, too large, or of a mode that has
            no one meaning in red, green and blue.
    """
    try:
        with Image.open(path) as image:
            # Opening reads the header only; a cut file shows here.
            image.load()
            turned = ImageOps.exif_transpose(image)
            return np.asarray(_rgb(turned, path), np.uint8)
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"The picture {path} is missing; expected every file that a list names, put it there "
            f"or take its line out."
        ) from error
    except UnidentifiedImageError as error:
        raise ConfigurationError(
            f"The file {path} is no picture that can be read; expected one of "
            f"{', '.join(SUFFIXES)}, replace or remove it."
        ) from error
    except Image.DecompressionBombError as error:
        raise ConfigurationError(
            f"The picture {path} has more pixels than is sane ({error}); make it smaller."
        ) from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise ConfigurationError(
            f"The picture {path} is damaged or cut ({error}); replace or remove it."
        ) from error


def _rgb(image: Image.Image, path: Path) -> Image.Image:
    mode = image.mode
    if mode == "P":
        mode = "RGBA" if "transparency" in image.info else "RGB"
        image = image.convert(mode)
    if mode in _ALPHA or "transparency" in image.info:
        over = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(over, image.convert("RGBA")).convert("RGB")
    if mode in _DIRECT:
        return image.convert("RGB")
    if mode == "I" or mode.startswith("I;16"):
        numbers = np.asarray(image, np.int64)
        if numbers.min() >= 0 and numbers.max() <= 0xFFFF:
            return Image.fromarray(np.rint(numbers / 257).astype(np.uint8)).convert("RGB")
    raise ConfigurationError(
        f"The picture {path} has the mode {image.mode!r}, whose numbers have no fixed black and "
        f"white; expected gray or colour in 8 or 16 bits, convert it."
    )
