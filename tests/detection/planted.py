"""Dumps with a planted answer: three classes, of which the first holds samples that do not belong there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from poisonkit.detection.dump import Dump

CLASSES, EACH, WIDTH, BAD = 3, 80, 16, 12


def labels() -> Any:
    return np.repeat(np.arange(CLASSES), EACH)


def is_bad() -> Any:
    """(samples,) the first 12 of class 0."""
    return np.arange(CLASSES * EACH) < BAD


def features(seed: int = 0) -> Any:
    """(samples, 16) float32: each class about its own centre; the bad ones about that of class 1, moved."""
    rng = np.random.default_rng(seed)
    centres = 4 * np.eye(CLASSES, WIDTH)
    found = rng.normal(0, 0.5, (CLASSES * EACH, WIDTH)) + centres[labels()]
    found[:BAD] += centres[1] - centres[0] + 2 * np.eye(1, WIDTH, 7)
    return found.astype(np.float32)


def dump(**more: Any) -> Dump:
    return Dump(Path("features.npz"), labels(), **{"features": features(), **more})


def auc(scores: Any, bad: Any) -> float:
    """Counted pair by pair."""
    pairs = [(1.0 if p > n else 0.5 if p == n else 0.0) for p in scores[bad] for n in scores[~bad]]
    return sum(pairs) / len(pairs)
