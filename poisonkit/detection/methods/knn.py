"""Label consistency with the nearest neighbours."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import numpy as np
from pydantic import Field

from poisonkit.common import processors
from poisonkit.detection.dump import Dump
from poisonkit.detection.method import Method, one_thread
from poisonkit.errors import RequestError
from poisonkit.scoring.predictions import Floats

ROWS = 2048  # samples whose neighbours are looked up at a time


class NearestNeighbours(Method):
    """Deep k-NN (Peri et al., "Deep k-NN Defense Against Clean-Label Data Poisoning Attacks", ECCV workshops 2020,
    arXiv 1909.13374).

    Features scaled to length 1; the k nearest other samples by Euclidean distance (scikit-learn); score(x) = the share
    of them that have another label. The paper removes a sample whose label is not the most frequent one of them, and
    takes k of about the size of a class.
    """

    name: ClassVar[str] = "knn"
    help: ClassVar[str] = "share of the k nearest samples that have another label"
    k: int = Field(50, ge=1, le=100_000, description="neighbours")

    def score(self, dump: Dump) -> Floats:
        """1 − the share of neighbours with the same label."""
        from sklearn.neighbors import NearestNeighbors
        from threadpoolctl import threadpool_limits

        assert dump.features is not None
        assert dump.labels is not None
        if dump.count <= self.k:
            raise RequestError(
                f"{dump.file} has {dump.count} samples, and {self.name} looks at {self.k} others of each; say "
                f"{self.name}:k=N with a smaller N, or leave {self.name} out."
            )
        unit = np.empty_like(dump.features)
        for begin in range(0, dump.count, ROWS):
            some = dump.features[begin : begin + ROWS].astype(np.float64)
            length = np.linalg.norm(some, axis=1, keepdims=True)
            unit[begin : begin + ROWS] = some / np.where(length > 0, length, 1)
        index = NearestNeighbors(n_neighbors=self.k + 1, algorithm="brute").fit(unit)
        labels, found = dump.labels, np.empty(dump.count)

        def look(begin: int) -> None:
            mine = np.arange(begin, min(begin + ROWS, dump.count))
            with threadpool_limits(1, user_api="openmp"):  # of this thread
                near = index.kneighbors(unit[mine], return_distance=False)
            own = near == mine[:, None]
            own[~own.any(axis=1), -1] = True  # many at one place: it is not among the nearest itself
            others = near[~own].reshape(len(mine), self.k)
            found[mine] = (labels[others] != labels[mine, None]).mean(axis=1)

        # threads of our own: scikit-learn's wait for each other after every few rows
        with one_thread(), ThreadPoolExecutor(processors.count()) as pool:
            list(pool.map(look, range(0, dump.count, ROWS)))
        return found
