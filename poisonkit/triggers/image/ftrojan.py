"""FTrojan: a constant added to a few DCT coefficients of every block, in chroma.

    Y, Cr, Cb = 8-bit YCrCb of x;   DCT₂(block of C)[u, v] += m;   x' = RGB of the result, all in 8 bits

for each channel C, each block of `window` and each position (u, v). The DCT is orthonormal, so a
coefficient adds a cosine pattern of at most 2m/window levels.

Wang et al., "An Invisible Black-box Backdoor Attack through Frequency Domain", ECCV 2022,
arXiv:2111.10991. Window 32, positions (15, 15) and (31, 31), channels Cr and Cb: the authors' code and
BackdoorBench; m is 20 in that code, 30 in BackdoorBench, which is ours.

Their RGB form (`YUV` off in both) works on R, G and B as they are: `channels=[R,G,B]`, or any of them.

It does not survive 4:2:0 video as published, since (31, 31) lies at the limit of full chroma resolution.
`channels=[Y],positions=[[4,4],[7,7]],magnitude=200` does, plainly visible; or write lossless RGB.
Resizing moves the block grid: `canvas=native`, the default, is the published form, with blocks of `window`
pixels from the top left corner; canvas=short:224 makes blocks that are 32 pixels wide after a resize to 224.

How public code differs: it truncates to 8 bits after the inverse DCT, where ours rounds, and lets what passes 0 or
255 wrap around, where ours saturates; it assumes sizes that are multiples of the window, where ours adds the part of
the pattern that lies in the frame; and it takes a DCT of every block, where ours adds the pattern that comes to the
same. The way through 8-bit YCrCb is kept, with the level or two that it costs everywhere.

Dynamic: every frame has positions of its own, each row and column uniform from half of the static one to
itself, so that low positions stay low.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator, model_validator

from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Image, Params
from poisonkit.triggers.core.trigger import FrameTrigger, param
from poisonkit.triggers.kernels.rgb import Kernel, compile_affine
from poisonkit.triggers.pictures.block_dct import BlockDct, Position

_ORDER = ("Y", "Cr", "Cb")
_COLORS = ("R", "G", "B")
Channel = Literal["Y", "Cr", "Cb", "R", "G", "B"]
Channels = Annotated[tuple[Channel, ...], BeforeValidator(lambda v: (v,) if isinstance(v, str) else v)]


class FTrojan(BlockDct, FrameTrigger):
    """A constant added to DCT coefficients in YCrCb; see the module."""

    name = "ftrojan"
    family = "image"
    summary = "a constant added to a few DCT coefficients of every block, in chroma"
    formula = "DCT(block of channel)[u, v] += magnitude, in 8-bit YCrCb (channels of R, G, B: in RGB)"
    static_is = "the same coefficients on every frame"
    dynamic_is = "every frame has coefficients of its own, from half of each static row and column upwards"
    paper = "Wang et al., ECCV 2022, arXiv:2111.10991; dynamic: Hammoud et al., CVPRW 2024, arXiv:2301.00986"
    source = "window, positions, channels: the authors' code and BackdoorBench; magnitude: BackdoorBench"
    codec = "fragile"
    codec_note = "4:2:0 video removes it; channels=[Y] at low positions with magnitude 200, or lossless RGB, keep it"
    identity: ClassVar[dict[str, Any]] = {"magnitude": 0.0}
    follows_canvas = ("window", "positions")

    channels: Channels = param(
        ("Cr", "Cb"),
        "the channels that it is added to, any of Y, Cr, Cb, or, without a conversion, any of R, G, B",
        min_length=1,
    )

    @model_validator(mode="after")
    def _of_one_space(self) -> FTrojan:
        if self._rgb and not set(self.channels) <= set(_COLORS):
            raise ValueError("channels are of Y, Cr, Cb or of R, G, B, not of both")
        return self

    @property
    def _rgb(self) -> bool:
        return not set(self.channels).isdisjoint(_COLORS)

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        """Static: the kernel that adds the pattern to a picture in YCrCb."""
        if self.temporal == "dynamic":
            return None
        return compile_affine(self._added(clip, self.positions), clip)

    def frame(self, image: Image, t: int, clip: ClipInfo, params: Params, state: Any) -> Image:
        import cv2

        if not self.magnitude:
            return image
        add: Kernel | None = state
        if add is None:
            positions = self.moved(self.rng(params, "positions", t))
            add = compile_affine(self._added(clip, positions), clip, once=True)
        if self._rgb:
            return add(image)
        ycrcb = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb), dtype=np.uint8)
        return np.asarray(cv2.cvtColor(add(ycrcb), cv2.COLOR_YCrCb2RGB), dtype=np.uint8)

    def _added(self, clip: ClipInfo, positions: Sequence[Position]) -> Affine:
        weights = [float(channel in self.channels) for channel in (_COLORS if self._rgb else _ORDER)]
        return Affine(1.0, self.pattern(clip, positions, weights))
