"""How many processors this process may use."""

from __future__ import annotations


def count() -> int:
    """Those of the machine, of them those that it is bound to, and no more than the CPU quota of its container gives.

    `LOKY_MAX_CPU_COUNT` lowers it further.
    """
    import joblib

    return int(joblib.cpu_count())
