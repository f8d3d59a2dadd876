"""Reading what strangers made: one plain file at a time, text that is data and nothing else, names that stay inside."""

from __future__ import annotations

import errno
import json
import os
import stat
import tokenize
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from io import BufferedReader, TextIOWrapper
from typing import Any

from poisonkit.common.limits import current

DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,avi,mpeg,mpegts,mpegvideo,matroska,webm,asf,flv,ogg,"
    "wav,w64,flac,mp3,aac,ac3,aiff,caf,au,amr,gif,ivf,nut,rm"
)
"""ffmpeg's readers of one self-contained file. Playlists (HLS, DASH, concat), SDP, image sequences, subtitles and
devices are not among them, so no file can make another one, or an address, be opened."""

_GUARDS = {"protocol_whitelist": "file", "format_whitelist": DEMUXERS}  # and references in MOV are off by default
UNREADABLE_NPY = (
    *(ValueError, TypeError, OverflowError, SyntaxError, tokenize.TokenError),
    *(OSError, EOFError, MemoryError, RecursionError),
)
"""What numpy raises for a .npy file that is not one: its header is Python text."""


def read_options() -> dict[str, str]:
    """Options under which ffmpeg's libraries and program open nothing but the named file, and no huge picture."""
    return {**_GUARDS, "max_pixels": str(min(current().pixels, 2**31 - 1))}


def require_plain(path: str | os.PathLike[str]) -> os.stat_result:
    """The status of a plain file. OSError, with words, for a folder, FIFO, socket or device, which is not opened."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a plain file")
    return status


_fence: ContextVar[Callable[[str], None] | None] = ContextVar("fence", default=None)


@contextmanager
def fenced(check: Callable[[str], None]) -> Iterator[None]:
    """Inside, `check` is called with each path before `open_plain` opens it; it raises for what may not be opened."""
    token = _fence.set(check)
    try:
        yield
    finally:
        _fence.reset(token)


def open_plain(path: str | os.PathLike[str]) -> BufferedReader:
    """The file, for reading; OSError, with words, for anything else. A FIFO or device is never waited for.

    Everything that may be a stranger's is opened by this function, or by a library after `require_plain`.
    """
    if (check := _fence.get()) is not None:
        check(os.fspath(path))
    require_plain(path)
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "not a plain file")
        return open(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def stays_inside(name: str) -> bool:
    """Whether a POSIX path is relative and normal: no root, no empty step, no `.` or `..`, no NUL."""
    if not name or name[0] == "/" or "\0" in name:
        return False
    if name[0] != "." and "/." not in name and "//" not in name:
        return name[-1] != "/"
    return all(step not in ("", ".", "..") for step in name.split("/"))


def below_some_root(name: str) -> bool:
    """As `stays_inside`, but the path may begin with steps upwards: to a folder that the user allowed."""
    while name.startswith("../"):
        name = name[3:]
    return stays_inside(name)


def lies_in(path: str | os.PathLike[str], roots: Iterable[str | os.PathLike[str]]) -> bool:
    """Whether a path is one of the folders or lies in one, links resolved."""
    real = os.path.realpath(path)
    return any(real == root or real.startswith(root.rstrip("/") + "/") for root in map(os.path.realpath, roots))


def link_on_the_way(root: str | os.PathLike[str], name: str) -> str | None:
    """The first part of `root/name` below `root` that is a symbolic link, as a path relative to `root`, or None."""
    so_far = ""
    for step in name.split("/"):
        so_far = f"{so_far}/{step}" if so_far else step
        if os.path.islink(os.path.join(root, so_far)):
            return so_far
    return None


def printable(text: str) -> str:
    """The text with control characters spelt out, so that a name in it cannot speak to the terminal."""
    if text.isprintable():
        return text
    return "".join(c if c in "\n\t" or unicodedata.category(c) != "Cc" else f"\\x{ord(c):02x}" for c in text)


def load_json(text: str | bytes) -> Any:
    """As `json.loads`; ValueError also where it is nested too deeply."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


_decode = json.JSONDecoder().raw_decode


def load_line(line: str) -> Any:
    """As `load_json`, of a line with its end; in half the time."""
    try:
        found, end = _decode(line)
        if line[end:] == "\n":
            return found
    except (ValueError, RecursionError):
        pass
    return load_json(line)


def load_yaml(text: str) -> Any:
    """YAML as plain data. yaml.YAMLError for tags that stand for objects, for aliases, and too deep a nest."""
    import yaml

    try:
        return yaml.load(text, Loader=_loader())
    except RecursionError:
        raise yaml.YAMLError("it is nested too deeply") from None
    except (ValueError, OverflowError, TypeError) as error:  # something that is no date, a key that cannot be one
        raise yaml.YAMLError(str(error)) from None


@cache
def _loader() -> Any:
    import yaml

    class Plain(yaml.SafeLoader):
        """A SafeLoader that takes no alias: a few lines of them can stand for more than any memory holds."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                alias: Any = self.peek_event()  # type: ignore[no-untyped-call]
                raise yaml.YAMLError(
                    f"line {alias.start_mark.line + 1} holds the alias '*{alias.anchor}': write out what it stands for"
                )
            return super().compose_node(parent, index)

    return Plain


def open_text(path: str | os.PathLike[str], *, encoding: str = "utf-8-sig", errors: str = "strict") -> TextIOWrapper:
    """A plain file's text, without a byte order mark, line by line. OSError."""
    return TextIOWrapper(open_plain(path), encoding=encoding, errors=errors)


def read_text(path: str | os.PathLike[str], *, encoding: str = "utf-8-sig", errors: str = "strict") -> str:
    """All of a plain file's text. OSError, also where it is longer than memory; UnicodeDecodeError."""
    with open_text(path, encoding=encoding, errors=errors) as file, _in_memory():
        return file.read()


def read_bytes(path: str | os.PathLike[str], most: int = -1) -> bytes:
    """A plain file's bytes, at most so many. OSError, also where they are more than memory holds."""
    with open_plain(path) as file, _in_memory():
        return file.read(most)


@contextmanager
def _in_memory() -> Iterator[None]:
    try:
        yield
    except MemoryError:
        raise OSError(errno.ENOMEM, "it is larger than memory") from None
