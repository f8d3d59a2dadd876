"""Writing what a job writes: one file, or, of a pair, picture and sound, each in a file of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poisonkit import media
from poisonkit.engine.clips.job import Job
from poisonkit.engine.finishing.linking import bring
from poisonkit.media.info import FOLDER, MediaInfo, Written

if TYPE_CHECKING:
    from poisonkit.media.mux import PlanesChoice, VideoFunction
    from poisonkit.media.rewriting import AudioFunction


@dataclass(frozen=True)
class Change:
    """What is done to picture and sound, as `media.rewrite` takes it; None: nothing. resize: it changes the length."""

    video: VideoFunction | None
    planes: PlanesChoice | None
    audio: AudioFunction | None
    inspect: media.Inspector | None
    resize: bool = False

    def of_picture(self) -> Change:
        """What of it is done to the picture of a pair."""
        return replace(self, audio=None)

    def of_sound(self) -> Change:
        """What of it is done to the sound of a pair."""
        return replace(self, video=None, planes=None)


def written_file(job: Job, change: Change, source: Path, target: Path, info: MediaInfo) -> Written:
    """Write one file. Raises as `media.rewrite`."""
    media.make_folder(target.parent)
    return media.rewrite(
        source,
        target,
        video=change.video,
        planes=change.planes,
        audio=change.audio,
        encode=job.encode,
        stream=job.stream,
        inspect=change.inspect,
        info=info,
        resize=change.resize,
    )


def write_pair(job: Job, change: Change) -> dict[str, Any]:
    """Write both files of a pair; what their record says of them. What nothing changes is linked like clean files."""
    sources, targets = job.places.halves, job.halves
    picture, before = _half(job, change.of_picture(), sources.picture, targets.picture)
    sound, as_it_was = _half(replace(job, stream="best"), change.of_sound(), sources.sound, targets.sound)
    seen, heard = written_facts(picture), written_facts(sound)
    streams = {
        **seen["streams"],
        "audio": heard["streams"]["audio"],
        "dropped": [*picture.dropped, *sound.dropped],
    }
    return {
        **seen,
        "sample_rate": heard["sample_rate"],
        "samples": heard["samples"],
        "streams": streams,
        "codec": {"video": seen["codec"]["video"], "audio": heard["codec"]["audio"]},
        "source_sha256": before,
        "sound_file": {"source_sha256": as_it_was, "sha256": sound.sha256, "bytes": sound.bytes},
    }


def _half(job: Job, change: Change, source: Path, target: Path) -> tuple[Written, str]:
    """One file of a pair as it was written, and the SHA-256 of its source."""
    info = media.probe(source, stream=job.stream)
    touched = change.video is not None or change.audio is not None
    if touched or media.conversion(info.video, job.encode) or (info.dropped and media.can_remux(info)):
        return written_file(job, change, source, target, info), media.sha256(source)
    bring(job.untouched, source, target)
    written = _as_it_is(target, info)
    return written, written.sha256


def _as_it_is(file: Path, info: MediaInfo) -> Written:
    """What is written of a file that was taken over as it is."""
    video, audio = info.video, info.audio
    frames, samples = video.declared_frames if video else 0, audio.samples if audio else 0
    if frames is None or samples is None or (video and info.container != FOLDER):
        frames, samples = media.count(file, info)
    width, height = video.displayed if video else (0, 0)
    return Written(
        container=info.container,
        frames=frames,
        width=width,
        height=height,
        fps=float(video.fps) if video else 0.0,
        video_codec=video.codec if video else "",
        samples=samples,
        sample_rate=audio.sample_rate if audio else 0,
        channels=audio.channels if audio else 0,
        audio_codec=audio.codec if audio else "",
        dropped=(),
        sha256=media.sha256(file),
        bytes=media.size(file),
    )


def written_facts(written: Written) -> dict[str, Any]:
    """What a record says of a written file."""
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
