from __future__ import annotations

import numpy as np
import pytest

from poisonkit.detection.methods import knn
from poisonkit.detection.methods.knn import NearestNeighbours
from poisonkit.errors import RequestError
from tests.detection import planted


def test_against_sorting_all_distances(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knn, "ROWS", 50)
    unit = planted.features().astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    labels = planted.labels()
    expected = []
    for i, x in enumerate(unit):
        distance = np.linalg.norm(unit - x, axis=1)
        distance[i] = np.inf
        expected.append(np.mean(labels[np.argsort(distance)[:7]] != labels[i]))
    assert NearestNeighbours(k=7).score(planted.dump()) == pytest.approx(np.array(expected), abs=1e-12)


def test_planted_samples_disagree_with_their_neighbours() -> None:
    scores = NearestNeighbours(k=20).score(planted.dump())
    assert scores[planted.is_bad()].min() > 0.4
    assert planted.auc(scores, planted.is_bad()) == 1.0


def test_many_at_one_place_and_too_few() -> None:
    same = np.ones_like(planted.features())
    found = NearestNeighbours(k=100).score(planted.dump(features=same))
    assert ((found >= 0) & (found <= 1)).all()
    with pytest.raises(RequestError, match="has 240 samples, and knn looks at 240 others"):
        NearestNeighbours(k=240).score(planted.dump())
