"""Names of temporary files, and those that this process is writing.

A folder may be shared with other hosts, where processes have the same numbers.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from itertools import count
from pathlib import Path

_tickets = count()


@lru_cache(maxsize=1)
def _token(pid: int) -> str:
    return f"{pid}-{os.urandom(4).hex()}"


def token() -> str:
    """A word that no other process has, on this host or another."""
    return _token(os.getpid())


def beside(path: Path, ending: str = ".tmp") -> Path:
    """A new name in the same folder that nobody else uses and that nobody takes for data."""
    return path.with_name(f".{path.name[:50]}.{token()}-{next(_tickets)}{ending}")


_being_written: set[str] = set()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """A temporary file or folder, which is removed at the end if it is still there, and by `discard`."""
    name = os.path.abspath(path)
    _being_written.add(name)
    try:
        yield
    finally:
        _remove(name)
        _being_written.discard(name)


def mine(path: str | Path) -> None:
    """A temporary file or folder that `discard` removes too."""
    _being_written.add(os.path.abspath(path))


def discard() -> None:
    """Remove what this process is writing: it is about to end, whatever its threads are at."""
    for name in list(_being_written):
        _remove(name)


def _remove(name: str) -> None:
    try:
        os.unlink(name)
    except FileNotFoundError:
        pass
    except OSError:  # a folder
        with suppress(OSError):
            shutil.rmtree(name)
