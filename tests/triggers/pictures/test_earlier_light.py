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
        ("rain", {"opacity": 0.6, "density": 110.0, "width": 0.004}),
        ("snow", {"shade": 0.0, "density": 150.0}),
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


def test_the_sun_wandered_in_version_1() -> None:
    x = picture(64, 48, 5)
    earlier = from_entry({"name": "sun-glare", "version": 1, "params": {"temporal": "dynamic"}})
    now = create("sun-glare", temporal="dynamic", reach=0.15, spread=0.0)
    assert np.array_equal(earlier.apply(x, fps=5.0), now.apply(x, fps=5.0))
