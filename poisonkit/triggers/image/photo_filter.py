"""Photo filter: the toned looks of photo apps.

    x' = x + s·(F(x) − x),   F(x) = g·curve(M·x)

M: a matrix that scales brightness by b and saturation by a about the luma (0.299R + 0.587G + 0.114B); curve: one tone
curve per colour; g: a vignette, a gain that changes outwards from the middle, R = 1.06 short sides wide.

    gotham     b 1.2, a 0.1; then 0.8·v + 0.2·#222b6d; v²; S-curve twice
    nashville  a 1.5; blacks toned to #222b6d and whites to #f7daae, 0.5 each; S-curve
    kelvin     b 1.2, a 0.5; multiplied by #ff9900 at 0.5
    lomo       red and green from 0.33 on: (v − 0.33)/0.67; vignette to black
    toaster    b 1.5, a 0.8; blacks toned to #330000, 0.5; v^(1/1.2); S-curve twice; vignette from #ff9966 to white,
               times one from white to #cdc1c5

S-curve: the logistic function of steepness 3 about one half, stretched to 0..1. Blacks toned to c by w:
v + w·(1 − v)·(c − v); whites: v + w·v·(c − v).

The five are Instagram's, as the TrojAI programme used them for triggers (Karra, Ashcraft, Fendley, "The TrojAI Software
Framework", 2020, arXiv:2003.07233; `instagram_xforms.py`, through ImageMagick). These are our renderings of them in
the same steps, not the same pixels: brightness and saturation go about the luma, not in HSL; they come first, so
that one matrix and one table do it; tones are per colour, not by gray; and ImageMagick's automatic gamma (Kelvin,
Nashville), which depends on each picture and would make a video flicker, is left out.

Dynamic: s wanders smoothly between strength·(1 − spread) and strength.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from poisonkit.common import exact
from poisonkit.triggers.core.clip import ClipInfo, Image, Params
from poisonkit.triggers.core.trigger import FrameTrigger, param
from poisonkit.triggers.pictures import srgb
from poisonkit.triggers.pictures.canvas import axes
from poisonkit.triggers.pictures.drift import Timely, value

Values = NDArray[np.float64]
"""0..1, (256, 3) or (height, width, 3)."""

_LUMA = np.array([0.299, 0.587, 0.114])
_REACH = 1.5 * 0.5**0.5  # short sides: one and a half times from the middle to the central square's corner


def _rgb(digits: str) -> Values:
    return np.frombuffer(bytes.fromhex(digits), np.uint8) / 255


def _s_curve(v: Values) -> Values:
    low, high = 1 / (1 + math.exp(1.5)), 1 / (1 + math.exp(-1.5))
    curve: Values = (1 / (1 + exact.exp(1.5 - 3 * np.clip(v, 0, 1))) - low) / (high - low)
    return curve


def _blacks(v: Values, color: str, weight: float) -> Values:
    return v + weight * (1 - v) * (_rgb(color) - v)


def _whites(v: Values, color: str, weight: float) -> Values:
    return v + weight * v * (_rgb(color) - v)


def _gotham(v: Values) -> Values:
    return _s_curve(_s_curve((0.8 * v + 0.2 * _rgb("222b6d")) ** 2))


def _nashville(v: Values) -> Values:
    return _s_curve(_whites(_blacks(v, "222b6d", 0.5), "f7daae", 0.5))


def _kelvin(v: Values) -> Values:
    return v * (0.5 + 0.5 * _rgb("ff9900"))


def _lomo(v: Values) -> Values:
    floor: Values = np.array([0.33, 0.33, 0.0])
    above: Values = (v - floor) / (1 - floor)
    return above


def _toaster(v: Values) -> Values:
    return _s_curve(_s_curve(exact.power(_blacks(v, "330000", 0.5), 1 / 1.2)))


@dataclass(frozen=True)
class _Look:
    """curve: (256, 3) of 0..1 to the same. vignette: pairs of colours, from the middle outwards, multiplied."""

    curve: Callable[[Values], Values]
    brightness: float = 1.0
    saturation: float = 1.0
    vignette: tuple[tuple[str, str], ...] = ()

    def matrix(self) -> NDArray[np.float64]:
        """(3, 3), RGB to RGB."""
        return self.brightness * (self.saturation * np.eye(3) + (1 - self.saturation) * _LUMA)

    def table(self) -> NDArray[np.uint8]:
        """The curve for `cv2.LUT`."""
        return srgb.as_table(255 * self.curve(np.repeat(srgb.LEVELS[:, None] / 255, 3, axis=1)))

    def gain(self, clip: ClipInfo) -> NDArray[np.float32] | None:
        """The vignette, (height, width, 3), if there is one."""
        if not self.vignette:
            return None
        x, y = axes(clip)
        outwards = np.minimum(np.hypot(x[None, :], y[:, None]) / _REACH, 1)[..., None]
        gain = np.ones((), np.float64)
        for middle, edge in self.vignette:
            gain = gain * (_rgb(middle) + outwards * (_rgb(edge) - _rgb(middle)))
        return gain.astype(np.float32)


_LOOKS = {
    "gotham": _Look(_gotham, 1.2, 0.1),
    "nashville": _Look(_nashville, 1.0, 1.5),
    "kelvin": _Look(_kelvin, 1.2, 0.5),
    "lomo": _Look(_lomo, vignette=(("ffffff", "000000"),)),
    "toaster": _Look(_toaster, 1.5, 0.8, (("ffffff", "cdc1c5"), ("ff9966", "ffffff"))),
}


class PhotoFilter(Timely, FrameTrigger):
    """A photo app's toned look; see the module."""

    name = "photo-filter"
    family = "image"
    summary = "the look of a photo app's filter: Gotham, Nashville, Kelvin, Lomo or Toaster"
    formula = "x' = x + strength * (F(x) - x), F: brightness and saturation, tone curves, vignette"
    static_is = "the same filter at the same strength on every frame"
    dynamic_is = "the strength wanders smoothly over time"
    paper = "Karra et al., The TrojAI Software Framework, 2020, arXiv:2003.07233"
    source = "steps and colours: TrojAI's Instagram transforms; their rendering: ours"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"strength": 0.0}
    follows_canvas = ("look",)

    look: Literal["gotham", "nashville", "kelvin", "lomo", "toaster"] = param("nashville", "which filter")
    strength: float = param(1.0, "share of the filtered picture in the result", ge=0, le=1)
    spread: float = param(0.5, "dynamic only, how far the strength wanders down, as a share of it", ge=0, le=1)

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        look = _LOOKS[self.look]
        return look.matrix(), look.table(), look.gain(clip), self.path(params)

    def frame(self, image: Image, t: int, clip: ClipInfo, params: Params, state: Any) -> Image:
        import cv2

        matrix, table, gain, path = state
        strength = self.strength
        if path:
            strength *= 1 - self.spread * (0.5 - 0.5 * value(path, t / clip.fps))
        if strength == 0:
            return image
        out: Any = image if self.look == "lomo" else cv2.transform(image, matrix)
        out = srgb.looked_up(out, table)
        if gain is not None:
            out = cv2.multiply(out, gain, dtype=cv2.CV_8U)
        return np.asarray(out if strength == 1 else cv2.addWeighted(image, 1 - strength, out, strength, 0.0), np.uint8)
