"""`--encode auto`: the encoding with the fewest bytes that keeps enough of the triggers, found on a few clips.

What was found is saved with the plan, so that whatever continues or shares the work uses the same.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice, zip_longest
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from poisonkit.common.seeding import key64
from poisonkit.datasets import Dataset
from poisonkit.engine.clips import survival_sample
from poisonkit.engine.clips.job import job_of
from poisonkit.engine.encoding.trials import Outcome, Trial, attempt, died
from poisonkit.engine.executors import local
from poisonkit.engine.state.progress import Progress
from poisonkit.errors import Interrupted, PoisonkitError, RequestError
from poisonkit.media.families import FAMILIES
from poisonkit.outputs.record import rounded
from poisonkit.plan.plan import Plan, Task
from poisonkit.recipe.recipe import Recipe
from poisonkit.survey.file_checks import info_of

CLIPS = 8  # of each backdoor that a setting has to hold on
FIRST = 2  # of each backdoor: what fails on them, or costs more than what is known to hold, goes no further
TOLERANCE = {2: 13.09, 3: 5.31, 4: 3.96, 5: 3.40, 6: 3.09, 7: 2.89, 8: 2.75}
"""Clips -> standard deviations that their mean has to lie above what is required, so that 95 % of all clips keep it
with a confidence of 90 %: one-sided tolerance factors of the normal distribution."""
HEADROOM = 0.02  # that each clip has to lie above it: other decoders see as much more or less
CRF = (28, 23, 14, 10, 6, 2)  # beside `match`
QUANTISER = (5, 3, 1)
FULL_CHROMA = ("444:23", "444", "444:10", "444:4")


@dataclass
class Tried:
    """One setting on the clips that were searched on."""

    setting: str
    outcomes: list[Outcome] = field(default_factory=list)
    backdoors: Mapping[int, int] = field(default_factory=dict)  # the outcomes' numbers -> which backdoor's clip it is
    dearer: bool = False  # than one that holds: given up after the first clips

    @property
    def measured(self) -> list[Outcome]:
        """The clips whose survival was measured."""
        return [o for o in self.outcomes if o.status == "ok"]

    @property
    def refused(self) -> str:
        """Why a clip cannot be written so; "" where all can."""
        return next((o.problem for o in self.outcomes if o.status == "refused"), "")

    @property
    def failed(self) -> str:
        """Why no clip was written so, where that failed on the way."""
        return "" if self.measured else next((o.problem for o in self.outcomes if o.status == "failed"), "")

    @property
    def worst(self) -> float:
        """The lowest gain of these clips; 0 without any."""
        return min((o.gain for o in self.measured), default=0.0)

    def holds(self, required: float) -> bool:
        """On each clip at least this gain and some headroom, nothing buried, and enough of a margin for other clips."""
        return not self.flaw(required)

    def flaw(self, required: float) -> str:
        """Why it does not hold, in a word or two; "" where it does."""
        gains = [o.gain for o in self.measured]
        if self.refused:
            return "impossible"
        if not gains:
            return "failed"
        if min(gains) < needed(required):
            return "too little"
        if any(o.fidelity is not None and o.fidelity["verdict"] == "buried" for o in self.measured):
            return "buried in noise"
        groups: dict[int, list[float]] = {}
        for o in self.measured:
            groups.setdefault(self.backdoors.get(o.number, 0), []).append(o.gain)
        return "" if all(lower_limit(g) >= required for g in groups.values()) else "too uneven"

    def size(self, clips: Iterable[int] | None = None) -> float:
        """Bytes of the poisoned files over those of their sources; of these clips, by number, or all measured."""
        some = [o for o in self.measured if clips is None or o.number in clips]
        return sum(o.bytes for o in some) / max(1, sum(o.source_bytes for o in some))

    def as_json(self, required: float) -> dict[str, Any]:
        """What the summary and run.json say of it. required: the gain that was asked for."""
        gains = [o.gain for o in self.measured]
        found = {
            "setting": self.setting,
            "clips": len(gains),
            "gain_mean": fmean(gains) if gains else None,
            "gain_worst": self.worst if gains else None,
            "size": self.size() if gains else None,
            "holds": self.holds(required) and not self.dearer,
        }
        why = {word: text for word, text in (("refused", self.refused), ("failed", self.failed)) if text}
        return dict(rounded({**found, **why}))

    def told(self, required: float) -> str:
        """What was seen, and why it was not taken."""
        why = "dearer" if self.dearer else self.flaw(required)
        if not self.measured:
            return f"{self.setting} ({why})"
        clips = f"{len(self.measured)} clip{'s' * (len(self.measured) > 1)}"
        return f"{self.setting} (worst of {clips} {self.worst:.3f}, {self.size():.1f} times the bytes: {why})"


def lower_limit(gains: Sequence[float]) -> float:
    """What 95 % of all clips keep, going by these. One clip says nothing of others: its own gain."""
    if len(gains) < 2:
        return min(gains)
    return fmean(gains) - TOLERANCE.get(len(gains), TOLERANCE[CLIPS]) * stdev(gains)


def needed(required: float) -> float:
    """The gain that every clip searched on has to keep."""
    return min(1.0, required + HEADROOM)


def searched(plan: Plan, recipe: Recipe) -> list[Task]:
    """The clips to search on: of each backdoor a few, of every kind of file and class; poisoned ones, and attack clips
    where these are too few and enough are left to be measured, or where they have a form of their own."""
    found: list[list[Task]] = []
    for index in range(len(recipe.backdoors)):
        backdoor = recipe.backdoors[index]
        mine = [t for t in plan.tasks if t.backdoor == index and backdoor.triggers_of(t.role)]
        poisoned, attacks = ([t for t in mine if t.role == role] for role in ("poisoned", "attack"))
        taken = _varied(poisoned, recipe.seed)
        if backdoor.attack_triggers is not None:  # both forms have to survive
            taken = taken[: CLIPS - CLIPS // 2]
        spare = len(attacks) - survival_sample.AT_LEAST if taken else len(attacks)
        found.append(taken + _varied(attacks, recipe.seed)[: max(0, min(CLIPS - len(taken), spare))])
    return list(_in_turn(found))


def _varied(tasks: Sequence[Task], seed: int) -> list[Task]:
    """At most `CLIPS`, the kinds of files in turn, and of each the classes in turn, all in the order of their keys."""
    kinds: dict[str, dict[int | None, list[Task]]] = {}
    for task in sorted(tasks, key=lambda t: (key64(seed, "encode", t.id), t.id)):
        classes = kinds.setdefault(Path(task.source_path).suffix.lower(), {})
        classes.setdefault(task.original_label, []).append(task)
    return list(islice(_in_turn(_in_turn(classes.values()) for classes in kinds.values()), CLIPS))


def _in_turn(groups: Iterable[Iterable[Task]]) -> list[Task]:
    return [t for t in chain.from_iterable(zip_longest(*groups)) if t is not None]


def ladders(codecs: frozenset[str], touches: frozenset[str]) -> list[tuple[str, ...]]:
    """Settings to try, in ladders that climb in bytes. codecs: families of the pictures that are encoded."""
    if "video" not in touches:
        return [("match",), ("lossless",)]
    known = [FAMILIES[c] for c in codecs if c in FAMILIES and FAMILIES[c].quality is not None]
    if len(known) < len(codecs) or not known:
        return [("match",), FULL_CHROMA, ("lossless",)]
    numbers = {f.scale: CRF if f.scale == "crf" else QUANTISER for f in known}
    low, high = max(f.limits[0] for f in known), min(f.limits[1] for f in known)
    defaults = {f.quality for f in known}
    usual = max(q for q in defaults if q is not None)
    useful = [n for n in numbers["crf" if len(numbers) == 1 and "crf" in numbers else "q"] if low <= n <= high]
    coarse = tuple(f"crf:{n}" for n in useful if n > usual)
    fine = tuple(f"crf:{n}" for n in useful if n < usual)
    return [(*coarse, "match", *fine), FULL_CHROMA, ("lossless",)]


def _elsewhere(problem: str) -> str:
    """A problem without the remedy that the search has tried."""
    return problem.replace("--encode match, or ", "").removesuffix(" Remedy: --encode match.")


class Search:
    """A search for one plan. RequestError where nothing keeps enough, with what would."""

    def __init__(self, recipe: Recipe, dataset: Dataset, plan: Plan, jobs: int, progress: Progress) -> None:
        assert recipe.require_survival is not None
        self.recipe, self.dataset, self.plan = recipe, dataset, plan
        self.required = recipe.require_survival
        self.jobs, self.progress = jobs, progress
        self.tasks = searched(plan, recipe)
        self.tried: list[Tried] = []

    def run(self) -> dict[str, Any]:
        """{setting, required, clips, tried, why}: what the plan keeps, JSON-able."""
        best: Tried | None = None
        if self.tasks:
            self.progress.begin("Searching the encoding", 0)
            try:
                with tempfile.TemporaryDirectory(prefix="poisonkit-") as scratch:
                    best = self._climb(scratch)
            except KeyboardInterrupt:
                raise Interrupted(
                    "Interrupted while the encoding was searched; the same command starts again."
                ) from None
            finally:
                self.progress.end()
        if best is None:
            return self._found("match", "nothing could be tried, so it is `match`")
        measured = len(best.measured)
        rivals = ", ".join(t.told(self.required) for t in self.tried if t.dearer or not t.holds(self.required))
        why = (
            f"of {len(self.tried)} settings `{best.setting}` makes the smallest files that keep {self.required:g} of "
            f"the trigger with a margin: at least {needed(self.required):g} on each of {measured} clips, and by their "
            f"spread {self.required:g} on 95 % of all (worst {best.worst:.3f}, {best.size():.1f} times the source's "
            "bytes)"
        )
        if best.setting == "lossless":
            why = (
                f"nothing short of `lossless` keeps {self.required:g} of the trigger with a margin on each of "
                f"{measured} clips (it takes {best.size():.1f} times the source's bytes)"
            )
        return self._found(best.setting, why + (f"; not taken: {rivals}" if rivals else "") + self._notes(best))

    def _found(self, setting: str, why: str) -> dict[str, Any]:
        return {
            "setting": setting,
            "required": self.required,
            "clips": [t.key for t in self.tasks],
            "tried": [t.as_json(self.required) for t in self.tried],
            "why": why,
        }

    def _notes(self, best: Tried) -> str:
        """What the triggers say of codecs, where the search went as far as it could."""
        if best.setting != "lossless":
            return ""
        triggers = {
            t.name: t.codec_note.rstrip(".") for b in self.recipe.backdoors for t in b.every_trigger if t.codec_note
        }
        return "".join(f". {name}: {note}" for name, note in triggers.items())

    def _climb(self, scratch: str) -> Tried | None:
        codecs, touches = self._kinds()
        best: Tried | None = None
        for ladder in ladders(codecs, touches):
            for setting in ladder:
                now = self._try(setting, best, scratch)
                self.tried.append(now)
                if now.dearer:
                    break
                if now.holds(self.required):
                    best = now if best is None or now.size() < best.size() else best
                    break
        if best is None and any(t.measured or t.refused or t.failed for t in self.tried):
            raise RequestError(self._nothing())
        return best

    def _nothing(self) -> str:
        tried = ", ".join(t.told(self.required) for t in self.tried)
        most = next((t for t in reversed(self.tried) if t.refused or t.failed), None)
        why = "" if most is None else f" {most.setting}: {_elsewhere(most.refused or most.failed)}"
        return (
            f"--encode auto: no setting keeps {self.required:g} of the trigger with a margin (tried: {tried}).{why} "
            "A stronger trigger would keep more; or ask for less with --require-survival."
        )

    def _kinds(self) -> tuple[frozenset[str], frozenset[str]]:
        touches = frozenset(m for b in self.recipe.backdoors for m in b.touches)
        codecs = set()
        for task in self.tasks:
            try:
                info = info_of(self.dataset.root / task.source_path, stream=self.recipe.stream)
            except (PoisonkitError, OSError):
                continue
            if info.video is not None:
                codecs.add(info.video.codec)
        return frozenset(codecs), touches

    def _try(self, setting: str, best: Tried | None, scratch: str) -> Tried:
        now = Tried(setting, backdoors={i: t.backdoor or 0 for i, t in enumerate(self.tasks)})
        jobs = (job_of(t, self.recipe, self.plan, self.dataset.root, scratch) for t in self.tasks)
        encode = self.recipe.encoded(setting)
        trials = [Trial(replace(job, encode=encode), setting, scratch, i) for i, job in enumerate(jobs)]
        first = FIRST * len(self.recipe.backdoors)
        now.outcomes += self._outcomes(trials[:first])
        if best is not None and now.measured:
            same = {o.number for o in now.measured}
            now.dearer = now.size(same) >= best.size(same)
        fails = now.refused or (now.measured and now.worst < needed(self.required))
        if not now.dearer and not fails:
            now.outcomes += self._outcomes(trials[first:])
        return now

    def _outcomes(self, trials: Sequence[Trial]) -> list[Outcome]:
        if not trials:
            return []
        found = []
        run: Callable[..., Any] = local.map_unordered
        for outcome in run(attempt, trials, min(self.jobs, max(2, len(trials))), died):
            self.progress.step()
            found.append(outcome)
        return sorted(found, key=lambda o: o.number)
