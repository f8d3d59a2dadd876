"""What only shows when every packet of a file is looked at (nothing is decoded): its clock, its count, its titles."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path
from typing import Any

from poisonkit.media.families import EXACT_TIMES
from poisonkit.media.files import metadata, open_input, packets, translated
from poisonkit.media.info import MediaInfo, Problem

UNEVEN = Fraction(1, 20)  # so much of a frame's duration may differ before the rate counts as variable


def scan(path: str | Path, info: MediaInfo) -> tuple[Problem, ...]:
    """Conditions of a probed file that are handled here and that other tools stumble over; mostly none blocks.

    `vfr`, `late-start`, `edit-list`, `b-frames-in-avi`, `frame-count`, `no-frame-count`, `one-frame`,
    `broken-titles`. Raises MediaError for a file that cannot be read.
    """
    found: list[Problem] = []
    with open_input(path) as container, translated(path, "read"):
        if _broken(container):
            message = "its titles are in a broken encoding, on which MMAction2's PyAVInit stops."
            remedy = "files that are written again have none; --clean reencode writes clean samples again too"
            found.append(Problem("broken-titles", message, remedy))
        if info.video is None:
            return tuple(found)
        stream = container.streams[info.video.index]
        shown = [(p.pts, p.is_discard) for p in packets(container, stream, path) if p.size]
        return (*found, *_picture(info, stream, shown))


def _broken(container: Any) -> bool:
    texts = [text for part in (container, *container.streams) for text in metadata(part).values()]
    return any("\ufffd" in text for text in texts)


def _picture(info: MediaInfo, stream: Any, packets: list[tuple[int | None, bool]]) -> list[Problem]:
    found: list[Problem] = []
    video = info.video
    assert video is not None
    shown = [pts for pts, discarded in packets if not discarded]
    if info.container in EXACT_TIMES:
        times = sorted(pts for pts in shown if pts is not None)
        found += _clock(times, video.time_base)
    if len(shown) < len(packets) and info.container in ("mp4", "mov"):
        message = f"an edit list hides {len(packets) - len(shown)} frames, which some readers show all the same."
        found.append(Problem("edit-list", message))
    if info.container == "avi" and stream.codec_context.has_b_frames:
        message = "B-frames in AVI: timestamps are out of order, and the header may declare a frame too many."
        found.append(Problem("b-frames-in-avi", message))
    if video.declared_frames is None:
        if info.container != "mpeg":
            message = "the number of frames is not declared; OpenCV guesses it from rate and duration."
            found.append(Problem("no-frame-count", message))
    elif video.declared_frames != len(packets):
        message = f"{video.declared_frames} frames are declared, and there are {len(packets)}."
        found.append(Problem("frame-count", message))
    if len(shown) == 1:
        found.append(Problem("one-frame", "it has a single frame: triggers that live from motion do nothing to it."))
    return found


def _clock(times: list[int], tick: Fraction) -> list[Problem]:
    found = []
    steps = sorted(b - a for a, b in itertools.pairwise(times))
    if steps:
        usual = steps[len(steps) // 2]
        if steps[-1] - steps[0] > max(Fraction(3, 2), UNEVEN * usual):
            shortest, longest = (float(1000 * step * tick) for step in (steps[0], steps[-1]))
            message = (
                f"variable frame rate (frames last {shortest:.4g} to {longest:.4g} ms): readers that count by the rate "
                "pick other moments."
            )
            found.append(Problem("vfr", message))
        if 2 * times[0] > usual:
            found.append(Problem("late-start", f"the picture begins at {float(times[0] * tick):.4g} s, not at 0."))
    return found
