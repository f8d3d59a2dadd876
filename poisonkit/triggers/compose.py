"""Several triggers on one sample, in order: picture and sound of the same clip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from poisonkit.seeding import generator
from poisonkit.triggers.base import (
    AudioTrigger,
    ClipInfo,
    Image,
    Modality,
    Params,
    Trigger,
    VideoTrigger,
    Wave,
    Where,
)
from poisonkit.triggers.chroma import PlaneFormat
from poisonkit.triggers.planes import PlanesRender, render_all


@dataclass(frozen=True)
class Chain:
    """The triggers of one sample, applied in their order, each to the modality that it is of."""

    triggers: tuple[Trigger, ...]

    def __init__(self, triggers: Sequence[Trigger]) -> None:
        object.__setattr__(self, "triggers", tuple(triggers))

    @property
    def touches(self) -> frozenset[Modality]:
        """`video`, `audio` or both."""
        return frozenset(trigger.modality for trigger in self.triggers)

    @property
    def needs_length(self) -> bool:
        """True when the clip's number of frames must be exact, counted by decoding."""
        return any(trigger.needs_length for trigger in self.triggers)

    def suits(self, clip: ClipInfo) -> str | None:
        """None, or one sentence saying why one of the triggers cannot be applied to such a clip."""
        for trigger in self.triggers:
            reason = trigger.suits(clip)
            if reason:
                return f"{trigger.name}: {reason.rstrip('.')}."
        return None

    @property
    def cover_needs_other(self) -> bool:
        """True when a cover sample is made with a picture of another sample."""
        return any(trigger.cover_needs_other for trigger in self.triggers)

    def draw(self, clip: ClipInfo, seed: int, *, cover: bool = False, attack: bool = False) -> list[Params]:
        """Every random choice for one clip, one JSON-able dict a trigger; what the manifest keeps as `drawn`.

        cover: draw the cover form of each trigger instead (the label is kept); attack: the form that attack sets get.
        """
        drawn = []
        for position, trigger in enumerate(self.triggers):
            rng = generator(seed, "draw", clip.id, position, trigger.name)
            draw = trigger.draw_cover if cover else trigger.draw_attack if attack else trigger.draw
            drawn.append(draw(clip, rng))
        return drawn

    def with_other(self, drawn: Sequence[Params], other: Image) -> list[Params]:
        """`drawn` with another sample's picture for the triggers whose cover form needs one; not for the manifest."""
        return [
            {**params, "other": other} if trigger.cover_needs_other else params
            for trigger, params in zip(self.triggers, drawn, strict=True)
        ]

    def video(
        self, frames: Iterator[Image], clip: ClipInfo, drawn: Sequence[Params], where: Where | None = None
    ) -> Iterator[Image]:
        """uint8 RGB frames in, as many out; lazily, and never writing to a frame that came in."""
        for trigger, params in zip(self.triggers, drawn, strict=True):
            if isinstance(trigger, VideoTrigger):
                frames = trigger.render(frames, clip, params, where)
        return frames

    def planes(
        self, clip: ClipInfo, drawn: Sequence[Params], fmt: PlaneFormat, where: Where | None = None
    ) -> PlanesRender | None:
        """`video` in the planes of a stream of this format; None where a trigger needs RGB.

        What comes back takes and gives (Y, U, V), uint8, lazily. A chain without picture triggers passes them on.
        """
        return render_all(self.triggers, clip, drawn, fmt, where)

    def audio(self, wave: Wave, clip: ClipInfo, drawn: Sequence[Params]) -> Wave:
        """float32 (channels, samples) in ±1, in and out. The clip's declared length gives way to the wave's own."""
        clip = replace(clip, channels=wave.shape[0], samples=wave.shape[1])
        for trigger, params in zip(self.triggers, drawn, strict=True):
            if isinstance(trigger, AudioTrigger):
                wave = trigger.render(wave, clip, params)
        return wave
