"""flicker: one offset per frame and colour; its sequence is smooth, bounded and band-limited."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import picture


def sequence(text: str, frames: int = 4000, fps: float = 50.0) -> np.ndarray:
    trigger = create(text)
    clip = ClipInfo("a", 8, 8, fps, frames)
    fields = trigger.fields(clip, trigger.draw(clip, np.random.default_rng(0)))  # type: ignore[attr-defined]
    return np.array([fields(t).offset for t in range(frames)])


@pytest.mark.parametrize("temporal", ["static", "dynamic"])
@pytest.mark.parametrize("size", [(53, 37), (32, 32)])
def test_it_is_one_offset_for_all_pixels(size: tuple[int, int], temporal: str) -> None:
    x = picture(*size, 20)
    text = f"flicker:temporal={temporal},amplitude=60"
    out, delta = create(text).apply(x), sequence(text, 20, 25.0)
    exact = np.clip(x + delta[:, None, None, :], 0, 255)
    assert np.abs(out - exact).max() <= 0.5 + 1e-4


@pytest.mark.parametrize("f", [2.5, 6.0])
def test_static_is_a_sine_with_a_phase_for_each_colour(f: float) -> None:
    delta = sequence(f"flicker:frequency={f}")
    angle = 2 * np.pi * f * np.arange(4000) / 50
    basis = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    fit = np.linalg.lstsq(basis, delta, rcond=None)[0]
    assert np.abs(basis @ fit - delta).max() < 1e-3
    assert np.hypot(*fit) == pytest.approx([4, 4, 4], abs=1e-3)
    phases = np.arctan2(fit[1], fit[0])
    assert np.abs(np.diff(np.sort(phases))).min() > 0.05


def test_dynamic_is_bounded_and_holds_no_frequency_above_the_given_one() -> None:
    delta = sequence("flicker:temporal=dynamic,frequency=2")
    assert 3 < np.abs(delta).max() <= 4
    power = np.abs(np.fft.rfft(delta * np.hanning(4000)[:, None], axis=0)) ** 2
    rates = np.fft.rfftfreq(4000, 1 / 50)
    assert power[rates > 2.1].sum() < 1e-4 * power.sum()
    assert power[rates < 0.5].sum() < 1e-3 * power.sum()
    cycle = round(50 / 2)
    assert np.abs(delta[cycle:] - delta[:-cycle]).max() > 1
    assert np.abs(np.corrcoef(delta.T) - np.eye(3)).max() < 0.5
