"""Opens candidates for the planner, a few ahead, in the order given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import tee
from pathlib import Path

from poisonkit.datasets import Dataset, Sample
from poisonkit.engine.clips.worker import clip_of
from poisonkit.media.info import Encode, Problem
from poisonkit.plan.selection import Examine, Examined
from poisonkit.survey import isolated_opening
from poisonkit.survey.file_checks import Found, probed

_Seen = tuple[Found, dict[str, Problem]]


def examiner(
    dataset: Dataset,
    encode: Encode,
    stream: str | int,
    touches: frozenset[str],
    jobs: int,
    watch: Callable[[], None] = lambda: None,
    *,
    time_limit: float = 1.0,
) -> Examine:
    """An `Examine` over the dataset's files, which tells what opens and what cannot be rewritten.

    touches: the modalities, `video`, `audio` or both, for which the latter is told, each by itself.
    watch: called for each file that was opened. time_limit: as `Options` has it.
    """
    look = partial(probed, stream=stream, encode=encode, touches=touches)

    def examine(samples: Iterable[Sample]) -> Iterator[Examined]:
        asked, ahead = tee(samples)
        files = (path for sample in ahead for path in dataset.files(sample))
        opened = isolated_opening.opened(look, files, jobs, _lost, factor=time_limit)
        for sample in asked:
            halves = [next(opened) for _ in sample.paths]
            watch()
            yield _examined(sample, *halves[0]) if len(halves) == 1 else _examined_pair(sample, *halves)

    return examine


def _examined(sample: Sample, found: Found, blocks: Mapping[str, Problem]) -> Examined:
    if found.info is None:
        what = f" {found.clause}." if found.clause else f": {found.problem}"
        return Examined(sample, None, problem=f"'{sample.id}'{what}")
    blocked = {}
    for modality, problem in blocks.items():
        remedy = f" Remedy: {problem.remedy}." if problem.remedy else ""
        blocked[modality] = f"'{sample.id}' cannot be rewritten: {problem.message}{remedy}"
    return Examined(sample, clip_of(found.info, sample.id), blocked=blocked)


def _examined_pair(sample: Sample, picture: _Seen, sound: _Seen) -> Examined:
    """The picture of one file with the sound of the other, both of which have to be there."""
    infos = []
    for (found, _), path, what in zip((picture, sound), sample.paths, ("picture", "sound"), strict=True):
        info = found.info
        if info is None or (info.video if what == "picture" else info.audio) is None:
            why = found.problem or f"it {found.clause or f'holds no {what}'}."
            return Examined(sample, None, problem=f"'{sample.id}' lacks its {what}, '{path}': {why}")
        infos.append(info)
    blocks = {m: seen[1][m] for m, seen in (("video", picture), ("audio", sound)) if m in seen[1]}
    return _examined(sample, Found(infos[0].with_sound_of(infos[1])), blocks)


def _lost(path: Path, why: str) -> tuple[Found, dict[str, Problem]]:
    return Found(None, clause=why), {}
