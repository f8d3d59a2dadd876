"""How a file takes its place: written whole under a temporary name in the same folder, then moved there in one step.

Everything that is written is written by `replacing`, or by `write_lines`, `write_text` and `write_bytes`, which are
made of it. Whoever cannot use it says why: media (`media.files.replacing`), folders that replace folders
(`media.replacing.put`), links (`finishing.linking.place`) and locks (`state.locks`). Ledgers are appended to.

A folder may be shared with other hosts, where processes have the same numbers.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from io import TextIOWrapper
from itertools import count
from pathlib import Path
from typing import BinaryIO

from poisonkit.common.run_claim import step

_tickets = count()


@lru_cache(maxsize=1)
def _token(pid: int) -> str:
    return f"{pid}-{os.urandom(4).hex()}"


def token() -> str:
    """A word that no other process has, on this host or another."""
    return _token(os.getpid())


def beside(path: Path) -> Path:
    """A new name in the same folder that nobody else uses and that nobody takes for data."""
    return path.with_name(f".{path.name[:50]}.{token()}-{next(_tickets)}.tmp")


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


# -- writing -------------------------------------------------------------------------------------------


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new name for a file or folder, which takes the place of `path` when the body succeeds and is removed otherwise.

    Nothing is written through a link: one at `path` is replaced. A folder can only replace an empty one.
    """
    temporary = beside(path)
    with writing(temporary):
        yield temporary
        with step():
            os.replace(temporary, path)


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A new file, open for writing, which takes the place of `path` once it is whole and on the disk."""
    with replacing(path) as temporary, _created(temporary) as file:
        yield file


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    with new_file(path) as file:
        file.write(data)


def write_text(path: Path, text: str, *, errors: str = "surrogateescape") -> None:
    """Write a text (UTF-8, LF, one LF at its end) whole or not at all. errors: as `open` has it."""
    write_bytes(path, (text.rstrip("\n") + "\n").encode("utf-8", errors))


def write_lines(path: Path, lines: Iterable[str], *, errors: str = "surrogateescape") -> None:
    """Write a text file (UTF-8, LF, one LF after each line) whole or not at all. errors: as `open` has it."""
    with new_file(path) as file:
        _put_lines(file, lines, errors)


def create_lines(path: Path, lines: Iterable[str]) -> bool:
    """As `write_lines`, only if there is no such file; False when another process, on whatever host, was quicker."""
    temporary = beside(path)
    with writing(temporary):
        with _created(temporary) as file:
            _put_lines(file, lines, "surrogateescape")
        with step():
            try:
                os.link(temporary, path)
            except FileExistsError:
                return False
            except OSError:  # a file system without hard links: the last one wins
                os.replace(temporary, path)
    return True


@contextmanager
def _created(path: Path) -> Iterator[BinaryIO]:
    with step():
        file = open(path, "xb")  # noqa: SIM115 - closed below
    with file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _put_lines(file: BinaryIO, lines: Iterable[str], errors: str) -> None:
    text = TextIOWrapper(file, encoding="utf-8", errors=errors, newline="\n")
    try:
        for line in lines:
            text.write(line + "\n")
    finally:
        text.detach()
