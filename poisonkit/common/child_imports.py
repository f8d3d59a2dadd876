"""Python processes that are started here take no modules from the folder they are started in.

That folder is often the dataset's, and so a stranger's: `python -c` and `python -m`, by which libraries start their
workers, look there first, for `joblib.py` or `multiprocessing.py` too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

SAFE = "PYTHONSAFEPATH"


@contextmanager
def safe_path() -> Iterator[None]:
    """Around what starts them, and for as long as it may start more."""
    before = os.environ.get(SAFE)
    os.environ[SAFE] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(SAFE, None)
        else:
            os.environ[SAFE] = before
