"""What a run keeps in `poisonkit/.state`: its lock, its ledger, what it noticed. Each shard of a plan has its own."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from poisonkit import media
from poisonkit.common import atomic
from poisonkit.common.run_claim import acting_for, guard_of, step
from poisonkit.datasets import Dataset
from poisonkit.engine.finishing import linking
from poisonkit.engine.finishing.clean_samples import read_needs
from poisonkit.engine.state.ledger import is_measurement, merge, read_rows
from poisonkit.engine.state.locks import lock, retire
from poisonkit.engine.state.options import Options, Shard
from poisonkit.errors import RequestError
from poisonkit.outputs import record
from poisonkit.outputs.paths import (
    CLEAN,
    DONE,
    HOME,
    LEDGER,
    LEVEL,
    LOCK,
    MEASURED,
    RUNNING,
    STATE,
    STATE_SHARDS,
    UNCLEAN,
    VIEWS,
    OutputPaths,
    part_name,
)
from poisonkit.plan.plan import Task
from poisonkit.recipe.recipe import Recipe
from poisonkit.survey.file_checks import Need


@dataclass(frozen=True)
class State:
    """Where the state of one run lies. attack: the added attack set that it makes; shard: its part of the plan."""

    out: Path
    attack: str | None = None
    shard: Shard | None = None

    @property
    def paths(self) -> OutputPaths:
        """Every name in the output."""
        return OutputPaths(self.out)

    @property
    def root(self) -> Path:
        """What is common to all runs on this output."""
        return self.paths.state

    @property
    def shards(self) -> Path:
        """Where the shards of this plan have a folder each."""
        return self.root / STATE_SHARDS / part_name(self.attack)

    @property
    def folder(self) -> Path:
        """This run's own folder: the state itself, or its shard's."""
        return self.root if self.shard is None else self.shards / f"{self.shard.index}-of-{self.shard.of}"

    @property
    def whole(self) -> State:
        """The state of the whole plan."""
        return replace(self, shard=None)

    @property
    def source(self) -> Path:
        """Where the clean dataset lies, until run.json says it."""
        return self.paths.noted_source

    @property
    def level(self) -> Path:
        """The level that the output was begun at."""
        return self.root / LEVEL

    @property
    def lock(self) -> Path:
        """Held while this run lives."""
        return self.folder / LOCK

    def kept(self) -> frozenset[str]:
        """Names of what this run has in its folder already: its lock, and what it shows the workers of a cluster."""
        probes = [path.name for path in self.folder.glob(".probe.*")]
        return frozenset({self.lock.name, os.path.basename(guard_of(str(self.lock))), *probes})

    @property
    def unclean(self) -> Path:
        """There while a run is going on, so after one that was killed too; not empty: a shard left something."""
        return self.folder / UNCLEAN

    def note_leftovers(self) -> None:
        """A worker, or a whole run, of this shard died: the merge has to look for what it left."""
        self.unclean.write_text("a worker died\n", encoding="utf-8")

    def end(self) -> None:
        """The run is over. Its mark goes, unless there are leftovers."""
        with suppress(FileNotFoundError):
            if not self.unclean.stat().st_size:
                self.unclean.unlink()

    @property
    def marks(self) -> Path:
        """Where workers note what they are at."""
        return self.folder / RUNNING

    @property
    def ledger(self) -> Path:
        """This run's finished jobs, one a line."""
        return self.paths.ledger(self.attack) if self.shard is None else self.folder / LEDGER

    @property
    def measured(self) -> Path:
        """Survival that was measured, by key."""
        return self.paths.measured(self.attack) if self.shard is None else self.folder / MEASURED

    @property
    def clean(self) -> Path:
        """Which clean samples have to be made like the poisoned ones."""
        return self.folder / CLEAN

    @property
    def done(self) -> Path:
        """There once a shard came to its end."""
        return self.folder / DONE

    @contextmanager
    def held(self) -> Iterator[None]:
        """For this run alone. RequestError while another one lives that it would get in the way of."""
        what = f"is writing {self.out}" if self.shard is None else f"is doing shard {self.shard} of {self.out}"
        with lock(self.lock, what) as claim:
            for path in self._excluding():
                if who := retire(path):
                    raise RequestError(f"{who[0].upper()}{who[1:]} {_doing(path, self.out)}; wait for it to end.")
            with acting_for(claim):
                yield

    def _excluding(self) -> Iterator[Path]:
        """Locks of runs that may not go on beside this one."""
        if self.shard is None:
            yield from sorted(self.root.glob(f"{STATE_SHARDS}/*/*/{LOCK}"))
            return
        yield self.whole.lock
        yield from (state.lock for state in self.parts() if state.shard and state.shard.of != self.shard.of)

    def parts(self) -> list[State]:
        """The shards that ever ran since the last merge, the latest last."""
        found = []
        for folder in self.shards.glob("*-of-*") if self.shards.is_dir() else ():
            index, _, of = folder.name.partition("-of-")
            if index.isdigit() and of.isdigit():
                found.append(replace(self, shard=Shard(int(index), int(of))))
        return sorted(found, key=lambda s: (_when(s.ledger), str(s.shard)))

    def remove_leftovers(self) -> None:
        """Remove temporary files and folders that dead processes left in the output."""
        for part in (".", *VIEWS, HOME):
            for folder, inner, files in os.walk(self.out / part):
                if part == ".":
                    inner.clear()  # what else lies in the output is not ours
                for name in filter(linking.is_temporary, (*files, *inner)):
                    if not name.startswith(_LIVING):
                        media.remove(os.path.join(folder, name))
                inner[:] = [name for name in inner if not linking.is_temporary(name)]


