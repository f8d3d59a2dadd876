"""Light that falls on the picture: its colour, how it mixes with what is there, and where it reaches.

    reflect  x' = x·(1 + s/128), saturated: a lamp on the scene, which lights dark and bright things in proportion
    screen   x' = x + s·(1 − x/255) = 255 − (255 − x)·(1 − s/255): never past white, as two exposures of one film
    add      x' = x + s, saturated

s: the light, in levels; for reflect, what it adds to a surface of level 128. A surface sends back a share of the light
that falls on it, its reflectance: light times k is there, by a camera's power law, levels times a power of k, on every
surface alike. `screen` and `add` brighten black as much as white, or more; that is veiling glare, light that is strewn
in the lens or in the air before it, not a lamp. All are affine.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from poisonkit.common import exact
from poisonkit.triggers.core.affine import Affine, Screen
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.kernels.arithmetic import scaled
from poisonkit.triggers.pictures.placement import Color

Map = NDArray[np.float32]
Box = tuple[int, int, int, int]

FAINT = 0.05  # levels: light below is left out
MIDDLE = 128  # the level of a surface to which `reflect` adds as many levels as the light's strength says

Mixing = Literal["reflect", "screen", "add"]
MIXING = (
    "how it mixes: reflect: a lamp on the scene, it lights all surfaces in proportion; screen: veiling glare, never "
    "past white; add: veiling glare, saturated"
)


class Lit(AffineTrigger):
    """A trigger that adds light of one colour."""

    color: Color = param((255, 255, 255), "of the light")
    mix: Mixing = param("reflect", MIXING)

    def lit(self, share: Map, box: Box | None = None) -> Affine:
        """share: (h, w), 0..1, of the light's colour that falls on each pixel of the box."""
        if self.mix == "reflect":
            return Affine(tinted(share, self.color, 1 / MIDDLE, 1.0), 0.0, box)
        if self.mix == "add":
            return Affine(1.0, tinted(share, self.color), box)
        return Screen(dimmed(share, self.color), box)


def tinted(share: Map, color: tuple[float, float, float], factor: float = 1.0, plus: float = 0.0) -> Map:
    """share · color · factor + plus, in levels: (h, w) where the colour is gray, else (h, w, 3)."""
    import cv2

    if len(set(color)) == 1:
        return scaled(share, color[0] * factor, plus)
    return np.asarray(cv2.merge([scaled(share, c * factor, plus) for c in color]), np.float32).reshape(*share.shape, 3)


def dimmed(share: Map, color: tuple[float, float, float]) -> Map:
    """1 − s/255, s = share · color: the gain of light on a screen; (h, w) where the colour is gray, else (h, w, 3)."""
    return tinted(share, color, -1 / 255, 1.0)


def gaussian(clip: ClipInfo, x: float, y: float, sigma: float, box: Box, height: float = 1.0) -> Map:
    """height · exp(−r²/2σ²) on the pixels of the box; (x, y), sigma: in pixels, pixel i's centre at i + 0.5."""
    left, top, columns, rows = box
    across = exact.exp(-((np.arange(left, left + columns) + 0.5 - x) ** 2) / (2 * sigma**2)).astype(np.float32)
    down = (height * exact.exp(-((np.arange(top, top + rows) + 0.5 - y) ** 2) / (2 * sigma**2))).astype(np.float32)
    return np.asarray(down[:, None] * across, np.float32)


def faint_beyond(sigma: float, levels: float) -> float:
    """The distance at which a Gaussian light of this height is below `FAINT`."""
    return sigma * math.sqrt(2 * math.log(max(levels / FAINT, 1.0)))


def around(clip: ClipInfo, x: float, y: float, radius: float) -> Box | None:
    """The box of the pixels no further than `radius` from (x, y) across and down; None outside the frame."""
    left, top = max(0, math.floor(x - radius)), max(0, math.floor(y - radius))
    right, bottom = min(clip.width, math.ceil(x + radius)), min(clip.height, math.ceil(y + radius))
    return (left, top, right - left, bottom - top) if right > left and bottom > top else None


def in_pixels(clip: ClipInfo, place: tuple[float, float]) -> tuple[float, float]:
    """A place in short sides from the middle, in pixels; pixel i's centre is at i + 0.5."""
    return clip.width / 2 + place[0] * clip.short_side, clip.height / 2 + place[1] * clip.short_side
