"""Several triggers on one sample, in order: picture and sound of the same clip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from poisonkit.triggers.core.clip import ClipInfo, Image, Params, Wave, Where
from poisonkit.triggers.core.trigger import AudioTrigger, Modality, Trigger, VideoTrigger
from poisonkit.triggers.kernels.gamut import Planes
from poisonkit.triggers.kernels.yuv import PlanesRender
from poisonkit.triggers.kernels.yuv_format import PlaneFormat


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
            if reason := trigger.why_not(clip):
                return reason
        return None

    @property
    def cover_needs_other(self) -> bool:
        """True when a cover sample is made with a picture of another sample."""
        return any(trigger.cover_needs_other for trigger in self.triggers)

    def draw(self, clip: ClipInfo, seed: int, *, cover: bool = False, attack: bool = False) -> list[Params]:
        """Every random choice for one clip, one JSON-able dict a trigger; what the manifest keeps as `drawn`.

        cover: draw the cover form of each trigger instead (the label is kept); attack: the form that attack sets get.
        """
        return [
            trigger.draw_for(clip, seed, position, cover=cover, attack=attack)
            for position, trigger in enumerate(self.triggers)
        ]

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
        steps: list[PlanesRender] = []
        for trigger, params in zip(self.triggers, drawn, strict=True):
            if isinstance(trigger, VideoTrigger):
                step = trigger.render_planes(clip, params, fmt, where)
                if step is None:
                    return None
                steps.append(step)

        def render(frames: Iterator[Planes]) -> Iterator[Planes]:
            for step in steps:
                frames = step(frames)
            return frames

        return render

    def audio(self, wave: Wave, clip: ClipInfo, drawn: Sequence[Params]) -> Wave:
        """float32 (channels, samples) in ±1, in and out. The clip's declared length gives way to the wave's own."""
        clip = replace(clip, channels=wave.shape[0], samples=wave.shape[1])
        for trigger, params in zip(self.triggers, drawn, strict=True):
            if isinstance(trigger, AudioTrigger):
                wave = trigger.render(wave, clip, params)
        return wave
