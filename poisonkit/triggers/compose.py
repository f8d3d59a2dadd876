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

    def draw(self, clip: ClipInfo, seed: int) -> list[Params]:
        """Every random choice for one clip, one JSON-able dict a trigger; what the manifest keeps as `drawn`."""
        return [
            trigger.draw(clip, generator(seed, "draw", clip.id, position, trigger.name))
            for position, trigger in enumerate(self.triggers)
        ]

    def video(
        self, frames: Iterator[Image], clip: ClipInfo, drawn: Sequence[Params], where: Where | None = None
    ) -> Iterator[Image]:
        """uint8 RGB frames in, as many out; lazily, and never writing to a frame that came in."""
        for trigger, params in zip(self.triggers, drawn, strict=True):
            if isinstance(trigger, VideoTrigger):
                frames = trigger.render(frames, clip, params, where)
        return frames

    def audio(self, wave: Wave, clip: ClipInfo, drawn: Sequence[Params]) -> Wave:
        """float32 (channels, samples) in ±1, in and out. The clip's declared length gives way to the wave's own."""
        clip = replace(clip, channels=wave.shape[0], samples=wave.shape[1])
        for trigger, params in zip(self.triggers, drawn, strict=True):
            if isinstance(trigger, AudioTrigger):
                wave = trigger.render(wave, clip, params)
        return wave
