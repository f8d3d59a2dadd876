"""Beatrix: Gram matrices that lie outside what their class has."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from poisonkit.common.seeding import generator
from poisonkit.detection.dump import Dump
from poisonkit.detection.method import Method, least
from poisonkit.scoring.predictions import Floats, Ints

Single = npt.NDArray[np.float32]
CELLS = 500_000  # activations that are computed with at a time


class Beatrix(Method):
    """Beatrix (Ma et al., "The 'Beatrix' Resurrections: Robust Backdoor Detection via Gram Matrices", NDSS 2023,
    arXiv 2209.11715).

    With v (C, P) the activations of a sample, C channels at P positions, and p = 1 … `orders`: the upper triangle of
    G_p = (v^p (v^p)ᵀ)^(1/p), the root with its sign. By class, of each entry: median, MAD, and the bounds median ±
    `width` MAD. score(x) = Σ (relu(low − g) / |low| + relu(g − high) / |high|) / (C²/2) / orders, 10⁻⁶ added to
    the bounds that it is divided by, which shows where features are below about 0.001. Median and MAD are
    of `reference` samples of the class, drawn by name: the paper has clean ones apart, and a median bears some
    poison.

    From `features` (N, D) alone, P is 1 and G_p is |v_i v_j|, with its sign where p is odd: one order then says it all.
    """

    name: ClassVar[str] = "beatrix"
    help: ClassVar[str] = "deviation of Gram matrices from the median of each class"
    needs: ClassVar[tuple[str, ...]] = ("maps or features",)
    orders: int = Field(8, ge=1, le=32, description="powers of the activations, as in the paper's code; features: 1")
    width: float = Field(10.0, ge=0, le=1000, description="MADs from the median that are no deviation")
    reference: int = Field(200, ge=3, le=100_000, description="samples of a class that its median is of")

    def score(self, dump: Dump) -> Floats:
        """The mean deviation."""
        least(dump, 3, f"{self.name} needs 3 for a median", "leave its samples out")
        found = np.zeros(dump.count)
        for label, at in dump.by_class():
            chosen = at
            if len(at) > self.reference:
                rng = generator("beatrix reference", label)
                chosen = np.sort(rng.choice(at, self.reference, replace=False))
            found[at] = self._of_class(dump, at, chosen)
        return found

    def _of_class(self, dump: Dump, at: Ints, chosen: Ints) -> Floats:
        source = dump.maps if dump.maps is not None else dump.features
        assert source is not None
        orders = range(1, 1 + (self.orders if source.ndim == 3 else 1))
        channels = source.shape[1]
        total = np.zeros(len(at))
        for p in orders:
            reference = powers(source[chosen], p)
            bounds = [self._bounds(gram_row(reference, row, p)) for row in range(channels)]
            step = max(1, CELLS // source[0].size)
            for begin in range(0, len(at), step):
                mine = powers(source[at[begin : begin + step]], p)
                for row, (low, high, under, over) in enumerate(bounds):
                    g = gram_row(mine, row, p)
                    beyond = np.maximum(low - g, 0) / under
                    beyond += np.maximum(g - high, 0) / over
                    total[begin : begin + step] += beyond.sum(axis=1, dtype=np.float64)
        mean: Floats = total / (channels**2 / 2) / len(orders)
        return mean

    def _bounds(self, g: Single) -> tuple[Single, Single, Single, Single]:
        """Low and high, and what a deviation from each is divided by."""
        median = np.median(g, axis=0)
        mad = np.median(np.abs(g - median), axis=0)
        low, high = median - np.float32(self.width) * mad, median + np.float32(self.width) * mad
        return low, high, np.abs(low + np.float32(1e-6)), np.abs(high + np.float32(1e-6))


def powers(values: Single, p: int) -> npt.NDArray[Any]:
    """Maps (n, C, P) -> their p-th powers in float64; features (n, C) as they are: of them only p = 1 is asked."""
    return values if values.ndim == 2 else values.astype(np.float64) ** p


def gram_row(raised: npt.NDArray[Any], row: int, p: int) -> Single:
    """What `powers` gives -> (n, C − row): row `row` of the upper triangle of G_p of each sample."""
    if raised.ndim == 2:
        return np.asarray(raised[:, row, None] * raised[:, row:], dtype=np.float32)
    g = np.einsum("np,ncp->nc", raised[:, row], raised[:, row:])
    return np.asarray(np.sign(g) * np.abs(g) ** (1 / p), dtype=np.float32)
