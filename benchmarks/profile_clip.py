"""Where one clip's CPU time goes beyond the floor, by part, as shares of the floor.

    python benchmarks/profile_clip.py
    python benchmarks/profile_clip.py h264 frames --rounds 15

A job does the same steps in the same order each time: of every step the fastest of all rounds counts, less what reading
the clock takes. The floor's own decoding and encoding are taken off, so a column adds up to what is beyond it.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import os
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import av
import cv2
import main_job
from main_job import ALPHA, floor_folder, floor_once, in_rgb, poisonkit_once, triggered_frames, triggered_pictures
from scenes import CLIPS, Encoder, make_source

from poisonkit import triggers
from poisonkit.engine.clips import worker
from poisonkit.engine.executors.threads import pin
from poisonkit.media import check, dispatch, folders, mux, on_disk, probing, rewriting
from poisonkit.media.encode import PictureEncoder
from poisonkit.media.traces import Trace
from poisonkit.metrics import fidelity

Function = Callable[..., Any]

SHAPES = ("avi", "h264", "720p", "hevc", "frames")
DECODE, ENCODE, AGAIN, SOUND = "decode the source", "encode", "decode the output", "sound: copy, decode"
OPEN, TRIGGER, CONVERT = "open, probe, close", "trigger", "conversions"
SSIM, DISTANCES, HASH, REST = "SSIM", "other distances", "checksums", "the rest"
PARTS = (DECODE, ENCODE, AGAIN, SOUND, OPEN, TRIGGER, CONVERT, SSIM, DISTANCES, HASH, REST)


class Clock:
    """Marks: which part begins when. A part that another one interrupts goes on when that one ends."""

    def __init__(self) -> None:
        self.marks: list[tuple[str, int]] = []
        self.parts = [REST]
        reads = [time.thread_time_ns() for _ in range(1000)]
        self.reading = min(b - a for a, b in itertools.pairwise(reads))

    def enter(self, part: str) -> None:
        self.parts.append(part)
        self.marks.append((part, time.thread_time_ns()))

    def leave(self) -> None:
        self.parts.pop()
        self.marks.append((self.parts[-1], time.thread_time_ns()))

    def call(self, part: Any, function: Function) -> Function:
        """The function, timed as a part; part: its name, or what tells it from the arguments."""

        def timed(*given: Any, **named: Any) -> Any:
            self.enter(part(*given) if callable(part) else part)
            try:
                return function(*given, **named)
            finally:
                self.leave()

        return timed

    def steps(self, part: str, function: Function) -> Function:
        """A function that gives an iterator, each of whose steps is timed as a part."""

        def timed(*given: Any, **named: Any) -> Iterator[Any]:
            made = iter(function(*given, **named))
            step = self.call(part, lambda: next(made, made))
            while (item := step()) is not made:
                yield item

        return timed

    def around(self, part: str, manager: Function) -> Function:
        """A context manager whose beginning and end are timed as a part."""

        @contextmanager
        def timed(*given: Any, **named: Any) -> Iterator[Any]:
            inside = manager(*given, **named)
            value = self.call(part, inside.__enter__)()
            try:
                yield value
            finally:
                self.call(part, inside.__exit__)(*sys.exc_info())

        return timed

    def made(self, part: str, choice: Function) -> Function:
        """A function that is timed as a part and gives one whose steps are, or None."""

        def timed(*given: Any, **named: Any) -> Any:
            found = self.call(part, choice)(*given, **named)
            return found and self.steps(part, found)

        return timed

    def taken(self) -> tuple[list[str], list[int]]:
        """The parts between marks, and nanoseconds in each; forgotten here."""
        marks, self.marks = self.marks, []
        spans = itertools.pairwise(marks)
        return [part for part, _ in marks[:-1]], [max(0, b - a - self.reading) for (_, a), (_, b) in spans]

    def profile(self, way: Callable[[], None], rounds: int) -> dict[str, float]:
        """Milliseconds of each part: of every step between two marks, the fastest round after one that warms up."""
        parts, fastest = [], []
        for turn in range(rounds + 1):
            gc.collect()
            self.enter(REST)
            way()
            self.leave()
            parts, took = self.taken()
            fastest = [min(pair) for pair in zip(fastest, took, strict=True)] if turn > 1 else took
        found: dict[str, float] = defaultdict(float)
        for part, spent in zip(parts, fastest, strict=True):
            found[part] += spent / 1e6
        return found


@contextmanager
def watched(clock: Clock) -> Iterator[None]:
    """poisonkit's own functions are timed inside."""

    def by_kind(picture: str) -> Callable[..., str]:
        return lambda packet, *_args: picture if packet.stream.type == "video" else SOUND

    put: list[tuple[Any, str, Function, Any]] = [
        (mux, "decode_packet", clock.call, by_kind(DECODE)),
        (mux, "packets", clock.steps, DECODE),
        (check, "decode_packet", clock.call, by_kind(AGAIN)),
        (check, "packets", clock.steps, AGAIN),
        *((PictureEncoder, name, clock.call, ENCODE) for name in ("__init__", "encode", "finish")),
        *((module, "open_input", clock.around, OPEN) for module in (mux, check, probing)),
        *((module, "describe", clock.call, OPEN) for module in (check, probing)),
        (mux, "open_output", clock.around, OPEN),
        (rewriting, "require_whole", clock.call, OPEN),
        (dispatch, "probe", clock.call, OPEN),
        (mux._Pass, "_copy_sound", clock.call, SOUND),
        (check._Check, "_hear", clock.call, SOUND),
        (triggers.Chain, "draw", clock.call, TRIGGER),
        (triggers.Chain, "video", clock.steps, TRIGGER),
        (triggers.Chain, "planes", clock.made, TRIGGER),
        (PictureEncoder, "frame", clock.call, CONVERT),
        *((module, "to_rgb", clock.call, CONVERT) for module in (mux, check)),
        (mux, "planes_of", clock.call, CONVERT),
        (fidelity, "ssim", clock.call, SSIM),
        *((fidelity.ClipInspector, name, clock.call, DISTANCES) for name in ("picture", "frame", "report")),
        *((module, "sha256", clock.call, HASH) for module in (check, on_disk.hashing, worker.media)),
        (Trace, "packet", clock.call, HASH),
        (folders, "probe", clock.call, OPEN),
        (folders, "_pictures", clock.steps, DECODE),
        (folders, "_encoded", clock.call, ENCODE),
        (folders, "_read_back", clock.call, AGAIN),
    ]
    with ExitStack() as stack:
        for where, name, how, part in put:
            stack.enter_context(mock.patch.object(where, name, how(part, getattr(where, name))))
        yield


