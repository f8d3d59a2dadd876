"""Seeing what is opened, by whom ever: inotify for files (the kernel tells, C code and child processes included),
listening sockets for addresses."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

IN_OPEN, IN_CLOSE_WRITE, IN_CREATE = 0x20, 0x8, 0x100


@dataclass
class Seen:
    """What was opened. files: paths below the watched folders; callers: connections to the listening port."""

    files: list[str] = field(default_factory=list)
    callers: int = 0


class Listener:
    """A TCP port on loopback that answers nobody and counts who calls."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.socket.setblocking(False)
        self.port: int = self.socket.getsockname()[1]

    def callers(self) -> int:
        count = 0
        while True:
            try:
                caller, _ = self.socket.accept()
            except BlockingIOError:
                return count
            caller.close()
            count += 1


@contextmanager
def listening() -> Iterator[Listener]:
    """A port that media may name."""
    listener = Listener()
    try:
        yield listener
    finally:
        listener.socket.close()


@contextmanager
def watching(*folders: Path, listener: Listener | None = None) -> Iterator[Seen]:
    """Inside, every opening of a file in these folders (not below them) is noted, whichever process opens it."""
    if not sys.platform.startswith("linux"):
        pytest.skip("inotify is Linux's")
    libc = ctypes.CDLL(None, use_errno=True)
    handle = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    assert handle >= 0, os.strerror(ctypes.get_errno())
    seen = Seen()
    try:
        places = {}
        for folder in folders:
            number = libc.inotify_add_watch(handle, os.fsencode(folder), IN_OPEN | IN_CREATE)
            assert number >= 0, os.strerror(ctypes.get_errno())
            places[number] = folder
        yield seen
        while True:
            try:
                data = os.read(handle, 1 << 20)
            except BlockingIOError:
                break
            at = 0
            while at < len(data):
                number, mask, _, length = struct.unpack_from("iIII", data, at)
                name = data[at + 16 : at + 16 + length].rstrip(b"\0").decode("utf-8", "surrogateescape")
                if name and mask & IN_OPEN:
                    seen.files.append(os.path.join(places[number], name))
                at += 16 + length
        if listener is not None:
            seen.callers = listener.callers()
    finally:
        os.close(handle)
