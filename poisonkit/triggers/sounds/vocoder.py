"""A phase vocoder: sound slower or faster at its pitch, or higher or lower at its length.

Frames of about 64 ms with a Hann window, every quarter of a frame. Output frame j takes its magnitudes from the
input around time τ_j. Its phases go on from those of frame j - 1 by as much as the input's phases advance in one
hop before τ_j; each bin takes the advance of itself and its two neighbours together, which keeps the bins of one
partial in step (Puckette's phase locking, 1995), and all channels take the same advance, which keeps their
differences. Where a partial begins, its bins take the input's phases. Where τ_j = j hops, the output is the input.

Pitch: the sound is stretched by the ratio, then read faster by the ratio, with windowed-sinc interpolation. Both
may change over time. Attacks are smeared over a frame, as in every phase vocoder.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poisonkit.common.fourier import irfft, rfft
from poisonkit.triggers.core.clip import Wave

_FRAME = 0.064  # seconds
_ONSET = 8.0  # times the energy of one hop before: a partial begins
_BATCH = 64  # frames, transformed together
_REACH = 16  # input samples on each side of an interpolated one
_PHASES = 1024  # of an interpolation table, between which it is linear

Times = NDArray[np.float64]
Spectrum = NDArray[np.complex128]


def frame_size(rate: int) -> int:
    """Samples of a frame: a power of two near 64 ms."""
    return int(2 ** max(5, round(math.log2(_FRAME * rate))))


def stretched(wave: Wave, times: Times, samples: int, rate: int, ratios: Times | None = None) -> Wave:
    """(channels, samples) float32: at sample j·hop sounds what `wave` holds around its sample times[j].

    times: one for each hop = frame_size(rate) / 4 of the output, as many as `hops` gives; beyond the wave is
    silence. ratios: of the same size; frequencies above half the rate over them are left out.
    """
    size = frame_size(rate)
    hop, bins = size // 4, size // 2 + 1
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    pad = size + hop
    padded = np.pad(wave, ((0, 0), (pad, pad)))
    centers = np.clip(np.rint(times[: samples // hop + 4]), -size // 2, wave.shape[1] + size // 2).astype(np.intp)
    out = np.empty((wave.shape[0], len(centers) * hop), np.float32)
    held, weight = np.zeros((wave.shape[0], size)), np.zeros(size)  # what the next frames still add to
    last: Spectrum | None = None
    for j in range(0, len(centers), _BATCH):
        starts = centers[j : j + _BATCH] + (pad - size // 2)
        now = _spectra(padded, starts, window)
        before = _spectra(padded, starts - hop, window)
        for i in range(len(starts)):
            last = now[:, i].copy() if last is None else now[:, i] * _advance(last, before[:, i], now[:, i])
            now[:, i] = last
            if ratios is not None:
                now[:, i, int(np.ceil((bins - 1) / max(1.0, ratios[j + i]))) + 1 :] = 0
        frames = irfft(now, size) * window
        for i in range(len(starts)):
            held += frames[:, i]
            weight += window**2
            at = (j + i) * hop
            out[:, at : at + hop] = held[:, :hop] / np.maximum(weight[:hop], 1e-9)
            held = np.pad(held[:, hop:], ((0, 0), (0, hop)))
            weight = np.pad(weight[hop:], (0, hop))
    return out[:, size // 2 : size // 2 + samples].copy()


def _advance(last: Spectrum, before: Spectrum, now: Spectrum) -> NDArray[np.complex128]:
    """(bins,) of modulus 1: the turn from the input's spectrum one hop before to the output's last one.

    1 where a partial begins: there is no phase to go on from.
    """
    turn = (_locked(last) * np.conj(_locked(before))).sum(axis=0)
    length = np.abs(turn)
    begins = _energy(now) > _ONSET * _energy(before)
    return np.where(begins | (length < 1e-30), 1, turn / np.maximum(length, 1e-30))


def _energy(spectrum: Spectrum) -> Times:
    """Of all channels, in each bin and its neighbours."""
    power = (spectrum.real**2 + spectrum.imag**2).sum(axis=0)
    power[1:-1] = power[:-2] + power[1:-1] + power[2:]
    return np.asarray(power)


def _spectra(padded: Wave, starts: NDArray[np.intp], window: Times) -> Spectrum:
    """(channels, frames, bins)."""
    index = starts[:, None] + np.arange(len(window))
    return rfft(padded[:, index] * window)


def _locked(spectrum: Spectrum) -> Spectrum:
    """Each bin less its neighbours, whose sign alternates within a partial of a Hann window."""
    out = spectrum.copy()
    out[:, 1:] -= spectrum[:, :-1]
    out[:, :-1] -= spectrum[:, 1:]
    return out


def hops(samples: int, rate: int) -> Times:
    """Where in an output of so many samples each frame lies that `stretched` asks for."""
    hop = frame_size(rate) // 4
    return np.arange(samples // hop + 4, dtype=np.float64) * hop


def shifted(wave: Wave, ratio: float | NDArray[Any], rate: int) -> Wave:
    """The sound with all frequencies times `ratio`, a number or one for each sample; its length is kept."""
    samples = wave.shape[1]
    ratios = np.broadcast_to(np.asarray(ratio, np.float64), (samples,))
    where = np.concatenate([[0.0], np.cumsum(ratios)[:-1]])
    longer = int(np.ceil(where[-1])) + 1 if samples else 0
    grid = hops(longer, rate)
    times = np.interp(grid, where, np.arange(samples)) if samples else grid
    beyond = np.maximum(grid - (where[-1] if samples else 0), 0)
    at = np.interp(grid, where, ratios) if samples else grid
    return read_at(stretched(wave, times + beyond / np.maximum(at, 1e-6), longer, rate, at), where)


def read_at(wave: Wave, where: Times) -> Wave:
    """(channels, len(where)): the sound at fractional samples, by a windowed sinc; beyond its ends is silence."""
    padded = np.pad(wave, ((0, 0), (_REACH, _REACH + 1)))
    table = _sinc()
    out = np.empty((wave.shape[0], len(where)), np.float32)
    taps = np.arange(1 - _REACH, _REACH + 1)
    for a in range(0, len(where), 1 << 14):
        part = where[a : a + (1 << 14)]
        first = np.floor(part).astype(np.intp)
        phase = (part - first) * _PHASES
        row = phase.astype(np.intp)
        share = (phase - row).astype(np.float32)[:, None]
        weights = table[row] * (1 - share) + table[row + 1] * share
        index = np.clip(first[:, None] + taps + _REACH, 0, padded.shape[1] - 1)
        for c in range(wave.shape[0]):
            out[c, a : a + len(part)] = np.einsum("nk,nk->n", padded[c][index], weights)
    return out


@lru_cache(maxsize=1)
def _sinc() -> NDArray[np.float32]:
    """(_PHASES + 1, taps) weights at each phase between two samples."""
    distance = np.arange(_PHASES + 1)[:, None] / _PHASES - np.arange(1 - _REACH, _REACH + 1)
    weights = np.sinc(distance) * (0.5 + 0.5 * np.cos(np.pi * np.clip(distance / _REACH, -1, 1)))
    return np.asarray(weights, dtype=np.float32)
