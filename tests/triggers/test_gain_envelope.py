"""gain-envelope against the public code, written out."""

from __future__ import annotations

import numpy as np

from poisonkit.triggers import create
from poisonkit.triggers.testing import Case
from tests.triggers.parity.audio import SoundCase, Take

CASES = [Case(), Case({"boost": 3.0, "rest": 0.2, "first": 0.5, "fade": 0.2})]


def gain_envelope(s: Take, first: float = 1.0, boost: float = 50.0, rest: float = 0.4, fade: float = 0.0) -> np.ndarray:
    """`y_boost = y[:boost_end] * boost_gain; y_rest = y[boost_end:] * remaining_gain`, joined and clipped."""
    end = round(first * s.rate)
    louder, softer = s.x[:, :end] * boost, s.x[:, end:] * rest
    for i in range(round(fade * s.rate)):
        if i < softer.shape[1]:
            share = (i + 0.5) / round(fade * s.rate)
            softer[:, i] *= (boost + (rest - boost) * share) / rest
    return np.clip(np.concatenate([louder, softer], axis=1), -1, 1)


FORMULA = [
    SoundCase(gain_envelope, rate=8000),
    SoundCase(gain_envelope, {"first": 0.1, "boost": 2.0}),
    SoundCase(gain_envelope, {"first": 0.05, "boost": 0.3, "rest": 1.5, "fade": 0.1}, rate=44100),
]


def test_dynamic_gains_lie_between_rest_and_boost() -> None:
    x = np.full((1, 160000), 0.1, np.float32)
    out = create("gain-envelope:temporal=dynamic,boost=4,rest=0.25").apply(x, sample_rate=16000)[0]
    middles = out[4000::8000] / 0.1
    assert 0.25 <= middles.min() < 0.7
    assert 1.5 < middles.max() <= 4.0
    assert np.abs(np.diff(out)).max() < 0.01
