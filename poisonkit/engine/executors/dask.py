"""Jobs on a running Dask cluster with a shared folder, by its futures. Paths travel, frames never do.

(Not joblib's Dask backend, which hangs when a worker dies.) Every worker is asked before anything is done: is it the
same poisonkit, does it see the source and the output? One that joins later is asked with its first clip.
"""

from __future__ import annotations

import logging
import queue
import shutil
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from poisonkit._version import __version__
from poisonkit.common import levels
from poisonkit.common.atomic import beside, token
from poisonkit.common.child_imports import safe_path
from poisonkit.common.run_claim import LostLock, claim
from poisonkit.common.time_limit import Know
from poisonkit.engine.clips.job import Job
from poisonkit.engine.clips.worker import Result, died_on, process, ran_over
from poisonkit.engine.executors import dask_worker
from poisonkit.engine.state.options import Options
from poisonkit.engine.state.progress import Progress
from poisonkit.errors import PoisonkitError, RequestError, told
from poisonkit.outputs.paths import OutputPaths

T = TypeVar("T")
R = TypeVar("R")

ANSWER = 15.0  # seconds that a scheduler has to answer
LOOK = 2.0  # seconds between looks at the cluster: is the scheduler there, how many threads are there?
GIVEN_UP = 3  # times that Dask gives a task up because its workers die, where none of them had begun it
AHEAD = 2  # so many tasks for each thread are with the scheduler, so that no thread waits for the next


@contextmanager
def connected(
    options: Options, out: Path, source: Path, marks: Path, clean_up: Callable[[], None]
) -> Iterator[Cluster]:
    """The cluster at `options.scheduler`: an address, a scheduler file, or `local` to start one here.

    RequestError where nothing answers there, or a worker cannot do the work.
    """
    try:
        import distributed
    except ImportError:
        raise RequestError("--executor dask needs Dask: pip install 'poisonkit[dask]'.") from None
    if options.scheduler is None:
        raise RequestError(
            "--executor dask needs --scheduler ADDRESS, such as tcp://host:8786 or a scheduler file; "
            "`--scheduler local` starts one here."
        )
    with _quiet(), safe_path(), _client(distributed, options) as client, _probe_file(out) as probe:
        facts = dask_worker.Facts(__version__, levels.of_process(), str(out), str(source), str(probe), token())
        cluster = Cluster(client, options.scheduler, facts, marks, clean_up)
        cluster.ask_workers(options.progress)
        yield cluster


