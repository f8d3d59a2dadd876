"""Contact sheets: clean, poisoned and amplified difference of pictures; waveform and mel spectrogram of sound.

Pictures in and out are uint8 RGB, (height, width, 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Wave = NDArray[np.float32]

INK = (40, 40, 40)
STRIP = 20  # pixels, height of a label


def label(text: str, width: int) -> Image:
    """A white strip with a line of text."""
    strip = np.full((STRIP, width, 3), 255, np.uint8)
    cv2.putText(strip, text, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, INK, 1, cv2.LINE_AA)
    return strip


def amplification(change: NDArray[np.int16]) -> int:
    """By how much a difference is multiplied to be seen: so that its 99.5th percentile is near 110 levels."""
    return int(max(1, min(32, 110 / max(1.0, float(np.percentile(np.abs(change), 99.5))))))


def difference(clean: Image, poisoned: Image, factor: int) -> Image:
    """The change around mid grey, `factor` times."""
    change = poisoned.astype(np.int16) - clean
    return np.asarray(np.clip(128 + factor * change, 0, 255), dtype=np.uint8)


def _fit(image: Image, width: int) -> Image:
    height = max(1, round(image.shape[0] * width / image.shape[1]))
    way = cv2.INTER_AREA if width < image.shape[1] else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(image, (width, height), interpolation=way), dtype=np.uint8)


def frame_sheet(
    clean: Sequence[Image], poisoned: Sequence[tuple[str, Sequence[Image]]], times: Sequence[str], width: int = 256
) -> Image:
    """Rows of frames: clean, then for each named version the frames and their amplified difference.

    clean, and each version: the same few frames. times: what stands above each of them.
    """
    columns = len(clean)
    heads = np.concatenate([label(t, width) for t in times], axis=1)
    parts = [label("clean", columns * width), heads, np.concatenate([_fit(f, width) for f in clean], axis=1)]
    for name, frames in poisoned:
        change = np.concatenate([(b.astype(np.int16) - a).ravel() for a, b in zip(clean, frames, strict=True)])
        factor = amplification(change)
        shown = [difference(a, b, factor) for a, b in zip(clean, frames, strict=True)]
        parts.append(label(name, columns * width))
        parts.append(np.concatenate([_fit(f, width) for f in frames], axis=1))
        parts.append(label(f"difference, x{factor} around grey", columns * width))
        parts.append(np.concatenate([_fit(f, width) for f in shown], axis=1))
    return np.concatenate(parts)


def spectrogram(wave: Wave, rate: int, width: int, height: int = 160) -> Image:
    """Mel spectrogram of the first channel: 80 bands to half the rate, -70 to 20 dB, low frequencies below."""
    import librosa

    size = min(1024, 2 ** int(np.log2(max(64, wave.shape[1] // 2))))
    padded = np.pad(wave[0], (0, max(0, size - wave.shape[1])))
    mel = librosa.feature.melspectrogram(y=padded, sr=rate, n_fft=size, hop_length=max(1, size // 8), n_mels=80)
    level = np.clip(librosa.power_to_db(mel, ref=1.0) + 70, 0, 90) / 90
    image = cv2.applyColorMap(np.rint(level[::-1] * 255).astype(np.uint8), cv2.COLORMAP_MAGMA)
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(image[..., ::-1], dtype=np.uint8)


def waveform(wave: Wave, width: int, height: int = 60) -> Image:
    """The first channel's extent per column of pixels, full scale top to bottom."""
    image = np.full((height, width, 3), 255, np.uint8)
    edges = np.linspace(0, wave.shape[1], width + 1).astype(int)
    for x in range(width):
        piece = wave[0, edges[x] : max(edges[x] + 1, edges[x + 1])]
        top, bottom = (round((1 - float(v)) / 2 * (height - 1)) for v in (piece.max(), piece.min()))
        image[top : bottom + 1, x] = (60, 90, 160)
    return image


def sound_sheet(clean: Wave, poisoned: Sequence[tuple[str, Wave]], rate: int, width: int = 768) -> Image:
    """Waveform and mel spectrogram of the clean sound and of each named version; float32 (channels, samples)."""
    parts: list[Any] = []
    for name, wave in (("clean", clean), *poisoned):
        seconds = wave.shape[1] / rate
        parts.append(label(f"{name}: 80 mel bands to {rate // 2} Hz, {seconds:.2f} s", width))
        parts += [waveform(wave, width), spectrogram(wave, rate, width)]
    return np.concatenate(parts)


def stack(sheets: Sequence[Image]) -> Image:
    """Sheets below each other, padded with white to the widest."""
    width = max(s.shape[1] for s in sheets)
    padded = [np.pad(s, ((0, 0), (0, width - s.shape[1]), (0, 0)), constant_values=255) for s in sheets]
    return np.concatenate(padded)
