"""Triggers that may change how long a clip is, and what has to hold then of its picture and its sound."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import BaseModel, Field, model_validator

from poisonkit.common.limits import excess
from poisonkit.triggers.core.clip import ClipInfo

_APART = 0.05  # seconds, beside one frame, by which picture and sound may come out of step


class Length(BaseModel):
    """The parameter `length`. Mixin of triggers; their `after` says how long the clip is then."""

    length: Literal["keep", "change"] = Field(
        "keep",
        description="keep: as long as before, what is too much is cut off; change: nothing is cut off or filled up",
    )

    @model_validator(mode="after")
    def _in_time(self) -> Length:
        if self.changes and getattr(self, "temporal", "static") == "dynamic":
            raise ValueError("temporal=dynamic is in time at its ends, so that it changes no length; take length=keep")
        return self

    @property
    def changes(self) -> bool:
        """Whether the clip may become longer or shorter."""
        return self.length == "change"


def as_long(before: ClipInfo, after: ClipInfo) -> bool:
    """Whether picture and sound are as long as before."""
    return (before.frames, before.samples) == (after.frames, after.samples)


def misfit(before: ClipInfo, after: ClipInfo) -> str | None:
    """Why a clip cannot be made so much longer or shorter, as a sentence without its end; None where it can."""
    if as_long(before, after):
        return None
    for name, value in (("samples", after.samples * after.channels), ("frames", after.frames)):
        if over := excess(name, value):
            return f"it would have {value} {name}, {over}"
    if 0 in (before.frames, before.samples):
        return None
    pictures, sounds = after.frames / before.frames, after.samples / before.samples
    frame = 1 / before.fps if before.fps else 0.0
    if abs(pictures - sounds) * max(before.seconds, after.seconds) <= frame + _APART:
        return None
    return (
        f"length=change would make its sound {sounds:.3g} times and its picture {pictures:.3g} times as long, and"
        " they belong together: take length=keep, or speed and sound-speed with one rate"
    )


def resampled(clip: ClipInfo, *, frames: int | None = None, samples: int | None = None) -> ClipInfo:
    """The clip with another number of frames or sound samples; none where it has no picture, or no sound."""
    return replace(
        clip,
        frames=clip.frames if frames is None or not clip.frames else max(1, frames),
        samples=clip.samples if samples is None or not clip.samples else max(1, samples),
    )
