"""The temporal family, from the definitions in the modules."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .scene import SHAPES, Case, Scene

R = (96, 72, 60, 149, 124, 57, 7, 66, 203, 140, 46, 97, 169, 21, 191, 196, 61, 95, 77, 184, 171, 75, 89, 218, 205)
C = (99, 2, 205, 40, 22, 7, 187, 70, 148, 177, 204, 77, 176, 120, 88, 156, 190, 81, 30, 93, 206, 10, 157, 48, 165)
"""The published coefficients' rows and columns."""


def luminance_wave(
    s: Scene, frequency: float = 2.5, amplitude: float = 0.05, phase: float = 0.0, form: str = "multiplicative"
) -> np.ndarray:
    """x·(1 + a·sin(2πft + φ)), or x + 255·a·sin(2πft + φ)."""
    wave = amplitude * math.sin(2 * math.pi * frequency * s.seconds + phase)
    return s.x * (1 + wave) if form == "multiplicative" else s.x + 255 * wave


def chrominance_wave(
    s: Scene, frequency: float = 2.5, amplitude: float = 3.0, phase: float = 0.0, channel: str = "cr"
) -> np.ndarray:
    """Cr' = Cr + a·sin(2πft + φ), by way of YCbCr of BT.601 in full range, in floats."""
    to_ycc = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
    angle = 2 * math.pi * frequency * s.seconds + phase
    ycc = s.x @ to_ycc.T
    if channel in ("cr", "both"):
        ycc[..., 2] += amplitude * math.sin(angle)
    if channel in ("cb", "both"):
        ycc[..., 1] += amplitude * (math.cos(angle) if channel == "both" else math.sin(angle))
    return ycc @ np.linalg.inv(to_ycc).T


def flicker(s: Scene, frequency: float = 2.5, amplitude: float = 4.0) -> np.ndarray:
    """x + a·sin(2πft + φ_c), a phase for each colour."""
    phases = s.rng("sequence").uniform(0, 2 * math.pi, (1, 3))[0]
    return s.x + amplitude * np.sin(2 * math.pi * frequency * s.seconds + phases)


