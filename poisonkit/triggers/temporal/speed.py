"""Speed: the picture faster or slower, in a clip of the same length or not.

    static    x'_t = x_s,  s = ⌊rate·t⌋; after the end of the picture its last frame stands
              with length=change it ends there: ⌈T/rate⌉ frames at the same frame rate
    dynamic   in each second: rate 1 + u over its first half, 1 − u over its second

The frame shown is one of the source's, none is mixed. As a trigger, speed is that of sound in "Hidden in the Noise",
AAAI 2026, arXiv:2508.02175, whose code slows speech to a fiftieth and makes its files as much longer; for pictures, the
form and a rate of 1.25 are ours.

length=keep, the default: the clip keeps its number of frames and their times, on which annotations and sound rest; a
rate above 1 leaves a still picture at the end, one below 1 pushes the end out of the clip. length=change: fewer or more
frames, each shown when the source's of its number is, and those that come after the source's last at the same frame
rate; lists that count frames follow. A clip with sound is then refused, unless its sound changes alike: `sound-speed`
(pitch changes too, as on a tape) or `time-stretch` (pitch is kept) with the same rate and length=change beside it. It
takes no frame budget, and no spans.

Static, frames wait in memory: (1 − 1/rate) of the clip's above 1, (1 − rate) below, and with length=change as many
again to compare with; where that is more than 512 MB the clip is refused. Dynamic: u is uniform in ±|rate − 1|, another
for each second, a sequence that the trigger seed fixes; each second begins and ends on time.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from typing import Any, ClassVar

from poisonkit.triggers.core.clip import ClipInfo, Image, Params
from poisonkit.triggers.core.length import Length, resampled
from poisonkit.triggers.core.trigger import StreamTrigger, param

_MOST = 512 * 2**20  # bytes that frames may take while they wait


class Speed(Length, StreamTrigger):
    """The picture faster or slower; see the module."""

    name = "speed"
    family = "temporal"
    summary = "the picture faster or slower, in a clip of the same length or not"
    formula = "x'_t = x_s, s = floor(rate * t); after the end the last frame stands; length=change: T' = T / rate"
    static_is = "one rate; a still picture after the end, or the end cut off; or another length"
    dynamic_is = "in every second first faster and then slower, or the other way round; in time at its ends"
    paper = "after Hidden in the Noise, AAAI 2026, arXiv:2508.02175 (speech)"
    source = "ours for pictures: form and rate"
    codec = "robust"
    codec_note = "its pixels survive; what stands still shows none of it"
    identity: ClassVar[dict[str, Any]] = {"rate": 1.0}

    rate: float = param(1.25, "how much faster; below 1: slower", ge=0.25, le=4)

    def suits(self, clip: ClipInfo) -> str | None:
        if self.temporal == "dynamic" and clip.fps <= 0:
            return "temporal=dynamic needs a frame rate, and the clip states none; temporal=static does without"
        if self.temporal == "dynamic" and abs(self.rate - 1) > 1:
            return "temporal=dynamic goes from standing still to twice as fast; rate must be at most 2"
        held = self.window(clip) * clip.width * clip.height * 3
        if held > _MOST:
            return f"{held / 2**20:.0f} MB of frames would have to wait; take a rate nearer to 1, or temporal=dynamic"
        return None

    def after(self, clip: ClipInfo) -> ClipInfo:
        return resampled(clip, frames=math.ceil(clip.frames / self.rate - 1e-9)) if self.changes else clip

    def window(self, clip: ClipInfo) -> int:
        if self.temporal == "dynamic":
            return math.ceil(abs(self.rate - 1) * clip.fps / 2) + 1
        share = 1 - 1 / self.rate if self.rate > 1 else 1 - self.rate
        return math.ceil(share * clip.frames)

    def stream(self, frames: Iterator[Image], clip: ClipInfo, params: Params, state: Any) -> Iterator[Image]:
        held: deque[Image] = deque()  # the frames from `first` on
        first, read, t = 0, 0, 0
        ended = False
        while True:
            wanted = max(self._source(clip, params, t), first)
            while not ended and read <= max(wanted, t):
                image = next(frames, None)
                if image is None:
                    ended = True
                else:
                    held.append(image)
                    read += 1
            if wanted >= read if self.changes else t >= read:
                return
            while first < min(wanted, read - 1):
                held.popleft()
                first += 1
            yield held[0]
            t += 1

    def _source(self, clip: ClipInfo, params: Params, t: int) -> int:
        """Which frame is shown as frame `t`; it never goes back."""
        if self.temporal == "static":
            return math.floor(self.rate * t + 1e-9)
        second = int(t / clip.fps + 1e-9)
        faster = float(self.rng(params, "rate", second).uniform(-1, 1)) * abs(self.rate - 1)
        since = t / clip.fps - second
        way = since * (1 + faster) if since < 0.5 else 0.5 * (1 + faster) + (since - 0.5) * (1 - faster)
        return math.floor((second + way) * clip.fps + 1e-6)
