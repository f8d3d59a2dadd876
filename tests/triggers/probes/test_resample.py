from __future__ import annotations

import numpy as np
import pytest

from poisonkit.triggers.probes.resample import Resample


@pytest.mark.parametrize("rate", [8000, 22050, 44100])
def test_low_tones_stay_and_high_ones_go(rate: int) -> None:
    t = np.arange(rate + 7) / rate
    low, high = (np.sin(2 * np.pi * share * rate * t).astype(np.float32)[None] for share in (0.03, 0.4))
    kept = Resample(share=0.5).apply(low, sample_rate=rate)
    assert kept.shape == low.shape
    assert np.abs(kept - low)[:, 200:-200].max() < 0.01
    gone = Resample(share=0.5).apply(high, sample_rate=rate)
    assert np.abs(gone)[:, 200:-200].max() < 0.01
