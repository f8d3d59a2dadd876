"""A trigger on arrays in memory: `Trigger.apply`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from poisonkit.errors import RequestError
from poisonkit.triggers.core import frame_selection
from poisonkit.triggers.core.clip import ClipInfo, Where

if TYPE_CHECKING:
    from poisonkit.triggers.core.trigger import AudioTrigger, Trigger, VideoTrigger


def apply(
    trigger: Trigger,
    data: NDArray[Any],
    *,
    fps: float,
    sample_rate: int | None,
    seed: int,
    id: str,
    where: Where | str | None,
) -> NDArray[Any]:
    """See `Trigger.apply`."""
    if not isinstance(data, np.ndarray):
        raise RequestError(f"{trigger.name} takes a NumPy array, not {type(data).__name__}.")
    if trigger.modality == "audio":
        return _audio(cast("AudioTrigger", trigger), data, sample_rate, seed, id, where)
    return _video(cast("VideoTrigger", trigger), data, fps, seed, id, where)


def _video(
    trigger: VideoTrigger, data: NDArray[Any], fps: float, seed: int, id: str, where: Where | str | None
) -> NDArray[np.uint8]:
    if data.dtype != np.uint8 or data.ndim not in (3, 4) or data.shape[-1] != 3 or 0 in data.shape:
        raise RequestError(
            f"{trigger.name} takes uint8 RGB of the shape (frames, height, width, 3) or (height, width, 3);"
            f" this is {data.dtype} {data.shape}."
        )
    if not fps > 0:
        raise RequestError(f"fps is {fps:g}; it must be above 0.")
    frames = np.ascontiguousarray(data if data.ndim == 4 else data[None])
    count, height, width, _ = frames.shape
    clip = ClipInfo(id=id, width=width, height=height, fps=fps, frames=count)
    _require_suited(trigger, clip)
    if isinstance(where, str):
        where = frame_selection.parse(where).of(clip, seed)
    out = np.empty_like(frames)
    for t, image in enumerate(trigger.render(iter(frames), clip, trigger.draw_for(clip, seed), where)):
        out[t] = image
    return out.reshape(data.shape)


def _audio(
    trigger: AudioTrigger,
    data: NDArray[Any],
    sample_rate: int | None,
    seed: int,
    id: str,
    where: Where | str | None,
) -> NDArray[np.float32]:
    if data.dtype != np.float32 or data.ndim not in (1, 2) or 0 in data.shape:
        raise RequestError(
            f"{trigger.name} takes float32 sound in ±1 of the shape (channels, samples) or (samples,);"
            f" this is {data.dtype} {data.shape}."
        )
    if sample_rate is None or sample_rate <= 0:
        raise RequestError(f"{trigger.name} works on sound: give sample_rate, in Hz.")
    if where is not None:
        raise RequestError(f"{trigger.name} works on sound, which has no frames for 'where' to choose from.")
    wave = np.atleast_2d(data)
    clip = ClipInfo(id=id, sample_rate=sample_rate, channels=wave.shape[0], samples=wave.shape[1])
    _require_suited(trigger, clip)
    return trigger.render(wave, clip, trigger.draw_for(clip, seed)).reshape(data.shape)


def _require_suited(trigger: Trigger, clip: ClipInfo) -> None:
    if reason := trigger.why_not(clip):
        raise RequestError(reason)
