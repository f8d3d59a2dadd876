"""Is every `ok` true? Jobs planned on a good file, given a mutated one, and what was written heard by another decoder.

Each record with status `ok` is checked without our decoders: the ffmpeg program decodes source and output, the
recorded triggers are rendered on the source as it sees it, and the change must be there, in every poisoned frame and in
no other. Numbers of frames and samples must be the record's. What the encoder copied must be what it was.
"""

from __future__ import annotations

import os
import random
import shutil
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poisonkit import media
from poisonkit.datasets import Sample
from poisonkit.engine.clips.job import Job, Places, Treatment
from poisonkit.engine.clips.survival import Measurement, measure
from poisonkit.engine.clips.worker import process
from poisonkit.media.colour import to_rgb
from poisonkit.media.converting import turned
from poisonkit.media.decode import video_frames
from poisonkit.media.families import FAMILIES
from poisonkit.media.files import open_input
from poisonkit.media.info import Encode, MediaInfo
from poisonkit.media.probing import choose
from poisonkit.outputs.record import Record
from poisonkit.plan.plan import Task
from poisonkit.triggers import from_entry
from poisonkit.triggers.core import spec
from poisonkit.triggers.core.chain import Chain
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.verification.recheck import Decoding, recheck
from tests.fuzz import opinion
from tests.fuzz.cases import holds, one_sentence
from tests.fuzz.mutate import damaged
from tests.fuzz.world import World
from tests.media.second import lag
from tests.media_factory import make_audio, make_video
from tests.rechecking import case_of

PICTURE_TRIGGERS = ("badnets:size=0.3", "blend:alpha=0.4", "brightness:by=0.25", "color-shift")
SOUND_TRIGGERS = ("sine:snr=10", "tone-burst:amplitude=0.3")
ROLES = ("poisoned", "attack", "cover", "control", "clean")
LOSSLESS = ("pcm", "flac", "alac")
LOSSY_FRAME = 1152  # samples by which decoders may differ in what they cut off a lossy stream's end
PRESENT, ABSENT = 0.5, 0.3  # of the intended change: at least in what is poisoned, at most in what is not
SAME = 3.0  # mean levels by which two decoders' pictures of a sound file may differ
FAR = 14.0  # dB
REAL = (  # where real clips lie, and how many of them are taken
    ("video/weizmann64/*/*.mp4", 3), ("video/hmdb51/*/*.avi", 1), ("av/grid/*.mpg", 1), ("av/misc/*.mov", 1),
    ("av/misc/*.mp4", 1), ("audio/fsdd/recordings/*.wav", 2), ("audio/speech_commands/**/*.wav", 2),
)  # fmt: skip
SUSPECTS = (b"trak", b"vide", b"soun", b"vids", b"auds", b"mdia", b"stbl", b"stsz", b"stco", b"stts", b"ctts", b"edts",
            b"avc1", b"mp4a", b"V_MPEG4", b"V_VP9", b"A_AAC", b"A_OPUS", b"strh", b"strf", b"idx1", b"movi", b"moov",
            b"data", b"fmt ", b"fact", b"Xing", b"Info", b"OpusHead", b"vorbis", b"esds", b"avcC")  # fmt: skip


@dataclass(frozen=True)
class Good:
    """A file that jobs are planned on, and what the plan knows of it."""

    path: Path
    info: MediaInfo


@lru_cache(maxsize=1)
def goods(root: Path) -> dict[str, Good]:
    """The clips of the world and more of them, by name: with groups of pictures, other codecs and several streams."""
    folder = root / "more"
    long: dict[str, Any] = {"frames": 20, "size": (64, 48), "gop": 8}
    made = [
        *sorted((root / "media").iterdir()),
        *sorted((root / "folders").iterdir()),
        make_video(folder / "both.mp4", audio=True, **long),
        make_video(folder / "b-frames.mkv", audio=True, options={"bf": "2"}, **long),
        make_video(folder / "hevc.mp4", codec="libx265", audio=True, frames=8, size=(64, 64)),
        make_video(folder / "mpeg4.avi", audio=True, **long),
        make_video(folder / "mpeg2.mpg", codec="mpeg2video", audio=True, **long),
        make_video(folder / "vp8.webm", codec="libvpx", audio=True, rate=48000, **long),
        make_video(folder / "pcm.mov", audio=True, audio_codec="pcm_s16le", **long),
        make_video(folder / "float.mkv", audio=True, audio_codec="pcm_f32le", channels=2, **long),
        make_video(folder / "turned-both.mp4", audio=True, rotation=270, **long),
        make_video(folder / "two.mkv", audio=True, audios=2, **long),
        make_audio(folder / "long.mp3", seconds=1.0, rate=44100, channels=2),
        make_audio(folder / "low.mp3", seconds=0.6, rate=16000),
        make_audio(folder / "opus.ogg", seconds=0.4, rate=48000, subtype="OPUS"),
        make_audio(folder / "deep.wav", seconds=0.3, subtype="PCM_24"),
        make_audio(folder / "long.flac", seconds=0.8, channels=2),
        make_audio(folder / "long.m4a", seconds=0.6, rate=44100),
        *real(),
    ]
    return {path.name: Good(path, media.probe(path)) for path in made}


