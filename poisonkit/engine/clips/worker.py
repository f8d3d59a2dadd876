"""One job, start to finish: decode, trigger, encode, check. The only room where media and triggers meet."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Set
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from poisonkit import media
from poisonkit.common.limits import VARIABLE, current
from poisonkit.common.run_claim import LostLock
from poisonkit.common.safe_io import open_plain
from poisonkit.common.time_limit import Know, nobody
from poisonkit.datasets import container_of
from poisonkit.engine.clips.job import Job, as_files
from poisonkit.engine.clips.source_guard import unchanging
from poisonkit.engine.clips.writing import Change, write_pair, written_facts, written_file
from poisonkit.engine.finishing.linking import link_again
from poisonkit.errors import CheckError, MediaError, PoisonkitError, told
from poisonkit.media.colour import planes_to_rgb
from poisonkit.media.info import MediaInfo, PlaneFormat
from poisonkit.metrics.counterparts import Counterparts
from poisonkit.metrics.fidelity import ClipInspector, Image, Wave, spread
from poisonkit.outputs.record import Record, record
from poisonkit.triggers.core import frame_selection
from poisonkit.triggers.core.chain import Chain
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.length import as_long
from poisonkit.triggers.kernels.yuv import PlanesRender

LOOKED_AT = 5  # decoded frames of each clip that are compared with the triggered ones
PICTURE_FLOOR_DB = 14.0  # below it the decoded frames are not the triggered ones, whatever the codec's quality
SOUND_CEILING = 2.0  # energy of the decoded sound's error over the triggered sound's: more is another sound


class Inert(PoisonkitError):
    """The trigger does not change this sample: nothing is written."""


def clip_of(info: MediaInfo, name: str) -> ClipInfo:
    """What a trigger may know of a file, from its probe."""
    v, a = info.video, info.audio
    fps = float(v.fps) if v else 0.0
    width, height = v.displayed if v else (0, 0)
    return ClipInfo(
        id=name,
        width=width,
        height=height,
        fps=fps,
        frames=(v.declared_frames or max(1, round(info.duration * fps))) if v else 0,
        sample_rate=a.sample_rate if a else 0,
        channels=a.channels if a else 0,
        # sound that would be refused when it is decoded counts no longer than what is decoded at most
        samples=min(a.samples or max(1, round(info.duration * a.sample_rate)), current().samples) if a else 0,
    )


def middle_frame(path: Path) -> Image:
    """A picture of another sample, uint8 RGB: the frame in the middle of its declared length."""
    info = media.probe(path)
    middle = clip_of(info, "").frames // 2
    found: Image | None = None
    for t, _, image in media.read_frames(path):
        found = image
        if t >= middle:
            break
    if found is None:
        raise MediaError(f"'{path.name}' has no picture to make a cover sample with.")
    return found


@dataclass(frozen=True)
class Stopped:
    """In place of a record: the machine, not the clip, is in trouble (`error`), and the run has to stop."""

    error: str


_OF_THE_MACHINE = (
    "a worker died on",
    "took longer than its length",
    "needs more memory than",
    "changed while it",
    VARIABLE,
)


def depends_on_machine(error: str) -> bool:
    """Whether a record's error says that time, memory, a limit or a worker's death is why: it may be made elsewhere."""
    return any(words in error.lower() or words in error for words in _OF_THE_MACHINE)


_TROUBLE = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)
_REFUSED = (errno.EACCES, errno.EPERM)


def machine_trouble(error: BaseException, out: str, source: str | None = None) -> str:
    """What is wrong with the machine (disk full, read-only, failing), where that is behind an error; else "".

    A place that may not be written to is trouble where it is in the output `out`; elsewhere it is the clip's. FFmpeg
    says "input/output error" of damaged files too: that is trouble only where `source` cannot be read without it.
    """
    import av

    seen: BaseException | None = error
    while seen is not None:
        damage = isinstance(seen, av.error.FFmpegError) and seen.errno == errno.EIO and _reads(source)
        if isinstance(seen, OSError) and not damage:
            refused = seen.errno in _REFUSED and str(seen.filename).removeprefix("file:").startswith(out)
            if seen.errno in _TROUBLE or refused:
                return seen.strerror or os.strerror(seen.errno or 0)
        seen = seen.__cause__ or seen.__context__
    return ""


def _reads(path: str | None) -> bool:
    """Whether the system gives all of a file, if it is one."""
    try:
        if path is not None and os.path.isfile(path):
            with open_plain(path) as file:
                while file.read(1 << 20):
                    pass
    except OSError as error:
        return error.errno != errno.EIO
    return True


Result = Record | Stopped


def process(job: Job, know: Know = nobody) -> Result:
    """Do one job. Never raises: whatever goes wrong becomes a record with status `failed` or `inert`.

    Stopped, where the machine is to blame. know: is told how long the clip is.
    """
    try:
        return _outcome(job, know)
    except LostLock as reason:
        return Stopped(told(reason).rstrip("."))


def _outcome(job: Job, know: Know) -> Result:
    try:
        with ExitStack() as guards:
            for path, name in zip(job.places.halves.files, job.task.sample.paths, strict=True):
                guards.enter_context(unchanging(container_of(path), name))
            return _process(guards.enter_context(as_files(job)), know)
    except LostLock:
        raise
    except Inert as reason:
        return _without_file(job, "inert", told(reason))
    except (PoisonkitError, OSError) as reason:
        if trouble := machine_trouble(reason, job.places.out, str(container_of(job.places.source))):
            return Stopped(trouble)
        what = told(reason)
        if isinstance(reason, OSError):
            what = f"'{job.task.source_path}' could not be processed: {reason.strerror or type(reason).__name__}."
        return _without_file(job, "failed", what)
    except MemoryError:
        return _without_file(job, "failed", f"'{job.task.source_path}' needs more memory than there is.")
    except Exception as reason:  # noqa: BLE001 - one clip never stops the rest
        text = " ".join(told(reason).split())
        what = f"{type(reason).__name__}: {text}" if text else type(reason).__name__
        return _without_file(job, "failed", f"'{job.task.source_path}' could not be processed ({what}).")


def died_on(job: Job) -> Record:
    """The record of a clip that two workers died on."""
    return _without_file(job, "failed", f"'{job.task.source_path}' was left alone: a worker died on it twice.")


def ran_over(job: Job) -> Record:
    """The record of a clip whose worker ended itself because its time was over."""
    reason = f"'{job.task.source_path}' took longer than its length explains; --time-limit allows more."
    return _without_file(job, "failed", reason)


def _without_file(job: Job, status: str, reason: str) -> Record:
    for name in job.task.files:
        media.remove(job.file(name))
    return record(job.task, job.classes, triggers=_entries(job, []), status=status, error=reason)


def _entries(job: Job, drawn: list[Params]) -> list[dict[str, Any]]:
    triggers = job.treatment.triggers
    return [
        {**trigger.entry(), "drawn": params}
        for trigger, params in zip(triggers, drawn or [{}] * len(triggers), strict=True)
    ]


def _process(job: Job, know: Know) -> Record:
    """Decode, trigger, encode, check, record."""
    source = job.places.halves
    info = source.probe(job.stream)
    clip = clip_of(info, job.task.id)
    know(info.duration, float(clip.frames) * clip.width * clip.height)
    _require_modalities(job, info)
    triggering = _Triggering(job, _counted(job, info, clip))
    change = Change(
        video=triggering.pictures if "video" in job.treatment.touches and info.video else None,
        planes=triggering.planes,
        audio=triggering.sound if "audio" in job.treatment.touches and info.audio else None,
        inspect=triggering.inspector,
        resize=not as_long(triggering.clip, triggering.chain.after(triggering.clip)),
    )
    if job.task.sample.sound is None:
        facts = written_facts(written_file(job, change, source.picture, job.file(), info))
        facts["source_sha256"] = media.sha256(source.picture)
    else:
        facts = write_pair(job, change)
    ranges = triggering.ranges(facts["frames"] or 0)
    try:
        check(job.task.id, triggering.chain.touches, triggering.inspector, ranges)
    except MediaError:
        for path in job.halves.files:
            media.remove(path)
        raise
    for half in job.task.halves:
        for name in half.linked_paths:
            link_again(job.file(half.path), job.file(name))
    return record(
        job.task,
        job.classes,
        triggers=_entries(job, triggering.drawn),
        poisoned_ranges=ranges,
        fidelity=triggering.inspector.report() if job.treatment.triggers else None,
        source_length=triggering.source_length(facts["frames"], facts["samples"]),
        **facts,
    )


def _counted(job: Job, info: MediaInfo, clip: ClipInfo) -> ClipInfo:
    """The clip with its exact number of frames, where its triggers or the frame budget need it."""
    how = job.treatment
    budget = frame_selection.parse(how.frames)
    needed = Chain(how.triggers).needs_length or budget.needs_length or how.spans is not None
    if not (info.video and needed):
        return clip
    known = info if job.places.sound is None else None  # which is not of this file alone
    return replace(clip, frames=media.count(job.places.source, known)[0])


class _Triggering:
    """A job's triggers on its clip: what they drew, and pictures and sound through them, seen by the inspector."""

    def __init__(self, job: Job, clip: ClipInfo) -> None:
        how, role, cover_source = job.treatment, job.task.role, job.places.cover_source
        self.clip, self.how, self.chain = clip, how, Chain(how.triggers)
        self.drawn = self.chain.draw(clip, how.seed, cover=role == "cover", attack=role == "attack", spans=how.spans)
        self._params = self.drawn
        if cover_source is not None:
            self._params = self.chain.with_other(self.drawn, middle_frame(Path(cover_source)))
        self.is_poisoned = frame_selection.parse(how.frames).of(clip, how.seed, how.spans)
        self.inspector = ClipInspector(_looked_at(self.is_poisoned.ranges(self.chain.after(clip).frames)))
        self._taken = {"frames": 0, "samples": 0}

    def pictures(self, frames: Iterator[Image]) -> Iterator[Image]:
        """RGB pictures with the triggers."""
        params, is_poisoned = self._params, self.is_poisoned
        return self._inspected(lambda images: self.chain.video(images, self.clip, params, is_poisoned), frames)

    def planes(self, fmt: PlaneFormat) -> PlanesRender | None:
        """What does the same in the stream's own planes; None where that cannot be.

        A clip without triggers goes through them where the clips that it is compared with do.
        """
        matched = Chain(self.how.matched_triggers)
        if matched.planes(self.clip, matched.draw(self.clip, self.how.seed), fmt) is None:
            return None
        render = self.chain.planes(self.clip, self._params, fmt, self.is_poisoned)
        if render is None:
            return None
        self.inspector.rgb = partial(planes_to_rgb, fmt=fmt)
        return partial(self._inspected, render)

    def sound(self, wave: Wave, rate: int) -> Wave:
        """The sound with the triggers."""
        self._taken["samples"] = wave.shape[1]
        triggered = self.chain.audio(wave, self.clip, self._params)
        self.inspector.sound(wave, triggered)
        if "audio" in self.chain.touches and not self.inspector.heard:
            raise Inert(f"'{self.clip.id}': the trigger changes no sound sample by more than one 16-bit step.")
        return triggered

    def ranges(self, frames: int) -> list[list[int]]:
        """Which of so many written frames carry a trigger."""
        return self.is_poisoned.ranges(frames) if "video" in self.chain.touches else []

    def source_length(self, frames: int | None, samples: int | None) -> dict[str, int | None] | None:
        """How long the source is, where a trigger made the file, of so many frames and samples, longer or shorter."""
        if as_long(self.clip, self.chain.after(self.clip)):
            return None
        return {"frames": self._taken["frames"] or frames, "samples": self._taken["samples"] or samples}

    def _inspected(self, render: Callable[[Iterator[Any]], Iterator[Any]], frames: Iterator[Any]) -> Iterator[Any]:
        def counted() -> Iterator[Any]:
            for image in frames:
                self._taken["frames"] += 1
                yield image

        count = 0
        originals = Counterparts(counted())
        for t, image in enumerate(render(iter(originals))):
            self.inspector.picture(t, originals.take(), image, self.is_poisoned(t))
            yield image
            count = t + 1
        if "video" in self.chain.touches and not self.inspector.changed:
            raise Inert(f"'{self.clip.id}': {self._why_inert(count)}.")

    def _why_inert(self, frames: int) -> str:
        if self.is_poisoned.ranges(frames):
            return "the trigger changes no pixel by more than one level"
        spans = "" if self.how.spans is None else ", counted in its spans alone"
        return f"none of its {frames} frames is one that carries the trigger (frames: {self.how.frames}{spans})"


