"""One thread for everything numeric: clips are the unit of parallelism, and BLAS gives other bits with other threads.

Without this, a product of matrices in a trigger would depend on the number of jobs and of processors.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import cv2

from poisonkit.common import levels


@cache
def pin() -> None:
    """Hold this process, a worker, to one thread from now on."""
    from threadpoolctl import threadpool_limits

    levels.hold()
    cv2.setNumThreads(1)
    threadpool_limits(1)


@contextmanager
def one_thread() -> Iterator[None]:
    """The same for a while, in a process that is not ours to change for good."""
    from threadpoolctl import threadpool_limits

    levels.hold()
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        cv2.setNumThreads(before)
