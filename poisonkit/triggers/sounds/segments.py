"""Dynamic sound: what changes from segment to segment, joined by crossfades so that nothing clicks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.core.trigger import AudioTrigger

FADE = 0.02  # seconds, of a crossfade

Faded = tuple[int, int, int, NDArray[np.float32]]


def crossfades(trigger: AudioTrigger, clip: ClipInfo, *, fade: float = FADE, power: bool = False) -> Iterator[Faded]:
    """(k, first sample, last + 1, weight per sample) of each segment, reaching into its neighbours.

    The weights of all segments add up to 1 at each sample, or with `power` their squares do (for sounds
    that have nothing to do with each other, such as two noises). fade: seconds, centred on each boundary.
    """
    pieces = list(trigger.pieces(clip))
    wanted = round(fade * clip.sample_rate / 2)
    half = [min(wanted, (b - a) // 2, (d - c) // 2) for (_, a, b), (_, c, d) in pairwise(pieces)]
    for i, (k, start, end) in enumerate(pieces):
        before, after = half[i - 1] if i else 0, half[i] if i + 1 < len(pieces) else 0
        weight = np.ones(end + after - start + before, np.float32)
        if before:
            weight[: 2 * before] = _rise(before)
        if after:
            weight[-2 * after :] = _rise(after)[::-1]
        yield k, start - before, end + after, np.sqrt(weight) if power else weight


def curve(
    trigger: AudioTrigger, clip: ClipInfo, value: Callable[[int], float], *, fade: float = FADE
) -> NDArray[np.float32]:
    """(samples,): `value(k)` over segment k, going over smoothly from each to the next."""
    out = np.zeros(clip.samples, np.float32)
    for k, first, last, weight in crossfades(trigger, clip, fade=fade):
        out[first:last] += np.float32(value(k)) * weight
    return out


def _rise(half: int) -> NDArray[np.float32]:
    steps = (np.arange(2 * half) + 0.5) / (2 * half)
    return np.asarray(np.sin(np.pi / 2 * steps) ** 2, dtype=np.float32)
