"""The affine kernel in a stream's own planes: no conversion to RGB, and untouched pixels stay the source's.

An affine change of RGB with one gain for all three colours is an affine change of Y, U and V (see `chroma`):

    plane' = gain·(plane − bias) + bias + M·offset

Where chroma is subsampled, gain and offset are brought to its grid as the conversion from RGB would bring their
result. In RGB a result is clipped, in planes it is not; so planes are only for what cannot clip, whatever the
picture: 0 ≤ offset and 255·gain + offset ≤ 255. A source that decoders clip is clipped first (see `gamut`).

What is exact: results are rounded once, from float32 sums, in which offset maps of little range (as those of
blending) are held in 8 bits, at most 0.2 levels a step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poisonkit.triggers.core.affine import Affine, Mix, Screen
from poisonkit.triggers.core.clip import ClipInfo, Where
from poisonkit.triggers.kernels.arithmetic import scaled, single
from poisonkit.triggers.kernels.gamut import Gamut, Plane, Planes
from poisonkit.triggers.kernels.rgb import box_of, operand
from poisonkit.triggers.kernels.yuv_format import Box, Grid, Map, PlaneFormat

PlanesRender = Callable[[Iterator[Planes]], Iterator[Planes]]

STEP = 0.2  # levels: offsets are held in 8 bits where their steps are no larger
LOOK_EVERY = 16  # frames of a constant trigger: how often is looked whether decoders clip the source
SLACK = 0.25  # levels: what float32 arithmetic may leave beyond 0..255, and rounding takes back


def compile_planes(affine: Affine, clip: ClipInfo, fmt: PlaneFormat) -> Kernel | None:
    """The function that does `affine` to the planes of a frame of the clip's size; None where RGB is needed.

    None: gains that differ between the colours, or a result that some RGB picture would have clipped. The kernel
    takes and gives (Y, U, V), uint8, each with its plane's (height, width); it never writes to its input, and
    gives the input itself where nothing changes. Pixels outside the box are the source's, as are chroma samples
    none of whose pixels lie in it. ValueError where gain, offset or box do not fit the clip.
    """
    return Kernel(affine, clip, fmt, Gamut(fmt), once=False) if fits(affine) else None


def fits(affine: Affine) -> bool:
    """Whether planes are for it: one gain for all colours, and no 8-bit RGB picture whose result is clipped."""
    if isinstance(affine, Mix):  # between the picture and another one
        return True
    gain, offset = (_colours_last(value) for value in (affine.gain, affine.offset))
    if gain.shape[-1] == 3 and (gain != gain[..., :1]).any():
        return False
    gain = gain[..., :1]
    black, white = (float(offset.min()), float(offset.max())), 255 * gain
    if gain.size == 1:
        low, high = black[0] + float(white.item()), black[1] + float(white.item())
    else:
        white = white + offset
        low, high = float(white.min()), float(white.max())
    return min(black[0], low) >= -SLACK and max(black[1], high) <= 255 + SLACK


def _colours_last(value: float | NDArray[np.float32]) -> Map:
    """(1,), (3,), (height, width, 1) or (height, width, 3)."""
    array = np.asarray(value, np.float32)
    return array[..., None] if array.ndim in (0, 2) else array


def render_fields(
    field: Callable[[int], Affine], constant: bool, clip: ClipInfo, fmt: PlaneFormat, where: Where | None = None
) -> PlanesRender | None:
    """What applies `field(t)` to frame `t` of one clip, in planes; None where a constant field needs RGB.

    constant: `field` is the same for every `t`. One that is not must fit planes at every `t` (see `fits`).
    """
    if constant:
        fixed = compile_planes(field(0), clip, fmt)
        return None if fixed is None else lambda frames: _rendered_alike(frames, fixed, where)
    gamut = Gamut(fmt)
    return lambda frames: _rendered(frames, lambda t: Kernel(field(t), clip, fmt, gamut, once=True), where)


def _rendered(frames: Iterator[Planes], kernel: Callable[[int], Kernel], where: Where | None) -> Iterator[Planes]:
    for t, planes in enumerate(frames):
        yield planes if where is not None and not where(t) else kernel(t)(planes)


def _rendered_alike(frames: Iterator[Planes], kernel: Kernel, where: Where | None) -> Iterator[Planes]:
    clips, due = False, 0
    for t, planes in enumerate(frames):
        if where is not None and not where(t):
            yield planes
            continue
        if t >= due:
            clips, due = kernel.clips(planes), t + LOOK_EVERY
        yield kernel.do(planes, clips)


# -- one affine on one format -----------------------------------------------------------------------------------

Operand = float | Map


class Kernel:
    """One affine on one format; called with (Y, U, V), it gives new planes, or the same where nothing changes.

    once: for one frame only, so that nothing is precomputed that costs more than it saves.
    """

    def __init__(self, affine: Affine, clip: ClipInfo, fmt: PlaneFormat, gamut: Gamut, *, once: bool) -> None:
        x, y, width, height = box = box_of(affine, clip)
        gain = _gain(operand(affine.gain, height, width, "gain"))
        light = isinstance(affine, Screen) and isinstance(gain, np.ndarray)
        offset = np.zeros(1) if light else np.ascontiguousarray(operand(affine.offset, height, width, "offset"))
        self.gamut = gamut
        self.parts: tuple[_Part, ...] = ()
        if isinstance(gain, float) and gain == 1 and not offset.any():
            return
        grid = Grid(box, clip.width, clip.height, fmt)
        share = grid.bring(gain, 1.0)
        y_bias, u_bias, v_bias = gamut.matrix[:, 3].tolist()
        y_change, (u_change, v_change) = _mixed(offset, gamut.matrix[0]), _chroma(offset, gamut.matrix, grid)
        if light and isinstance(gain, np.ndarray):  # the offset is 255 · (1 − gain), of no colour
            white = 255 * float(gamut.matrix[0, :3].sum())
            y_change = scaled(gain, -white, white)
        self.parts = (
            _Part(box, gain, y_change, y_bias, once),
            _Part(grid.box, share, u_change, u_bias, once),
            _Part(grid.box, share, v_change, v_bias, once),
        )
        self.boxes = (grid.pixels, grid.box, grid.box)
        self.within = (x - grid.pixels[0], y - grid.pixels[1], width, height)
        self.opaque = isinstance(share, float) and share == 0

    def __call__(self, planes: Planes) -> Planes:
        return self.do(planes, self.clips(planes))

    def clips(self, planes: Planes) -> bool:
        """Whether it acts on colours that decoders clip."""
        return bool(self.parts) and not self.opaque and self.gamut.clips(self._seen(planes))

    def do(self, planes: Planes, clips: bool) -> Planes:
        """clips: bring the source's colours into RGB first."""
        if not self.parts:
            return planes
        out = blank(planes)
        if not clips:
            for part, plane, into in zip(self.parts, planes, out, strict=True):
                part(plane, into)
            return out
        y, u, v = self.gamut.clipped(self._seen(planes))
        for part, plane, into, other in zip(self.parts, planes, out, (_cut(y, self.within), u, v), strict=True):
            part(plane, into, other)
        return out

    def _seen(self, planes: Planes) -> Planes:
        y, u, v = (_cut(plane, box) for plane, box in zip(planes, self.boxes, strict=True))
        return y, u, v


