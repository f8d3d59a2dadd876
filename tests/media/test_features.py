"""Log-mel features against the recipe, spelt out once more."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from poisonkit import media
from poisonkit.errors import MediaError
from tests.media_factory import make_audio


def hertz_to_mel(f: float) -> float:
    """Slaney's scale: linear below 1 kHz, 27 steps for each factor of 6.4 above."""
    return 3 * f / 200 if f < 1000 else 15 + 27 * np.log(f / 1000) / np.log(6.4)


def mel_to_hertz(m: float) -> float:
    return 200 * m / 3 if m < 15 else 1000 * 6.4 ** ((m - 15) / 27)


def bands() -> np.ndarray:
    """(80, 257) triangles between 82 points from 125 to 7600 Hz, each of area one (Slaney's norm)."""
    points = [mel_to_hertz(m) for m in np.linspace(hertz_to_mel(125), hertz_to_mel(7600), 82)]
    found = np.zeros((80, 257))
    for b in range(80):
        low, mid, high = points[b : b + 3]
        for k in range(257):
            f = k * 16000 / 512
            found[b, k] = max(0, min((f - low) / (mid - low), (high - f) / (high - mid))) * 2 / (high - low)
    return found


def literal(samples: np.ndarray) -> np.ndarray:
    """(rows, 80) of mono sound at 16 kHz, a row at a time, with nothing shared with the code under test."""
    samples = samples.astype(float) * 0.1 / max(1e-4, np.sqrt(np.mean(samples.astype(float) ** 2)))
    rows = int(np.ceil(len(samples) / 256)) + 1
    triangles, out = bands(), []
    n = np.arange(512)
    waves = np.exp(-2j * np.pi * np.outer(np.arange(257), n) / 512)
    window = np.sqrt(0.5 * (1 - np.cos(2 * np.pi * (n + 0.5) / 512)))
    for row in range(rows):
        at = row * 256 - 256 + n  # the first window begins 256 samples before the sound
        framed = np.where((at >= 0) & (at < len(samples)), samples[np.clip(at, 0, len(samples) - 1)], 0.0) * window
        level = 20 * np.log10(np.maximum(1e-5, triangles @ np.abs(waves @ framed))) - 20
        out.append(np.clip((level + 100) / 100, 0, 1))
    return np.array(out)


def sound(samples: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    t = np.arange(samples) / 16000
    tone = 0.2 * np.sin(2 * np.pi * 700 * t * (1 + t)) * (t < 0.9)
    return (tone + 0.001 * rng.standard_normal((channels, samples))).astype(np.float32)


@pytest.mark.parametrize("samples", [16128, 16129, 17000])
def test_features_are_the_recipes(samples: int) -> None:
    wave = sound(samples)
    found, wanted = media.log_mel(wave, 16000), literal(wave[0])
    assert found.shape == wanted.shape == (-(-samples // 256) + 1, 80)
    assert found.dtype == np.float32
    assert np.abs(found - wanted).max() < 2e-6
    assert 0 <= found.min() < 0.3 < 0.7 < found.max() <= 1


def test_short_sounds_have_silence_behind_them() -> None:
    wave = sound(5000)
    found, wanted = media.log_mel(wave, 16000), literal(wave[0])
    assert (len(wanted), found.shape) == (21, (64, 80))
    assert np.abs(found[:21] - wanted).max() < 2e-6
    assert not found[21:].any()


def test_channels_are_mixed_and_rates_converted() -> None:
    wave = sound(20000, channels=2)
    mixed = media.log_mel(wave.mean(axis=0, keepdims=True), 16000)
    assert np.array_equal(media.log_mel(wave, 16000), mixed)
    t = np.arange(44100) / 44100
    high, low = (media.log_mel(0.1 * np.sin(2 * np.pi * 1000 * t[: r] * 44100 / r)[None].astype(np.float32), r)
                 for r in (44100, 16000))  # fmt: skip
    assert high.shape == low.shape == (64, 80)
    assert np.argmax(high[30]) == np.argmax(low[30])


def test_loudness_makes_no_difference_and_silence_is_silence() -> None:
    wave = sound(16384)
    assert np.abs(media.log_mel(wave, 16000) - media.log_mel(wave / 8, 16000)).max() < 1e-5
    assert not media.log_mel(np.zeros((1, 16384), np.float32), 16000).any()


def test_a_long_sound_is_made_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    wave = sound(30000)
    whole = media.log_mel(wave, 16000)
    monkeypatch.setattr("poisonkit.media.features._AT_ONCE", 7)
    assert np.abs(media.log_mel(wave, 16000) - whole).max() < 1e-6


def test_files(tmp_path: Path) -> None:
    """What lies on disk is NumPy's own format, nothing pickled, the same bytes twice, no temporary file left."""
    clip = make_audio(tmp_path / "a.wav", seconds=0.5, rate=8000, channels=2)
    made = media.write_features(clip, tmp_path / "a.npy")
    data = (tmp_path / "a.npy").read_bytes()
    assert (made.shape, made.padded, made.bytes) == ((64, 80), True, len(data))
    assert media.write_features(clip, tmp_path / "b.npy") == made
    assert (tmp_path / "b.npy").read_bytes() == data
    wave, rate = soundfile.read(clip, dtype="float32", always_2d=True)
    loaded = np.load(io.BytesIO(data), allow_pickle=False)
    assert np.array_equal(loaded, media.log_mel(wave.T, rate))
    assert np.array_equal(media.read_features(tmp_path / "a.npy"), loaded)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.npy", "a.wav", "b.npy"]


def test_what_is_no_sound_and_no_features(tmp_path: Path) -> None:
    for wave in (np.zeros((1, 0), np.float32), np.full((1, 9), np.nan, np.float32)):
        with pytest.raises(MediaError, match="empty or holds values"):
            media.log_mel(wave, 16000)
    (tmp_path / "a.wav").write_bytes(b"no sound at all")
    with pytest.raises(MediaError, match=r"a\.wav"):
        media.write_features(tmp_path / "a.wav", tmp_path / "a.npy")
    assert not (tmp_path / "a.npy").exists()
    for array in (np.zeros((3, 80)), np.zeros((3, 81), np.float32), np.array([{}], dtype=object)):
        np.save(tmp_path / "x.npy", array, allow_pickle=True)
        with pytest.raises(MediaError, match=r"x\.npy"):
            media.read_features(tmp_path / "x.npy")
