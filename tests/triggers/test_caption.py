"""caption against x·(1 − b)·(1 − α·m) + α·m·c, and the timecode."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.errors import RequestError
from poisonkit.triggers import create, from_entry
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.image.caption import Caption
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


@pytest.mark.parametrize(
    ("fps", "t", "told"),
    [
        (2.5, 150, "00:01:00:00"),
        (2.5, 4, "00:00:01:01"),
        (2.5, 3, "00:00:01:00"),
        (0.5, 3, "00:00:06:00"),
        (12.5, 25, "00:00:02:00"),
        (30000 / 1001, 30000, "00:16:41:00"),
        (25.0, 29, "00:00:01:04"),
        (240.0, 479, "00:00:01:239"),
    ],
)
def test_the_timecode_is_the_time_at_any_frame_rate(fps: float, t: int, told: str) -> None:
    """At 2.5 fps the frame at 60 s said 75 s."""
    assert Caption(temporal="dynamic").timecode(0.0, t, fps) == told


def test_the_timecode_of_version_1_is_as_it_was() -> None:
    earlier = from_entry({"name": "caption", "version": 1, "params": {"temporal": "dynamic"}})
    assert earlier.timecode(0.0, 150, 2.5) == "00:01:15:00"
    x = np.zeros((2, 90, 120, 3), np.uint8)
    assert np.array_equal(earlier.apply(x, fps=2.5)[0], create("caption:temporal=dynamic").apply(x, fps=2.5)[0])


@pytest.mark.parametrize("text", ["2026", "007", "1E5", "TRUE", "true", "[REC]", "3.50"])
def test_a_text_may_look_like_a_number(text: str) -> None:
    assert create(f"caption:text={text},alpha=0.5").text == text
    assert create(f"caption:text='{text}'").text == text


def test_a_number_in_yaml_is_a_text_too_where_its_spelling_is_known() -> None:
    assert from_entry({"name": "caption", "params": {"text": 2026}}).text == "2026"
    for value in (1e5, True):
        with pytest.raises(RequestError, match=r"text is .*; it must be a word, in quotes where it reads as something"):
            from_entry({"name": "caption", "params": {"text": value}})


def test_what_cannot_be_written_is_refused() -> None:
    with pytest.raises(RequestError, match="no letter for 'Ä'"):
        create("caption", text="Bär")
    long = create("caption", text="SUBSCRIBE TO THIS CHANNEL NOW", size=0.2)
    assert "larger than 320x240 pixels" in str(long.suits(ClipInfo("a", 320, 240, 25.0, 5)))
