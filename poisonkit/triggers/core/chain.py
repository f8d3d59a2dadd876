"""Several triggers on one sample, in order: picture and sound of the same clip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from poisonkit.triggers.core.clip import ClipInfo, Image, Params, Wave, Where
from poisonkit.triggers.core.length import as_long, misfit
from poisonkit.triggers.core.spans import Spans
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
        return self.resizes or any(trigger.needs_length for trigger in self.triggers)

    @property
    def resizes(self) -> bool:
        """True when a trigger makes clips longer or shorter."""
        return not as_long(_LONG, self.after(_LONG))

    def suits(self, clip: ClipInfo, spans: Spans | None = None) -> str | None:
        """None, or one sentence saying why one of the triggers cannot be applied to such a clip, in these spans alone
        if there are some."""
        parts = [] if spans is None else [replace(clip, samples=b - a) for a, b in spans.samples(clip)]
        made = clip
        for trigger in self.triggers:
            within = parts if isinstance(trigger, AudioTrigger) and not trigger.of_whole_clips else []
            for each in within or [made]:
                if reason := trigger.why_not(each):
                    return reason
            before, made = made, trigger.after(made)
            if spans is not None and not as_long(before, made):
                return f"{trigger.name}: length=change is of whole clips, and spans are of parts; take length=keep."
        reason = misfit(clip, made)
        return f"{' + '.join(t.name for t in self.triggers)}: {reason}." if reason else None

    def after(self, clip: ClipInfo) -> ClipInfo:
        """The clip as the triggers leave it: another one where they change how long picture or sound is."""
        for trigger in self.triggers:
            clip = trigger.after(clip)
        return clip

    @property
    def cover_needs_other(self) -> bool:
        """True when a cover sample is made with a picture of another sample."""
        return any(trigger.cover_needs_other for trigger in self.triggers)

    def draw(
        self, clip: ClipInfo, seed: int, *, cover: bool = False, attack: bool = False, spans: Spans | None = None
    ) -> list[Params]:
        """Every random choice for one clip, one JSON-able dict a trigger; what the manifest keeps as `drawn`.

        cover: draw the cover form of each trigger instead (the label is kept); attack: the form that attack sets get.
        spans: triggers of the sound are applied there alone; it stands in what they drew as `spans`, in samples.
        """
        drawn, made = [], clip
        for position, trigger in enumerate(self.triggers):
            drawn.append(trigger.draw_for(made, seed, position, cover=cover, attack=attack))
            made = trigger.after(made)
        if spans is not None:
            where = [list(pair) for pair in spans.samples(clip)]
            heard = (isinstance(trigger, AudioTrigger) for trigger in self.triggers)
            drawn = [{**params, "spans": where} if yes else params for params, yes in zip(drawn, heard, strict=True)]
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
        """uint8 RGB frames in, as many out (see `after`); lazily, and never writing to a frame that came in."""
        for trigger, params in zip(self.triggers, drawn, strict=True):
            if isinstance(trigger, VideoTrigger):
                frames = trigger.render(frames, clip, params, where)
            clip = trigger.after(clip)
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
        """float32 (channels, samples) in ±1, in and out, as many samples as `after` says. The clip's declared length
        gives way to the wave's own.

        Where a trigger drew `spans`, the sound in each is to it a clip of its own, and the rest stays as it is.
        """
        clip = replace(clip, channels=wave.shape[0], samples=wave.shape[1])
        for trigger, params in zip(self.triggers, drawn, strict=True):
            if isinstance(trigger, AudioTrigger):
                wave = (
                    _in_spans(trigger, wave, clip, params) if "spans" in params else trigger.render(wave, clip, params)
                )
            clip = replace(trigger.after(clip), samples=wave.shape[1])
        return wave


_LONG = ClipInfo(width=320, height=240, fps=25.0, frames=90000, sample_rate=16000, channels=1, samples=57_600_000)
"""An hour, in which the least change of length is seen."""


def _in_spans(trigger: AudioTrigger, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
    bare = {name: value for name, value in params.items() if name != "spans"}
    out = np.array(wave)
    whole = trigger.render(wave, clip, bare) if trigger.of_whole_clips else None
    for start, end in params["spans"]:
        part = wave[:, start:end]
        if whole is not None:
            out[:, start:end] = whole[:, start:end]
        elif part.shape[1]:
            out[:, start:end] = trigger.render(part.copy(), replace(clip, samples=part.shape[1]), bare)
    return out
