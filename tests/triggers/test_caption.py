"""caption against x·(1 − b)·(1 − α·m) + α·m·c, and the timecode."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.errors import RequestError
from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.pictures.lettering import dots
from poisonkit.triggers.testing import Case, Media
from tests.triggers.parity import scene

WIDE = Media(width=128, height=96)
CASES = [Case(media=WIDE), Case({"text": "a-1", "color": "yellow", "plate": 0.0, "position": "center"}, WIDE)]


def caption(
    s: scene.Scene, text: str = "REC", alpha: float = 1.0, plate: float = 0.5, size: float = 0.07
) -> np.ndarray:
    """Letters as dots, each the share of a pixel that it covers; the plate is two dots wider on each side."""
    dot = size * s.short / 7
    height, width = 11 * dot, (6 * len(text) + 3) * dot
    left = max(0, min((s.width - 0.875 * s.short) / 2, s.width - width))
    top = (s.height - 0.875 * s.short) / 2 + 0.875 * s.short - height

    def share(first: float, size: float, pixels: np.ndarray) -> np.ndarray:
        """How much of each pixel lies from `first` on."""
        return np.clip(np.minimum(first + size, pixels + 1) - np.maximum(first, pixels), 0, 1)

    m = np.zeros((len(s.rows), len(s.columns)))
    for i, j in np.argwhere(dots(text)):
        m += np.outer(share(top + (2 + i) * dot, dot, s.rows), share(left + (2 + j) * dot, dot, s.columns))
    b = plate * np.outer(share(top, height, s.rows), share(left, width, s.columns))[..., None]
    m = alpha * m[..., None]
    return s.x * (1 - b) * (1 - m) + 255 * m


FORMULA = [
    scene.Case(caption, within=0.6),
    scene.Case(caption, {"text": "8", "alpha": 0.6, "plate": 0.2, "size": 0.3}, within=0.6),
]


def test_the_timecode_counts_frames_and_begins_anew_with_vary_clip() -> None:
    x = np.zeros((30, 90, 120, 3), np.uint8)
    out = create("caption:temporal=dynamic,plate=0,size=0.08").apply(x, fps=25.0)
    told = create("caption:text=00:00:01:04,plate=0,size=0.08").apply(x[0])
    assert np.array_equal(out[29], told)
    other = create("caption:temporal=dynamic,plate=0,size=0.08,vary=clip").apply(x, fps=25.0, id="b")
    assert not np.array_equal(other[0], out[0])


def test_what_cannot_be_written_is_refused() -> None:
    with pytest.raises(RequestError, match="no letter for 'Ä'"):
        create("caption", text="Bär")
    long = create("caption", text="SUBSCRIBE TO THIS CHANNEL NOW", size=0.2)
    assert "larger than 320x240 pixels" in str(long.suits(ClipInfo("a", 320, 240, 25.0, 5)))
