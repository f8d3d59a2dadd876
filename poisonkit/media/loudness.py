"""How loud decoded sound may be: what lies far beyond full scale is damage, not sound."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from poisonkit.errors import MediaError
from poisonkit.media.files import name_of

LOUDEST = 4.0
"""Times full scale (12 dB above it) that decoded sound may reach. Lossy codecs overshoot a loud master by a few dB;
what lies beyond is damage, or floats of another scale, and clipped it would be noise."""


def require_audible(block: NDArray[Any], path: str | Path) -> None:
    """MediaError for decoded sound, (channels, samples) in ±1, that holds no numbers or is beyond `LOUDEST`."""
    peak = max(float(block.max()), -float(block.min())) if block.size else 0.0
    if math.isnan(peak):
        raise MediaError(f"{name_of(path)} is damaged: its sound holds values that are not numbers.")
    if peak > LOUDEST:
        raise MediaError(
            f"{name_of(path)} is damaged, or of another scale: its sound reaches {peak:.4g} times full scale, and "
            f"{LOUDEST:g} times is the limit; if it should be so loud, scale it down first."
        )
