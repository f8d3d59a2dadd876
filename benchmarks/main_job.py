"""What the main job costs: blend (alpha 0.1) on one clip, against a plain transcode, MoviePy and the floor.

    make bench
    python benchmarks/main_job.py --runs 9

Several ways, interleaved, one thread each, on clips made by code; see README.md beside this file.
"""

from __future__ import annotations

import argparse
import gc
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from unittest import mock

import av
import cv2
import imageio_ffmpeg
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from poisonkit import triggers
from poisonkit.common.seeding import generator
from poisonkit.datasets import Sample
from poisonkit.engine.clips.job import Job, Places, Treatment
from poisonkit.engine.clips.worker import process
from poisonkit.media import colour
from poisonkit.media.info import Encode
from poisonkit.plan.plan import Task
from poisonkit.sampledata.pictures import frames as moving_shapes
from poisonkit.sampledata.sounds import wave
from poisonkit.triggers import ClipInfo

ALPHA = 0.1
HD_LENGTHS = (30, 120)
SOUND_RATE = 44_100
SOUND_MINUTES = (1, 10)
LONG_RATE = 48_000


@dataclass(frozen=True)
class Clip:
    """A clip to make, and the quality at which all four ways write it again.

    source, again: codec options of the source and of the output; program: the latter as ffmpeg spells them.
    """

    name: str
    motion: str
    suffix: str
    codec: str
    width: int
    height: int
    frames: int
    fps: int
    sound: bool
    source: dict[str, str]
    again: dict[str, str]
    program: tuple[str, ...]


def quantiser(q: int) -> dict[str, str]:
    """Codec options for a constant quantiser, the `-q:v` of ffmpeg."""
    return {"qmin": str(q), "qmax": str(q), "flags": "+qscale", "global_quality": str(118 * q)}


CLIPS = (
    Clip(
        "340x256 H.264 + AAC mp4, 300 frames", "ball_bouncing", ".mp4", "libx264", 340, 256, 300, 30, sound=True,
        source={"preset": "medium", "crf": "21"},
        again={"preset": "veryfast", "crf": "18", "x264-params": "cpu-independent=1"},  # as `families.FAMILIES` says
        program=("-preset", "veryfast", "-crf", "18"),
    ),
    Clip(
        "320x240 MPEG-4 avi, 179 frames", "bar_rotating", ".avi", "mpeg4", 320, 240, 179, 25, sound=False,
        source=quantiser(3), again=quantiser(2), program=("-q:v", "2"),
    ),
)  # fmt: skip


def pictures(clip: Clip) -> Iterator[np.ndarray]:
    """The clip's frames: a moving shape under sensor noise of 4 levels, which an encoder cannot skip."""
    noise = generator("bench", clip.name)
    rng = generator("bench shape", clip.name)
    for image in moving_shapes(clip.motion, rng, clip.width, clip.height, clip.frames, clip.fps):
        grain = noise.normal(0, 4, image.shape)
        yield np.clip(np.rint(image + grain), 0, 255).astype(np.uint8)


class Encoder:
    """H.264 or MPEG-4 to one file with one thread. `add` takes I420 frames that carry their index as pts."""

    def __init__(self, path: Path, clip: Clip, options: dict[str, str]) -> None:
        self.out = av.open(str(path), "w", options={"fflags": "+bitexact"})
        self.stream = self.out.add_stream(clip.codec, rate=clip.fps, options=options)
        self.stream.width, self.stream.height, self.stream.pix_fmt = clip.width, clip.height, "yuv420p"
        context = self.stream.codec_context
        context.thread_count = 1
        context.flags |= int(av.codec.context.Flags.bitexact)  # as `encode.PictureEncoder` has it

    def add(self, frame: av.VideoFrame) -> None:
        self.out.mux(self.stream.encode(frame))

    def close(self) -> None:
        self.out.mux(self.stream.encode(None))
        self.out.close()


def i420(image: np.ndarray, index: int, fps: int) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
    frame.pts, frame.time_base = index, Fraction(1, fps)
    return frame


def make_source(path: Path, clip: Clip) -> None:
    encoder = Encoder(path, clip, clip.source)
    sound = encoder.out.add_stream("aac", rate=SOUND_RATE, layout="stereo") if clip.sound else None
    for index, image in enumerate(pictures(clip)):
        encoder.add(i420(image, index, clip.fps))
    if sound is not None:
        mono = wave("chirp_up", generator("bench sound"), SOUND_RATE, clip.frames / clip.fps)
        block = av.AudioFrame.from_ndarray(np.repeat(mono, 2, axis=0), format="fltp", layout="stereo")
        block.sample_rate, block.pts, block.time_base = SOUND_RATE, 0, Fraction(1, SOUND_RATE)
        encoder.out.mux(sound.encode(block))
        encoder.out.mux(sound.encode(None))
    encoder.close()


def decode(path: Path) -> int:
    """Decode all pictures with one thread, without converting them; how many there are."""
    with av.open(str(path)) as container:
        container.streams.video[0].codec_context.thread_count = 1
        return sum(1 for _ in container.decode(video=0))


