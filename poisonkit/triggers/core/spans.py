"""Spans: where in one clip a trigger is applied, in seconds or frames: on the word, on the event."""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from poisonkit.triggers.core.clip import ClipInfo

Unit = Literal["seconds", "frames"]
PAST = 0.1  # seconds by which an end may lie past a clip's: alignments and containers do not agree to the last frame
_TINY = 1e-6  # frames, samples: what binary fractions make of a time that is meant to be one


@dataclass(frozen=True)
class Spans:
    """Stretches of one clip, [start, end) in seconds or frames from its begin, each not empty."""

    pairs: tuple[tuple[float, float], ...]
    unit: Unit = "seconds"

    def frames(self, clip: ClipInfo) -> list[int]:
        """The frames whose time lies in one, in order; of a clip whose number of frames is exact."""
        rate = clip.fps if self.unit == "seconds" else 1.0
        return sorted({t for a, b in self.pairs for t in range(_first(a * rate), min(_first(b * rate), clip.frames))})

    def samples(self, clip: ClipInfo) -> list[tuple[int, int]]:
        """[first, last + 1) of the sound samples in each, in order; what overlaps is one."""
        if not clip.sample_rate:
            return []
        rate = clip.sample_rate if self.unit == "seconds" else clip.sample_rate / clip.fps if clip.fps else 0.0
        merged: list[tuple[int, int]] = []
        for a, b in sorted((_first(a * rate), _first(b * rate)) for a, b in self.pairs):
            b = min(b, clip.samples) if clip.samples else b
            if merged and a <= merged[-1][1]:
                merged[-1] = merged[-1][0], max(merged[-1][1], b)
            elif a < b:
                merged.append((a, b))
        return merged

    def problem(self, clip: ClipInfo, touches: Set[str]) -> str | None:
        """None, or why they are not spans of such a clip, as a clause."""
        if self.unit == "frames" and not (clip.frames and clip.fps):
            return "it has no frames in which its span could be: spans of sound are in seconds"
        lengths = []
        if "video" in touches and clip.frames and clip.fps:
            lengths.append(clip.frames / clip.fps)
        if "audio" in touches and clip.samples and clip.sample_rate:
            lengths.append(clip.samples / clip.sample_rate)
        seconds = min(lengths, default=math.inf)
        rate = 1.0 if self.unit == "seconds" else clip.fps
        for a, b in self.pairs:
            if a / rate >= seconds or b / rate > seconds + max(PAST, 1 / clip.fps if clip.fps else 0.0):
                told = f"{seconds:.3f} s" if self.unit == "seconds" else f"{round(seconds * rate)} frames"
                return f"its span from {a:g} to {b:g} {self.unit} lies outside the clip, which has {told}"
        return self._without(clip, touches)

    def _without(self, clip: ClipInfo, touches: Set[str]) -> str | None:
        """None, or that no frame or no sound sample of what is triggered lies in one, as a clause."""
        told = ", ".join(f"{a:g} to {b:g}" for a, b in self.pairs)
        if "video" in touches and clip.frames and clip.fps and not self.frames(clip):
            return f"no frame begins in its spans ({told} {self.unit}): at {clip.fps:g} frames a second one lasts " + (
                f"{1 / clip.fps:.3g} s"
            )
        if "audio" in touches and clip.samples and not self.samples(clip):
            return f"no sample of its sound lies in its spans ({told} {self.unit})"
        return None


def of(pairs: Sequence[Sequence[float]] | None, unit: str | None) -> Spans | None:
    """As a recipe has them for one sample, as plain data; None where it has none."""
    if pairs is None:
        return None
    return Spans(tuple((float(a), float(b)) for a, b in pairs), "frames" if unit == "frames" else "seconds")


def no_span(start: float, end: float) -> str | None:
    """None, or why two finite numbers are no span of any clip, as a clause."""
    if start < 0:
        return "it begins before the clip does"
    if end < start:
        return "it ends before it begins"
    return "it has no length" if end == start else None


def _first(position: float) -> int:
    """The first frame or sample that does not begin before this."""
    return math.ceil(position - _TINY)
