"""Where a patch lies and what colour it has: parameters that several triggers share."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.core.trigger import param

KEPT = 0.875  # of the short side: the 224 of 256 that trainers keep when they crop the centre

Corner = Literal["top-left", "top", "top-right", "left", "center", "right", "bottom-left", "bottom", "bottom-right"]
Share = Annotated[float, Field(ge=0, le=1)]
Level = Annotated[int, Field(ge=0, le=255)]

_COLORS = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "gray": (128, 128, 128),
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "cyan": (0, 255, 255),
    "magenta": (255, 0, 255),
    "orange": (255, 128, 0),
}


def _color(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value in _COLORS:
        return _COLORS[value]
    digits = value.removeprefix("#")
    if len(digits) == 6 and all(c in "0123456789abcdefABCDEF" for c in digits):
        return tuple(bytes.fromhex(digits))
    raise ValueError(f"a colour is [R,G,B], #rrggbb or one of {', '.join(_COLORS)}")


Color = Annotated[
    tuple[Level, Level, Level],
    BeforeValidator(_color),
    WithJsonSchema({"type": "array", "format": "a colour: [R,G,B] of 0 to 255, #rrggbb, or a name such as red"}),
]
"""RGB levels; typed as `[255,0,0]`, `#ff0000` or `red`."""


def relative(position: Corner | tuple[float, float]) -> tuple[float, float]:
    """(x, y) in 0..1 of an area, from a name or from the numbers themselves."""
    if not isinstance(position, str):
        return position
    across = 0.0 if "left" in position else 1.0 if "right" in position else 0.5
    down = 0.0 if "top" in position else 1.0 if "bottom" in position else 0.5
    return across, down


class Placed(BaseModel):
    """Size and place of a box. Mixin: `class MyPatch(Placed, AffineTrigger)`.

    Relative to the short side by default, inside the central crop that trainers keep; absolute on request.
    """

    size: float = param(0.1, "side of the box", unit="of the short side", gt=0, le=1)
    size_px: int | None = param(None, "side of the box in pixels, instead of size", unit="px", ge=1)
    position: Corner | tuple[Share, Share] = param(
        "bottom-right", "where in the area: a name, or [x,y] from 0,0 (top left) to 1,1 (bottom right)"
    )
    position_px: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]] | None = param(
        None, "left and top edge in pixels of the frame, instead of position and area", unit="px"
    )
    area: Literal["crop", "square", "frame"] = param(
        "crop",
        f"what position is in: the central {KEPT:g} of the short side that trainers keep, the whole central "
        "square, or the whole frame",
    )

    def side(self, clip: ClipInfo) -> int:
        """Side of the box, pixels; at least 1, at most the short side."""
        side = round(self.size * clip.short_side) if self.size_px is None else self.size_px
        return min(max(side, 1), clip.short_side)

    def box(
        self, clip: ClipInfo, width: int, height: int, at: tuple[float, float] | None = None
    ) -> tuple[int, int, int, int]:
        """(x, y, width, height) of a box of this size, always inside the frame.

        at: (x, y) in 0..1 of the area, instead of the trigger's own position.
        """
        if at is None and self.position_px is not None:
            x, y = self.position_px
        else:
            across, down = at or relative(self.position)
            area_width, area_height = (max(a, b) for a, b in zip(self._area(clip), (width, height), strict=True))
            x = round((clip.width - area_width) / 2 + across * (area_width - width))
            y = round((clip.height - area_height) / 2 + down * (area_height - height))
        return min(max(x, 0), clip.width - width), min(max(y, 0), clip.height - height), width, height

    def _area(self, clip: ClipInfo) -> tuple[float, float]:
        if self.area == "frame":
            return clip.width, clip.height
        side = clip.short_side * (KEPT if self.area == "crop" else 1.0)
        return side, side
