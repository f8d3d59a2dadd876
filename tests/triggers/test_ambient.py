"""ambient against x + g·w with g matched to the clip, and the sounds that are computed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from poisonkit.triggers import create
from poisonkit.triggers.sounds.ambience import texture
from poisonkit.triggers.testing import Case, sound

CASES = [
    Case(),
    Case({"sound": "babble", "snr": 10}),
    Case({"sound": "hum", "duration": 0.4, "position": "random"}),
    Case({"sound": "wind", "amplitude": 0.1}),
]

RATE = 16000


def test_published_level(tmp_path: Path) -> None:
    path = tmp_path / "place.wav"
    w = sound(1, 5000, RATE)
    soundfile.write(path, w[0], RATE, subtype="FLOAT")
    x = (0.3 * sound(2, 5000, RATE)[:, ::-1]).astype(np.float32)
    rms = [np.sqrt((a.astype(np.float64) ** 2).mean()) for a in (x, w)]
    out = create("ambient", sound=str(path)).apply(x, sample_rate=RATE)
    assert np.abs(out - (x + rms[0] / rms[1] * w)).max() < 1e-4
    fixed = create("ambient", sound=str(path), amplitude=np.sqrt(2) * 10 ** (-10 / 20)).apply(x, sample_rate=RATE)
    assert np.abs(fixed - np.clip(x + 10 ** (-10 / 20) / rms[1] * w, -1, 1)).max() < 1e-4
    longer = sound(2, 12000, RATE) * np.float32(0.1)
    added = create("ambient", sound=str(path)).apply(longer, sample_rate=RATE) - longer
    assert np.abs(added[:, 5000:10000] - added[:, :5000]).max() < 1e-6


@pytest.mark.parametrize("name", ["rain", "hum", "babble", "wind"])
@pytest.mark.parametrize("params", ["snr=0", "snr=20", "snr=6,temporal=dynamic", "snr=3,duration=0.4,position=middle"])
def test_snr_is_that_of_what_is_heard(name: str, params: str) -> None:
    x = sound(1, RATE * 2, RATE) * np.float32(0.2)
    added = create(f"ambient:sound={name},{params}").apply(x, sample_rate=RATE).astype(float)[0] - x[0]
    heard = added[12800:19200] if "duration" in params else added
    snr = 10 * np.log10((x.astype(float) ** 2).mean() / (heard**2).mean())
    assert snr == pytest.approx(float(params.split(",")[0][4:]), abs=0.05)
    if "duration" in params:
        assert not added[:12800].any()
        assert not added[19200:].any()


def test_silence_stays_silent_under_snr() -> None:
    silence = np.zeros((1, 4000), np.float32)
    assert not create("ambient").apply(silence, sample_rate=RATE).any()
    assert create("ambient:amplitude=0.1").apply(silence, sample_rate=RATE).any()


@pytest.mark.parametrize(
    ("name", "low", "high"), [("rain", 1000, 7000), ("hum", 45, 400), ("babble", 120, 2000), ("wind", 40, 500)]
)
def test_computed_sounds_are_what_they_say_at_every_rate(name: str, low: float, high: float) -> None:
    spectra = []
    for rate in (8000, 16000):
        wave = texture(name, 7, rate)
        assert wave.shape == (1, 8 * rate)
        assert float(np.sqrt((wave**2).mean())) == pytest.approx(1, abs=1e-3)
        spectra.append(np.fft.rfft(wave[0])[: 8 * 3500] / rate)
    assert abs(np.vdot(*spectra)) > 0.99 * np.linalg.norm(spectra[0]) * np.linalg.norm(spectra[1])
    power = np.abs(np.fft.rfft(texture(name, 7, 16000)[0])) ** 2
    assert power[int(8 * low) : int(8 * high)].sum() > 0.8 * power.sum()
    assert not np.array_equal(texture(name, 8, 16000), texture(name, 7, 16000))


def test_dynamic_changes_the_level_by_segment() -> None:
    silence = np.zeros((1, RATE * 4), np.float32)
    out = create("ambient:sound=hum,amplitude=0.2,temporal=dynamic").apply(silence, sample_rate=RATE)[0]
    loud = [float(np.sqrt((out[k * 8000 + 800 : k * 8000 + 7200] ** 2).mean())) for k in range(8)]
    assert max(loud) / min(loud) > 1.4
    assert max(loud) / min(loud) <= 10 ** (12 / 20)
