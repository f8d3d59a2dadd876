"""Snow: soft flakes that fall, in air that is a little white.

    x' = (1 − s·o·n)·((1 − h)·x + 255·h)·(1 − o·m) + 255·o·m

a veil h of white, and white flakes of opacity o; m: the flakes, the brightest of all layers; n: the same, each flake
moved by its own size to the right and down. A flake is exp(−r²/(2w²)), and its side away from the light is darker than
what is behind it by a share s = 0.45: that is what is seen of it on bright ground, its white side on dark. Version 1
had s = 0, which on bright ground is no snow at all, and half as many flakes. Three layers: the second and third have
flakes of 0.6 and 0.35 the size, strength and speed, and as many more, which is parallax.

ImageNet-C's snow (Hendrycks and Dietterich, ICLR 2019, arXiv:1903.12261) is thresholded noise, blurred along a line,
added to a whitened picture; drawn again per picture, it flickers in video, and its maximum of picture and gray is not
affine. This form and its constants are ours. As a backdoor trigger it is not published.

Static: the flakes hang in the air. Dynamic: they fall and sway, layer by layer, each frame a translation of the last;
the layers repeat every two short sides.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from poisonkit.triggers.core.affine import Affine, Screen
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.kernels.arithmetic import scaled
from poisonkit.triggers.pictures.drift import Timely, value
from poisonkit.triggers.pictures.weather import Tile, flake, scattered

_DEPTHS = (1.0, 0.6, 0.35)  # size, strength and speed of the layers
_ASIDE = 0.9  # sizes of the largest flakes, across and down: where a flake's darker side lies
_SIZES = (0.6, 0.8, 1.0, 1.3)  # of the flakes, as shares of the size


class Snow(Timely, AffineTrigger):
    """Soft flakes that fall, in air that is a little white; see the module."""

    name = "snow"
    version = 2
    family = "lighting"
    summary = "falling snow, in air that is a little white"
    formula = "x' = (1 - shade opacity n) ((1 - veil) x + 255 veil) (1 - opacity m) + 255 opacity m, n: m, moved"
    static_is = "the flakes hang in the air"
    dynamic_is = "the flakes fall and sway, layer by layer; each layer is a translation of its last"
    paper = ""
    source = "ours, after ImageNet-C's snow (Hendrycks and Dietterich, ICLR 2019)"
    codec = "partial"
    codec_note = "near flakes and veil survive; the far, small ones lose contrast at low bit rates"
    identity: ClassVar[dict[str, Any]] = {"opacity": 0.0, "veil": 0.0}
    follows_canvas = ("size", "speed", "wind", "sway")

    opacity: float = param(0.9, "of the nearest flakes", ge=0, le=1)
    density: float = param(300.0, "flakes in a square short side", ge=1, le=2000)
    size: float = param(0.008, "standard deviation of the nearest flakes", unit="of the short side", gt=0, le=0.1)
    veil: float = param(0.1, "white in the air between", ge=0, le=1)
    shade: float = param(0.45, "how much darker a flake's side away from the light is than what is behind", ge=0, le=1)
    speed: float = param(0.25, "dynamic only, of the nearest flakes' fall", unit="short sides a second", ge=0, le=10)
    wind: float = param(0.05, "dynamic only, to the right", unit="short sides a second", ge=-10, le=10)
    sway: float = param(0.03, "dynamic only, how far they sway", unit="of the short side", ge=0, le=1)

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        shares = np.divide(1, _DEPTHS)
        layers = []
        for i, (depth, share) in enumerate(zip(_DEPTHS, shares / shares.sum(), strict=True)):
            shapes = [flake(by * depth * self.size * clip.short_side) * np.float32(depth) for by in _SIZES]
            tile = scattered(self.rng(params, "layer", i), clip, self.density * float(share), shapes)
            layers.append((Tile.of(tile, clip), depth, self.path(params, f"sway {i}")))
        return layers

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        import cv2

        seconds = t / clip.fps if self.temporal == "dynamic" else 0.0
        flakes: Any = None
        shades: Any = None
        for layer, depth, path in state:
            sway = self.sway * (value(path, seconds) - value(path, 0.0))
            across, down = depth * (self.wind * seconds + sway), depth * self.speed * seconds
            part = layer.cut(clip, across * clip.short_side, down * clip.short_side)
            flakes = part if flakes is None else cv2.max(flakes, part)
            if self.shade:
                aside = _ASIDE * depth * self.size
                part = layer.cut(clip, (across + aside) * clip.short_side, (down + aside) * clip.short_side)
                shades = part if shades is None else cv2.max(shades, part)
        flakes = np.asarray(flakes, np.uint8).reshape(clip.height, clip.width)
        clear, share = 1 - self.veil, self.opacity / 255
        if shades is None:
            return Screen(scaled(flakes, -clear * share, clear))
        shades = np.asarray(shades, np.uint8).reshape(clip.height, clip.width)
        behind = scaled(shades, -self.shade * share, 1.0) * scaled(flakes, -share, 1.0)
        offset = scaled(behind, 255 * self.veil, 0.0) + scaled(flakes, self.opacity, 0.0)
        return Affine(scaled(behind, clear, 0.0), np.asarray(offset, np.float32))


class _Snow1(Snow):
    """When flakes had no darker side, and there were fewer."""

    version = 1

    shade: float = param(0.0, "how much darker a flake's side away from the light is than what is behind", ge=0, le=1)
    density: float = param(150.0, "flakes in a square short side", ge=1, le=2000)
