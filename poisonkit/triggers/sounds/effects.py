"""Effects of a guitar pedal board, on float32 (channels, samples). Frequencies in Hz, delays in milliseconds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from poisonkit.triggers.core.clip import Wave
from poisonkit.triggers.sounds.reverberation import convolved

_MODULATION = 10.0  # milliseconds, of a chorus of depth 1
_STRETCH = 1 << 16  # samples worked on at a time
_STEP = 0.001  # seconds for which a phaser's filters stay as they are
_FULL = 44100  # the sample rate on whose scale a phaser's centre is placed, whatever the sound's
_LEAK, _FEEDBACK = 3 / 13, 0.4  # of a ladder's stages, and what a ladder of no resonance takes back
_TURNS = 12  # of the feedback: each leaves less than a third of what is missing
_KNEE = np.linspace(-5, 5, 128)
_SATURATION = np.array([1.0006 * math.tanh(x) for x in _KNEE.tolist()])


def distorted(wave: Wave, drive: float) -> Wave:
    """tanh(x · 10^(drive / 20)); drive in dB."""
    return np.asarray(np.tanh(wave * np.float32(10 ** (drive / 20))), dtype=np.float32)


def chorused(wave: Wave, sample_rate: int, *, rate: float, depth: float, delay: float, mix: float) -> Wave:
    """(1 − mix)·x + mix·x(t − d(t)),   d = max(1 ms, delay − 10 ms · depth · sin(2π · rate · t)).

    Between two samples the delayed sound is on the line that joins them.
    """
    phase = _phase(wave.shape[1], rate / sample_rate)
    out = (1 - np.float32(mix)) * wave
    for start in range(0, wave.shape[1], _STRETCH):
        t = np.arange(start, min(start + _STRETCH, wave.shape[1]))
        swing = np.sin(phase[start : start + _STRETCH].astype(np.float64) - math.pi)
        where = t - np.maximum(1, delay + _MODULATION * depth * swing) * (sample_rate / 1000)
        first = np.floor(where).astype(np.intp)
        share = where - first
        for channel, heard in zip(out, wave, strict=True):
            before, after = (np.where(at >= 0, heard[np.maximum(at, 0)], 0) for at in (first, first + 1))
            channel[start : start + _STRETCH] += np.float32(mix) * ((1 - share) * before + share * after)
    return out


def _phase(samples: int, frequency: float) -> NDArray[np.float32]:
    """2π · frequency · n within a turn, added up in single precision, as Pedalboard does: a chorus shows it."""
    turn, step = np.float32(2 * math.pi), np.float32(2 * math.pi) * np.float32(frequency)
    phase = np.empty(samples, np.float32)
    first, at = 0, np.float32(0)
    while first < samples:
        run = np.full(min(samples - first, math.ceil(1.01 / frequency) + 2) + 1, step, np.float32)
        run[0] = at
        run = np.add.accumulate(run, dtype=np.float32)
        count = int(np.argmax(run >= turn)) or len(run) - 1
        phase[first : first + count] = run[:count]
        first, at = first + count, run[count] - turn if run[count] >= turn else run[count]
    return phase


def high_passed(wave: Wave, sample_rate: int, cutoff: float) -> Wave:
    """A ladder of four stages with saturation, of which the second-order high-pass is taken: 12 dB an octave.

        a = s(x) − 0.4·s(e of the sample before),   e = H⁴a,   y = 1.2·(1 − H)²a,   s = 1.0006·tanh

        H(z) = (1 − p)·(10 + 3·z⁻¹) / 13 / (1 − p·z⁻¹),   p = e^(−2π · cutoff / sample_rate)

    s by a table of 128 points from −5 to 5. The feedback is solved for a stretch of sound at once: s(e) as e and the
    little that is left, which is filtered anew in each turn.
    """
    p = math.exp(-2 * math.pi * cutoff / sample_rate)
    stage = [(1 - p) * (1 - _LEAK), (1 - p) * _LEAK]
    pole, rest = [1.0, -p], [1 - stage[0], -p - stage[1]]
    four = _product(stage, stage, stage, stage)
    loop = np.append(_product(pole, pole, pole, pole), 0.0) + _FEEDBACK * np.append(0.0, four)
    out = np.empty_like(wave)
    for channel, made in zip(wave, out, strict=True):
        fed, passed, last = np.zeros(5), np.zeros(5), 0.0
        for start in range(0, len(channel), _STRETCH):
            taken = _saturated(channel[start : start + _STRETCH])
            driven = taken
            for _ in range(_TURNS):
                heard, _ = _filtered(four, loop, driven, fed)
                before = np.append(last, heard[:-1])
                driven = taken - _FEEDBACK * (_saturated(before) - before)
            heard, fed = _filtered(four, loop, driven, fed)
            last = heard[-1]
            high, passed = _filtered(_product(rest, rest, pole, pole), loop, driven, passed)
            made[start : start + _STRETCH] = 1.2 * high
    return out


def _filtered(
    over: NDArray[np.float64], under: NDArray[np.float64], x: NDArray[np.float64], state: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(x filtered by over / under, the state after it)."""
    from scipy.signal import lfilter

    y, after = lfilter(over, under, x, zi=state)
    return np.asarray(y), np.asarray(after)


def _saturated(x: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(np.interp(x, _KNEE, _SATURATION))


def _product(*factors: Sequence[float]) -> NDArray[np.float64]:
    """Of polynomials."""
    made = np.ones(1)
    for factor in factors:
        made = np.convolve(made, factor)
    return made


def phased(
    wave: Wave, sample_rate: int, *, rate: float = 1.0, depth: float = 0.5, centre: float = 1300.0, mix: float = 0.5
) -> Wave:
    """(1 − mix)·x + mix·(x through six first-order all-passes), whose frequency goes down and up.

    On a logarithmic scale from 20 Hz to 20 kHz (0.49 of the sample rate, if less), from 0 to 1, it is at c − depth / 2
    · sin(2π · rate · t), c being where `centre` is on the scale of 44.1 kHz.
    """
    from scipy.signal import sosfilt

    highest = min(20000.0, 0.49 * sample_rate)
    middle = math.log(centre / 20) / math.log(min(20000.0, 0.49 * _FULL) / 20)
    wet = np.empty_like(wave)
    state = np.zeros((6, wave.shape[0], 2))
    step = max(4, round(_STEP * sample_rate))
    for first in range(0, wave.shape[1], step):
        place = middle - depth / 2 * math.sin(2 * math.pi * rate * (first + step / 2) / sample_rate)
        k = math.tan(math.pi * 20 * (highest / 20) ** min(max(place, 0.0), 1.0) / sample_rate)
        a = (k - 1) / (k + 1)
        section = [a, 1.0, 0.0, 1.0, a, 0.0]
        wet[:, first : first + step], state = sosfilt([section] * 6, wave[:, first : first + step], axis=1, zi=state)
    return (1 - np.float32(mix)) * wave + np.float32(mix) * wet


def reverberated(wave: Wave, response: NDArray[np.float32], *, dry: float, wet: float) -> Wave:
    """dry·x + wet·(x * response)."""
    return np.float32(dry) * wave + np.float32(wet) * convolved(wave, response)[:, : wave.shape[1]]
