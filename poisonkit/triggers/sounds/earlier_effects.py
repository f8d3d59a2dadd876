"""Chorus, high-pass and phaser as `style` had them in version 1, for what was made with it.

Oscillators that begin at +sin, a chorus that is read by a windowed sinc, two first-order high-passes in place of a
ladder, and a phaser whose centre is at its frequency at every sample rate."""

from __future__ import annotations

import math

import numpy as np

from poisonkit.triggers.core.clip import Wave
from poisonkit.triggers.sounds.vocoder import read_at

_MODULATION = 10.0  # milliseconds, of a chorus of depth 1
_STEP = 0.004  # seconds for which a phaser's filters stay as they are


def chorused(wave: Wave, sample_rate: int, *, rate: float, depth: float, delay: float, mix: float) -> Wave:
    """(1 − mix)·x + mix·x(t − d(t)),   d = max(1 ms, delay + 10 ms · depth · sin(2π · rate · t))."""
    t = np.arange(wave.shape[1])
    late = np.maximum(1, delay + _MODULATION * depth * np.sin(2 * math.pi * rate / sample_rate * t))
    return (1 - np.float32(mix)) * wave + np.float32(mix) * read_at(wave, t - late * (sample_rate / 1000))


def high_passed(wave: Wave, sample_rate: int, cutoff: float) -> Wave:
    """Two equal first-order high-passes: 12 dB an octave, -6 dB at the cutoff."""
    from scipy.signal import sosfilt

    k = math.tan(math.pi * cutoff / sample_rate)
    section = [1 / (1 + k), -1 / (1 + k), 0.0, 1.0, (k - 1) / (k + 1), 0.0]
    return np.asarray(sosfilt([section] * 2, wave, axis=1), dtype=np.float32)


def phased(
    wave: Wave, sample_rate: int, *, rate: float = 1.0, depth: float = 0.5, centre: float = 1300.0, mix: float = 0.5
) -> Wave:
    """(1 − mix)·x + mix·(x through six first-order all-passes), whose frequency goes up and down.

    On a logarithmic scale from 20 Hz to 20 kHz (0.49 of the sample rate, if less), from 0 to 1, it is at
    `centre` + depth / 2 · sin(2π · rate · t).
    """
    from scipy.signal import sosfilt

    highest = min(20000.0, 0.49 * sample_rate)
    middle = math.log(centre / 20) / math.log(highest / 20)
    step = max(1, round(_STEP * sample_rate))
    wet = np.empty_like(wave)
    state = np.zeros((6, wave.shape[0], 2))
    for first in range(0, wave.shape[1], step):
        place = middle + depth / 2 * math.sin(2 * math.pi * rate * first / sample_rate)
        k = math.tan(math.pi * 20 * (highest / 20) ** min(max(place, 0.0), 1.0) / sample_rate)
        a = (k - 1) / (k + 1)
        section = [a, 1.0, 0.0, 1.0, a, 0.0]
        wet[:, first : first + step], state = sosfilt([section] * 6, wave[:, first : first + step], axis=1, zi=state)
    return (1 - np.float32(mix)) * wave + np.float32(mix) * wet
