"""The figures behind what `poison` says before the wait: measured, and what they come to for well-known datasets.

    python benchmarks/costs.py                writes the table of datasets in docs/costs.md
    python benchmarks/costs.py --measure      measures the figures first (minutes): poisonkit/engine/costs/figures.json

Measured are whole jobs of a worker on clips made by code, in CPU seconds of one thread, the fastest of some rounds.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile

from poisonkit import triggers
from poisonkit.common.seeding import generator
from poisonkit.engine.clips.job import Job
from poisonkit.engine.clips.survival import Measurement, measure
from poisonkit.engine.clips.worker import process
from poisonkit.engine.costs import model
from poisonkit.engine.encoding.trials import job_on
from poisonkit.engine.executors.threads import pin
from poisonkit.errors import RequestError
from poisonkit.media.families import FAMILIES, video_target
from poisonkit.media.info import Encode, VideoStream
from poisonkit.outputs.sample_files import Halves
from poisonkit.recipe.recipe import parse_encode
from poisonkit.sampledata.pictures import frames as moving_shapes
from poisonkit.sampledata.sounds import wave
from poisonkit.triggers.core.names import built_in
from poisonkit.triggers.core.trigger import Trigger

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools.pages import costs

ROOT = Path(__file__).resolve().parents[1]
FIGURES = ROOT / "poisonkit" / "engine" / "costs" / "figures.json"
WIDTH, HEIGHT, FRAMES, FPS, RATE, SECONDS = 340, 256, 60, 30, 44_100, 5.0
PIXELS = WIDTH * HEIGHT * FRAMES / 1e6
NOISE = 3.5
SUFFIX = {
    "h264": ".mp4", "hevc": ".mp4", "mpeg4": ".avi", "mpeg1video": ".mpg", "mpeg2video": ".mpg", "mjpeg": ".avi",
    "vp8": ".webm", "vp9": ".webm", "ffv1": ".mkv", "huffyuv": ".avi", "rawvideo": ".avi",
}  # fmt: skip
SOUNDS = {"pcm_s16le": ".wav", "flac": ".flac", "mp3": ".mp3", "vorbis": ".ogg"}
PER_SAMPLE = {"linked": 25e-6, "listed": 40e-6, "looked": 300e-6, "opened": 4e-3}
"""CPU seconds for each clean sample, to link it and to look at it; for each row, to plan and list it
(`benchmarks/scale.py`); for each candidate, to open it."""
START = 2.5
"""Seconds before workers are at their first clip."""


def pictures(count: int, width: int = WIDTH, height: int = HEIGHT) -> Iterator[np.ndarray]:
    """A moving shape under so much sensor noise that it takes the bytes of usual clips (Kinetics, HMDB51)."""
    noise = generator("costs", "noise")
    for image in moving_shapes("ball_bouncing", generator("costs", "shape"), width, height, count, FPS):
        yield np.clip(np.rint(image + noise.normal(0, NOISE, image.shape)), 0, 255).astype(np.uint8)


def make_clip(
    path: Path, codec: str, count: int = FRAMES, size: tuple[int, int] = (WIDTH, HEIGHT), sound: bool = False
) -> Path:
    """A clip of a codec family, with AAC or without."""
    family = FAMILIES[codec]
    facts = VideoStream(
        0, codec, *size, family.formats[0], 8, Fraction(FPS), Fraction(1, FPS), count, 0, Fraction(1), "", "", None
    )
    target = video_target(facts, path.suffix[1:].replace("mkv", "matroska").replace("mpg", "mpeg"), Encode())
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(target.encoder, rate=FPS, options=target.options)  # type: ignore[union-attr]
        stream.width, stream.height, stream.pix_fmt = *size, target.pix_fmt  # type: ignore[union-attr]
        heard: Any = out.add_stream("aac", rate=RATE, layout="stereo") if sound else None
        for t, image in enumerate(pictures(count, *size)):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=target.pix_fmt)  # type: ignore[union-attr]
            frame.pts, frame.time_base = t, Fraction(1, FPS)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        if sound:
            mono = wave("chirp_up", generator("costs", "sound"), RATE, count / FPS)
            block = av.AudioFrame.from_ndarray(np.repeat(mono, 2, axis=0), format="fltp", layout="stereo")
            block.sample_rate, block.pts, block.time_base = RATE, 0, Fraction(1, RATE)
            out.mux(heard.encode(block))
            out.mux(heard.encode(None))
    return path


def make_folder(path: Path, suffix: str) -> Path:
    """The same as a folder of frames."""
    path.mkdir()
    for t, image in enumerate(pictures(FRAMES)):
        av_frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        if suffix == ".png":
            av_frame.save(path / f"img_{t + 1:05d}.png")
        else:
            av_frame.save(path / f"img_{t + 1:05d}.jpg")
    return path


def job(clip: Path, trigger: Trigger, out: Path, *, alone: bool, setting: str = "match") -> Job:
    """The job that puts a trigger into a clip, or, `alone`, writes it again without."""
    made = job_on(clip, clip.name, [trigger], parse_encode(setting))
    how = made.treatment.without_triggers() if alone else made.treatment
    return replace(made, treatment=how, places=replace(made.places, out=str(out)))


def spent(what: Callable[[], Any], rounds: int) -> float:
    """CPU seconds, the fastest of some rounds."""
    found = []
    for _ in range(rounds):
        began = time.process_time()
        what()
        found.append(time.process_time() - began)
    return min(found)


def of_job(made: Job, rounds: int) -> tuple[float, int]:
    """(CPU seconds, bytes written) of a job. RequestError where the clip cannot be written so."""
    row = process(made)  # which also warms up
    if not isinstance(row, dict) or row["status"] != "ok":
        raise RequestError(f"{made.task.id}: {getattr(row, 'error', None) or row['error']}")  # type: ignore[index]
    return spent(lambda: process(made), rounds), int(row["bytes"] or 0)


def rounded(value: float) -> float:
    return float(f"{max(0.0, value):.3g}")


def measured(rounds: int) -> dict[str, Any]:
    """All figures."""
    blend, sine = triggers.create("blend"), triggers.create("sine")
    found: dict[str, Any] = {"picture": {}, "sound": {}, "triggers": {}}

    def note(kind: str, name: str, value: Any) -> None:
        found[kind][name] = value
        print(f"{kind} {name}: {value}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="poisonkit-costs-") as scratch:
        root, out = Path(scratch, "in"), Path(scratch, "out")
        root.mkdir()
        out.mkdir()
        tiny = make_clip(root / "tiny.mp4", "h264", 2, (64, 48))
        found["clip"] = rounded(of_job(job(tiny, blend, out, alone=True), rounds)[0])
        clips = {codec: make_clip(root / f"{codec}{suffix}", codec) for codec, suffix in SUFFIX.items()}
        asked = [(codec, clip, "match") for codec, clip in clips.items()]
        asked += [("h264", clips["h264"], "444"), ("h264", clips["h264"], "lossless")]
        asked += [
            ("jpeg", make_folder(root / "jpegs", ".jpg"), "match"),
            ("png", make_folder(root / "pngs", ".png"), "match"),
        ]
        for codec, clip, setting in asked:
            name = {"lossless": "libx264rgb", "444": "libx264 444"}.get(setting, codec)
            name = FAMILIES[codec].encoder if setting == "match" and codec in FAMILIES else name
            try:
                cpu, size = of_job(job(clip, blend, out, alone=True, setting=setting), rounds)
            except RequestError as error:
                print(error, file=sys.stderr)
                continue
            note("picture", name, [rounded((cpu - found["clip"]) / PIXELS), rounded(size / PIXELS)])
        base = found["picture"]["libx264"][0] * PIXELS + found["clip"]
        made = job(clips["h264"], blend, out, alone=False)
        row = process(made)
        task = Measurement(made, row, Halves(clips["h264"], clips["h264"]), str(out))  # type: ignore[arg-type]
        found["measured"] = rounded(spent(lambda: measure(task), rounds) / base)

        sounds = {}
        for codec, suffix in SOUNDS.items():
            sounds[codec] = root / f"sound{suffix}"
            mono = wave("chirp_up", generator("costs", "sound"), RATE, SECONDS)
            soundfile.write(sounds[codec], np.repeat(mono, 2, axis=0).T, RATE)
        samples = 2 * RATE * SECONDS / 1e6
        for codec, clip in sounds.items():
            note(
                "sound", codec, rounded((of_job(job(clip, sine, out, alone=True), rounds)[0] - found["clip"]) / samples)
            )
        heard = make_clip(root / "heard.mp4", "h264", int(FPS * SECONDS), sound=True)
        silent = make_clip(root / "silent.mp4", "h264", 2 * int(FPS * SECONDS), sound=True)
        short, long = (of_job(job(c, sine, out, alone=True), rounds)[0] for c in (heard, silent))
        extra = (silent.stat().st_size - heard.stat().st_size) / 1e6
        found["copied"] = rounded(0.15 * (long - short) / extra)
        note("sound", "aac", rounded((short - found["clip"] - found["copied"] * heard.stat().st_size / 1e6) / samples))

        for name in built_in():
            for mode in triggers.get(name).modes:
                try:
                    trigger = triggers.create(name, temporal=mode)
                    clip = sounds["pcm_s16le"] if trigger.modality == "audio" else clips["h264"]
                    cpu, _ = of_job(job(clip, trigger, out, alone=False), rounds)
                except RequestError as error:
                    print(f"{name} {mode}: {error}", file=sys.stderr)
                    continue
                sound = trigger.modality == "audio"
                without = found["sound"]["pcm_s16le"] * samples + found["clip"] if sound else base
                note("triggers", f"{name} {mode}", rounded((cpu - without) / (samples if sound else PIXELS)))
    pictures_of = [v for k, v in found["triggers"].items() if triggers.get(k.split()[0]).modality == "video"]
    found["own trigger"] = rounded(float(np.median(pictures_of)))
    return {"start": START, **PER_SAMPLE, **found}


def as_text(found: dict[str, Any]) -> str:
    """The file: one line a figure, so that a new one is one line of a diff."""
    lines = []
    for name, value in found.items():
        if isinstance(value, dict):
            inner = ",\n".join(f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items())
            lines.append(f"  {json.dumps(name)}: {{\n{inner}\n  }}")
        else:
            lines.append(f"  {json.dumps(name)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", action="store_true", help="measure the figures again, on this machine")
    parser.add_argument("-n", "--rounds", type=int, default=3)
    given = parser.parse_args()
    if given.measure:
        pin()
        FIGURES.write_text(as_text(measured(given.rounds)), encoding="utf-8")
        model.figures.cache_clear()
    costs.PAGE.write_text(costs.page(), encoding="utf-8")


if __name__ == "__main__":
    main()
