"""Opens a dataset's files to say what is there: what `poisonkit inspect` shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Literal

from poisonkit.datasets import Dataset, Sample
from poisonkit.survey import isolated_opening
from poisonkit.survey.file_checks import Found, surveyed

AHEAD = 256  # files opened in one go


def survey(
    dataset: Dataset,
    *,
    stream: Literal["best"] | int = "best",
    limit: int | None = None,
    jobs: int = 1,
    watch: Callable[[], None] = lambda: None,
    time_limit: float = 1.0,
) -> Iterator[tuple[Sample, Found]]:
    """Open every sample's file and yield what was found, in the dataset's order; nothing is decoded but each first
    picture, and a file that takes too long is given up.

    limit: only so many, spread evenly over the dataset. watch: called after each. time_limit: as `Options` has it.
    """
    samples = dataset.samples
    if limit is not None and limit < len(samples):
        samples = tuple(samples[i * len(samples) // limit] for i in range(limit))
    files = (path for sample in samples for path in dataset.files(sample))
    found = isolated_opening.opened(
        partial(surveyed, stream=stream), files, max(1, jobs), _lost, factor=time_limit, ahead=AHEAD
    )
    for sample in samples:
        seen = [next(found) for _ in sample.paths]
        watch()
        yield sample, seen[0] if len(seen) == 1 else _pair(sample, *seen)


def _pair(sample: Sample, picture: Found, sound: Found) -> Found:
    """The picture of one file with the sound of the other."""
    for found, path, what in zip((picture, sound), sample.paths, ("picture", "sound"), strict=True):
        info = found.info
        if info is None or (info.video if what == "picture" else info.audio) is None:
            return Found(None, f"Its {what}, '{path}', is missing: {found.problem or f'the file holds no {what}.'}")
    assert picture.info is not None
    assert sound.info is not None
    joined = {p.code: p for p in (*picture.conditions, *sound.conditions)}
    return Found(picture.info.with_sound_of(sound.info), conditions=tuple(joined.values()))


def _lost(path: Path, why: str) -> Found:
    return Found(None, f"It {why}.")
