"""A trigger on clips in memory: `Trigger.apply`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from poisonkit.errors import RequestError
from poisonkit.triggers.core import frame_selection, in_memory
from poisonkit.triggers.core.clip import ClipInfo, Where
from poisonkit.triggers.core.length import misfit

if TYPE_CHECKING:
    from poisonkit.triggers.core.trigger import AudioTrigger, Trigger, VideoTrigger


def apply(
    trigger: Trigger,
    data: Any,
    *,
    fps: float,
    sample_rate: int | None,
    seed: int,
    id: str | Sequence[str],
    where: Where | str | None,
    layout: str | None,
) -> Any:
    """See `Trigger.apply`."""
    if trigger.modality == "audio":
        return _audio(cast("AudioTrigger", trigger), data, sample_rate, seed, id, where)
    return _video(cast("VideoTrigger", trigger), data, fps, seed, id, where, layout)


def _video(
    trigger: VideoTrigger,
    data: Any,
    fps: float,
    seed: int,
    id: str | Sequence[str],
    where: Where | str | None,
    layout: str | None,
) -> Any:
    held = in_memory.pictures(data, trigger.name, layout)
    if not fps > 0:
        raise RequestError(f"fps is {fps:g}; it must be above 0.")
    clips, count, height, width, _ = held.frames.shape
    due = trigger.after(ClipInfo(width=width, height=height, fps=fps, frames=count)).frames
    out = np.empty((clips, due, height, width, 3), np.uint8)
    for frames, made, name in zip(held.frames, out, _ids(trigger, id, clips), strict=True):
        clip = ClipInfo(id=name, width=width, height=height, fps=fps, frames=count)
        _require_suited(trigger, clip)
        chosen = frame_selection.parse(where).of(clip, seed) if isinstance(where, str) else where
        for t, image in enumerate(trigger.render(iter(frames), clip, trigger.draw_for(clip, seed), chosen)):
            made[t] = image
    return held.back(out)


def _audio(
    trigger: AudioTrigger,
    data: Any,
    sample_rate: int | None,
    seed: int,
    id: str | Sequence[str],
    where: Where | str | None,
) -> Any:
    held = in_memory.sounds(data, trigger.name)
    if sample_rate is None or sample_rate <= 0:
        raise RequestError(f"{trigger.name} works on sound: give sample_rate, in Hz.")
    if where is not None:
        raise RequestError(f"{trigger.name} works on sound, which has no frames for 'where' to choose from.")
    clips, channels, samples = held.waves.shape
    due = trigger.after(ClipInfo(sample_rate=sample_rate, channels=channels, samples=samples)).samples
    out = np.empty((clips, channels, due), np.float32)
    for wave, made, name in zip(held.waves, out, _ids(trigger, id, clips), strict=True):
        clip = ClipInfo(id=name, sample_rate=sample_rate, channels=wave.shape[0], samples=wave.shape[1])
        _require_suited(trigger, clip)
        made[:] = trigger.render(wave, clip, trigger.draw_for(clip, seed))
    return held.back(out)


def _ids(trigger: Trigger, given: str | Sequence[str], clips: int) -> list[str]:
    names = [given] * clips if isinstance(given, str) else list(given)
    if len(names) != clips:
        raise RequestError(
            f"{trigger.name} was given {clips} clips and {len(names)} ids: each has one, or all the same."
        )
    return names


def _require_suited(trigger: Trigger, clip: ClipInfo) -> None:
    if reason := trigger.why_not(clip):
        raise RequestError(reason)
    if reason := misfit(clip, trigger.after(clip)):
        raise RequestError(f"{trigger.name}: {reason}.")
