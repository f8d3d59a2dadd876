"""Corruptions of ImageNet-C on every frame, as TeCo asks for them.

Formulas and constants: Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations", ICLR 2019, arXiv:1903.12261, and their published code, `make_imagenet_c.py`, in code of our own. Of its
fifteen, JPEG is `compression`'s, and frost is not here: it superimposes photographs of frost that come with the code.

What is in pixels is in pixels of 224, the size of those pictures: a larger clip has larger blurs by its short side, a
smaller one the published ones. Noise is new on every frame; whatever else is drawn (fog, flakes, angles, warps, which
pixels change places) is one for the whole clip. Draws are a function of the trigger seed, the clip's id, the corruption
and its severity, so a clip with an attack's trigger and the same one without get the same.

In glass blur the published code means to exchange two pixels and copies one onto the other; so does this.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from poisonkit.triggers.core.clip import ClipInfo, Image, Params
from poisonkit.triggers.core.trigger import FrameTrigger, param

Real = NDArray[np.float32]

SIDE = 224  # pixels of the published pictures
VALUES: dict[str, tuple[Any, ...]] = {
    "gaussian-noise": (0.08, 0.12, 0.18, 0.26, 0.38),
    "shot-noise": (60, 25, 12, 5, 3),
    "impulse-noise": (0.03, 0.06, 0.09, 0.17, 0.27),
    "defocus-blur": ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)),  # radius, blur of its edge
    "glass-blur": ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)),  # sigma, farthest, times
    "motion-blur": ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15)),  # radius, sigma
    "zoom-blur": ((12, 0.01), (16, 0.01), (11, 0.02), (13, 0.02), (11, 0.03)),  # zooms, step
    "snow": (
        *((0.1, 0.3, 3, 0.5, 10, 4, 0.8), (0.2, 0.3, 2, 0.5, 12, 4, 0.7), (0.55, 0.3, 4, 0.9, 12, 8, 0.7)),
        *((0.55, 0.3, 4.5, 0.85, 12, 8, 0.65), (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55)),
    ),  # mean, deviation, zoom, least, radius, sigma, share of the picture
    "fog": ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4)),  # strength, decay
    "brightness": (0.1, 0.2, 0.3, 0.4, 0.5),
    "contrast": (0.4, 0.3, 0.2, 0.1, 0.05),
    "elastic": (
        *((488, 170.8, 24.4), (488, 19.52, 48.8)),
        *((12.2, 2.44, 4.88), (17.08, 2.44, 4.88), (29.28, 2.44, 4.88)),
    ),  # strength, sigma, farthest corner
    "pixelate": (0.6, 0.5, 0.4, 0.3, 0.25),
}
Name = Literal[
    "gaussian-noise", "shot-noise", "impulse-noise", "defocus-blur", "glass-blur", "motion-blur", "zoom-blur",
    "snow", "fog", "brightness", "contrast", "elastic", "pixelate",
]  # fmt: skip


class Corruption(FrameTrigger):
    """A corruption of ImageNet-C on every frame; see the module."""

    name = "corruption"
    family = "image"
    modes = ("static",)
    summary = "a corruption of ImageNet-C on every frame"
    formula = "see Hendrycks and Dietterich, ICLR 2019"
    paper = ""
    source = "Hendrycks and Dietterich, ICLR 2019, arXiv:1903.12261, and its published code"
    codec = "robust"
    identity: ClassVar[dict[str, Any] | None] = None

    corruption: Name = param("gaussian-noise", "which corruption")
    severity: int = param(1, "of five", ge=1, le=5)

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        make = _MAPS.get(self.corruption)
        return None if make is None else make(self._value, clip, self.rng(params, clip.id, *self._key))

    def frame(self, image: Image, t: int, clip: ClipInfo, params: Params, state: Any) -> Image:
        if self.corruption in _NOISES:
            return _NOISES[self.corruption](image, self._value, self.rng(params, clip.id, *self._key, t))
        made: Image = _FRAMES[self.corruption](image, self._value, state)
        return made

    @property
    def _value(self) -> Any:
        return VALUES[self.corruption][self.severity - 1]

    @property
    def _key(self) -> tuple[str, int]:
        return self.corruption, self.severity


def scale(clip: ClipInfo) -> float:
    """By how much pixels of 224 are longer in this clip."""
    return max(1.0, clip.short_side / SIDE)


def levels(picture: Any) -> Image:
    """(height, width, 3) numbers of 0..255 and beyond -> levels."""
    return np.asarray(np.clip(np.rint(picture), 0, 255), dtype=np.uint8)


# -- noise, new on every frame ---------------------------------------------------------------------------


def gaussian_noise(image: Image, by: float, rng: np.random.Generator) -> Image:
    """x + n, n normal of deviation `by`."""
    return levels(image + np.float32(255 * by) * rng.standard_normal(image.shape, dtype=np.float32))


def shot_noise(image: Image, photons: float, rng: np.random.Generator) -> Image:
    """Poisson(x · photons) / photons."""
    return levels(rng.poisson(image * (photons / 255)) * (255 / photons))


def impulse_noise(image: Image, share: float, rng: np.random.Generator) -> Image:
    """Of all values a share is 0 or 255, as often the one as the other."""
    drawn = rng.random(image.shape, dtype=np.float32)
    return np.where(drawn < share / 2, np.uint8(0), np.where(drawn < share, np.uint8(255), image))


# -- what a clip's frames share --------------------------------------------------------------------------


def disk(value: tuple[float, float], clip: ClipInfo, rng: np.random.Generator) -> Real:
    """A disk of ones with a soft edge; sums to about 1."""
    import cv2

    radius, soft = value[0] * scale(clip), value[1]
    half = max(8, math.ceil(radius))
    at = np.arange(-half, half + 1)
    found = (at[:, None] ** 2 + at**2 <= radius**2).astype(np.float32)
    size = (3, 3) if value[0] <= 8 else (5, 5)
    return np.asarray(cv2.GaussianBlur(found / found.sum(), size, soft), dtype=np.float32)


def places(value: tuple[float, int, int], clip: ClipInfo, rng: np.random.Generator) -> tuple[NDArray[np.int64], float]:
    """(height · width,) which pixel each takes, after all copies; and the sigma."""
    far, (height, width) = max(1, round(value[1] * scale(clip))), (clip.height, clip.width)
    rows, columns = np.arange(height - far, far, -1), np.arange(width - far, far, -1)
    own = (rows[:, None] * width + columns).ravel().tolist()
    taken = list(range(height * width))
    for _ in range(value[2]):
        moves = rng.integers(-far, far, (len(own), 2))
        for here, by in zip(own, (moves[:, 1] * width + moves[:, 0]).tolist(), strict=True):
            taken[here] = taken[here + by]
    return np.array(taken), value[0] * scale(clip)


def smear(radius: float, sigma: float, degrees: float) -> list[tuple[int, int, float]]:
    """(down, right, weight) of half a Gaussian along a line, as ImageMagick's motion blur has it."""
    weights = [math.exp(-i * i / (2 * sigma * sigma)) for i in range(2 * math.ceil(radius) + 1)]
    down, right = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    total = sum(weights)
    return [(math.ceil(i * down - 0.5), math.ceil(i * right - 0.5), w / total) for i, w in enumerate(weights)]


