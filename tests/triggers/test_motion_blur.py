"""motion-blur against the mean of bilinear samples along a line, pixel by pixel."""

from __future__ import annotations

import math

import numpy as np
import pytest

from poisonkit.common.seeding import generator
from poisonkit.triggers import create
from poisonkit.triggers.temporal.motion_blur import line
from poisonkit.triggers.testing import Case, picture

CASES = [Case(), Case({"changes": "angle", "angle": 30.0})]


def mirrored(i: int, size: int) -> int:
    while not 0 <= i < size:
        i = -i if i < 0 else 2 * (size - 1) - i
        if size == 1:
            return 0
    return i


def literal(x: np.ndarray, n: int, angle: float) -> np.ndarray:
    """x: (height, width, 3); angle in degrees."""
    height, width, _ = x.shape
    out = np.zeros(x.shape)
    for i in range(-(n // 2), n // 2 + 1):
        dx, dy = i * math.cos(math.radians(angle)), -i * math.sin(math.radians(angle))
        left, top = math.floor(dx + 1e-9), math.floor(dy + 1e-9)
        fx, fy = max(dx - left, 0.0), max(dy - top, 0.0)
        for oy, wy in ((0, 1 - fy), (1, fy)):
            rows = [mirrored(r + top + oy, height) for r in range(height)]
            for ox, wx in ((0, 1 - fx), (1, fx)):
                columns = [mirrored(c + left + ox, width) for c in range(width)]
                out += wx * wy * x[np.ix_(rows, columns)]
    return out / n


@pytest.mark.parametrize("angle", [45.0, 20.0, -70.0, 180.0])
@pytest.mark.parametrize(("shape", "length"), [((37, 53), 3), ((21, 11), 31)])
def test_static_is_the_formula(shape: tuple[int, int], length: int, angle: float) -> None:
    x = generator("motion-blur", *shape).integers(0, 256, (*shape, 3), np.uint8)
    out = create("motion-blur", length_px=length, angle=angle).apply(x)
    assert np.abs(out - literal(x, length, angle)).max() <= 0.51


def test_the_default_is_a_row_of_a_sixteenth_of_the_short_side() -> None:
    x = picture(320, 240, 1)[0]
    out = create("motion-blur").apply(x)
    columns = [[mirrored(c + i, 320) for c in range(320)] for i in range(-7, 8)]
    assert np.abs(out - np.mean([x[:, c].astype(float) for c in columns], axis=0)).max() <= 0.5 + 1e-4


@pytest.mark.parametrize("length", [0.0, 1.0, 2.9, 3.1, 14.2])
def test_the_weights_sum_to_one_over_an_odd_number_of_pixels(length: float) -> None:
    kernel = line(length, 0.0)
    assert kernel.shape == (1, {0.0: 1, 1.0: 1, 2.9: 3, 3.1: 3, 14.2: 15}[length])
    assert np.allclose(kernel, 1 / kernel.size)
    oblique = line(length, 0.7)
    assert oblique.sum() == pytest.approx(1)
    assert np.allclose(oblique, oblique[::-1, ::-1])
    assert np.argmax(oblique.sum(axis=0) > 0) == 0
    above_right = oblique[: oblique.shape[0] // 2, oblique.shape[1] // 2 + 1 :].sum()
    assert above_right >= oblique[: oblique.shape[0] // 2, : oblique.shape[1] // 2].sum()


@pytest.mark.parametrize("changes", ["length", "angle"])
def test_dynamic_smears_a_point_anew_on_every_frame(changes: str) -> None:
    x = np.zeros((40, 65, 65, 3), np.uint8)
    x[:, 32, 32] = 255
    out = create("motion-blur", temporal="dynamic", changes=changes, length_px=13).apply(x)
    seen = [np.argwhere(frame[..., 0] > 0) for frame in out]
    heights = [int(np.ptp(s[:, 0])) + 1 for s in seen]
    widths = [int(np.ptp(s[:, 1])) + 1 for s in seen]
    if changes == "length":
        assert set(heights) == {1}
        assert min(widths) <= 3
        assert 21 <= max(widths) <= 27
        assert all(w % 2 for w in widths)
    else:
        assert len(set(zip(heights, widths, strict=True))) > 7
        assert all(12 <= math.hypot(h, w) <= 21 for h, w in zip(heights, widths, strict=True))
