"""The transforms for NumPy 1 are those of NumPy 2, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.common import fourier


@pytest.mark.parametrize("size", [32, 2048, 1000])
def test_transforms_are_alike_with_every_numpy(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(size).normal(size=(2, 9, size))
    spectrum = fourier.rfft(values)
    back = fourier.irfft(spectrum, size)
    np.testing.assert_allclose(back, values, atol=1e-12)
    monkeypatch.setattr(fourier, "_OLD", True)
    np.testing.assert_array_equal(fourier.rfft(values), spectrum)
    np.testing.assert_array_equal(fourier.irfft(spectrum, size), back)
