"""Where the CPU time of one clip under a sound trigger goes, by part, beside what its target is measured against.

    python benchmarks/profile_sound.py
    python benchmarks/profile_sound.py wav 720p --rounds 15

Each part is the fastest of its rounds, child processes included. The base is soundfile's reading and writing; of clips
with a picture, encoding that again with the ffmpeg program.
"""

from __future__ import annotations

import argparse
import gc
import os
import tempfile
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import rivals
from main_job import cpu_seconds, poisonkit_once, timed
from scenes import CLIPS, make_source

from poisonkit import triggers
from poisonkit.engine.clips import worker
from poisonkit.engine.executors.threads import pin
from poisonkit.media import check, ffmpeg_jobs, rewriting, sound
from poisonkit.metrics.fidelity import ClipInspector
from poisonkit.outputs.sample_files import Halves

REST = "the rest: files, locks, record"
PARTS: tuple[tuple[Any, str, str], ...] = (
    (Halves, "probe", "open and probe the source"),
    (sound, "held", "read the source"),
    (rewriting, "audio_wave", "decode the sound"),
    (triggers.Chain, "audio", "trigger"),
    (ClipInspector, "sound", "figures"),
    (ClipInspector, "wave", "figures"),
    (ClipInspector, "report", "figures"),
    (sound, "write_like", "write"),
    (sound, "write", "a wav for the ffmpeg program"),
    (ffmpeg_jobs, "mux_sound", "the ffmpeg program: start, encode, copy"),
    (sound, "read_back", "read it back"),
    (rewriting, "checked_output", "open the output, decode the sound"),
    (check, "sha256", "checksums"),
    (rewriting, "sha256", "checksums"),
    (worker.media, "sha256", "checksums"),
)
PICTURE = "decode the copied picture"
INSIDE = (PICTURE, "figures", "checksums")  # parts of their own inside of another


class Clock:
    """Seconds of each part; a function that is called inside of another part belongs to it, but for `INSIDE`."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self.now, self.since = REST, cpu_seconds()

    def turn(self, part: str) -> str:
        """From here on it is this part; which it was before."""
        moment, before = cpu_seconds(), self.now
        self.spent[before] += moment - self.since
        self.now, self.since = part, moment
        return before

    def of_packet(self, packet: Any, *_: Any) -> str:
        """The part in which a packet of the output is decoded."""
        return PICTURE if packet.stream.type == "video" else self.now

    def call(self, part: Callable[..., str], function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        def timed(*given: Any, **named: Any) -> Any:
            name = part(*given)
            if self.now != REST and name not in INSIDE:
                return function(*given, **named)
            before = self.turn(name)
            try:
                return function(*given, **named)
            finally:
                self.turn(before)

        return timed


def profile(way: Callable[[], None], rounds: int) -> dict[str, float]:
    """Milliseconds of each part: the fastest round after one that warms up."""
    found: list[dict[str, float]] = []
    for _ in range(rounds + 1):
        gc.collect()
        clock = Clock()
        with ExitStack() as stack:
            for where, name, part in PARTS:
                timed_one = clock.call(lambda *_, part=part: part, getattr(where, name))
                stack.enter_context(mock.patch.object(where, name, timed_one))
            decode = clock.call(clock.of_packet, check.decode_packet)
            stack.enter_context(mock.patch.object(check, "decode_packet", decode))
            clock.turn(REST)
            way()
            clock.turn(REST)
        found.append(clock.spent)
    return {part: 1000 * min(each.get(part, 0.0) for each in found[1:]) for part in {*found[-1]}}


def table(name: str, rounds: int, folder: Path) -> str:
    """One clip as Markdown."""
    clip, trigger = CLIPS[name], triggers.create("sine")
    source, target = folder / f"source{clip.suffix}", folder / f"out{clip.suffix}"
    make_source(source, clip)
    case = rivals.Case(clip, trigger, source, folder / "pattern.png", None)
    base = rivals.transcode_picture if clip.codec else rivals.soundfile_copy
    least = 1000 * min(timed(partial(base, case, target))[0] for _ in range(rounds))
    spent = profile(partial(poisonkit_once, source, target, trigger), rounds)
    order = [part for part in (*dict.fromkeys(part for _, _, part in PARTS), PICTURE, REST) if part in spent]
    rows = [(part, spent[part]) for part in order] + [("together", sum(spent.values()))]
    lines = [f"| {clip.name}: sine | CPU ms | of the base, {least:.0f} ms |", "|---|---:|---:|"]
    return "\n".join([*lines, *(f"| {part} | {took:.1f} | {took / least:.2f} |" for part, took in rows), ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("clips", nargs="*", default=("wav", "mp3", "h264", "720p"), help="by default wav mp3 h264 720p")
    parser.add_argument("-n", "--rounds", type=int, default=9, help="rounds that count, after one that warms up")
    given = parser.parse_intermixed_args()
    pin()
    print(f"{given.rounds} rounds, load {os.getloadavg()[0]:.0f}\n")
    with tempfile.TemporaryDirectory(prefix="poisonkit-bench-") as folder:
        for name in given.clips:
            print(table(name, given.rounds, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
