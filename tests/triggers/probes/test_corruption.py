"""ImageNet-C's corruptions against transcriptions of the published formulas, with the draws that the trigger makes."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import pytest
from scipy import ndimage

from poisonkit.triggers.core import registry, spec
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.probes import corruption
from poisonkit.triggers.probes.corruption import VALUES, Corruption
from tests.media_factory import picture

CLIP = ClipInfo(id="a/b.mp4", width=64, height=40, fps=25, frames=2)
IMAGE = picture(0, (64, 40), 3)
EACH = [(name, severity) for name in VALUES for severity in range(1, 6) if name != "fog" or severity in (1, 5)]


def frames(name: str, severity: int, clip: ClipInfo = CLIP, image: Any = IMAGE) -> list[Any]:
    trigger = Corruption(corruption=name, severity=severity)
    return list(trigger.render(iter([image, image]), clip, {}))


def rng(name: str, severity: int, *more: int) -> np.random.Generator:
    return Corruption().rng({}, CLIP.id, name, severity, *more)


def gaussian_noise(x: Any, c: float, draw: np.random.Generator) -> Any:
    return x + draw.standard_normal(x.shape, dtype=np.float32) * c


def shot_noise(x: Any, c: float, draw: np.random.Generator) -> Any:
    return draw.poisson(x * c) / c


def impulse_noise(x: Any, c: float, draw: np.random.Generator) -> Any:
    u = draw.random(x.shape, dtype=np.float32)
    found = x.copy()
    found[u < c] = 1
    found[u < c / 2] = 0
    return found


def defocus_blur(x: Any, c: Any, draw: np.random.Generator) -> Any:
    radius, soft = c
    at, size = (np.arange(-8, 9), (3, 3)) if radius <= 8 else (np.arange(-radius, radius + 1), (5, 5))
    across, down = np.meshgrid(at, at)
    disk = np.array((across**2 + down**2) <= radius**2, dtype=np.float32)
    disk = cv2.GaussianBlur(disk / disk.sum(), ksize=size, sigmaX=soft)
    return np.stack([cv2.filter2D(x[:, :, d], -1, disk) for d in range(3)], axis=2)


def glass_blur(x: Any, c: Any, draw: np.random.Generator) -> Any:
    sigma, far, times = c
    x = np.rint(ndimage.gaussian_filter(x, (sigma, sigma, 0), mode="nearest") * 255)
    height, width = x.shape[:2]
    for _ in range(times):
        count = (height - 2 * far) * (width - 2 * far)
        moves = iter(draw.integers(-far, far, (count, 2)))
        for h in range(height - far, far, -1):
            for w in range(width - far, far, -1):
                dx, dy = next(moves)
                x[h, w], x[h + dy, w + dx] = x[h + dy, w + dx], x[h, w]
    return ndimage.gaussian_filter(x / 255, (sigma, sigma, 0), mode="nearest")


def magick(x: Any, radius: float, sigma: float, angle: float) -> Any:
    """Pixel by pixel of the line, edges repeated."""
    kernel = np.exp(-(np.arange(2 * radius + 1) ** 2) / (2 * sigma**2))
    total = np.zeros(x.shape)
    rows, columns = np.mgrid[: x.shape[0], : x.shape[1]]
    for i, weight in enumerate(kernel / kernel.sum()):
        y = np.clip(rows + math.ceil(i * math.sin(math.radians(angle)) - 0.5), 0, x.shape[0] - 1)
        z = np.clip(columns + math.ceil(i * math.cos(math.radians(angle)) - 0.5), 0, x.shape[1] - 1)
        total += weight * x[y, z]
    return total


def motion_blur(x: Any, c: Any, draw: np.random.Generator) -> Any:
    return magick(x, *c, draw.uniform(-45, 45))


def clipped_zoom(image: Any, factor: float) -> Any:
    for axis, length in enumerate(image.shape[:2]):
        part = math.ceil(length / factor)
        start = (length - part) // 2
        image = np.take(image, range(start, start + part), axis=axis)
        image = ndimage.zoom(image, np.where(np.arange(image.ndim) == axis, factor, 1), order=1)
        start = (image.shape[axis] - length) // 2
        image = np.take(image, range(start, start + length), axis=axis)
    return image


def zoom_blur(x: Any, c: Any, draw: np.random.Generator) -> Any:
    count, step = c
    factors = [1 + step * i for i in range(count)]
    return (x + sum(clipped_zoom(x, factor) for factor in factors)) / (count + 1)


def snow(x: Any, c: Any, draw: np.random.Generator) -> Any:
    layer = clipped_zoom(draw.normal(size=x.shape[:2], loc=c[0], scale=c[1]), c[2])
    layer[layer < c[3]] = 0
    layer = (np.clip(layer, 0, 1) * 255).astype(np.uint8)
    layer = np.rint(magick(layer, c[4], c[5], draw.uniform(-135, -45)))[..., None] / 255
    gray = cv2.cvtColor(x.astype(np.float32), cv2.COLOR_RGB2GRAY)[..., None]
    x = c[6] * x + (1 - c[6]) * np.maximum(x, gray * 1.5 + 0.5)
    return x + layer + np.rot90(layer, k=2)


def fog(x: Any, c: Any, draw: np.random.Generator) -> Any:
    heights, step, wobble = np.zeros((256, 256)), 256, 100.0
    while step >= 2:
        half, spots = step // 2, range(0, 256, step)
        drawn = draw.uniform(-wobble, wobble, (len(spots), len(spots)))
        for i, y in enumerate(spots):
            for j, z in enumerate(spots):
                mean = sum(heights[(y + a) % 256, (z + b) % 256] for a in (0, step) for b in (0, step)) / 4
                heights[y + half, z + half] = mean + wobble * drawn[i, j]
        for dy, dz in ((0, half), (half, 0)):
            drawn = draw.uniform(-wobble, wobble, (len(spots), len(spots)))
            for i, y in enumerate(spots):
                for j, z in enumerate(spots):
                    p, q = y + dy, z + dz
                    around = [(p - half, q), (p + half, q), (p, q - half), (p, q + half)]
                    mean = sum(heights[a % 256, b % 256] for a, b in around) / 4
                    heights[p, q] = mean + wobble * drawn[i, j]
        step, wobble = half, wobble / c[1]
    heights -= heights.min()
    heights /= heights.max()
    most = x.max()
    return (x + c[0] * heights[: x.shape[0], : x.shape[1], None]) * most / (most + c[0])


def brightness(x: Any, c: float, draw: np.random.Generator) -> Any:
    hsv = cv2.cvtColor(x.astype(np.float32), cv2.COLOR_RGB2HSV)
    hsv[:, :, 2] = np.clip(hsv[:, :, 2] + c, 0, 1)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)


def contrast(x: Any, c: float, draw: np.random.Generator) -> Any:
    means = np.mean(x, axis=(0, 1), keepdims=True)
    return (x - means) * c + means


def elastic(x: Any, c: Any, draw: np.random.Generator) -> Any:
    height, width = x.shape[:2]
    middle, side = np.array([width // 2, height // 2]), min(height, width) // 3
    before = np.array([middle + side, [middle[0] + side, middle[1] - side], middle - side], np.float32)
    after = before + draw.uniform(-c[2], c[2], size=before.shape).astype(np.float32)
    x = cv2.warpAffine(x, cv2.getAffineTransform(before, after), (width, height), borderMode=cv2.BORDER_REFLECT_101)
    dx, dy = (
        ndimage.gaussian_filter(draw.uniform(-1, 1, size=(height, width)), c[1], mode="reflect", truncate=3) * c[0]
        for _ in range(2)
    )
    rows, columns = np.mgrid[:height, :width]
    return np.stack(
        [ndimage.map_coordinates(x[..., d], (rows + dy, columns + dx), order=1, mode="reflect") for d in range(3)], 2
    )


def pixelate(x: Any, c: float, draw: np.random.Generator) -> Any:
    """Pillow's BOX: rows of means of pixels whose middles lie in a box, then columns; larger again, the nearest."""
    x = np.rint(x * 255)
    for axis, length in ((1, x.shape[1]), (0, x.shape[0])):
        count = int(length * c)
        middles, step = np.arange(length) + 0.5, length / count
        boxes = [(middles > i * step) & (middles <= (i + 1) * step) for i in range(count)]
        x = np.rint(np.stack([x.compress(box, axis).mean(axis) for box in boxes], axis))
        x = x.take([int(m * count / length) for m in middles], axis)
    return x / 255


