"""One job, start to finish: decode, trigger, encode, check. The only room where media and triggers meet."""

from __future__ import annotations

import errno
import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from poisonkit import media
from poisonkit.common import time_limit
from poisonkit.common.limits import VARIABLE, current
from poisonkit.common.run_claim import LostLock
from poisonkit.common.safe_io import open_plain
from poisonkit.datasets import at_hand, container_of
from poisonkit.engine.clips.source_guard import unchanging
from poisonkit.engine.finishing.linking import link_again
from poisonkit.errors import CheckError, MediaError, PoisonkitError
from poisonkit.media.colour import planes_to_rgb
from poisonkit.media.info import Encode, MediaInfo, PlaneFormat, Written
from poisonkit.metrics.fidelity import ClipInspector, Image, Wave, spread
from poisonkit.outputs.record import Record, record
from poisonkit.plan.plan import Task
from poisonkit.triggers.core import frame_selection
from poisonkit.triggers.core.chain import Chain
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import Trigger
from poisonkit.triggers.kernels.yuv import PlanesRender

LOOKED_AT = 5  # decoded frames of each clip that are compared with the triggered ones
PICTURE_FLOOR_DB = 14.0  # below it the decoded frames are not the triggered ones, whatever the codec's quality
SOUND_CEILING = 2.0  # energy of the decoded sound's error over the triggered sound's: more is another sound


@dataclass(frozen=True)
class Job:
    """All that a worker needs for one task; paths travel, frames never do."""

    task: Task
    source: str
    out: str
    classes: tuple[str, ...]
    triggers: tuple[Trigger, ...]
    touches: frozenset[str]
    frames: str
    encode: Encode
    stream: Literal["best"] | int
    seed: int
    cover_source: str | None = None
    time_limit: float = 1.0  # see `time_limit`; for workers that can be ended
    matched_triggers: tuple[
        Trigger, ...
    ] = ()  # without triggers: those of the clips that this one is to be compared with


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
        samples=_bounded(a.samples or max(1, round(info.duration * a.sample_rate))) if a else 0,
    )


def _bounded(samples: int) -> int:
    """Sound that would be refused when it is decoded counts no longer than what is decoded at most."""
    return min(samples, current().samples)


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


@contextmanager
def as_files(job: Job) -> Iterator[Job]:
    """The job, its source a file by itself: members of shards are copied out for as long as the body runs."""
    out = Path(job.out)
    scratch = out.with_name("scratch") if out.name == "staged" else None
    with ExitStack() as stack:
        source = stack.enter_context(at_hand(job.source, scratch))
        cover = None if job.cover_source is None else stack.enter_context(at_hand(job.cover_source, scratch))
        yield replace(job, source=str(source), cover_source=None if cover is None else str(cover))


Result = Record | Stopped


def process(job: Job) -> Result:
    """Do one job. Never raises: whatever goes wrong becomes a record with status `failed` or `inert`.

    Stopped, where the machine is to blame.
    """
    try:
        return _outcome(job)
    except LostLock as reason:
        return Stopped(str(reason).rstrip("."))


def _outcome(job: Job) -> Result:
    try:
        with unchanging(container_of(job.source), job.task.source_path), as_files(job) as here:
            return _process(here)
    except LostLock:
        raise
    except Inert as reason:
        return _without_file(job, "inert", str(reason))
    except (PoisonkitError, OSError) as reason:
        if trouble := machine_trouble(reason, job.out, str(container_of(job.source))):
            return Stopped(trouble)
        what = str(reason)
        if isinstance(reason, OSError):
            what = f"'{job.task.source_path}' could not be processed: {reason.strerror or type(reason).__name__}."
        return _without_file(job, "failed", what)
    except MemoryError:
        return _without_file(job, "failed", f"'{job.task.source_path}' needs more memory than there is.")
    except Exception as reason:  # noqa: BLE001 - one clip never stops the rest
        text = " ".join(str(reason).split())
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
    for name in (job.task.path, *job.task.linked_paths):
        media.remove(Path(job.out, name))
    return record(job.task, job.classes, triggers=_entries(job, []), status=status, error=reason)


def _entries(job: Job, drawn: list[Params]) -> list[dict[str, Any]]:
    return [
        {**trigger.entry(), "drawn": params}
        for trigger, params in zip(job.triggers, drawn or [{}] * len(job.triggers), strict=True)
    ]


