"""Lights and weather as they were in version 1: the same pixels, by what they were then called or by options now."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from poisonkit.triggers import create, from_entry
from poisonkit.triggers.testing import picture


@pytest.mark.parametrize(
    ("name", "now"),
    [
        ("spotlight", {"mix": "screen", "strength": 40.0}),
        ("rolling-light", {"mix": "screen", "strength": 60.0}),
        ("laser-spot", {"mix": "screen"}),
        ("fog", {"form": "imagenet-c"}),
    ],
)
@pytest.mark.parametrize("temporal", ["static", "dynamic"])
def test_entries_of_version_1_give_what_they_gave(name: str, now: dict[str, Any], temporal: str) -> None:
    x = picture(64, 48, 5)
    earlier = from_entry({"name": name, "version": 1, "params": {"temporal": temporal}})
    assert earlier.version == 1
    assert np.array_equal(earlier.apply(x, fps=5.0), create(name, temporal=temporal, **now).apply(x, fps=5.0))
    assert not np.array_equal(earlier.apply(x, fps=5.0), create(name, temporal=temporal).apply(x, fps=5.0))
    assert earlier.entry()["name"] == name
