from __future__ import annotations

import math

import numpy as np
import pytest

from poisonkit.detection.methods.loss_ranking import LossRanking
from poisonkit.errors import RequestError
from tests.detection import planted


def test_losses_logits_and_probabilities() -> None:
    labels = planted.labels()
    loss = np.linspace(2, 0.1, len(labels)).astype(np.float32)
    assert (LossRanking().score(planted.dump(loss=loss)) == -loss.astype(float)).all()
    logits = np.random.default_rng(0).normal(0, 3, (len(labels), 3)).astype(np.float32)
    expected = [
        math.log(math.exp(row[y]) / sum(math.exp(v) for v in row)) for row, y in zip(logits, labels, strict=True)
    ]
    assert LossRanking().score(planted.dump(scores=logits)) == pytest.approx(np.array(expected), rel=1e-6)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert LossRanking().score(planted.dump(scores=shares)) == pytest.approx(np.array(expected), rel=1e-4, abs=1e-5)


def test_what_is_learned_first_is_suspicious() -> None:
    loss = np.where(planted.is_bad(), 0.01, 1.0).astype(np.float32)
    assert planted.auc(LossRanking().score(planted.dump(loss=loss)), planted.is_bad()) == 1.0


def test_labels_beyond_the_scores() -> None:
    with pytest.raises(RequestError, match="2 scores a sample, and labels up to 2"):
        LossRanking().score(planted.dump(scores=np.ones((240, 2), np.float32)))