@pytest.mark.parametrize(("name", "severity"), EACH)
def test_against_the_published_formula(name: str, severity: int) -> None:
    noise = name.endswith("-noise")
    draw = rng(name, severity, *([0] if noise else []))
    formula = globals()[name.replace("-", "_")]
    expected = np.clip(formula(IMAGE / 255, VALUES[name][severity - 1], draw), 0, 1) * 255
    off = np.abs(frames(name, severity)[0] - expected)
    # two roundings more than the formula's, and thirty-seconds of a pixel where a picture is warped
    most, mean = (8.0, 0.6) if name in ("zoom-blur", "elastic", "glass-blur", "pixelate") else (1.01, 0.51)
    assert off.max() <= most
    assert off.mean() <= mean


def test_the_published_severities() -> None:
    """Zooms as the code spells them, some of which NumPy makes one longer than they look."""
    ends = ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03))
    assert [(len(np.arange(1, end, step)), step) for end, step in ends] == list(VALUES["zoom-blur"])
    assert all(len(each) == 5 for each in VALUES.values())
    assert len(VALUES) == 13, "JPEG is `compression`'s, frost needs photographs"


@pytest.mark.parametrize("name", VALUES)
def test_one_draw_a_clip_and_noise_a_frame(name: str) -> None:
    first, second = frames(name, 2)
    assert first.dtype == np.uint8
    assert first.shape == IMAGE.shape
    assert not np.array_equal(first, IMAGE)
    assert np.array_equal(first, second) == (not name.endswith("-noise"))
    assert all(np.array_equal(a, b) for a, b in zip(frames(name, 2), (first, second), strict=True))
    other = ClipInfo(id="c.mp4", width=64, height=40, fps=25, frames=2)
    drawn = name not in ("defocus-blur", "zoom-blur", "brightness", "contrast", "pixelate")
    assert np.array_equal(frames(name, 2, other)[0], first) == (not drawn)


def test_black_frames_and_larger_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VALUES:
        assert frames(name, 5, image=np.zeros_like(IMAGE))[0].shape == IMAGE.shape
    assert corruption.scale(CLIP) == 1
    monkeypatch.setattr(corruption, "SIDE", 20)
    assert corruption.scale(CLIP) == 2
    assert len(corruption.disk((10, 0.5), CLIP, rng("x", 1))) == 41
    for name in VALUES:
        assert frames(name, 2)[0].shape == IMAGE.shape


def test_it_is_in_no_list() -> None:
    entry = Corruption(corruption="fog", severity=3).entry()
    assert entry["name"] == "poisonkit.triggers.probes.corruption:Corruption"
    with registry.code_allowed(False):
        assert spec.from_entry(entry) == Corruption(corruption="fog", severity=3)
