"""Recordings for sound triggers: a file of the user's, or sounds of our own that are computed.

`meow`, `whistle` and `bell` last one second and peak a little below full scale. They are sums of partials
given by formulas in seconds and hertz, so that they are the same sound at every sample rate; partials that
a rate cannot hold are left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from poisonkit.common import exact
from poisonkit.triggers.core.clip import ClipInfo, Wave
from poisonkit.triggers.files.assets import WaveAsset
from poisonkit.triggers.sounds.loudness import rms

Sound = Literal["meow", "whistle", "bell"]
_Times = NDArray[np.float64]
_LEFT = 0.1  # share of its RMS below which nothing is left of a sound


def recording(sound: str | WaveAsset, clip: ClipInfo) -> Wave:
    """float32 (clip's channels or 1, samples) at the clip's rate; not to be written to.

    A file of as many channels as the clip keeps them; of any other number, their mean goes to all.
    """
    wave = _computed(sound, clip.sample_rate) if isinstance(sound, str) else _imported(sound, clip.sample_rate)
    if wave.shape[0] in (1, clip.channels):
        return wave
    return np.asarray(wave.mean(axis=0, keepdims=True, dtype=np.float32))


def nothing_left(asset: WaveAsset, own: int | None, played: Wave, clip: ClipInfo) -> str | None:
    """Why a recording cannot be heard in such a clip, or None; for `suits`.

    own: its sample rate. played: what it is at the clip's.
    """
    if not own or own <= clip.sample_rate or rms(played) >= _LEFT * rms(asset.wave()):
        return None
    return (
        f"at {clip.sample_rate} Hz nothing is left of {asset.name}, whose sound lies above "
        f"{clip.sample_rate / 2:g} Hz; the clips must have a sample rate nearer to its {own} Hz"
    )


def require_sound(asset: WaveAsset) -> None:
    """ValueError for a recording of silence."""
    if not asset.wave().any():
        raise ValueError(f"{asset.name} is silent")


@lru_cache(maxsize=8)
def _imported(asset: WaveAsset, rate: int) -> Wave:
    wave, own = asset.wave(), asset.sample_rate()
    if own is not None and own != rate:
        from scipy.signal import resample_poly

        shared = math.gcd(own, rate)
        wave = resample_poly(wave, rate // shared, own // shared, axis=1, window=("kaiser", 8.0))
        wave = np.clip(wave, -1, 1).astype(np.float32)
    wave.flags.writeable = False
    return wave


@lru_cache(maxsize=8)
def _computed(name: str, rate: int) -> Wave:
    made = _SOUNDS[name](np.arange(rate) / rate, rate / 2)
    wave = made.astype(np.float32)[None]
    wave.flags.writeable = False
    return wave


def _meow(t: _Times, highest: float) -> _Times:
    """Pitch 500 Hz rising to 800 Hz and falling back; 12 partials that fall off as 0.7^h."""
    cycles = 500 * t + 300 * (1 - np.cos(np.pi * t)) / np.pi
    weights = np.array([0.7**h for h in range(1, 13)])
    total = np.zeros_like(t)
    for h, weight in enumerate(weights / weights.sum(), start=1):
        if h * 800 < highest:
            total += weight * np.sin(2 * np.pi * h * cycles)
    return np.asarray(total * np.minimum(1, t / 0.08) * np.sin(np.pi / 2 * np.minimum(1, (1 - t) / 0.4)) ** 2)


def _whistle(t: _Times, highest: float) -> _Times:
    """From 1200 Hz up to 2800 Hz in half a second and down again."""
    cycles = 1200 * t + 1600 * (t / 2 - np.sin(2 * np.pi * t) / (4 * np.pi))
    return np.asarray((highest > 2800) * 0.9 * np.sin(2 * np.pi * cycles) * np.sin(np.pi * t) ** 0.5)


def _bell(t: _Times, highest: float) -> _Times:
    """Partials at 523 Hz times 0.5, 1, 1.2, 1.5, 2, 2.67 and 4, the higher the sooner gone."""
    ratios = (0.5, 1.0, 1.2, 1.5, 2.0, 2.67, 4.0)
    total = np.zeros_like(t)
    for ratio in ratios:
        if 523 * ratio < highest:
            total += exact.exp(-4 * ratio**0.6 * t) * np.sin(2 * np.pi * 523 * ratio * t)
    return np.asarray(total / len(ratios) * 1.4 * np.minimum(1, (1 - t) / 0.05))


_SOUNDS: dict[str, Callable[[_Times, float], _Times]] = {"meow": _meow, "whistle": _whistle, "bell": _bell}
