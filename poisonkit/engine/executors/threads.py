"""One thread for everything numeric: clips are the unit of parallelism, and BLAS gives other bits with other threads.

Without this, a product of matrices in a trigger would depend on the number of jobs and of processors.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache

import cv2

from poisonkit.common import levels

_MALLOPT = {-1: 64 * 2**20, -3: 32 * 2**20}  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD: bytes


@cache
def keep_memory() -> None:
    """Have pictures take the memory of those before them: glibc gives it back to the system with each, up to a certain
    size, and the system clears every page of it for the next. At most the first of these bytes stay unused."""
    with suppress(OSError, AttributeError):  # another C library
        if sys.platform == "linux":
            allocator = ctypes.CDLL(None)
            for option, size in _MALLOPT.items():
                allocator.mallopt(option, size)


@cache
def pin() -> None:
    """Hold this process, a worker, to one thread from now on."""
    from threadpoolctl import threadpool_limits

    keep_memory()
    levels.hold()
    cv2.setNumThreads(1)
    threadpool_limits(1)


@contextmanager
def one_thread() -> Iterator[None]:
    """The same for a while, in a process that is not ours to change for good."""
    from threadpoolctl import threadpool_limits

    if levels.own_process:
        keep_memory()
    levels.hold()
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        cv2.setNumThreads(before)