def poisonkit_once(source: Path, target: Path, trigger: triggers.Trigger | None = None) -> None:
    """poisonkit's worker on one clip as in a run: decode, trigger, encode, decode back, check, hash."""
    trigger = trigger or triggers.create("blend", alpha=ALPHA)
    task = Task(
        role="poisoned", sample=Sample(source.name, source.name, "train", 1), path=target.name, label=0, target=0,
        backdoor=0,
    )  # fmt: skip
    job = Job(
        task=task, classes=("target", "other"), places=Places(str(source), str(target.parent)),
        treatment=Treatment((trigger,), frozenset({trigger.modality}), seed=0), encode=Encode(),
    )  # fmt: skip
    record = process(job)
    if record["status"] != "ok":
        raise SystemExit(f"poisonkit could not do {source.name}: {record['error']}")


def ffmpeg_once(source: Path, target: Path, clip: Clip) -> None:
    """A plain transcode without any trigger: ffmpeg's own program, one thread, the sound copied."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-y", "-loglevel", "error", "-threads", "1"]
    command += ["-i", str(source), "-c:v", clip.codec, *clip.program, "-threads", "1", "-c:a", "copy", str(target)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def moviepy_once(source: Path, target: Path, clip: Clip, pattern: np.ndarray) -> None:
    """The same blend as a MoviePy 2 user writes it, with OpenCV for the arithmetic."""
    from moviepy import VideoFileClip

    with VideoFileClip(str(source)) as video:
        done = video.image_transform(lambda image: cv2.addWeighted(image, 1 - ALPHA, pattern, ALPHA, 0))
        done.write_videofile(
            str(target), codec=clip.codec, preset=clip.again.get("preset", "medium"), ffmpeg_params=list(clip.program),
            audio=clip.sound, audio_codec="aac", threads=1, logger=None,
        )  # fmt: skip


def triggered_frames(source: Path, clip: Clip) -> list[av.VideoFrame]:
    """The very frames that poisonkit encodes."""
    blend = triggers.Chain([triggers.create("blend", alpha=ALPHA)])
    facts = ClipInfo(id=source.name, width=clip.width, height=clip.height, fps=clip.fps, frames=clip.frames)
    made = []
    with av.open(str(source)) as container:
        decoded = list(container.decode(video=0))
    fmt = colour.plane_format(decoded[0])
    assert fmt is not None
    render = blend.planes(facts, blend.draw(facts, 0), fmt)
    assert render is not None
    for index, planes in enumerate(render(colour.planes_of(frame, fmt) for frame in decoded)):
        frame = colour.from_planes(planes, fmt.pix_fmt, colour.Colour.of(decoded[0]))
        frame.pts, frame.time_base = index, Fraction(1, clip.fps)
        made.append(frame)
    return made


def in_rgb(source: Path, target: Path) -> None:
    """`poisonkit_once` as for triggers and streams that need RGB."""
    with mock.patch.object(triggers.Chain, "planes", return_value=None):
        poisonkit_once(source, target)


def floor_once(source: Path, target: Path, clip: Clip, triggered: list[av.VideoFrame]) -> None:
    """What no tool that checks its output can go below: decode, encode triggered frames, decode the output."""
    decode(source)
    encoder = Encoder(target, clip, clip.again)
    for frame in triggered:
        encoder.add(frame)
    encoder.close()
    decode(target)


def cpu_seconds() -> float:
    """User and system time of this process and of the children it has waited for."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def timed(way: Callable[[], None]) -> tuple[float, float]:
    """(CPU, wall) seconds of one call."""
    gc.collect()
    cpu, wall = cpu_seconds(), time.perf_counter()
    way()
    return cpu_seconds() - cpu, time.perf_counter() - wall


def ways_for(clip: Clip, folder: Path) -> dict[str, tuple[Callable[[], None], Path]]:
    """What is compared on a clip: name -> (what to call, the file it writes)."""
    source = folder / f"source{clip.suffix}"
    make_source(source, clip)
    triggered = triggered_frames(source, clip)
    pattern = triggers.create("blend", alpha=1.0).apply(np.zeros((clip.height, clip.width, 3), np.uint8))

    out = {name: folder / f"{name}{clip.suffix}" for name in ("planes", "rgb", "ffmpeg", "MoviePy", "floor")}
    ways = {
        "floor": (lambda: floor_once(source, out["floor"], clip, triggered), out["floor"]),
        "poisonkit, in planes": (lambda: poisonkit_once(source, out["planes"]), out["planes"]),
        "poisonkit, through RGB": (lambda: in_rgb(source, out["rgb"]), out["rgb"]),
        "plain ffmpeg transcode": (lambda: ffmpeg_once(source, out["ffmpeg"], clip), out["ffmpeg"]),
    }
    try:
        import moviepy  # noqa: F401
    except ImportError:
        Console(stderr=True).print("MoviePy is not installed (pip install 'moviepy>=2.2,<3'): left out.")
    else:
        ways["MoviePy 2"] = (lambda: moviepy_once(source, out["MoviePy"], clip, pattern), out["MoviePy"])
    return ways


