"""`benchmarks/compare.py`: what counts as a change beyond noise."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def compare() -> ModuleType:
    file = Path(__file__).parents[1] / "benchmarks" / "compare.py"
    spec = importlib.util.spec_from_file_location("compare", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("new", "noise", "said"),
    [
        ((1.20, 1.15, 1.25), (1.01, 0.98, 1.03), "slower"),
        ((0.80, 0.75, 0.85), (1.01, 0.98, 1.03), "faster"),
        ((1.20, 0.95, 1.45), (1.01, 0.98, 1.03), "no change seen"),  # the interval holds 1
        ((1.10, 1.05, 1.15), (0.88, 0.80, 0.95), "no change seen"),  # OLD is farther from itself
        ((1.01, 1.005, 1.015), (1.0, 0.999, 1.001), "no change seen"),  # sure, but under 2 %
    ],
)
def test_a_change_is_above_noise(
    compare: ModuleType, new: tuple[float, ...], noise: tuple[float, ...], said: str
) -> None:
    assert compare.verdict(new, noise) == said


def test_the_interval_holds_the_median(compare: ModuleType) -> None:
    median, low, high = compare.interval([1.0, 1.1, 1.2, 1.05, 1.15])
    assert low <= median == 1.1 <= high
