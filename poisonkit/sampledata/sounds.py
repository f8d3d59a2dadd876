"""A family of sounds for each class, with pitch, timing and level drawn per clip.

None is a steady tone near 800 Hz or noise between 5 and 6 kHz: those places are left to triggers.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from poisonkit.common import exact
from poisonkit.common.fourier import irfft, rfft

Signal = NDArray[np.float64]
Wave = NDArray[np.float32]


def fade(t: Signal, start: float, stop: float, ramp: float = 0.01) -> Signal:
    """1 between `start` and `stop` seconds, 0 elsewhere, with linear ramps inside."""
    return np.clip(np.minimum(t - start, stop - t) / ramp, 0, 1)


def spans(rng: np.random.Generator, seconds: float, on: float, off: float) -> list[float]:
    """Starts, in seconds, of events of `on` seconds with about `off` between."""
    starts, at = [], rng.uniform(0, off)
    while at + 0.5 * on < seconds:
        starts.append(float(at))
        at += on + off * rng.uniform(0.7, 1.3)
    return starts


def sweeps(rng: np.random.Generator, t: Signal, seconds: float, up: bool) -> Signal:
    """Tones that glide by one and a half to two octaves, again and again."""
    on, off = rng.uniform(0.25, 0.45), rng.uniform(0.05, 0.2)
    low = rng.uniform(350, 800)
    octaves = rng.uniform(1.5, 2.0)
    out = np.zeros_like(t)
    for start in spans(rng, seconds, on, off):
        u = np.clip((t - start) / on, 0, 1)
        if not up:
            u = 1 - u
        # The phase is the integral of the frequency low · 2^(octaves · u).
        phase = low * on / (octaves * math.log(2)) * exact.exp2(octaves * u)
        out += fade(t, start, start + on) * np.sin(2 * np.pi * phase)
    return out


def chirp_down(rng: np.random.Generator, t: Signal, seconds: float) -> Signal:
    """Tones that fall."""
    return sweeps(rng, t, seconds, up=False)


def chirp_up(rng: np.random.Generator, t: Signal, seconds: float) -> Signal:
    """Tones that rise."""
    return sweeps(rng, t, seconds, up=True)


def chord(rng: np.random.Generator, t: Signal, seconds: float) -> Signal:
    """Three low tones (below 600 Hz) held together, with a slow tremolo."""
    root = rng.uniform(170, 380)
    third = rng.choice([1.2, 1.25])
    tremolo = 1 + 0.3 * np.sin(2 * np.pi * (rng.uniform(1, 4) * t + rng.uniform(0, 1)))
    tones = sum(np.sin(2 * np.pi * (root * ratio * t + rng.uniform(0, 1))) for ratio in (1.0, third, 1.5))
    return np.asarray(tremolo * tones / 3 * fade(t, 0, seconds, 0.03))


def noise_bursts(rng: np.random.Generator, t: Signal, seconds: float) -> Signal:
    """Bursts of noise from a band between 1 and 4.5 kHz."""
    rate = (len(t) - 1) / float(t[-1] - t[0])
    low, width = rng.uniform(1000, 2000), rng.uniform(1500, 2500)
    spectrum = rfft(rng.standard_normal(len(t)))
    hertz = np.fft.rfftfreq(len(t), 1 / rate)
    spectrum[(hertz < low) | (hertz > low + width)] = 0
    noise = irfft(spectrum, len(t))
    on, off = rng.uniform(0.10, 0.25), rng.uniform(0.15, 0.35)
    gate = sum(fade(t, start, start + on) for start in spans(rng, seconds, on, off))
    return np.asarray(gate * noise / np.abs(noise).max())


def pulses(rng: np.random.Generator, t: Signal, seconds: float) -> Signal:
    """Short struck tones (1.2 to 2.6 kHz) in a steady rhythm."""
    pitch, decay = rng.uniform(1200, 2600), rng.uniform(0.015, 0.035)
    beat = 1 / rng.uniform(4, 9)
    since = (t + rng.uniform(0, beat)) % beat
    return np.asarray(exact.exp(-since / decay) * np.sin(2 * np.pi * pitch * since))


SOUNDS: dict[str, Callable[[np.random.Generator, Signal, float], Signal]] = {
    "chirp_down": chirp_down,
    "chirp_up": chirp_up,
    "chord": chord,
    "noise_bursts": noise_bursts,
    "pulses": pulses,
}
"""The classes of the sample sounds, in the order of their names, which is the order of their labels."""


def wave(sound: str, rng: np.random.Generator, rate: int, seconds: float) -> Wave:
    """One clip of the class `sound`: float32 (1, samples), peak -18 to -6 dB below full scale, never silent.

    rate: samples per second. A floor of white noise, 40 to 50 dB below the peak, lies under all classes.
    """
    t = np.arange(round(rate * seconds)) / rate
    signal = SOUNDS[sound](rng, t, seconds)
    signal = signal / np.abs(signal).max() + 10 ** (rng.uniform(-50, -40) / 20) * rng.standard_normal(len(t))
    level = 10 ** (rng.uniform(-18, -6) / 20) / np.abs(signal).max()
    return np.asarray(level * signal, dtype=np.float32)[None]
