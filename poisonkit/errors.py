"""What poisonkit says when something is wrong.

Exit statuses: 0 all ok; 1 some samples failed or a check did not hold; 2 the request was wrong;
130 interrupted, continuable.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class PoisonkitError(Exception):
    """Base of all errors that poisonkit raises on purpose. `str(error)` is one sentence for the user."""

    exit_code = 1


class RequestError(PoisonkitError):
    """The request itself is wrong (a parameter, a recipe, a folder): nothing has been written. Exit 2."""

    exit_code = 2


class MediaError(PoisonkitError):
    """One file cannot be read, processed or written. Fails that sample, never the run."""


class CheckError(MediaError):
    """A file was written, decoded back, and is not what it should be."""


class Interrupted(PoisonkitError):
    """The user stopped the run; the same command continues it. Exit 130."""

    exit_code = 130


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean 'x'?` for the nearest of `known`, or the whole list when nothing is near."""
    options = sorted(known)
    near = difflib.get_close_matches(word, options, n=1, cutoff=0.6)
    if near:
        return f" Did you mean '{near[0]}'?"
    return f" Known: {', '.join(options)}." if options else ""
