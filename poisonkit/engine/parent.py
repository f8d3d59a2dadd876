"""Workers end with their parent: one that goes on would write into an output that has become another run's."""

from __future__ import annotations

import os
import threading
import time
from functools import cache

from poisonkit import temporary

LOOKED = 0.2  # seconds between looks at who the parent is


@cache
def end_with(parent: int) -> None:
    """End this process, at once and without any clean-up, soon after the process `parent` that started it ended.

    A thread looks, on every system. (Linux's own signal for it is sent when the *thread* that started a worker ends,
    and workers outlive that: joblib keeps them for the next caller, and starts some from threads of its own.) What is
    stopped, or deep in a library, does not look: `ownership` keeps it from doing harm.
    Where it has ended already, while this process was getting ready, this one ends now.
    """
    if os.getppid() != parent:
        _end()
    threading.Thread(target=_watch, args=(parent,), name="end-with-parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOKED)
    _end()


def _end() -> None:
    temporary.discard()
    os._exit(1)