def measure(clip: Clip, runs: int) -> Table:
    table = Table(title=f"{clip.name}: blend {ALPHA}, medians of {runs}")
    table.add_column("")
    for column in ("CPU ms", "× floor", "fastest", "× floor", "wall ms", "× floor", "frames", "kB"):
        table.add_column(column, justify="right")
    with tempfile.TemporaryDirectory(prefix="poisonkit-bench-") as name:
        ways = ways_for(clip, Path(name))
        spent: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for run in track(range(runs + 1), description=clip.name, transient=True, console=Console(stderr=True)):
            for way, (call, _) in ways.items():
                took = timed(call)
                if run:  # the first round only warms up
                    spent[way].append(took)
        medians = {
            way: [1000 * statistics.median(kind) for kind in zip(*took, strict=True)] for way, took in spent.items()
        }
        fastest = {way: 1000 * min(cpu for cpu, _ in took) for way, took in spent.items()}
        base_cpu, base_wall = medians["floor"]
        for way, (cpu, wall) in medians.items():
            file = ways[way][1]
            table.add_row(
                way, f"{cpu:.0f}", f"{cpu / base_cpu:.2f}",
                f"{fastest[way]:.0f}", f"{fastest[way] / fastest['floor']:.2f}", f"{wall:.0f}",
                f"{wall / base_wall:.2f}", str(decode(file)), f"{file.stat().st_size / 1000:.0f}",
            )  # fmt: skip
    return table


def peak_megabytes() -> float:
    """The most memory that this process has held, libraries included."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")  # not what it was before it was this program
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1024**2 if sys.platform == "darwin" else 1024)


def memory() -> Table:
    """Full HD, in planes and through RGB: the peak of a process of its own for each length."""
    table = Table(title="1920x1080 H.264 mp4: peak memory of one worker")
    for column in ("frames", "in planes, MB", "through RGB, MB"):
        table.add_column(column, justify="right")
    with tempfile.TemporaryDirectory(prefix="poisonkit-bench-") as name:
        for frames in HD_LENGTHS:
            clip = replace(CLIPS[0], name="full HD", width=1920, height=1080, frames=frames, sound=False)
            source = Path(name, f"{frames}.mp4")
            make_source(source, replace(clip, source={"preset": "ultrafast", "crf": "23"}))
            command = [sys.executable, __file__, "--peak", str(source), str(Path(name, "out.mp4"))]
            peaks = [
                subprocess.run([*command, *way], check=True, capture_output=True, text=True).stdout.strip()
                for way in ([], ["--rgb"])
            ]
            table.add_row(str(frames), *peaks)
    return table


def long_sound(path: Path, minutes: int) -> None:
    """Stereo at 48 kHz, 16 bits: noise."""
    import soundfile

    rng = generator("bench long sound")
    second = (0.1 * rng.standard_normal((LONG_RATE, 2))).astype(np.float32)
    with soundfile.SoundFile(path, "w", LONG_RATE, 2, "PCM_16") as file:
        for _ in range(60 * minutes):
            file.write(second)


def sine_once(source: Path, target: Path) -> None:
    """poisonkit's worker on one sound, with a tone."""
    poisonkit_once(source, target, triggers.create("sine"))


def sound_memory() -> Table:
    """A sound trigger: the peak of a process of its own for each length."""
    table = Table(title="48 kHz stereo wav: peak memory of one worker under a sound trigger (sine)")
    for column in ("minutes", "as float32, MB", "peak, MB"):
        table.add_column(column, justify="right")
    with tempfile.TemporaryDirectory(prefix="poisonkit-bench-") as name:
        for minutes in SOUND_MINUTES:
            source = Path(name, f"{minutes}.wav")
            long_sound(source, minutes)
            command = [sys.executable, __file__, "--peak", str(source), str(Path(name, "out.wav")), "--sine"]
            peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
            table.add_row(str(minutes), f"{8 * LONG_RATE * 60 * minutes / 1e6:.0f}", peak)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("-n", "--runs", type=int, default=5, help="rounds that count, after one that warms up")
    parser.add_argument("--peak", nargs=2, type=Path, metavar=("CLIP", "OUT"), help="only the peak memory on one clip")
    parser.add_argument("--rgb", action="store_true", help="with --peak: through RGB")
    parser.add_argument("--sine", action="store_true", help="with --peak: a tone in the sound")
    given = parser.parse_args()
    runs = given.runs
    if runs < 1:
        parser.error("--runs must be at least 1")
    cv2.setNumThreads(1)
    if given.peak:
        (in_rgb if given.rgb else sine_once if given.sine else poisonkit_once)(*given.peak)
        print(f"{peak_megabytes():.0f}")
        return
    console = Console()
    console.width = max(console.width, 110)
    for clip in CLIPS:
        console.print(measure(clip, runs))
    console.print(memory())
    console.print(sound_memory())
    versions = f"PyAV {av.__version__}, OpenCV {cv2.__version__}, ffmpeg {imageio_ffmpeg.get_ffmpeg_version()}"
    console.print(f"{versions}; one thread each; CPU is user + system time, children included.")


if __name__ == "__main__":
    main()