def real() -> list[Path]:
    """A few small real clips, where they are at hand (see tests/conftest.py)."""
    at_hand = os.environ.get("POISONKIT_REALDATA")
    root = Path(at_hand) if at_hand else Path(__file__).parents[3] / "shared" / "realdata"
    found = []
    for pattern, most in REAL:
        found += sorted(p for p in root.glob(pattern) if p.stat().st_size < 500_000)[:most]
    return found


def truth_case(world: World, rng: random.Random, place: Path) -> str:
    """One mutated file through the job that was planned on the good one; its record, if it is `ok`, is true."""
    known = goods(world.root)
    name = rng.choice(sorted(known))
    good = known[name]
    source = place / "source" / name
    source.parent.mkdir()
    job = _planned(good, source, place, rng)
    what = _mutated(good, source, known, rng)
    row = process(job)
    written = sorted(p for p in (place / "out").rglob("*") if not p.is_dir())
    if row["status"] != "ok":
        holds(row["status"] in ("failed", "inert"), f"a damaged file stops the run: {row}")
        one_sentence(row["error"])
        holds("could not be processed (" not in row["error"], row["error"])
        holds(not written, f"{row['status']}, and left {written}")
        return f"{what} {row['status']}"
    otherwise = _check(job, row, source)
    _measured(job, row, place, rng)
    return f"{what} ok{', its source read otherwise' if otherwise else ''}"


def _planned(good: Good, source: Path, place: Path, rng: random.Random) -> Job:
    """The job that a plan has for the good file: it touches what that one has."""
    names = []
    if good.info.video is not None and (good.info.audio is None or rng.random() < 0.7):
        names.append(rng.choice(PICTURE_TRIGGERS))
    if good.info.audio is not None and (not names or rng.random() < 0.4):
        names.append(rng.choice(SOUND_TRIGGERS))
    triggers = tuple(spec.create(text) for text in names)
    (role,) = rng.choices(ROLES, (12, 4, 2, 2, 1))
    without = role in ("control", "clean")
    task = Task(role, Sample(source.name, source.name, "train", 0), f"data/{source.name}", 1, 1, 0)  # type: ignore[arg-type]
    frames = "all" if without else rng.choice(("all", "all", "first:2", "last:2", "every:2", "random:0.5"))
    treatment = Treatment(triggers, frozenset(Chain(triggers).touches), 1, frames)
    return Job(
        task=task,
        classes=("a", "b"),
        places=Places(str(source), str(place / "out")),
        treatment=treatment.without_triggers() if without else treatment,
        encode=Encode(rotation=rng.choice(("keep", "keep", "normalise"))),
    )


# -- mutations --------------------------------------------------------------------------------------------------


def _mutated(good: Good, source: Path, known: dict[str, Good], rng: random.Random) -> str:
    """Put something into `source` that was made of the good file; what it was."""
    if good.path.is_dir():
        shutil.copytree(good.path, source)
        for frame in rng.sample(sorted(source.iterdir()), rng.choice((1, 1, 2))):
            frame.write_bytes(damaged(frame.read_bytes(), rng))
        return "frames"
    if rng.random() < 0.08:  # another clip took its name: with less in it, or more, or of another kind
        suffix = good.path.suffix if rng.random() < 0.7 else ""
        others = [g.path for n, g in sorted(known.items()) if n.endswith(suffix) and g.path.is_file()]
        shutil.copyfile(rng.choice(others), source)
        return "another"
    data = good.path.read_bytes()
    what = "bytes"
    if rng.random() < 0.2:
        data, what = _renamed(data, rng), "names"
    if what == "bytes" or rng.random() < 0.3:
        data = damaged(data, rng)
    source.write_bytes(data)
    return what


def _renamed(data: bytes, rng: random.Random) -> bytes:
    """One of the names by which containers know streams and tables is another: the stream or table is gone."""
    there = [name for name in SUSPECTS if name in data]
    if not there:
        return damaged(data, rng)
    name = rng.choice(there)
    places = [i for i in range(len(data)) if data.startswith(name, i)]
    at = rng.choice(places)
    same = [other for other in SUSPECTS if len(other) == len(name) and other != name]
    new = rng.choice((b"free", b"JUNK", b"skip", *same))[: len(name)].ljust(len(name), b"_")
    return data[:at] + new + data[at + len(name) :]


