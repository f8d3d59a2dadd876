"""Arithmetic on whole maps that kernels and triggers share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def scaled(values: NDArray[Any], factor: float, plus: float) -> NDArray[np.float32]:
    """factor · values + plus, float32, in one pass."""
    import cv2

    factor, plus = single(factor), single(plus)
    out = cv2.addWeighted(values, factor, values, 0.0, plus, dtype=cv2.CV_32F)
    return np.asarray(out, np.float32).reshape(values.shape)


def single(value: float) -> float:
    """The number as float32 holds it, to which OpenCV rounds factors from 4.14 on, but not before."""
    return float(np.float32(value))
