"""The time that a stage still takes: steady from the first moment, right in the end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

PRIOR = 0.1, 5.0, 60.0  # the estimate counts as so much of the work, seconds at least and at most, that was done
CALM = 60.0  # seconds at most in which what is told comes round to what is seen
SEEN = 3, 3.0  # steps and seconds before anything is told where there was no estimate


@dataclass(frozen=True)
class Expected:
    """What is known of a stage before it begins. text: a sentence for the user. seconds: how long it will take.

    weights: what each step is of that, by the record's key. workers: that do steps side by side.
    """

    text: str = ""
    seconds: float = 0.0
    weights: Mapping[str, float] = field(default_factory=dict, repr=False)
    workers: int = 1


class TimeLeft:
    """Tells how long a stage of `total` steps still takes.

    It begins at the estimate, and what the stage shows of its pace counts more and more. Steps count by their weights.
    What is told runs down like a clock between steps, and turns slowly where the pace does.
    """

    def __init__(self, total: int, expected: Expected | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._expected = clock, expected or Expected()
        self._weights = self._expected.weights
        self._mean = sum(self._weights.values()) / max(1, len(self._weights)) or 1.0
        self._all = sum(self._weights.values()) if len(self._weights) == total else self._mean * total
        self._total, self._steps, self._done = total, 0, 0.0
        self._began = self._when = clock()
        self._told = self._expected.seconds

    def step(self, key: str | None = None) -> None:
        """One step more is done. key: of its record."""
        self._steps += 1
        self._done += self._weights.get(key or "", self._mean)
        now = self._clock()
        seen, passed = self._seen(now), now - self._when
        if not self._expected.seconds and self._steps <= SEEN[0]:
            self._told = seen
        else:
            calm = min(CALM, max(1.0, seen / 4))
            self._told = max(0.0, self._told - passed)
            self._told += (1 - math.exp(-passed / calm)) * (seen - self._told)
        self._when = now

    def left(self) -> float | None:
        """Seconds; None while nobody can tell."""
        now = self._clock()
        if not self._total or (not self._expected.seconds and (self._steps < SEEN[0] or now - self._began < SEEN[1])):
            return None
        return 0.0 if self._steps >= self._total else max(0.0, self._told - (now - self._when))

    def _seen(self, now: float) -> float:
        """What the pace says by itself, and the estimate, each by what it is worth."""
        begun = min(self._expected.workers, self._total - self._steps + 1) - 1
        done = min(self._all, self._done + begun / 2 * self._mean)  # others are half way
        share, least, most = PRIOR
        seconds = self._expected.seconds
        prior = min(most, max(least, share * seconds), seconds)
        worth = prior / seconds * self._all if seconds else 0.0
        return (now - self._began + prior) / max(done + worth, 1e-9) * (self._all - done)
