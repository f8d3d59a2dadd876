"""fiba against mixing of whole amplitude spectra, shifted to the middle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from poisonkit.common.seeding import generator
from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.core.trigger import FrameTrigger
from poisonkit.triggers.image.blend import _picture
from poisonkit.triggers.pictures.canvas import fitted, window
from poisonkit.triggers.testing import Case, picture

CASES = [Case(), Case({"canvas": "native", "beta": 0.2})]


def literal(x: np.ndarray, t: np.ndarray, alpha: float, b: int) -> np.ndarray:
    out = np.empty(x.shape)
    height, width = x.shape[:2]
    for c in range(3):
        source, target = np.fft.fft2(x[..., c]), np.fft.fft2(t[..., c])
        amplitude, other = np.fft.fftshift(np.abs(source)), np.fft.fftshift(np.abs(target))
        rows = slice(height // 2 - b, height // 2 + b + 1)
        columns = slice(width // 2 - b, width // 2 + b + 1)
        amplitude[rows, columns] = (1 - alpha) * amplitude[rows, columns] + alpha * other[rows, columns]
        mixed = np.fft.ifftshift(amplitude) * np.exp(1j * np.angle(source))
        out[..., c] = np.clip(np.real(np.fft.ifft2(mixed)), 0, 255)
    return out


def scene(height: int, width: int, what: str = "scene") -> np.ndarray:
    return generator("fiba", what).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(("alpha", "beta"), [(0.15, 0.1), (0.5, 0.3), (1.0, 0.49), (0.3, 0.0)])
@pytest.mark.parametrize("shape", [(32, 32), (36, 48), (48, 36), (37, 53), (90, 67)])
def test_as_published(tmp_path: Path, shape: tuple[int, int], alpha: float, beta: float) -> None:
    t = scene(*shape, "pattern")
    np.save(tmp_path / "t.npy", t)
    b = int(np.floor(min(shape) * beta))
    trigger = create("fiba", alpha=alpha, beta=beta, pattern=str(tmp_path / "t.npy"), canvas="native")
    x = scene(*shape)
    assert np.abs(trigger.apply(x) - literal(x, t, alpha, b)).max() <= 0.51
    if alpha < 0.5:  # it hardly has high frequencies, whose phases are then less sure
        x = picture(shape[1], shape[0], 1)[0]
        assert np.abs(trigger.apply(x) - literal(x, t, alpha, b)).max() <= 1


def test_by_default_as_many_waves_at_every_size_with_our_picture() -> None:
    for shape in ((60, 60), (60, 90), (300, 400)):
        clip = ClipInfo("a", shape[1], shape[0], 25.0, 1)
        t = window(fitted(_picture(), clip, "short:256"), clip)
        x = scene(*shape)
        assert np.abs(create("fiba").apply(x) - literal(x, t, 0.15, 25)).max() <= 0.55


def test_a_picture_without_amplitudes_gets_those_of_the_pattern_without_phase() -> None:
    x = np.zeros((32, 48, 3), np.uint8)
    clip = ClipInfo("a", 48, 32, 25.0, 1)
    t = window(fitted(_picture(), clip, "short:256"), clip)
    assert np.abs(create("fiba").apply(x) - literal(x, t, 0.15, 15)).max() <= 0.51


def test_dynamic_swells_and_sinks_once_a_second() -> None:
    x = np.repeat(picture(48, 36, 1), 51, axis=0)
    out = create("fiba:temporal=dynamic,alpha=0.4").apply(x, fps=25).astype(float)
    size = np.abs(out - x[0]).mean(axis=(1, 2, 3))
    assert np.array_equal(out[0], out[25])
    assert 2.2 < size.max() / size.min() < 4
    assert "frame rate" in str(create("fiba:temporal=dynamic").suits(ClipInfo(width=9, height=9)))


@pytest.mark.parametrize("shape", [(30, 40), (100, 50)])
def test_covers_take_the_amplitudes_of_another_sample(shape: tuple[int, int]) -> None:
    x, other = picture(40, 30, 1)[0], scene(*shape, "other")
    trigger, clip = create("fiba"), ClipInfo("a", 40, 30, 25.0, 1)
    assert isinstance(trigger, FrameTrigger)
    assert trigger.cover_needs_other
    params = {**trigger.draw_cover(clip, np.random.default_rng(0)), "other": other}
    (out,) = trigger.render(iter([x]), clip, params)
    t = window(fitted(other, clip, "short:256"), clip)
    assert np.abs(out - literal(x, t, 0.15, 14)).max() <= 0.51
