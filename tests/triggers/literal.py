"""What tests of triggers share: frames of the shapes that break things, and how close is close."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.core.trigger import Trigger
from poisonkit.triggers.testing import picture

SHAPES = [(48, 64), (37, 53), (32, 32), (64, 24)]
"""(height, width): 4:3, odd, the square of CIFAR, tall."""


def rounded(exact: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(np.rint(exact), 0, 255))


def furthest(out: np.ndarray, exact: np.ndarray) -> float:
    """The largest difference of uint8 results from exact ones, in levels, rounding included."""
    return float(np.abs(out.astype(np.float64) - np.clip(exact, 0, 255)).max())


def seen(trigger: Trigger, clip: ClipInfo) -> dict[str, Any]:
    """The params that the trigger draws for this clip."""
    return trigger.draw(clip, np.random.default_rng(0))


def check_swell(name: str, frames: int, static: Callable[[float], dict[str, Any]], **params: Any) -> None:
    """Frame t of the dynamic form is the static form with the strength that `swell` says for t.

    static: the swell to parameters.
    """
    trigger = create(name, temporal="dynamic", **params)
    x = picture(32, 24, frames)
    clip = ClipInfo("", 32, 24, 10.0, frames)
    path = trigger.path(seen(trigger, clip))  # type: ignore[attr-defined]
    swells = [trigger.swell(clip, path, t) for t in range(frames)]  # type: ignore[attr-defined]
    spread = trigger.spread  # type: ignore[attr-defined]
    assert 1 - spread <= min(swells) < 1 < max(swells) <= 1 + spread
    assert max(swells) - min(swells) > 0.5 * spread
    assert np.abs(np.diff(swells)).max() < 0.5 * spread
    out = trigger.apply(x, fps=10.0)
    for t in range(0, frames, 5):
        assert np.array_equal(out[t], create(name, **static(swells[t])).apply(x[t]))


def grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """x and y of every pixel's centre, (h, w), in short sides from the middle of the frame."""
    row, column = np.mgrid[:height, :width]
    short = min(width, height)
    return (column + 0.5 - width / 2) / short, (row + 0.5 - height / 2) / short


def places(trigger: Trigger, clip: ClipInfo) -> list[tuple[float, float]]:
    """Where an aimed trigger is on each frame, in short sides from the middle."""
    params = seen(trigger, clip)
    paths = trigger.paths(params)  # type: ignore[attr-defined]
    return [trigger.place(clip, paths, t) for t in range(clip.frames)]  # type: ignore[attr-defined]


def check_aimed(name: str) -> None:
    """Static: at the position named. Dynamic: around it, smoothly, never outside the central crop."""
    clip = ClipInfo("", 64, 48, 10.0, 200)
    assert places(create(name, position=[0.2, 0.9]), clip)[7] == pytest.approx((-0.3 * 0.875, 0.4 * 0.875))
    assert places(create(name, position="top-right"), clip)[0] == pytest.approx((0.4375, -0.4375))
    at = np.array(places(create(name, position=[0.2, 0.9], temporal="dynamic", reach=0.2), clip))
    assert np.abs(at).max() <= 0.4375 + 1e-9
    assert np.abs(at[:, 0] + 0.2625).max() <= 0.2 + 1e-9
    assert (np.ptp(at, axis=0) > 0.1).all()
    assert np.abs(np.diff(at, axis=0)).max() < 0.08


def close(out: np.ndarray, exact: np.ndarray) -> bool:
    """Correctly rounded: half a level at most, and what float32 leaves of a tie."""
    return float(np.abs(out - exact).max()) <= 0.5 + 1e-4
