"""Tones, and how high they are."""

from __future__ import annotations

import numpy as np

RATE = 16000


def tone(frequency: float, seconds: float = 1.5, rate: int = RATE) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)).astype(np.float32)[None]


def pitch(wave: np.ndarray, rate: int = RATE) -> float:
    """Frequency of the strongest partial in the middle half, Hz."""
    middle = wave[len(wave) // 4 : -(len(wave) // 4)]
    return float(np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 1 << 19)).argmax()) * rate / (1 << 19)
