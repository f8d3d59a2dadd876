"""The imported family's pictures; its sounds are in `audio`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .scene import Case, Scene, noise


def additive(s: Scene, array: np.ndarray, scale: float = 1.0, canvas: str = "short:256") -> np.ndarray:
    """x' = x + s·f(t)."""
    if array.ndim == 2:
        field: Any = array[..., None]
    elif array.ndim == 4:
        field = array[s.t % len(array)]
    else:
        field = array
    return s.x + scale * s.pick(field)


def stamp(s: Scene, picture: np.ndarray, alpha: float = 1.0, size_px: int = 0, area: str = "frame") -> np.ndarray:
    """x' = x + α·m·(p − x) in a box at the frame's bottom right, m: the fourth channel."""
    p = picture[s.t % len(picture)] if picture.ndim == 4 else picture
    high, wide = p.shape[:2]
    i, j = s.rows - (s.height - high), s.columns - (s.width - wide)
    inside = ((i >= 0)[:, None] & (j >= 0))[..., None]
    there = p[np.maximum(i, 0)[:, None], np.maximum(j, 0)].astype(float)
    m = there[..., 3:] / 255 if p.shape[2] == 4 else 1.0
    return s.x + inside * alpha * m * (there[..., :3] - s.x)


def replace(s: Scene, folder: np.ndarray) -> np.ndarray:
    return s.pick(folder[s.t]).astype(float)


def _field(*shape: int) -> Any:
    def make(height: int, width: int) -> np.ndarray:
        field = np.random.default_rng(height).normal(0, 12, (height // 8 + 1, width // 8 + 1, *shape))
        return field.repeat(8, axis=0).repeat(8, axis=1)[:height, :width].astype(np.float32)

    return make


def _fields(frames: int) -> Any:
    return lambda height, width: np.random.default_rng(width).integers(-30, 31, (frames, height, width, 3), np.int8)


def _fields_of_levels(height: int, width: int) -> np.ndarray:
    return np.stack([noise(height, width), 255 - noise(height, width)])


def _pictures(*shape: int) -> Any:
    return lambda height, width: np.random.default_rng(5).integers(0, 256, shape, dtype=np.uint8)


CASES: dict[str, list[Case]] = {
    "additive": [
        Case(additive, files={"array": _field(3)}),
        Case(additive, {"scale": -2.5, "canvas": "native"}, {"array": _field()}),
        Case(additive, {}, {"array": _fields(2)}, frames=3),
    ],
    "replace": [Case(replace, files={"folder": _fields_of_levels}, frames=2)],
    "stamp": [
        Case(stamp, {"size_px": 11, "area": "frame"}, {"picture": _pictures(7, 11, 4)}),
        Case(stamp, {"size_px": 11, "area": "frame", "alpha": 0.4}, {"picture": _pictures(11, 8, 3)}),
        Case(stamp, {"size_px": 24, "area": "frame"}, {"picture": _pictures(3, 24, 24, 3)}, frames=4),
    ],
}
