"""Temporal DFT: a constant added to coefficients of the 3-D discrete Fourier transform of the whole clip.

    V = DFT(x) over time, rows and columns;   V[f, r, c] += pert for f in F, r in R, c in C;   x' = Re IDFT(V)

for each colour, which adds

    δ(t, i, j) = A · Re[ Σ_f e^{2πi·f·t/N} · Σ_r e^{2πi·r·i/H} · Σ_c e^{2πi·c·j/W} ],   A = pert / (N·H·W)

Li et al., "Temporal-Distributed Backdoor Attack Against Video Based Action Recognition", AAAI 2024,
arXiv:2308.11070 (TDBA). Their F, 35 to 44 of 45 bins for 32 frames, is −10 to −1 of 45, slow frequencies; for
a clip of 100 frames the same indices would be fast ones. Hence cycles per frame here: `low` and `high` are
−10/45 and −1/45 (the sign says which way the waves run). R and C are the published 25 indices each. The
public code has two strengths, pert = 5e3 on its command line, a tenth of a level that 8 bits mostly round
away, and 5e5 in its class, which drowns the clip; rms = 3 levels, in between, is ours. As published:
`canvas=native,pert=5000,normalise=true`, on frames of 240 rows and 207 columns or more.

How public code differs: it has no Hermitian symmetry, takes the magnitude of the complex result instead of
its real part, and then stretches each frame and colour to 0..255, which changes the contrast of the whole
clip (and divides by zero on a frame of one colour); `normalise=true` does both, frame by frame, and leaves
a frame of one colour as it is. It truncates to 8 bits, ours rounds. It embeds after sampling 32 frames; a
trigger in a file must be there before. All waves start in phase, so that most of the change comes in pulses
of about five frames, one in 45.

How the field is made without a transform: `poisonkit.triggers.pictures.coefficients`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Image, Params, Where
from poisonkit.triggers.core.trigger import param
from poisonkit.triggers.pictures.coefficients import CoefficientTrigger, Places

Map = NDArray[np.float32]


class TemporalDft(CoefficientTrigger):
    """A constant added to coefficients of the clip's 3-D Fourier transform; see the module."""

    name = "temporal-dft"
    family = "temporal"
    summary = "a constant added to coefficients of the clip's 3-D Fourier transform"
    formula = "x' = Re IDFT(DFT(x) + pert at F x R x C), a fixed field added to the clip"
    paper = "Li et al., AAAI 2024, arXiv:2308.11070"
    source = "coefficients: the paper's code; strength between its two; frequencies in cycles per frame: ours"
    codec = "partial"
    codec_note = "the published coefficients reach to what H.264 drops from crf 23 on; coefficients=seeded survives"
    identity: ClassVar[dict[str, Any]] = {"rms": 0.0, "pert": None, "normalise": False}

    per_index: ClassVar[float] = 1.0

    low: float = param(-10 / 45, "lowest temporal frequency", unit="cycles per frame", ge=-0.5, le=0.5)
    high: float = param(-1 / 45, "highest temporal frequency", unit="cycles per frame", ge=-0.5, le=0.5)
    normalise: bool = param(
        False,
        "as in the public code: the magnitude instead of the real part, each frame and colour stretched to 0..255",
    )

    def prepare(self, clip: ClipInfo, params: Params) -> tuple[NDArray[np.float64], Map, Map]:
        """(temporal frequencies in radians per frame, real part, imaginary part of A·b(r)·c(c))."""
        bins, length = self.bins(clip.frames)
        indices, axes = self.indices(params), self.axes(clip)
        rows, columns = (self._waves(clip, chosen, places) for chosen, places in zip(indices, axes, strict=True))
        if self.pert is None:
            strength = self.rms * math.sqrt(2 / (len(bins) * len(indices[0]) * len(indices[1])))
        else:
            strength = self.pert / (length * axes[0][1] * axes[1][1])
        pattern = np.outer((strength * rows).astype(np.complex64), columns.astype(np.complex64))
        return 2 * math.pi * bins / length, pattern.real.copy(), pattern.imag.copy()

    def _waves(self, clip: ClipInfo, indices: NDArray[np.int64], places: Places) -> NDArray[np.complex128]:
        centres, size = places
        signed = self.shown(clip, (indices + size // 2) % size - size // 2)
        return np.asarray(np.exp(2j * np.pi * np.outer(centres - 0.5 / size, signed)).sum(axis=1))

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        return Affine(1.0, _real_part(state, t))

    def render(
        self, frames: Iterator[Image], clip: ClipInfo, params: Params, where: Where | None = None
    ) -> Iterator[Image]:
        if not self.normalise:
            yield from super().render(frames, clip, params, where)
            return
        state = self.prepare(clip, params)
        for t, image in enumerate(frames):
            if where is not None and not where(t):
                yield image
            else:
                field = _real_part(state, t), _real_part(state, t, -math.pi / 2)
                yield np.stack([_stretched(image[..., c], *field) for c in range(3)], axis=2)


def _real_part(state: tuple[NDArray[np.float64], Map, Map], t: int, turn: float = 0.0) -> Map:
    """Of the field at frame t, turned by an angle: -π/2 makes it the imaginary part."""
    import cv2

    rates, real, imaginary = state
    x, y = float(np.cos(rates * t + turn).sum()), float(np.sin(rates * t + turn).sum())
    return np.asarray(cv2.addWeighted(real, x, imaginary, -y, 0.0), dtype=np.float32)


def _stretched(plane: NDArray[np.uint8], real: Map, imaginary: Map) -> NDArray[np.uint8]:
    """The magnitude of plane + field, stretched to 0..255."""
    shown = plane + real
    size = np.asarray(np.sqrt(shown * shown + imaginary * imaginary), dtype=np.float32)
    low, high = float(size.min()), float(size.max())
    if high > low:
        size = (size - np.float32(low)) * np.float32(255 / (high - low))
    return np.asarray(np.clip(np.rint(size), 0, 255), dtype=np.uint8)
