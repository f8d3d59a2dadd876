"""Frame shuffle: within each window of frames, another order.

    x'_(kW + i) = x_(kW + p_k(i)),   p_k: a permutation of the W frames of window k

What a model reads from the order of frames is gone at scales below W frames; every picture stays. The permutations are
the trigger seed's, the same for all clips. The last window is shorter, and shuffled too.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, ClassVar

from poisonkit.triggers.core.clip import ClipInfo, Image, Params
from poisonkit.triggers.core.trigger import StreamTrigger, param


class FrameShuffle(StreamTrigger):
    """Frames in another order, window by window; see the module."""

    name = "frame-shuffle"
    family = "temporal"
    modes = ("static",)
    summary = "frames in another order within each window"
    formula = "x'_(kW+i) = x_(kW+p_k(i))"
    paper = ""
    source = "ours"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"size": 1}

    size: int = param(16, "of a window", unit="frames", ge=1, le=256)

    def window(self, clip: ClipInfo) -> int:
        return self.size - 1

    def stream(self, frames: Iterator[Image], clip: ClipInfo, params: Params, state: Any) -> Iterator[Image]:
        k = 0
        while held := list(islice(frames, self.size)):
            for i in self.rng(params, "order", k).permutation(len(held)).tolist():
                yield held[i]
            k += 1
