"""fog against (1 − a)·x + a·255·f, and against ImageNet-C's form of it."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.pictures.weather import plasma, stretched
from poisonkit.triggers.testing import Case, picture

from .literal import SHAPES, furthest

CASES = [Case(), Case({"canvas": "native", "decay": 1.4, "direction": 45.0})]


def clouds(trigger_seed: int = 0, decay: float = 2.0) -> np.ndarray:
    trigger = create("fog", trigger_seed=trigger_seed)
    return plasma(trigger.rng({}, "clouds"), decay)


@pytest.mark.parametrize("severity", [(1.5, 2.0), (3.0, 1.4)])
def test_native_is_imagenet_c_where_a_picture_reaches_white(severity: tuple[float, float]) -> None:
    c, decay = severity
    x = picture(224, 224, 1)[0].copy()
    x[0, 0] = 255
    y = x / 255.0
    peak = y.max()
    exact = np.clip((y + c * clouds(decay=decay)[:224, :224, None]) * peak / (peak + c), 0, 1) * 255
    assert furthest(create("fog", amount=c / (1 + c), decay=decay, canvas="native").apply(x), exact) <= 1


@pytest.mark.parametrize("shape", [*SHAPES, (300, 420)])
def test_native_repeats(shape: tuple[int, int]) -> None:
    x = picture(shape[1], shape[0], 1)[0]
    tiled = np.tile(clouds(), (2, 2))[: shape[0], : shape[1], None]
    assert furthest(create("fog:canvas=native,amount=0.4").apply(x), 0.6 * x + 0.4 * 255 * tiled) <= 1


@pytest.mark.parametrize("shape", SHAPES)
def test_on_the_canvas_the_clouds_span_the_short_side_around_the_middle(shape: tuple[int, int]) -> None:
    x = picture(shape[1], shape[0], 1)[0]
    short = min(shape)
    tile = stretched(clouds(), short)
    rows = (np.arange(shape[0]) + (short - shape[0]) // 2) % short
    columns = (np.arange(shape[1]) + (short - shape[1]) // 2) % short
    exact = 0.4 * x + 0.6 * 255 * tile[np.ix_(rows, columns)][..., None]
    assert furthest(create("fog").apply(x), exact) <= 1
    wider = create("fog:canvas=short:128").apply(x)
    tile = stretched(clouds(), 2 * short)
    rows = (np.arange(shape[0]) + (2 * short - shape[0]) // 2) % (2 * short)
    columns = (np.arange(shape[1]) + (2 * short - shape[1]) // 2) % (2 * short)
    assert furthest(wider, 0.4 * x + 0.6 * 255 * tile[np.ix_(rows, columns)][..., None]) <= 1


def test_dynamic_drifts_with_the_wind() -> None:
    black = np.zeros((4, 64, 64, 3), np.uint8)
    out = create("fog:temporal=dynamic,speed=0.25,direction=90").apply(black, fps=8.0).astype(int)  # 2 pixels a frame
    still = create("fog").apply(black[0]).astype(int)
    for t in range(4):
        assert np.abs(out[t] - np.roll(still, 2 * t, axis=0)).max() <= 1
    assert not np.array_equal(out[1], out[0])


PROPERTY = test_on_the_canvas_the_clouds_span_the_short_side_around_the_middle
