"""Progress as the engine reports it: a live line on a terminal, plain lines otherwise; always on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn
from rich.progress import Progress as Bar
from rich.table import Column
from rich.text import Text

from poisonkit.cli.screen import console, line
from poisonkit.common.safe_io import printable
from poisonkit.common.words import duration
from poisonkit.engine.state.progress import Progress
from poisonkit.engine.state.time_left import Expected, TimeLeft
from poisonkit.errors import RequestError
from poisonkit.outputs.record import Record

EVERY = 5.0  # seconds between plain lines, at least


@contextmanager
def watching() -> Iterator[Progress]:
    """The right progress for where stderr goes; a phase that an error cut short is ended too."""
    made = Live(console(sys.stderr)) if sys.stderr.isatty() else Lines()
    try:
        yield made
    except RequestError:
        made.drop()  # the one sentence says it
        raise
    finally:
        made.end()


class _Rate(ProgressColumn):
    """Clips per second since the phase began."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f} clips/s" if speed else "- clips/s", style="progress.data.speed")


class _Left(ProgressColumn):
    """How long it still takes, as soon as that can be told."""

    def render(self, task: Task) -> Text:
        left = task.fields["left"].left()
        return Text("" if left is None else f"{duration(left)} left", style="progress.remaining")


class _Failed(ProgressColumn):
    """How many failed so far; red as soon as one did."""

    def render(self, task: Task) -> Text:
        failed = int(task.fields["failed"])
        return Text(f"{failed} failed", style="red" if failed else "dim")


def _columns(width: int, what: str) -> Iterator[ProgressColumn]:
    """As much of the state of a stage as one line of this width holds."""
    counts, left = 15, 16  # columns of `123456/1234567` and of `9 min 50 s left`
    room = width - counts
    room -= min(len(what), room - 2)
    yield TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis"))
    if room > 70:
        yield BarColumn()
    yield MofNCompleteColumn(table_column=Column(no_wrap=True))
    if room > 30:
        yield _Rate(table_column=Column(no_wrap=True))
    if room > left:
        yield _Left(table_column=Column(no_wrap=True))
    if room > 42:
        yield _Failed(table_column=Column(no_wrap=True))


class Live:
    """One live line per phase: bar, clips, clips/s, time left, failures."""

    def __init__(self, screen: Console) -> None:
        self._screen = screen
        self._bar: Bar | None = None
        self._failed = 0

    def say(self, text: str) -> None:
        """Write a sentence above the bar."""
        line(self._screen, text, indent=0)

    def begin(self, what: str, total: int, expected: Expected | None = None) -> None:
        """Show a bar for a stage of `total` steps; 0: nobody knows how many."""
        self._failed = 0
        if expected is not None and expected.text:
            self.say(expected.text)
        self._left = TimeLeft(total, expected)
        self._bar = Bar(
            *_columns(self._screen.width, what),
            console=self._screen,
            transient=not total,
        )
        self._task = self._bar.add_task(what, total=total or None, failed=0, left=self._left)
        self._bar.start()

    def step(self, row: Record | None = None) -> None:
        """Move the bar on by one. row: the record that is done, if it is one."""
        if self._bar is not None:
            self._failed += row is not None and row["status"] == "failed"
            self._left.step(None if row is None else row.get("key"))
            self._bar.update(self._task, advance=1, failed=self._failed)

    def end(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def drop(self) -> None:
        """Nothing more is said of the phase."""
        self.end()


class Lines:
    """A line every few seconds and always a last one, for logs."""

    def __init__(self, file: IO[str] | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._file, self._clock = file, clock
        self._what = ""
        self._total = self._done = self._failed = 0
        self._began = self._told = 0.0
        self._told_done = -1
        self._left = TimeLeft(0, None)
        self._clips = False  # whether it is known of each step if it failed

    def say(self, text: str) -> None:
        """Write a sentence on a line of its own."""
        file = self._file or sys.stderr
        file.write(printable(text) + "\n")
        file.flush()

    def begin(self, what: str, total: int, expected: Expected | None = None) -> None:
        """Count a stage of `total` steps; 0: nobody knows how many."""
        self._what, self._total, self._done, self._failed = what, total, 0, 0
        if expected is not None and expected.text:
            self.say(expected.text)
        self._left = TimeLeft(total, expected, self._clock)
        self._clips = False
        self._began = self._told = self._clock()
        self._told_done = -1

    def step(self, row: Record | None = None) -> None:
        """Count one; a line is written every few seconds."""
        self._done += 1
        self._left.step(None if row is None else row.get("key"))
        self._clips = self._clips or row is not None
        self._failed += row is not None and row["status"] == "failed"
        if self._clock() - self._told >= EVERY:
            self._tell()

    def end(self) -> None:
        """Write the last line of the stage."""
        unsaid = self._told_done != self._done and (self._total or self._told_done >= 0)
        if self._what and unsaid:
            self._tell()
        self._what = ""

    def drop(self) -> None:
        """Nothing more is said of the phase."""
        self._what = ""

    def _tell(self) -> None:
        self._told, self._told_done = self._clock(), self._done
        passed = max(self._told - self._began, 1e-9)
        total = f"/{self._total}" if self._total else ""
        text = f"{self._what}: {self._done}{total} clips, {self._done / passed:.1f} clips/s"
        left = self._left.left()
        if left is not None and self._done < self._total:
            text += f", {duration(left)} left"
        self.say(f"{text}, {self._failed} failed" if self._clips else text)
