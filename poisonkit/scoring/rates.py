"""Shares with their uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

Z = NormalDist().inv_cdf(0.975)
"""1.95996…: a 95 % interval's half width in standard deviations."""


@dataclass(frozen=True)
class Rate:
    """`hits` of `total`, with the Wilson 95 % interval (Wilson, JASA 1927). All None for none of none.

    With p = hits/total and z = 1.96: (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n).
    """

    hits: int
    total: int

    def __post_init__(self) -> None:
        if not 0 <= self.hits <= self.total:
            raise ValueError(f"{self.hits} of {self.total} is no share")

    @property
    def value(self) -> float | None:
        """The share, 0 to 1."""
        return self.hits / self.total if self.total else None

    @property
    def low(self) -> float | None:
        """The interval's lower end; exactly 0 where nothing was hit."""
        return self._end(-1) if self.hits else (0.0 if self.total else None)

    @property
    def high(self) -> float | None:
        """The interval's upper end; exactly 1 where everything was hit."""
        return self._end(1) if self.hits < self.total else (1.0 if self.total else None)

    def _end(self, side: int) -> float:
        n, p = self.total, self.hits / self.total
        half = Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
        return (p + Z * Z / (2 * n) + side * half) / (1 + Z * Z / n)

    def __add__(self, other: Rate) -> Rate:
        """Pooled: several seeds of one experiment."""
        return Rate(self.hits + other.hits, self.total + other.total)

    def as_json(self) -> dict[str, Any]:
        """hits, total, value, low, high; floats to six digits."""
        ends = {"value": self.value, "low": self.low, "high": self.high}
        return {
            "hits": self.hits,
            "total": self.total,
            **{k: None if v is None else float(f"{v:.6g}") for k, v in ends.items()},
        }
