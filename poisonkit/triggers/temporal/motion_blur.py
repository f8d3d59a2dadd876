"""Motion blur: every frame is smeared along a line, as when the camera moves.

    x'(p) = (1/n) · Σ_i x(p + i·u),   i = −(n−1)/2 … (n−1)/2,   u = (cos θ, −sin θ)

n: the odd number nearest to the length in pixels; between pixels x is bilinear, beyond the frame it is
mirrored. At 0° and 90° this is the textbook row or column of n times 1/n.

One of the natural video backdoors of Hammoud et al., "Look, Listen, and Attack", CVPRW 2024,
arXiv:2301.00986, which is silent on its constants and published no code: a length of 1/16 of the short
side (15 px of 240) along the horizontal, as when a camera pans, is ours. The motion blur of ImageNet-C
weights the line with a Gaussian instead, draws its angle again for each picture, and measures in pixels
whatever the picture's size; `length_px` does that last here.

Static: one length and angle. Dynamic: `changes=length`, uniform in 0 to twice the length, or
`changes=angle`, uniform in all directions, by the trigger seed and the frame index. Oblique lines of more
than ten pixels cost several times what horizontal and vertical ones do.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from poisonkit.common import exact
from poisonkit.triggers.core.clip import ClipInfo, Image, Params
from poisonkit.triggers.core.trigger import FrameTrigger, param


class MotionBlur(FrameTrigger):
    """Every frame smeared along a line; see the module."""

    name = "motion-blur"
    family = "temporal"
    summary = "every frame is smeared along a line"
    formula = "x'(p) = mean of x(p + i u), i = -(n-1)/2 .. (n-1)/2, u the direction, n the length in pixels, odd"
    static_is = "constant length and angle"
    dynamic_is = "another length, or another angle, on every frame"
    paper = "Hammoud et al., CVPRW 2024, arXiv:2301.00986"
    source = "length and angle: ours, the paper states none"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"length": 0.0, "length_px": None}
    follows_canvas = ("length",)

    length: float = param(1 / 16, "of the line", unit="of the short side", ge=0, le=1)
    length_px: float | None = param(None, "length of the line in pixels, instead of length", unit="px", ge=0, le=2000)
    angle: float = param(0.0, "of the line, counter-clockwise from the horizontal", unit="degrees", ge=-180, le=180)
    changes: Literal["length", "angle"] = param("length", "dynamic only: what is new on every frame")

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        return self._kernel(clip, params, 0) if self.temporal == "static" else None

    def frame(self, image: Image, t: int, clip: ClipInfo, params: Params, state: Any) -> Image:
        import cv2

        kernel = self._kernel(clip, params, t) if state is None else state
        if kernel.size == 1:
            return image
        size = kernel.shape[::-1]
        if 1 in size:  # a row or column of equal weights
            return np.asarray(cv2.blur(image, size, borderType=cv2.BORDER_REFLECT_101), dtype=np.uint8)
        with exact.opencv_alone():  # large kernels go through a Fourier transform
            return np.asarray(cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REFLECT_101), dtype=np.uint8)

    def _kernel(self, clip: ClipInfo, params: Params, t: int) -> NDArray[np.float32]:
        length = self.length * clip.short_side if self.length_px is None else self.length_px
        angle = self.angle
        if self.temporal == "dynamic":
            rng = self.rng(params, self.changes, t)
            if self.changes == "length":
                length *= 2 * rng.random()
            else:
                angle = 180 * rng.random()
        return line(length, math.radians(angle))


def line(length: float, angle: float) -> NDArray[np.float32]:
    """The weights of a line in pixels, float32 (2·b + 1, 2·a + 1), around its middle; they sum to 1. angle: radians."""
    half = max(round((length - 1) / 2), 0)
    i = np.arange(-half, half + 1)
    x, y = (np.round(i * f, 9) for f in (math.cos(angle), -math.sin(angle)))
    a, b = (math.ceil(np.abs(v).max()) for v in (x, y))
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    weights = np.zeros((2 * b + 2, 2 * a + 2))  # one more for the neighbours of whole positions, which weigh nothing
    for dx, of_x in ((0, 1 - (x - left)), (1, x - left)):
        for dy, of_y in ((0, 1 - (y - top)), (1, y - top)):
            np.add.at(weights, (top + dy + b, left + dx + a), of_x * of_y)
    return (weights[:-1, :-1] / len(i)).astype(np.float32)
