"""What is asked of one file when it is opened: by `opening`, in a process that begins quickly, so few imports here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from poisonkit import media
from poisonkit.common.time_limit import Know
from poisonkit.datasets import at_hand
from poisonkit.errors import MediaError, PoisonkitError
from poisonkit.media.file_traits import Traits, traits
from poisonkit.media.info import Encode, MediaInfo, Problem
from poisonkit.survey import isolated_opening

Stream = str | int
Need = Literal["remux", "convert", "convert-sound", "convert-both"]
_AGAIN: dict[frozenset[str], Need] = {
    frozenset({"video"}): "convert",
    frozenset({"audio"}): "convert-sound",
    frozenset({"audio", "video"}): "convert-both",
}


@dataclass(frozen=True)
class Found:
    """A file as it was found: `info` of what opens, else None, and why: `problem`, a sentence, or `clause`, what comes
    after its name in one.

    conditions: what keeps it from being rewritten first, then what is to be known of it.
    """

    info: MediaInfo | None
    problem: str = ""
    clause: str = ""
    conditions: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Writing:
    """How a file can be written: what keeps it from being (clean: as a clean sample, too), and what its name ends with
    where it gets another container."""

    blocks: tuple[Problem, ...] = ()
    clean: bool = False
    suffix: str | None = None


def probed(
    path: Path, scratch: str, know: Know, *, stream: Stream, encode: Encode, touches: Iterable[str]
) -> tuple[Found, dict[str, Problem]]:
    """A candidate; by modality (`video`, `audio`, each by itself) what keeps it from being rewritten."""
    try:
        with at_hand(path, scratch) as file:
            info = media.probe(file, stream=stream)
    except OSError as error:
        return Found(None, clause=f"cannot be opened: {error.strerror}"), {}
    except PoisonkitError as error:
        return Found(None, str(error)), {}
    found = {m: next((p for p in media.refusals(info, encode, (m,)) if p.blocks), None) for m in touches}
    return Found(info), {modality: problem for modality, problem in found.items() if problem is not None}


def found_in(path: Path, scratch: str, know: Know, *, stream: Stream) -> Found:
    """What a file holds, or why that cannot be told."""
    return probed(path, scratch, know, stream=stream, encode=Encode(), touches=())[0]


def writing(
    path: Path, scratch: str, know: Know, *, stream: Stream, encode: Encode, touches: Iterable[str], clean: bool
) -> Writing:
    """What is known before a file is written. touches: what triggers touch. clean: clean files are always encoded."""
    try:
        with at_hand(path, scratch) as file:
            info = media.probe(file, stream=stream)
    except (PoisonkitError, OSError):
        return Writing()
    blocks = tuple(p for p in media.refusals(info, encode, touches) if p.blocks)
    also = bool(blocks) and (clean or bool(media.encoded_again(info, encode)))
    return Writing(blocks, also, None if blocks else media.new_suffix(info, encode))


def surveyed(path: Path, scratch: str, know: Know, *, stream: Stream) -> Found:
    """Everything that can be told without decoding more than the first picture."""
    try:
        with at_hand(path, scratch) as file:
            info = media.probe(file, stream=stream)
            know(info.duration, 0.0)
            found = (*media.refusals(info, Encode()), *info.problems, *media.scan(file, info))
    except (PoisonkitError, OSError) as error:
        return Found(None, str(error))
    return Found(info, conditions=tuple({p.code: _both_ways(p) for p in reversed(found)}.values())[::-1])


def _both_ways(problem: Problem) -> Problem:
    """With the option that converts whatever there is beside the one that does this alone."""
    alone = problem.remedy in ("--to-8bit", "--deinterlace")
    return replace(problem, remedy=f"{problem.remedy} or --encode convert") if alone else problem


def needed(path: Path, scratch: str, know: Know, *, stream: Stream, encode: Encode) -> Need | None:
    """What has to be done to a clean file that cannot be linked as it is: see `clean.needs`."""
    try:
        with at_hand(path, scratch) as file:
            if not (encode.changes_clean or media.is_folder(file) or media.several(file)):
                return None
            info = media.probe(file, stream=stream)
    except (PoisonkitError, OSError):
        return None
    if again := media.encoded_again(info, encode):
        return _AGAIN[again]
    return "remux" if info.dropped and media.can_remux(info) else None


def info_of(path: Path, *, stream: Stream = "best") -> MediaInfo:
    """What a file of a dataset or an output holds, before it is opened in this process. MediaError for what does not
    open, or not in time; OSError."""
    return next(isolated_opening.opened(partial(_info, stream=stream), [path], 1, _late))


def _info(path: Path, scratch: str, know: Know, *, stream: Stream) -> MediaInfo:
    with at_hand(path, scratch) as file:
        return media.probe(file, stream=stream)


def _late(path: Path, why: str) -> MediaInfo:
    raise MediaError(f"{path.name} {why}.")


def told(path: Path, scratch: str, know: Know) -> Traits | str:
    """A file's traits, or why it has none."""
    try:
        with at_hand(path, scratch) as file:
            return traits(file)
    except (PoisonkitError, OSError) as error:
        return str(error)
