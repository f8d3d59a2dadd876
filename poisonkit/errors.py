"""What poisonkit says when something is wrong.

Exit statuses: 0 all ok; 1 some samples failed or a check did not hold; 2 the request was wrong;
130 interrupted, continuable.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_NAMES = """
    absolute allow-code allow-root also attack-frames attack-limit attack-set attack-trigger backdoor baseline
    calibrate clean columns control copies count cover-class cover-rate csv data-root decode deinterlace delimiter
    dry-run encode executor fps frames fresh grid hash ids in jobs json kind label-mode latex layout limit method
    name out portable probe rate rate-of remove replace-failed require-survival rotation sample-rate samples
    scheduler seed select shard shortcuts shown size skip-unwritable source source-class spans spans-unit split
    stream survival suspects target temporal test-fraction test-list threshold time-limit to to-8bit train-list
    trigger val-list width without-source
"""
OPTIONS = frozenset(_NAMES.split())
"""Every option of the command line, without its dashes. In Python they are parameters: `parameter` says which."""

_OPTION = re.compile(r"(?<![\w'/.-])--([a-z][a-z0-9]*(?:-[a-z0-9]+)*)(?![\w=-])")
_COMMAND = re.compile(r"(`poisonkit [^`]*`)")
"""A command line in a sentence: it is typed as it stands, from Python's errors too."""


def parameter(option: str) -> str:
    """What an option, without its dashes, is called in Python: `test-list` is `test_list`."""
    return {"in": "within"}.get(option, option.replace("-", "_"))


class PoisonkitError(Exception):
    """Base of all errors that poisonkit raises on purpose. `str(error)` is one sentence for the user."""

    exit_code = 1

    @property
    def text(self) -> str:
        """The sentence as the command line says it: with `--rate` where it names a parameter."""
        return " ".join(map(str, self.args))


class RequestError(PoisonkitError):
    """The request itself is wrong (a parameter, a recipe, a folder): nothing has been written. Exit 2.

    Raised with the command line's spelling of the parameters that it names (`OPTIONS`), which `text` keeps;
    `str(error)` is what a user of the Python API reads, and says `rate`, not `--rate`.
    """

    exit_code = 2

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters that it names, as Python spells them."""
        sentence = _COMMAND.sub("", self.text)
        named = (found[1] for found in _OPTION.finditer(sentence) if found[1] in OPTIONS)
        return tuple(dict.fromkeys(map(parameter, named)))

    def __str__(self) -> str:
        parts = _COMMAND.split(self.text)
        parts[::2] = (_OPTION.sub(lambda n: parameter(n[1]) if n[1] in OPTIONS else n[0], part) for part in parts[::2])
        return "".join(parts)


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


def told(error: BaseException) -> str:
    """An error in words that go into another error, a record or a finding: `text`, where it is one of ours."""
    return error.text if isinstance(error, PoisonkitError) else str(error)
