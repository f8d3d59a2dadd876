"""Jobs on this machine, by joblib: clips, not threads, are the unit of parallelism."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from poisonkit import media
from poisonkit.common import time_limit
from poisonkit.common.child_imports import safe_path
from poisonkit.common.run_claim import Claim, acting_for, claim
from poisonkit.engine.clips.job import Job
from poisonkit.engine.clips.worker import Result, died_on, process, ran_over
from poisonkit.engine.executors.pool import ByValue, results
from poisonkit.engine.executors.threads import one_thread
from poisonkit.errors import PoisonkitError

T = TypeVar("T")
R = TypeVar("R")

FALSE_STARTS = 5  # so many pools in a row in which nothing was begun, and the run gives up
DEATHS = 2  # so many dead workers and a job is quarantined


def run_here(jobs: Sequence[Job]) -> Generator[Result, None, None]:
    """Records of all jobs, one after the other in this process."""
    with one_thread():
        yield from map(process, jobs)


def run(jobs: Sequence[Job], n_jobs: int, marks: Path, clean_up: Callable[[], None]) -> Generator[Result, None, None]:
    """Records of all jobs, in the order in which they finish, from workers of their own.

    A worker that dies (killed, out of memory, a crash in a codec) breaks joblib's pool: what was running
    then is run again one by one in fresh pools, and a job that two workers died on is recorded as failed. So is, at
    once, a job whose worker ended itself because its time was over; what ran beside it is done again.
    `marks` is a folder where workers note what they are running; `clean_up` removes what a dead one left. Closed, or
    left by an error, it leaves no worker behind.
    """
    with safe_path():
        yield from _run(jobs, n_jobs, marks, clean_up)


def _run(jobs: Sequence[Job], n_jobs: int, marks: Path, clean_up: Callable[[], None]) -> Generator[Result, None, None]:
    from joblib import delayed
    from joblib.externals.loky.process_executor import BrokenProcessPool

    left = {job.task.key: job for job in jobs}
    deaths: dict[str, int] = {}
    in_vain = 0
    marks.mkdir(parents=True, exist_ok=True)
    while left:
        suspects = [key for key in left if deaths.get(key)]
        batch = [left[suspects[0]]] if suspects else list(left.values())
        for mark in marks.iterdir():
            media.remove(mark)
        calls = [delayed(_marked)(ByValue(job), str(marks), i, claim()) for i, job in enumerate(batch)]
        try:
            with closing(results(calls, n_jobs)) as rows:
                for key, row in rows:
                    del left[key]
                    yield row
        except BrokenProcessPool as error:  # also when a worker dies while it hands over a record
            clean_up()
            noted = {batch[int(mark.name)].task.key: mark for mark in marks.iterdir() if mark.name.isdigit()}
            slow = [key for key, mark in noted.items() if key in left and time_limit.ran_out(mark)]
            in_vain = 0 if noted or len(batch) > len(left.keys() & {job.task.key for job in batch}) else in_vain + 1
            if in_vain == FALSE_STARTS:
                raise PoisonkitError(
                    "Workers die before they begin (out of memory, a library that is broken, or a trigger that only "
                    "this program can load: then --jobs 1, or write the trigger into a file)."
                ) from error
            for key in slow:
                yield ran_over(left.pop(key))
            for key in noted.keys() & left.keys() if not slow else ():
                deaths[key] = deaths.get(key, 0) + 1
            for key in [k for k, n in deaths.items() if n >= DEATHS and k in left]:
                yield died_on(left.pop(key))


def map_unordered(
    function: Callable[[T], R], tasks: Sequence[T], n_jobs: int, died: Callable[[T], R] | None = None
) -> Generator[R, None, None]:
    """Results of a function that never raises, in the order in which they come; in this process with one job.

    died: the result of a task that a worker died on, also when it was run alone; without it PoisonkitError.
    """
    if n_jobs == 1:
        with one_thread():
            yield from map(function, tasks)
        return
    with safe_path():
        yield from _map_unordered(function, tasks, n_jobs, died)


def _map_unordered(
    function: Callable[[T], R], tasks: Sequence[T], n_jobs: int, died: Callable[[T], R] | None
) -> Generator[R, None, None]:
    from joblib import delayed
    from joblib.externals.loky.process_executor import BrokenProcessPool

    left = list(range(len(tasks)))
    alone = False
    while left:
        batch = left[:1] if alone else list(left)
        calls = [delayed(_numbered)(ByValue(function), ByValue(tasks[i]), i, claim()) for i in batch]
        try:
            with closing(results(calls, n_jobs)) as found:
                for index, result in found:
                    left.remove(index)
                    yield result
        except BrokenProcessPool:  # also when a worker dies while it hands over a record
            if alone and died is None:
                raise PoisonkitError(
                    "A worker died (out of memory, or killed); the same command tries again."
                ) from None
            if alone and died is not None:
                yield died(tasks[left.pop(0)])
            alone = True


def _numbered(function: ByValue[Callable[[T], R]], task: ByValue[T], index: int, claim: Claim | None) -> tuple[int, R]:
    with acting_for(claim):
        return index, function.value(task.value)


def _marked(handed: ByValue[Job], marks: str, index: int, claim: Claim | None) -> tuple[str, Result]:
    job, mark = handed.value, Path(marks, str(index))
    with acting_for(claim), time_limit.watch(mark, job.time_limit) as know:
        row = process(job, know)
    with acting_for(claim):
        media.remove(mark)
    return job.task.key, row
