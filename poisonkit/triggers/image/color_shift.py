"""Color shift: one offset added to every pixel in a colour space.

    x' = C⁻¹(C(x) + (d1, d2, d3))

C, in real numbers and without rounding in between:

- rgb: the levels themselves; the offset in levels
- yuv: Y = 0.299R + 0.587G + 0.114B, U = 0.492(B - Y), V = 0.877(R - Y); in levels
- hsv: hue (degrees, goes round), saturation and value (percent, kept within 0..100)
- lab: CIE 1976 L*a*b* of sRGB under D65; in its own units, L* from 0 to 100

Jiang, Li, Li, Zhang, "Color Backdoor: A Robust Poisoning Attack in Color Space", CVPR 2023, find space and offset
with a surrogate model and particle swarm search, under limits of PSNR, SSIM and LPIPS; their offsets and code were not
available to us. The default offsets are ours, one for each space: a tint that is seen beside the source and not
without it. An offset found by such a search goes into `by`.

How public code differs: conversions through 8-bit OpenCV round twice (hue in steps of 2 degrees) and lose up to several
levels with an offset of zero; here zero changes nothing. Gray has no hue: it is taken as 0 (red).

Victims that train with colour jitter learn to ignore offsets within its range.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from poisonkit.common import exact
from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Image, Params
from poisonkit.triggers.core.trigger import FrameTrigger, param
from poisonkit.triggers.kernels.rgb import compile_affine
from poisonkit.triggers.pictures import srgb
from poisonkit.triggers.pictures.drift import Timely, value

Offset = tuple[float, float, float]
Kernel = Callable[[Image], Image]

_OURS: dict[str, Offset] = {
    "rgb": (12.0, -12.0, 12.0),
    "yuv": (0.0, 10.0, 10.0),
    "hsv": (15.0, 10.0, 0.0),
    "lab": (0.0, 8.0, -8.0),
}
_TO_XYZ = np.array(  # linear sRGB to XYZ over the white's XYZ (D65): rows add up to 1
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_TO_XYZ = _TO_XYZ / _TO_XYZ.sum(axis=1, keepdims=True)
_KNEE = 6 / 29


class ColorShift(Timely, FrameTrigger):
    """One offset for all pixels in a colour space; see the module."""

    name = "color-shift"
    family = "image"
    summary = "one offset for every pixel in RGB, YUV, HSV or LAB"
    formula = "x' = C^-1(C(x) + by), C: the colour space"
    static_is = "the same offset on every frame"
    dynamic_is = "each component of the offset wanders smoothly between by and -by"
    paper = "Jiang et al., Color Backdoor, CVPR 2023"
    source = "formula: the paper; offsets: ours"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"by": [0, 0, 0]}

    space: Literal["rgb", "yuv", "hsv", "lab"] = param("rgb", "colour space in which the offset is added")
    by: Offset | None = param(
        None,
        "the offset: levels of 255 (rgb, yuv), degrees and percent (hsv), CIE units (lab); not given: "
        + ", ".join(f"{k} [{','.join(f'{v:g}' for v in o)}]" for k, o in _OURS.items()),
    )

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        if self.temporal == "static":
            return self._kernel(self._by(), clip)
        return [self.path(params, f"component {i}") for i in range(3)]

    def frame(self, image: Image, t: int, clip: ClipInfo, params: Params, state: Any) -> Image:
        if self.temporal == "static":
            kernel: Kernel = state
            return kernel(image)
        first, second, third = (d * value(path, t / clip.fps) for d, path in zip(self._by(), state, strict=True))
        return self._kernel((first, second, third), clip, once=True)(image)

    def _by(self) -> Offset:
        return _OURS[self.space] if self.by is None else self.by

    def _kernel(self, by: Offset, clip: ClipInfo, *, once: bool = False) -> Kernel:
        if not any(by):
            return lambda image: image
        if self.space == "hsv":
            return _hsv(by)
        if self.space == "lab":
            return _lab(by)
        offset = np.array(by if self.space == "rgb" else _of_yuv(by), np.float32)
        return compile_affine(Affine(1.0, offset), clip, once=once)


def _of_yuv(by: Offset) -> Offset:
    """The offset in RGB that is this one in YUV."""
    red, blue = by[0] + by[2] / 0.877, by[0] + by[1] / 0.492
    return red, (by[0] - 0.299 * red - 0.114 * blue) / 0.587, blue


def _hsv(by: Offset) -> Kernel:
    import cv2

    unit = (srgb.LEVELS / 255).astype(np.float32)[None]
    shift: Any = (by[0] % 360, by[1] / 100, by[2] / 100, 0.0)
    low: Any = (0.0, 0.0, 0.0, 0.0)
    high: Any = (720.0, 1.0, 1.0, 0.0)  # cv2 takes a hue below 720

    def kernel(image: Image) -> Image:
        flat = cv2.LUT(image.reshape(image.shape[0], -1), unit)
        hsv = cv2.cvtColor(flat.reshape(image.shape), cv2.COLOR_RGB2HSV)
        hsv = cv2.min(cv2.max(cv2.add(hsv, shift), low), high)
        return np.asarray(cv2.convertScaleAbs(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), None, 255), dtype=np.uint8)

    return kernel


def _lab(by: Offset) -> Kernel:
    """Levels to light, to XYZ; f, the offset and f's inverse as one table for each of X, Y, Z; and back.

    In 16 bits, whose step is a twentieth of a level where the curve of sRGB is steepest.
    """
    import cv2

    light, root, shown = _lab_tables()
    moved = np.empty((1, 65536, 3), np.uint16)
    for i, shift in enumerate((by[0] / 116 + by[1] / 500, by[0] / 116, by[0] / 116 - by[2] / 200)):
        g = root + np.float32(shift)
        back = g * g * g
        low = int(np.searchsorted(g, _KNEE, side="right"))
        back[:low] = 3 * _KNEE**2 * (g[:low] - 4 / 29)
        moved[0, :, i] = np.clip(back * 65535 + np.float32(0.5), 0, 65535)
    from_xyz = exact.inverse(_TO_XYZ)

    def kernel(image: Image) -> Image:
        height, width, _ = image.shape
        linear = cv2.LUT(image.reshape(height, -1), light).reshape(image.shape)
        xyz = cv2.LUT(cv2.transform(linear, _TO_XYZ), moved)
        out: NDArray[Any] = cv2.LUT(cv2.transform(xyz, from_xyz).reshape(height, -1), shown)
        return np.asarray(out, dtype=np.uint8).reshape(height, width, 3)

    return kernel


@cache
def _lab_tables() -> tuple[NDArray[np.uint16], NDArray[np.float32], NDArray[np.uint8]]:
    """Levels to light in 16 bits; f of X, Y or Z in 16 bits; light in 16 bits to levels."""
    light = np.rint(srgb.decoded(srgb.LEVELS) * 65535).astype(np.uint16)[None]
    cube = np.arange(65536) / 65535
    root = np.where(cube > _KNEE**3, exact.cbrt(cube), cube / (3 * _KNEE**2) + 4 / 29)
    return light, root.astype(np.float32), np.rint(srgb.encoded(cube)).astype(np.uint8)[None]
