"""Frame budgets: which frames of a poisoned clip carry the trigger.

    all | first:N | last:N | every:N | count:K | random:K | random:P | span:A-B

Frames count from 0. every:N: frames 0, N, 2N, …; span:A-B: frames A up to, not including, B (as the
manifest's ranges); random:P, P up to 1: each frame with probability P, by (seed, id, frame), whatever the length.
Of a clip of N frames, count:K takes K evenly spread ones, the middle of each K-th: floor((i + 1/2) · N / K);
random:K, K a whole number from 2, the K with the smallest keys of (seed, id, frame). A clip of fewer frames has it on
all. random:1 is the probability 1, as it always was.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from poisonkit.common.seeding import key64
from poisonkit.errors import RequestError, did_you_mean

if TYPE_CHECKING:
    from poisonkit.triggers.core.clip import ClipInfo, Where
    from poisonkit.triggers.core.spans import Spans

_KINDS = ("all", "first", "last", "every", "count", "random", "span")
_FORMS = "all, first:N, last:N, every:N, count:K, random:K (K from 2), random:P (P above 0, up to 1) or span:A-B"


class PoisonedFrames:
    """Which frames of one clip are poisoned. Called with a frame's index (from 0) it says whether that one is.

    Worker, kernels and checks all ask, so each frame is decided once and remembered, in a byte.
    """

    def __init__(self, decide: Where) -> None:
        """decide: whether frame t is poisoned; asked once for each, in their order."""
        self._decide = decide
        self._decided = bytearray()

    def __call__(self, t: int) -> bool:
        if t >= len(self._decided):
            self._know(t + 1)
        return self._decided[t] == 1

    def ranges(self, frames: int) -> list[list[int]]:
        """Of the first `frames` frames, as [first, last + 1] pairs in order: the manifest's `poisoned_ranges`."""
        self._know(frames)
        flags = np.array(self._decided[:frames], np.int8)
        pairs: list[list[int]] = np.flatnonzero(np.diff(flags, prepend=0, append=0)).reshape(-1, 2).tolist()
        return pairs

    def _know(self, frames: int) -> None:
        for t in range(len(self._decided), frames):
            self._decided.append(self._decide(t))


@dataclass(frozen=True)
class FrameBudget:
    """A parsed frame budget; `str` gives its one spelling. a, b: the numbers in it (random: a is P, or K from 2)."""

    kind: Literal["all", "first", "last", "every", "count", "random", "span"]
    a: float = 0
    b: int = 0

    def __str__(self) -> str:
        if self.kind == "all":
            return "all"
        return f"span:{int(self.a)}-{self.b}" if self.kind == "span" else f"{self.kind}:{self.a:.12g}"

    @property
    def needs_length(self) -> bool:
        """True when `ClipInfo.frames` must be exact."""
        return self.kind in ("last", "count") or self._some_of_all

    @property
    def _some_of_all(self) -> bool:
        """Whether it is `random:K`."""
        return self.kind == "random" and self.a > 1

    def of(self, clip: ClipInfo, seed: int, spans: Spans | None = None) -> PoisonedFrames:
        """Which frames of this clip are poisoned. spans: of these alone, which are then counted by themselves, from 0;
        the clip's number of frames is exact."""
        if spans is not None:
            inside = {t: i for i, t in enumerate(spans.frames(clip))}
            chosen = self.of(replace(clip, frames=len(inside)), seed)
            return PoisonedFrames(lambda t: t in inside and chosen(inside[t]))
        a, b = self.a, self.b
        if self.kind == "count" or self._some_of_all:
            return PoisonedFrames(self._exactly(clip, seed).__contains__)
        tests: dict[str, Where] = {
            "all": lambda t: True,
            "first": lambda t: t < a,
            "last": lambda t: t >= clip.frames - a,
            "every": lambda t: t % int(a) == 0,
            "random": lambda t: key64(seed, "frames", clip.id, t) < a * 2.0**64,
            "span": lambda t: a <= t < b,
        }
        return PoisonedFrames(tests[self.kind])

    def _exactly(self, clip: ClipInfo, seed: int) -> frozenset[int]:
        """The K frames of a clip of known length."""
        count, frames = int(self.a), clip.frames
        if count >= frames:
            return frozenset(range(frames))
        if self.kind == "count":
            return frozenset((2 * i + 1) * frames // (2 * count) for i in range(count))
        return frozenset(sorted(range(frames), key=lambda t: (key64(seed, "frames", clip.id, t), t))[:count])


def parse(text: str) -> FrameBudget:
    """One of the forms that the module names; RequestError for anything else."""
    kind, colon, rest = text.strip().partition(":")
    if kind == "all" and not colon:
        return FrameBudget("all")
    if kind in ("first", "last", "every", "count") and re.fullmatch(r"\d{1,9}", rest) and int(rest) > 0:
        return FrameBudget(kind, int(rest))  # type: ignore[arg-type]
    if kind == "random" and re.fullmatch(r"\d*\.?\d+([eE]-?\d+)?", rest) and 0 < float(rest) <= 1:
        return FrameBudget("random", float(rest))
    if kind == "random" and re.fullmatch(r"\d{1,9}", rest) and int(rest) > 1:
        return FrameBudget("random", int(rest))
    if kind == "span" and (ends := re.fullmatch(r"(\d{1,9})-(\d{1,9})", rest)) and int(ends[1]) < int(ends[2]):
        return FrameBudget("span", int(ends[1]), int(ends[2]))
    near = did_you_mean(kind, _KINDS) if kind not in _KINDS else ""
    hint = near if "Did you mean" in near else ""
    raise RequestError(f"'{text}' is not a frame budget; it must be {_FORMS}.{hint}")
