"""Is the trigger in the file? One record against its decoded file, the trigger rendered again from the source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from poisonkit import media
from poisonkit.datasets import at_hand
from poisonkit.engine.worker import LOOKED_AT, PICTURE_FLOOR_DB, SOUND_CEILING, clip_of, middle_frame
from poisonkit.errors import MediaError, PoisonkitError
from poisonkit.fidelity import Image, Projection, psnr, spread, squares, within_scale
from poisonkit.manifest import Record, rounded
from poisonkit.media.info import MediaInfo
from poisonkit.triggers.core import frame_selection, spec
from poisonkit.triggers.core.chain import Chain
from poisonkit.triggers.core.clip import ClipInfo, Params

PRESENT = 0.1  # so much of the intended change must be seen, whatever the encoder left of it


@dataclass(frozen=True)
class Decoding:
    """Where output and source lie, and what the recipe says of how files are decoded and frames chosen."""

    out: str
    source: str
    stream: Any = "best"
    deinterlace: bool = False
    seed: int = 0
    allow_code: bool = False


def recheck(row: Record, frames: str, how: Decoding) -> str | None:
    """None when the file holds what the record says; else one sentence. frames: the recipe's frame budget for it.

    Decodes the whole file, compares its facts with the record's, renders the recorded triggers with the recorded
    draws from the source, and compares up to eight poisoned frames and all of the sound. Never raises for a bad
    file, nor for a record that cannot be applied to it.
    """
    try:
        with at_hand(Path(how.out, row["path"])) as file, at_hand(Path(how.source, row["source_path"])) as source:
            return _Recheck(row, frames, how, file, source).run()
    except (PoisonkitError, OSError) as error:
        return str(error)
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, cv2.error) as error:
        what = " ".join(str(error).split())
        return f"its record cannot be applied to its source ({type(error).__name__}: {what})"


class _Recheck:
    """One record, its file and its source."""

    def __init__(self, row: Record, frames: str, how: Decoding, file: Path, source: Path) -> None:
        self.row, self.frames, self.how = row, frames, how
        self.file, self.source = file, source

    def run(self) -> str | None:
        row = self.row
        if media.sha256(self.source) != row["source_sha256"]:
            return f"the source's '{row['source_path']}' is not the file that it was made from (SHA-256 differs)"
        info, here = media.probe(self.source, stream=self.how.stream), media.probe(self.file)
        problem = _facts(row, here)
        if problem is None and here.video and row["frames"] > media.size(self.file):
            problem = f"it has fewer than the {row['frames']} frames of which the manifest speaks"
        if problem:
            return problem
        self.chain, self.drawn = self._chain()
        self.clip = clip_of(info, row["id"])
        if here.video:
            self.clip = ClipInfo(**{**self.clip.__dict__, "frames": row["frames"]})
            problem = self._ranges() or self._picture()
        return problem or (self._sound(here) if here.audio else None)

    def _chain(self) -> tuple[Chain, list[Params]]:
        """The recorded triggers with their recorded draws."""
        row = self.row
        entries = [{k: v for k, v in t.items() if k != "drawn"} for t in row["triggers"]]
        folder = Path(self.how.out, "poisonkit", "assets")
        chain = Chain([spec.from_entry(e, assets=folder, allow_code=self.how.allow_code) for e in entries])
        drawn = [dict(t["drawn"]) for t in row["triggers"]]
        if row["other"] is not None:
            with at_hand(Path(self.how.source, row["other"])) as other:
                drawn = chain.with_other(drawn, middle_frame(other))
        return chain, drawn

    def _ranges(self) -> str | None:
        """The poisoned frames are those that the recipe's frame budget chooses."""
        row = self.row
        wanted: list[list[int]] = []
        if "video" in self.chain.touches:
            wanted = frame_selection.parse(self.frames).ranges(self.clip, self.how.seed, row["frames"])
        if row["poisoned_ranges"] != wanted:
            return f"its poisoned_ranges are not those of the recipe's frame budget '{self.frames}'"
        return None

    @property
    def may_be_lost(self) -> bool:
        """The record itself says that the encoder left little of the trigger."""
        fidelity = self.row["fidelity"] or {}
        seen = [fidelity.get("presence"), fidelity.get("sound_presence")]
        return fidelity.get("verdict") == "lost" or any(p is not None and p < 0.2 for p in seen)

    def _picture(self) -> str | None:
        row = self.row
        poisoned = [t for a, b in row["poisoned_ranges"] for t in range(a, b)]
        compared = poisoned if row["triggers"] else list(range(row["frames"]))
        wanted = frozenset(compared[i] for i in spread(len(compared), LOOKED_AT))
        where = set(poisoned).__contains__
        originals: dict[int, Image] = {}

        def frames() -> Iterator[Image]:
            how = self.how
            for t, _, image in media.read_frames(self.source, stream=how.stream, deinterlace=how.deinterlace):
                if t in wanted:
                    originals[t] = image
                yield image

        seen = Projection()
        missed, values, count = 0, 0, 0
        rendered = self.chain.video(frames(), self.clip, self.drawn, where)
        for t, (triggered, decoded) in enumerate(zip_longest(rendered, media.read_frames(self.file))):
            if triggered is None or decoded is None:
                return f"it has {'more' if triggered is None else 'fewer'} frames than its source"
            count += 1
            image = decoded[2]
            if image.shape != triggered.shape:
                return f"its picture is {_size(image)}, and its source's is {_size(triggered)}"
            if t in wanted:
                original = originals.pop(t).astype(np.int16)
                seen.add(image - original, triggered - original)
                missed += squares(image, triggered)
                values += image.size
        if count != row["frames"]:
            return f"it has {count} frames, and the manifest says {row['frames']}"
        if values and psnr(missed, values) < PICTURE_FLOOR_DB:
            return f"its frames are not the triggered ones ({psnr(missed, values):.1f} dB PSNR)"
        if "video" in self.chain.touches and seen.gain < PRESENT and not self.may_be_lost:
            return f"the trigger is not in its frames (gain {seen.gain:.2f})"
        return None

    def _sound(self, here: MediaInfo) -> str | None:
        triggered = "audio" in self.chain.touches
        try:
            heard, _ = media.read_audio(self.file)
        except MediaError:
            if triggered:
                raise
            return None  # copied from the source packet for packet, damage and all
        if heard.shape[1] != self.row["samples"]:
            return f"it has {heard.shape[1]} sound samples, and the manifest says {self.row['samples']}"
        return self._heard(heard) if triggered else None

    def _heard(self, heard: Any) -> str | None:
        wave, _ = media.read_audio(self.source, stream=self.how.stream)
        if heard.shape[0] != wave.shape[0]:
            return f"it has {heard.shape[0]} sound channels, and its source has {wave.shape[0]}"
        triggered = self.chain.audio(wave, self.clip, self.drawn)
        wave = within_scale(wave)
        n = min(wave.shape[1], heard.shape[1])
        error = float(np.sum((heard[:, :n].astype(np.float64) - triggered[:, :n]) ** 2))
        power = float(np.sum(triggered.astype(np.float64) ** 2))
        seen = Projection()
        seen.add(heard[:, :n] - wave[:, :n], triggered[:, :n] - wave[:, :n])
        if power and error / power > SOUND_CEILING:
            return "the sound is not the triggered one"
        if seen.gain < PRESENT and not self.may_be_lost:
            return f"the sound's trigger is not there (gain {seen.gain:.2f})"
        return None


def _facts(row: Record, here: MediaInfo) -> str | None:
    """What a file says of itself, beside its record."""
    video, audio = here.video, here.audio
    width, height = video.displayed if video else (None, None)
    streams, codec = row["streams"] or {}, row["codec"] or {}
    for what, is_, said in (
        ("container", here.container, streams.get("container")),
        ("width", width, row["width"]),
        ("height", height, row["height"]),
        ("fps", rounded(float(video.fps)) if video else None, row["fps"]),
        ("sample_rate", audio.sample_rate if audio else None, row["sample_rate"]),
        ("video streams", 1 if video else 0, streams.get("video")),
        ("sound channels", audio.channels if audio else 0, streams.get("audio")),
        ("video codec", video.codec if video else None, codec.get("video")),
        ("audio codec", audio.codec if audio else None, codec.get("audio")),
    ):
        if is_ != said:
            return f"decoded, {what} is {is_}, and the manifest says {said}"
    for what, has, said in (("frames", video, row["frames"]), ("samples", audio, row["samples"])):
        if (has is None) != (said is None):
            return f"decoded, it has {'no' if has is None else 'some'} {what}, and the manifest says {said}"
    return None


def _size(image: Image) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"
