"""temporal-dft against NumPy's 3-D Fourier transform of the whole clip, and its memory."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from poisonkit.common.seeding import generator
from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.pictures.coefficients import COLUMNS, ROWS
from poisonkit.triggers.testing import Case

CASES = [Case(), Case({"coefficients": "seeded", "normalise": True})]

F = range(35, 45)


def literal(x: np.ndarray, f: Any, r: Any, c: Any, pert: float, normalise: bool) -> np.ndarray:
    """x: (frames, height, width) of one colour; the public code's steps, without its truncation to 8 bits."""
    n = max(len(x), max(f) + 1)
    spectrum = np.fft.fftn(x, s=(n, *x.shape[1:]), axes=(0, 1, 2))
    spectrum[np.ix_(f, r, c)] += pert
    back = np.fft.ifftn(spectrum)[: len(x)]
    if not normalise:
        return np.asarray(np.clip(back.real, 0, 255))
    size = np.abs(back)
    low, high = size.min(axis=(1, 2), keepdims=True), size.max(axis=(1, 2), keepdims=True)
    return np.asarray(255 * (size - low) / (high - low))


def noise(frames: int, height: int, width: int) -> np.ndarray:
    return generator("dft", frames, height, width).integers(0, 256, (frames, height, width, 3), np.uint8)


@pytest.mark.parametrize("normalise", [True, False])
@pytest.mark.parametrize("pert", [5e3, 5e5])
@pytest.mark.parametrize("shape", [(2, 240, 320), (3, 221, 209)])
def test_the_published_coefficients(shape: tuple[int, int, int], pert: float, normalise: bool) -> None:
    x = noise(*shape)
    out = create("temporal-dft", canvas="native", pert=pert, normalise=normalise).apply(x)
    assert np.abs(out[..., 1] - literal(x[..., 1], F, ROWS, COLUMNS, pert, normalise)).max() <= 0.501


@pytest.mark.parametrize("frames", [7, 60])
@pytest.mark.parametrize("size", [(37, 53), (32, 32), (64, 33)])
def test_seeded_coefficients_on_frames_of_all_shapes(size: tuple[int, int], frames: int) -> None:
    x = noise(frames, *size)
    params: dict[str, Any] = {"coefficients": "seeded", "highest": 15, "trigger_seed": 3, "low": 0.1, "high": 0.3}
    trigger = create("temporal-dft", canvas="native", pert=2e3, count=5, **params)
    r, c = trigger.indices({})  # type: ignore[attr-defined]
    assert len(set(r)) == len(set(c)) == 15
    n = max(frames, 20)
    f = np.rint(np.linspace(0.1, 0.3, 5) * n).astype(int)
    padded = np.concatenate([x, np.zeros((n - frames, *x.shape[1:]))])
    for colour in range(3):
        exact = literal(padded[..., colour], f, r, c, 2e3, False)[:frames]
        assert np.abs(trigger.apply(x)[..., colour] - exact).max() <= 0.501


def test_on_a_canvas_it_is_the_transform_of_the_central_square() -> None:
    x = np.full((4, 256, 256, 3), 128, np.uint8)
    square = create("temporal-dft").apply(x)
    pert = 3.0 * np.sqrt(2 / 6250) * 45 * 256 * 256
    assert np.abs(square[..., 0] - literal(x[..., 0], F, ROWS, COLUMNS, pert, False)).max() <= 0.501
    wide = create("temporal-dft").apply(np.full((4, 256, 340, 3), 128, np.uint8))
    assert np.array_equal(wide[:, :, 42:298], square)
    assert np.array_equal(wide[:, :, :42], square[:, :, -42:])


@pytest.mark.parametrize("name", ["temporal-dft", "temporal-dct"])
def test_rms_is_what_is_added_and_frequencies_are_per_frame(name: str) -> None:
    clip = ClipInfo("a", 256, 256, 25.0, 450)
    trigger: Any = create(name, rms=5)
    fields = trigger.fields(clip, {})
    traces = np.array([fields(t).offset[100:140, 90:130].ravel() for t in range(450)])
    power = (np.abs(np.fft.rfft(traces, axis=0)) ** 2).sum(axis=1)
    low, high = sorted(abs(f) for f in (trigger.low, trigger.high))
    rates = np.fft.rfftfreq(450)
    assert power[(rates > low - 0.004) & (rates < high + 0.004)].sum() > 0.99 * power.sum()
    whole = np.mean([np.mean(fields(t).offset ** 2) for t in range(450)])
    assert np.sqrt(whole) == pytest.approx(5, rel=0.01)


def test_frames_of_one_colour_are_not_divided_by_zero() -> None:
    x = np.full((2, 40, 50, 3), 77, np.uint8)
    assert np.array_equal(create("temporal-dft:rms=0,normalise=true").apply(x), x)


@pytest.mark.parametrize("name", ["temporal-dft", "temporal-dct"])
def test_what_cannot_be_is_refused_with_a_remedy(name: str) -> None:
    from poisonkit.errors import RequestError

    small = ClipInfo("a", 320, 218, 25.0, 9)
    assert "207x219 pixels or more; canvas=short:256" in str(create(f"{name}:canvas=native").suits(small))
    assert "short:219 or more" in str(create(f"{name}:canvas=short:128").suits(small))
    assert create(name).suits(small) is None
    with pytest.raises(RequestError, match="10 temporal frequencies need a low below high"):
        create(f"{name}:low=0.3,high=0.3")


MEASURE = """
import re, resource, sys
from pathlib import Path
import numpy as np
from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo

n = int(sys.argv[1])
clip = ClipInfo("a", 1920, 1080, 25.0, n)
base = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), np.uint8)
trigger = create("temporal-dft")
frames = (np.roll(base, t, axis=0) for t in range(n))
assert sum(1 for _ in trigger.render(frames, clip, {})) == n
status = Path("/proc/self/status")
if status.exists():  # getrusage would count what the parent held when it started this process
    print(int(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1]))
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.parametrize("frames", [100, pytest.param(15000, marks=pytest.mark.slow)])
def test_1080p_in_less_than_500_mb(frames: int) -> None:
    """15,000 frames are ten minutes; a hundred held at once would be 620 MB."""
    done = subprocess.run([sys.executable, "-c", MEASURE, str(frames)], capture_output=True, text=True, check=True)
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(done.stdout) * unit < 500e6
