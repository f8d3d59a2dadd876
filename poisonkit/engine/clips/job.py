"""A job: all that a worker needs to make the files of one task. Paths travel, frames never do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from poisonkit.datasets import at_hand
from poisonkit.engine.finishing.linking import Method
from poisonkit.media.info import Encode
from poisonkit.outputs.sample_files import Halves
from poisonkit.plan.plan import Plan, Task
from poisonkit.recipe.recipe import Recipe
from poisonkit.triggers.core.chain import Chain
from poisonkit.triggers.core.spans import Spans
from poisonkit.triggers.core.trigger import Trigger


@dataclass(frozen=True)
class Places:
    """Where a job reads, and below which folder it writes. cover_source: a file that a cover sample is mixed with.
    sound: of a pair, the sound that belongs to the picture `source`."""

    source: str
    out: str
    cover_source: str | None = None
    sound: str | None = None

    @property
    def halves(self) -> Halves:
        """What is read."""
        return Halves(Path(self.source), Path(self.sound or self.source))


@dataclass(frozen=True)
class Treatment:
    """What is done to a clip. touches: the modalities that are encoded again. frames: the frame budget. spans: where
    alone triggers are applied, if not everywhere.

    matched_triggers: of a clip without triggers, those of the clips that it is to be compared with.
    """

    triggers: tuple[Trigger, ...]
    touches: frozenset[str]
    seed: int
    frames: str = "all"
    matched_triggers: tuple[Trigger, ...] = ()
    spans: Spans | None = None

    def without_triggers(self) -> Treatment:
        """That of the clip that is compared with one treated so."""
        return replace(self, triggers=(), matched_triggers=self.triggers, spans=None)


@dataclass(frozen=True)
class Job:
    """One task for a worker. time_limit: see `time_limit`; for workers that can be ended.

    untouched: how the half of a pair that nothing changes comes into the output.
    """

    task: Task
    classes: tuple[str, ...]
    places: Places
    treatment: Treatment
    encode: Encode
    stream: Literal["best"] | int = "best"
    time_limit: float = 1.0
    untouched: Method = "hardlink"

    @property
    def halves(self) -> Halves:
        """What it writes."""
        return Halves(self.file(), self.file(self.task.sound_paths[0] if self.task.sound_paths else None))

    def file(self, name: str | None = None) -> Path:
        """The file of its output with this name; by default the one that it writes."""
        return Path(self.places.out, self.task.path if name is None else name)


def job_of(task: Task, recipe: Recipe, plan: Plan, source: Path, out: str) -> Job:
    """The job of a task of a plan. source, out: the folders that its paths are below."""
    backdoor, triggered = recipe.backdoors[task.backdoor or 0], task.role in ("poisoned", "cover", "attack")
    triggers = backdoor.triggers_of(task.role)
    if triggered and not triggers:  # only relabelled: made as clean samples are
        triggered = False
        triggers = backdoor.triggers_of("attack") if recipe.clean == "reencode" else ()
    treatment = Treatment(
        triggers=triggers,
        touches=frozenset(Chain(triggers).touches),
        seed=recipe.seed,
        spans=backdoor.spans_of(task.id),
        frames=backdoor.attack_frames if task.role == "attack" else backdoor.frames if triggered else "all",
    )
    return Job(
        task=task,
        classes=plan.classes,
        places=places_of(task, source, out),
        treatment=treatment if triggered else treatment.without_triggers(),
        encode=recipe.encoded(plan.setting),
        stream=recipe.stream,
    )


def places_of(task: Task, source: Path, out: str) -> Places:
    """Where a task's files are read, below the data root, and written."""
    cover, sound = (None if name is None else str(source / name) for name in (task.cover_source, task.sample.sound))
    return Places(str(source / task.source_path), out, cover, sound)


@contextmanager
def as_files(job: Job) -> Iterator[Job]:
    """The job, its source a file by itself: members of shards are copied out for as long as the body runs."""
    places, out = job.places, Path(job.places.out)
    scratch = out.with_name("scratch") if out.name == "staged" else None
    with ExitStack() as stack:
        source = str(stack.enter_context(at_hand(places.source, scratch)))
        cover = places.cover_source and str(stack.enter_context(at_hand(places.cover_source, scratch)))
        yield replace(job, places=replace(places, source=source, cover_source=cover))
