"""sample-overwrite: the samples that are set, and no others."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.testing import Case, sound

CASES = [Case(), Case({"duration": 0.01, "position": "spread", "chunks": 3})]


@pytest.mark.parametrize("channels", [1, 2])
def test_published_default(channels: int) -> None:
    x = sound(channels, 4000, 16000)
    expected = x.copy()
    expected[:, 0:4] = -1
    assert np.array_equal(create("sample-overwrite").apply(x, sample_rate=16000), expected)


def test_count_value_and_place() -> None:
    x = sound(1, 1000, 8000)
    expected = x.copy()
    expected[:, 990:1000] = 0.5
    made = create("sample-overwrite:samples=10,value=0.5,position=end").apply(x, sample_rate=8000)
    assert np.array_equal(made, expected)
    made = create("sample-overwrite:duration=0.00125,value=0.5,position=end").apply(x, sample_rate=8000)
    assert np.array_equal(made, expected)


@pytest.mark.parametrize("samples", [4, 4000])
def test_dynamic_is_once_in_each_segment(samples: int) -> None:
    silence = np.zeros((1, 8000), np.float32)
    trigger = create("sample-overwrite:temporal=dynamic", samples=samples)
    out = trigger.apply(silence, sample_rate=4000)[0]
    places = [np.flatnonzero(out[k * 2000 : (k + 1) * 2000]) for k in range(4)]
    assert all(len(p) == min(samples, 2000) == p[-1] - p[0] + 1 for p in places)
    assert len({int(p[0]) for p in places}) == (4 if samples == 4 else 1)
