"""Pictures of one white shape on black, as in dSprites, drawn here.

L. Matthey et al., "dSprites: Disentanglement testing Sprites dataset", 2017, from which VTAB takes
two tasks with 16 classes each: the place along x and the orientation. Where dSprites turns a shape
through the whole circle, which looks the same four times for a square and twice for an ellipse, a
turn here is less than a quarter, so that a picture has one answer.

In the shape's own coordinates (u to the right, v up, both from -1 to 1), turned by the angle a
around the centre and scaled by s:

    square   max(|u|, |v|) <= 0.9
    ellipse  u^2 + (v / 0.55)^2 <= 1
    heart    (p^2 + q^2 - 1)^3 <= p^2 q^3  with p = 1.2 u, q = 1.2 v + 0.1
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ["BINS", "DOMAINS", "SIZE", "draw"]

SIZE, BINS = 64, 16
DOMAINS = ("position", "orientation")
_SUBPIXELS = 3
_SHAPES = 3


def draw(domain: str, count: int, seed: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Draw pictures, each with a shape, size, angle and place of its own.

    Args:
        domain: which of them is the label: `position` (along x) or `orientation`.
        count: number of pictures; a longer draw begins with the shorter one's pictures.
        seed: of the pictures.

    Returns:
        uint8 [count, 64, 64], 255 inside of the shape, edges between; and the labels [count],
        bins of equal width.
    """
    pictures = np.empty((count, SIZE, SIZE), np.uint8)
    labels = np.empty(count, np.int64)
    for index in range(count):
        shape, size, turn, x, y = np.random.default_rng((seed, index)).random(5)
        labels[index] = int(BINS * (x if domain == "position" else turn))
        half, margin = 0.09 + 0.08 * size, 0.22  # of the picture's side: a corner stays inside
        centre = (margin + (1 - 2 * margin) * x, margin + (1 - 2 * margin) * y)
        pictures[index] = _picture(int(_SHAPES * shape), half, math.pi / 2 * turn, centre)
    return pictures, labels


def _picture(
    shape: int, half: float, angle: float, centre: tuple[float, float]
) -> npt.NDArray[np.uint8]:
    points = (np.arange(SIZE * _SUBPIXELS) + 0.5) / (SIZE * _SUBPIXELS)
    right, up = (points - centre[0]) / half, (centre[1] - points[:, None]) / half
    u = math.cos(angle) * right + math.sin(angle) * up
    v = math.cos(angle) * up - math.sin(angle) * right
    if shape == 0:
        inside = np.maximum(np.abs(u), np.abs(v)) <= 0.9
    elif shape == 1:
        inside = u**2 + (v / 0.55) ** 2 <= 1
    else:
        p, q = 1.2 * u, 1.2 * v + 0.1
        inside = (p**2 + q**2 - 1) ** 3 <= p**2 * q**3
    cells = inside.reshape(SIZE, _SUBPIXELS, SIZE, _SUBPIXELS).mean((1, 3))
    picture: npt.NDArray[np.uint8] = np.rint(255 * cells).astype(np.uint8)
    return picture
