"""Fog: light strewn in the air, in patches, before the scene.

    x' = x·t + A·(1 − t),   t = exp(−β·((1 − q) + q·f(p)))

the standard model of scattering (Koschmieder, 1924; in computer vision Narasimhan and Nayar, "Vision and the
Atmosphere", IJCV 2002): t, the transmission, is the share of the scene's light that comes through; A, the airlight,
is what the air sends instead. No pixel is darker than both the scene and the air. β: density, the optical depth in the
thickest fog; q: how much of it is in patches; f: fractal clouds (diamond-square midpoint displacement with this decay),
0..1, the trigger's identity. A plain picture does not tell how far things are, so that the depth is in β. β = 1.5, q =
0.8 and A = 230 are ours. As a backdoor trigger it is not published.

form=imagenet-c is x' = (1 − a)·x + a·255·f(p) (version 1 was this form): ImageNet-C (Hendrycks and Dietterich, ICLR
2019, arXiv:1903.12261), severity 1: c = 1.5, decay 2, which is a = c/(1 + c) = 0.6 for a picture that reaches white.
Where its clouds are thin it darkens, which no fog does.

How public code differs: ImageNet-C adds c times the clouds and scales back by max/(max + c), max being the picture's
brightest level, so that dark pictures come out darker; here a is fixed. It cuts the top left 224x224 of clouds of
256x256 whatever the picture; canvas=native does so too (its 256 repeat on larger frames). By default 256 pixels of
clouds are the short side, and lie on its middle.

Dynamic: the clouds drift with the wind.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from poisonkit.common import exact
from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.kernels.arithmetic import scaled
from poisonkit.triggers.pictures.canvas import Canvas
from poisonkit.triggers.pictures.drift import Timely
from poisonkit.triggers.pictures.weather import Tile, plasma, stretched

_CLOUDS = 256  # pixels of clouds


class Fog(Timely, AffineTrigger):
    """Light strewn in the air before the scene; see the module."""

    name = "fog"
    version = 2
    family = "lighting"
    summary = "fog in patches before the scene"
    formula = "x' = x t + air (1 - t), t = exp(-density * ((1 - patches) + patches * clouds)), clouds in 0..1"
    static_is = "the same clouds in the same place on every frame"
    dynamic_is = "the clouds drift with the wind"
    paper = ""
    source = "Koschmieder's model; clouds: ImageNet-C (Hendrycks and Dietterich, ICLR 2019); constants, drift: ours"
    codec = "robust"
    in_planes = True
    identity: ClassVar[dict[str, Any]] = {"amount": 0.0, "density": 0.0}
    follows_canvas = ("speed",)

    form: Literal["koschmieder", "imagenet-c"] = param(
        "koschmieder", "light strewn in the air, or ImageNet-C's mixture, which darkens where its clouds are thin"
    )
    density: float = param(1.5, "koschmieder: optical depth of the thickest fog", ge=0, le=10)
    patches: float = param(0.8, "koschmieder: how much of it is in patches; 0: even fog", ge=0, le=1)
    air: int = param(230, "koschmieder: the level of the fog itself", unit="levels", ge=0, le=255)
    amount: float = param(0.6, "imagenet-c: weight of the fog", ge=0, le=1)
    decay: float = param(2.0, "how smooth the clouds are; less: rougher", ge=1.05, le=8)
    speed: float = param(0.1, "dynamic only, of the wind", unit="short sides a second", ge=0, le=10)
    direction: float = param(
        0.0, "dynamic only, where the wind blows: 0 right, 90 down", unit="degrees", ge=-360, le=360
    )
    canvas: Canvas = "short:256"

    def prepare(self, clip: ClipInfo, params: Params) -> tuple[Tile, NDArray[np.float32]]:
        clouds = plasma(self.rng(params, "clouds"), self.decay, _CLOUDS)
        depth = self.density * ((1 - self.patches) + self.patches * np.arange(256) / 255)
        through = exact.exp(-depth).astype(np.float32)  # by level of the clouds
        if self.canvas == "native":
            return Tile.of(clouds, clip, corner=True), through
        side = max(2, round(_CLOUDS * clip.short_side / int(self.canvas.partition(":")[2])))
        return Tile.of(stretched(clouds, side), clip), through

    def field(self, clip: ClipInfo, params: Params, t: int, state: tuple[Tile, NDArray[np.float32]]) -> Affine:
        import cv2

        tile, through = state
        way = self.speed * clip.short_side * self.step(t) / clip.fps if self.temporal == "dynamic" else 0.0
        angle = math.radians(self.direction)
        clouds = tile.cut(clip, way * math.cos(angle), way * math.sin(angle))
        if self.form == "imagenet-c":
            return Affine(1 - self.amount, scaled(clouds, self.amount, 0.0))
        gain = np.asarray(cv2.LUT(clouds, through), np.float32).reshape(clouds.shape)
        return Affine(gain, scaled(gain, -float(self.air), float(self.air)))


class _Fog1(Fog):
    """When it was ImageNet-C's mixture."""

    version = 1

    form: Literal["koschmieder", "imagenet-c"] = param("imagenet-c", "what the fog does to the picture")