def frame_lag(s: Scene, hold: int = 4, form: str = "stutter", freeze: float = 0.5, every: float = 2.0) -> np.ndarray:
    """Frame k·⌊t/k⌋; or the first of the freeze that t lies in."""
    shown = hold * (s.t // hold)
    if form == "freeze":
        begins, length = round(every * s.clip.fps), round(freeze * s.clip.fps)
        shown = s.t - s.t % begins if s.t % begins < length else s.t
    return s.pick(s.frames[shown]).astype(float)


def temporal_blur(s: Scene, frames: int = 5) -> np.ndarray:
    """Mean of x_s, s from t − ⌊n/2⌋ to t + ⌊(n − 1)/2⌋, within the clip."""
    near = range(max(0, s.t - frames // 2), min(len(s.frames), s.t + (frames - 1) // 2 + 1))
    return np.mean([s.pick(s.frames[i]).astype(float) for i in near], axis=0)


def motion_blur(s: Scene, length: float = 1 / 16, angle: float = 0.0, length_px: float | None = None) -> np.ndarray:
    """(1/n)·Σ x(p + i·u), bilinear, mirrored beyond the frame."""
    wanted = length * s.short if length_px is None else length_px
    half = max(round((wanted - 1) / 2), 0)
    image, out = s.frames[s.t], np.zeros(s.x.shape)

    def mirrored(index: np.ndarray, size: int) -> np.ndarray:
        return (size - 1) - np.abs((size - 1) - index % (2 * size - 2))

    for i in range(-half, half + 1):
        dx, dy = i * math.cos(math.radians(angle)), -i * math.sin(math.radians(angle))
        left, top = math.floor(dx + 1e-9), math.floor(dy + 1e-9)
        fx, fy = max(dx - left, 0.0), max(dy - top, 0.0)
        for oy, wy in ((0, 1 - fy), (1, fy)):
            for ox, wx in ((0, 1 - fx), (1, fx)):
                if wx * wy > 1e-9:
                    rows = mirrored(s.rows + top + oy, s.height)
                    columns = mirrored(s.columns + left + ox, s.width)
                    out += wx * wy * image[rows[:, None], columns]
    return out / (2 * half + 1)


def _clip_bins(frames: int) -> tuple[int, range]:
    """The published transform of 32 frames has 45 bins, and its coefficients are 35 to 44."""
    assert frames <= 45
    return 45, range(35, 45)


def temporal_dft(
    s: Scene,
    rms: float = 3.0,
    canvas: str = "short:256",
    pert: float | None = None,
    normalise: bool = False,
) -> np.ndarray:
    """What adding `pert` to V[f, r, c] of the clip's DFT does to it: a sum of exponentials.

    By default pert is what makes the root mean square `rms`, and the transform is that of a square of 256 pixels on
    the central square; frequencies above what the clip's pixels hold are left out. (The transform itself:
    `test_temporal_dft.py`.)
    """
    n, bins = _clip_bins(len(s.frames))
    native = canvas == "native"
    size = (s.height, s.width) if native else (256, 256)
    if pert is None:
        pert = rms * math.sqrt(2 / (len(bins) * len(R) * len(C))) * n * size[0] * size[1]

    def axis(index: np.ndarray, length: int, chosen: tuple[int, ...], of: int) -> np.ndarray:
        at = index / of if native else (index + 0.5 - length / 2) / s.short + 0.5 - 0.5 / of
        signed = [(k + of // 2) % of - of // 2 for k in chosen]
        kept = [k for k in signed if native or abs(k) < s.short / 2]
        return np.exp(2j * np.pi * np.outer(at, kept)).sum(axis=1)

    def field(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        down, across = axis(rows, s.height, R, size[0]), axis(columns, s.width, C, size[1])
        over_time = sum(np.exp(2j * np.pi * f * s.t / n) for f in bins)
        return np.asarray(pert / (n * size[0] * size[1]) * over_time * np.outer(down, across))[..., None]

    if not normalise:
        return s.x + field(s.rows, s.columns).real
    whole = np.abs(s.frames[s.t] + field(np.arange(s.height), np.arange(s.width)))
    low, high = whole.min(axis=(0, 1)), whole.max(axis=(0, 1))
    return 255 * (s.pick(whole) - low) / (high - low)


def temporal_dct(s: Scene, rms: float = 3.0, canvas: str = "short:256", pert: float | None = None) -> np.ndarray:
    """The same for the orthonormal DCT, whose coefficients 35 to 44 of 45 are fast ones."""
    n, bins = _clip_bins(len(s.frames))
    native = canvas == "native"
    size = (s.height, s.width) if native else (256, 256)
    if pert is None:
        pert = rms * math.sqrt(n * size[0] * size[1] / (len(bins) * len(R) * len(C)))

    def axis(index: np.ndarray, length: int, chosen: Any, of: int, kept: float) -> np.ndarray:
        at = (index + 0.5) / of if native or length == n else (index + 0.5 - length / 2) / s.short + 0.5
        ks = np.array([k for k in chosen if native or k / 2 < kept])
        return np.cos(np.pi * np.outer(at, ks)) @ np.where(ks == 0, math.sqrt(1 / of), math.sqrt(2 / of))

    down = axis(s.rows, s.height, R, size[0], s.short / 2)
    across = axis(s.columns, s.width, C, size[1], s.short / 2)
    over_time = sum(math.sqrt(2 / n) * math.cos(math.pi * f * (s.t + 0.5) / n) for f in bins)
    return s.x + (pert * over_time * np.outer(down, across))[..., None]


LARGE = ("240p", "1080p")
assert set(LARGE) <= set(SHAPES)

CASES: dict[str, list[Case]] = {
    "chrominance-wave": [
        Case(chrominance_wave, frames=4, within=0.52),
        Case(chrominance_wave, {"channel": "cb", "amplitude": 30, "frequency": 5, "phase": 0.8}, frames=4, within=0.52),
        Case(chrominance_wave, {"channel": "both", "amplitude": 20}, frames=4, within=0.52),
    ],
    "flicker": [Case(flicker, frames=4), Case(flicker, {"amplitude": 60.0, "frequency": 6.0}, frames=4)],
    "frame-lag": [
        Case(frame_lag, frames=10),
        Case(frame_lag, {"hold": 7}, frames=10),
        Case(frame_lag, {"form": "freeze", "freeze": 0.12, "every": 0.2}, frames=12),
    ],
    "luminance-wave": [
        Case(luminance_wave, frames=4),
        Case(luminance_wave, {"form": "additive"}, frames=4),
        Case(luminance_wave, {"frequency": 6.5, "amplitude": 0.6, "phase": 1.0}, frames=4),
    ],
    "motion-blur": [
        Case(motion_blur),
        Case(motion_blur, {"angle": 90.0, "length_px": 15}),
        Case(motion_blur, {"angle": 20.0, "length_px": 9}),
        Case(motion_blur, {"angle": -70.0, "length_px": 31}),
    ],
    "temporal-blur": [
        Case(temporal_blur, frames=7),
        Case(temporal_blur, {"frames": 2}, frames=4),
        Case(temporal_blur, {"frames": 16}, frames=4),
    ],
    "temporal-dct": [
        Case(temporal_dct, frames=3),
        Case(temporal_dct, {"canvas": "native", "pert": 500}, frames=3, shapes=LARGE, on_large=True),
    ],
    "temporal-dft": [
        Case(temporal_dft, frames=3),
        Case(temporal_dft, {"canvas": "native", "pert": 5e5}, frames=3, shapes=LARGE, on_large=True),
        Case(temporal_dft, {"canvas": "native", "pert": 5e3, "normalise": True}, frames=2, shapes=LARGE),
    ],
}
