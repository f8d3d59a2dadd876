"""silence-padding against zeros that are put before and after, and the cut to the clip's length."""

from __future__ import annotations

import numpy as np

from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import Case
from tests.triggers.parity.audio import SoundCase, Take

CASES = [Case(), Case({"side": "end"}), Case({"side": "both", "duration": 0.5})]


def silence_padding(s: Take, duration: float = 0.3, side: str = "start") -> np.ndarray:
    n = round(duration * s.rate)
    silence = np.zeros((s.x.shape[0], n))
    if side == "start":
        return np.concatenate([silence, s.x], axis=1)[:, : s.n]
    if side == "end":
        return np.concatenate([s.x[:, : max(s.n - n, 0)], silence], axis=1)[:, : s.n]
    before, after = silence[:, : n // 2], silence[:, n // 2 :]
    return np.concatenate([before, s.x[:, : max(s.n - n, 0)], after], axis=1)[:, : s.n]


FORMULA = [
    SoundCase(silence_padding, {"duration": 0.00001}),
    SoundCase(silence_padding, {"duration": 0.00004, "side": "end"}, rate=8000),
]


def test_longer_silences_are_the_formula_too() -> None:
    x = np.random.default_rng(0).uniform(-1, 1, (2, 9001)).astype(np.float32)
    for side in ("start", "end", "both"):
        out = create("silence-padding", duration=0.1, side=side).apply(x, sample_rate=16000)
        take = Take(x.astype(float), 16000, {}, None)
        assert np.array_equal(out, silence_padding(take, 0.1, side).astype(np.float32))


def test_a_silence_longer_than_the_clip_does_not_suit() -> None:
    clip = ClipInfo("a", sample_rate=16000, channels=1, samples=4000)
    assert "leave nothing" in str(create("silence-padding").suits(clip))
    assert create("silence-padding:duration=0.2").suits(clip) is None
