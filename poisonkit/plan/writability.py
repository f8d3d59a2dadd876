"""Which files of a dataset cannot be written as the recipe asks, and what is told of them, all in one go."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from poisonkit.datasets import Dataset, Sample
from poisonkit.errors import RequestError
from poisonkit.media.info import Problem
from poisonkit.plan import eligibility
from poisonkit.plan.task import Task
from poisonkit.recipe.encodings import CONVERT
from poisonkit.recipe.recipe import Recipe

NAMED = 3  # so many files of each kind are named
_BY_CONVERT = {f"--encode {CONVERT}", "--to-8bit", "--deinterlace"}


class Unwritable(RequestError):
    """A file that would be written cannot be: what else there is like it is found out before it is told."""


@dataclass(frozen=True)
class Writability:
    """What opening all files of a dataset told; of one that was not opened so, nothing.

    blocked: why a sample cannot carry a trigger, by its id. clean: ids of those that cannot be written as clean samples
    either, where these are written. suffixes: path in the source -> how the file's name ends in the copy, where it gets
    another container. skip: the blocked ones are to be passed over.
    """

    blocked: Mapping[str, Sequence[Problem]] = field(default_factory=dict)
    clean: Set[str] = frozenset()
    suffixes: Mapping[str, str] = field(default_factory=dict)
    skip: bool = False

    def left(self, samples: Iterable[Sample]) -> list[Sample]:
        """Those that may be chosen."""
        return [s for s in samples if not (self.skip and s.id in self.blocked)]

    def passed_over(self) -> dict[str, str]:
        """Id -> why it cannot be written, of what is passed over."""
        return {name: " ".join(p.message for p in why) for name, why in self.blocked.items()} if self.skip else {}

    @property
    def clause(self) -> str:
        """What is added to a count of candidates."""
        lost = len(self.blocked) if self.skip else 0
        return f"; --skip-unwritable passes over {lost} files" if lost else ""

    def remarks(self, dataset: Dataset) -> list[str]:
        """A sentence about what is passed over."""
        if not self.skip or not self.blocked:
            return []
        train = [s for s in dataset.of("train") if s.label is not None]
        left = len(self.left(train))
        return [
            f"--skip-unwritable: {_counted(len(self.blocked), len(dataset.samples))} cannot be rewritten and stay as "
            f"they are in the source, without a trigger: {_kinds(self.blocked)}. Candidates and rate are counted from "
            f"the {left} labelled training samples that are left of {len(train)}."
        ]

    def require_clean(self, tasks: Iterable[Task]) -> None:
        """Unwritable for a clean sample that would be written and cannot be."""
        lost = [t.id for t in tasks if t.role == "clean" and t.id in self.clean]
        if lost and not self.skip:
            raise Unwritable(f"The clean sample '{lost[0]}' cannot be rewritten.")


def concerned(recipe: Recipe, dataset: Dataset, *, training: bool = True) -> list[Sample]:
    """The samples that the recipe may have written: candidates, covers, attack clips. training: the dataset's too."""
    found: dict[str, Sample] = {}
    held = next((dataset.of(s) for s in ("test", "val") if any(x.label is not None for x in dataset.of(s))), ())
    for backdoor in recipe.backdoors:
        target, sources = eligibility.classes_of(backdoor, dataset)
        ids = None if backdoor.ids is None else {*backdoor.ids}
        for sample in dataset.of("train") if training else ():
            fits = eligibility.fits(sample, backdoor, target, sources) and (ids is None or sample.id in ids)
            if sample.label is not None and (fits or backdoor.cover_rate):
                found[sample.id] = sample
        for sample in held if recipe.attack_set else ():
            if sample.label is not None and (backdoor.label_mode == "all-to-all" or target not in sample.labels):
                found[sample.id] = sample
    return list(found.values())


def refusal(blocked: Mapping[str, Sequence[Problem]], total: int) -> RequestError:
    """What to say of files that cannot be written, of so many that would be: each kind, how many, and what helps."""
    remedies = dict.fromkeys(p.remedy for why in blocked.values() for p in why if p.remedy)
    if remedies.keys() <= {"--to-8bit", "--deinterlace"}:
        helps = f"`{' '.join(remedies)}` converts them, clean samples too"
    elif remedies.keys() <= _BY_CONVERT:
        helps = "`--encode convert` converts them, clean samples too, and writes the others in their own families"
    else:
        helps = f"What helps: {'; '.join(remedies)}" if remedies else "Convert them first"
    return RequestError(
        f"{_counted(len(blocked), total)} cannot be rewritten: {_kinds(blocked)}. {helps}; `--skip-unwritable` leaves "
        "them as they are, without a trigger."
    )


def _counted(some: int, total: int) -> str:
    return f"{some} of {total} files"


def _kinds(blocked: Mapping[str, Sequence[Problem]]) -> str:
    """Each reason with how many files it has and the first of them, the most frequent first."""
    files: dict[str, list[str]] = {}
    for name, why in blocked.items():
        for problem in why:
            files.setdefault(problem.message.rstrip("."), []).append(name)
    kinds = sorted(files.items(), key=lambda each: -len(each[1]))
    return "; ".join(f"{len(names)} × {message} ({_some(names)})" for message, names in kinds)


def _some(names: Collection[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in [*names][:NAMED])
    return f"{shown} and {len(names) - NAMED} more" if len(names) > NAMED else shown
