"""`preview`: what triggers do to one clip, as a contact sheet or a side-by-side video; or a figure for a paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from poisonkit import media
from poisonkit.common import atomic
from poisonkit.datasets import at_hand
from poisonkit.errors import MediaError, RequestError
from poisonkit.reporting import pictures
from poisonkit.reporting.before_after import BeforeAfter, before_after
from poisonkit.reporting.pictures import Image
from poisonkit.triggers.core.trigger import Trigger

FIGURES = (".png", ".pdf", ".svg")


def preview(
    clip: Path, triggers: Sequence[Trigger], out: Path, *, frames: int = 4, seed: int = 0, stream: Any = "best"
) -> tuple[str, ...]:
    """Draw what the triggers, composed, do to one clip, before any encoder.

    out: a .png (clean, poisoned and amplified difference of a few frames; waveform and mel spectrogram for
    sound), a .mp4 (clean and poisoned side by side, with the poisoned sound), or a .pdf or .svg (a figure with one
    row of triggers). frames: how many in a sheet.

    Returns what was drawn. Raises RequestError where the clip lacks what a trigger needs, MediaError for a
    clip that cannot be read.
    """
    ending = out.suffix.lower()
    if ending in FIGURES[1:]:
        return preview_grid([clip], [triggers], out, frames=frames, seed=seed, stream=stream)
    if ending not in (".png", ".mp4"):
        raise RequestError(f"A preview is a .png, .pdf, .svg or .mp4; {out} is none of them.")
    try:
        with at_hand(clip) as file:
            seen = before_after(file, triggers, seed=seed, stream=stream)
            return _video(seen, out) if ending == ".mp4" else _sheet(seen, out, frames)
    except FileNotFoundError:
        raise RequestError(f"There is no {clip}.") from None


def preview_grid(
    clips: Sequence[Path],
    rows: Sequence[Sequence[Trigger]],
    out: Path,
    *,
    frames: int = 4,
    seed: int = 0,
    stream: Any = "best",
    width: float = 7.0,
) -> tuple[str, ...]:
    """Draw a figure: a row for each entry of `rows` (triggers that are composed), a column for each of some frames of
    one clip, or for each of several clips. out: a .png, .pdf or .svg; width: of the figure, in inches.
    """
    if out.suffix.lower() not in FIGURES:
        raise RequestError(f"A grid is a .png, .pdf or .svg; {out} is none of them.")
    from poisonkit.reporting.figure import draw, require_matplotlib

    require_matplotlib()
    if len(clips) > 1:
        frames = 1
    with ExitStack() as files:
        try:
            here = [files.enter_context(at_hand(clip)) for clip in clips]
        except FileNotFoundError as error:
            raise RequestError(f"There is no {error.filename}.") from None
        seen = [[before_after(file, row, seed=seed, stream=stream) for file in here] for row in rows]
        drawn = draw(seen, [clip.stem for clip in clips], frames, width, out.suffix.lower())
    out.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_bytes(out, drawn)
    touched = {modality for row in seen for each in row for modality in each.chain.touches}
    number, what = (len(clips), "clip") if len(clips) > 1 or "video" not in touched else (frames, "frame")
    heard = ("sound",) if "audio" in touched else ()
    return (f"{_counted(len(rows), 'trigger')} × {_counted(number, what)}", *heard)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _sheet(seen: BeforeAfter, out: Path, frames: int) -> tuple[str, ...]:
    name = " + ".join(t.name for t in seen.chain.triggers)
    sheets, said = [], []
    if "video" in seen.chain.touches:
        found = seen.some_frames(frames)
        times = [seen.time_of(t) for t, _, _ in found]
        sheets.append(pictures.frame_sheet([a for _, a, _ in found], [(name, [b for _, _, b in found])], times))
        said.append(f"{len(found)} frames")
    if "audio" in seen.chain.touches:
        wave, made, rate = seen.sound()
        width = sheets[0].shape[1] if sheets else 768
        sheets.append(pictures.sound_sheet(wave, [(name, made)], rate, width))
        said.append("sound")
    ok, data = cv2.imencode(".png", pictures.stack(sheets)[..., ::-1])
    if not ok:
        raise MediaError(f"The sheet for {seen.path} could not be encoded as PNG.")
    out.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_bytes(out, data.tobytes())
    return tuple(said)


def _video(seen: BeforeAfter, out: Path) -> tuple[str, ...]:
    if not seen.clip.frames:
        raise RequestError(f"{seen.path} has no picture; ask for a .png.")
    sound = None
    if seen.clip.sample_rate:
        _, made, rate = seen.sound()
        sound = (made, rate)

    def beside() -> Iterator[Image]:
        for clean, poisoned in seen.frames():
            both = np.concatenate([clean, poisoned], axis=1)
            heads = np.concatenate([pictures.label(t, clean.shape[1]) for t in ("clean", "poisoned")], axis=1)
            whole = np.concatenate([heads, both])
            yield whole[: whole.shape[0] // 2 * 2, : whole.shape[1] // 2 * 2]

    out.parent.mkdir(parents=True, exist_ok=True)
    fps = media.probe(seen.path, stream=seen.stream).video.fps  # type: ignore[union-attr]
    media.write_video(out, beside(), fps=fps, audio=sound)
    return ("side-by-side video",)
