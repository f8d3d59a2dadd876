"""Low-frequency: a band-limited random field added to every pixel.

    x' = x + a·255·(n + m),   n(u, v) = Σ_k c_k·exp(2πi·k·(u, v)), real, scaled to ±1

(u, v): place in short sides from the middle of the frame; k: all wave numbers on a half-integer grid with
0 < |k| ≤ cutoff, in cycles per short side; c_k: independent complex normal numbers, one set per colour. n is
scaled by its lowest and highest value on the central square, so that it spans -1..1 there; beyond it is clipped.

The model-free form of Zeng, Park, Mao, Jia, "Rethinking the Backdoor Attacks' Triggers: A Frequency Perspective",
ICCV 2021, arXiv:2104.03413, whose trigger is a perturbation found with a trained model, low-passed and scaled to
0..0.2 of full scale. a = 0.1 is the same range, laid around zero (m = 0) so that the picture keeps its brightness;
m = 1 is 0..0.2. The cutoff of 4 cycles is ours. Their own trigger, or any other that was learned: `additive`.

How public code differs: it smooths with a Gaussian, which is a soft limit, in pixels of a 32x32 picture, and has
one size of trigger. Here the limit is hard, and the field is evaluated at the pixels of whatever size the clip has:
it needs no canvas, and two sizes of one clip carry the same field. BackdoorBench adds in floats, clips, and truncates
to 8 bits; here the sum is rounded.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from poisonkit.common import exact
from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.pictures.canvas import axes

_STEP = 0.5  # cycles per short side between wave numbers: the field repeats after two short sides
_LOOKED_AT = 64  # points per short side at which its range is found

Waves = tuple[NDArray[np.float32], NDArray[np.float32]]


class LowFrequency(AffineTrigger):
    """A smooth random field added to the picture; see the module."""

    name = "low-frequency"
    family = "image"
    summary = "a smooth, band-limited random field added to every pixel"
    formula = "x' = x + 255 * amplitude * (n + mean), n: random waves of at most cutoff cycles per short side, in -1..1"
    static_is = "the same field on every frame"
    dynamic_is = "another field on every frame"
    paper = "Zeng et al., Rethinking the Backdoor Attacks' Triggers, ICCV 2021, arXiv:2104.03413 (model-free form)"
    source = "range: the paper's published code; cutoff and zero mean: ours"
    codec = "robust"
    codec_note = "keeps its strength, but a small amplitude is buried in the codec's own noise"
    identity: ClassVar[dict[str, Any]] = {"amplitude": 0.0}
    follows_canvas = ("cutoff",)

    amplitude: float = param(0.1, "the field's largest value", unit="of full scale", ge=0, le=1)
    mean: float = param(0.0, "added to the field, in amplitudes; 1: it only brightens, as published", ge=-1, le=1)
    cutoff: float = param(4.0, "highest frequency in the field", unit="cycles per short side", ge=0.5, le=32)
    gray: bool = param(False, "one field for all three colours")

    def suits(self, clip: ClipInfo) -> str | None:
        if self.cutoff > clip.short_side / 2:
            return (
                f"{clip.width}x{clip.height} cannot show {self.cutoff:g} cycles per short side;"
                f" the cutoff must be at most {clip.short_side / 2:g}"
            )
        return None

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        x, y = axes(clip)
        square = (np.arange(_LOOKED_AT, dtype=np.float32) + np.float32(0.5)) / _LOOKED_AT - np.float32(0.5)
        return (self._waves(x, y), self._waves(square, square))

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        everywhere, square = state
        numbers = self._numbers(params, t)
        there = _sum(numbers, square).reshape(_LOOKED_AT, -1)  # rows first, along which NumPy is quicker
        low, high = (by(by(there, axis=0).reshape(_LOOKED_AT, -1), axis=0) for by in (np.min, np.max))
        full = 255 * self.amplitude
        scale = 2 * full / (high - low)
        numbers *= scale
        numbers[0, self._most()] = full * (self.mean - 1) - low * scale  # the wave that is 1 everywhere
        field = _sum(numbers, everywhere)
        return Affine(1.0, np.clip(field, full * (self.mean - 1), full * (self.mean + 1), out=field))

    def _most(self) -> int:
        """How many wave numbers above 0 there are along an axis."""
        return math.floor(self.cutoff / _STEP)

    def _waves(self, x: NDArray[np.floating], y: NDArray[np.floating]) -> Waves:
        """(2·ny, height) and (nx, 2, width): cosines and sines, along y of 0..cutoff, along x of ±cutoff."""
        most = self._most()
        down = 2 * np.pi * _STEP * np.outer(np.arange(most + 1), y)
        across = 2 * np.pi * _STEP * np.outer(np.arange(-most, most + 1), x)
        rows = np.concatenate([np.cos(down), -np.sin(down)])
        return rows.astype(np.float32), np.stack([np.cos(across), np.sin(across)], axis=1).astype(np.float32)

    def _numbers(self, params: Params, t: int) -> NDArray[np.complex64]:
        """(ny, nx, channels): c_k on the half plane that stands for all of it."""
        most = self._most()
        channels = 1 if self.gray else 3
        rng = self.rng(params, "waves", self.step(t))
        parts = rng.standard_normal((most + 1, 2 * most + 1, channels, 2), dtype=np.float32)
        numbers = parts.view(np.complex64)[..., 0] * _counted(most, self.cutoff)
        return np.asarray(numbers, dtype=np.complex64)


@lru_cache(maxsize=4)
def _counted(most: int, cutoff: float) -> NDArray[np.float32]:
    """(ny, nx, 1): 1 where the wave number is one of the half plane's, else 0."""
    ky, kx = np.mgrid[: most + 1, -most : most + 1] * _STEP
    counted: NDArray[np.bool_] = (np.hypot(kx, ky) <= cutoff) & ((ky > 0) | (kx > 0))
    return np.asarray(counted[..., None], np.float32)


def _sum(numbers: NDArray[np.complex64], waves: Waves) -> NDArray[np.float32]:
    """Σ c_k·exp(2πi·k·(u, v)): float32 (height, width, channels)."""
    rows, columns = waves
    down, across, channels = numbers.shape
    turning = columns[:, 0] + 1j * columns[:, 1]
    along = exact.product(numbers.swapaxes(1, 2).reshape(-1, across), turning)
    along = along.reshape(down, channels, -1).swapaxes(1, 2).reshape(down, -1)
    field = exact.product(rows.T, np.concatenate([along.real, along.imag]))
    return np.asarray(field.reshape(rows.shape[1], -1, channels), np.float32)
