"""Names of temporary files. A folder may be shared with other hosts, where processes have the same numbers."""

from __future__ import annotations

import os
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
