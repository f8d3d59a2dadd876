"""The number of jobs never decides a bit: matrix products are held to one thread."""

from __future__ import annotations

from pathlib import Path

import cv2
from threadpoolctl import threadpool_info

from poisonkit.engine.executors import local
from poisonkit.engine.executors.threads import one_thread


def threads(_: int) -> tuple[int, int]:
    most = max((pool["num_threads"] for pool in threadpool_info()), default=1)
    return most, cv2.getNumThreads()


def test_one_thread_here_and_in_workers(tmp_path: Path) -> None:
    before = threads(0)
    assert list(local.map_unordered(threads, [0, 1], 1)) == [(1, 1)] * 2
    assert threads(0) == before
    assert list(local.map_unordered(threads, [0, 1, 2], 2)) == [(1, 1)] * 3
    with one_thread():
        assert threads(0) == (1, 1)
