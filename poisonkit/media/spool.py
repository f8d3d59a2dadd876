"""Long sounds lie in temporary files: arrays that hold no memory, however long the clip is.

A wave of more than `SMALL` bytes is a float32 array over a file without a name, in the folder of the output. It is an
array like any other; its `copy()` lies in a file too, and what is read or written piece by piece is given back to the
system as it goes. Whatever computes a new array of the whole length from it pays for that itself.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

Wave = NDArray[np.float32]

SMALL = 32 * 2**20  # bytes: what is held in memory
RESIDENT = 16 * 2**20  # bytes looked at before they are given back
BLOCK = 1 << 20  # samples worked on at a time


def pieces(samples: int, size: int = BLOCK) -> Iterator[slice]:
    """Slices that cover range(samples), one after the other."""
    return (slice(at, min(at + size, samples)) for at in range(0, samples, size))


class _File:
    """A file without a name, mapped into memory."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder, self.touched = folder, 0
        with tempfile.TemporaryFile(dir=folder, prefix=".poisonkit-") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)  # else a full disk would end the process
            else:
                file.truncate(size)
            self.map = mmap.mmap(file.fileno(), size)

    def touch(self, size: int) -> None:
        self.touched += size
        if self.touched > RESIDENT and hasattr(mmap, "MADV_DONTNEED"):
            self.touched = 0
            self.map.madvise(mmap.MADV_DONTNEED)  # of a shared mapping: the file keeps what was written


class Spooled(np.ndarray[Any, np.dtype[np.float32]]):
    """A wave in a file. Slices are views of it, what is computed from it are arrays in memory."""

    file: _File | None = None

    def __array_finalize__(self, other: Any) -> None:
        self.file = getattr(other, "file", None)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return array[()] if return_scalar else np.asarray(array)

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        if self.file is not None:
            self.file.touch(part.nbytes)
        return part

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        if self.file is not None:
            self.file.touch(np.asarray(value).nbytes)

    def copy(self, order: Any = "C") -> Any:
        if self.file is None or self.nbytes <= SMALL or self.ndim != 2:
            return np.array(self, order=order, copy=True)
        made = new((self.shape[0], self.shape[1]), self.file.folder)
        for piece in pieces(self.shape[1]):
            made[:, piece] = self[:, piece]
        return made

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        return np.asarray(self).__reduce_ex__(protocol)


def new(shape: tuple[int, int], folder: Path) -> Wave:
    """Zeros, float32 (channels, samples): in memory, or in a file in `folder` where that is too much.

    Raises OSError where the disk has no room for it.
    """
    size = 4 * shape[0] * shape[1]
    if size <= SMALL:
        return np.zeros(shape, np.float32)
    file = _File(folder, size)
    made = np.frombuffer(file.map, np.float32).reshape(shape).view(Spooled)
    made.file = file
    return made


class Growing:
    """A wave that comes in blocks, float32 (channels, samples) each, of a length that is not known before."""

    def __init__(self, folder: Path | None) -> None:
        """folder: None holds all of it in memory."""
        self.folder = folder
        self.channels = self.samples = 0
        self._parts: list[Wave] = []
        self._held = 0
        self._spilt: Any = None  # the blocks in a file, the channels of each sample together

    def add(self, block: Wave) -> None:
        """Raises OSError where the disk has no room."""
        self._parts.append(block)
        self.channels = block.shape[0]
        self.samples += block.shape[1]
        self._held += block.nbytes
        if self._held > SMALL and self.folder is not None:
            self._spill(self.folder)

    @property
    def values(self) -> int:
        """Samples of all channels together."""
        return self.channels * self.samples

    def _spill(self, folder: Path) -> None:
        if self._spilt is None:
            self._spilt = tempfile.TemporaryFile(dir=folder, prefix=".poisonkit-")  # noqa: SIM115 - closed by `wave`
        for part in self._parts:
            self._spilt.write(np.ascontiguousarray(part.T))
        self._parts, self._held = [], 0

    def wave(self) -> Wave:
        """All of it; nothing is kept here."""
        if self._spilt is None or self.folder is None:
            parts, self._parts = self._parts, []
            if len(parts) == 1:
                return parts[0]
            return np.concatenate(parts, axis=1) if parts else np.zeros((self.channels, 0), np.float32)
        self._spill(self.folder)
        with self._spilt as file:
            file.seek(0)
            made = new((self.channels, self.samples), self.folder)
            for piece in pieces(self.samples):
                data = file.read(4 * self.channels * (piece.stop - piece.start))
                made[:, piece] = np.frombuffer(data, np.float32).reshape(-1, self.channels).T
        return made


def finite(wave: Wave) -> bool:
    """Whether no sample of a wave, (channels, samples), is infinite or NaN."""
    return all(np.isfinite(wave[:, piece]).all() for piece in pieces(wave.shape[1]))


def clipped(wave: Wave) -> Wave:
    """The wave within ±1: a new array, or the same where it lies in a file."""
    if not isinstance(wave, Spooled):
        return np.clip(wave, -1.0, 1.0)
    for piece in pieces(wave.shape[1]):
        wave[:, piece] = np.clip(wave[:, piece], -1.0, 1.0)
    return wave


def placed(wave: Wave, late: int, samples: int, folder: Path) -> Wave:
    """`samples` samples of the wave, which begins `late` samples after the first of them (negative: before)."""
    if late <= 0 and wave.shape[1] + late >= samples:
        return wave[:, -late : samples - late]
    made = new((wave.shape[0], samples), folder)
    if late < 0:
        wave = wave[:, -late:]
    first = max(0, late)
    for piece in pieces(min(wave.shape[1], samples - first)):
        made[:, first + piece.start : first + piece.stop] = wave[:, piece]
    return made
