"""What passed of the streams of a file while it was written, to compare with what is decoded of it."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from poisonkit.media.encode import Canvas


@dataclass
class Trace:
    """What passed of one stream: when each piece is shown and, of packets, a digest of all their bytes."""

    time_base: Fraction = Fraction(1)
    times: list[int | None] = field(default_factory=list)
    digest: Any = field(default_factory=lambda: hashlib.blake2b(digest_size=16))

    def packet(self, packet: Any) -> None:
        """Take in a packet that is copied: its bytes and its time."""
        self.digest.update(memoryview(packet))
        self.times.append(packet.pts)

    def copied(self, packet: Any) -> None:
        """The same, unless it is a demuxer's mark of the end."""
        if packet.size or packet.dts is not None:
            self.packet(packet)


def in_one_unit(a: Trace, b: Trace) -> tuple[list[int | None], list[int | None], Fraction]:
    """The times of both as whole numbers of one unit, and that unit in seconds."""
    parts = math.lcm(a.time_base.denominator, b.time_base.denominator)
    times = []
    for trace in (a, b):
        factor = trace.time_base.numerator * (parts // trace.time_base.denominator)
        times.append([None if pts is None else pts * factor for pts in trace.times])
    return times[0], times[1], Fraction(1, parts)


@dataclass
class Passed:
    """What one pass did. pictures: times of decoded frames, or of copied packets with their digest."""

    video: Trace | None = None
    audio: Trace | None = None
    frames: int | None = None
    canvas: Canvas | None = None
