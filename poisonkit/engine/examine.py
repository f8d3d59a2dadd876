"""Opens candidates for the planner, a few ahead in threads, in the order given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from poisonkit import media
from poisonkit.candidates import Examine, Examined
from poisonkit.datasets import Dataset, Sample, at_hand
from poisonkit.engine.worker import clip_of
from poisonkit.errors import PoisonkitError
from poisonkit.media.info import Encode

_AHEAD = 16


def examiner(
    dataset: Dataset,
    encode: Encode,
    stream: str | int,
    touches: frozenset[str],
    jobs: int,
    watch: Callable[[], None] = lambda: None,
) -> Examine:
    """An `Examine` over the dataset's files, which tells what opens and what cannot be rewritten.

    touches: the modalities, `video`, `audio` or both, for which the latter is told, each by itself.
    watch: called for each file that was opened.
    """

    def look(sample: Sample) -> Examined:
        try:
            with at_hand(dataset.file(sample)) as path:
                info = media.probe(path, stream=stream)
        except OSError as error:
            return Examined(sample, None, problem=f"'{sample.id}' cannot be opened: {error.strerror}.")
        except PoisonkitError as error:
            return Examined(sample, None, problem=f"'{sample.id}': {error}")
        blocked: dict[str, str] = {}
        for modality in touches:
            first = next((p for p in media.refusals(info, encode, (modality,)) if p.blocks), None)
            if first is not None:
                remedy = f" Remedy: {first.remedy}." if first.remedy else ""
                blocked[modality] = f"'{sample.id}' cannot be rewritten: {first.message}{remedy}"
        return Examined(sample, clip_of(info, sample.id), blocked=blocked)

    def examine(samples: Iterable[Sample]) -> Iterator[Examined]:
        for found in looks(iter(samples)):
            watch()
            yield found

    def looks(waiting: Iterator[Sample]) -> Iterator[Examined]:
        if jobs == 1:
            yield from map(look, waiting)
            return
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(jobs) as pool:
            while chunk := list(islice(waiting, _AHEAD)):
                yield from list(pool.map(look, chunk))

    return examine