def _process(job: Job) -> Record:
    source, target = Path(job.source), Path(job.out, job.task.path)
    info = media.probe(source, stream=job.stream)
    clip = clip_of(info, job.task.id)
    time_limit.know(info.duration, float(clip.frames) * clip.width * clip.height)
    _require_modalities(job, info)
    chain = Chain(job.triggers)
    budget = frame_selection.parse(job.frames)
    if info.video and (chain.needs_length or budget.needs_length):
        exact, _ = media.count(source, info)
        clip = ClipInfo(**{**clip.__dict__, "frames": exact})
    drawn = chain.draw(clip, job.seed, cover=job.task.role == "cover", attack=job.task.role == "attack")
    given = drawn if job.cover_source is None else chain.with_other(drawn, middle_frame(Path(job.cover_source)))
    poisoned = budget.of(clip, job.seed)
    witness = ClipInspector(_looked_at(poisoned.ranges(clip.frames)))

    def watched(render: Callable[[Iterator[Any]], Iterator[Any]], frames: Iterator[Any]) -> Iterator[Any]:
        held: deque[Any] = deque()

        def keep() -> Iterator[Any]:
            for image in frames:
                held.append(image)
                yield image

        for t, image in enumerate(render(keep())):
            witness.picture(t, held.popleft(), image, poisoned(t))
            yield image
        if "video" in chain.touches and not witness.changed:
            raise Inert(f"'{job.task.id}': the trigger changes no pixel by more than one level.")

    def picture(frames: Iterator[Image]) -> Iterator[Image]:
        return watched(lambda images: chain.video(images, clip, given, poisoned), frames)

    def planes(fmt: PlaneFormat) -> PlanesRender | None:
        render = chain.planes(clip, given, fmt, poisoned) if in_planes(job, clip, fmt) else None
        if render is None:
            return None
        witness.rgb = partial(planes_to_rgb, fmt=fmt)
        return partial(watched, render)

    def sound(wave: Wave, rate: int) -> Wave:
        out = chain.audio(wave, clip, given)
        witness.sound(wave, out)
        if "audio" in chain.touches and not witness.heard:
            raise Inert(f"'{job.task.id}': the trigger changes no sound sample by more than one 16-bit step.")
        return out

    media.make_folder(target.parent)
    written = media.rewrite(
        source,
        target,
        video=picture if "video" in job.touches and info.video else None,
        planes=planes,
        audio=sound if "audio" in job.touches and info.audio else None,
        encode=job.encode,
        stream=job.stream,
        inspect=witness,
        info=info,
    )
    ranges = poisoned.ranges(written.frames) if "video" in chain.touches else []
    try:
        _check(job, witness)
        _require_change(job, witness, ranges)
    except MediaError:
        media.remove(target)
        raise
    for other in job.task.linked_paths:
        link_again(target, Path(job.out, other))
    return record(
        job.task,
        job.classes,
        triggers=_entries(job, drawn),
        poisoned_ranges=ranges,
        source_sha256=media.sha256(source),
        fidelity=witness.report() if job.triggers else None,
        **_media_facts(written),
    )


def _require_modalities(job: Job, info: MediaInfo) -> None:
    """MediaError unless the source still has the picture and the sound that the job has to trigger.

    A control clip needs what its attack clip's triggers touch: without it, it would be a control of nothing. A clean
    clip needs nothing: many a dataset has some without sound.
    """
    needed = Chain(job.matched_triggers if job.task.role == "control" else job.triggers).touches
    for modality, stream, word in (("video", info.video, "picture"), ("audio", info.audio, "sound")):
        if modality in needed and stream is None:
            raise MediaError(f"'{job.task.source_path}' has no {word} any more, and its trigger needs one.")


def _require_change(job: Job, witness: ClipInspector, ranges: list[list[int]]) -> None:
    """CheckError for a record that would claim a trigger which was not applied in every modality it touches."""
    touches = Chain(job.triggers).touches
    if "video" in touches and not (witness.changed and ranges):
        raise CheckError(f"'{job.task.id}': its trigger was applied to no frame.")
    if "audio" in touches and not witness.heard:
        raise CheckError(f"'{job.task.id}': its trigger was applied to no sound.")


def in_planes(job: Job, clip: ClipInfo, fmt: PlaneFormat) -> bool:
    """Whether a clip without triggers goes through the stream's planes: where the clips it is compared with do."""
    like = Chain(job.matched_triggers)
    return like.planes(clip, like.draw(clip, job.seed), fmt) is not None


def _looked_at(ranges: list[list[int]]) -> frozenset[int]:
    """Evenly spread poisoned frames; where only few are poisoned, all of those."""
    wanted = spread(sum(b - a for a, b in ranges), LOOKED_AT)
    poisoned = (t for a, b in ranges for t in range(a, b))
    return frozenset(t for i, t in enumerate(poisoned) if i in wanted)


def _check(job: Job, witness: ClipInspector) -> None:
    """The decoded output must be the triggered media, as far as the codec's quality allows."""
    if witness.held:
        raise CheckError(f"'{job.task.id}': {len(witness.held)} frames were written and not found on decoding.")
    if witness.picture_error_db() < PICTURE_FLOOR_DB:
        raise CheckError(
            f"'{job.task.id}': decoded, the output differs from the triggered frames by "
            f"{witness.picture_error_db():.1f} dB PSNR."
        )
    if witness.sound_error() > SOUND_CEILING:
        raise CheckError(f"'{job.task.id}': decoded, the output's sound is not the triggered one.")


def _media_facts(written: Written) -> dict[str, Any]:
    picture, sound = written.frames > 0, written.channels > 0
    return {
        "width": written.width if picture else None,
        "height": written.height if picture else None,
        "fps": written.fps if picture else None,
        "frames": written.frames if picture else None,
        "sample_rate": written.sample_rate if sound else None,
        "samples": written.samples if sound else None,
        "streams": {
            "container": written.container,
            "video": 1 if picture else 0,
            "audio": written.channels if sound else 0,
            "dropped": list(written.dropped),
            "converted": list(written.converted),
        },
        "codec": {"video": written.video_codec or None, "audio": written.audio_codec or None},
        "sha256": written.sha256,
        "bytes": written.bytes,
    }
