"""Sounds of a place, computed: rain, hum, babble, wind. Each repeats after 8 s without a seam; RMS 1.

    rain     noise above 300 Hz, and 60 drops a second that ring for a few milliseconds
    hum      50 Hz and its multiples up to 1 kHz, the odd ones louder, as of a transformer
    babble   six bands of noise with the long-term spectrum of speech, each rising and falling by itself
             about four times a second, as of a crowd of which no word is understood
    wind     low noise that swells slowly

All are made of their spectra (see `noise.py`), so that they are the same sounds at every sample rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from poisonkit.common import exact
from poisonkit.common.seeding import generator
from poisonkit.triggers.core.clip import Wave
from poisonkit.triggers.sounds.loudness import rms
from poisonkit.triggers.sounds.noise import band

Texture = Literal["rain", "hum", "babble", "wind"]
PERIOD = 8  # seconds


@lru_cache(maxsize=4)
def texture(name: str, key: int, rate: int) -> Wave:
    """(1, 8 · rate) float32 of RMS 1; not to be written to. key: which one of its kind."""
    made = _TEXTURES[name](key, rate)
    wave = np.asarray(made / max(rms(made), 1e-9), dtype=np.float32)[None]
    wave.flags.writeable = False
    return wave


def _noise(key: int, purpose: str, rate: int, low: float, high: float, power: float = 0.0, about: float = 1.0) -> Wave:
    """Noise whose amplitude falls as (1 + (f/about)²)^(power/2)."""
    shape = (lambda f: (1 + (f / about) ** 2) ** (power / 2)) if power else None
    return band(generator("ambience", key, purpose), rate, PERIOD, low, high, shape)


def _slow(key: int, purpose: str, rate: int, low: float, high: float, depth: float) -> Wave:
    """An envelope that changes `low` to `high` times a second: e to the power of slow noise of RMS `depth`."""
    coarse = band(generator("ambience", key, purpose), 64, PERIOD, low, high)
    where = np.arange(PERIOD * rate) * (64 / rate)
    wrapped = np.append(coarse, coarse[0])
    return np.asarray(exact.exp(depth * np.interp(where, np.arange(wrapped.size), wrapped)), dtype=np.float32)


def _rain(key: int, rate: int) -> Wave:
    out = 0.25 * _noise(key, "rain", rate, 300, 20000, -1.0, 3000)
    rng = generator("ambience", key, "drops")
    for start, frequency, loud in rng.random((60 * PERIOD, 3)):
        frequency = 1500 + 4500 * frequency
        if frequency >= rate / 2:
            continue
        first = math.ceil(start * out.size)
        t = (first + np.arange(math.ceil(0.012 * rate)) - start * out.size) / rate
        drop = 0.8 * loud**2 * exact.exp(-t / 0.0015) * np.sin(2 * np.pi * frequency * t)
        out[(first + np.arange(drop.size)) % out.size] += drop.astype(np.float32)
    return out


def _hum(key: int, rate: int) -> Wave:
    phases = generator("ambience", key, "hum").uniform(0, 2 * np.pi, 20)
    t: NDArray[np.float64] = np.arange(rate) / rate
    total = np.zeros(rate)
    for h, phase in enumerate(phases, start=1):
        if 50 * h < rate / 2:
            total += (1.0 if h % 2 else 0.4) / h * np.sin(2 * np.pi * 50 * h * t + phase)
    return np.tile(total.astype(np.float32), PERIOD) + 0.01 * _noise(key, "hiss", rate, 100, 4000)


def _babble(key: int, rate: int) -> Wave:
    edges = (120.0, 300.0, 600.0, 1200.0, 2400.0, 3900.0, 7800.0)
    total = np.zeros(PERIOD * rate, np.float32)
    for low, high in pairwise(edges):
        if low >= rate / 2:
            break
        voice = _noise(key, f"voice {low:g}", rate, low, high, -1.5, 500)
        total += math.sqrt((high - low) / 1000) * voice * _slow(key, f"syllables {low:g}", rate, 1.5, 6, 0.6)
    return total


def _wind(key: int, rate: int) -> Wave:
    return _noise(key, "wind", rate, 40, 2000, -2.0, 200) * _slow(key, "gusts", rate, 0.2, 1, 0.35)


_TEXTURES: dict[str, Callable[[int, int], Wave]] = {"rain": _rain, "hum": _hum, "babble": _babble, "wind": _wind}
