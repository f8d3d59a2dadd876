"""Where work runs. Every executor yields the same records for the same jobs, in any order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from poisonkit.engine.clips.job import Job
from poisonkit.engine.clips.worker import Result
from poisonkit.engine.executors import local
from poisonkit.engine.state.options import Options
from poisonkit.errors import RequestError, did_you_mean

EXECUTORS = ("local", "dask")

T = TypeVar("T")
R = TypeVar("R")


class Executor(Protocol):
    """Runs jobs somewhere. It never raises for one job's sake."""

    @property
    def workers(self) -> int:
        """How many jobs it does at a time."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Result]:
        """Records of all jobs, as they finish. A job that workers died on twice is recorded as failed."""

    def map(self, function: Callable[[T], R], tasks: Sequence[T], died: Callable[[T], R]) -> Iterator[R]:
        """Results of a function that never raises, as they come. died: the result of a task that workers die on."""


class Local:
    """This machine's processors."""

    def __init__(self, options: Options, marks: Path, clean_up: Callable[[], None]) -> None:
        self.options, self.marks, self.clean_up = options, marks, clean_up

    @property
    def workers(self) -> int:
        """See `Executor.workers`."""
        return self.options.n_jobs

    def run(self, jobs: Sequence[Job]) -> Iterator[Result]:
        """See `Executor.run`."""
        if self.options.in_process:
            return local.run_here(jobs)
        return local.run(jobs, self._at_once(jobs), self.marks, self.clean_up)

    def map(self, function: Callable[[T], R], tasks: Sequence[T], died: Callable[[T], R]) -> Iterator[R]:
        """See `Executor.map`."""
        return local.map_unordered(function, tasks, self._at_once(tasks), died)

    def _at_once(self, tasks: Sequence[object]) -> int:
        return min(self.options.n_jobs, max(2, len(tasks)))


@contextmanager
def opened(options: Options, out: Path, source: Path, marks: Path, clean_up: Callable[[], None]) -> Iterator[Executor]:
    """The executor that was asked for, with which an output is made of a source, both folders.

    marks: a folder where workers note what they are running. clean_up: removes what a dead one left.
    """
    if options.executor == "local":
        if options.scheduler is not None:
            raise RequestError(f"--scheduler {options.scheduler} is for --executor dask.")
        yield Local(options, marks, clean_up)
        return
    if options.executor != "dask":
        raise RequestError(f"--executor {options.executor}: not known.{did_you_mean(options.executor, EXECUTORS)}")
    from poisonkit.engine.executors import dask

    with dask.connected(options, out, source, marks, clean_up) as cluster:
        yield cluster
