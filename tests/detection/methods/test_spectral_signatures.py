from __future__ import annotations

import numpy as np
import pytest

from poisonkit.detection import method
from poisonkit.detection.methods.spectral_signatures import SpectralSignatures
from tests.detection import planted


def test_against_the_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(method, "ROWS", 7)
    features, labels = planted.features().astype(np.float64), planted.labels()
    expected = np.empty(len(labels))
    for label in range(planted.CLASSES):
        at = labels == label
        centred = features[at] - features[at].mean(axis=0)
        v = np.linalg.svd(centred, full_matrices=False)[2][0]
        expected[at] = (centred @ v) ** 2
    assert SpectralSignatures().score(planted.dump()) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_planted_samples_lie_farthest_out() -> None:
    scores, bad = SpectralSignatures().score(planted.dump()), planted.is_bad()
    assert planted.auc(scores, bad) == 1.0
    assert (SpectralSignatures().score(planted.dump(features=np.ones_like(planted.features()))) == 0).all()