@dataclass(frozen=True)
class Run:
    """What a run works on. began: by the monotonic clock.

    recipe: of what is made. base: where that is an attack set for a finished output, the output's own.
    """

    recipe: Recipe
    dataset: Dataset
    state: State
    options: Options
    began: float
    base: Recipe | None = None


_LIVING = (".lock", ".probe")
"""What others, who wait for this run, or who work for it, may be at."""


def _doing(path: Path, out: Path) -> str:
    folder = path.parent
    if folder.name == STATE:
        return f"is writing {out}"
    index, _, of = folder.name.partition("-of-")
    return f"is doing shard {index}/{of} of {out}"


def _when(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def adopt(state: State) -> None:
    """Take over what shards did, as if the whole plan's run had done it; their own state is removed."""
    parts = state.parts()
    if not parts:
        return
    merge(state.ledger, [p.ledger for p in parts], record.is_record)
    merge(state.measured, [p.measured for p in parts], is_measurement)
    of = parts[-1].shard.of if parts[-1].shard else 1
    looked = [replace(state, shard=Shard(i + 1, of)).clean for i in range(of)]
    if state.attack is None and not state.clean.exists() and all(path.exists() for path in looked):
        needs: dict[str, Need] = {}
        for path in looked:
            needs.update(read_needs(path) or {})
        atomic.write_lines(state.clean, [json.dumps(needs)])
    if any(p.unclean.exists() for p in parts):
        state.unclean.touch()
    with step():
        shutil.rmtree(state.shards)
    with suppress(OSError):  # there are others
        state.shards.parent.rmdir()


def require_done(state: State, tasks: Sequence[Task], reencode: bool, stay: Set[str] = frozenset()) -> None:
    """RequestError unless every shard of a plan came to its end; it names those that did not.

    tasks: all of the plan. reencode: clean samples are written again too, but for the ids in `stay`.
    """
    parts = state.parts()
    if not parts:
        if not state.ledger.exists():
            raise RequestError(f"No shard of {state.out} has run; give the command that makes it a --shard I/N.")
        return
    of = parts[-1].shard.of if parts[-1].shard else 1
    known = read_rows(state.ledger).keys() | {key for p in parts for key in read_rows(p.ledger)}
    number = {name: i % of + 1 for i, name in enumerate(dealt(tasks))}
    work = [t for t in tasks if t.role != "clean" or (reencode and t.id not in stay)]
    all_of = Counter(number[t.id] for t in work)
    left = Counter(number[t.id] for t in work if t.key not in known)
    looked = reencode or state.clean.exists()  # a merge before this one took over everything
    ended = {p.shard.index for p in parts if p.shard and p.shard.of == of and p.done.exists()}
    open_ones = [i for i in range(1, of + 1) if left[i] or not (looked or i in ended)]
    if open_ones:
        named = [f"{i}/{of} ({left[i]} of {all_of[i]} clips left)" for i in open_ones[:NAMED]]
        more = f" and {len(open_ones) - NAMED} more" if len(open_ones) > NAMED else ""
        raise RequestError(
            f"{len(open_ones)} of {of} shards are not done: {', '.join(named)}{more}. Run them again, or do what they "
            "left with the same command without --shard."
        )


NAMED = 10  # so many shards are named


def dealt(tasks: Sequence[Task]) -> dict[str, None]:
    """Sample ids in the order in which they are dealt out to shards: those with work first, so that all have as
    much; what belongs to one sample stays together."""
    ids = dict.fromkeys(t.id for t in tasks if t.role != "clean")
    ids.update(dict.fromkeys(t.id for t in tasks))
    return ids


def share(shard: Shard, tasks: Sequence[Task]) -> frozenset[str]:
    """Ids of the samples that are a shard's."""
    return frozenset(name for number, name in enumerate(dealt(tasks)) if number % shard.of == shard.index - 1)
