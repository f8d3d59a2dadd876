"""What wanders over time in dynamic triggers: a strength, or the place of a light.

    p(t) = Σ w_k·sin(2πν_k·t + ψ_k),   Σ w_k = 1,   ν_k from 0.15 to 0.6 Hz, t in seconds

So |p| ≤ 1, and clips of 25 and 30 frames per second see the same. Rates and phases are the trigger's identity.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import VideoTrigger, param
from poisonkit.triggers.pictures.placement import KEPT, Corner, Share, relative
from poisonkit.triggers.pictures.waves import Sine, wander

Path = Sequence[Sine]
"""Empty: it stays at 0."""


def value(path: Path, seconds: float) -> float:
    """Where the path is, in -1..1."""
    return sum(w * math.sin(2 * math.pi * nu * seconds + psi) for w, nu, psi in path)


def folded(place: float, reach: float) -> float:
    """`place` folded into ±reach, as of a point that runs between two walls."""
    if reach <= 0:
        return 0.0
    beyond = (place + reach) % (4 * reach)
    return (beyond if beyond <= 2 * reach else 4 * reach - beyond) - reach


class Timely(VideoTrigger):
    """A trigger whose dynamic form is a function of time, for which the clip must state a frame rate."""

    def suits(self, clip: ClipInfo) -> str | None:
        if self.temporal == "dynamic" and clip.fps <= 0:
            return "temporal=dynamic needs a frame rate, and the clip states none; temporal=static does without"
        return None

    def path(self, params: Params, purpose: str = "path") -> Path:
        """How something wanders in this clip; empty when static."""
        return () if self.temporal == "static" else wander(self.rng(params, purpose))


class Wandering(Timely):
    """A trigger whose strength wanders when dynamic: it is multiplied by `swell`."""

    spread: float = param(0.5, "dynamic only, how far the strength wanders, as a share of it", ge=0, le=1)

    def swell(self, clip: ClipInfo, path: Path, t: int) -> float:
        """Within 1 ± spread; 1 on an empty path."""
        return 1 + self.spread * value(path, t / clip.fps) if path else 1.0


class Aimed(Timely):
    """A trigger with a place in the picture, from which it wanders when dynamic."""

    position: Corner | tuple[Share, Share] = param(
        "center",
        f"where in the central {KEPT:g} of the short side that trainers keep: a name, or [x,y] from 0,0 (top left) "
        "to 1,1 (bottom right)",
    )
    reach: float = param(0.25, "dynamic only, how far it wanders from there", unit="of the short side", ge=0, le=1)

    def paths(self, params: Params) -> tuple[Path, Path]:
        """Across and down; empty when static."""
        return self.path(params, "across"), self.path(params, "down")

    def place(self, clip: ClipInfo, paths: tuple[Path, Path], t: int) -> tuple[float, float]:
        """(x, y) in short sides from the middle of the frame, at frame `t`; it turns back where the crop ends."""
        seconds = t / clip.fps if paths[0] else 0.0
        across, down = (
            folded((at - 0.5) * KEPT + self.reach * value(path, seconds), KEPT / 2)
            for at, path in zip(relative(self.position), paths, strict=True)
        )
        return across, down
