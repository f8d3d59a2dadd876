"""photo-filter against its steps, written out in float64, and the looks' own marks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from poisonkit.common.seeding import generator
from poisonkit.triggers import create
from poisonkit.triggers.testing import Case, picture

CASES = [Case(), Case({"look": "lomo", "strength": 0.5}), Case({"look": "toaster"})]

LOOKS = ["gotham", "nashville", "kelvin", "lomo", "toaster"]


def s_curve(v: float) -> float:
    def logistic(z: float) -> float:
        return 1 / (1 + math.exp(-3 * (z - 0.5)))

    return (logistic(min(max(v, 0), 1)) - logistic(0)) / (logistic(1) - logistic(0))


def curve(look: str, v: float, c: int) -> float:
    if look == "gotham":
        return s_curve(s_curve((0.8 * v + 0.2 * (0x22, 0x2B, 0x6D)[c] / 255) ** 2))
    if look == "nashville":
        v += 0.5 * (1 - v) * ((0x22, 0x2B, 0x6D)[c] / 255 - v)
        return s_curve(v + 0.5 * v * ((0xF7, 0xDA, 0xAE)[c] / 255 - v))
    if look == "kelvin":
        return v * (0.5 + 0.5 * (0xFF, 0x99, 0x00)[c] / 255)
    if look == "lomo":
        return (v - 0.33) / 0.67 if c < 2 else v
    v += 0.5 * (1 - v) * ((0x33, 0, 0)[c] / 255 - v)
    return s_curve(s_curve(v ** (1 / 1.2)))


def literal(x: np.ndarray, look: str, strength: float) -> np.ndarray:
    brightness, saturation = {
        "gotham": (1.2, 0.1),
        "nashville": (1, 1.5),
        "kelvin": (1.2, 0.5),
        "toaster": (1.5, 0.8),
    }.get(look, (1, 1))
    height, width = x.shape[:2]
    out = np.empty(x.shape)
    for i in range(height):
        for j in range(width):
            red, green, blue = x[i, j] / 255
            luma = 0.299 * red + 0.587 * green + 0.114 * blue
            r = math.hypot(i + 0.5 - height / 2, j + 0.5 - width / 2) / min(height, width) / (1.5 * math.sqrt(0.5))
            r = min(r, 1)
            for c, v in enumerate((red, green, blue)):
                v = min(max(brightness * (luma + saturation * (v - luma)), 0), 1)
                v = min(max(curve(look, v, c), 0), 1)
                if look == "lomo":
                    v *= 1 - r
                if look == "toaster":
                    v *= 1 + r * ((0xCD, 0xC1, 0xC5)[c] / 255 - 1)
                    middle = (0xFF, 0x99, 0x66)[c] / 255
                    v *= middle + r * (1 - middle)
                out[i, j, c] = x[i, j, c] + strength * (255 * v - x[i, j, c])
    return out


@pytest.mark.parametrize("shape", [(24, 32), (53, 37), (32, 32)])
@pytest.mark.parametrize("look", LOOKS)
def test_the_steps(look: str, shape: tuple[int, int]) -> None:
    x = picture(shape[1], shape[0], 1)[0].copy()
    x[: shape[0] // 2] = generator("photo", *shape).integers(0, 256, (shape[0] // 2, shape[1], 3))
    for strength in (1.0, 0.4):
        apart = np.abs(create("photo-filter", look=look, strength=strength).apply(x) - literal(x, look, strength))
        assert apart.max() <= 3  # the matrix's result is rounded before the curve, which is steep in places
        assert apart.mean() < 0.6


@pytest.mark.parametrize("look", LOOKS)
def test_more_light_in_is_never_less_light_out(look: str) -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2)
    ramp = np.stack(
        [create("photo-filter", look=look).apply(np.full((9, 9, 3), v, np.uint8))[4, 4] for v in range(0, 256, 5)]
    )
    assert (np.diff(ramp.astype(int), axis=0) >= 0).all()
    assert ramp[-1].astype(int).sum() - ramp[0].astype(int).sum() > 300


def test_the_looks_marks() -> None:
    x = generator("photo", "marks").integers(0, 256, (40, 60, 3), dtype=np.uint8)
    by = {look: create("photo-filter", look=look).apply(x).astype(float) for look in LOOKS}
    spread = {look: np.ptp(out, axis=2).mean() for look, out in by.items()}
    assert spread["gotham"] < 0.4 * np.ptp(x.astype(float), axis=2).mean()
    assert by["gotham"][..., 2].mean() > by["gotham"][..., 0].mean()
    assert by["kelvin"][..., 0].mean() > by["kelvin"][..., 1].mean() > by["kelvin"][..., 2].mean()
    for look in ("lomo", "toaster"):
        gray = create("photo-filter", look=look).apply(np.full((40, 60, 3), 180, np.uint8)).astype(float)
        assert gray[20, 30].sum() != gray[0, 0].sum()
    assert by["lomo"][:4, :4].mean() < 0.3 * by["lomo"][18:22, 28:32].mean()
    assert by["toaster"][18:22, 28:32, 0].mean() > 1.4 * by["toaster"][18:22, 28:32, 2].mean()


def test_dynamic_strength_wanders_smoothly_within_its_spread() -> None:
    still = np.repeat(picture(40, 30, 1), 100, axis=0)
    full = create("photo-filter").apply(still[0]).astype(float) - still[0]
    out = create("photo-filter:temporal=dynamic,spread=0.6").apply(still).astype(float) - still
    share = (out * full).sum(axis=(1, 2, 3)) / (full**2).sum()
    assert share.min() > 0.38
    assert share.max() < 1.02
    assert np.ptp(share) > 0.3
    assert np.abs(np.diff(share)).max() < 0.06


PROPERTY = test_more_light_in_is_never_less_light_out