# -- is it true? ------------------------------------------------------------------------------------------------


def _check(job: Job, row: Record, source: Path) -> bool:
    """Broken where the record is not true of its file. True where the two decoders see another source."""
    target = job.file(row["path"])
    how = job.treatment
    touched = Chain(how.triggers or how.matched_triggers).touches
    otherwise = False
    if job.task.role != "clean":
        for modality, counted in (("video", row["frames"]), ("audio", row["samples"])):
            holds(modality not in touched or counted, f"ok, and it has no {modality}")
    chain = Chain([from_entry({k: v for k, v in t.items() if k != "drawn"}) for t in row["triggers"]])
    holds(chain.triggers == how.triggers, "ok, and it names other triggers")
    ranges = row["poisoned_ranges"]
    holds(bool(ranges) == ("video" in chain.touches), f"ok, and its poisoned ranges are {ranges}")
    if row["frames"]:
        otherwise |= _picture(job, row, chain, source, target)
    if row["samples"]:
        otherwise |= _sound(job, row, chain, source, target)
    if how.triggers:
        problem = recheck(case_of(row, job), Decoding(out=job.places.out, source=str(source.parent), seed=1))
        holds(problem is None, f"ok, but {problem}")
    return otherwise


def _picture(job: Job, row: Record, chain: Chain, source: Path, target: Path) -> bool:
    width, height = row["width"], row["height"]
    seen, complaint = opinion.pictures(target, width, height)
    if "video" in job.treatment.touches:
        holds(not complaint, f"ok, but the second decoder says of its picture: {complaint}")
        holds(len(seen) == row["frames"], f"ok with {row['frames']} frames, but the second decoder sees {len(seen)}")
    own, _ = opinion.pictures(source, width, height)
    if "video" not in job.treatment.touches:  # copied packet for packet, damage and all
        same = len(seen) == len(own) and all(map(np.array_equal, seen, own))
        holds(same or row["streams"]["converted"], "ok, but its copied picture is another")
        return len(seen) != row["frames"]
    problem = _pictures_wrong(row, chain, own, seen)
    if problem is None:
        return False
    ours = [image for _, _, image in media.read_frames(source)]
    holds(_steady(source, ours), "ok, and its source is another picture each time that it is decoded")
    holds(not _close(own, ours), f"ok, but {problem}")
    problem = _pictures_wrong(row, chain, ours, seen)  # a damaged source is another picture to each decoder
    holds(problem is None, f"ok, but (by the first decoder's source) {problem}")
    return True


def _steady(source: Path, ours: opinion.Pictures) -> bool:
    """Whether a decoder sees the same when its pictures are kept, so that it gets other memory for each."""
    if source.is_dir():
        return True
    with open_input(source) as container:
        stream, _ = choose(container, source, "best")
        kept = list(video_frames(container, stream, source))
        turns = media.probe(source).video.turns  # type: ignore[union-attr]
        return all(np.array_equal(turned(to_rgb(f), turns), image) for f, image in zip(kept, ours, strict=True))


def _pictures_wrong(row: Record, chain: Chain, source: opinion.Pictures, seen: opinion.Pictures) -> str | None:
    """None where the decoded frames are the source's with the recorded triggers, in the recorded frames only."""
    if len(source) != len(seen):
        return f"its source has {len(source)} frames for its {len(seen)}"
    if any(a.shape != b.shape for a, b in zip(source, seen, strict=True)):
        return "its frames have another size than its source's"
    poisoned = {t for a, b in row["poisoned_ranges"] for t in range(a, b)}
    if not poisoned <= set(range(len(seen))):
        return f"its poisoned ranges are {row['poisoned_ranges']} of {len(seen)} frames"
    clip = ClipInfo(row["id"], row["width"], row["height"], row["fps"], row["frames"])
    drawn = [dict(t["drawn"]) for t in row["triggers"]]
    everywhere = list(chain.video(iter(source), clip, drawn, lambda t: True))
    for t, (was, is_, wanted) in enumerate(zip(source, seen, everywhere, strict=True)):
        intended = wanted if t in poisoned else was
        error = float(np.mean((is_.astype(np.float64) - intended) ** 2))
        if error > 255**2 / 10 ** (FAR / 10):
            return f"frame {t} is another picture (mean square {error:.0f})"
        gain = _gain(is_, was, wanted)
        if "video" in chain.touches and gain is not None:
            if t in poisoned and gain < PRESENT:
                return f"frame {t} is without its trigger (gain {gain:.2f})"
            if t not in poisoned and gain > ABSENT:
                return f"frame {t} carries the trigger and is not said to (gain {gain:.2f})"
    return None


