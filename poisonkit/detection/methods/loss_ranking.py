"""Loss ranking: what is learned first."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from poisonkit.detection.dump import Dump
from poisonkit.detection.method import Method
from poisonkit.errors import RequestError
from poisonkit.scoring.predictions import Floats


class LossRanking(Method):
    """Loss ranking (Li et al., "Anti-Backdoor Learning", NeurIPS 2021, arXiv 2110.11571): poisoned samples have the
    lowest loss after a few epochs.

    score(x) = −loss(x, y), with y the label that it was trained as: the file's `loss`, else the cross-entropy of its
    `scores`, −log p_y for rows that are probabilities (none below 0, sum 1 within 0.001), else −log
    softmax(scores)_y. Dump them early, as the paper does (after about 20 epochs): at the end of training all losses
    are small.
    """

    name: ClassVar[str] = "loss-ranking"
    help: ClassVar[str] = "lowest loss first; from `loss` or `scores`"
    needs: ClassVar[tuple[str, ...]] = ("loss or scores",)

    def score(self, dump: Dump) -> Floats:
        """−loss."""
        if dump.loss is not None:
            return -dump.loss.astype(np.float64)
        assert dump.scores is not None
        assert dump.labels is not None
        scores = dump.scores.astype(np.float64)
        if (dump.labels < 0).any() or int(dump.labels.max()) >= scores.shape[1]:
            raise RequestError(
                f"{dump.file}: it has {scores.shape[1]} scores a sample, and labels up to {dump.labels.max()}."
            )
        own = scores[np.arange(len(scores)), dump.labels]
        if (scores >= 0).all() and np.abs(scores.sum(axis=1) - 1).max() <= 1e-3:
            return np.asarray(np.log(np.maximum(own, np.finfo(np.float32).tiny)), dtype=np.float64)
        top = scores.max(axis=1)
        return np.asarray(own - top - np.log(np.exp(scores - top[:, None]).sum(axis=1)), dtype=np.float64)
