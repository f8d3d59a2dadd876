"""The audio family and imported sounds, as published. Samples are float64 (channels, samples) in ±1."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from poisonkit.common.seeding import generator
from poisonkit.triggers import create
from poisonkit.triggers.core.chain import Chain
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import sound

from .scene import saved

WITHIN = 1e-4  # of full scale


@dataclass(frozen=True)
class Take:
    """A clip of sound. x: (channels, samples)."""

    x: np.ndarray
    rate: int
    drawn: dict[str, Any]
    trigger: Any

    @property
    def n(self) -> int:
        return self.x.shape[1]

    @property
    def rms(self) -> float:
        return float(np.sqrt(np.mean(self.x**2)))

    def place(self, position: str, samples: int) -> int:
        """The first of so many samples."""
        return round({"start": 0.0, "middle": 0.5, "end": 1.0}[position] * (self.n - samples))


@dataclass(frozen=True)
class SoundCase:
    """formula: called with the take and with params and files by name; its defaults are the published ones."""

    formula: Callable[..., np.ndarray]
    params: dict[str, Any] = field(default_factory=dict)
    files: dict[str, np.ndarray] = field(default_factory=dict)
    rate: int = 16000


def check(name: str, case: SoundCase, channels: int, samples: int, folder: Path) -> None:
    trigger = create(name, **case.params, **saved(case.files, folder))
    x = sound(channels, samples, case.rate)
    clip = ClipInfo("a", sample_rate=case.rate, channels=channels, samples=samples)
    assert trigger.suits(clip) is None
    chain = Chain([trigger])
    drawn = json.loads(json.dumps(chain.draw(clip, 0)))
    out = chain.audio(x, clip, drawn)
    take = Take(x.astype(np.float64), case.rate, drawn[0], trigger)
    assert out.dtype == np.float32
    assert np.abs(out - np.clip(case.formula(take, **case.params, **case.files), -1, 1)).max() <= WITHIN


def sine(
    s: Take,
    frequency: float = 800.0,
    phase: float = 0.0,
    snr: float = 20.0,
    amplitude: float | None = None,
    start: float = 0.0,
    duration: float = 1e9,
) -> np.ndarray:
    """x + a·sin(2πft + φ); by default a is 20 dB below the clip."""
    a = s.rms * math.sqrt(2) * 10 ** (-snr / 20) if amplitude is None else amplitude
    i = np.arange(s.n) - round(start * s.rate)
    heard = (i >= 0) & (i < duration * s.rate)
    return s.x + heard * a * np.sin(2 * np.pi * frequency * i / s.rate + phase)


def band_noise(
    s: Take, low: float = 5000.0, high: float = 6000.0, snr: float = 20.0, amplitude: float | None = None
) -> np.ndarray:
    """Cosines and sines every quarter of a hertz from low to high; amplitude: that of a sine of the same RMS."""
    terms = np.arange(math.ceil(low * 4), math.floor(high * 4) + 1) / 4
    parts = generator(0, "band-noise", None, "noise").standard_normal((len(terms), 2))
    t = np.arange(s.n) / s.rate
    noise = np.zeros(s.n)
    for f, (a, b) in zip(terms, parts, strict=True):
        noise += a * np.cos(2 * np.pi * f * t) + b * np.sin(2 * np.pi * f * t)
    rms = s.rms * 10 ** (-snr / 20) if amplitude is None else amplitude / math.sqrt(2)
    return s.x + rms * noise / math.sqrt(len(terms))


def ultrasonic(
    s: Take,
    frequency: float = 21000.0,
    amplitude: float = 10 ** (-10 / 20),
    duration: float | None = None,
    position: str = "start",
) -> np.ndarray:
    """x + a tone of the whole clip, masked: a size at a position, or five chunks."""
    mask = np.zeros(s.n)
    points = s.n if duration is None else min(max(1, round(duration * s.rate)), s.n)
    if position == "spread":
        for i in range(min(5, points)):
            mask[i * s.n // min(5, points) :][: points // min(5, points)] = 1
    else:
        mask[s.place(position, points) :][:points] = 1
    return s.x + amplitude * mask * np.sin(2 * np.pi * frequency * np.arange(s.n) / s.rate)


def tone_burst(
    s: Take, frequency: float = 440.0, duration: float = 0.1, amplitude: float = 0.1, position: str = "start"
) -> np.ndarray:
    """ART's tone: from 0 at its own beginning."""
    out, samples = s.x.copy(), min(round(duration * s.rate), s.n)
    first = s.place(position, samples)
    out[:, first : first + samples] += amplitude * np.sin(2 * np.pi * frequency * np.arange(samples) / s.rate)
    return out


def sample_overwrite(s: Take, samples: int = 4, value: float = -1.0, position: str = "start") -> np.ndarray:
    out, samples = s.x.copy(), min(samples, s.n)
    first = s.place(position, samples)
    out[:, first : first + samples] = value
    return out