def _sound(job: Job, row: Record, chain: Chain, source: Path, target: Path) -> bool:
    channels = row["streams"]["audio"]
    seen, complaint = opinion.sound(target, channels)
    own, _ = opinion.sound(source, channels, media.probe(source).audio.index)  # type: ignore[union-attr]
    if "audio" not in job.treatment.touches:
        holds(np.array_equal(seen, own, equal_nan=True), "ok, but its copied sound is another")
        return False
    complaint = _of_sound(complaint)
    holds(not complaint, f"ok, but the second decoder says of its sound: {complaint}")
    slack = 0 if row["codec"]["audio"].startswith(LOSSLESS) else LOSSY_FRAME
    apart = abs(seen.shape[1] - row["samples"])
    holds(apart <= slack, f"ok with {row['samples']} samples, but the second decoder hears {seen.shape[1]}")
    problem = _sound_wrong(row, chain, own, seen)
    if problem is None:
        return False
    ours, _ = media.read_audio(source)
    n = min(ours.shape[1], own.shape[1])
    alike = abs(ours.shape[1] - own.shape[1]) <= LOSSY_FRAME and np.abs(ours[:, :n] - own[:, :n]).max(initial=0) < 1e-3
    holds(not alike, f"ok, but {problem}")
    problem = _sound_wrong(row, chain, ours, seen)
    holds(problem is None, f"ok, but (by the first decoder's source) {problem}")
    return True


def _of_sound(complaint: str) -> str:
    """Without what the program says of a picture beside the sound, which was copied, damage and all."""
    mine = [line for line in complaint.splitlines() if not line.startswith(tuple(f"[{codec} @" for codec in FAMILIES))]
    return "\n".join(line for line in mine if "Last message repeated" not in line)


def _sound_wrong(row: Record, chain: Chain, source: opinion.Wave, seen: opinion.Wave) -> str | None:
    """None where what is heard is the source's sound with the recorded triggers."""
    if not source.shape[1]:
        return "its source has no sound"
    clip = ClipInfo(row["id"], fps=row["fps"] or 0.0, frames=row["frames"] or 0, sample_rate=row["sample_rate"])
    clip = replace(clip, channels=source.shape[0], samples=source.shape[1])
    wanted = chain.audio(source, clip, [dict(t["drawn"]) for t in row["triggers"]])
    was = np.clip(source, -1, 1)
    late = lag(np.asarray(seen.mean(axis=0)), np.asarray(wanted.mean(axis=0)))
    if abs(late) > 2 * LOSSY_FRAME:
        late = 0
    heard = seen[:, max(0, late) :]
    was, wanted = was[:, max(0, -late) :], wanted[:, max(0, -late) :]
    n = min(heard.shape[1], was.shape[1])
    heard, was, wanted = heard[:, :n], was[:, :n], wanted[:, :n]
    power = float(np.sum(wanted.astype(np.float64) ** 2))
    error = float(np.sum((heard.astype(np.float64) - wanted) ** 2))
    if power and error > 2 * power:
        return f"it is another sound (error {error / power:.2f})"
    gain = _gain(heard, was, wanted)
    if "audio" in chain.touches and (gain is None or gain < PRESENT):
        return f"its sound is without the trigger (gain {gain})"
    return None


def _gain(is_: NDArray[Any], was: NDArray[Any], wanted: NDArray[Any]) -> float | None:
    """How much of the intended change is there; None where next to nothing was intended."""
    source = was.astype(np.float64)
    change = wanted - source
    power = float(np.sum(change**2))
    least = (2.0 if was.dtype == np.uint8 else 1e-4) ** 2 * change.size / 100
    return None if power < least else float(np.sum((is_ - source) * change)) / power


def _close(some: opinion.Pictures, others: opinion.Pictures) -> bool:
    """Whether two decoders see the same pictures."""
    if len(some) != len(others):
        return False
    return all(
        a.shape == b.shape and float(np.mean(np.abs(a.astype(np.int16) - b))) < SAME
        for a, b in zip(some, others, strict=True)
    )


def _measured(job: Job, row: Record, place: Path, rng: random.Random) -> None:
    """Survival of what is ok is measured, or it is said in a sentence why not; such triggers survive."""
    if not job.treatment.triggers or rng.random() > 0.2:
        return
    scratch = place / "scratch"
    scratch.mkdir()
    _, found = measure(Measurement(job, row, None, str(scratch)))
    if isinstance(found, str):
        one_sentence(found)
    else:
        holds(found["gain"] > PRESENT, f"ok, but its measured gain is {found['gain']}")
    holds(not list(scratch.iterdir()), "measuring left a file")
