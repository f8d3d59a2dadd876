"""lamp-flicker against x·(1 + a·sin(2πft + φ))."""

from __future__ import annotations

import math

import numpy as np
import pytest

from poisonkit.triggers import create, get
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import picture


@pytest.mark.parametrize(("f", "a", "phi"), [(2.0, 0.1, 0.0), (6.5, 0.3, 1.0), (0.7, 1.0, -2.0)])
@pytest.mark.parametrize("fps", [25.0, 30000 / 1001])
def test_static_is_the_formula(f: float, a: float, phi: float, fps: float) -> None:
    x = picture(24, 18, 30)
    out = create("lamp-flicker", frequency=f, amplitude=a, phase=phi).apply(x, fps=fps)
    for t in range(30):
        gain = 1 + a * math.sin(2 * math.pi * f * (t / fps) + phi)
        assert np.array_equal(out[t], np.clip(np.rint(x[t].astype(float) * gain), 0, 255))


def _fields(text: str, seconds: float = 20.0, fps: float = 1000.0) -> np.ndarray:
    trigger = create(text)
    clip = ClipInfo("a", 8, 8, fps, int(seconds * fps))
    fields = trigger.fields(clip, trigger.draw(clip, np.random.default_rng(0)))  # type: ignore[attr-defined]
    return np.array([fields(t).gain for t in range(clip.frames)])


def test_dynamic_frequency_wanders_within_its_band_and_the_light_never_jumps() -> None:
    gain = _fields("lamp-flicker:temporal=dynamic,amplitude=1")
    assert gain[0] == 1
    assert np.abs(np.diff(gain)).max() < 2 * math.pi * 2.8 / 1000 * 1.01
    up = np.flatnonzero((gain[:-1] < 1) & (gain[1:] >= 1)) / 1000
    rates = 1 / np.diff(up)
    assert rates.min() > 1.2 - 0.01
    assert rates.max() < 2.8 + 0.01
    assert rates.max() - rates.min() > 0.4
    assert np.abs(np.diff(_fields("lamp-flicker:temporal=dynamic,spread=0") - _fields("lamp-flicker"))).max() < 1e-9


def test_dynamic_is_a_function_of_time_not_of_the_frame_rate() -> None:
    slow, fast = (_fields("lamp-flicker:temporal=dynamic", 4, fps) for fps in (25, 50))
    assert np.allclose(slow, fast[::2])


def test_the_default_stays_out_of_the_photosensitive_band() -> None:
    fields = get("lamp-flicker").model_fields
    assert fields["frequency"].default * (1 + fields["spread"].default) < 3


def test_frequencies_that_the_frame_rate_cannot_show_do_not_suit() -> None:
    clip = ClipInfo("a", 8, 8, 25.0, 10)
    assert create("lamp-flicker:frequency=12.4").suits(clip) is None
    assert "cannot show 12.5 Hz" in str(create("lamp-flicker:frequency=12.5").suits(clip))
    assert "cannot show 14 Hz" in str(create("lamp-flicker:frequency=10,temporal=dynamic").suits(clip))
    assert "frame rate" in str(create("lamp-flicker").suits(ClipInfo("a", 8, 8)))
