"""NumPy's transforms of real numbers, the same bytes with every NumPy from 1.26 on.

NumPy 2 has the transforms in C++ that SciPy had before; NumPy 1 has others, which round otherwise. With NumPy 1 come
SciPys up to 1.17, whose transforms are those of NumPy 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_OLD = np.lib.NumpyVersion(np.__version__) < "2.0.0"


def rfft(values: NDArray[Any]) -> NDArray[np.complex128]:
    """`np.fft.rfft` along the last axis, in float64."""
    if not _OLD:
        return np.asarray(np.fft.rfft(values))
    from scipy import fft

    return np.asarray(fft.rfft(values))


def irfft(spectrum: NDArray[Any], samples: int) -> NDArray[np.float64]:
    """`np.fft.irfft` along the last axis, in float64."""
    if not _OLD:
        return np.asarray(np.fft.irfft(spectrum, samples))
    from scipy import fft

    return np.asarray(fft.irfft(spectrum, samples))
