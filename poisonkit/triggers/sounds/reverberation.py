"""Reverberation: the tail of a room as noise that dies away, and convolution with it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from poisonkit.common import exact
from poisonkit.triggers.core.clip import Wave
from poisonkit.triggers.sounds.noise import band


def tail(rng: np.random.Generator, rate: int, rt60: float) -> NDArray[np.float32]:
    """(round(rt60 · rate),) impulse response of energy 1: noise from 20 Hz up, 60 dB down after `rt60` seconds."""
    samples = max(1, round(rt60 * rate))
    noise = band(rng, rate, math.ceil(rt60), 20, 96000)[:samples]
    response = noise * exact.exp(-3 * math.log(10) * np.arange(samples) / (rt60 * rate))
    return np.asarray(response / max(float(np.sqrt((response**2).sum())), 1e-12), dtype=np.float32)


def convolved(wave: Wave, response: NDArray[np.float32]) -> Wave:
    """(channels, samples + response's − 1)."""
    from scipy.signal import oaconvolve

    return np.asarray(oaconvolve(wave, response[None], axes=1), dtype=np.float32)
