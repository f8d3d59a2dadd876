"""chrominance-wave against a sum made in YCbCr, BT.601 in full range, in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.testing import Case, picture

CASES = [Case(), Case({"channel": "both"})]

TO_YCC = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
KEPT = {"cr": (0, 1), "cb": (1, 0), "both": (1, 1)}


@pytest.mark.parametrize("channel", ["cr", "cb", "both"])
@pytest.mark.parametrize(("f", "a", "phi"), [(2.5, 3.0, 0.0), (5.0, 30.0, 0.8)])
@pytest.mark.parametrize("size", [(53, 37)])
def test_static_is_the_formula(size: tuple[int, int], f: float, a: float, phi: float, channel: str) -> None:
    x = picture(*size, 12)
    out = create("chrominance-wave", channel=channel, frequency=f, amplitude=a, phase=phi).apply(x, fps=25)
    for t in range(12):
        angle = 2 * math.pi * f * (t / 25) + phi
        ycc = x[t] @ TO_YCC.T
        if channel in ("cr", "both"):
            ycc[..., 2] += a * math.sin(angle)
        if channel in ("cb", "both"):
            ycc[..., 1] += a * (math.cos(angle) if channel == "both" else math.sin(angle))
        exact = np.clip(ycc @ np.linalg.inv(TO_YCC).T, 0, 255)
        assert np.abs(out[t] - exact).max() <= 0.5 + 0.01


def test_chroma_moves_and_luma_stays() -> None:
    x = np.full((10, 12, 16, 3), 120, np.uint8)
    ycc = create("chrominance-wave:amplitude=12").apply(x) @ TO_YCC.T
    assert np.abs(ycc[..., 0] - 120).max() < 0.6
    assert np.abs(ycc[..., 1]).max() < 0.6
    assert np.abs(ycc[:, 0, 0, 2] - 12 * np.sin(2 * np.pi * 2.5 * np.arange(10) / 25)).max() < 0.6
