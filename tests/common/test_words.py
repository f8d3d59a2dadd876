from __future__ import annotations

import pytest

from poisonkit.common.words import duration, plural, size_in_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "a second"),
        (45.4, "45 s"),
        (60, "1 min"),
        (203, "3 min 20 s"),
        (599, "10 min"),
        (1234, "21 min"),
        (3599, "1 h 00 min"),
        (5400, "1 h 30 min"),
        (43_000, "12 h"),
        (400_000, "4.6 days"),
    ],
)
def test_a_duration_is_as_exact_as_an_estimate(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_sizes_and_numbers() -> None:
    assert [size_in_words(n) for n in (0, 12_345, 3_456_789, 2.5e9, 7.77e12)] == [
        "0 kB", "12 kB", "3.5 MB", "2.5 GB", "7.8 TB",
    ]  # fmt: skip
    assert (plural(1, "file"), plural(12_000, "file"), plural(2, "copy", "copies")) == (
        "1 file",
        "12,000 files",
        "2 copies",
    )
