"""`preview`: what triggers do to one clip, as a contact sheet or a side-by-side video."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from poisonkit import media
from poisonkit.common import atomic
from poisonkit.datasets import at_hand
from poisonkit.engine.clips.worker import clip_of
from poisonkit.errors import MediaError, RequestError
from poisonkit.metrics.counterparts import Counterparts
from poisonkit.reporting import pictures
from poisonkit.reporting.pictures import Image
from poisonkit.triggers.core.chain import Chain
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import Trigger


def preview(
    clip: Path, triggers: Sequence[Trigger], out: Path, *, frames: int = 4, seed: int = 0, stream: Any = "best"
) -> tuple[str, ...]:
    """Draw what the triggers, composed, do to one clip, before any encoder.

    out: a .png (clean, poisoned and amplified difference of a few frames; waveform and mel spectrogram for
    sound) or a .mp4 (clean and poisoned side by side, with the poisoned sound). frames: how many in a sheet.

    Returns what was drawn. Raises RequestError where the clip lacks what a trigger needs, MediaError for a
    clip that cannot be read.
    """
    if out.suffix.lower() not in (".png", ".mp4"):
        raise RequestError(f"A preview is a .png or a .mp4; {out} is neither.")
    try:
        with at_hand(clip) as file:
            return _preview(file, triggers, out, frames, seed, stream)
    except FileNotFoundError:
        raise RequestError(f"There is no {clip}.") from None


def _preview(
    clip: Path, triggers: Sequence[Trigger], out: Path, frames: int, seed: int, stream: Any
) -> tuple[str, ...]:
    info = media.probe(clip, stream=stream)
    chain, what = Chain(triggers), clip_of(info, clip.name)
    for modality, there in (("video", info.video), ("audio", info.audio)):
        if modality in chain.touches and there is None:
            raise RequestError(f"{clip} has no {'picture' if modality == 'video' else 'sound'}.")
    if chain.needs_length and info.video:
        what = replace(what, frames=media.count(clip, info)[0])
    reason = chain.suits(what)
    if reason:
        raise RequestError(f"{clip}: {reason}")
    drawn = chain.draw(what, seed)
    if out.suffix.lower() == ".mp4":
        return _video(clip, chain, what, drawn, out, stream)
    return _sheet(clip, chain, what, drawn, out, frames, stream)


def _pairs(clip: Path, chain: Chain, what: ClipInfo, drawn: list[Params], stream: Any) -> Iterator[tuple[Image, Image]]:
    """(clean, poisoned) of every frame."""
    clean = Counterparts(image for _, _, image in media.read_frames(clip, stream=stream))
    for poisoned in chain.video(iter(clean), what, drawn):
        yield clean.take(), poisoned


def _sheet(
    clip: Path, chain: Chain, what: ClipInfo, drawn: list[Params], out: Path, frames: int, stream: Any
) -> tuple[str, ...]:
    name = " + ".join(t.name for t in chain.triggers)
    sheets, said = [], []
    if "video" in chain.touches:
        shown = chain.after(what).frames
        wanted = {round((i + 0.5) * shown / frames - 0.5) for i in range(frames)}
        pairs = [(t, *pair) for t, pair in enumerate(_pairs(clip, chain, what, drawn, stream)) if t in wanted]
        if not pairs:
            raise MediaError(f"{clip} has no picture that can be decoded.")
        times = [f"frame {t}, {t / what.fps:.2f} s" if what.fps else f"frame {t}" for t, _, _ in pairs]
        sheets.append(pictures.frame_sheet([a for _, a, _ in pairs], [(name, [b for _, _, b in pairs])], times))
        said.append(f"{len(pairs)} frames")
    if "audio" in chain.touches:
        wave, rate = media.read_audio(clip, stream=stream)
        made = chain.audio(wave, replace(what, sample_rate=rate), drawn)
        width = sheets[0].shape[1] if sheets else 768
        sheets.append(pictures.sound_sheet(wave, [(name, made)], rate, width))
        said.append("sound")
    ok, data = cv2.imencode(".png", pictures.stack(sheets)[..., ::-1])
    if not ok:
        raise MediaError(f"The sheet for {clip} could not be encoded as PNG.")
    out.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_bytes(out, data.tobytes())
    return tuple(said)


def _video(clip: Path, chain: Chain, what: ClipInfo, drawn: list[Params], out: Path, stream: Any) -> tuple[str, ...]:
    if not what.frames:
        raise RequestError(f"{clip} has no picture; ask for a .png.")
    sound = None
    if what.sample_rate:
        wave, rate = media.read_audio(clip, stream=stream)
        sound = (chain.audio(wave, replace(what, sample_rate=rate), drawn), rate)

    def beside() -> Iterator[Image]:
        for clean, poisoned in _pairs(clip, chain, what, drawn, stream):
            both = np.concatenate([clean, poisoned], axis=1)
            heads = np.concatenate([pictures.label(t, clean.shape[1]) for t in ("clean", "poisoned")], axis=1)
            whole = np.concatenate([heads, both])
            yield whole[: whole.shape[0] // 2 * 2, : whole.shape[1] // 2 * 2]

    out.parent.mkdir(parents=True, exist_ok=True)
    media.write_video(out, beside(), fps=media.probe(clip, stream=stream).video.fps, audio=sound)  # type: ignore[union-attr]
    return ("side-by-side video",)
