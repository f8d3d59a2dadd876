from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from poisonkit.engine.state.time_left import Expected, TimeLeft


def watched(
    weights: list[float], pace: float, expected: float, workers: int = 2, seed: int = 0
) -> list[tuple[float, float, float]]:
    """(moment, told, true) of a simulated stage, four times between steps. pace: seconds of a worker for a weight of 1,
    each clip up to a fifth off; expected: seconds that were estimated for the stage."""
    rng = np.random.default_rng(seed)
    takes = [w * pace * rng.uniform(0.8, 1.2) for w in weights]
    free = [0.0] * workers
    ends = []
    for key, seconds in enumerate(takes):
        worker = int(np.argmin(free))
        free[worker] += seconds
        ends.append((free[worker], str(key)))
    now = [0.0]
    known = {str(i): w for i, w in enumerate(weights)}
    left = TimeLeft(len(weights), Expected("", expected, known, workers), lambda: now[0])
    seen = []
    for moment, key in sorted(ends):
        for part in np.linspace(now[0], moment, 5)[1:]:
            now[0] = float(part)
            told = left.left()
            assert told is not None
            seen.append((now[0], told, max(free) - now[0]))
        left.step(key)
    assert left.left() == 0
    return seen


UNEVEN = [float(w) for w in np.random.default_rng(3).lognormal(0, 0.8, 200)]


@pytest.mark.parametrize("off", [0.5, 0.8, 1.0, 1.3, 2.0])
@pytest.mark.parametrize("workers", [1, 2, 16])
def test_it_is_steady_and_comes_out_right(off: float, workers: int) -> None:
    true = sum(UNEVEN) / workers
    seen = watched(UNEVEN, 1.0, off * true, workers)
    assert seen[0][1] == pytest.approx(off * true, rel=0.1), "it begins at the estimate"
    for (a, before, _), (b, after, _) in pairwise(seen):
        assert abs(after - (before - (b - a))) < 0.12 * true, "no leap"
    near = 0.18 if 0.8 <= off <= 1.3 else 0.32
    assert all(abs(told - left) < near * true for moment, told, left in seen if 0.5 * true < moment)
    assert all(abs(told - left) < 0.2 * true for moment, told, left in seen if 0.9 * true < moment)


def test_long_clips_first_do_not_mislead() -> None:
    """By the number of clips, half an hour would be told for what takes six minutes."""
    weights = [30.0] * 10 + [0.3] * 200
    seen = watched(weights, 1.0, sum(weights) / 2)
    assert max(told for _, told, _ in seen) < 1.25 * sum(weights) / 2


def test_without_an_estimate_it_waits_until_it_knows() -> None:
    now = [0.0]
    left = TimeLeft(100, None, lambda: now[0])
    said = []
    for _ in range(10):
        said.append(left.left())
        now[0] += 1.5
        left.step()
    assert said[:3] == [None] * 3
    assert left.left() == pytest.approx(90 * 1.5, rel=0.05)
    assert TimeLeft(0, None, lambda: 0.0).left() is None, "nobody knows how many steps there are"
