"""The main job on one clip, and the floor below which no tool that checks its output can go; the memory of a worker.

    python benchmarks/main_job.py

`side_by_side.py` times what is here beside what others offer; `compare.py` calls `poisonkit_once` of two commits.
"""

from __future__ import annotations

import argparse
import gc
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import av
import cv2
import numpy as np
from rich.console import Console
from rich.table import Table
from scenes import CLIPS, Clip, Encoder, make_source

from poisonkit import triggers
from poisonkit.common.seeding import generator
from poisonkit.datasets import Sample
from poisonkit.engine.clips.job import Job, Places, Treatment
from poisonkit.engine.clips.worker import process
from poisonkit.media import colour
from poisonkit.media.info import Encode
from poisonkit.plan.plan import Task
from poisonkit.triggers import ClipInfo

if TYPE_CHECKING:
    from av import Packet
    from av.container import InputContainer

ALPHA = 0.1
HD_LENGTHS = (30, 120)
SOUND_MINUTES = (1, 10)
LONG_RATE = 48_000


def decode(container: InputContainer) -> list[Packet[Any]]:
    """Decode all pictures with one thread, without converting them; the packets of the sound."""
    container.streams.video[0].codec_context.thread_count = 1
    sound = []
    for packet in container.demux(*container.streams.video, *container.streams.audio):
        if packet.stream.type == "video":
            packet.decode()
        elif packet.size:
            sound.append(packet)
    return sound


def hear(sound: list[Packet[Any]]) -> None:
    """Decode the sound."""
    for packet in sound:
        packet.decode()


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


def triggered_frames(source: Path, clip: Clip, trigger: triggers.Trigger) -> list[av.VideoFrame]:
    """The frames that poisonkit encodes."""
    chain = triggers.Chain([trigger])
    facts = ClipInfo(id=source.name, width=clip.width, height=clip.height, fps=clip.fps, frames=clip.frames)
    with av.open(str(source)) as container:
        decoded = list(container.decode(video=0))
    drawn, fmt = chain.draw(facts, 0), colour.plane_format(decoded[0])
    render = None if fmt is None else chain.planes(facts, drawn, fmt)
    if fmt is not None and render is not None:
        planes = render(colour.planes_of(frame, fmt) for frame in decoded)
        made = [colour.from_planes(p, fmt.pix_fmt, colour.Colour.of(decoded[0])) for p in planes]
    else:
        images = chain.video((colour.to_rgb(frame) for frame in decoded), facts, drawn)
        made = [colour.from_rgb(image, "yuv420p", colour.Colour.of(decoded[0])) for image in images]
    for index, frame in enumerate(made):
        frame.pts, frame.time_base = index, Fraction(1, clip.fps)
    return made


def in_rgb(source: Path, target: Path, trigger: triggers.Trigger | None = None) -> None:
    """`poisonkit_once` as for triggers and streams that need RGB."""
    with mock.patch.object(triggers.Chain, "planes", return_value=None):
        poisonkit_once(source, target, trigger)


def floor_once(source: Path, target: Path, clip: Clip, triggered: list[av.VideoFrame]) -> None:
    """What no tool that checks its output can go below: decode, encode triggered frames, decode the output.

    Sound is copied packet for packet, and decoded with the output.
    """
    with av.open(str(source)) as container:
        sound = decode(container)
        encoder = Encoder(target, clip, clip.again)
        encoder.copy(container.streams.audio, sound)
        for frame in triggered:
            encoder.add(frame)
        encoder.close()
    with av.open(str(target)) as container:
        hear(decode(container))


def triggered_pictures(source: Path, clip: Clip, trigger: triggers.Trigger) -> list[np.ndarray]:
    """The pictures of a folder that poisonkit writes, BGR as OpenCV has them."""
    chain = triggers.Chain([trigger])
    facts = ClipInfo(id=source.name, width=clip.width, height=clip.height, fps=clip.fps, frames=clip.frames)
    images = (cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB) for file in sorted(source.iterdir()))
    return [cv2.cvtColor(image, cv2.COLOR_RGB2BGR) for image in chain.video(images, facts, chain.draw(facts, 0))]


def floor_folder(source: Path, target: Path, changed: list[np.ndarray]) -> None:
    """Read all pictures, write those that are triggered already at poisonkit's quality, read them."""
    target.mkdir(exist_ok=True)
    for file in sorted(source.iterdir()):
        cv2.imread(str(file))
    for file, image in zip(sorted(source.iterdir()), changed, strict=True):
        cv2.imwrite(str(target / file.name), image, [cv2.IMWRITE_JPEG_QUALITY, 95])
        cv2.imread(str(target / file.name))


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
            clip = replace(CLIPS["h264"], name="full HD", width=1920, height=1080, frames=frames, sound="")
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
    parser.add_argument("--peak", nargs=2, type=Path, metavar=("CLIP", "OUT"), help="only the peak memory on one clip")
    parser.add_argument("--rgb", action="store_true", help="with --peak: through RGB")
    parser.add_argument("--sine", action="store_true", help="with --peak: a tone in the sound")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    if given.peak:
        (in_rgb if given.rgb else sine_once if given.sine else poisonkit_once)(*given.peak)
        print(f"{peak_megabytes():.0f}")
        return
    console = Console()
    console.width = max(console.width, 110)
    console.print(memory())
    console.print(sound_memory())


if __name__ == "__main__":
    main()
