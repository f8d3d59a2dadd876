"""Opens untrusted files in processes of their own, a few at a time and in the order given.

A library that hangs on a file cannot be interrupted from inside; a process can be ended. So no file holds up a plan
for longer than the limit, Ctrl-C and SIGTERM are handled at once, and a crash costs one file. The processes are kept
for a few seconds, for the next who asks.
"""

from __future__ import annotations

import atexit
import importlib
import json
import math
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, TypeVar

from poisonkit.common import atomic, time_limit
from poisonkit.common.limits import VARIABLE
from poisonkit.common.parent_process import end_with
from poisonkit.common.time_limit import Know
from poisonkit.errors import PoisonkitError

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 16  # files opened in one go
LOOKED = 0.25  # seconds between looks at how long each file takes
DOUBLED = 0.5  # seconds after which twice as many processes are begun: for a few files one is soonest ready
IDLE = 5.0  # seconds after which a process that nobody asks anything ends
DEATHS = 2  # so many processes that died on a file and it is left alone
FALSE_STARTS = 5  # so many in a row that ended before they were at the file, and it is not the file's fault
START = 600.0  # seconds in which a process says that it is there, on a machine however busy
SLOW = "took longer to open than any file should; a higher --time-limit waits longer"
DIED = "was left alone: the process that opened it died twice"

READY = ("av", "poisonkit.survey.file_checks")  # what a process imports before it is asked for it

_START = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from poisonkit.survey.isolated_opening import serve; "
    "serve(int(sys.argv[2]), sys.argv[3])"
)


def opened(
    look: Callable[[T, str, Know], R],
    tasks: Iterable[T],
    jobs: int,
    lost: Callable[[T, str], R],
    *,
    factor: float = 1.0,
    ahead: int = AHEAD,
    together: int = 1,
) -> Iterator[R]:
    """`look(task, scratch, know)` of each task, in order, each in a process that is ended where it takes too long.

    look: can be pickled; an error that it raises is raised here. scratch: a folder for files that it needs, and that
    are removed also where it is ended. lost: the result of a task that took longer than `time_limit` allows, times
    `factor` (0: for ever), or that two processes died on; it is given a clause that says so. A process that ends before
    it is at the task says nothing of it: another is asked, and PoisonkitError is raised where none begins.
    ahead: so many tasks are begun before the first result is asked for; with one job and one at a time it is one.
    together: so many are asked in one go, where a look costs less than to ask for it.
    """
    from concurrent.futures import ThreadPoolExecutor, wait

    crew = _Crew(factor)
    waiting = iter(tasks)
    pool = ThreadPoolExecutor(jobs)
    try:
        while chunk := list(islice(waiting, 1 if jobs == together == 1 else ahead)):
            groups = [chunk[at : at + together] for at in range(0, len(chunk), together)]
            futures = [pool.submit(crew.results, look, group, lost) for group in groups]
            while wait(futures, timeout=LOOKED).not_done:
                crew.end_slow()
            yield from [result for future in futures for result in future.result()]
    finally:
        crew.stop()  # a wait for what is still being opened would be one without end
        pool.shutdown(wait=True, cancel_futures=True)


class _Gone(Exception):
    """The process ended before it gave an answer: on a task, or before it was at one (see `_Opener.at_task`)."""


class _Opener:
    """One process that opens files, asked by one thread at a time."""

    def __init__(self) -> None:
        self._scratch = tempfile.mkdtemp(prefix=".poisonkit-")
        command = [sys.executable, "-I", "-c", _START, json.dumps(sys.path), str(os.getpid()), self._scratch]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.slow = False  # it was ended for being at a task for too long
        self.at_task = False  # it has said that it is at what it was asked last
        self._until = math.inf  # when what it is at has taken too long, by the monotonic clock
        self._clock = threading.Lock()
        self._gone = False

    @property
    def alive(self) -> bool:
        return not self._gone and self._process.poll() is None

    def ask(self, look: Callable[[T, str, Know], R], tasks: Sequence[T], factor: float) -> Iterator[R]:
        """`look(task, scratch, know)` of each task, done there. Raises what it raises, and _Gone."""
        assert self._process.stdin is not None
        self.at_task = False
        try:
            self._process.stdin.write(pickle.dumps((_folder(), os.environ.get(VARIABLE), look, tasks)))
            self._process.stdin.flush()
            self._said(START if factor else math.inf)  # a machine that is busy may take long to begin a process
            self.at_task = True
            for _ in tasks:
                error, value = self._answer(factor)
                if error is not None:
                    raise error
                yield value
        except (BrokenPipeError, _Gone):
            self._gone = True
            raise _Gone from None

    def _answer(self, factor: float) -> tuple[Exception | None, Any]:
        allowed, error, value = time_limit.OPENING, None, None
        while allowed:
            allowed, error, value = self._said(allowed * factor if factor else math.inf)
        return error, value

    def _said(self, patience: float) -> tuple[float, Exception | None, Any]:
        """What it says next, for which it has so many seconds."""
        assert self._process.stdout is not None
        with self._clock:
            self._until = time.monotonic() + patience
        try:
            said: tuple[float, Exception | None, Any] = pickle.load(self._process.stdout)
        except (OSError, EOFError, ValueError, pickle.UnpicklingError):
            raise _Gone from None
        with self._clock:
            self._until = math.inf
            if self.slow:  # it spoke as it was ended: that it is gone says nothing of what comes next
                self.slow = self.at_task = False
        return said

    def end_if_slow(self, now: float) -> None:
        """End the process if what it is at has taken too long."""
        with self._clock:
            if now > self._until:
                self.slow = True
                self.end()

    def end(self) -> None:
        """End the process, whatever it is at."""
        self._process.kill()

    def close(self) -> None:
        """End it and remove what it leaves."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()
        shutil.rmtree(self._scratch, ignore_errors=True)


def _folder() -> str | None:
    """The folder that relative paths begin at, if it is still there."""
    try:
        return os.getcwd()
    except OSError:
        return None


_idle: list[_Opener] = []
"""Processes that are at nothing."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)


