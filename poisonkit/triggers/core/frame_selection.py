"""Frame budgets: which frames of a poisoned clip carry the trigger.

    all | first:N | last:N | every:N | random:P | span:A-B

Frames count from 0. every:N: frames 0, N, 2N, …; span:A-B: frames A up to, not including, B (as the
manifest's ranges); random:P: each frame with probability P, by (seed, id, frame), whatever the length.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from poisonkit.common.seeding import key64
from poisonkit.errors import RequestError, did_you_mean

if TYPE_CHECKING:
    from poisonkit.triggers.core.clip import ClipInfo, Where

_KINDS = ("all", "first", "last", "every", "random", "span")
_FORMS = "all, first:N, last:N, every:N, random:P (P above 0, up to 1) or span:A-B"


@dataclass(frozen=True)
class FrameBudget:
    """A parsed frame budget; `str` gives its one spelling. a, b: the numbers in it (random: a is P)."""

    kind: Literal["all", "first", "last", "every", "random", "span"]
    a: float = 0
    b: int = 0

    def __str__(self) -> str:
        if self.kind == "all":
            return "all"
        return f"span:{int(self.a)}-{self.b}" if self.kind == "span" else f"{self.kind}:{self.a:.12g}"

    @property
    def needs_length(self) -> bool:
        """True when `ClipInfo.frames` must be exact."""
        return self.kind == "last"

    def where(self, clip: ClipInfo, seed: int) -> Where:
        """Whether frame t (from 0) of this clip is poisoned."""
        a, b = self.a, self.b
        tests: dict[str, Where] = {
            "all": lambda t: True,
            "first": lambda t: t < a,
            "last": lambda t: t >= clip.frames - a,
            "every": lambda t: t % int(a) == 0,
            "random": lambda t: key64(seed, "frames", clip.id, t) < a * 2.0**64,
            "span": lambda t: a <= t < b,
        }
        return tests[self.kind]

    def ranges(self, clip: ClipInfo, seed: int, frames: int) -> list[list[int]]:
        """The poisoned frames of a clip of `frames` frames, as [first, last + 1] pairs in order."""
        where = self.where(clip, seed)
        found: list[list[int]] = []
        for t in range(frames):
            if not where(t):
                continue
            if found and found[-1][1] == t:
                found[-1][1] = t + 1
            else:
                found.append([t, t + 1])
        return found


def parse(text: str) -> FrameBudget:
    """`all`, `first:N`, `last:N`, `every:N`, `random:P` or `span:A-B`; RequestError for anything else."""
    kind, colon, rest = text.strip().partition(":")
    if kind == "all" and not colon:
        return FrameBudget("all")
    if kind in ("first", "last", "every") and re.fullmatch(r"\d{1,9}", rest) and int(rest) > 0:
        return FrameBudget(kind, int(rest))  # type: ignore[arg-type]
    if kind == "random" and re.fullmatch(r"\d*\.?\d+([eE]-?\d+)?", rest) and 0 < float(rest) <= 1:
        return FrameBudget("random", float(rest))
    if kind == "span" and (ends := re.fullmatch(r"(\d{1,9})-(\d{1,9})", rest)) and int(ends[1]) < int(ends[2]):
        return FrameBudget("span", int(ends[1]), int(ends[2]))
    near = did_you_mean(kind, _KINDS) if kind not in _KINDS else ""
    hint = near if "Did you mean" in near else ""
    raise RequestError(f"'{text}' is not a frame budget; it must be {_FORMS}.{hint}")
