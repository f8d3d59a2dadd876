from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm, sqrtm

from poisonkit.detection.method import principal
from poisonkit.detection.methods.spectre import Spectre, inverse_root, settled, squares
from tests.detection import planted


def by_formula(low: np.ndarray, kept: np.ndarray, alpha: float) -> tuple[np.ndarray, float]:
    """QUE scores sample by sample."""
    k = low.shape[1]
    sigma = np.atleast_2d(sum(np.outer(h, h) for h in low[kept] - low[kept].mean(axis=0)) / len(kept))
    y = low @ np.linalg.inv(sqrtm(sigma).real)
    s = np.atleast_2d(sum(np.outer(h, h) for h in y - y.mean(axis=0)) / len(y))
    q = expm(alpha * (s - np.eye(k)) / (np.linalg.norm(s, 2) - 1))
    return np.array([h @ q @ h / np.trace(q) for h in y]), float(np.trace(s @ q) / np.trace(q))


def test_against_the_formula() -> None:
    at = np.flatnonzero(planted.labels() == 0)
    low, _ = principal(planted.features(), at, 64)
    low = low[:, :16]
    best, highest = None, -np.inf
    for k in (1, 4, 9, 16):
        scores, _ = by_formula(low[:, :k], settled(low[:, :k], 0.8), 4)
        kept = np.argsort(scores, kind="stable")[: 80 - 12]  # 1.5 · 0.1 · 80 are taken out
        _, mean = by_formula(low, kept, 4)
        if mean > highest * (1 + 1e-9):
            best, highest = scores, mean
    assert Spectre().score(planted.dump())[at] == pytest.approx(best, rel=1e-6)


def test_planted_samples_have_the_highest_scores() -> None:
    assert planted.auc(Spectre(contamination=0.15).score(planted.dump()), planted.is_bad()) == 1.0
    assert (Spectre().score(planted.dump(features=np.ones_like(planted.features()))) == 0).all()


def test_outliers_are_left_out_of_the_covariance() -> None:
    rng = np.random.default_rng(0)
    low = rng.normal(size=(200, 3)) * [3, 1, 0.3]
    low[:20] += [0, 0, 6]
    kept = settled(low, 0.8)
    assert kept.min() >= 20
    assert len(kept) == 160
    assert np.cov(low[kept].T)[2, 2] < 0.09


def test_parts() -> None:
    assert squares(1) == [1]
    assert squares(16) == [1, 4, 9, 16]
    assert squares(20) == [1, 4, 9, 16, 20]
    root = inverse_root(np.diag([4.0, 0.0]))
    assert root == pytest.approx(np.diag([0.5, 0.0]))
