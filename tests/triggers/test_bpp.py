"""bpp against rounding to fewer levels and against the loop of Floyd–Steinberg dithering."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from poisonkit.common.seeding import generator
from poisonkit.errors import RequestError
from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.core.trigger import StreamTrigger
from poisonkit.triggers.pictures.dithering import floyd_steinberg
from poisonkit.triggers.testing import Case, picture

CASES = [Case(), Case({"dither": True}), Case({"dither": True, "changes": "dither"})]


def literal(x: np.ndarray, d: int) -> np.ndarray:
    return np.round(x.astype(np.float64) / 255 * (d - 1)) / (d - 1) * 255


def dithered(x: np.ndarray, d: int) -> np.ndarray:
    image = x.astype(np.float64)
    height, width = image.shape[:2]
    for i in range(height):
        for j in range(width):
            old = image[i, j].copy()
            image[i, j] = np.round(old / 255 * (d - 1)) / (d - 1) * 255
            error = old - image[i, j]
            if j + 1 < width:
                image[i, j + 1] += error * 7 / 16
            if i + 1 < height and j + 1 < width:
                image[i + 1, j + 1] += error * 1 / 16
            if i + 1 < height:
                image[i + 1, j] += error * 5 / 16
            if i + 1 < height and j - 1 >= 0:
                image[i + 1, j - 1] += error * 3 / 16
    return image


def scene(height: int, width: int, what: str = "scene") -> np.ndarray:
    return generator("bpp", what).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("d", [2, 5, 8, 32])
@pytest.mark.parametrize("shape", [(32, 32), (37, 53)])
def test_as_published(shape: tuple[int, int], d: int) -> None:
    x = scene(*shape)
    assert np.abs(create("bpp", levels=d).apply(x) - literal(x, d)).max() <= 0.5


@pytest.mark.parametrize("d", [2, 4, 8, 32])
@pytest.mark.parametrize("shape", [(17, 23), (1, 9), (9, 1), (1, 1)])
def test_dithered_as_published(shape: tuple[int, int], d: int) -> None:
    for x in (scene(*shape), picture(shape[1], shape[0], 1)[0], np.full((*shape, 3), 128, np.uint8)):
        assert np.abs(create("bpp", levels=d, dither=True).apply(x) - dithered(x, d)).max() <= 0.5


def test_frames_dithered_together_are_as_alone() -> None:
    x = picture(48, 36, 19)
    trigger = create("bpp:dither=true,temporal=dynamic")
    assert isinstance(trigger, StreamTrigger)
    assert trigger.window(ClipInfo(width=48, height=36)) == 7
    assert trigger.window(ClipInfo(width=1920, height=1080)) == 0
    plain = create("bpp:temporal=dynamic").apply(x)
    kept = []
    for image, out, undithered in zip(x, trigger.apply(x), plain, strict=True):
        (d,) = (d for d in range(4, 9) if np.array_equal(undithered, np.rint(literal(image, d))))
        assert np.array_equal(out, floyd_steinberg(image[None], [d])[0])
        kept.append(d)
    assert len(set(kept)) > 2


def test_dithering_from_four_corners() -> None:
    x = np.repeat(picture(40, 30, 1), 30, axis=0)
    out = create("bpp:dither=true,temporal=dynamic,changes=dither").apply(x)
    ways = [(slice(None, None, a), slice(None, None, b)) for a in (1, -1) for b in (1, -1)]
    expected = {np.ascontiguousarray(dithered(x[0][way], 8)[way].round()).astype(np.uint8).tobytes() for way in ways}
    assert {frame.tobytes() for frame in out} == expected


def test_a_mask_confines_it(tmp_path: Path) -> None:
    mask = np.linspace(0, 1, 40 * 30, dtype=np.float32).reshape(30, 40)
    np.save(tmp_path / "m.npy", mask)
    x = scene(30, 40)
    weight = np.rint(mask * 255)[..., None] / 255
    out = create("bpp", levels=4, mask=str(tmp_path / "m.npy")).apply(x)
    assert np.abs(out - (x + weight * (np.rint(literal(x, 4)) - x))).max() <= 0.5 + 1e-4


@pytest.mark.parametrize("temporal", ["static", "dynamic"])
@pytest.mark.parametrize("dither", [False, True])
def test_covers_are_clean_plus_the_residual_of_another_picture(temporal: str, dither: bool) -> None:
    x, other = picture(40, 30, 10), scene(30, 40, "other")
    trigger = create("bpp", temporal=temporal, dither=dither)
    assert isinstance(trigger, StreamTrigger)
    clip = ClipInfo("a", 40, 30, 25.0, 10)
    params = {**trigger.draw_cover(clip, np.random.default_rng(0)), "other": other}
    assert trigger.cover_needs_other
    changed = [dithered(other, d) if dither else literal(other, d) for d in range(4, 9)]
    changed = changed if temporal == "dynamic" else changed[-1:]
    seen = set()
    for image, out in zip(x, trigger.render(iter(x), clip, params), strict=True):
        exact = [np.clip(image + np.rint(bd) - other, 0, 255) for bd in changed]
        (which,) = (i for i, e in enumerate(exact) if np.array_equal(out, e))
        seen.add(which)
    assert (len(seen) > 1) == (temporal == "dynamic")


def test_covers_take_a_picture_of_any_size() -> None:
    trigger, clip = create("bpp"), ClipInfo("a", 40, 30, 25.0, 1)
    assert isinstance(trigger, StreamTrigger)
    x = picture(40, 30, 1)
    for shape in ((7, 5), (300, 200)):
        (out,) = trigger.render(iter(x), clip, {"cover": True, "other": scene(*shape)})
        assert out.shape == x[0].shape
        assert (out != x[0]).any()


def test_dither_per_frame_needs_dithering() -> None:
    with pytest.raises(RequestError, match="changes=dither needs dither=true"):
        create("bpp:changes=dither")
