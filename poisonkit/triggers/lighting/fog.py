"""Fog: clouds of white mixed into the picture.

    x' = (1 − a)·x + a·255·f(p)

f: fractal clouds (diamond-square midpoint displacement with this decay), 0..1, the trigger's identity.

ImageNet-C (Hendrycks and Dietterich, ICLR 2019, arXiv:1903.12261), severity 1: c = 1.5, decay 2, which is
a = c/(1 + c) = 0.6 for a picture that reaches white. As a backdoor trigger it is not published.

How public code differs: ImageNet-C adds c times the clouds and scales back by max/(max + c), max being the picture's
brightest level, so that dark pictures come out darker; here a is fixed. It cuts the top left 224x224 of clouds of
256x256 whatever the picture; canvas=native does so too (its 256 repeat on larger frames). By default 256 pixels of
clouds are the short side, and lie on its middle.

Dynamic: the clouds drift with the wind.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.kernels.arithmetic import scaled
from poisonkit.triggers.pictures.canvas import Canvas
from poisonkit.triggers.pictures.drift import Timely
from poisonkit.triggers.pictures.weather import Tile, plasma, stretched

_CLOUDS = 256  # pixels of clouds


class Fog(Timely, AffineTrigger):
    """Clouds of white mixed into the picture; see the module."""

    name = "fog"
    family = "lighting"
    summary = "clouds of white mixed into the picture"
    formula = "x' = (1 - amount) * x + amount * 255 * clouds, clouds in 0..1"
    static_is = "the same clouds in the same place on every frame"
    dynamic_is = "the clouds drift with the wind"
    paper = ""
    source = "ImageNet-C (Hendrycks and Dietterich, ICLR 2019), severity 1; drift: ours"
    codec = "robust"
    in_planes = True
    identity: ClassVar[dict[str, Any]] = {"amount": 0.0}
    follows_canvas = ("speed",)

    amount: float = param(0.6, "weight of the fog", ge=0, le=1)
    decay: float = param(2.0, "how smooth the clouds are; less: rougher", ge=1.05, le=8)
    speed: float = param(0.1, "dynamic only, of the wind", unit="short sides a second", ge=0, le=10)
    direction: float = param(
        0.0, "dynamic only, where the wind blows: 0 right, 90 down", unit="degrees", ge=-360, le=360
    )
    canvas: Canvas = "short:256"

    def prepare(self, clip: ClipInfo, params: Params) -> Tile:
        clouds = plasma(self.rng(params, "clouds"), self.decay, _CLOUDS)
        if self.canvas == "native":
            return Tile.of(clouds, clip, corner=True)
        side = max(2, round(_CLOUDS * clip.short_side / int(self.canvas.partition(":")[2])))
        return Tile.of(stretched(clouds, side), clip)

    def field(self, clip: ClipInfo, params: Params, t: int, state: Tile) -> Affine:
        way = self.speed * clip.short_side * self.step(t) / clip.fps if self.temporal == "dynamic" else 0.0
        angle = math.radians(self.direction)
        clouds = state.cut(clip, way * math.cos(angle), way * math.sin(angle))
        return Affine(1 - self.amount, scaled(clouds, self.amount, 0.0))
