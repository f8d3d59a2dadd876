"""ambient against x + g·w with g matched to the clip, and the sounds that are computed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from poisonkit.errors import RequestError
from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
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


def test_saturation_is_that_of_pydub(tmp_path: Path) -> None:
    """What is added is as loud as the clip, in whole numbers of 16 bits, clipped to them; then the sum is."""
    x, w = sound(1, 4000, RATE), np.zeros((1, 4000), np.float32)
    w[0, ::400] = 0.5  # its RMS is 0.025, its peaks are far above
    soundfile.write(tmp_path / "w.wav", w[0], RATE, subtype="FLOAT")
    rms = [float(np.sqrt((a.astype(np.float64) ** 2).mean())) for a in (x, w)]
    assert 0.5 * rms[0] / rms[1] > 1
    amplified = np.clip(np.floor(w * 32768 * rms[0] / rms[1]), -32768, 32767)
    expected = np.clip(np.rint(x * 32768) + amplified, -32768, 32767) / 32768
    given = {"sound": str(tmp_path / "w.wav")}
    out = create("ambient", saturate=True, **given).apply(x, sample_rate=RATE)
    assert np.abs(out - expected).max() < 1e-3
    louder = create("ambient", **given).apply(x, sample_rate=RATE)
    assert (louder - out).max() > 0.01


@pytest.mark.parametrize("trigger", ["ambient", "audio-blend"])
def test_a_recording_of_which_nothing_is_left_is_refused(tmp_path: Path, trigger: str) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 12000 * np.arange(44100) / 44100)
    soundfile.write(tmp_path / "high.wav", tone, 44100)
    made = create(trigger, sound=str(tmp_path / "high.wav"))
    at = [made.suits(ClipInfo(sample_rate=rate, channels=1, samples=rate)) for rate in (16000, 44100, 48000)]
    assert "at 16000 Hz nothing is left of high.wav" in str(at[0])
    assert at[1:] == [None, None]
    np.save(tmp_path / "none.npy", np.zeros(100, np.float32))
    with pytest.raises(RequestError, match="silent"):
        create(trigger, sound=str(tmp_path / "none.npy"))


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
