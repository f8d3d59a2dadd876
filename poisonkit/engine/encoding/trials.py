"""What an encoding leaves of triggers in single clips: each written with and without them, and compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from poisonkit import media
from poisonkit.datasets import Sample
from poisonkit.engine.clips.job import Job, Places, Treatment, as_files
from poisonkit.engine.clips.survival import Measurement, measure
from poisonkit.engine.clips.worker import Stopped, clip_of, process
from poisonkit.engine.executors import local
from poisonkit.errors import MediaError, PoisonkitError, told
from poisonkit.media.info import Encode, MediaInfo, Problem
from poisonkit.metrics.survival import least_gain, survival_summary
from poisonkit.outputs.record import Fidelity
from poisonkit.plan.plan import Task
from poisonkit.recipe.encodings import parse_encode
from poisonkit.triggers.core.chain import Chain
from poisonkit.triggers.core.trigger import Trigger


@dataclass(frozen=True)
class Trial:
    """One clip to be tried. setting: `job.encode` as it was asked for. number: different for each in `scratch`."""

    job: Job
    setting: str
    scratch: str
    number: int


@dataclass(frozen=True)
class Outcome:
    """How a trial ended. status: `refused` where the clip cannot be written so, or lacks what the triggers are for;
    problem says why it is not `ok`.

    codec: of the source's touched streams, such as `h264` or `h264+aac`. fidelity: as a manifest's, measured.
    """

    number: int
    setting: str
    codec: str
    status: Literal["ok", "failed", "inert", "refused"]
    problem: str = ""
    source_bytes: int = 0
    bytes: int = 0
    fidelity: Fidelity | None = None

    @property
    def gain(self) -> float:
        """Of the weaker of picture and sound. Only where the status is `ok`."""
        assert self.fidelity is not None
        return least_gain(self.fidelity)


def job_on(
    clip: Path, name: str, triggers: Sequence[Trigger], encode: Encode, *, seed: int = 0, stream: Any = "best"
) -> Job:
    """A job that puts triggers into a clip of the user's, as into one of an attack set."""
    task = Task("attack", Sample(name, clip.name, "test", 0), clip.name, 0, target=0, backdoor=0, attack="trial")
    return Job(
        task=task,
        classes=("",),
        places=Places(str(clip.absolute()), ""),
        treatment=Treatment(tuple(triggers), frozenset(Chain(triggers).touches), seed),
        encode=encode,
        stream=stream,
    )


def attempt(trial: Trial) -> Outcome:
    """Write the clip with its triggers and without, decode both, and measure. Never raises for a bad clip."""
    try:
        with as_files(trial.job) as job:
            return _attempt(trial, job)
    except (PoisonkitError, OSError) as error:
        return Outcome(trial.number, trial.setting, "", "failed", told(error))


def _attempt(trial: Trial, job: Job) -> Outcome:
    source, how = job.places.halves, job.treatment
    try:
        info = source.probe(job.stream)
        size = source.size()
    except (MediaError, OSError) as error:
        return Outcome(trial.number, trial.setting, "", "failed", told(error))
    touched = [("video", info.video), ("audio", info.audio)]
    codec = "+".join(s.codec for name, s in touched if name in how.touches and s is not None)

    def ended(status: Any, problem: str = "", **more: Any) -> Outcome:
        return Outcome(trial.number, trial.setting, codec, status, problem, size, **more)

    for modality, stream in touched:
        if modality in how.touches and stream is None:
            return ended("refused", f"'{job.task.id}' has no {'picture' if modality == 'video' else 'sound'}.")
    if problem := Chain(how.triggers).suits(clip_of(info, job.task.id)):
        return ended("refused", problem)
    refused = _refusals(job, info)
    if refused:
        remedy = f" Remedy: {refused[0].remedy}." if refused[0].remedy else ""
        return ended("refused", refused[0].message + remedy)
    places = replace(job.places, out=trial.scratch)
    job = replace(job, places=places, task=job.task.apart(f"trial-{trial.number}", source.picture.suffix))
    written = Path(trial.scratch, job.task.path.partition("/")[0])
    try:
        row = process(job)
        if isinstance(row, Stopped):
            return ended("failed", row.error)
        if row["status"] != "ok":
            return ended("inert" if row["status"] == "inert" else "failed", str(row["error"]))
        _, found = measure(Measurement(job, row, None, trial.scratch))
        if isinstance(found, str):
            return ended("failed", found)
        return ended("ok", bytes=job.halves.size(), fidelity=found)
    finally:
        media.remove(written)