def _cut(plane: Plane, box: Box) -> Plane:
    x, y, width, height = box
    return plane[y : y + height, x : x + width]


def _gain(value: NDArray[np.floating]) -> Operand:
    if value.shape[-1] == 3 and value.ndim != 2:
        if (value != value[..., :1]).any():
            raise ValueError("a gain that differs between the colours cannot be applied in planes")
        value = value[..., 0]
    return float(value[0]) if value.size == 1 and value.ndim == 1 else np.ascontiguousarray(value, np.float32)


def _mixed(offset: NDArray[np.floating], row: NDArray[np.float64]) -> Operand:
    """The offset's colours weighted by a row of the matrix: a number, or a map where it is one."""
    import cv2

    weights = row[:3]
    if offset.ndim == 3:
        return np.asarray(cv2.transform(offset, weights[None]), np.float32).reshape(offset.shape[:2])
    if offset.size == 3:
        return float(np.sum(offset.astype(np.float64) * weights))
    total = float(weights.sum())
    if abs(total) < 1e-9:  # grays have no chroma
        return 0.0
    return np.asarray(offset * total, np.float32) if offset.ndim == 2 else float(offset[0]) * total


def _chroma(offset: NDArray[np.floating], matrix: NDArray[np.float64], grid: Grid) -> list[Operand]:
    """What the offset does to U and to V, at their own samples."""
    import cv2

    if offset.ndim != 3 or grid.averaged:
        return [grid.bring(_mixed(offset, row), 0.0) for row in matrix[1:]]
    few = grid.bring(np.asarray(offset, np.float32), 0.0)  # a quarter of them, before colours are mixed
    return list(cv2.split(cv2.transform(np.asarray(few), matrix[1:, :3])))  # type: ignore[arg-type]


