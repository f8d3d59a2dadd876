from __future__ import annotations

import numpy as np
import pytest

from poisonkit.detection.methods import beatrix
from poisonkit.detection.methods.beatrix import Beatrix
from tests.detection import planted


def by_formula(values: np.ndarray, labels: np.ndarray, orders: int, width: float) -> np.ndarray:
    """Whole Gram matrices. values: (N, C, P)."""
    n, c, _ = values.shape
    total = np.zeros(n)
    for p in range(1, orders + 1):
        raised = values.astype(np.float64) ** p
        g = np.triu(raised @ raised.transpose(0, 2, 1))
        g = (np.sign(g) * np.abs(g) ** (1 / p)).reshape(n, -1)
        for label in np.unique(labels):
            mine = g[labels == label]
            median = np.median(mine, axis=0)
            mad = np.median(np.abs(mine - median), axis=0)
            low, high = median - width * mad, median + width * mad
            beyond = np.maximum(low - mine, 0) / np.abs(low + 1e-6) + np.maximum(mine - high, 0) / np.abs(high + 1e-6)
            total[labels == label] += beyond.sum(axis=1)
    return total / (c * c / 2) / orders


def test_maps_against_the_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beatrix, "CELLS", 100)
    rng = np.random.default_rng(1)
    maps = (rng.normal(1, 1, (240, 5, 4)) * (1 + 9 * planted.is_bad()[:, None, None])).astype(np.float32)
    scores = Beatrix(orders=3, width=2.5).score(planted.dump(maps=maps))
    assert scores == pytest.approx(by_formula(maps, planted.labels(), 3, 2.5), rel=2e-3, abs=1e-5)
    assert planted.auc(scores, planted.is_bad()) > 0.95


def test_features_are_maps_of_one_position() -> None:
    """Of features that are not negative, every order says the same."""
    features = np.abs(planted.features())
    scores = Beatrix(width=3).score(planted.dump(features=features))
    for orders in (1, 3):
        expected = by_formula(features[:, :, None], planted.labels(), orders, 3)
        assert scores == pytest.approx(expected, rel=2e-3, abs=1e-4)
    signed = Beatrix(width=3).score(planted.dump())
    assert signed == pytest.approx(
        by_formula(planted.features()[:, :, None], planted.labels(), 1, 3), rel=2e-3, abs=1e-4
    )


def test_planted_samples_and_a_drawn_reference() -> None:
    features = np.abs(planted.features())
    found = Beatrix(width=3, reference=40).score(planted.dump(features=features))
    assert planted.auc(found, planted.is_bad()) > 0.99
    assert (found == Beatrix(width=3, reference=40).score(planted.dump(features=features))).all()
