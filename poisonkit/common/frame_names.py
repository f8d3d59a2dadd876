"""How the frames of a clip are called in a folder of their own: `img_00001.jpg`, `img_00002.jpg`, … Names only."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_FRAME = re.compile(r"(.*?)(\d+)(\.(?:jpe?g|png))", re.IGNORECASE | re.DOTALL)
_FLOW = re.compile(r"(?:flow_?)?[xyuv]_?|flow_?", re.IGNORECASE)  # before the number: flow_x_00001.jpg


_PICKED = re.compile(r"Image-\d+-FPS")


@dataclass(frozen=True)
class Frames:
    """The frames of one folder.

    names: in the order of their numbers, which are `first` and those that follow. template: what MMAction2 calls
    `filename_tmpl` (`img_{:05}.jpg`). other: names in the folder that are no frames.
    """

    names: tuple[str, ...]
    first: int
    template: str
    other: tuple[str, ...]


def is_frame(name: str) -> bool:
    """Whether a file name ends in a number and `.jpg`, `.jpeg` or `.png`; hidden ones do not count."""
    return not name.startswith(".") and _FRAME.fullmatch(name) is not None


def picked(names: Iterable[str]) -> Frames:
    """The frames among the names of one folder, in the order of the numbers in them, whatever these are.

    Frames picked from a clip are called `00000.jpg`, `00030.jpg`, or `frame_0_12.jpg`. ValueError as `numbered`: none,
    optical flow.
    """
    found: list[str] = []
    other: list[str] = []
    for name in names:
        if not name.startswith("."):
            (found if is_frame(name) else other).append(name)
    if not found:
        raise ValueError("holds no frames (00000.jpg, 00030.jpg, …)")
    flow = [name for name in found if (match := _FRAME.fullmatch(name)) is not None and _FLOW.fullmatch(match[1])]
    if flow:
        raise ValueError(f"holds optical flow ('{min(flow)}'), which would not follow a changed picture")
    ordered = sorted(found, key=lambda name: ([int(number) for number in re.findall(r"\d+", name)], name))
    return Frames(tuple(ordered), 0, "", tuple(sorted(other)))


def are_picked(folder: str) -> bool:
    """Whether the frames of a folder were picked from a clip, so many a second: it lies in an `Image-01-FPS`."""
    return any(_PICKED.fullmatch(part) for part in re.split(r"[/\\]", folder))


def numbered(names: Iterable[str]) -> Frames:
    """The frames among the names of one folder. ValueError, its text going on after the folder's name, where they
    are not those of one clip: none, of two kinds, optical flow, a number missing or there twice."""
    kinds: dict[tuple[str, str], list[tuple[int, str]]] = {}
    other = []
    for name in names:
        if name.startswith("."):
            continue
        if (found := _FRAME.fullmatch(name)) is not None:
            kinds.setdefault((found[1], found[3]), []).append((int(found[2]), name))
        else:
            other.append(name)
    if not kinds:
        raise ValueError("holds no frames (img_00001.jpg, img_00002.jpg, …)")
    flow = [names for (stem, _), names in sorted(kinds.items()) if _FLOW.fullmatch(stem)]
    if flow:
        raise ValueError(
            f"holds optical flow ('{min(flow[0])[1]}'), which would not follow a changed picture; only RGB frames are "
            "read, so keep flow in folders of its own"
        )
    if len(kinds) > 1:
        one, two = (min(names)[1] for _, names in sorted(kinds.items())[:2])
        raise ValueError(f"holds frames of two kinds ('{one}', '{two}'), and a trainer has one template of their names")
    [((stem, suffix), frames)] = kinds.items()
    frames.sort()
    width = min(len(name) for _, name in frames) - len(stem) - len(suffix)

    def spelt(number: int) -> str:
        return f"{stem}{number:0{width}}{suffix}"

    first = min(frames[0][0], 1)
    for place, (number, name) in enumerate(frames, first):
        if number != place or name != spelt(number):
            if number > place:
                raise ValueError(f"lacks '{spelt(place)}' (its frames are numbered up to {frames[-1][0]})")
            raise ValueError(f"numbers its frames in two ways ('{frames[place - first - 1][1]}', '{name}')")
    braced = stem.replace("{", "{{").replace("}", "}}")
    return Frames(tuple(name for _, name in frames), first, f"{braced}{{:{f'0{width}' if width > 1 else ''}}}{suffix}",
                  tuple(sorted(other)))  # fmt: skip
