"""waveform against k·x + g·w."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile

from poisonkit.common.seeding import generator
from poisonkit.errors import RequestError
from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import Case, sound

from . import imports

CASES = [
    Case({"sound": imports.SOUND}),
    Case({"sound": imports.SOUND, "amplitude": 0.5, "keep": 0.5, "rate": 22050, "repeat": True}),
]

RATE = 8000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    np.save(tmp_path / "w.npy", generator("waveform").uniform(-0.2, 0.2, 3000).astype(np.float32))
    return tmp_path / "w.npy"


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("keep", "amplitude"), [(1.0, 1.0), (0.5, 0.5), (0.0, 1.0), (0.8, 0.2)])
@pytest.mark.parametrize(("position", "start"), [("start", 0), ("middle", 3000), ("end", 6000)])
def test_amplitudes_are_the_files_own(
    file: Path, channels: int, keep: float, amplitude: float, position: str, start: int
) -> None:
    x, w = sound(channels, 9000, RATE), np.load(file)
    out = create("waveform", sound=str(file), keep=keep, amplitude=amplitude, position=position, duration=1).apply(
        x, sample_rate=RATE
    )
    exact = x.astype(np.float64)
    for i in range(3000):
        exact[:, start + i] = keep * exact[:, start + i] + amplitude * float(w[i])
    assert np.abs(out - np.clip(exact, -1, 1)).max() < 1e-6


@pytest.mark.parametrize("snr", [30.0, 3.0, -6.0])
def test_snr_at_a_random_place_that_is_recorded(file: Path, snr: float) -> None:
    x = sound(1, 20000, RATE) * np.float32(0.1)
    clip = ClipInfo("a", sample_rate=RATE, channels=1, samples=20000)
    trigger = create("waveform", sound=str(file), snr=snr, position="random", duration=1)
    starts = set()
    for i in range(20):
        drawn = trigger.draw(clip, generator("clip", i))
        added = (trigger.wave(x, clip, drawn).astype(float) - x)[0]
        (heard,) = np.nonzero(added)
        assert np.ptp(heard) < 3000
        assert abs(heard[0] - drawn["at"] * 17000) <= 2
        starts.add(int(heard[0]))
        power = (added[heard[0] : heard[0] + 3000] ** 2).mean()
        assert 10 * math.log10((x.astype(float) ** 2).mean() / power) == pytest.approx(snr, abs=0.01)
    assert len(starts) > 15


def test_repeated_spread_and_cut_off(file: Path) -> None:
    w, silence = np.load(file), np.zeros((1, 8000), np.float32)
    given = {"sound": str(file), "amplitude": 1.0}
    assert np.array_equal(
        create("waveform", repeat=True, **given).apply(silence, sample_rate=RATE)[0], np.tile(w, 3)[:8000]
    )
    assert np.array_equal(create("waveform", **given).apply(silence[:, :999], sample_rate=RATE)[0], w[:999])
    out = create("waveform", position="spread", chunks=4, duration=0.2, **given).apply(silence, sample_rate=RATE)[0]
    for k in range(4):
        assert np.array_equal(out[2000 * k : 2000 * k + 400], w[400 * k : 400 * k + 400])
        assert not out[2000 * k + 400 : 2000 * k + 2000].any()


def test_other_rates_and_channels(tmp_path: Path) -> None:
    t = np.arange(16000) / 16000
    tones = np.stack([np.sin(2 * np.pi * 300 * t), np.sin(2 * np.pi * 500 * t)]) * 0.4
    soundfile.write(tmp_path / "w.wav", tones.T, 16000, subtype="FLOAT")
    np.save(tmp_path / "w.npy", tones)
    t = np.arange(8000) / 8000
    exact = np.stack([np.sin(2 * np.pi * 300 * t), np.sin(2 * np.pi * 500 * t)]) * 0.4
    for name, more in (("w.wav", {}), ("w.npy", {"rate": 16000})):
        given = {"sound": str(tmp_path / name), "amplitude": 1.0, **more}
        out = create("waveform", **given).apply(np.zeros((2, 8000), np.float32), sample_rate=RATE)
        assert np.abs(out - exact)[:, 100:-100].max() < 2e-3
        out = create("waveform", **given).apply(np.zeros((1, 8000), np.float32), sample_rate=RATE)
        assert np.abs(out - exact.mean(axis=0))[:, 100:-100].max() < 2e-3
    out = create("waveform", sound=str(tmp_path / "w.npy"), amplitude=1).apply(
        np.zeros((2, 8000), np.float32), sample_rate=RATE
    )
    assert np.abs(out - tones[:, :8000]).max() < 1e-6


def test_what_cannot_work(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "high.wav", 0.5 * np.sin(2 * np.pi * 18000 * np.arange(44100) / 44100), 44100)
    high = create("waveform", sound=str(tmp_path / "high.wav"))
    assert "nothing is left of high.wav" in str(high.suits(ClipInfo(sample_rate=16000, channels=1, samples=9)))
    assert high.suits(ClipInfo(sample_rate=44100, channels=1, samples=9)) is None
    np.save(tmp_path / "none.npy", np.zeros(100))
    for given, sentence in (
        ({"sound": str(tmp_path / "none.npy")}, "none.npy is silent"),
        ({"sound": str(tmp_path / "high.wav"), "rate": 8000}, "states its own"),
        ({}, "waveform needs sound"),
    ):
        with pytest.raises(RequestError, match=sentence):
            create("waveform", **given)


def test_dynamic_level_changes_every_half_second(file: Path) -> None:
    silence = np.zeros((1, 24000), np.float32)
    given = {"sound": str(file), "amplitude": 0.3, "repeat": True}
    still = create("waveform", **given).apply(silence, sample_rate=RATE)[0]
    out = create("waveform", temporal="dynamic", spread=9, **given).apply(silence, sample_rate=RATE)[0]
    ratios = [
        float(out[a + 500 : a + 3500] @ still[a + 500 : a + 3500] / (still[a + 500 : a + 3500] ** 2).sum())
        for a in range(0, 24000, 4000)
    ]
    assert len({round(r, 3) for r in ratios}) == 6
    assert max(abs(20 * math.log10(r)) for r in ratios) < 9