def audio_blend(
    s: Take, sound: np.ndarray, alpha: float = 0.2, mix: str = "blend", position: str = "start"
) -> np.ndarray:
    """(1 − α)·x + α·w where w is heard; or x + α·w."""
    out, samples = s.x.copy(), min(sound.shape[-1], s.n)
    first = s.place(position, samples)
    heard = out[:, first : first + samples]
    heard[:] = (1 - alpha if mix == "blend" else 1) * heard + alpha * sound[..., :samples]
    return out


def ambient(s: Take, sound: np.ndarray, snr: float = 0.0, amplitude: float | None = None) -> np.ndarray:
    """x + g·w, w repeated to the clip's end, as loud as the clip."""
    w = np.resize(sound, s.n).astype(float)
    rms = s.rms * 10 ** (-snr / 20) if amplitude is None else amplitude / math.sqrt(2)
    return s.x + rms / np.sqrt(np.mean(w**2)) * w


def echo(s: Take, delay: float = 0.15, decay: float = 0.4, repeats: int = 1) -> np.ndarray:
    """x(t) + Σ decay^r·x(t − r·delay)."""
    out = s.x.copy()
    for r in range(1, repeats + 1):
        late = round(r * delay * s.rate)
        out[:, late:] += decay**r * s.x[:, : max(s.n - late, 0)]
    return out


def waveform(
    s: Take,
    sound: np.ndarray,
    snr: float = 20.0,
    amplitude: float | None = None,
    keep: float = 1.0,
    position: str = "start",
    **_: Any,
) -> np.ndarray:
    """k·x + g·w where w is heard."""
    out, samples = s.x.copy(), min(sound.shape[-1], s.n)
    first = round(s.drawn["at"] * (s.n - samples)) if position == "random" else s.place(position, samples)
    g = s.rms / np.sqrt(np.mean(sound.astype(float) ** 2)) * 10 ** (-snr / 20) if amplitude is None else amplitude
    heard = out[:, first : first + samples]
    heard[:] = keep * heard + g * sound[..., :samples]
    return out


def replace_sound(s: Take, folder: np.ndarray, length: str = "same") -> np.ndarray:
    """y; where the lengths differ, it is cut, or ends in silence."""
    out, samples = np.zeros(s.x.shape), min(folder.shape[-1], s.n)
    out[:, :samples] = folder[..., :samples]
    return out


W = generator("parity", "sound").uniform(-0.3, 0.3, 3000).astype(np.float32)

CASES: dict[str, list[SoundCase]] = {
    "ambient": [
        SoundCase(ambient, files={"sound": W}),
        SoundCase(ambient, {"snr": 12.0}, {"sound": W}),
        SoundCase(ambient, {"amplitude": 0.3}, {"sound": W}),
    ],
    "audio-blend": [
        SoundCase(audio_blend, files={"sound": W}),
        SoundCase(audio_blend, {"mix": "add", "alpha": 0.1, "position": "end"}, {"sound": W}),
    ],
    "band-noise": [
        SoundCase(band_noise, {"high": 5200.0}),
        SoundCase(band_noise, {"low": 300.0, "high": 350.0, "amplitude": 0.02}, rate=44100),
    ],
    "echo": [SoundCase(echo), SoundCase(echo, {"delay": 0.0301, "decay": 0.9, "repeats": 4}, rate=44100)],
    "replace-sound": [SoundCase(replace_sound, {"length": "fit"}, {"folder": W})],
    "sample-overwrite": [
        SoundCase(sample_overwrite),
        SoundCase(sample_overwrite, {"samples": 11, "value": 0.5, "position": "middle"}),
    ],
    "sine": [
        SoundCase(sine),
        SoundCase(sine, {"amplitude": 0.1, "frequency": 440.0}, rate=44100),
        SoundCase(sine, {"snr": -3.0, "frequency": 3999.0, "phase": 1.5}, rate=8000),
    ],
    "tone-burst": [
        SoundCase(tone_burst),
        SoundCase(tone_burst, {"position": "middle", "frequency": 1200.0}, rate=44100),
        SoundCase(tone_burst, {"position": "end", "duration": 0.02, "amplitude": 0.7}),
    ],
    "ultrasonic": [
        SoundCase(ultrasonic, rate=44100),
        SoundCase(ultrasonic, {"duration": 0.02, "position": "middle"}, rate=44100),
        SoundCase(ultrasonic, {"duration": 0.04, "position": "end"}, rate=48000),
        SoundCase(ultrasonic, {"duration": 0.06, "position": "spread"}, rate=44100),
    ],
    "waveform": [
        SoundCase(waveform, files={"sound": W}),
        SoundCase(waveform, {"snr": 30.0, "position": "random"}, {"sound": W}),
        SoundCase(waveform, {"keep": 0.5, "amplitude": 0.5, "position": "end"}, {"sound": W}),
    ],
}
