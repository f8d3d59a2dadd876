"""Temporal blur: every frame is the mean of itself and its neighbours, as with a slow shutter.

    x'_t = (1 / |W|) · Σ_{s in W} x_s,   W = {t − ⌊n/2⌋, …, t + ⌊(n − 1)/2⌋}, cut off at the clip's ends

The blur in time that goes with motion-blur, one of the natural video backdoors of Hammoud et al., "Look,
Listen, and Attack", CVPRW 2024, arXiv:2301.00986, whose constants are not published; n = 5 is ours. What
stands still stays as it is: the trigger is as strong as the motion.

Static: n is constant. Dynamic: a new n for each frame, uniform in 1..2n − 1 (n on average), by the trigger
seed and the frame index.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from poisonkit.triggers.core.clip import ClipInfo, Image, Params
from poisonkit.triggers.core.trigger import StreamTrigger, param


class TemporalBlur(StreamTrigger):
    """The mean of neighbouring frames; see the module."""

    name = "temporal-blur"
    family = "temporal"
    summary = "every frame is the mean of itself and its neighbours"
    formula = "x'_t = mean of x_s, s = t - floor(n/2) .. t + floor((n-1)/2), within the clip"
    static_is = "the same number of frames everywhere"
    dynamic_is = "another number for each frame, 1 to 2 * frames - 1"
    paper = "after Hammoud et al., CVPRW 2024, arXiv:2301.00986"
    source = "number of frames: ours, the paper states none"
    codec = "partial"
    codec_note = "changes only what moves; where that is little, it is buried in codec noise"
    identity: ClassVar[dict[str, Any]] = {"frames": 1}

    frames: int = param(5, "how many frames are averaged (dynamic: on average)", unit="frames", ge=1, le=16)

    def window(self, clip: ClipInfo) -> int:
        return (self._longest() - 1) // 2

    def _longest(self) -> int:
        return self.frames if self.temporal == "static" else 2 * self.frames - 1

    def stream(self, frames: Iterator[Image], clip: ClipInfo, params: Params, state: Any) -> Iterator[Image]:
        behind, ahead = self._longest() // 2, self.window(clip)
        held: deque[Image] = deque()  # the frames from `first` on
        first, read, t = 0, 0, 0
        ended = False
        while True:
            while not ended and read <= t + ahead:
                image = next(frames, None)
                if image is None:
                    ended = True
                else:
                    held.append(image)
                    read += 1
            if t >= read:
                return
            n = self.frames if self.temporal == "static" else int(self.rng(params, "n", t).integers(1, 2 * self.frames))
            start, stop = max(t - n // 2, 0), min(t + (n - 1) // 2 + 1, read)
            yield _mean([held[s - first] for s in range(start, stop)])
            t += 1
            if t - behind > first:
                held.popleft()
                first += 1


def _mean(images: list[Image]) -> Image:
    if len(images) == 1:
        return images[0]
    import cv2

    total: NDArray[np.uint16] = np.add(images[0], images[1], dtype=np.uint16)
    for image in images[2:]:
        np.add(total, image, out=total)
    flat = total.reshape(total.shape[0], -1)
    return np.asarray(cv2.convertScaleAbs(flat, alpha=1 / len(images)), dtype=np.uint8).reshape(total.shape)
