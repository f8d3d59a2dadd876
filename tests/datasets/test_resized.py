"""Lengths in lists and texts: which numbers follow, and which are left as they are."""

from __future__ import annotations

import pytest

from poisonkit.datasets import Resized
from poisonkit.datasets.resized import followed, followed_value

SOUND = Resized((2.0, 1.6), samples=(32000, 25600))
BOTH = Resized((1.2, 1.5), (30, 38), (19200, 24000))


@pytest.mark.parametrize(
    ("resized", "before", "after"),
    [
        (SOUND, "32000", "25600"),
        (SOUND, "2", "2"),  # 1.6 in whole seconds
        (SOUND, "2.0", "1.6"),
        (SOUND, "2.000000", "1.600000"),
        (SOUND, "1.99", "1.60"),
        (SOUND, "2000", "1600"),
        (SOUND, "7.5", "7.5"),
        (SOUND, "-2.0", "-2.0"),
        (SOUND, "two", "two"),
        (BOTH, "30", "38"),
        (BOTH, "19200", "24000"),
        (BOTH, "1.2", "1.5"),
    ],
)
def test_a_number_that_was_the_length_is_the_length(resized: Resized, before: str, after: str) -> None:
    assert resized.number(before) == after


def test_only_columns_of_such_names_follow() -> None:
    fields = {"duration": "2.0", "score": "2.0", "stop": "32000", "num_samples": "31000", "end": "2.0", "dur": ""}
    assert followed(fields, SOUND, False) == {**fields, "duration": "1.6", "stop": "25600"}
    lines = {"duration": "2.0", "length": '"2.00"', "text": '"duration"'}
    assert followed(lines, SOUND, True) == {**lines, "duration": "1.6", "length": '"1.60"'}


def test_json_follows_at_any_depth_and_keeps_its_kinds() -> None:
    value = {"duration": 2.0, "meta": [{"samples": 32000, "dur": "2.0", "rate": 2.0}], "frames": True, "end": None}
    made = {"duration": 1.6, "meta": [{"samples": 25600, "dur": "1.6", "rate": 2.0}], "frames": True, "end": None}
    assert followed_value(value, SOUND) == made
