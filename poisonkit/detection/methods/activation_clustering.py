"""Activation clustering: the smaller of two clusters of each class."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from poisonkit.detection.dump import Dump
from poisonkit.detection.method import Method, least, one_thread, principal
from poisonkit.scoring.predictions import Floats

SHOWN = 2000  # samples of a class from which its silhouette is taken, drawn with seed 0


class ActivationClustering(Method):
    """Activation clustering (Chen et al., "Detecting Backdoor Attacks on Deep Neural Networks by Activation
    Clustering", SafeAI 2019, arXiv 1811.03728).

    For each class: the features along `components` independent components, k-means with k = 2 (scikit-learn), and the
    silhouette of the two clusters, mean of (b − a) / max(a, b). The score of a sample in the smaller cluster is that
    silhouette: what splits more cleanly is the more suspicious; of one in the larger cluster −1. So a class has two
    values at most, and ties count half in an AUC. FastICA whitens the principal components and then turns them;
    k-means sees no turn, so whitened principal components give the clusters that independent ones give.
    """

    name: ClassVar[str] = "activation-clustering"
    help: ClassVar[str] = "the smaller of two k-means clusters of each class, by silhouette"
    components: int = Field(10, ge=1, le=1000, description="independent components, as in the paper")

    def score(self, dump: Dump) -> Floats:
        """The silhouette of its class for a sample of the smaller cluster, else −1."""
        from sklearn.cluster import KMeans
        from sklearn.metrics import silhouette_score

        assert dump.features is not None
        found = np.full(dump.count, -1.0)
        most = max(self.components + 1, 3)
        lower = f"say {self.name}:components=N with a smaller N, or leave {self.name} out"
        least(dump, most, f"{self.name} takes {self.components} components of more samples than that", lower)
        with one_thread():
            for _, at in dump.by_class():
                low, variances = principal(dump.features, at, self.components)
                if not variances.size:  # all alike
                    continue
                low /= np.sqrt(variances)
                if len(np.unique(low, axis=0)) < 3:
                    continue
                groups = KMeans(2, n_init=10, random_state=0).fit_predict(low)
                smaller = int(np.count_nonzero(groups == 1) <= len(at) / 2)
                shown = SHOWN if len(at) > SHOWN else None
                found[at[groups == smaller]] = silhouette_score(low, groups, sample_size=shown, random_state=0)
        return found