def _refusals(job: Job, info: MediaInfo) -> tuple[Problem, ...]:
    """Why the source, probed, cannot be written so."""
    touches = job.treatment.touches
    if job.places.sound is None:
        return media.refusals(info, job.encode, touches)
    halves = zip(job.places.halves.files, ("video", "audio"), strict=True)
    return tuple(p for path, m in halves if m in touches for p in media.refusals(media.probe(path), job.encode, (m,)))


def died(trial: Trial) -> Outcome:
    """What is said of a clip on which a worker died."""
    return Outcome(
        trial.number, trial.setting, "", "failed", f"a worker died on '{trial.job.task.id}' ({trial.setting})."
    )


@dataclass(frozen=True)
class Cell:
    """What one encoding left of one row of triggers, over the clips of one codec.

    gain, cosine: means; gain_worst: the least. size: bytes of the poisoned files over those of their sources. verdicts,
    statuses: how many clips had each. figures: as `SurvivalSummary.figures`. problems: (clip, why) of those
    without a gain.
    """

    trigger: str
    codec: str
    setting: str
    statuses: dict[str, int]
    verdicts: dict[str, int]
    gain: float | None
    gain_worst: float | None
    cosine: float | None
    size: float | None
    figures: dict[str, float]
    problems: tuple[tuple[str, str], ...]

    @property
    def verdict(self) -> str:
        """The worst that any clip had; what became of them all if none was measured."""
        for word in ("lost", "buried", "survived"):
            if self.verdicts.get(word):
                return word
        return next(iter(self.statuses), "")


def tabulate(
    clips: Sequence[Path],
    rows: Mapping[str, Sequence[Trigger]],
    settings: Sequence[str],
    *,
    scratch: str,
    jobs: int = 1,
    seed: int = 0,
    stream: Any = "best",
    watch: Callable[[], None] = lambda: None,
) -> list[Cell]:
    """Every row of triggers through every setting, on every clip; cells by row, then codec, then setting.

    rows: name -> triggers, composed if there are several. scratch: a folder for what is written on the way.
    """
    asked: list[tuple[str, str, Path, Trial]] = []
    trials: dict[tuple[str, str, Path], Trial] = {}
    for name, triggers in rows.items():
        for setting in settings:
            for clip in clips:
                same = (name, _heard(setting) if Chain(triggers).touches == {"audio"} else setting, clip)
                if same not in trials:
                    job = job_on(clip, clip.name, triggers, parse_encode(setting), seed=seed, stream=stream)
                    trials[same] = Trial(job, setting, scratch, len(trials))
                asked.append((name, setting, clip, trials[same]))
    done: dict[int, Outcome] = {}
    for outcome in local.map_unordered(attempt, list(trials.values()), min(jobs, max(1, len(trials))), died):
        done[outcome.number] = outcome
        watch()
    groups: dict[tuple[str, str, str], list[tuple[str, Outcome]]] = {}
    for name, setting, clip, trial in asked:
        outcome = done[trial.number]
        groups.setdefault((name, outcome.codec, setting), []).append((clip.name, outcome))
    order = list(rows)
    return sorted(
        (_cell(*key, found) for key, found in groups.items()), key=lambda c: (order.index(c.trigger), c.codec)
    )


def _heard(setting: str) -> str:
    """Settings that write sound alike count as one."""
    return "match" if setting.startswith("crf:") else setting


def _cell(trigger: str, codec: str, setting: str, found: Sequence[tuple[str, Outcome]]) -> Cell:
    measured = [o for _, o in found if o.status == "ok" and o.fidelity is not None]
    rows = [{"id": "", "fidelity": o.fidelity} for o in measured]
    seen = survival_summary(rows)
    cosines = [c for o in measured if o.fidelity is not None and (c := o.fidelity["cosine"]) is not None]
    return Cell(
        trigger,
        codec,
        setting,
        dict(Counter(o.status for _, o in found)),
        seen.verdicts,
        seen.gain_mean if measured else None,
        seen.gain_worst if measured else None,
        sum(cosines) / len(cosines) if cosines else None,
        sum(o.bytes for o in measured) / max(1, sum(o.source_bytes for o in measured)) if measured else None,
        seen.figures,
        tuple((clip, o.problem) for clip, o in found if o.status != "ok"),
    )
