"""What each trigger costs, as a share of encoding: figures that ship with the package, from `benchmarks/triggers.py`.

Of pictures: CPU time of a frame, beside x264 (veryfast, crf 18) on the same frame of 340x256 with one thread. Of sound:
of a second of 44.1 kHz stereo, beside AAC.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from poisonkit.common.safe_io import load_json, read_text

FILE = Path(__file__).parents[1] / "costs.json"
MOST = 0.25
"""What costs more has a reason, which docs/costs.md says."""


@cache
def _all() -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = load_json(read_text(FILE)) if FILE.exists() else {}
    return found


def shares(name: str) -> Mapping[str, float]:
    """`static` and `dynamic` -> share, of a built-in trigger; nothing of others, and of those that need a file."""
    return _all().get(name, {})
