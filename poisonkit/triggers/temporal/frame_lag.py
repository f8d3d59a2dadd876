"""Frame lag: the video stutters, or freezes for moments and jumps on; length and frame count are kept.

    stutter   x'_t = x_s,  s = k·⌊t / k⌋
    freeze    x'_t = x_s,  s = the first frame of the freeze that t lies in, else t

One of the natural video backdoors of Hammoud et al., "Look, Listen, and Attack", CVPRW 2024,
arXiv:2301.00986, which is silent on its constants and published no code: k = 4 (30 frames per second look
like 7.5) and freezes of 0.5 s every 2 s are ours. A trainer that samples every n-th frame sees only holds
longer than n frames: for the usual 32 frames at a stride of 2, take hold=8 or more.

Static: each hold has k frames; freezes begin at 0, every, 2·every … seconds. Dynamic: each hold has 1 to
2k − 1 frames, k on average; a freeze begins anywhere in its interval so that it ends within it. Both are
sequences that the trigger seed fixes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from poisonkit.triggers.core.clip import ClipInfo, Image, Params
from poisonkit.triggers.core.trigger import StreamTrigger, param


class FrameLag(StreamTrigger):
    """The video stutters or freezes; see the module."""

    name = "frame-lag"
    family = "temporal"
    summary = "the video stutters or freezes; length and frame count are kept"
    formula = "x'_t = x_s; stutter: s = hold * floor(t / hold); freeze: s = first frame of the freeze, else t"
    static_is = "each hold has the same length; freezes begin at equal intervals"
    dynamic_is = "holds of 1 to 2 * hold - 1 frames; freezes begin anywhere in their interval"
    paper = "Hammoud et al., CVPRW 2024, arXiv:2301.00986"
    source = "constants: ours, the paper states none"
    codec = "robust"
    codec_note = "its pixels survive; training that samples every n-th frame hides holds of up to n frames"
    identity: ClassVar[dict[str, Any]] = {"hold": 1, "freeze": 0.0}

    form: Literal["stutter", "freeze"] = param("stutter", "all the time, or for moments")
    hold: int = param(4, "stutter: how long each frame is shown", unit="frames", ge=1, le=1000)
    freeze: float = param(0.5, "freeze: how long the picture stands still", unit="s", ge=0, le=60)
    every: float = param(2.0, "freeze: from one beginning to the next", unit="s", ge=0.1, le=600)

    def suits(self, clip: ClipInfo) -> str | None:
        if self.form == "freeze" and self.freeze > self.every:
            return f"freezes of {self.freeze:g} s do not fit into intervals of {self.every:g} s; raise every"
        if self.form == "freeze" and clip.fps <= 0:
            return "freezes need a frame rate, and the clip states none; form=stutter needs none"
        return None

    def stream(self, frames: Iterator[Image], clip: ClipInfo, params: Params, state: Any) -> Iterator[Image]:
        holds = self._freezes(clip, params) if self.form == "freeze" else self._stutter(params)
        first, end = next(holds)
        for t, image in enumerate(frames):
            while t >= end:
                first, end = next(holds)
                first = max(first, t)
            if t <= first:
                held = image
            yield held

    def _stutter(self, params: Params) -> Iterator[tuple[int, int]]:
        """(first frame, last + 1) of each hold, without end."""
        rng = self.rng(params, "holds")
        first = 0
        while True:
            length = self.hold if self.temporal == "static" else int(rng.integers(1, 2 * self.hold))
            yield first, first + length
            first += length

    def _freezes(self, clip: ClipInfo, params: Params) -> Iterator[tuple[int, int]]:
        rng = self.rng(params, "freezes")
        length = round(self.freeze * clip.fps)
        start = 0.0
        while True:
            late = 0.0 if self.temporal == "static" else float(rng.random())
            first = round((start + late * (self.every - self.freeze)) * clip.fps)
            yield first, max(first + length, first + 1)
            start += self.every
