"""Temporal DWT: a constant added to the coefficients of a clip's 3-D wavelet transform, for a part of its length.

    V = DWT(x), Haar, over time, rows and columns;   V[band, f, ·, ·] += pert for all 8 bands, f in the middle `span`;
    x' = IDWT(V)

The transform is linear, and so is what this adds. Equal numbers in all bands of one block of 2^L frames, rows and
columns, L: level, are one constant in the block's first octant (the first half along each axis) and 0 in the others:

    δ(t, i, j) = pert·2^(3 − 3L/2)  where t, i and j lie in the first halves of their blocks, and the frame in the span

for each colour: at level 1, every second pixel of every second row of every second frame, by 2√2·pert.

The third domain of Li et al., "Temporal-Distributed Backdoor Attack Against Video Based Action Recognition", AAAI 2024,
arXiv:2308.11070 (TDBA); the form is that of `process_video_DWT` in their code (lixi1994/TDBA-VAR), level 1 and a
quarter of the length, in its middle. Its strength on the command line, 5000, is meant for the Fourier form, and
whitens the clip. As published: `canvas=native,level=1,pert=P`.

Ours: `amplitude`, the constant in levels, 8; level 4, which by default is of pixels of a frame whose short side is 256,
and scales with the clip: single pixels and frames are what H.264 drops, and light that alternates from frame to frame
can cause seizures in photosensitive people. At level 4 it changes every 16 frames, 1.6 times a second at 25.

How public code differs: it truncates to 8 bits, ours rounds; of clips whose transform has fewer than four frames it
changes none, ours one; and a frame of an odd number of rows or columns comes out one larger, here it is cut.
A transform of the whole clip has no parameters per frame: static.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.pictures.canvas import Canvas


class TemporalDwt(AffineTrigger):
    """A constant added to coefficients of the clip's 3-D wavelet transform; see the module."""

    name = "temporal-dwt"
    family = "temporal"
    modes = ("static",)
    summary = "a constant added to coefficients of the clip's 3-D wavelet transform"
    formula = "x' = IDWT(DWT(x) + pert in all bands, in the middle of the clip), a fixed field added to the clip"
    static_is = "the same coefficients for every clip"
    paper = "Li et al., AAAI 2024, arXiv:2308.11070"
    source = "wavelet, bands and span: the paper's code; strength, and levels above 1: ours"
    codec = "partial"
    codec_note = "at level 1, as published, codecs drop most of it"
    identity: ClassVar[dict[str, Any]] = {"amplitude": 0.0, "pert": None}
    follows_canvas = ("level",)
    needs_length = True

    amplitude: float = param(8.0, "what is added where it is not 0", unit="levels", ge=-255, le=255)
    pert: float | None = param(
        None, "what is added to each coefficient, as published, instead of amplitude", ge=-1e6, le=1e6
    )
    level: int = param(4, "of the transform: its blocks are 2^level frames, rows and columns", ge=1, le=8)
    span: float = param(0.25, "share of the clip's length, in its middle", gt=0, le=1)
    canvas: Canvas = "short:256"

    def constant(self) -> bool:
        return False

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        """(first frame, last + 1, what is added to frames that lie in the first half of their block)."""
        block = 2**self.level
        length = max(1, -(-clip.frames // block))
        first = int((1 - self.span) / 2 * length)
        last = first + max(1, int(self.span * length))
        height = self.amplitude if self.pert is None else self.pert * 2 ** (3 - 1.5 * self.level)
        down, across = (self._first_half(clip, n) for n in (clip.height, clip.width))
        return first * block, last * block, np.float32(height) * np.outer(down, across).astype(np.float32)

    def _first_half(self, clip: ClipInfo, length: int) -> Any:
        """Which pixels along an axis lie in the first half of their block."""
        block = 2**self.level
        at = np.arange(length)
        if self.canvas != "native":  # in pixels of the canvas, from the corner of the central square
            scale = int(self.canvas.partition(":")[2]) / clip.short_side
            at = np.floor((at + 0.5 - (length - clip.short_side) / 2) * scale).astype(int)
        return at % block < block // 2

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        first, last, added = state
        block = 2**self.level
        if first <= t < last and t % block < block // 2:
            return Affine(1.0, added)
        return Affine()
