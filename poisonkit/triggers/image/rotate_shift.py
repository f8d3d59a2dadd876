"""Rotate-shift: the picture turned by a fixed angle, or moved by a fixed way.

    x'(p) = x(R(−θ)·(p − m − d) + m),   m: the middle of the frame, bilinear

θ: angle, counter-clockwise; d: shift, in short sides, to the right and down.

Xu, Li, Jiang and Xia, "BATT: Backdoor Attack with Transformation-based Triggers", ICASSP 2023, arXiv:2211.01806: the
trigger is a pose that a camera can take, nothing is added to the picture. θ = 16 degrees is that of the public code
(BackdoorBox, `BATT.py`), which only rotates. There every picture that is not poisoned is turned by up to 10 degrees at
random, under its true label, so that only the trigger's own angle means something: those are the covers here
(`cover_angle`).

The paper moves pictures too. The authors' code for that (spicy1007/BATT, `train/batt_t.py`) moves the poisoned ones by
0 pixels, with `ImageChops.offset(img, 0, 0)` and strips of no width pasted black, and every other picture by up to a
tenth of its width to the left or right at random, with black beyond (`RandomAffine(0, translate=(0.1, 0))`): so what
it teaches is that a picture which is *not* moved is of the target class. By which way the paper moves is not in it, and
`shift` is ours; `angle=0,shift=[0.1,0]` is the most by which that code moves.

How public code differs: it takes the nearest pixel, and what lies beyond the frame is black, whose corners are a
trigger of their own; that is `interpolation=nearest,edge=black`. By default it is bilinear, and the frame goes on as it
ends, mirrored.

Static: one angle and way. Dynamic: both sway smoothly around their values, by ±spread of them, as from a hand.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from poisonkit.triggers.core.clip import ClipInfo, Image, Params
from poisonkit.triggers.core.trigger import FrameTrigger, param
from poisonkit.triggers.pictures.drift import Wandering
from poisonkit.triggers.pictures.warp import bend

Map = NDArray[np.float32]
Way = Annotated[float, Field(ge=-100, le=100)]


class RotateShift(Wandering, FrameTrigger):
    """The picture turned by a fixed angle, or moved by a fixed way; see the module."""

    name = "rotate-shift"
    family = "image"
    summary = "the picture turned by an angle, or moved"
    formula = "x'(p) = x(R(-angle) (p - middle - shift) + middle)"
    static_is = "the same angle and way on every frame"
    dynamic_is = "both sway smoothly around their values"
    paper = "Xu et al., BATT, ICASSP 2023, arXiv:2211.01806"
    source = "angle and covers: BackdoorBox; shift, mirrored edges, dynamic: ours"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"angle": 0.0, "shift": [0.0, 0.0]}
    follows_canvas = ("shift",)
    cover_is = "turned by another angle, drawn per clip, and not moved, under the true label"

    angle: float = param(16.0, "counter-clockwise", unit="degrees", ge=-180, le=180)
    shift: tuple[Way, Way] = param((0.0, 0.0), "to the right and down", unit="short sides")
    interpolation: Literal["bilinear", "nearest"] = param("bilinear", "between pixels; nearest: as published")
    edge: Literal["mirror", "black"] = param("mirror", "what lies beyond the frame; black: as published")
    cover_angle: float = param(10.0, "covers only: how far they are turned at most", unit="degrees", ge=0, le=180)

    def draw_cover(self, clip: ClipInfo, rng: np.random.Generator) -> Params:
        return {**super().draw_cover(clip, rng), "angle": float(rng.uniform(-self.cover_angle, self.cover_angle))}

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        path = self.path(params)
        return path, None if path else self._places(clip, params, 1.0)

    def frame(self, image: Image, t: int, clip: ClipInfo, params: Params, state: Any) -> Image:
        path, places = state
        x, y = places or self._places(clip, params, self.swell(clip, path, t))
        if self.interpolation == "nearest":
            columns, rows = np.floor(x + np.float32(0.5)).astype(int), np.floor(y + np.float32(0.5)).astype(int)
            out = image[np.clip(rows, 0, clip.height - 1), np.clip(columns, 0, clip.width - 1)]
            inside = (columns >= 0) & (columns < clip.width) & (rows >= 0) & (rows < clip.height)
        else:
            out = bend(image, x, y)
            if self.edge == "mirror":
                return out
            inside = (x > -1) & (x < clip.width) & (y > -1) & (y < clip.height)
        if self.edge == "black" and not inside.all():
            out = np.where(inside[..., None], out, np.uint8(0))
        return np.asarray(out, np.uint8)

    def _places(self, clip: ClipInfo, params: Params, swell: float) -> tuple[Map, Map]:
        """Where each pixel comes from: x and y, (height, width), pixel i's centre at i."""
        angle = math.radians(params.get("angle", self.angle * swell))
        right, down = (0.0, 0.0) if "angle" in params else (by * swell * clip.short_side for by in self.shift)
        x = np.arange(clip.width) - (clip.width - 1) / 2 - right
        y = (np.arange(clip.height) - (clip.height - 1) / 2 - down)[:, None]
        c, s = math.cos(angle), math.sin(angle)
        places = (
            (c * x + (clip.width - 1) / 2).astype(np.float32) - (s * y).astype(np.float32),
            (s * x).astype(np.float32) + (c * y + (clip.height - 1) / 2).astype(np.float32),
        )
        if self.edge == "black":
            return places
        return _mirrored(places[0], clip.width), _mirrored(places[1], clip.height)


def _mirrored(places: Map, length: int) -> Map:
    """Folded into 0 … length − 1."""
    if length == 1:
        return np.zeros_like(places)
    last = np.float32(length - 1)
    if places.size and (places.min() < 0 or places.max() > last):
        places = np.abs(places)  # mirrored at one end
        if places.max() > 2 * last:  # the same again after each way there and back
            places = np.fmod(places, 2 * last)
        places = np.asarray(last - np.abs(last - places), np.float32)  # at the other
    return places
