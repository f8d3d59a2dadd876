from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.decomposition import FastICA
from sklearn.metrics import silhouette_samples

from poisonkit.detection.methods.activation_clustering import ActivationClustering
from poisonkit.errors import RequestError
from tests.detection import planted


def test_planted_samples_are_the_smaller_cluster() -> None:
    scores, bad = ActivationClustering(components=3).score(planted.dump()), planted.is_bad()
    assert (scores[: planted.EACH] > 0.1).tolist() == bad[: planted.EACH].tolist()
    assert planted.auc(scores[: planted.EACH], bad[: planted.EACH]) == 1.0
    assert scores[bad].min() == scores.max(), "no other class splits as cleanly"


def test_against_the_paper_s_way() -> None:
    """Independent components by FastICA, two clusters, silhouette by hand."""
    features, labels = planted.features(), planted.labels()
    expected = np.full(len(labels), -1.0)
    for label in np.unique(labels):
        at = np.flatnonzero(labels == label)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            low = FastICA(3, whiten="unit-variance", random_state=0).fit_transform(features[at].astype(np.float64))
        groups = KMeans(2, n_init=10, random_state=0).fit_predict(low)
        smaller = np.argmin(np.bincount(groups))
        expected[at[groups == smaller]] = silhouette_samples(low, groups).mean()
    scores = ActivationClustering(components=3).score(planted.dump())
    assert scores[: planted.EACH] == pytest.approx(expected[: planted.EACH], abs=1e-6)
    for found in (scores, expected):  # where nothing is to be found, clusters are arbitrary
        assert found[planted.EACH :].max() < found[: planted.EACH].max()


def test_samples_that_are_all_alike_and_too_few() -> None:
    same = np.ones_like(planted.features())
    assert (ActivationClustering().score(planted.dump(features=same)) == -1).all()
    with pytest.raises(RequestError, match=r"class 0 has 80 samples, and .* takes 90 components"):
        ActivationClustering(components=90).score(planted.dump())
