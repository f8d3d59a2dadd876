"""Constants added to coefficients of a clip's 3-D transform: the temporal-distributed trigger, DFT and DCT.

Transforms are linear: adding to coefficients adds a fixed field to the clip. The coefficients are a grid,
(temporal) x (rows) x (columns), and the basis functions are products, so that the field is one too:

    δ(t, r, c) = A · a(t) · b(r) · c(c)

which is known for each frame as soon as the number of frames is; no transform of the clip is made, and no
more than one frame is held.

Temporal frequencies are in cycles per frame, taken to the nearest bins of a transform of N = max(T, enough
to tell them apart) frames: the clip is thought of as padded with black. Spatial ones are indices into a
transform of the canvas: of a square of its short side, which lies on the clip's central square and goes on
periodically beyond it, evaluated at the clip's own pixels (what those are too few for is left out);
canvas=native: of the clip's own rows and columns, as published.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.pictures.canvas import Canvas

ROWS = (96, 72, 60, 149, 124, 57, 7, 66, 203, 140, 46, 97, 169, 21, 191, 196, 61, 95, 77, 184, 171, 75, 89, 218, 205)
COLUMNS = (99, 2, 205, 40, 22, 7, 187, 70, 148, 177, 204, 77, 176, 120, 88, 156, 190, 81, 30, 93, 206, 10, 157, 48, 165)
"""The published indices, for frames of 240 rows and 320 columns."""

Places = tuple[NDArray[np.float64], int]
"""(pixel centres along an axis, in periods of the transform; the transform's length)."""

_MOST = 25  # seeded coefficients per axis


class CoefficientTrigger(AffineTrigger):
    """What temporal-dft and temporal-dct share. A transform of the whole clip has no parameters per frame: static."""

    modes: ClassVar = ("static",)
    static_is = "the same coefficients for every clip"
    needs_length = True
    follows_canvas = ("coefficients", "highest")
    per_index: ClassVar[float]  # cycles per period of the basis function of index 1

    rms: float = param(3.0, "root mean square of what is added, over a whole period", unit="levels", ge=0, le=255)
    pert: float | None = param(
        None, "what is added to each coefficient, as published, instead of rms", ge=-1e12, le=1e12
    )
    low: float
    high: float
    count: int = param(10, "how many temporal frequencies, evenly from low to high", ge=1, le=1000)
    coefficients: Literal["published", "seeded"] = param(
        "published", "the spatial ones: the published 25 rows and 25 columns, or up to 25 of each by trigger_seed"
    )
    highest: int = param(
        16, "seeded only: highest spatial frequency in each direction", unit="cycles per short side", ge=2, le=1024
    )
    canvas: Canvas = "short:256"

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.count > 1 and self.high - self.low < 1e-6:
            raise ValueError(f"{self.count} temporal frequencies need a low below high; low is {self.low:g}")
        return self

    def suits(self, clip: ClipInfo) -> str | None:
        rows, columns = (max(max(chosen) + 1, 1 - 2 * min(chosen)) for chosen in self.indices({}))
        (_, height), (_, width) = self.axes(clip)
        if height >= rows and width >= columns:
            return None
        if self.canvas == "native":
            return f"its coefficients need {columns}x{rows} pixels or more; canvas=short:256 scales them to the clip"
        return f"its coefficients need a canvas of short:{max(rows, columns)} or more"

    def constant(self) -> bool:
        return False

    def indices(self, params: Params) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(rows, columns): the spatial coefficients. DFT: below 0 counts from the end, as in NumPy."""
        if self.coefficients == "published":
            return np.array(ROWS), np.array(COLUMNS)
        most = int(self.highest / self.per_index)
        choice = np.arange(1, most + 1)
        if self.per_index == 1:
            choice = np.concatenate([-choice, choice])
        rng = self.rng(params, "coefficients")
        rows, columns = (rng.choice(choice, min(_MOST, len(choice) // 2), replace=False) for _ in range(2))
        return rows, columns

    def bins(self, frames: int) -> tuple[NDArray[np.int64], int]:
        """(temporal coefficients, length N of the transform) for a clip of so many frames."""
        wanted = np.linspace(self.low, self.high, self.count) / self.per_index
        steps = [*np.diff(wanted), *np.abs(wanted[np.abs(wanted) > 1e-6])]
        length = max(frames, 1, *(math.ceil(1 / step - 1e-4) for step in steps))
        found = np.rint(wanted * length).astype(np.int64)
        return np.unique(found % length if self.per_index == 1 else np.minimum(found, length - 1)), length

    def _places(self, clip: ClipInfo, length: int) -> Places:
        centres = np.arange(length) + 0.5
        if self.canvas == "native":
            return centres / length, length
        return (centres - length / 2) / clip.short_side + 0.5, int(self.canvas.partition(":")[2])

    def axes(self, clip: ClipInfo) -> tuple[Places, Places]:
        """Of rows, and of columns."""
        return self._places(clip, clip.height), self._places(clip, clip.width)

    def shown(self, clip: ClipInfo, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of the spatial coefficients that the clip has pixels enough for."""
        if self.canvas == "native":
            return indices
        return indices[np.abs(indices) * self.per_index < clip.short_side / 2]
