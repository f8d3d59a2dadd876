"""SPECTRE: quantum entropy scores of features that are whitened robustly."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from poisonkit.detection.dump import Dump
from poisonkit.detection.method import Method, least, one_thread, principal
from poisonkit.scoring.predictions import Floats, Ints

STEPS = 20  # concentration steps at most; they settle sooner


class Spectre(Method):
    """SPECTRE (Hayase et al., "SPECTRE: Defending Against Backdoor Attacks Using Robust Statistics", ICML 2021,
    arXiv 2104.11315), with QUE scores (Dong, Hopkins and Li, NeurIPS 2019).

    For each class, with h the features along the top k principal directions: Σ, a robust covariance of h; y =
    Σ^(−1/2) h whitened; S, the covariance of all y; Q = exp(α (S − I) / (‖S‖₂ − 1)); score(x) = yᵀ Q y / tr Q. k is
    1, 4, 9 … up to `components`: the one that leaves the highest mean score tr(S Q) / tr Q when the 1.5 ε highest are
    taken out, Σ is that of the others, and all are whitened by it in the largest k. ε is `contamination`, the share
    of poison in a class.

    Σ is of the 1 − 2 ε samples that concentration steps settle on (Rousseeuw and Van Driessen, Technometrics 1999, from
    the samples nearest to the median), in place of the paper's filter of Diakonikolas et al. (ICML 2017).
    """

    name: ClassVar[str] = "spectre"
    help: ClassVar[str] = "quantum entropy score after robust whitening of each class"
    components: int = Field(64, ge=1, le=1000, description="the most directions that are tried")
    contamination: float = Field(0.1, gt=0, lt=0.33, description="share of poison in a class that is reckoned with")
    alpha: float = Field(4.0, ge=0, le=100, description="how much the largest directions count")

    def score(self, dump: Dump) -> Floats:
        """yᵀ Q y / tr Q."""
        assert dump.features is not None
        least(dump, 8, f"{self.name} needs 8 for a covariance", "leave its samples out")
        found = np.zeros(dump.count)
        with one_thread():
            for _, at in dump.by_class():
                low, variances = principal(dump.features, at, min(self.components, len(at) // 4))
                if variances.size:
                    found[at] = self.of_class(low)
        return found

    def of_class(self, low: Floats) -> Floats:
        """(n, k) along principal directions -> (n,) the scores of the best number of them."""
        best, highest = np.zeros(len(low)), -np.inf
        for k in squares(low.shape[1]):
            mine, _ = self._que(low[:, :k], settled(low[:, :k], 1 - 2 * self.contamination))
            removed = round(1.5 * self.contamination * len(low))
            kept = np.argsort(mine, kind="stable")[: len(low) - removed]
            _, mean = self._que(low, kept)
            if mean > highest * (1 + 1e-9):  # several k may take out the same samples: the smallest then
                best, highest = mine, mean
        return best

    def _que(self, low: Floats, kept: Ints) -> tuple[Floats, float]:
        """Scores after whitening by the covariance of the rows `kept`, and their mean tr(S Q) / tr Q."""
        from scipy.linalg import expm

        white = low @ inverse_root(np.atleast_2d(np.cov(low[kept].T, bias=True)))
        spread = np.atleast_2d(np.cov(white.T, bias=True))
        over = np.linalg.norm(spread, 2) - 1
        weights = expm(self.alpha * (spread - np.eye(len(spread))) / over) if over > 1e-9 else np.eye(len(spread))
        weights /= np.trace(weights)
        scores: Floats = ((white @ weights) * white).sum(axis=1)
        return scores, float(np.trace(spread @ weights))


def squares(most: int) -> list[int]:
    """1, 4, 9 … up to `most`, and `most` itself."""
    return sorted({k * k for k in range(1, most + 1) if k * k <= most} | {most})


def inverse_root(covariance: Floats) -> Floats:
    """Σ^(−1/2) of a symmetric matrix; nothing along directions without variance."""
    values, vectors = np.linalg.eigh(covariance)
    weak = values <= max(float(values[-1]), 0.0) * 1e-10
    root: Floats = (vectors / np.sqrt(np.where(weak, np.inf, values))) @ vectors.T
    return root


def settled(low: Floats, share: float) -> Ints:
    """Indices of the share of rows on which concentration steps settle: the nearest by their own covariance."""
    count = max(2, int(share * len(low)))
    distance = ((low - np.median(low, axis=0)) ** 2).sum(axis=1)
    kept = np.sort(np.argsort(distance, kind="stable")[:count])
    for _ in range(STEPS):
        white = (low - low[kept].mean(axis=0)) @ inverse_root(np.atleast_2d(np.cov(low[kept].T, bias=True)))
        new = np.sort(np.argsort((white**2).sum(axis=1), kind="stable")[:count])
        if np.array_equal(new, kept):
            break
        kept = new
    return kept
