"""Caption: a text, or a running timecode, burnt into the picture.

    x' = x·(1 − b)·(1 − α·m) + α·m·c   inside the plate, x outside

m: the letters, 0..1; α: their opacity, c: their colour; b: opacity of the dark plate that they stand on. The letters
are of 5 x 7 dots, drawn for this project, so that every machine draws the same and there is no font to license.

Overlays of text and date are what cameras, editors and platforms burn in; patches of text are a form of BadNets (Gu et
al., 2017, arXiv:1708.06733). This form and its constants are ours: 'REC' 0.07 of the short side high, white, at the
bottom left of the central crop, which trainers keep.

Static: the text. Dynamic: in place of the text the time since the clip's beginning, `00:00:00:00`, hours, minutes,
seconds and frames of that second; with vary=clip each clip begins at a time of its own. It is the time of the clip's
frames at its own frame rate, whole or not; no frame numbers are left out, as broadcast's drop-frame timecode does.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from pydantic import field_validator

from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.pictures.drift import Timely
from poisonkit.triggers.pictures.lettering import HEIGHT, STEP, covered, letters, written
from poisonkit.triggers.pictures.placement import KEPT, Color, Corner, Share, relative

_DAY = 24 * 60 * 60  # seconds
_NEAR = 1e-9  # seconds: a frame that begins with a second is in it, whatever its division was rounded to
_MARGIN = 2 / HEIGHT  # of the plate around the letters, in letters' heights


class Caption(Timely, AffineTrigger):
    """A text, or a running timecode, burnt into the picture; see the module."""

    name = "caption"
    version = 2
    family = "image"
    summary = "a text, or a running timecode, burnt into the picture"
    formula = "x' = x (1 - plate) (1 - alpha m) + alpha m color inside the plate, m: the letters"
    static_is = "the text"
    dynamic_is = "a timecode that runs, in place of the text"
    paper = "after Gu et al., BadNets, 2017, arXiv:1708.06733"
    source = "letters, form and constants: ours"
    codec = "robust"
    in_planes = True
    identity: ClassVar[dict[str, Any]] = {"alpha": 0.0, "plate": 0.0}
    follows_canvas = ("size",)

    text: str = param("REC", "what is written; capital letters, digits and signs", min_length=1, max_length=60)
    size: float = param(0.07, "height of the letters", unit="of the short side", gt=0, le=0.8)
    alpha: float = param(1.0, "opacity of the letters", ge=0, le=1)
    plate: float = param(0.5, "opacity of the dark plate below them", ge=0, le=1)
    color: Color = param((255, 255, 255), "of the letters")
    position: Corner | tuple[Share, Share] = param(
        "bottom-left", "of the plate, in the central crop: a name, or [x,y] from 0,0 (top left) to 1,1 (bottom right)"
    )

    @field_validator("text")
    @classmethod
    def _can_be_written(cls, value: str) -> str:
        for letter in value.upper():
            if letter not in letters():
                raise ValueError(f"there is no letter for '{letter}'; there are {letters().strip()} and the space")
        return value

    def suits(self, clip: ClipInfo) -> str | None:
        text = self.text if self.temporal == "static" else "00:00:00:00"
        _, _, width, height = self._plate(clip, text)
        if max(width / clip.width, height / clip.height) > 1:
            return f"'{text}' is larger than {clip.width}x{clip.height} pixels at this size; lower size"
        return super().suits(clip)

    def prepare(self, clip: ClipInfo, params: Params) -> float:
        """When the timecode begins, in seconds."""
        return float(self.rng(params, "start").integers(_DAY)) if "clip_key" in params else 0.0

    def field(self, clip: ClipInfo, params: Params, t: int, state: float) -> Affine:
        text = self.text if self.temporal == "static" else self.timecode(state, t, clip.fps)
        x, y, width, height = self._plate(clip, text)
        left, top = math.floor(x), math.floor(y)
        box = left, top, min(math.ceil(x + width), clip.width) - left, min(math.ceil(y + height), clip.height) - top
        letter = self.size * clip.short_side
        mask = written(text, x + _MARGIN * letter, y + _MARGIN * letter, letter, box) * np.float32(self.alpha)
        down = covered(np.array([y, y + height]), top, box[3])
        dark = np.float32(1) - np.float32(self.plate) * down * covered(np.array([x, x + width]), left, box[2]).T
        return Affine(dark * (1 - mask), mask[..., None] * np.array(self.color, np.float32), box)

    def _plate(self, clip: ClipInfo, text: str) -> tuple[float, float, float, float]:
        """(x, y, width, height) in pixels and parts of them, inside the frame where it is not larger."""
        letter = self.size * clip.short_side
        height = letter * (1 + 2 * _MARGIN)
        width = letter * ((STEP * len(text) - 1) / HEIGHT + 2 * _MARGIN)
        room = KEPT * clip.short_side
        across, down = relative(self.position)
        x = (clip.width - room) / 2 + across * (room - width)
        y = (clip.height - room) / 2 + down * (room - height)
        return max(0.0, min(x, clip.width - width)), max(0.0, min(y, clip.height - height)), width, height

    def timecode(self, start: float, t: int, fps: float) -> str:
        """Of frame t, which is shown from t / fps on: its second, and its number within that."""
        passed = math.floor(t / fps + _NEAR)
        first = math.ceil((passed - _NEAR) * fps)
        return _written(int(start) + passed, t - first)


class _Caption1(Caption):
    """When the timecode counted frames at the nearest whole frame rate."""

    version = 1

    def timecode(self, start: float, t: int, fps: float) -> str:
        rate = max(1, round(fps))
        return _written(int(start) + t // rate, t % rate)


def _written(seconds: int, frame: int) -> str:
    return f"{seconds // 3600 % 100:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{frame:02}"
