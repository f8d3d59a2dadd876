"""audio-blend against (1 - α)·x + α·w, and the recordings that it plays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.sounds.recordings import recording
from poisonkit.triggers.testing import Case, sound

CASES = [
    Case(),
    Case({"sound": "bell", "mix": "add", "repeat": True}),
    Case({"sound": "whistle", "position": "spread", "duration": 0.5, "edge": 0.01}),
]

RATE = 16000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "noise.wav"
    soundfile.write(path, sound(2, 3000, RATE).T, RATE, subtype="FLOAT")
    return path


@pytest.mark.parametrize("samples", [1, 2999, 3000, 9000])
@pytest.mark.parametrize(("mix", "alpha"), [("blend", 0.2), ("add", 0.1)])
def test_published_forms(file: Path, mix: str, alpha: float, samples: int) -> None:
    x = sound(2, samples, RATE)[:, ::-1].copy()
    w = sound(2, 3000, RATE)
    expected = x.astype(np.float64)
    for i in range(min(samples, 3000)):
        turned_down = 1 - alpha if mix == "blend" else 1.0
        expected[:, i] = turned_down * x[:, i] + alpha * w[:, i]
    out = create("audio-blend", sound=str(file), alpha=alpha, mix=mix).apply(x, sample_rate=RATE)
    assert np.abs(out - np.clip(expected, -1, 1)).max() < 1e-4


def test_where_and_how_long(file: Path) -> None:
    silence = np.zeros((2, 10000), np.float32)
    w = sound(2, 3000, RATE)

    def made(**params: object) -> np.ndarray:
        return create("audio-blend", sound=str(file), alpha=1, **params).apply(silence, sample_rate=RATE)

    out = made(position="end")
    assert not out[:, :7000].any()
    assert np.array_equal(out[:, 7000:], w)
    out = made(repeat=True)
    assert np.array_equal(out, np.tile(w, 4)[:, :10000])
    out = made(duration=0.1)
    assert np.array_equal(out[:, :1600], w[:, :1600])
    assert not out[:, 1600:].any()
    out = made(position="spread", chunks=2)
    assert np.array_equal(out[:, 5000:6500], w[:, 1500:])
    assert not out[:, 1500:5000].any()


def test_files_of_other_rates_and_channels(tmp_path: Path, file: Path) -> None:
    mono = recording(create("audio-blend", sound=str(file)).sound, ClipInfo(sample_rate=RATE, channels=1))
    assert np.allclose(mono, sound(2, 3000, RATE).mean(axis=0), atol=1e-6)
    t = np.arange(44100) / 44100
    path = tmp_path / "tone.wav"
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * 1000 * t), 44100, subtype="FLOAT")
    played = recording(create("audio-blend", sound=str(path)).sound, ClipInfo(sample_rate=8000, channels=2))
    expected = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)
    assert played.shape == (1, 8000)
    assert np.abs(played[0, 100:-100] - expected[100:-100]).max() < 1e-3


@pytest.mark.parametrize("name", ["meow", "whistle", "bell"])
def test_computed_recordings_are_the_same_at_every_rate(name: str) -> None:
    spectra = []
    for rate in (8000, 16000, 44100, 48000):
        played = recording(name, ClipInfo(sample_rate=rate, channels=2))
        assert played.shape == (1, rate)
        assert 0.5 < np.abs(played).max() <= 1
        assert np.abs(played[0, -1]) < 0.05
        spectra.append(np.fft.rfft(played[0])[:3000] / rate)
    for spectrum in spectra[1:]:
        assert abs(np.vdot(spectrum, spectra[0])) > 0.99 * np.linalg.norm(spectrum) * np.linalg.norm(spectra[0])


@pytest.mark.parametrize(("name", "highest"), [("meow", 850), ("bell", 900)])
def test_partials_that_a_rate_cannot_hold_are_left_out(name: str, highest: int) -> None:
    played = recording(name, ClipInfo(sample_rate=2000, channels=1))[0]
    power = np.abs(np.fft.rfft(played)) ** 2
    assert power[highest:].sum() < 4e-3 * power.sum()


def test_rates_too_low_for_the_whistle() -> None:
    reason = create("audio-blend:sound=whistle").suits(ClipInfo(sample_rate=4000, channels=1, samples=9))
    assert "cannot hold the whistle" in str(reason)
    assert create("audio-blend").suits(ClipInfo(sample_rate=4000, channels=1, samples=9)) is None


def test_dynamic_changes_the_level_by_segment() -> None:
    silence = np.zeros((1, RATE * 4), np.float32)
    trigger = create("audio-blend:sound=whistle,mix=add,repeat=true,alpha=0.2")
    steady = trigger.apply(silence, sample_rate=RATE)[0]
    out = trigger.model_copy(update={"temporal": "dynamic"}).apply(silence, sample_rate=RATE)[0]
    ratios = []
    for k in range(8):
        part = slice(k * 8000 + 1000, k * 8000 + 7000)
        ratios.append(float(out[part] @ steady[part] / (steady[part] @ steady[part])))
        assert np.allclose(out[part], ratios[-1] * steady[part], atol=1e-5)
    assert len({round(r, 3) for r in ratios}) == 8
    assert all(10 ** (-6 / 20) - 0.01 < r < 10 ** (6 / 20) + 0.01 for r in ratios)
