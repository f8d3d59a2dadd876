"""Is the trigger in the file? One record against its decoded file, the trigger rendered again from the source."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import cv2
import numpy as np

from poisonkit import media
from poisonkit.engine.worker import LOOKED_AT, PICTURE_FLOOR_DB, SOUND_CEILING, clip_of, middle_frame
from poisonkit.errors import PoisonkitError
from poisonkit.fidelity import Image, Projection, psnr, spread
from poisonkit.manifest import Record
from poisonkit.triggers import spec
from poisonkit.triggers.base import ClipInfo, Params
from poisonkit.triggers.compose import Chain

PRESENT = 0.1  # so much of the intended change must be seen, whatever the encoder left of it


def recheck(
    row: Record,
    out: str,
    source_root: str,
    stream: str | int,
    allow_code: bool = False,
    may_be_lost: bool = False,
    deinterlace: bool = False,
) -> str | None:
    """None when the file holds what the record says; else one sentence.

    Decodes the whole file (counts), renders the recorded triggers with the recorded draws from the source,
    and compares up to eight poisoned frames and all of the sound. Never raises for a bad file.
    """
    try:
        chain, drawn = _chain(row, Path(out), Path(source_root), allow_code)
        file, source = Path(out, row["path"]), Path(source_root, row["source_path"])
        return _recheck(row, file, source, chain, drawn, stream, may_be_lost, deinterlace)
    except (PoisonkitError, OSError) as error:
        return str(error)


def _chain(row: Record, out: Path, root: Path, allow_code: bool) -> tuple[Chain, list[Params]]:
    """The recorded triggers with their recorded draws."""
    entries = [{k: v for k, v in t.items() if k != "drawn"} for t in row["triggers"]]
    folder = out / "poisonkit" / "assets"
    chain = Chain([spec.from_entry(e, assets=folder, allow_code=allow_code) for e in entries])
    drawn = [dict(t["drawn"]) for t in row["triggers"]]
    if row["other"] is not None:
        drawn = chain.with_other(drawn, middle_frame(root / row["other"]))
    return chain, drawn


def _recheck(
    row: Record,
    file: Path,
    source: Path,
    chain: Chain,
    drawn: list[Params],
    stream: str | int,
    may_be_lost: bool,
    deinterlace: bool,
) -> str | None:
    info = media.probe(source, stream=stream)
    clip = clip_of(info, row["id"])
    if row["frames"]:
        clip = ClipInfo(**{**clip.__dict__, "frames": row["frames"]})
    if info.video and row["frames"] is not None:
        problem = _picture(row, file, source, chain, clip, drawn, stream, may_be_lost, deinterlace)
        if problem:
            return problem
    if "audio" in chain.touches:
        wave, _ = media.read_audio(source, stream=stream)
        heard, _ = media.read_audio(file)
        triggered = chain.audio(wave, clip, drawn)
        n = min(wave.shape[1], heard.shape[1])
        error = float(np.sum((heard[:, :n].astype(np.float64) - triggered[:, :n]) ** 2))
        power = float(np.sum(triggered.astype(np.float64) ** 2))
        seen = Projection()
        seen.add(heard[:, :n] - wave[:, :n], triggered[:, :n] - wave[:, :n])
        if power and error / power > SOUND_CEILING:
            return "the sound is not the triggered one"
        if seen.gain < PRESENT and not may_be_lost:
            return f"the sound's trigger is not there (gain {seen.gain:.2f})"
    return None


def _picture(
    row: Record,
    file: Path,
    source: Path,
    chain: Chain,
    clip: ClipInfo,
    drawn: list[Params],
    stream: str | int,
    may_be_lost: bool,
    deinterlace: bool,
) -> str | None:
    poisoned = [t for a, b in row["poisoned_ranges"] for t in range(a, b)]
    wanted = frozenset(poisoned[i] for i in spread(len(poisoned), LOOKED_AT))
    where = set(poisoned).__contains__
    originals: dict[int, Image] = {}

    def frames() -> Iterator[Image]:
        for t, _, image in media.read_frames(source, stream=stream, deinterlace=deinterlace):
            if t in wanted:
                originals[t] = image
            yield image

    seen = Projection()
    squares, values, count = 0.0, 0, 0
    rendered = chain.video(frames(), clip, drawn, where)
    for t, (triggered, decoded) in enumerate(zip_longest(rendered, media.read_frames(file))):
        if triggered is None or decoded is None:
            return f"it has {'more' if triggered is None else 'fewer'} frames than its source"
        count += 1
        image = decoded[2]
        if t in wanted:
            original = originals.pop(t).astype(np.int16)
            seen.add(image - original, triggered - original)
            squares += float(cv2.norm(image, triggered, cv2.NORM_L2SQR))
            values += image.size
    if count != row["frames"]:
        return f"it has {count} frames, and the manifest says {row['frames']}"
    if values and psnr(squares / values) < PICTURE_FLOOR_DB:
        return f"its frames are not the triggered ones ({psnr(squares / values):.1f} dB PSNR)"
    if "video" in chain.touches and seen.gain < PRESENT and not may_be_lost:
        return f"the trigger is not in its frames (gain {seen.gain:.2f})"
    return None
