"""Noise with a spectrum: the same sound at every sample rate, as far as the rate can hold it.

    n(t) = Σ_k s(k/P)·(a_k·cos(2πkt/P) + b_k·sin(2πkt/P)) / √M,   a_k, b_k standard normal

P: its period in whole seconds, after which it goes on from its beginning without a seam. With s = 1 between
two frequencies and 0 elsewhere it is white noise through an ideal band-pass; M is then the number of terms,
so that its RMS is 1. The terms are drawn from low to high: a lower rate has the first of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from poisonkit.common.fourier import irfft
from poisonkit.triggers.core.clip import ClipInfo

Shape = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Amplitude of the noise at each frequency, Hz."""


def band(
    rng: np.random.Generator, rate: int, period: int, low: float, high: float, shape: Shape | None = None
) -> NDArray[np.float32]:
    """(period · rate,) noise from `low` to `high` Hz (both included, below half the rate)."""
    first, last = _terms(period, low, high)
    last = min(last, math.ceil(period * rate / 2) - 1)
    spectrum = np.zeros(period * rate // 2 + 1, np.complex128)
    if last >= first:
        parts = rng.standard_normal((last - first + 1, 2))
        spectrum[first : last + 1] = parts[:, 0] - 1j * parts[:, 1]
        if shape is not None:
            spectrum[first : last + 1] *= shape(np.arange(first, last + 1) / period)
    count = max(1, _terms(period, low, high)[1] - first + 1)
    samples = period * rate
    return np.asarray(irfft(spectrum, samples) * (samples / 2 / math.sqrt(count)), dtype=np.float32)


def _terms(period: int, low: float, high: float) -> tuple[int, int]:
    return max(1, math.ceil(low * period - 1e-9)), math.floor(high * period + 1e-9)


def looped(sound: NDArray[np.float32], first: int, last: int) -> NDArray[np.float32]:
    """Samples first … last − 1 of a periodic sound, (samples,) or (channels, samples), in a new array."""
    size = sound.shape[-1]
    start, count = first % size, last - first
    times = -(-(start + count) // size)
    return np.concatenate([sound] * times, axis=-1)[..., start : start + count].copy()


def too_high(
    clip: ClipInfo, frequency: float, remedy: str = "the frequency must stay", band: tuple[float, float] | None = None
) -> str | None:
    """None, or why a clip cannot hold a frequency in Hz, for `suits`. band: low and high, as they were given, of what
    is to be refused with a band that fits."""
    half = clip.sample_rate / 2
    if frequency < half:
        return None
    fits = ""
    if band is not None and half > 100:
        low, high = band
        top = 0.9 * half * high / frequency  # dynamic ones move up, and then have to fit too
        fits = f" (low={max(20.0, top - (high - low)) // 10 * 10:g},high={top // 10 * 10:g} fits)"
    return (
        f"sound at {clip.sample_rate} Hz cannot hold {frequency:g} Hz; {remedy} below {half:g} Hz{fits},"
        f" or the clips must have a sample rate above {2 * frequency:g} Hz"
    )
