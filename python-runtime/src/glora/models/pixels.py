"""What a model for images expects to see: size, channels, and the scale of its numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glora.errors import ConfigurationError, SourceError
from glora.models.files import PREPROCESSOR, read_config

if TYPE_CHECKING:
    from torch import Tensor

# Means and standard deviations of R, G and B in 0..1, by name.
NORMALISATIONS = {
    "half": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "none": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
}


@dataclass(frozen=True)
class PixelInput:
    """The input of a model for images; it gets (pixel / 255 − mean) / std.

    Attributes:
        height: rows of pixels.
        width: pixels of a row.
        mean: of each channel, in 0..1.
        std: of each channel, in 0..1.
    """

    height: int
    width: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def channels(self) -> int:
        """Channels: 3 for red, green and blue, 1 for gray."""
        return len(self.mean)

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> PixelInput:
        """Read what `to_json` gave; `KeyError`, `TypeError` or `ValueError` where it is not that.

        Args:
            value: the `pixels` of a column in set.json.
        """
        mean, std = _numbers(value["mean"]), _numbers(value["std"])
        return cls(int(value["height"]), int(value["width"]), mean, std)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "height": self.height,
            "width": self.width,
            "mean": list(self.mean),
            "std": list(self.std),
        }

    def normalised(self, pixels: Tensor) -> Tensor:
        """Return what the model gets for bytes.

        Args:
            pixels: uint8 [rows, channels, height, width].

        Returns:
            float32 of the same shape.
        """
        import torch

        shape = (1, self.channels, 1, 1)
        # As one multiplication and one addition: x/(255·std) − mean/std.
        scale = pixels.new_tensor([1 / (255 * s) for s in self.std], dtype=torch.float32).view(
            shape
        )
        shift = pixels.new_tensor(
            [-m / s for m, s in zip(self.mean, self.std, strict=True)], dtype=torch.float32
        ).view(shape)
        return pixels.to(scale.dtype).mul_(scale).add_(shift)

    def preprocessor(self) -> dict[str, Any]:
        """Return the preprocessor_config.json with which transformers does the same."""
        return {
            "image_processor_type": "ViTImageProcessor",
            "do_resize": True,
            "size": {"height": self.height, "width": self.width},
            "resample": 3,  # PIL's number of bicubic
            "do_rescale": True,
            "rescale_factor": 1 / 255,
            "do_normalize": True,
            "image_mean": list(self.mean),
            "image_std": list(self.std),
        }


def pixel_input(path: Path, normalisation: str = "weights") -> PixelInput:
    """Return the input that a model folder says it expects.

    Args:
        path: a model folder.
        normalisation: `weights`, what its preprocessor_config.json says; or a name of
            `NORMALISATIONS`.

    Raises:
        ConfigurationError: the name is not known.
        SourceError: the folder does not say what is asked of it, or says what cannot be.
    """
    config = read_config(path)
    height, width = _pair(config.get("image_size"), path, "image_size")
    channels = config.get("num_channels", 3)
    if channels not in (1, 3):
        raise SourceError(
            f"The model in {path} takes images of {channels} channels; expected 3 (red, green, "
            f"blue) or 1 (gray), choose another model."
        )
    if normalisation == "weights":
        mean, std = _of_weights(path, channels, config.get("normalisation"))
    elif normalisation in NORMALISATIONS:
        mean, std = (values[:channels] for values in NORMALISATIONS[normalisation])
    else:
        raise ConfigurationError(
            f"task.normalisation is {normalisation!r}; expected weights or one of "
            f"{', '.join(NORMALISATIONS)}."
        )
    return PixelInput(height, width, mean, std)


def tokens_of(config: Mapping[str, Any]) -> int | None:
    """Return how many positions an image takes, tokens beside the patches left out, if known."""
    image, patch = config.get("image_size"), config.get("patch_size")
    if not isinstance(image, int) or not isinstance(patch, int) or patch < 1:
        return None
    return (image // patch) ** 2


def _of_weights(
    path: Path, channels: int, timm: Mapping[str, Any] | None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    file = path / PREPROCESSOR
    if not file.is_file() and timm is None:
        raise SourceError(
            f"The model folder {path} has no {PREPROCESSOR}, so it does not say how its weights "
            f"want pixels normalised; add the file, or set task.normalisation to half (0.5/0.5) "
            f"or imagenet."
        )
    try:
        said: Any = json.loads(file.read_bytes()) if file.is_file() else timm
        if not said.get("do_rescale", True):
            raise ValueError("do_rescale is false")
        if not said.get("do_normalize", True):
            return (0.0,) * channels, (1.0,) * channels
        mean, std = _numbers(said["image_mean"]), _numbers(said["image_std"])
        if len(mean) != channels or len(std) != channels or min(std) <= 0:
            raise ValueError(f"image_mean {mean} and image_std {std} for {channels} channels")
        factor = float(said.get("rescale_factor", 1 / 255)) * 255
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(
            f"The file {file} does not say how pixels are normalised ({error}); expected "
            f"image_mean and image_std with a number above 0 for each of {channels} channels, "
            f"or set task.normalisation."
        ) from error
    # (factor·x − mean) / std is (x − mean/factor) / (std/factor).
    return tuple(m / factor for m in mean), tuple(s / factor for s in std)


def _numbers(value: Any) -> tuple[float, ...]:
    values: Sequence[Any] = value if isinstance(value, list) else [value]
    return tuple(float(number) for number in values)


def _pair(value: Any, path: Path, name: str) -> tuple[int, int]:
    pair = value if isinstance(value, list) and len(value) == 2 else [value, value]
    if not all(isinstance(size, int) and size > 0 for size in pair):
        raise SourceError(
            f"The model in {path} has {name} {value!r} in its config.json; expected a number of "
            f"pixels or two."
        )
    return pair[0], pair[1]
