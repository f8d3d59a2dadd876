"""luminance-wave against x·(1 + a·sin(2πft + φ)) and x + 255·a·sin(2πft + φ); and the waves that wander."""

from __future__ import annotations

import math

import numpy as np
import pytest

from poisonkit.triggers import create, get
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import Case, picture

CASES = [Case(), Case({"form": "additive"})]


@pytest.mark.parametrize(("f", "a", "phi"), [(2.5, 0.05, 0.0), (6.5, 0.6, 1.0), (0.7, 1.0, -2.0)])
@pytest.mark.parametrize("form", ["multiplicative", "additive"])
@pytest.mark.parametrize(("size", "fps"), [((32, 24), 30000 / 1001), ((20, 31), 50.0)])
def test_static_is_the_formula(size: tuple[int, int], fps: float, form: str, f: float, a: float, phi: float) -> None:
    x = picture(*size, 30, soft=True)
    out = create("luminance-wave", form=form, frequency=f, amplitude=a, phase=phi).apply(x, fps=fps)
    for t in range(30):
        s = math.sin(2 * math.pi * f * (t / fps) + phi)
        exact = x[t] * (1 + a * s) if form == "multiplicative" else x[t] + 255 * a * s
        assert np.abs(out[t] - np.clip(exact, 0, 255)).max() <= 0.5 + 1e-9


def test_the_mean_luminance_follows_the_sine() -> None:
    x = np.repeat(picture(64, 48, 1, soft=True), 50, axis=0)
    mean = create("luminance-wave").apply(x).mean(axis=(1, 2, 3)) / x.mean() - 1
    assert np.abs(mean - 0.05 * np.sin(2 * np.pi * 2.5 * np.arange(50) / 25)).max() < 0.002


def _gains(text: str, seconds: float = 20.0, fps: float = 1000.0) -> np.ndarray:
    trigger = create(text)
    clip = ClipInfo("a", 8, 8, fps, int(seconds * fps))
    fields = trigger.fields(clip, trigger.draw(clip, np.random.default_rng(0)))  # type: ignore[attr-defined]
    return np.array([fields(t).gain for t in range(clip.frames)])


def test_dynamic_frequency_wanders_within_its_band_and_the_wave_never_jumps() -> None:
    gain = _gains("luminance-wave:temporal=dynamic,amplitude=1,frequency=2,spread=0.4")
    assert gain[0] == 1
    assert np.abs(np.diff(gain)).max() < 2 * math.pi * 2.8 / 1000 * 1.01
    rates = 1 / np.diff(np.flatnonzero((gain[:-1] < 1) & (gain[1:] >= 1)) / 1000)
    assert rates.min() > 1.2 - 0.01
    assert rates.max() < 2.8 + 0.01
    assert rates.max() - rates.min() > 0.4
    none = _gains("luminance-wave:temporal=dynamic,spread=0")
    assert np.abs(none - _gains("luminance-wave")).max() < 1e-9


def test_dynamic_is_a_function_of_time_not_of_the_frame_rate() -> None:
    slow, fast = (_gains("luminance-wave:temporal=dynamic", 4, fps) for fps in (25, 50))
    assert np.allclose(slow, fast[::2])


@pytest.mark.parametrize("name", ["luminance-wave", "chrominance-wave", "flicker"])
def test_defaults_stay_out_of_the_photosensitive_band_and_above_six_frames_a_cycle(name: str) -> None:
    fields = get(name).model_fields
    highest = fields["frequency"].default * (1 + fields["spread"].default if "spread" in fields else 1)
    assert highest < 3
    assert 25 / highest >= 6


@pytest.mark.parametrize("name", ["luminance-wave", "chrominance-wave", "flicker"])
def test_frequencies_that_the_frame_rate_cannot_show_do_not_suit(name: str) -> None:
    clip = ClipInfo("a", 8, 8, 25.0, 10)
    assert create(f"{name}:frequency=12.4").suits(clip) is None
    assert "cannot show 12.5 Hz" in str(create(f"{name}:frequency=12.5").suits(clip))
    assert "frame rate" in str(create(name).suits(ClipInfo("a", 8, 8)))
    if name != "flicker":
        moving = create(f"{name}:frequency=11,spread=0.2,temporal=dynamic")
        assert "cannot show 13.2 Hz" in str(moving.suits(clip))