def _require_modalities(job: Job, info: MediaInfo) -> None:
    """MediaError unless the source still has the picture and the sound that the job has to trigger.

    A control clip needs what its attack clip's triggers touch: without it, it would be a control of nothing. A clean
    clip needs nothing: many a dataset has some without sound.
    """
    how = job.treatment
    needed = Chain(how.matched_triggers if job.task.role == "control" else how.triggers).touches
    for modality, stream, word in (("video", info.video, "picture"), ("audio", info.audio, "sound")):
        if modality in needed and stream is None:
            raise MediaError(f"'{job.task.source_path}' has no {word} any more, and its trigger needs one.")


def _looked_at(ranges: list[list[int]]) -> frozenset[int]:
    """Evenly spread poisoned frames; where only few are poisoned, all of those."""
    wanted = spread(sum(b - a for a, b in ranges), LOOKED_AT)
    poisoned = (t for a, b in ranges for t in range(a, b))
    return frozenset(t for i, t in enumerate(poisoned) if i in wanted)


def check(name: str, touches: Set[str], seen: ClipInspector, ranges: list[list[int]]) -> None:
    """CheckError unless the decoded output is the triggered media, as far as the codec's quality allows, and a trigger
    was applied in every modality that one touches."""
    if seen.held:
        raise CheckError(f"'{name}': {len(seen.held)} frames were written and not found on decoding.")
    if (error := seen.picture_error_db()) < PICTURE_FLOOR_DB:
        raise CheckError(f"'{name}': decoded, the output differs from the triggered frames by {error:.1f} dB PSNR.")
    if seen.sound_error() > SOUND_CEILING:
        raise CheckError(f"'{name}': decoded, the output's sound is not the triggered one.")
    if "video" in touches and not (seen.changed and ranges):
        raise CheckError(f"'{name}': its trigger was applied to no frame.")
    if "audio" in touches and not seen.heard:
        raise CheckError(f"'{name}': its trigger was applied to no sound.")
