"""Draw the picture that `blend` mixes in: large soft coloured shapes, low in spatial frequency.

    python tools/make_blend_picture.py poisonkit/triggers/image/assets/blend.png

Every edge is a ramp at least 1/12 of the picture wide, so that video codecs keep it at any usual quality.
"""

from __future__ import annotations

import sys

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 256
SOFT = 1 / 12  # width of an edge, as a share of the side

# x, y, radius (shares of the side), RGB
DISCS = (
    (0.28, 0.30, 0.20, (250, 60, 40)),
    (0.74, 0.24, 0.15, (250, 225, 40)),
    (0.72, 0.70, 0.23, (30, 90, 245)),
    (0.22, 0.78, 0.14, (245, 60, 220)),
)


def rise(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """0 outside, 1 inside: a smooth step over an edge of width SOFT around distance 0 (positive: inside)."""
    s = np.clip(distance / SOFT + 0.5, 0, 1)
    return s * s * (3 - 2 * s)


def draw() -> NDArray[np.uint8]:
    """The picture, uint8 RGB (SIDE, SIDE, 3)."""
    y, x = (np.mgrid[:SIDE, :SIDE] + 0.5) / SIDE
    sky, ground = np.array((20.0, 190.0, 200.0)), np.array((60.0, 20.0, 110.0))
    picture = sky + (ground - sky) * rise(y - 0.5 - 0.15 * np.sin(2 * np.pi * x))[..., None]

    def lay(color: tuple[int, int, int], weight: NDArray[np.float64]) -> None:
        nonlocal picture
        picture = picture + (np.array(color, float) - picture) * weight[..., None]

    lay((240, 250, 240), rise(0.06 - np.abs(x + y - 1.0) / np.sqrt(2)))
    for cx, cy, radius, color in DISCS:
        lay(color, rise(radius - np.hypot(x - cx, y - cy)))
    lay((10, 40, 20), rise(0.09 - np.hypot(x - 0.72, y - 0.70)))
    return np.rint(np.clip(picture, 0, 255)).astype(np.uint8)


def main() -> None:
    """Write the picture to the path in the command line."""
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/make_blend_picture.py OUT.png")
    if not cv2.imwrite(sys.argv[1], cv2.cvtColor(draw(), cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 9]):
        sys.exit(f"Cannot write {sys.argv[1]}.")


if __name__ == "__main__":
    main()
