"""Opens a dataset's files to say what is there: what `poisonkit inspect` shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from poisonkit import media
from poisonkit.datasets import Dataset, Sample, at_hand
from poisonkit.errors import PoisonkitError
from poisonkit.media.info import Encode, MediaInfo, Problem


@dataclass(frozen=True)
class Look:
    """One file as it was found: `info` of what opens, else None, and `problem` says why.

    conditions: what is to be known of a file that opens, what keeps it from being rewritten first.
    """

    sample: Sample
    info: MediaInfo | None
    problem: str = ""
    conditions: tuple[Problem, ...] = ()


AHEAD = 256  # files opened in one go


def survey(
    dataset: Dataset,
    *,
    stream: Literal["best"] | int = "best",
    limit: int | None = None,
    jobs: int = 1,
    watch: Callable[[], None] = lambda: None,
) -> Iterator[Look]:
    """Open every sample's file, in threads, and yield what was found, in the dataset's order; nothing is decoded
    but each first picture.

    limit: only so many, spread evenly over the dataset. watch: called after each.
    """
    from concurrent.futures import ThreadPoolExecutor

    samples = dataset.samples
    if limit is not None and limit < len(samples):
        samples = tuple(samples[i * len(samples) // limit] for i in range(limit))

    def look(sample: Sample) -> Look:
        try:
            with at_hand(dataset.file(sample)) as path:
                info = media.probe(path, stream=stream)
                found = (*media.refusals(info, Encode()), *info.problems, *media.scan(path, info))
        except (PoisonkitError, OSError) as error:
            return Look(sample, None, str(error))
        return Look(sample, info, conditions=tuple({p.code: p for p in reversed(found)}.values())[::-1])

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        for start in range(0, len(samples), AHEAD):
            for found in pool.map(look, samples[start : start + AHEAD]):
                watch()
                yield found
