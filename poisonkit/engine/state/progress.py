"""What a run tells whoever watches it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from poisonkit.engine.state.time_left import Expected
from poisonkit.outputs.record import Record


class Progress(Protocol):
    """All calls come from the process that started the run, in its main thread."""

    def say(self, text: str) -> None:
        """A sentence for the user: a choice and its reason, a warning."""

    def begin(self, what: str, total: int, expected: Expected | None = None) -> None:
        """A phase with so many steps begins; 0 when nobody knows how many. expected: what it will take, if known."""

    def step(self, row: Record | None = None) -> None:
        """One step is done; `row` is the record of a clip that was processed."""

    def end(self) -> None:
        """The phase is over."""


LOG = "poisonkit"
"""The logger of Python's `logging` to which a library user's runs speak."""


class Logged:
    """A progress that speaks through `logging`, as libraries do: nothing is seen until the user wants it.

    Sentences for the user and clips that failed are warnings; stages, when they begin and end, are of level INFO.
    """

    def __init__(self) -> None:
        self._log = logging.getLogger(LOG)
        self._what = ""
        self._done = 0

    def say(self, text: str) -> None:
        """A warning."""
        self._log.warning("%s", text)

    def begin(self, what: str, total: int, expected: Expected | None = None) -> None:
        """A stage, of `total` steps if that is known, and what it will take."""
        self._what, self._done = what, 0
        if expected is not None and expected.text:
            self._log.info("%s", expected.text)
        self._log.info("%s: %s", what, f"{total} to do" if total else "begun")

    def step(self, row: Record | None = None) -> None:
        """A warning for each clip that failed."""
        self._done += 1
        if row is not None and row["status"] == "failed":
            self._log.warning("%s failed: %s", row["source_path"], row["error"])

    def end(self) -> None:
        """How far a stage came."""
        if self._what:
            self._log.info("%s: %s", self._what, f"{self._done} done" if self._done else "ended")
        self._what = ""


@contextmanager
def showing(progress: Progress, what: str) -> Iterator[None]:
    """A phase whose length nobody knows."""
    progress.begin(what, 0)
    try:
        yield
    finally:
        progress.end()
