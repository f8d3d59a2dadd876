"""What a run tells whoever watches it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from poisonkit.outputs.record import Record


class Progress(Protocol):
    """All calls come from the process that started the run, in its main thread."""

    def say(self, text: str) -> None:
        """A sentence for the user: a choice and its reason, a warning."""

    def begin(self, what: str, total: int) -> None:
        """A phase with so many steps begins; 0 when nobody knows how many."""

    def step(self, row: Record | None = None) -> None:
        """One step is done; `row` is the record of a clip that was processed."""

    def end(self) -> None:
        """The phase is over."""


class Silent:
    """A progress that says nothing."""

    def say(self, text: str) -> None:
        """Nothing."""

    def begin(self, what: str, total: int) -> None:
        """Nothing."""

    def step(self, row: Record | None = None) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""


@contextmanager
def showing(progress: Progress, what: str) -> Iterator[None]:
    """A phase whose length nobody knows."""
    progress.begin(what, 0)
    try:
        yield
    finally:
        progress.end()