def line(value: tuple[float, float], clip: ClipInfo, rng: np.random.Generator) -> list[tuple[int, int, float]]:
    """A line of up to 45° from the horizontal."""
    k = scale(clip)
    return smear(value[0] * k, value[1] * k, rng.uniform(-45, 45))


def zooms(value: tuple[int, float], clip: ClipInfo, rng: np.random.Generator) -> list[tuple[Any, tuple[int, int]]]:
    """(matrix from the new picture to the old, size) of each zoom after the first, which is 1."""
    size = (clip.width, clip.height)
    return [(zoomed(1 + i * value[1], size), size) for i in range(1, value[0])]


def zoomed(factor: float, size: tuple[int, int]) -> Real:
    """(2, 3): where pixels come from when the middle of a picture (width, height) is enlarged to its size."""
    matrix = np.zeros((2, 3))
    for axis, length in enumerate(size):
        part = math.ceil(length / factor)
        whole = round(part * factor)
        step = (part - 1) / max(whole - 1, 1)
        matrix[axis, axis], matrix[axis, 2] = step, (length - part) // 2 + (whole - length) // 2 * step
    return matrix.astype(np.float32)


def flakes(value: tuple[float, ...], clip: ClipInfo, rng: np.random.Generator) -> tuple[Real, float]:
    """(height, width, 1) levels that snow adds; and the share of the picture."""
    import cv2

    mean, deviation, zoom, least, radius, sigma, share = value
    height, width = _small(clip)
    layer: Any = rng.normal(mean, deviation, (height, width)).astype(np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    layer = cv2.warpAffine(layer, zoomed(zoom, (width, height)), (width, height), flags=flags)
    layer = np.floor(np.where(layer < least, 0, np.clip(layer, 0, 1)) * 255)
    layer = np.floor(along(layer[..., None], smear(radius, sigma, rng.uniform(-135, -45))) + 0.5)
    both = _grown(layer[..., 0] + np.rot90(layer[..., 0], 2), clip)
    return both[..., None], share


def haze(value: tuple[float, float], clip: ClipInfo, rng: np.random.Generator) -> tuple[Real, float]:
    """(height, width, 1) fog of 0 to `strength`, and the strength."""
    height, width = _small(clip)
    found = plasma(max(256, 1 << (max(height, width) - 1).bit_length()), value[1], rng)[:height, :width]
    return _grown(found.astype(np.float32), clip)[..., None] * np.float32(value[0]), value[0]


def plasma(size: int, decay: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """(size, size) heights of 0..1 by the diamond-square algorithm; size: a power of 2."""
    heights = np.zeros((size, size))
    step, wobble = size, 100.0

    def middle(total: Any) -> Any:
        return total / 4 + wobble * rng.uniform(-wobble, wobble, total.shape)

    while step >= 2:
        half = step // 2
        corners = heights[::step, ::step]
        pairs = corners + np.roll(corners, -1, axis=0)
        heights[half::step, half::step] = middle(pairs + np.roll(pairs, -1, axis=1))
        centres, corners = heights[half::step, half::step], heights[::step, ::step]
        heights[::step, half::step] = middle(
            centres + np.roll(centres, 1, axis=0) + corners + np.roll(corners, -1, axis=1)
        )
        heights[half::step, ::step] = middle(
            centres + np.roll(centres, 1, axis=1) + corners + np.roll(corners, -1, axis=0)
        )
        step, wobble = half, wobble / decay
    heights -= heights.min()
    found: NDArray[np.float64] = heights / heights.max()
    return found


def warp(value: tuple[float, float, float], clip: ClipInfo, rng: np.random.Generator) -> tuple[Any, Real, Real]:
    """An affine matrix of three moved points, and (height, width) where each pixel then comes from, across and down."""
    import cv2
    from scipy.ndimage import gaussian_filter

    strength, sigma, far = value
    k = scale(clip)
    middle = np.array([clip.width // 2, clip.height // 2], np.float32)
    side = clip.short_side // 3
    points = np.array([middle + side, [middle[0] + side, middle[1] - side], middle - side], np.float32)
    moved = points + (k * rng.uniform(-far, far, points.shape)).astype(np.float32)
    matrix = cv2.getAffineTransform(points, moved)
    across, down = (
        _grown(gaussian_filter(rng.uniform(-1, 1, _small(clip)), sigma, mode="reflect", truncate=3), clip)
        * np.float32(strength * k)
        for _ in range(2)
    )
    y, x = np.mgrid[: clip.height, : clip.width].astype(np.float32)
    return matrix, x + across, y + down


def _small(clip: ClipInfo) -> tuple[int, int]:
    """(height, width) in pixels of 224."""
    k = scale(clip)
    return round(clip.height / k), round(clip.width / k)


def _grown(layer: Any, clip: ClipInfo) -> Real:
    """A map in pixels of 224, at the clip's size."""
    import cv2

    small: Real = np.asarray(layer, np.float32)
    if small.shape == (clip.height, clip.width):
        return small
    return np.asarray(cv2.resize(small, (clip.width, clip.height), interpolation=cv2.INTER_LINEAR), np.float32)


# -- frames ----------------------------------------------------------------------------------------------


def along(image: Any, steps: list[tuple[int, int, float]]) -> Real:
    """(height, width, channels) the weighted mean of the picture moved by each step; its edge goes on."""
    top, bottom = (max(0, *(sign * d for d, _, _ in steps)) for sign in (-1, 1))
    left, right = (max(0, *(sign * r for _, r, _ in steps)) for sign in (-1, 1))
    wide = np.pad(image.astype(np.float32), ((top, bottom), (left, right), (0, 0)), mode="edge")
    height, width = image.shape[:2]
    total = np.zeros(image.shape, np.float32)
    for d, r, weight in steps:
        total += np.float32(weight) * wide[top + d : top + d + height, left + r : left + r + width]
    return total


def defocused(image: Image, value: Any, kernel: Real) -> Image:
    """Correlated with the disk, mirrored beyond the frame."""
    import cv2

    from poisonkit.common import exact

    with exact.opencv_alone():  # large kernels go through a Fourier transform
        return levels(cv2.filter2D(image.astype(np.float32), -1, kernel, borderType=cv2.BORDER_REFLECT_101))


def behind_glass(image: Image, value: Any, state: tuple[NDArray[np.int64], float]) -> Image:
    """Blurred, pixels from nearby, blurred again."""
    import cv2

    taken, sigma = state
    size = 2 * int(4 * sigma + 0.5) + 1

    def blurred(picture: Any) -> Image:
        made = cv2.GaussianBlur(picture, (size, size), sigma, borderType=cv2.BORDER_REPLICATE)
        return np.asarray(made, dtype=np.uint8)

    return blurred(blurred(image).reshape(-1, 3)[taken].reshape(image.shape))


def zoom_blurred(image: Image, value: Any, state: list[tuple[Any, tuple[int, int]]]) -> Image:
    """The mean of the picture (twice) and of its zooms."""
    import cv2

    total = 2 * image.astype(np.float32)
    for matrix, size in state:
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        total += cv2.warpAffine(image, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return levels(total / (len(state) + 2))


def snowed(image: Image, value: Any, state: tuple[Real, float]) -> Image:
    """Whitened, with flakes and the same ones turned by half."""
    import cv2

    layer, share = state
    x = image.astype(np.float32)
    gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float32)[..., None]
    return levels(share * x + (1 - share) * np.maximum(x, gray * 1.5 + 127.5) + layer)


def fogged(image: Image, value: Any, state: tuple[Real, float]) -> Image:
    """(x + fog) · m / (m + strength), m: the brightest value of the frame, of 0..1."""
    layer, strength = state
    most = float(image.max()) / 255
    return levels((image.astype(np.float32) + 255 * layer) * (most / (most + strength)))


def brightened(image: Image, by: float, state: None) -> Image:
    """The value of HSV, the largest of R, G and B, raised: all three are multiplied alike."""
    value = image.max(axis=2, keepdims=True).astype(np.float32)
    raised = np.minimum(value + np.float32(255 * by), 255)
    return levels(np.where(value > 0, image * (raised / np.maximum(value, 1)), raised))


def flattened(image: Image, share: float, state: None) -> Image:
    """(x − m) · share + m, m: the mean of each colour in the frame."""
    means = image.mean(axis=(0, 1), keepdims=True, dtype=np.float64).astype(np.float32)
    return levels((image - means) * np.float32(share) + means)


def warped(image: Image, value: Any, state: tuple[Any, Real, Real]) -> Image:
    """An affine map, then each pixel from a place nearby."""
    import cv2

    matrix, across, down = state
    size = image.shape[1::-1]
    made = cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(cv2.remap(made, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), dtype=np.uint8)


def pixelated(image: Image, share: float, state: None) -> Image:
    """Means of boxes, and each pixel its box."""
    import cv2

    height, width = image.shape[:2]
    size = (max(1, int(width * share)), max(1, int(height * share)))
    (left, right), (top, bottom) = (_boxes(n, m) for n, m in zip((width, height), size, strict=True))
    sums = cv2.integral(image, sdepth=cv2.CV_64F)
    total = sums[bottom][:, right] - sums[top][:, right] - sums[bottom][:, left] + sums[top][:, left]
    small = levels(total / ((bottom - top)[:, None, None] * (right - left)[:, None]))
    rows, columns = ((2 * np.arange(n) + 1) * m // (2 * n) for n, m in ((height, size[1]), (width, size[0])))
    return np.asarray(small[rows][:, columns])


def _boxes(length: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First pixels, and ends, of `count` boxes: the pixels whose middles lie in them."""
    ends = (2 * np.arange(count + 1) * length - count) // (2 * count) + 1
    return ends[:-1], ends[1:]


_NOISES = {"gaussian-noise": gaussian_noise, "shot-noise": shot_noise, "impulse-noise": impulse_noise}
_MAPS: dict[str, Any] = {
    "defocus-blur": disk,
    "glass-blur": places,
    "motion-blur": line,
    "zoom-blur": zooms,
    "snow": flakes,
    "fog": haze,
    "elastic": warp,
}
_FRAMES: dict[str, Any] = {
    "defocus-blur": defocused,
    "glass-blur": behind_glass,
    "motion-blur": lambda image, value, steps: levels(along(image, steps)),
    "zoom-blur": zoom_blurred,
    "snow": snowed,
    "fog": fogged,
    "brightness": brightened,
    "contrast": flattened,
    "elastic": warped,
    "pixelate": pixelated,
}
