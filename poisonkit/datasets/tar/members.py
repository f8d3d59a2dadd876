"""Tar shards, a member at a time: never one in memory, nothing believed of a header, nothing written but where asked.

A path that goes on inside a shard (`train-000.tar/clip.mp4`) is a member's; `at_hand` gives its bytes as a file.
"""

from __future__ import annotations

import errno
import hashlib
import os
import struct
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from poisonkit.common.safe_io import open_plain
from poisonkit.errors import RequestError

SUFFIX = ".tar"
_PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_HEADER = 1 << 20  # bytes: no honest header is longer
LONGEST = 4096  # characters of a name
_BLOCK, _AT_ONCE = 512, 1 << 20
_BROKEN = (tarfile.TarError, OSError, ValueError, LookupError, OverflowError, RecursionError, MemoryError, struct.error)


@dataclass(frozen=True, slots=True)
class Member:
    """A file or folder in a shard. name: normal (`./a//b` is `a/b`); spelt: as it is; offset, size: of its bytes."""

    name: str
    spelt: str
    offset: int
    size: int
    folder: bool = False


class _Headers:
    """A file of which no more is read at once than a header may have."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _HEADER:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return self._file.read(size)

    def seek(self, to: int, whence: int = 0) -> int:
        return self._file.seek(to, whence)

    def tell(self) -> int:
        return self._file.tell()


def members(shard: Path) -> Iterator[Member]:
    """What a shard holds, in its order.

    RequestError, naming the shard, for one that is compressed, damaged or cut short, and for what no dataset needs
    and whoever unpacks it would regret: links, devices, sparse files, absolute names, names with `..`.
    """
    where = f"The shard '{shard.name}'"
    try:
        with open_plain(shard) as file:
            end = os.fstat(file.fileno()).st_size
            head = file.read(8)
            kind = next((name for magic, name in _PACKED.items() if head.startswith(magic)), None)
            if kind:
                raise RequestError(f"{where} is compressed by {kind}, so no part of it can be reached: decompress it.")
            file.seek(0)
            headers: Any = _Headers(file)
            with tarfile.open(fileobj=headers, mode="r:", encoding="utf-8", errors="surrogateescape") as tar:
                while (found := tar.next()) is not None:
                    tar.members = []  # type: ignore[attr-defined]
                    yield _member(found, end, where)
                last = tar.offset
            file.seek(last)
            rest = file.read(_BLOCK)
            if rest.strip(b"\0") or 0 < len(rest) < _BLOCK:
                raise RequestError(f"{where} is damaged at byte {last}: what stands there is no member.")
    except RequestError:
        raise
    except _BROKEN as error:
        what = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__
        raise RequestError(f"{where} is no tar file that can be read, or it was cut short ({what}).") from None


def _member(found: Any, end: int, where: str) -> Member:
    name: str = found.name
    shown = os.fsencode(name).decode("ascii", "backslashreplace") if not name.isprintable() else name
    what = f"{where} holds '{shown[:200]}'"
    if not name.isascii():
        try:
            name.encode("utf-8")
        except UnicodeEncodeError:
            raise RequestError(f"{what}, a name that is not UTF-8, so no list could hold it: rename it.") from None
    steps = [step for step in name.split("/") if step not in ("", ".")]
    if len(name) > LONGEST:
        raise RequestError(f"{what} …, a name of {len(name)} characters: rename it.")
    if name.startswith("/") or ".." in steps or "\0" in name:
        raise RequestError(
            f"{what}, a name that leads out of wherever it is unpacked: make the shard again without it."
        )
    if found.isdir():
        return Member("/".join(steps), name, found.offset_data, 0, folder=True)
    if not found.isreg() or found.issparse():
        kind = "a sparse file" if found.issparse() else "a link, device or pipe"
        raise RequestError(f"{what}, {kind}: shards hold files; make the shard again without it.")
    if found.size < 0 or found.offset_data + found.size > end:
        raise RequestError(f"{what} of {found.size} bytes, and ends before: it was cut short.")
    if not steps:
        raise RequestError(f"{what}, which is no name: make the shard again without it.")
    return Member("/".join(steps), name, found.offset_data, found.size)


def blocks(file: BinaryIO, size: int) -> Iterator[bytes]:
    """The next `size` bytes of an open file, in pieces. EOFError when there are fewer."""
    while size:
        piece = file.read(min(size, _AT_ONCE))
        if not piece:
            raise EOFError("the file ends too early")
        size -= len(piece)
        yield piece


def read_small(file: BinaryIO, member: Member) -> bytes:
    """A member's bytes at once; for those whose size was looked at."""
    file.seek(member.offset)
    return b"".join(blocks(file, member.size))