class _Part:
    """What is done to one plane, inside `box` (in the plane's own samples): rounded, saturated."""

    def __init__(self, box: Box, gain: Operand, change: Operand, bias: float, once: bool) -> None:
        self.box, self.size = box, (box[3], box[2])
        if isinstance(gain, float):
            self.step = _scaled(gain, change, float(bias) * (1 - gain), once)
        else:
            self.step = _multiplied(gain, _moved(gain, change, bias))
        self.kept = None if isinstance(gain, float) else (gain, change)  # what says where nothing is changed

    def __call__(self, plane: Plane, out: Plane, instead: Plane | None = None) -> None:
        """Into `out`. instead: what the box is taken to hold."""
        inside, result = plane, out
        if plane.shape != self.size:
            out[:] = plane
            inside, result = _cut(plane, self.box), _cut(out, self.box)
        self.step(inside if instead is None else instead, result)
        if instead is not None and self.kept is not None:  # what is left alone, whatever its colour
            gain, change = self.kept
            np.copyto(result, inside, where=(gain == 1) & (np.asarray(change) == 0))


def blank(planes: Planes) -> Planes:
    """New planes of the same sizes: those that the frames bring along (`blank`), ready to be encoded, if any."""
    fresh: Callable[[], Planes] | None = getattr(planes, "blank", None)
    if fresh is not None:
        return fresh()
    y, u, v = (np.empty(plane.shape, np.uint8) for plane in planes)
    return y, u, v


Step = Callable[[Plane, Plane], Any]
"""From a plane, or a part of it, into another."""


def _scaled(gain: float, change: Operand, moved: float, once: bool) -> Step:
    """round(gain · plane + change + moved) by the cheapest OpenCV way that is exact enough."""
    import cv2

    if isinstance(change, float):
        moved += change
        if gain == 1 and moved == 0:
            return lambda plane, out: np.copyto(out, plane)
        gain, moved = single(gain), single(moved)
        return lambda plane, out: cv2.addWeighted(plane, gain, plane, 0.0, moved, out)
    if not once:
        low = float(change.min())
        step = (float(change.max()) - low) / 255
        if step <= STEP:
            held = np.rint((change - low) / (step or 1.0)).astype(np.uint8)
            gain, step, moved = single(gain), single(step), single(low + moved)
            return lambda plane, out: cv2.addWeighted(plane, gain, held, step, moved, out)
    gain, change = single(gain), change + np.float32(moved)
    return lambda plane, out: cv2.addWeighted(plane, gain, change, 1.0, 0.0, out, cv2.CV_8U)


def _moved(gain: Map, change: Operand, bias: float) -> Map:
    """bias · (1 − gain) + change, in one pass."""
    import cv2

    if isinstance(change, float):
        return scaled(gain, -bias, bias + change)
    changed = cv2.addWeighted(gain, -single(bias), change + np.float32(bias), 1.0, 0.0)
    return np.asarray(changed, np.float32).reshape(gain.shape)


def _multiplied(gain: Map, total: Map) -> Step:
    import cv2

    return lambda plane, out: cv2.add(cv2.multiply(plane, gain, dtype=cv2.CV_32F), total, dst=out, dtype=cv2.CV_8U)
