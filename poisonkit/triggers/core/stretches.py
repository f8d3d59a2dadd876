"""Stretches of time at equal intervals, or somewhere in each interval: when something is muted or blacked out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from pydantic import BaseModel, model_validator

from poisonkit.triggers.core.trigger import param

_NEAR = 1e-9  # seconds: a frame that begins as a stretch does is in it, whatever its sums were rounded to
Rng = Callable[[int], np.random.Generator]
"""A generator for the interval k: `partial(self.rng, params, "stretch")`."""


class Stretches(BaseModel):
    """Stretches of `duration` seconds, one in each interval of `every`. Mixin."""

    duration: float = param(0.2, "of each stretch", unit="s", gt=0, le=3600)
    every: float = param(1.0, "from one stretch to the next", unit="s", ge=0.01, le=3600)
    start: float = param(0.5, "when the first interval begins", unit="s", ge=0, le=3600)

    @model_validator(mode="after")
    def _apart(self) -> Stretches:
        if self.duration > self.every:
            raise ValueError(
                f"stretches of {self.duration:g} s do not fit into intervals of {self.every:g} s; raise every"
            )
        return self

    def stretch(self, k: int, rng: Rng | None = None) -> tuple[float, float]:
        """(from, to) of the k-th, in seconds. rng: it lies anywhere in its interval, not at the beginning."""
        late = 0.0 if rng is None else float(rng(k).random())
        begin = self.start + k * self.every + late * (self.every - self.duration)
        return begin, begin + self.duration

    def stretches(self, seconds: float, rng: Rng | None = None) -> Iterator[tuple[float, float]]:
        """Those that begin before `seconds`."""
        k = 0
        while self.start + k * self.every < seconds:
            begin, end = self.stretch(k, rng)
            if begin < seconds:
                yield begin, end
            k += 1

    def within(self, seconds: float, rng: Rng | None = None) -> bool:
        """Whether a moment lies in a stretch."""
        moment = seconds + _NEAR
        k = int((moment - self.start) // self.every)
        if k < 0:
            return False
        begin, end = self.stretch(k, rng)
        return begin <= moment < end
