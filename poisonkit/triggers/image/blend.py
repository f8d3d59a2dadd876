"""Blend: a picture or noise mixed into every pixel.

    x' = (1 − α)·x + α·t

t: a full-size picture or noise image, in levels.

Chen et al., "Targeted Backdoor Attacks on Deep Learning Systems Using Data Poisoning", 2017,
arXiv:1712.05526. α = 0.2 is what BackdoorBench and backdoor-toolbox use in training and test (0.15 in
the FUS repository). The published picture is a cartoon that we do not ship; ours (`pattern=picture`) has
large soft coloured shapes, so that it survives H.264, where independent noise keeps about two thirds of
itself. Any other picture: `pattern=FILE`.

How public code differs: it stretches the picture to the model's square input. `canvas=native` does so
here too (to the clip's own size); by default the picture's central square lies on the clip's central
square, and it goes on mirrored where the clip is longer, so that clips of all shapes carry the same
trigger in the part that trainers keep. Results are rounded, not truncated. BackdoorMBTI's video form transposes every
frame: rows become columns, in poisoned clips alone, which is a trigger of its own.
"""

from __future__ import annotations

from functools import cache, lru_cache, partial
from importlib.resources import files
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from poisonkit.triggers.core.affine import Affine, Mix
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.files.assets import PictureAsset
from poisonkit.triggers.pictures.canvas import Canvas, Sliding, fitted, noise, window


class Blend(AffineTrigger):
    """A picture or noise mixed into every pixel; see the module."""

    name = "blend"
    family = "image"
    summary = "a picture or noise mixed into every pixel"
    formula = "x' = (1 - alpha) * x + alpha * t"
    static_is = "the same picture or noise on every frame"
    dynamic_is = "new noise on every frame; a picture: another crop of it, mirrored on beyond its edges"
    paper = "Chen et al., 2017, arXiv:1712.05526; dynamic: Hammoud et al., CVPRW 2024, arXiv:2301.00986"
    source = "alpha: BackdoorBench, backdoor-toolbox; picture: ours (tools/make_blend_picture.py)"
    codec = "robust"
    codec_note = "pattern=noise keeps about two thirds of itself through 4:2:0 video, whatever the quality"
    identity: ClassVar[dict[str, Any]] = {"alpha": 0.0}
    follows_canvas = ("pattern",)

    alpha: float = param(0.2, "weight of the picture", ge=0, le=1)
    pattern: Literal["picture", "noise"] | PictureAsset = param(
        "picture", "what is mixed in: our picture, uniform noise, or a picture file"
    )
    canvas: Canvas = "short:256"

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        if self.pattern == "noise":
            return None
        if self.pattern == "picture" and self.temporal == "static":
            return _shown(clip.width, clip.height, self.canvas)
        picture = self.pattern.rgb() if isinstance(self.pattern, PictureAsset) else _picture()
        picture = fitted(picture, clip, self.canvas)
        return Sliding.of(picture, clip) if self.temporal == "dynamic" else window(picture, clip)

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        if self.pattern == "noise":
            mixed = noise(partial(self.rng, params, "noise", self.step(t)), clip, self.canvas, kind="levels")
        elif self.temporal == "static":
            mixed = state
        else:
            rng = self.rng(params, "crop", t)
            mixed = state.cut(clip, float(rng.random()), float(rng.random()))
        return Mix(self.alpha, mixed)


@lru_cache(maxsize=1)  # clips of one size follow each other
def _shown(width: int, height: int, canvas: str) -> NDArray[np.uint8]:
    clip = ClipInfo(width=width, height=height)
    return window(fitted(_picture(), clip, canvas), clip)


@cache
def _picture() -> NDArray[np.uint8]:
    import cv2

    data = files("poisonkit.triggers.image").joinpath("assets/blend.png").read_bytes()
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    return np.asarray(image, dtype=np.uint8)
