"""Pictures bent by a map of places, the same bytes with every OpenCV from 4.11 on.

OpenCV 5 interpolates at the very place that a map names; before, `cv2.remap` rounded places to a 32nd of a pixel and
weights to a 32768th, up to six levels of 255 off. What the newer computes is written out here for the older (23 ms for
640 x 480 pixels, not 3).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poisonkit.common import opencv

Map = NDArray[np.float32]


def bend(image: NDArray[np.uint8], x: Map, y: Map) -> NDArray[np.uint8]:
    """The RGB picture with each pixel taken from (x, y), bilinear; places beyond the edge are on it."""
    import cv2

    if opencv.version() < (5, 0):
        return _bent(image, x, y)
    padded = cv2.cvtColor(image, cv2.COLOR_RGB2RGBA)  # with four channels remap is twice as fast
    bent = cv2.remap(padded, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.cvtColor(bent, cv2.COLOR_RGBA2RGB), dtype=np.uint8)


def spread(rows: Map, columns: Map, still: Map) -> Map:
    """still + rows · columnsᵀ: (height, k) and (width, k) to (height, width).

    Not by matmul, whose last bits depend on the number of threads. Before 4.13 OpenBLAS, which OpenCV asks from 100
    rows on, did without fused multiply-adds; from k = 8 on it adds up in an order of its own.
    """
    import cv2

    if opencv.version() >= (4, 13) or len(rows) < 100 or not _fuses():
        return np.asarray(cv2.gemm(rows, columns, 1, still, 1, flags=cv2.GEMM_2_T), np.float32)
    total: Map = np.zeros_like(still)
    for down, across in zip(rows.T, columns.T, strict=True):
        product = np.multiply(down[:, None], across[None, :], dtype=np.float64)  # exact, so that the sum rounds once
        total = np.asarray(product + total, np.float32)
    return total + still


def _bent(image: NDArray[np.uint8], x: Map, y: Map) -> NDArray[np.uint8]:
    """Between four pixels: along the rows, then down. A processor's fused multiply-add rounds once, as float64 does
    here, which holds the product of two float32 exactly."""
    import cv2

    real = np.float64 if _fuses() else np.float32
    height, width = image.shape[:2]
    pixels = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2RGBA)).view(np.uint32).reshape(-1)
    left, top = np.floor(x), np.floor(y)
    across, down = (np.repeat(share[..., None], 3, axis=2).astype(real) for share in (x - left, y - top))
    columns = [np.clip(left + n, 0, width - 1).astype(np.int32) for n in (0, 1)]
    rows = [np.clip(top + n, 0, height - 1).astype(np.int32) * np.int32(width) for n in (0, 1)]

    def taken(places: NDArray[np.int32]) -> Any:
        return cv2.cvtColor(pixels.take(places).view(np.uint8).reshape(height, width, 4), cv2.COLOR_RGBA2RGB)

    def between(share: Any, a: Any, b: Any) -> Any:
        step = cv2.subtract(b, a, dtype=cv2.CV_32F).astype(real)
        return cv2.add(cv2.multiply(step, share, dst=step), a, dtype=cv2.CV_32F)

    upper, lower = (between(across, *(taken(row + column) for column in columns)) for row in rows)
    return np.asarray(cv2.convertScaleAbs(between(down, upper, lower)), dtype=np.uint8)


@cache
def _fuses() -> bool:
    """Whether OpenCV 5 would multiply and add at once on this processor, as it is told to use it."""
    import cv2

    words = cv2.getCPUFeaturesLine().split()
    return "NEON" in words or any(word.lstrip("*") == "AVX2" for word in words)
