"""Numbers that are the same to the last bit on every processor: functions made of IEEE 754's basic operations alone.

+, −, ·, / and √ of single numbers are rounded in one way everywhere; `exp`, `log` and powers of NumPy, products of
matrices and transforms are not: they take other instructions, and other orders of adding up, on other processors. The
functions here are right to about one unit in the last place; what matters is that they are always wrong alike. NumPy
adds up in a fixed order (`np.sum`, `np.cumsum`, `np.einsum` that is not optimised), which may be used beside them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Context, Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]

_LN2_HIGH, _LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10  # ln 2; the high part times 1100 is exact
_LN10 = 2.302585092994046
_SQRT_HALF = 0.7071067811865476
_PLACES = Context(prec=40)


def exp(x: Any) -> Real:
    """e^x, float64; 0 below -745, infinite above 709.78."""
    x = np.asarray(x, np.float64)
    n = np.rint(np.clip(x, -1100.0, 1100.0) * 1.4426950408889634)
    r = (np.clip(x, -1100.0, 1100.0) - n * _LN2_HIGH) - n * _LN2_LOW  # |r| ≤ ln 2 / 2
    total = np.full_like(r, 1 / math.factorial(14))
    for k in range(13, 1, -1):
        total = total * r + 1 / math.factorial(k)
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(np.ldexp(1.0 + (r + r * r * total), n.astype(np.int64)))


def log(x: Any) -> Real:
    """ln x, float64, of numbers above 0."""
    m, n = np.frexp(np.asarray(x, np.float64))
    low = m < _SQRT_HALF
    m, n = np.where(low, 2 * m, m), n - low  # √½ ≤ m < √2
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    total = np.full_like(z, 2 / 25)
    for k in range(23, 1, -2):
        total = total * z + 2 / k
    # ln m = 2s + s·z·total, and 2s = f − s·f, of which f is exact
    return np.asarray(n * _LN2_HIGH + ((n * _LN2_LOW + s * (z * total - f)) + f))


def log10(x: Any) -> Real:
    """The logarithm to base 10, float64, of numbers above 0."""
    return log(x) / _LN10


def power(x: Any, y: float) -> Real:
    """x^y, float64, of numbers from 0 on and an exponent above 0."""
    x = np.asarray(x, np.float64)
    above = x > 0
    return np.where(above, exp(y * log(np.where(above, x, 1.0))), 0.0)


def exp2(x: Any) -> Real:
    """2^x, float64."""
    x = np.asarray(x, np.float64)
    whole = np.rint(x)
    return np.asarray(np.ldexp(exp((x - whole) * 0.6931471805599453), whole.astype(np.int64)))


def cbrt(x: Any) -> Real:
    """The cube root, float64, of numbers from 0 on."""
    x = np.asarray(x, np.float64)
    y = power(x, 1 / 3)
    safe = np.where(y > 0, y, 1.0)
    return np.asarray(y - (y - x / (safe * safe)) / 3)


def circle(n: int) -> tuple[Real, Real]:
    """(cos, sin) of 2πk/n for k from 0 to n - 1: each from an angle of at most an eighth of a turn."""
    k = np.arange(n)
    octant, within = np.divmod(8 * k, n)  # 8k = octant·n + within
    turned = np.where(octant % 2 == 1, n - within, within)
    a = turned * (math.pi / (4 * n))
    z = a * a
    cosine, sine = np.full_like(z, 1 / math.factorial(18)), np.full_like(z, 1 / math.factorial(19))
    for j in range(8, -1, -1):
        cosine = 1 / math.factorial(2 * j) - cosine * z
        sine = 1 / math.factorial(2 * j + 1) - sine * z
    sine = sine * a
    swapped = np.isin(octant, (1, 2, 5, 6))
    cosine, sine = np.where(swapped, sine, cosine), np.where(swapped, cosine, sine)
    return np.where(np.isin(octant, (2, 3, 4, 5)), -cosine, cosine), np.where(octant >= 4, -sine, sine)


def product(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """The matrix product of (n, k) and (k, m), each number added up in the order of k: no BLAS."""
    return np.asarray(np.einsum("ik,kj->ij", a, b, optimize=False))


def inverse(m: Any) -> Real:
    """The inverse of a 3 x 3 matrix, by its cofactors."""
    (a, b, c), (d, e, f), (g, h, i) = np.asarray(m, np.float64).tolist()
    first = [e * i - f * h, f * g - d * i, d * h - e * g]
    whole = a * first[0] + b * first[1] + c * first[2]
    rows = [
        [first[0], c * h - b * i, b * f - c * e],
        [first[1], a * i - c * g, c * d - a * f],
        [first[2], b * g - a * h, a * e - b * d],
    ]
    return np.array([[value / whole for value in row] for row in rows])


_AT_ONCE = 64  # pairs of frames: what is worked on stays in the processor's cache


def power_spectra(frames: NDArray[Any]) -> Real:
    """|DFT|², (n, size / 2 + 1), of the rows of (n, size); size: a power of two. By Stockham's fast transform."""
    n, size = frames.shape
    cosine, sine = circle(size)
    whole = np.zeros((n + n % 2, size))  # two frames are the real and the imaginary part of one
    whole[:n] = frames
    found = np.empty((len(whole), size // 2 + 1))
    for first in range(0, len(whole), 2 * _AT_ONCE):
        pairs = whole[first : first + 2 * _AT_ONCE]
        re, im = _transformed(pairs[0::2], pairs[1::2], cosine, sine)
        back = np.arange(0, -(size // 2 + 1), -1)
        front = slice(0, size // 2 + 1)
        for k, (up, down) in enumerate(((re, im), (im, re))):
            real, imaginary = up[:, front] + up[:, back], down[:, front] - down[:, back]
            found[first + k : first + len(pairs) : 2] = (real * real + imaginary * imaginary) * 0.25
    return found[:n]


def _transformed(re: Real, im: Real, cosine: Real, sine: Real) -> tuple[Real, Real]:
    n, size = re.shape
    left, done = size, 1
    while left > 1:
        half = left // 2
        c, s = (wave[: size // 2 : done][:half, None] for wave in (cosine, sine))
        (ar, br), (ai, bi) = (part.reshape(n, 2, half, done).swapaxes(0, 1) for part in (re, im))
        out_re, out_im = np.empty((n, half, 2, done)), np.empty((n, half, 2, done))
        np.add(ar, br, out=out_re[:, :, 0])
        np.add(ai, bi, out=out_im[:, :, 0])
        dr, di = ar - br, ai - bi
        np.add(dr * c, di * s, out=out_re[:, :, 1])  # times e^(-iφ)
        np.subtract(di * c, dr * s, out=out_im[:, :, 1])
        re, im = out_re, out_im
        left, done = half, 2 * done
    return re.reshape(n, size), im.reshape(n, size)


def decibels(power: float, to: float, factor: int = 10) -> float:
    """factor·log10(power / to), both above 0, rounded once: the platform's own logarithm is not the same everywhere."""
    ratio = _PLACES.divide(Decimal(power), Decimal(to))
    return float(factor * _PLACES.log10(ratio))


def mean(values: Any) -> float:
    """The mean of some numbers, their sum rounded once."""
    numbers = [float(v) for v in values]
    return math.fsum(numbers) / len(numbers)


@contextmanager
def opencv_alone() -> Iterator[None]:
    """OpenCV without Intel's library inside it, whose transforms and cubic interpolation differ with every generation
    of processors. Of this thread alone."""
    import cv2

    before = cv2.ipp.useIPP()
    cv2.ipp.setUseIPP(False)
    try:
        yield
    finally:
        cv2.ipp.setUseIPP(before)