@lru_cache(maxsize=32)
def _index(shard: str, size: int, changed: int) -> dict[str, Member]:
    return {each.name: each for each in members(Path(shard)) if not each.folder}


def find(path: str | Path) -> tuple[Path, Member] | None:
    """The shard and the member that a path leads to; None for a path that does not go on inside a shard.

    FileNotFoundError where the shard has no such member, RequestError where it cannot be read.
    """
    text = os.fspath(path)
    at = text.find(f"{SUFFIX}/")
    while at >= 0:
        shard = text[: at + len(SUFFIX)]
        if os.path.isfile(shard):
            status = os.stat(shard)
            member = _index(shard, status.st_size, status.st_mtime_ns).get(text[at + len(SUFFIX) + 1 :])
            if member is None:
                raise FileNotFoundError(errno.ENOENT, "the shard has no such member", text)
            return Path(shard), member
        at = text.find(f"{SUFFIX}/", at + 1)
    return None


def container_of(path: str | Path) -> Path:
    """The file on disk that a path leads to: itself, or the shard. Raises as `find`."""
    found = find(path)
    return Path(path) if found is None else found[0]


@contextmanager
def at_hand(path: str | Path, scratch: str | Path | None = None) -> Iterator[Path]:
    """A file of a dataset, as a file: itself, or a copy of a shard's member for as long as the body runs.

    scratch: a folder for the copy, by default the system's for temporary files. OSError as for any file.
    """
    found = find(path)
    if found is None:
        yield Path(path)
        return
    shard, member = found
    if scratch is not None:
        os.makedirs(scratch, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".poisonkit-", dir=scratch) as folder:
        copy = Path(folder, member.name.rpartition("/")[2])
        with open_plain(shard) as file, open(copy, "xb") as target:
            file.seek(member.offset)
            for piece in blocks(file, member.size):
                target.write(piece)
        os.utime(copy, ns=(0, 0))
        yield copy


def size_of(path: str | Path) -> int:
    """A file's or member's bytes. OSError if there is none."""
    found = find(path)
    return os.stat(path).st_size if found is None else found[1].size


def is_there(path: str | Path) -> bool:
    """Whether there is such a file or member."""
    try:
        size_of(path)
    except (OSError, RequestError):
        return False
    return True


def hash_of(path: str | Path) -> str:
    """SHA-256 of a file or a member, hexadecimal; a member is read where it lies. OSError if there is none."""
    digest = hashlib.sha256()
    for piece in data_of(path)[1]:
        digest.update(piece)
    return digest.hexdigest()


def data_of(path: str | Path) -> tuple[int, Iterator[bytes]]:
    """The size and the bytes, in pieces, of a file or a member."""

    def read() -> Iterator[bytes]:
        with open_plain(path if found is None else found[0]) as file:
            file.seek(0 if found is None else found[1].offset)
            yield from blocks(file, size)

    found = find(path)
    size = os.stat(path).st_size if found is None else found[1].size
    return size, read()


class Writer:
    """A shard being written: headers say nothing but names and sizes, so that the same members give the same bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.bytes = 0

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._digest.update(data)
        self.bytes += len(data)

    def add(self, spelt: str, size: int, data: Iterator[bytes], hear: Callable[[bytes], None] | None = None) -> None:
        """One file. data: its bytes, `size` of them (ValueError otherwise). hear: is given them too."""
        self._put(_head(spelt, size, tarfile.REGTYPE))
        written = 0
        for piece in data:
            self._put(piece)
            written += len(piece)
            if hear is not None:
                hear(piece)
        if written != size:
            raise ValueError(f"{spelt} was to have {size} bytes and had {written}")
        self._put(b"\0" * (-size % _BLOCK))

    def folder(self, spelt: str) -> None:
        """One folder."""
        self._put(_head(spelt, 0, tarfile.DIRTYPE))

    def finish(self) -> str:
        """Write the end mark; the SHA-256 of the whole, hexadecimal."""
        self._put(b"\0" * (2 * _BLOCK))
        self._put(b"\0" * (-self.bytes % tarfile.RECORDSIZE))
        return self._digest.hexdigest()


def _head(spelt: str, size: int, kind: bytes) -> bytes:
    info = tarfile.TarInfo(spelt)
    info.size, info.type, info.mode = size, kind, 0o755 if kind == tarfile.DIRTYPE else 0o644
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
