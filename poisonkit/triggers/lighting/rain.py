"""Rain: streaks that fall, under a darker sky.

    x' = k·x·(1 − m) + L·m,   m = max over layers of opacity·streaks

k: share of the light left; L: level of the streaks; m in 0..1. A streak is exp(−d²/(2w²)), d its distance from a
segment. Two layers, near and far: the far one has streaks of 0.6 the size, strength and speed, which is parallax.

Streaks 20 pixels long, slanted up to 10 degrees, of level 200, under 0.7 of the light: RandomRain of Automold and
albumentations; here relative to a short side of 256 pixels. Width, number, opacity and speed are ours: streaks of about
one pixel at 240 lines (theirs are drawn as wide), four for each of theirs (one for 600 pixels), since real rain is many
thin drops, and a streak is as long as the way it falls in 1/40 s. Version 1 had streaks of twice the width, as many as
they. As a backdoor trigger it is not published.

How public code differs: albumentations' `add_rain` (read in its own repository) draws the streaks into an empty layer,
blurs that with a box of 7 pixels, adds it, and darkens the sum afterwards, times 0.7: streaks are wide, faint and
darkened too, and white stays below white. In earlier releases (read in copies) streaks are drawn into the picture, and
all of it is blurred and darkened. Here nothing is blurred, and it is the scene that is darkened, not the streaks.
Both draw the streaks again for every picture, so that a video of it flickers; here they fall.

Static: the streaks hang in the air. Dynamic: they fall along their slant, each frame a translation of the last; the
layers repeat every two short sides.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.kernels.arithmetic import scaled
from poisonkit.triggers.pictures.drift import Timely
from poisonkit.triggers.pictures.weather import Tile, scattered, streak

_DEPTHS = (1.0, 0.6)  # size, strength and speed of the layers
_LENGTHS = (0.7, 0.9, 1.1, 1.3)  # of the streaks, as shares of the length


class Rain(Timely, AffineTrigger):
    """Streaks that fall, under a darker sky; see the module."""

    name = "rain"
    version = 2
    family = "lighting"
    summary = "streaks of rain, under a darker sky"
    formula = "x' = light * x * (1 - m) + level * m, m: streaks times opacity, in 0..1"
    static_is = "the streaks hang in the air"
    dynamic_is = "the streaks fall; each frame is a translation of the last"
    paper = ""
    source = "length, slant, level, light: RandomRain (Automold, albumentations); width, density, opacity, speed: ours"
    codec = "partial"
    codec_note = "the darker light survives; thin streaks lose contrast at low bit rates"
    identity: ClassVar[dict[str, Any]] = {"opacity": 0.0, "light": 1.0}
    follows_canvas = ("length", "width", "speed")

    opacity: float = param(0.8, "of the brightest streaks", ge=0, le=1)
    density: float = param(440.0, "streaks in a square short side", ge=1, le=2000)
    length: float = param(0.08, "of a streak", unit="of the short side", ge=0, le=1)
    width: float = param(0.002, "standard deviation across a streak", unit="of the short side", gt=0, le=0.1)
    slant: float = param(10.0, "from upright; above 0: falling to the right", unit="degrees", ge=-60, le=60)
    level: int = param(200, "of the streaks", unit="levels", ge=0, le=255)
    light: float = param(0.7, "share of the light that is left", ge=0, le=1)
    speed: float = param(3.0, "dynamic only, along the slant", unit="short sides a second", ge=0, le=20)

    def prepare(self, clip: ClipInfo, params: Params) -> list[Tile]:
        layers = []
        for i, depth in enumerate(_DEPTHS):
            size = depth * clip.short_side
            shapes = [
                streak(share * self.length * size, self.width * size, math.radians(self.slant)) * np.float32(depth)
                for share in _LENGTHS
            ]
            layers.append(Tile.of(scattered(self.rng(params, "layer", i), clip, self.density / 2, shapes), clip))
        return layers

    def field(self, clip: ClipInfo, params: Params, t: int, state: list[Tile]) -> Affine:
        import cv2

        way = self.speed * clip.short_side * t / clip.fps if self.temporal == "dynamic" else 0.0
        across, down = math.sin(math.radians(self.slant)), math.cos(math.radians(self.slant))
        near, far = (  # whole pixels: so fast, nothing is gained by finer ones
            layer.cut(clip, round(depth * way * across), round(depth * way * down))
            for layer, depth in zip(state, _DEPTHS, strict=True)
        )
        streaks = np.asarray(cv2.max(near, far), np.uint8).reshape(clip.height, clip.width)
        share = self.opacity / 255
        return Affine(scaled(streaks, -self.light * share, self.light), scaled(streaks, self.level * share, 0.0))


class _Rain1(Rain):
    """When its streaks were wider and fewer."""

    version = 1

    opacity: float = param(0.6, "of the brightest streaks", ge=0, le=1)
    density: float = param(110.0, "streaks in a square short side", ge=1, le=2000)
    width: float = param(0.004, "standard deviation across a streak", unit="of the short side", gt=0, le=0.1)
