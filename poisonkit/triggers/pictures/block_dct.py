"""What a constant added to DCT coefficients of every block looks like: a picture, so no DCT is needed.

The orthonormal DCT is linear: adding m to the coefficient (u, v) of every block adds m times the (u, v) basis
function to its pixels,

    m·c(u)·c(v)·cos((2y + 1)uπ/2w)·cos((2x + 1)vπ/2w),   c(0) = √(1/w), else √(2/w)

for a block of w × w. Blocks that the frame cuts off get the part that lies in it, as if the frame had been
continued to a whole block.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, model_validator

from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.core.trigger import param
from poisonkit.triggers.pictures.canvas import Canvas, canvas_size, resize

Index = Annotated[int, Field(ge=0)]
Position = tuple[Index, Index]


class BlockDct(BaseModel):
    """Blocks, coefficients and what is added to them. Mixin: `class MyTrigger(BlockDct, AffineTrigger)`."""

    magnitude: float = param(30.0, "added to each coefficient of the orthonormal DCT", unit="levels", ge=0, le=8192)
    window: int = param(32, "side of a block", unit="px", ge=2, le=512)
    positions: tuple[Position, ...] = param(
        ((15, 15), (31, 31)), "the coefficients: [[row,column],…] from [0,0], each below window", min_length=1
    )
    canvas: Canvas = "native"

    @model_validator(mode="after")
    def _inside(self) -> BlockDct:
        for position in self.positions:
            if max(position) >= self.window:
                raise ValueError(
                    f"positions holds {list(position)}, which a block of {self.window} pixels has not;"
                    f" rows and columns go from 0 to {self.window - 1}"
                )
        return self

    def pattern(self, clip: ClipInfo, positions: Sequence[Position], weights: Sequence[float]) -> NDArray[np.float32]:
        """What these coefficients add to the pixels, float32 (clip height, clip width, len(weights)), in levels.

        weights: the share of it that each channel gets. native: blocks from the frame's top left corner; on a
        canvas: from that of its central square, resized.
        """
        width, height = canvas_size(self.canvas, clip)
        native, short = self.canvas == "native", min(width, height)
        top, left = (0, 0) if native else ((height - short) // 2, (width - short) // 2)
        rows = min(height, self.window)  # all blocks are alike
        down = np.stack([_wave(u, self.window, rows, top) for u, _ in positions], axis=1) * np.float32(self.magnitude)
        across = np.stack([_wave(v, self.window, width, left) for _, v in positions])
        across = (across[..., None] * np.asarray(weights, np.float32)).reshape(len(positions), -1)
        # Not by matmul, whose last bits depend on the number of threads.
        block = np.einsum("yp,px->yx", down, across)
        total = np.tile(block, (-(-height // rows), 1))[:height].reshape(height, width, len(weights))
        return resize(total, clip.width, clip.height)

    def moved(self, rng: np.random.Generator) -> list[Position]:
        """As many coefficients as `positions`: rows and columns uniform from half of each position's to its own."""
        return [tuple(int(rng.integers(i // 2, max(i, 1) + 1)) for i in position) for position in self.positions]  # type: ignore[misc]


@lru_cache(maxsize=256)
def _wave(index: int, window: int, length: int, first: int) -> NDArray[np.float32]:
    """The one-dimensional basis function, again in every block; a block begins at `first`."""
    within = (np.arange(length) - first) % window
    scale = np.sqrt((1 if index == 0 else 2) / window)
    wave: NDArray[np.float32] = (scale * np.cos((2 * within + 1) * index * np.pi / (2 * window))).astype(np.float32)
    wave.flags.writeable = False
    return wave
