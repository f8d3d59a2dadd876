"""temporal-dct against SciPy's 3-D cosine transform of the whole clip."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from poisonkit.common.seeding import generator
from poisonkit.triggers import create
from poisonkit.triggers.pictures.coefficients import COLUMNS, ROWS
from poisonkit.triggers.testing import Case

CASES = [Case(), Case({"coefficients": "seeded"})]


def literal(x: np.ndarray, f: Any, r: Any, c: Any, pert: float) -> np.ndarray:
    """x: (frames, height, width) of one colour, padded to its transform's length."""
    from scipy.fft import dctn, idctn

    spectrum = dctn(x.astype(np.float64), norm="ortho")
    spectrum[np.ix_(f, r, c)] += pert
    return np.asarray(np.clip(idctn(spectrum, norm="ortho"), 0, 255))


def padded(x: np.ndarray, n: int) -> np.ndarray:
    return np.concatenate([x, np.zeros((n - len(x), *x.shape[1:]))])


def noise(frames: int, height: int, width: int) -> np.ndarray:
    return generator("dct", frames, height, width).integers(0, 256, (frames, height, width, 3), np.uint8)


@pytest.mark.parametrize("pert", [50, 500])
@pytest.mark.parametrize("shape", [(2, 240, 320), (3, 221, 209)])
def test_the_published_coefficients(shape: tuple[int, int, int], pert: float) -> None:
    x = noise(*shape)
    out = create("temporal-dct", canvas="native", pert=pert).apply(x)
    exact = literal(padded(x[..., 1], 45), range(35, 45), ROWS, COLUMNS, pert)[: len(x)]
    assert np.abs(out[..., 1] - exact).max() <= 0.501


@pytest.mark.parametrize("frames", [7, 60])
@pytest.mark.parametrize("size", [(37, 53), (32, 32), (64, 33)])
def test_seeded_coefficients_on_frames_of_all_shapes(size: tuple[int, int], frames: int) -> None:
    x = noise(frames, *size)
    params: dict[str, Any] = {"coefficients": "seeded", "highest": 15, "trigger_seed": 3, "low": 0.0, "high": 0.5}
    trigger = create("temporal-dct", canvas="native", pert=20, count=6, **params)
    r, c = trigger.indices({})  # type: ignore[attr-defined]
    n = max(frames, 5)
    f = np.minimum(np.rint(np.linspace(0, 1, 6) * n).astype(int), n - 1)
    exact = literal(padded(x[..., 2], n), f, r, c, 20)[:frames]
    assert np.abs(trigger.apply(x)[..., 2] - exact).max() <= 0.501


def test_on_a_canvas_it_is_the_transform_of_the_central_square() -> None:
    x = np.full((4, 256, 256, 3), 128, np.uint8)
    square = create("temporal-dct").apply(x)
    pert = 3.0 * np.sqrt(45 * 256 * 256 / 6250)
    exact = literal(padded(x[..., 0], 45), range(35, 45), ROWS, COLUMNS, pert)[:4]
    assert np.abs(square[..., 0] - exact).max() <= 0.501
    wide = create("temporal-dct").apply(np.full((4, 256, 340, 3), 128, np.uint8))
    assert np.array_equal(wide[:, :, 42:298], square)
    assert np.array_equal(wide[:, :, :42], square[:, :, 41::-1])
