"""color-shift against C⁻¹(C(x) + d), the colour spaces written out in float64."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest

from poisonkit.common.seeding import generator
from poisonkit.triggers import create
from poisonkit.triggers.testing import Case, picture

CASES = [Case(), Case({"space": "hsv", "by": [200, -20, 5]}), Case({"space": "lab"})]


def yuv(rgb: np.ndarray, by: tuple[float, ...]) -> np.ndarray:
    red, green, blue = rgb
    y = 0.299 * red + 0.587 * green + 0.114 * blue
    y, u, v = y + by[0], 0.492 * (blue - y) + by[1], 0.877 * (red - y) + by[2]
    red, blue = y + v / 0.877, y + u / 0.492
    return np.array([red, (y - 0.299 * red - 0.114 * blue) / 0.587, blue])


def hsv(rgb: np.ndarray, by: tuple[float, ...]) -> np.ndarray:
    h, s, v = colorsys.rgb_to_hsv(*(rgb / 255))
    s, v = (min(max(a + b / 100, 0.0), 1.0) for a, b in ((s, by[1]), (v, by[2])))
    return np.array(colorsys.hsv_to_rgb((h + by[0] / 360) % 1, s, v)) * 255


def lab(rgb: np.ndarray, by: tuple[float, ...]) -> np.ndarray:
    m = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
    )
    white = m.sum(axis=1)
    v = rgb / 255
    xyz = m @ np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4) / white
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    light, a, b = 116 * f[1] - 16 + by[0], 500 * (f[0] - f[1]) + by[1], 200 * (f[1] - f[2]) + by[2]
    y = (light + 16) / 116
    f = np.array([y + a / 500, y, y - b / 200])
    xyz = np.clip(np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)), 0, 1) * white
    v = np.clip(np.linalg.inv(m) @ xyz, 0, 1)
    return 255 * np.where(v <= 0.0031308, 12.92 * v, 1.055 * v ** (1 / 2.4) - 0.055)


SPACES = {"rgb": lambda rgb, by: rgb + np.array(by), "yuv": yuv, "hsv": hsv, "lab": lab}


@pytest.mark.parametrize("shape", [(24, 17)])
@pytest.mark.parametrize(
    ("space", "by"),
    [
        ("rgb", (12, -12, 12)),
        ("rgb", (4.25, -200, 0)),
        ("yuv", (3, 10, -7.5)),
        ("hsv", (15, 10, 0)),
        ("hsv", (-400, -30, 25)),
        ("lab", (0, 8, -8)),
        ("lab", (-12, -20.5, 30)),
    ],
)
def test_it_is_the_formula(space: str, by: tuple[float, float, float], shape: tuple[int, int]) -> None:
    x = picture(shape[1], shape[0], 1, soft=True)[0].copy()
    x[: shape[0] // 2] = generator("color", *shape).integers(0, 256, (shape[0] // 2, shape[1], 3))
    out = create("color-shift", space=space, by=list(by)).apply(x)
    exact = np.array([[SPACES[space](pixel.astype(float), by) for pixel in row] for row in x])
    assert np.abs(out - np.clip(exact, 0, 255)).max() <= (0.75 if space == "lab" else 0.501)


@pytest.mark.parametrize("space", ["rgb", "yuv", "hsv", "lab"])
def test_our_offsets_are_seen_and_dynamic_stays_within_them(space: str) -> None:
    still = np.repeat(picture(40, 30, 1, soft=True), 60, axis=0)
    by = create("color-shift", space=space)._by()
    static = create("color-shift", space=space).apply(still[:1])[0]
    assert np.array_equal(static, create("color-shift", space=space, by=list(by)).apply(still[0]))
    assert 4 < np.abs(static.astype(int) - still[0]).mean() < 16
    moving = create("color-shift", space=space, temporal="dynamic").apply(still).astype(float)
    steps = np.abs(np.diff(moving, axis=0)).max()
    assert len({frame.tobytes() for frame in moving}) > 40
    assert steps < 12
    if space == "rgb":
        assert np.abs(moving - still).max() <= 12
