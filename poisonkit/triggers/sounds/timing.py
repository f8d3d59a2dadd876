"""When a short sound is heard: at the start, in the middle, at the end, anywhere, or in chunks over the clip."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AudioTrigger, param
from poisonkit.triggers.sounds.loudness import starts_too_late

Moment = Literal["start", "middle", "end", "random", "spread"]
Span = tuple[int, int]


class Positioned(AudioTrigger):
    """A sound trigger with a length and a place in time. What does not fit into a short clip is cut off."""

    fills: ClassVar[bool] = True  # without a duration it is as long as the clip

    duration: float | None = param(
        None, "how long it is heard, all chunks together; not given: as long as the clip", unit="s", gt=0, le=3600
    )
    position: Moment = param(
        "start",
        "when it is heard; random: drawn per clip; spread: in chunks, each at the beginning of an equal part of the "
        "clip",
    )
    start: float | None = param(
        None, "when it begins, from the start of the clip, instead of position", unit="s", ge=0, le=3600
    )
    chunks: int = param(5, "position=spread only, how many chunks", ge=1, le=1000)

    @model_validator(mode="after")
    def _has_room(self) -> Positioned:
        if self.fills and self.duration is None and self.position != "start":
            raise ValueError(f"position={self.position} needs a duration; without one the whole clip is filled")
        return self

    @model_validator(mode="after")
    def _one_beginning(self) -> Positioned:
        if self.start is not None and self.position != "start":
            raise ValueError(f"give start or position={self.position}, one of the two")
        return self

    def too_short(self, clip: ClipInfo) -> str | None:
        """Why the clip is too short for `start`, or None; for `suits`."""
        return starts_too_late(self.start or 0, clip)

    def suits(self, clip: ClipInfo) -> str | None:
        return self.too_short(clip)

    def draw(self, clip: ClipInfo, rng: np.random.Generator) -> Params:
        drawn = super().draw(clip, rng)
        if self.position == "random":
            drawn["at"] = float(rng.random())
        return drawn

    def spans(self, clip: ClipInfo, params: Params, samples: int | None = None) -> list[Span]:
        """(first sample, last + 1) of each chunk, in order, within the clip, none of them empty.

        samples: its length, instead of `duration`'s.
        """
        if samples is None:
            samples = clip.samples if self.duration is None else max(1, round(self.duration * clip.sample_rate))
        if self.start is not None:
            first = round(self.start * clip.sample_rate)
            return [(first, min(first + samples, clip.samples))] if first < clip.samples and samples > 0 else []
        samples = min(samples, clip.samples)
        if samples <= 0:
            return []
        if self.position == "spread":
            count = min(self.chunks, samples)
            starts = [i * clip.samples // count for i in range(count)]
            return [(start, start + samples // count) for start in starts]
        share = {"start": 0.0, "middle": 0.5, "end": 1.0}.get(self.position)
        start = round((params["at"] if share is None else share) * (clip.samples - samples))
        return [(start, start + samples)]


def faded(samples: int, edge: float) -> NDArray[np.float32]:
    """1 over so many samples, with raised-cosine edges of `edge` samples (at most half of it each)."""
    edge = min(edge, samples / 2)
    if edge < 1:
        return np.ones(samples, np.float32)
    inside = np.arange(samples) + 0.5
    near = np.clip(np.minimum(inside, samples - inside) / edge, 0, 1)
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * near), dtype=np.float32)