@contextmanager
def _quiet() -> Iterator[None]:
    """What is to be said of a cluster is said by us."""
    names = [n for n in logging.root.manager.loggerDict if n.split(".")[0] in ("distributed", "tornado", "asyncio")]
    loggers = [logging.getLogger(name) for name in (*names, "distributed", "tornado", "asyncio")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(reversed(loggers), reversed(levels), strict=True):
            logger.setLevel(level)


@contextmanager
def _client(distributed: Any, options: Options) -> Iterator[Any]:
    address = str(options.scheduler)
    local = None
    try:
        if address == "local":
            local = distributed.LocalCluster(
                n_workers=options.n_jobs, threads_per_worker=1, dashboard_address=None, memory_limit=None
            )
            client = distributed.Client(local, timeout=ANSWER)
        elif "://" not in address and not Path(address).exists() and _looks_like_a_file(address):
            raise RequestError(f"There is no scheduler file {address}.")
        elif Path(address).is_file():
            client = distributed.Client(scheduler_file=address, timeout=ANSWER)
        else:
            client = distributed.Client(address, timeout=ANSWER)
    except (OSError, ValueError, KeyError, TypeError) as error:
        if local is not None:
            local.close()
        reason = " ".join(str(error).split()) or type(error).__name__
        raise RequestError(f"No Dask scheduler answers at {address} ({reason}).") from None
    try:
        yield client
    finally:
        for each in (client, local):
            if each is not None:
                with suppress(Exception):
                    each.close(timeout=5)


def _looks_like_a_file(address: str) -> bool:
    """Whether what was given for a scheduler, and is not there, is a file's name and no HOST:PORT."""
    host, colon, port = address.rpartition(":")
    return not (colon and host and port.isdigit())


@contextmanager
def _probe_file(out: Path) -> Iterator[Path]:
    """A file in the output that workers who see the same folder find."""
    folder = OutputPaths(out).state
    folder.mkdir(parents=True, exist_ok=True)
    probe = beside(folder / "probe")
    probe.touch()
    try:
        yield probe
    finally:
        probe.unlink(missing_ok=True)


class Cluster:
    """An executor whose workers are the cluster's."""

    def __init__(
        self, client: Any, address: str, facts: dask_worker.Facts, marks: Path, clean_up: Callable[[], None]
    ) -> None:
        self.client, self.address, self.facts = client, address, facts
        self.marks, self.clean_up = marks, clean_up
        self._calls = 0

    @property
    def workers(self) -> int:
        """See `Executor.workers`."""
        return max(1, sum(self._threads().values()))

    def run(self, jobs: Sequence[Job]) -> Iterator[Result]:
        """See `Executor.run`."""
        return self._map(process, jobs, died_on, ran_over)

    def map(self, function: Callable[[T], R], tasks: Sequence[T], died: Callable[[T], R]) -> Iterator[R]:
        """See `Executor.map`."""
        return self._map(partial(dask_worker.unwatched, function), tasks, died, died)

    def _map(
        self, function: Callable[[T, Know], R], tasks: Sequence[T], died: Callable[[T], R], late: Callable[[T], R]
    ) -> Iterator[R]:
        """As `Executor.map`. late: the result of a task whose time was over. PoisonkitError for a worker that joined
        and cannot do the work, and when the scheduler is gone: what was done stays done."""
        shutil.rmtree(self.marks, ignore_errors=True)
        self.marks.mkdir(parents=True)
        waiting = deque(range(len(tasks)))
        flying: dict[Any, int] = {}
        back: queue.Queue[Any] = queue.Queue()
        given_up: Counter[int] = Counter()
        room = self._room()
        try:
            while waiting or flying:
                while waiting and len(flying) < room:
                    number = waiting.popleft()
                    future = self._submit(function, tasks[number], number)
                    flying[future] = number
                    future.add_done_callback(back.put)
                try:
                    future = back.get(timeout=LOOK)
                except queue.Empty:
                    room = self._room()
                    continue
                number = flying.pop(future)
                answer = self._answer(future)
                if answer is None:
                    given_up[number] += 1
                    if given_up[number] >= GIVEN_UP:
                        raise PoisonkitError(
                            f"The workers of the Dask cluster at {self.address} die before they begin a clip; what is "
                            "done is kept. When that is repaired, the same command continues."
                        )
                    waiting.appendleft(number)
                elif answer.died or answer.late:
                    yield (late if answer.late else died)(tasks[number])
                else:
                    yield answer.result
                if len(flying) < AHEAD or not len(flying) % 64:
                    room = self._room()
        finally:
            if flying:
                with suppress(Exception):
                    self.client.cancel(list(flying))
        if any(self.marks.iterdir()):  # somebody died, and may have left half a file
            self.clean_up()

    def _submit(self, function: Callable[[T, Know], R], task: T, number: int) -> Any:
        self._calls += 1
        key = f"poisonkit-{self.facts.run}-{self._calls}"
        with self._scheduler():
            return self.client.submit(
                dask_worker.call, function, task, number, str(self.marks), self.facts, claim(), key=key, pure=False
            )

    def _answer(self, future: Any) -> dask_worker.Answer | None:
        """What came back; None: it has to be asked for again."""
        if future.status == "finished":
            with self._scheduler():
                answer = future.result()
            assert isinstance(answer, dask_worker.Answer)
            if answer.unfit:
                raise PoisonkitError(f"{answer.unfit} What is done is kept; the same command continues.")
            return answer
        if future.status == "error":
            error = future.exception()
            if type(error).__name__ == "KilledWorker":  # Dask lost patience with it before we did
                return None
            if isinstance(error, LostLock):
                raise error
            raise PoisonkitError(
                f"A Dask worker could not run poisonkit ({type(error).__name__}: {' '.join(told(error).split())}); "
                "is the same version installed there?"
            )
        raise self._gone()  # cancelled, lost

    def _room(self) -> int:
        """How many tasks may be with the scheduler at once."""
        return max(AHEAD, AHEAD * sum(self._threads().values()))

    def _threads(self) -> Mapping[str, int]:
        with self._scheduler():
            found: Mapping[str, int] = self.client.sync(self.client.scheduler.ncores, callback_timeout=ANSWER)
            return found

    @contextmanager
    def _scheduler(self) -> Iterator[None]:
        """Around what needs the scheduler to be there."""
        try:
            yield
        except PoisonkitError:
            raise
        except Exception as error:
            if isinstance(error, OSError | TimeoutError) or "distributed" in type(error).__module__:
                raise self._gone() from None
            if type(error).__name__ in ("CancelledError", "RuntimeError", "AttributeError"):  # a closed client's
                raise self._gone() from None
            raise

    def _gone(self) -> PoisonkitError:
        return PoisonkitError(
            f"The Dask scheduler at {self.address} is gone; what is done is kept. When one is there again, the same "
            "command continues."
        )

    def ask_workers(self, progress: Progress) -> None:
        """RequestError for the first worker that cannot do the work, with what it lacks."""
        threads = self._threads()
        if not threads:
            progress.say(f"The Dask cluster at {self.address} has no workers yet; the work waits for some.")
            return
        for address, problem in self._problems().items():
            raise RequestError(f"The Dask worker {address} {problem}")
        many = "" if len(threads) == 1 else "s"
        progress.say(f"Dask cluster at {self.address}: {len(threads)} worker{many}, {sum(threads.values())} threads.")

    def _problems(self) -> dict[str, str]:
        """Worker -> what is wrong with it."""
        from importlib.metadata import version

        with self._scheduler():
            versions = self.client.run(version, "poisonkit", on_error="return")
            found = {a: dask_worker.not_there(v) for a, v in versions.items() if isinstance(v, Exception)}
            fit = [a for a in versions if a not in found]
            told = self.client.run(dask_worker.unfit, self.facts, workers=fit, on_error="return") if fit else {}
        for address, problem in told.items():
            if isinstance(problem, Exception):  # another version, without what was asked
                found[address] = dask_worker.other_version(versions[address], self.facts)
            elif problem:
                found[address] = problem
        return dict(sorted(found.items()))
