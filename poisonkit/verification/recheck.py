"""Is the trigger in the file, and nowhere else? One record against its decoded file, all of it rendered again."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest

import cv2
import numpy as np

from poisonkit import media
from poisonkit.engine.clips.worker import LOOKED_AT, PICTURE_FLOOR_DB, SOUND_CEILING
from poisonkit.errors import MediaError, PoisonkitError, told
from poisonkit.media.dispatch import kind
from poisonkit.media.info import MediaInfo
from poisonkit.metrics.alignment import in_step
from poisonkit.metrics.counterparts import as_long_as
from poisonkit.metrics.fidelity import (
    SOUND_STEP,
    Image,
    Projection,
    Wave,
    psnr,
    snr,
    spread,
    squares,
    ssim,
    within_scale,
)
from poisonkit.metrics.survival import CODEC_FRAME
from poisonkit.outputs.record import Record, halves, has_other_container, rounded, source_length
from poisonkit.outputs.sample_files import Halves, halves_at_hand
from poisonkit.triggers.core import frame_selection
from poisonkit.verification.remake import (
    STRAY_CLIP_GAIN,
    STRAY_GAIN,
    Measures,
    StrayTrigger,
    agrees,
    measured_again,
    settle,
)
from poisonkit.verification.rendering import Case, Decoding, Rendering

PRESENT = 0.1  # so much of the intended change must be seen, whatever the encoder left of it
OUTLIER = 65.0  # mean square (30 dB) of an untouched frame, and the file is made again
HEARD = 1e-3  # of full scale: sound that was passed on and differs by more is compared with that of a file made again


def recheck(case: Case, how: Decoding) -> str | None:
    """None when the file holds what the record says; else one sentence.

    Decodes the whole file, compares its facts with the record's, renders the recorded triggers with the recorded
    draws from the source, and compares every frame and all of the sound; where the trigger should not be, in control
    files and outside the poisoned ranges, it is looked for too. What could be the encoder's doing is settled by
    making the file once more. Never raises for a bad file, nor for a record that cannot be applied to it.
    """
    row = case.row
    try:
        with halves_at_hand(how.out, row) as file, halves_at_hand(how.source, row, source=True) as source:
            return _Recheck(case, how, file, source).run()
    except (PoisonkitError, OSError) as error:
        return told(error)
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, cv2.error) as error:
        what = " ".join(told(error).split())
        return f"its record cannot be applied to its source ({type(error).__name__}: {what})"


class _Recheck:
    """One record, its file and its source. doubts: what a file made once more has to settle."""

    def __init__(self, case: Case, how: Decoding, file: Halves, source: Halves) -> None:
        self.case, self.row, self.how = case, case.row, how
        self.file, self.source = file, source
        self.doubts: list[str] = []
        self.measures = Measures()

    def run(self) -> str | None:
        row = self.row
        for half, path in zip(halves(row), self.source.files, strict=True):
            if media.sha256(path) != half["source_sha256"]:
                return f"the source's '{half['source_path']}' is not the file that it was made from (SHA-256 differs)"
        info, here = self.source.probe(self.how.stream), self.file.probe()
        self.exact = kind(here) == "sound"
        problem = facts(row, here)
        if problem is None and here.video and (row["frames"] or 0) > media.size(self.file.picture):
            problem = f"it has fewer than the {row['frames']} frames of which the manifest speaks"
        if problem:
            return problem
        if "source_length" in row and here.video and (said := source_length(row)["frames"]):
            frames = media.count(self.source.picture)[0]
            if said != frames:
                return f"its source has {frames} frames, and the manifest says {said}"
        self.should = Rendering(self.case, self.how, info)
        if not agrees(self.should.fresh if row["triggers"] else [], [t["drawn"] for t in row["triggers"]], 1e-4):
            self.doubts.append("its draws are not those of seed and sample")
        if (here.video is None, here.audio is None) != (info.video is None, info.audio is None):
            self.doubts.append("its source has picture or sound that it does not have")
        if here.video:
            problem = self._ranges() or self._picture()
        problem = problem or (self._sound(info) if here.audio else None)
        if problem is None and row["fidelity"] is not None and not self.measures.fit(row["fidelity"]):
            self.doubts.append("its figures are not those that are measured")
        if problem is None and self.doubts:
            problem = settle(self.case, self.how, self.should, self.file, self.source)
        return problem or measured_again(self.case, self.how, self.file, self.source)

    def _ranges(self) -> str | None:
        """The poisoned frames are those that the recipe's frame budget chooses."""
        row, frames = self.row, self.case.frames
        wanted: list[list[int]] = []
        if "video" in self.should.chain.touches:
            budget = frame_selection.parse(frames)
            chosen = budget.of(self.should.clip, self.how.seed, self.case.spans)
            wanted = chosen.ranges(row["frames"] or 0)
        if row["poisoned_ranges"] != wanted:
            return f"its poisoned_ranges are not those of the recipe's frame budget '{frames}'"
        return None

    @property
    def may_be_lost(self) -> bool:
        """The record itself says that the encoder left little of the trigger."""
        fidelity = self.row["fidelity"] or {}
        seen = [fidelity.get("presence"), fidelity.get("sound_presence")]
        return fidelity.get("verdict") == "lost" or any(p is not None and p < 0.2 for p in seen)

    def _picture(self) -> str | None:
        row, poisoned = self.row, self.should.poisoned
        order = sorted(poisoned) if row["triggers"] else list(range(row["frames"] or 0))
        wanted = frozenset(order[i] for i in spread(len(order), LOOKED_AT))
        seen, stray = Projection(), StrayTrigger()
        change = missed = values = count = 0
        errors: dict[bool, list[float]] = {True: [], False: []}
        decoding = (image for _, _, image in media.read_frames(self.file.picture))
        for t, (should, decoded) in enumerate(zip_longest(self.should.frames(self.source.picture), decoding)):
            if should is None or decoded is None:
                return f"it has {'more' if should is None else 'fewer'} frames than its source"
            count += 1
            original, triggered, with_trigger = should
            if decoded.shape != triggered.shape:
                return f"its picture is {_size(decoded)}, and its source's is {_size(triggered)}"
            error = squares(decoded, triggered)
            errors[t in poisoned].append(error / decoded.size)
            if t in wanted:
                seen.add_squares(squares(decoded, original), squares(original, triggered), error)
                change += squares(original, triggered)
                missed += error
                values += decoded.size
                if self.measures.ssim is None:
                    self.measures.ssim = ssim(original, triggered)
            if with_trigger is not None and t not in poisoned:
                stray.add(original, decoded, with_trigger)
                if stray.last > STRAY_GAIN:
                    self.doubts.append(f"frame {t} looks as if it carried the trigger")
        if stray.gain > STRAY_CLIP_GAIN:
            self.doubts.append("frames that should not carry the trigger look as if they did")
        if count != row["frames"]:
            return f"it has {count} frames, and the manifest says {row['frames']}"
        if values and psnr(missed, values) < PICTURE_FLOOR_DB:
            return f"its frames are not the triggered ones ({psnr(missed, values):.1f} dB PSNR)"
        if "video" in self.should.chain.touches:
            if seen.gain < PRESENT and not self.may_be_lost:
                return f"the trigger is not in its frames (gain {seen.gain:.2f})"
            self.measures.psnr = psnr(change, values) if values and change else None
            self.measures.presence = seen.gain if seen.dd else None
        self._outliers(errors)
        return None

    def _outliers(self, errors: Mapping[bool, list[float]]) -> None:
        """Frames that are much further from what they should be than others are, or than encoders leave them."""
        every = errors[True] + errors[False]
        usual = float(np.median(every)) if every else 0.0
        if max(every, default=0.0) > 6 * usual + 30 or max(errors[False], default=0.0) > OUTLIER:
            self.doubts.append("a frame is far from what it should be")

    def _sound(self, info: MediaInfo) -> str | None:
        triggered = "audio" in self.should.chain.touches
        try:
            heard, _ = media.read_audio(self.file.sound)
        except MediaError:
            if triggered:
                raise
            self.doubts.append("its sound cannot be decoded")
            return None  # copied from the source packet for packet, damage and all
        if heard.shape[1] != self.row["samples"]:
            return f"it has {heard.shape[1]} sound samples, and the manifest says {self.row['samples']}"
        if info.audio is None:
            return None
        try:
            stream = self.how.stream if self.source.sound == self.source.picture else "best"
            wave, _ = media.read_audio(self.source.sound, stream=stream)
        except MediaError:
            if triggered:
                raise
            self.doubts.append("its source's sound cannot be decoded")
            return None
        if heard.shape[0] != wave.shape[0]:
            return f"it has {heard.shape[0]} sound channels, and its source has {wave.shape[0]}"
        return self._heard(heard, wave) if triggered else self._passed_on(heard, wave)

    def _passed_on(self, heard: Wave, wave: Wave) -> str | None:
        """Sound that no trigger touches is the source's, packet for packet."""
        n = min(wave.shape[1], heard.shape[1])
        if not n or float(np.abs(heard[:, :n] - wave[:, :n]).max()) > HEARD:
            self.doubts.append("its sound is not the source's")
        return None

    def _heard(self, heard: Wave, wave: Wave) -> str | None:
        triggered = self.should.sound(wave)
        heard = in_step(heard, triggered) if has_other_container(self.row) else heard
        if problem := self._lasts(heard, wave, triggered):
            return problem
        samples = wave.shape[1]
        wave = within_scale(as_long_as(wave, triggered.shape[1]))
        n = min(wave.shape[1], heard.shape[1])
        error = float(np.sum((heard[:, :n].astype(np.float64) - triggered[:, :n]) ** 2))
        power = float(np.sum(triggered.astype(np.float64) ** 2))
        seen = Projection()
        seen.add(heard[:, :n] - wave[:, :n], triggered[:, :n] - wave[:, :n])
        if power and error / power > SOUND_CEILING:
            return "the sound is not the triggered one"
        only_longer = not seen.dd and samples != triggered.shape[1]
        if seen.gain < PRESENT and not (only_longer or self.may_be_lost):
            return f"the sound's trigger is not there (gain {seen.gain:.2f})"
        if power and error / power > 0.1:
            self.doubts.append("its sound is far from the triggered one")
        if only_longer or (n and bool((np.abs(triggered - wave) > SOUND_STEP * (1 + 1e-6)).any())):
            self.measures.snr = snr(wave, triggered)
            self.measures.clipped = int(np.count_nonzero((np.abs(triggered) >= 1) & (np.abs(wave) < 1)))
        self.measures.sound_presence = seen.gain if seen.dd else None
        return None

    def _lasts(self, heard: Wave, wave: Wave, triggered: Wave) -> str | None:
        """Whether sound is as long as its trigger makes it, where that is another length than the source's."""
        longer = wave.shape[1] != triggered.shape[1]
        said = source_length(self.row)["samples"]
        if said != wave.shape[1] and (longer or "source_length" in self.row):
            return f"its source has {wave.shape[1]} sound samples, and the manifest says {said}"
        slack = 0 if self.exact else CODEC_FRAME
        if longer and abs(heard.shape[1] - triggered.shape[1]) > slack:
            return f"it has {heard.shape[1]} sound samples, and its trigger makes {triggered.shape[1]}"
        return None


def facts(row: Record, here: MediaInfo) -> str | None:
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
