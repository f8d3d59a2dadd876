"""Refool: the reflection of another picture, as in a window pane.

    x' = (α·x^2.2 + G)^(1/2.2),   pictures in 0..1, r the reflected one

    ghost           G = (1 − α)·λ·(w·r^2.2 shifted + (1 − w)·r^2.2)
    out-of-focus    G = (1 − α/2)·λ·m·clip(blur_σ(r^2.2) − e),   m = exp(−|p|²/4), p = 3 at half a side from its middle

e, per colour: κ·(M − 1), M the mean of blur_σ(r^2.2) + x^2.2 over those pixels of the frame where it passes 1, or 1: a
reflection that would burn out is dimmed. Liu, Ma, Bailey, Lu, "Reflection Backdoor", ECCV 2020, arXiv:2007.02343.

Published (BackdoorBox), drawn again for each picture: the reflection out of a set; ghost with
probability 0.49, else out-of-focus; α = 1 − U(0.05, 0.45); shift 3 to 8 and σ 1 to 5 pixels of a picture whose longer
side is 560; w = |0 or 1 − U(0.15, 0.5)|; κ = 1.08 + U(0, 0.1). BackdoorBench has the same but α = 0.4, since a random
one often failed, and the picture's own longer side, 32. Here too each is drawn per clip unless it is given,
shift and σ as the same share of the short side. By default all clips get a ghost (as in backdoor-toolbox) of one
picture, ours, which is `blend`'s; `form=random` and `picture=[a.jpg,b.jpg,…]` are the published choice. The original
selects reflections with a trained model.

How public code differs: it truncates instead of rounding; passes its INTER_CUBIC where OpenCV takes an output, so that
it resizes bilinearly; and its ghost loses its edges and is stretched by the shift. `canvas=native` does that last
thing too, stretches the picture to the frame, and lays m out over a square of the longer side, smooth; the published
one has steps of a pixel, which are seen where that side is small: `max_image_size=32` (BackdoorBox, on CIFAR-10) is
the mask of that size, and shifts and blurs are then drawn in its pixels. Their offset is given as [down, right], in
pixels. By default the picture goes on mirrored, and m is measured in short sides from the middle, so that all shapes
of clip carry the same.

Dynamic: the reflection slides steadily, as one seen from a moving camera; its direction is the trigger's identity.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from poisonkit.common import exact, opencv
from poisonkit.triggers.core.clip import ClipInfo, Image, Params
from poisonkit.triggers.core.trigger import FrameTrigger, param
from poisonkit.triggers.files.assets import PictureAsset
from poisonkit.triggers.image.blend import _picture as our_picture
from poisonkit.triggers.pictures.canvas import Canvas, Sliding, axes, fitted, resize
from poisonkit.triggers.pictures.drift import Timely
from poisonkit.triggers.pictures.placement import Share

Map = NDArray[np.float32]
Offset = Annotated[float, Field(ge=0, le=0.5)]

_GAMMA = 2.2
_LONG = 560  # pixels: the published longer side, which shifts and sigmas are a share of
_LIGHT: Map = ((np.arange(256) / 255) ** _GAMMA).astype(np.float32)[None]
_ROOTS = 65535  # steps in which the square root of light is held


class Refool(Timely, FrameTrigger):
    """The reflection of another picture; see the module."""

    name = "refool"
    family = "image"
    summary = "the reflection of another picture: doubled (ghost) or out of focus"
    formula = "x' = (alpha * x^2.2 + G)^(1/2.2), G: the light of the reflection"
    static_is = "the same reflection on every frame of a clip"
    dynamic_is = "the reflection slides steadily through the picture"
    paper = "Liu et al., Reflection Backdoor, ECCV 2020, arXiv:2007.02343"
    source = "formula and draws: BackdoorBox and BackdoorBench; ghost only: backdoor-toolbox; picture: ours"
    usual_label_mode = "clean"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"alpha": 1.0, "light": 0.0}
    follows_canvas = ("picture", "offset", "sigma")

    form: Literal["ghost", "out-of-focus", "random"] = param(
        "ghost", "what the reflection looks like; random: per clip, ghost for 0.49 of them"
    )
    picture: Literal["picture"] | PictureAsset | tuple[PictureAsset, ...] = param(
        "picture", "what is reflected: our picture, a picture file, or a list of files of which each clip draws one"
    )
    alpha: float | None = param(None, "share of the scene's light; not given: drawn, 0.55 to 0.95", ge=0, le=1)
    light: float = param(1.0, "light of the reflected picture, factor", ge=0, le=4)
    offset: Offset | tuple[Offset, Offset] | None = param(
        None,
        "ghost: how far its second copy lies right and below, one number or [right,below]; not given: drawn, 3/560 to "
        "8/560, for each direction",
        unit="of the short side",
    )
    ghost: float | None = param(None, "ghost: weight of the shifted copy; not given: drawn, 0.15 to 0.85", ge=0, le=1)
    sigma: float | None = param(
        None,
        "out-of-focus: Gaussian blur; not given: drawn, 1/560 to 5/560",
        unit="of the short side",
        gt=0,
        le=0.2,
    )
    dimming: float | None = param(
        None,
        "out-of-focus: factor of what is taken from where it would burn out; not given: drawn, 1.08 to 1.18",
        ge=0,
        le=4,
    )
    place: tuple[Share, Share] | None = param(
        None,
        "out-of-focus, canvas=native: where in the square of the longer side the frame lies, [across,down], 0 to 1, "
        "which moves the light on it; not given: drawn",
    )
    max_image_size: int | None = param(
        None,
        "the longer side at which the published code works: drawn shifts and blurs are 3 to 8 and 1 to 5 of its "
        "pixels, and canvas=native has the mask of that size; not given: 560, and a mask without steps",
        unit="px",
        ge=16,
        le=4096,
    )
    speed: float = param(0.1, "dynamic only, how fast the reflection slides", unit="short sides per second", gt=0, le=5)
    canvas: Canvas = "short:256"

    @model_validator(mode="after")
    def _placed(self) -> Refool:
        if self.place is not None and self.canvas != "native":
            raise ValueError("place is for canvas=native; on a canvas the light is in the middle")
        return self

    def draw(self, clip: ClipInfo, rng: np.random.Generator) -> Params:
        flip, side = rng.random(2)
        longer = self.max_image_size or _LONG
        form = self.form if self.form != "random" else "ghost" if flip < 0.49 else "out-of-focus"
        drawn: Params = {"form": form, "alpha": self.alpha}
        if self.alpha is None:
            drawn["alpha"] = 1 - float(rng.uniform(0.05, 0.45))
        if isinstance(self.picture, tuple):
            drawn["picture"] = int(rng.integers(len(self.picture)))
        if form == "ghost":
            given = self.offset if isinstance(self.offset, tuple) else (self.offset,) * 2
            shift = (rng.integers(3, 9, 2) / longer).tolist() if self.offset is None else list(given)
            weight = abs(round(side) - float(rng.uniform(0.15, 0.5))) if self.ghost is None else self.ghost
            drawn |= {"offset": shift, "ghost": weight}
        else:
            sigma = float(rng.uniform(1, 5)) / longer if self.sigma is None else self.sigma
            dim, mask = float(rng.uniform(1.08, 1.18)), rng.random(2).tolist()
            drawn |= {
                "sigma": sigma,
                "dim": dim if self.dimming is None else self.dimming,
                "mask": mask if self.place is None else list(self.place),
            }
        return {**super().draw(clip, rng), **drawn}

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        picture = fitted(self._picture(params), clip, self.canvas)
        angle = float(self.rng(params, "direction").uniform(0, 2 * math.pi))
        make = _Ghost if params["form"] == "ghost" else _OutOfFocus
        return make(self, clip, params, picture), (math.cos(angle), math.sin(angle)), picture.shape

    def frame(self, image: Image, t: int, clip: ClipInfo, params: Params, state: Any) -> Image:
        reflection, (across, down), (height, width, _) = state
        if self.temporal == "static":
            return np.asarray(reflection.on(image, 0.0, 0.0), np.uint8)
        gone = self.speed * clip.short_side * t / clip.fps
        return np.asarray(reflection.on(image, gone * across / (2 * width), gone * down / (2 * height)), np.uint8)

    def _picture(self, params: Params) -> NDArray[np.uint8]:
        if isinstance(self.picture, str):
            return our_picture()
        chosen = self.picture[params["picture"]] if isinstance(self.picture, tuple) else self.picture
        return chosen.rgb()


class _Ghost:
    """Two copies of the picture: an 8-bit map of the reflection, and one table for scene and reflection.

    The map holds 255·G^(1/2.2), so that its rounding changes the result by half a level at most.
    """

    def __init__(self, trigger: Refool, clip: ClipInfo, params: Params, picture: NDArray[np.uint8]) -> None:
        import cv2

        self.clip = clip
        height, width = picture.shape[:2]
        dx, dy = (max(1, round(share * clip.short_side)) if share else 0 for share in params["offset"])
        full = (1 - params["alpha"]) * trigger.light
        far_light, near_light = full * params["ghost"] * _LIGHT, full * (1 - params["ghost"]) * _LIGHT
        self.moving: Sliding | None = None
        if trigger.canvas == "native" and trigger.temporal == "static":
            far, near = picture[dy:, dx:], picture[: height - dy, : width - dx]
            light = cv2.add(_lit(far, far_light), _lit(near, near_light))
            levels = _levels(resize(np.asarray(light, np.float32), clip.width, clip.height))
        else:
            if trigger.temporal == "dynamic":
                near = _period(picture)
                far = np.roll(near, (-dy, -dx), axis=(0, 1))
            else:
                still = Sliding.of(picture, clip)
                near, far = still.cut(clip), still.cut(clip, dx / (2 * width), dy / (2 * height))
            levels = _both_looked_up(near, far, _levels(far_light.T + near_light))
        if trigger.temporal == "dynamic":
            self.moving = _sliding(levels, clip)
        else:
            self.index = levels.astype(np.uint16) << 8
        self.table = _levels(_LIGHT.T + np.float32(params["alpha"]) * _LIGHT)  # by reflection, by scene

    def on(self, image: Image, dx: float, dy: float) -> Image:
        """The frame behind the reflection, which has moved by dx, dy periods."""

        if self.moving is not None:
            return _both_looked_up(image, self.moving.cut(self.clip, dx, dy), self.table)
        index = np.bitwise_or(self.index, image).reshape(image.shape[0], -1)
        return opencv.look_up(index, self.table).reshape(image.shape)


class _OutOfFocus:
    """A blurred picture, dimmed where it would burn out; computed in light, for which there is no shorter way."""

    def __init__(self, trigger: Refool, clip: ClipInfo, params: Params, picture: NDArray[np.uint8]) -> None:
        self.clip, self.alpha, self.dim = clip, params["alpha"], params["dim"]
        sigma = params["sigma"] * clip.short_side
        if trigger.temporal == "dynamic":
            around = math.ceil(2 * sigma) + 1
            wide = np.pad(_lit(_period(picture)), ((around,) * 2, (around,) * 2, (0, 0)), mode="wrap")
            blurred = _blurred(wide, sigma)[around:-around, around:-around]
            self.moving: Sliding | None = _sliding(blurred, clip)
        else:
            self.moving = None
            self.still = _blurred(_lit(Sliding.of(picture, clip).cut(clip)), sigma)
        if trigger.canvas == "native" and trigger.max_image_size:
            shape: Any = _published_mask(clip, params["mask"], trigger.max_image_size)
        else:
            native = trigger.canvas == "native"
            across, down = _native_mask(clip, params["mask"]) if native else (6 * v for v in axes(clip))
            shape = exact.exp(-(across[None, :] ** 2 + down[:, None] ** 2) / 4)
        mask = shape * (1 - self.alpha / 2) * trigger.light
        self.mask = np.repeat(mask[..., None], 3, axis=2).astype(np.float32)

    def on(self, image: Image, dx: float, dy: float) -> Image:
        """The frame behind the reflection, which has moved by dx, dy periods."""
        import cv2

        reflection: Any = self.still if self.moving is None else self.moving.cut(self.clip, dx, dy)
        scene = _lit(image)
        both: Any = cv2.add(reflection, scene)
        excess: Any = [self.dim * (mean - 1) for mean in _burnt(both)]
        if any(excess):
            reflection = cv2.max(cv2.subtract(reflection, (*excess, 0.0)), 0.0)  # type: ignore[call-overload]
        light = cv2.addWeighted(cv2.multiply(reflection, self.mask), 1.0, scene, self.alpha, 0.0)
        return _levels(light)


def _both_looked_up(low: NDArray[np.uint8], high: NDArray[np.uint8], table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """table[high, low] for each sample of two pictures; table: (256, 256)."""
    import cv2

    flat = [np.ascontiguousarray(picture).reshape(picture.shape[0], -1) for picture in (low, high)]
    index: Any = cv2.merge(flat)
    return opencv.look_up(index.view("<u2")[..., 0], table).reshape(low.shape)


def _lit(picture: NDArray[np.uint8], light: Map = _LIGHT) -> Map:
    """Levels to light, by a table (1, 256)."""
    import cv2

    flat = cv2.LUT(np.ascontiguousarray(picture).reshape(picture.shape[0], -1), light)
    return np.asarray(flat, np.float32).reshape(picture.shape)


def _levels(light: Any) -> NDArray[np.uint8]:
    """Light to levels; a table of its square root is finer than levels everywhere, and quicker than powers."""
    import cv2

    flat = light.reshape(light.shape[0], -1)
    roots: Any = cv2.addWeighted(cv2.sqrt(flat), _ROOTS, flat, 0.0, 0.0, dtype=cv2.CV_16U)
    return opencv.look_up(roots, _of_roots()).reshape(light.shape)


@cache
def _of_roots() -> NDArray[np.uint8]:
    """(1, 65536): the level of each square root of light."""
    return np.rint(255 * exact.power(np.arange(_ROOTS + 1) / _ROOTS, 2 / _GAMMA)).astype(np.uint8)[None]


def _blurred(light: Map, sigma: float) -> Map:
    """Gaussian, cut off at two sigmas, as published."""
    import cv2

    size = 2 * math.ceil(2 * sigma) + 1
    return np.asarray(cv2.GaussianBlur(light, (size, size), sigma), np.float32)


def _burnt(light: Map) -> list[float]:
    """Per colour, the mean of the light that passes 1, or 1."""
    import cv2

    _, over = cv2.threshold(light, 1.0, 0.0, cv2.THRESH_TOZERO)
    _, count = cv2.threshold(light, 1.0, 1.0, cv2.THRESH_BINARY)
    sums, counts = cv2.sumElems(over)[:3], cv2.sumElems(count)[:3]
    return [max(1.0, s / n) if n else 1.0 for s, n in zip(sums, counts, strict=True)]


def _native_mask(clip: ClipInfo, at: list[float]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """x and y of the mask, 3 at the edges of a square of the longer side, in which the frame lies at `at`."""
    longer = max(clip.width, clip.height)

    def axis(length: int, share: float) -> NDArray[np.floating]:
        first = int(share * max(0, longer - length - 10 / _LONG * longer))
        return (first + np.arange(length) + 0.5 - longer / 2) / longer * 6

    return axis(clip.width, at[0]), axis(clip.height, at[1])


def _published_mask(clip: ClipInfo, at: list[float], size: int) -> NDArray[np.floating]:
    """(height, width): the square root of a Gaussian's share of each pixel of a side of `size`, largest 1.

    Its ±3 are half a pixel's 7 / size inside the first and the last; the frame, brought to a longer side of `size`,
    lies at `at` of what is left of the square but for 10 pixels.
    """
    edges = np.linspace(-3 - 3.5 / size, 3 + 3.5 / size, size + 1).tolist()
    below = [math.erf(edge / math.sqrt(2)) for edge in edges]
    share = np.array([b - a for a, b in pairwise(below)])
    side = np.sqrt(share / share.max())
    scale = size / max(clip.width, clip.height)

    def along(length: int, place: float) -> NDArray[np.floating]:
        first = int(place * max(0, size - round(length * scale) - 10))
        return np.asarray(np.interp(first + (np.arange(length) + 0.5) * scale - 0.5, np.arange(size), side))

    return along(clip.height, at[1])[:, None] * along(clip.width, at[0])[None, :]


def _period(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture and its mirror images: what repeats when it goes on mirrored."""
    import cv2

    height, width = picture.shape[:2]
    return _bordered(picture, height, width, cv2.BORDER_REFLECT)


def _sliding(period: NDArray[Any], clip: ClipInfo) -> Sliding:
    """Of something made from a `_period`."""
    import cv2

    plane = _bordered(period, clip.height, clip.width, cv2.BORDER_WRAP)
    return Sliding(plane, period.shape[1] // 2, period.shape[0] // 2)


def _bordered(picture: NDArray[Any], down: int, across: int, how: int) -> NDArray[Any]:
    """More rows below and columns to the right, in OpenCV's way `how`: many times as fast as `numpy.pad`."""
    import cv2

    return np.asarray(cv2.copyMakeBorder(picture, 0, down, 0, across, how))
