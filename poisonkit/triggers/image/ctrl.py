"""CTRL: a constant added to a few DCT coefficients of every block, in chroma, without an 8-bit detour.

    DCT₂(block of C)[u, v] += m,   C: a channel of YUV (BT.470, in floats)

    R = Y + 1.14·V     G = Y − 0.396·U − 0.581·V     B = Y + 2.029·U

The DCT is orthonormal, so a coefficient adds a cosine pattern of at most 2m/window levels to its channel.
All of it is linear: one picture is added to every frame.

Li et al., "An Embarrassingly Simple Backdoor Attack on Self-supervised Learning", ICCV 2023,
arXiv:2210.07346, where only samples of the target class are poisoned and labels are kept. Window 32,
positions (15, 15) and (31, 31), channels U and V, m = 100: the authors' code as BackdoorBench carries it,
which uses a window as large as the model's square input.

It does not survive 4:2:0 video as published; see ftrojan, whose `canvas` it shares. `window=224,
canvas=short:224` is the whole-picture form, whose frequencies are low enough to survive (raise the
magnitude with the window).

How public code differs: values below 0 or above 255 wrap around when they are cast to 8 bits, and are cut
off instead of rounded, where ours saturates and rounds; it finds blocks by the height alone, so frames must be
square and multiples of the window, where ours adds the part of the pattern that lies in the frame.

Dynamic: every frame has positions of its own, each row and column uniform from half of the static one to
itself, so that low positions stay low.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator

from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.pictures.block_dct import BlockDct

_IN_RGB = {"Y": (1.0, 1.0, 1.0), "U": (0.0, -0.396, 2.029), "V": (1.14, -0.581, 0.0)}
Channels = Annotated[tuple[Literal["Y", "U", "V"], ...], BeforeValidator(lambda v: (v,) if isinstance(v, str) else v)]


class CTRL(BlockDct, AffineTrigger):
    """A constant added to DCT coefficients in YUV; see the module."""

    name = "ctrl"
    family = "image"
    summary = "a constant added to a few DCT coefficients of every block, in chroma, in floats"
    formula = "DCT(block of channel)[u, v] += magnitude, in YUV"
    static_is = "the same coefficients on every frame"
    dynamic_is = "every frame has coefficients of its own, from half of each static row and column upwards"
    paper = "Li et al., ICCV 2023, arXiv:2210.07346"
    source = "constants: the authors' code as in BackdoorBench; dynamic: as ftrojan's"
    usual_label_mode = "clean"
    codec = "fragile"
    codec_note = "4:2:0 video removes most of it; low positions, channels=[Y] or lossless RGB keep it"
    identity: ClassVar[dict[str, Any]] = {"magnitude": 0.0}
    follows_canvas = ("window", "positions")

    magnitude: float = param(100.0, "added to each coefficient of the orthonormal DCT", unit="levels", ge=0, le=8192)
    channels: Channels = param(("U", "V"), "the channels that it is added to: Y, U, V", min_length=1)

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        positions = self.positions
        if self.temporal == "dynamic":
            positions = tuple(self.moved(self.rng(params, "positions", t)))
        color = np.sum([rgb for channel, rgb in _IN_RGB.items() if channel in self.channels], axis=0)
        return Affine(1.0, self.pattern(clip, positions, color))
