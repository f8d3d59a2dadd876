"""fog against Koschmieder's model, against (1 − a)·x + a·255·f, and against ImageNet-C's form of it."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.pictures.weather import plasma, stretched
from poisonkit.triggers.testing import Case, picture

from .literal import SHAPES, furthest

CASES = [
    Case(),
    Case({"canvas": "native", "decay": 1.4, "direction": 45.0}),
    Case({"form": "imagenet-c"}),
    Case({"density": 4.0, "patches": 1.0, "air": 120}),
]


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
    assert (
        furthest(create("fog", form="imagenet-c", amount=c / (1 + c), decay=decay, canvas="native").apply(x), exact)
        <= 1
    )


@pytest.mark.parametrize("shape", [*SHAPES, (300, 420)])
def test_native_repeats(shape: tuple[int, int]) -> None:
    x = picture(shape[1], shape[0], 1)[0]
    tiled = np.tile(clouds(), (2, 2))[: shape[0], : shape[1], None]
    assert furthest(create("fog:form=imagenet-c,canvas=native,amount=0.4").apply(x), 0.6 * x + 0.4 * 255 * tiled) <= 1


@pytest.mark.parametrize("shape", SHAPES)
def test_on_the_canvas_the_clouds_span_the_short_side_around_the_middle(shape: tuple[int, int]) -> None:
    x = picture(shape[1], shape[0], 1)[0]
    short = min(shape)
    tile = stretched(clouds(), short)
    rows = (np.arange(shape[0]) + (short - shape[0]) // 2) % short
    columns = (np.arange(shape[1]) + (short - shape[1]) // 2) % short
    exact = 0.4 * x + 0.6 * 255 * tile[np.ix_(rows, columns)][..., None]
    assert furthest(create("fog:form=imagenet-c").apply(x), exact) <= 1
    through = np.exp(-1.5 * (0.2 + 0.8 * tile[np.ix_(rows, columns)][..., None]))
    assert furthest(create("fog").apply(x), x * through + 230 * (1 - through)) <= 1
    wider = create("fog:form=imagenet-c,canvas=short:128").apply(x)
    tile = stretched(clouds(), 2 * short)
    rows = (np.arange(shape[0]) + (2 * short - shape[0]) // 2) % (2 * short)
    columns = (np.arange(shape[1]) + (2 * short - shape[1]) // 2) % (2 * short)
    assert furthest(wider, 0.4 * x + 0.6 * 255 * tile[np.ix_(rows, columns)][..., None]) <= 1


def test_dynamic_drifts_with_the_wind() -> None:
    black = np.zeros((4, 64, 64, 3), np.uint8)
    out = create("fog:temporal=dynamic,speed=0.25,direction=90").apply(black, fps=8.0).astype(int)  # 2 pixels a frame
    still = create("fog").apply(black[0]).astype(int)
    assert still.min() > 230 * (1 - np.exp(-0.3)) - 1
    for t in range(4):
        assert np.abs(out[t] - np.roll(still, 2 * t, axis=0)).max() <= 1
    assert not np.array_equal(out[1], out[0])


@pytest.mark.parametrize("params", [{}, {"density": 6.0, "air": 90}, {"patches": 0.0, "density": 0.7}])
def test_no_pixel_is_darker_than_both_the_scene_and_the_air(params: dict[str, float]) -> None:
    x = picture(64, 48, 1)[0]
    trigger = create("fog", **params)
    assert (trigger.apply(x) >= np.minimum(x, trigger.air)).all()  # type: ignore[attr-defined]
    assert (trigger.apply(x) <= np.maximum(x, trigger.air)).all()  # type: ignore[attr-defined]
    if params.get("patches") == 0.0:
        assert furthest(trigger.apply(x), x * np.exp(-0.7) + 230 * (1 - np.exp(-0.7))) <= 0.51


PROPERTY = test_on_the_canvas_the_clouds_span_the_short_side_around_the_middle