def warm() -> None:
    """Begin a process now, for a caller who has something to do before there are files to open."""
    if not _idle:
        _idle.append(_Opener())


@atexit.register
def _close_idle() -> None:
    while _idle:
        _idle.pop().close()


class _Crew:
    """The processes that one caller keeps busy."""

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._busy: set[_Opener] = set()
        self._lock = threading.Condition()
        self._began = time.monotonic()
        self._stopped = False

    def results(self, look: Callable[[T, str, Know], R], tasks: Sequence[T], lost: Callable[[T, str], R]) -> list[R]:
        """What a process says of each task, or `lost`."""
        found: list[R] = []
        deaths = in_vain = 0
        while left := tasks[len(found) :]:
            before = len(found)
            opener = self._taken()
            try:
                found += opener.ask(look, left, self._factor)
            except _Gone:
                if not opener.at_task:  # never there, broken, or it ended for want of work at that very moment
                    in_vain = in_vain + 1 if len(found) == before else 1
                    self._give_up(in_vain, slow=opener.slow)
                    continue
                deaths, in_vain = deaths + 1 if len(found) == before else 1, 0
                if opener.slow or deaths == DEATHS:
                    found.append(lost(tasks[len(found)], SLOW if opener.slow else DIED))
                    deaths = 0
            finally:
                self._given_back(opener)
        return found

    def _give_up(self, in_vain: int, *, slow: bool) -> None:
        if slow:
            raise PoisonkitError(
                f"A process that opens files did not begin within {START / 60:g} minutes; try again when the "
                "machine is less busy."
            )
        if in_vain == FALSE_STARTS:
            raise PoisonkitError(
                "Processes that open files end before they begin (out of memory, or a library that is broken)."
            )

    def end_slow(self) -> None:
        """End the processes that have been at one file for too long."""
        now = time.monotonic()
        with self._lock:
            for opener in self._busy:
                opener.end_if_slow(now)

    def stop(self) -> None:
        """End whatever is still being opened, and begin nothing more."""
        with self._lock:
            self._stopped = True
            self._lock.notify_all()
            for opener in self._busy:
                opener.end()

    def _taken(self) -> _Opener:
        with self._lock:
            while not (self._stopped or _idle or self._may_begin()):
                self._lock.wait(DOUBLED / 2)
            if self._stopped:
                raise _Gone
            opener = _at_hand()
            self._busy.add(opener)
            return opener

    def _may_begin(self) -> bool:
        passed = (time.monotonic() - self._began) / DOUBLED
        return not self._busy or passed > math.log2(len(self._busy) + 1)

    def _given_back(self, opener: _Opener) -> None:
        with self._lock:
            self._lock.notify()
            self._busy.discard(opener)
            if opener.alive and not self._stopped:
                _idle.append(opener)
                return
        opener.close()


def _at_hand() -> _Opener:
    """A process that lives: an idle one, else a new one."""
    while True:
        try:
            opener = _idle.pop()
        except IndexError:
            return _Opener()
        if opener.alive:
            return opener
        opener.close()


def serve(parent: int, scratch: str) -> None:
    """What such a process does: it answers for as long as it is asked."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to heed
    end_with(parent)
    atomic.mine(scratch)
    asked = os.fdopen(0, "rb", closefd=False)
    answers = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "wb") as nowhere:  # what libraries print is no answer
        os.dup2(nowhere.fileno(), 1)

    def say(allowed: float, error: Exception | None = None, value: Any = None) -> None:
        pickle.dump((allowed, error, value), answers)
        answers.flush()

    know = time_limit.told(say)
    for name in READY:
        importlib.import_module(name)
    idle = _Idle(scratch)  # not before: on a busy machine these imports take longer than an idle process lives
    while True:
        if not asked.peek(1):
            return
        idle.since = None  # before anything is loaded, which may import more
        folder, limits, look, tasks = pickle.load(asked)
        say(time_limit.OPENING)  # it is at work: the file's time begins here
        os.environ.pop(VARIABLE, None)
        if limits is not None:
            os.environ[VARIABLE] = limits
        if folder is not None:
            os.chdir(folder)
        for task in tasks:
            try:
                say(0.0, None, look(task, scratch, know))
            except Exception as error:  # noqa: BLE001 - it is raised again where it was asked
                say(0.0, error)
                break
        idle.since = time.monotonic()


class _Idle:
    """Ends this process when nothing was asked of it for a while. since: the moment it began to wait, or None."""

    def __init__(self, scratch: str) -> None:
        self.since: float | None = time.monotonic()
        self._scratch = scratch
        threading.Thread(target=self._watch, name="end-when-idle", daemon=True).start()

    def _watch(self) -> None:
        while True:
            time.sleep(IDLE / 5)
            since = self.since
            if since is not None and time.monotonic() - since > IDLE:
                shutil.rmtree(self._scratch, ignore_errors=True)
                os._exit(0)