@contextmanager
def watched_floor(clock: Clock, source: Path) -> Iterator[None]:
    """The floor's functions are timed inside."""

    def by_place(read: Any) -> str:
        return DECODE if Path(getattr(read, "name", read)).is_relative_to(source) else AGAIN

    with ExitStack() as stack:
        for where, name, part in (
            (av, "open", OPEN), (main_job, "decode", by_place), (main_job, "hear", SOUND), (Encoder, "copy", SOUND),
            (cv2, "imread", by_place), (cv2, "imwrite", ENCODE),
            *((Encoder, name, ENCODE) for name in ("__init__", "add", "close")),
        ):  # fmt: skip
            stack.enter_context(mock.patch.object(where, name, clock.call(part, getattr(where, name))))
        yield


def columns(shape: str, clock: Clock, rounds: int, place: Path) -> dict[str, dict[str, float]]:
    """Of a shape: the parts of each way beyond the floor, in percent of it."""
    clip, trigger = CLIPS[shape], triggers.create("blend", alpha=ALPHA)
    source, target = place / f"{shape}{clip.suffix}", place / f"out-{shape}{clip.suffix}"
    make_source(source, clip)
    if folder := clip.codec == "jpeg":
        floor = partial(floor_folder, source, target, triggered_pictures(source, clip, trigger))
    else:
        floor = partial(floor_once, source, target, clip, triggered_frames(source, clip, trigger))
    with watched_floor(clock, source):
        least = clock.profile(floor, rounds)
    shutil.rmtree(target, ignore_errors=True)
    ways = {shape: poisonkit_once} if folder else {f"{shape}, planes": poisonkit_once, f"{shape}, RGB": in_rgb}
    found = {}
    whole = sum(least.values())
    for name, way in ways.items():
        with watched(clock):
            spent = clock.profile(partial(way, source, target, trigger), rounds)
        found[name] = {part: 100 * (spent.get(part, 0) - least.get(part, 0)) / whole for part in PARTS}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("shapes", nargs="*", default=SHAPES, help="by default all of " + " ".join(SHAPES))
    parser.add_argument("-n", "--rounds", type=int, default=9, help="rounds that count, after one that warms up")
    given = parser.parse_args()
    pin()
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="poisonkit-bench-") as name:
        for shape in given.shapes:
            found |= columns(shape, Clock(), given.rounds, Path(name))
    print(f"In percent of the floor's CPU time; {given.rounds} rounds, load {os.getloadavg()[0]:.0f}\n")
    print(f"| | {' | '.join(found)} |\n|---|{'---:|' * len(found)}")
    for part in PARTS:
        print(f"| {part} | {' | '.join(f'{column[part]:.1f}' for column in found.values())} |")
    print(f"| together | {' | '.join(f'{sum(column.values()):.1f}' for column in found.values())} |")


if __name__ == "__main__":
    main()
