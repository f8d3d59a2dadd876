"""Log-mel features of sound, by the recipe of MMAction2's `tools/data/build_audio_features.py`.

Mono at 16 kHz, RMS 0.1; `lws.lws(512, 256, mode="speech").stft`: windows of 512 samples, 256 apart, the first
begins 256 before the sound, root-Hann √(½ (1 − cos(2π (n + ½) / 512))); magnitude through 80 mel bands from 125 to
7600 Hz (librosa's, Slaney's); S = 20 log10(max(1e-5, ·)) − 20; min(max((S + 100) / 100, 0), 1).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poisonkit.common import exact
from poisonkit.common.fourier import rfft
from poisonkit.common.safe_io import UNREADABLE_NPY, open_plain
from poisonkit.errors import MediaError
from poisonkit.media.decode import Wave
from poisonkit.media.dispatch import read_audio
from poisonkit.media.files import name_of, replacing
from poisonkit.media.probing import StreamChoice

RATE, WINDOW, HOP, BANDS, LOW, HIGH = 16_000, 512, 256, 80, 125, 7600
SHORTEST = 64
"""Rows, about a second: MMAction2's usual `clip_len`, of fewer than which it makes an all-zero input without a word."""
_AT_ONCE = 4096  # rows held as complex spectra


@dataclass(frozen=True)
class Features:
    """A file of features. shape: (rows, bands); padded: whether silence was put behind a sound under SHORTEST rows."""

    shape: tuple[int, int]
    padded: bool
    sha256: str
    bytes: int


def rows_of(samples: int, rate: int = RATE) -> int:
    """How many rows the sound has: one for each 256 samples at 16 kHz, begun or full, and one more."""
    here = (samples * RATE + rate - 1) // rate
    return (here + HOP - 1) // HOP + 1


def log_mel(wave: Wave, rate: int) -> NDArray[np.float32]:
    """Float32 (rows, 80) in 0 to 1, of float32 (channels, samples) at `rate` Hz.

    Silence behind sounds under a second makes them 64 rows.
    MediaError for sound that is none: no sample, or values that are not finite.
    """
    if not wave.size or not np.isfinite(wave).all():
        raise MediaError("Its sound is empty or holds values that are not numbers.")
    mono: NDArray[np.float32] = np.asarray(np.mean(wave, axis=0, dtype=np.float32))
    if rate != RATE:
        import librosa

        mono = librosa.resample(mono, orig_sr=rate, target_sr=RATE, res_type="soxr_hq")
    loud: NDArray[np.float32] = mono * np.float32(
        0.1 / max(1e-4, float(np.sqrt(np.mean(np.square(mono, dtype=np.float64)))))
    )
    rows = max(SHORTEST, rows_of(len(loud)))
    padded = np.zeros((rows + 1) * HOP)
    padded[HOP : HOP + len(loud)] = loud
    window = np.sin(np.pi * (np.arange(WINDOW) + 0.5) / WINDOW)
    found = np.empty((rows, BANDS), dtype=np.float32)
    for first in range(0, rows, _AT_ONCE):
        last = min(rows, first + _AT_ONCE)
        framed = np.lib.stride_tricks.sliding_window_view(padded[first * HOP : (last + 1) * HOP], WINDOW)[::HOP]
        level = 20 * exact.log10(np.maximum(1e-5, exact.product(np.abs(rfft(framed * window)), _bands()))) - 20
        found[first:last] = np.clip((level + 100) / 100, 0, 1)
    return found


@cache
def _bands() -> NDArray[np.float64]:
    """(257, 80): how much of each frequency's magnitude goes to each band."""
    import librosa

    basis: Any = librosa.filters.mel(sr=RATE, n_fft=WINDOW, n_mels=BANDS, fmin=LOW, fmax=HIGH)
    return np.ascontiguousarray(basis.T, dtype=np.float64)


def write_features(source: str | Path, destination: str | Path, *, stream: StreamChoice = "best") -> Features:
    """Write the log-mel features of a file's sound as `.npy`, in place whole or not at all; the same bytes each time.

    Raises MediaError when the file has no sound that can be decoded, or cannot be written.
    """
    wave, rate = read_audio(source, stream)
    try:
        mel = log_mel(wave, rate)
    except MediaError as error:
        raise MediaError(f"{name_of(source)}: {error}") from None
    with replacing(destination) as temporary:
        with open(temporary, "wb") as file:
            np.save(file, mel, allow_pickle=False)
        data = temporary.read_bytes()
    padded = rows_of(wave.shape[1], rate) < SHORTEST
    return Features((mel.shape[0], BANDS), padded, hashlib.sha256(data).hexdigest(), len(data))


def read_features(path: str | Path) -> NDArray[np.float32]:
    """What `write_features` wrote: float32 (rows, 80). MediaError for anything else; never unpickles."""
    try:
        with open_plain(path) as file:
            found = np.load(file, allow_pickle=False)
    except UNREADABLE_NPY as error:
        raise MediaError(f"{name_of(path)} holds no array that can be read.") from error
    if not isinstance(found, np.ndarray) or found.dtype != np.float32 or found.ndim != 2 or found.shape[1] != BANDS:
        raise MediaError(f"{name_of(path)} is no array of log-mel features: float32 (rows, {BANDS}).")
    return found
