"""Arguments that take several names or places, or one alone, which is never read letter by letter."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

Words = str | Iterable[str]
Places = str | Path | Iterable[str | Path]


def words(given: Words) -> list[str]:
    """The names, or the one alone."""
    return [given] if isinstance(given, str) else list(given)


def absolute(given: Places) -> tuple[Path, ...]:
    """The places, or the one alone, from the root; `~` is the user's home."""
    return tuple(each.expanduser().absolute() for each in paths(given))


def paths(given: Places) -> list[Path]:
    """The places, or the one alone."""
    return [Path(given)] if isinstance(given, str | os.PathLike) else [Path(each) for each in given]
