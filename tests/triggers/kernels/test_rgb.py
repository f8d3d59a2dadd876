"""The affine kernel against the literal formula in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from poisonkit.common.seeding import generator
from poisonkit.triggers.core.affine import Affine, Mix, Screen
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.kernels.rgb import compile_affine

H, W = 37, 51
CLIP = ClipInfo(width=W, height=H, fps=25, frames=3)
BOX = (5, 7, 20, 11)


def _operand(form: str, low: float, high: float, height: int, width: int) -> Any:
    rng = generator("kernel", form, low)
    shapes = {"vector": (3,), "map": (height, width), "image": (height, width, 3)}
    if form in shapes:
        return rng.uniform(low, high, shapes[form]).astype(np.float32)
    return {"none": (low + high) / 2, "number": low + 0.377 * (high - low)}[form]


def _literal(affine: Affine, image: np.ndarray) -> np.ndarray:
    out = image.copy()
    x, y, w, h = affine.box or (0, 0, W, H)

    def spread(value: Any) -> np.ndarray:
        array = np.asarray(value, np.float64)
        return array[..., None] if array.ndim == 2 else array

    inside = spread(affine.gain) * image[y : y + h, x : x + w].astype(np.float64) + spread(affine.offset)
    out[y : y + h, x : x + w] = np.clip(np.rint(inside), 0, 255).astype(np.uint8)
    return out


def _image(height: int = H, width: int = W) -> np.ndarray:
    image = generator("kernel", "image").integers(0, 256, (height, width, 3), dtype=np.uint8)
    image.flags.writeable = False
    return image


@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize("box", [None, BOX])
@pytest.mark.parametrize("offset", ["none", "number", "vector", "map", "image"])
@pytest.mark.parametrize("gain", ["none", "number", "vector", "map", "image"])
def test_every_form_equals_the_formula(gain: str, offset: str, box: Any, once: bool) -> None:
    h, w = (BOX[3], BOX[2]) if box else (H, W)
    affine = Affine(_operand(gain, 0, 2, h, w), _operand(offset, -90, 90, h, w), box)
    image = _image()
    out = compile_affine(affine, CLIP, once=once)(image)
    difference = np.abs(out.astype(int) - _literal(affine, image))
    assert out.dtype == np.uint8
    assert out.shape == image.shape
    assert difference.max() <= 1
    assert (difference > 0).mean() < 2e-4


@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize("box", [None, BOX])
@pytest.mark.parametrize("gain", ["number", "map", "image"])
def test_screens_are_the_affine_that_they_stand_for(gain: str, box: Any, once: bool) -> None:
    h, w = (BOX[3], BOX[2]) if box else (H, W)
    screen = Screen(_operand(gain, -0.1, 1.1, h, w), box)
    difference = np.abs(compile_affine(screen, CLIP, once=once)(_image()).astype(int) - _literal(screen, _image()))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 2e-4


@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize("offset", [0.5, -1.5, 7.0, 254.6, -300.0, [0.5, -0.5, 3.0]])
@pytest.mark.parametrize("gain", [1.0, 0.5, 0.0, -1.0])
def test_ties_and_saturation_are_exact(gain: float, offset: Any, once: bool) -> None:
    levels = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    value = np.float32(offset) if not isinstance(offset, list) else np.array(offset, np.float32)
    kernel = compile_affine(Affine(gain, value), ClipInfo(width=256, height=1), once=once)
    assert np.array_equal(kernel(levels), np.clip(np.rint(gain * levels.astype(float) + value), 0, 255))


@pytest.mark.parametrize("weight", [0.2, 0.15, 0.5, 1.0])
@pytest.mark.parametrize("shift", [0.0, 0.25])
def test_mixing_a_picture_in(weight: float, shift: float) -> None:
    image = _image()
    offset = np.float32(weight) * (image[::-1] + np.float32(shift))
    exact = (1 - weight) * image.astype(float) + weight * (image[::-1] + shift)
    for once in (False, True):
        out = compile_affine(Affine(1 - weight, offset), CLIP, once=once)(image)
        assert np.abs(out - np.clip(exact, 0, 255)).max() < 0.501


@pytest.mark.parametrize("affine", [Affine(), Affine(1.001, 0.0), Affine(1.0, np.zeros((H, W), np.float32))])
def test_nothing_to_do_gives_the_frame_itself(affine: Affine) -> None:
    image = _image()
    assert compile_affine(affine, CLIP)(image) is image


def test_half_levels_of_a_map_are_rounded_to_even_not_up() -> None:
    image = _image()
    affine = Affine(1.0, np.full((H, W), 0.5, np.float32))
    assert np.array_equal(compile_affine(affine, CLIP)(image), _literal(affine, image))


@pytest.mark.parametrize("weight", [0.0, 0.15, 0.2, 0.77, 1.0])
@pytest.mark.parametrize("masked", [False, True])
def test_a_mix_is_the_affine_that_it_says(weight: float, masked: bool) -> None:
    rng = generator("kernel", "mix")
    picture = rng.integers(0, 256, (H, W, 3), dtype=np.uint8)
    mask = rng.integers(0, 2, (H, W), dtype=np.uint8) * 255 if masked else None
    mix, image = Mix(weight, picture, mask), _image()
    exact = (1 - weight) * image.astype(np.float64) + weight * picture
    if mask is not None:
        exact[mask == 0] = image[mask == 0]
    out = compile_affine(mix, CLIP)(image)
    assert np.abs(out - exact).max() <= 0.5 + 1e-4
    assert np.abs(compile_affine(Affine(mix.gain, mix.offset), CLIP)(image) - exact).max() <= 0.5 + 1e-4


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (4, 1), (3, 2)])
@pytest.mark.parametrize("form", ["map", "image"])
def test_tiny_frames(size: tuple[int, int], form: str) -> None:
    h, w = size
    image = _image(h, w)
    affine = Affine(_operand(form, 0, 2, h, w), _operand(form, -90, 90, h, w))
    gain, offset = (np.asarray(v, float).reshape(h, w, -1) for v in (affine.gain, affine.offset))
    out = compile_affine(affine, ClipInfo(width=w, height=h))(image)
    assert np.abs(out - np.clip(np.rint(gain * image + offset), 0, 255)).max() <= 1


@pytest.mark.parametrize(
    "affine",
    [
        Affine(0.5, 0.0, (40, 0, 12, 5)),
        Affine(0.5, 0.0, (-1, 0, 4, 4)),
        Affine(0.5, 0.0, (0, 0, 0, 4)),
        Affine(np.ones((H, W + 1), np.float32)),
        Affine(1.0, np.ones((H, W), np.float32), BOX),
        Mix(0.5, np.zeros((W, H, 3), np.uint8)),
        Mix(0.5, np.zeros((H, W, 3), np.uint8), np.zeros((1, W), np.uint8)),
    ],
)
def test_what_does_not_fit_is_refused(affine: Affine) -> None:
    with pytest.raises(ValueError, match=r"box|shape"):
        compile_affine(affine, CLIP)
