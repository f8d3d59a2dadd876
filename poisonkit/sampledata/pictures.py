"""Moving shapes, one kind of motion for each class: the picture of the sample clips.

A shape is a signed distance in pixels, negative inside, as a function of time, so that every edge is
smooth and every motion finer than a pixel. Positions, sizes, speeds, colours and backgrounds are drawn
per clip; only the shape and how it moves say the class.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poisonkit.common import exact

Map = NDArray[np.float32]
Image = NDArray[np.uint8]
Shape = Callable[[float], Map]
"""Seconds -> signed distance of every pixel to the shape's edge, float32 (height, width)."""


@dataclass(frozen=True)
class Canvas:
    """Pixel coordinates of a picture. x, y: float32 (height, width), of the pixels' centres."""

    width: int
    height: int
    x: Map
    y: Map

    @classmethod
    def of(cls, width: int, height: int) -> Canvas:
        """A canvas of this size, with the coordinates of its pixels."""
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        return cls(width, height, x, y)

    @property
    def side(self) -> int:
        """The short side, the unit of sizes and speeds."""
        return min(self.width, self.height)


def as_map(distance: Any) -> Map:
    """float32, whatever it was."""
    return np.asarray(distance, dtype=np.float32)


def either_way(rng: np.random.Generator) -> int:
    """-1 or 1."""
    return 1 if rng.integers(2) else -1


def there_and_back(value: float, low: float, high: float) -> float:
    """`value` folded into [low, high], as a point does that runs between two walls."""
    span = high - low
    place = (value - low) % (2 * span)
    return low + (place if place <= span else 2 * span - place)


def ball_bouncing(rng: np.random.Generator, c: Canvas) -> Shape:
    """A disc that bounces on a floor and drifts between the walls."""
    radius = rng.uniform(0.15, 0.22) * c.side
    floor = c.height - radius - rng.uniform(0.02, 0.15) * c.side
    leap = rng.uniform(0.40, 0.55) * c.side
    rate, phase = rng.uniform(0.9, 1.6), rng.uniform(0, 1)
    start = rng.uniform(radius, c.width - radius)
    speed = either_way(rng) * rng.uniform(0.15, 0.5) * c.side

    def shape(t: float) -> Map:
        x = there_and_back(start + speed * t, radius, c.width - radius)
        u = (rate * t + phase) % 1.0
        y = floor - leap * 4 * u * (1 - u)
        return as_map(np.hypot(c.x - x, c.y - y) - radius)

    return shape


def bar_rotating(rng: np.random.Generator, c: Canvas) -> Shape:
    """A bar that turns about its middle."""
    half = rng.uniform(0.32, 0.46) * c.side
    thick = rng.uniform(0.05, 0.09) * c.side
    x, y = rng.uniform(0.35, 0.65) * c.width, rng.uniform(0.38, 0.62) * c.height
    start, speed = rng.uniform(0, math.pi), either_way(rng) * rng.uniform(1.8, 5.0)

    def shape(t: float) -> Map:
        angle = start + speed * t
        along = (c.x - x) * math.cos(angle) + (c.y - y) * math.sin(angle)
        across = (c.y - y) * math.cos(angle) - (c.x - x) * math.sin(angle)
        return as_map(np.maximum(np.abs(along) - half, np.abs(across) - thick))

    return shape


def grid_scrolling(rng: np.random.Generator, c: Canvas) -> Shape:
    """A grid of lines that moves across the whole picture."""
    pitch = rng.uniform(0.20, 0.32) * c.side
    thick = rng.uniform(0.015, 0.03) * c.side
    tilt = rng.uniform(0, math.pi / 2)
    heading, speed = rng.uniform(0, 2 * math.pi), rng.uniform(0.2, 0.5) * c.side
    u = c.x * math.cos(tilt) + c.y * math.sin(tilt)
    v = c.y * math.cos(tilt) - c.x * math.sin(tilt)

    def lines(coordinate: Map, shift: float) -> Map:
        return as_map(np.abs((coordinate - shift) % pitch - pitch / 2))

    def shape(t: float) -> Map:
        du, dv = speed * t * math.cos(heading), speed * t * math.sin(heading)
        return as_map(np.minimum(lines(u, du), lines(v, dv)) - thick)

    return shape


def rings_expanding(rng: np.random.Generator, c: Canvas) -> Shape:
    """Rings that leave a point and grow, one after the other."""
    pitch = rng.uniform(0.18, 0.28) * c.side
    thick = rng.uniform(0.03, 0.05) * c.side
    x, y = rng.uniform(0.3, 0.7) * c.width, rng.uniform(0.3, 0.7) * c.height
    reach, speed = rng.uniform(0.45, 0.65) * c.side, rng.uniform(0.2, 0.5) * c.side
    start = rng.uniform(0, pitch)
    far = np.hypot(c.x - x, c.y - y)

    def shape(t: float) -> Map:
        ring = np.abs((far - start - speed * t) % pitch - pitch / 2) - thick
        return as_map(np.maximum(ring, far - reach))

    return shape


def square_sliding(rng: np.random.Generator, c: Canvas) -> Shape:
    """A square that slides level from edge to edge and back."""
    half = rng.uniform(0.14, 0.20) * c.side
    tilt = rng.uniform(-0.2, 0.2)
    y = rng.uniform(1.4 * half, c.height - 1.4 * half)
    start, speed = rng.uniform(half, c.width - half), either_way(rng) * rng.uniform(0.4, 0.9) * c.side

    def shape(t: float) -> Map:
        x = there_and_back(start + speed * t, 1.2 * half, c.width - 1.2 * half)
        along = (c.x - x) * math.cos(tilt) + (c.y - y) * math.sin(tilt)
        across = (c.y - y) * math.cos(tilt) - (c.x - x) * math.sin(tilt)
        return as_map(np.maximum(np.abs(along), np.abs(across)) - half)

    return shape


MOTIONS: dict[str, Callable[[np.random.Generator, Canvas], Shape]] = {
    "ball_bouncing": ball_bouncing,
    "bar_rotating": bar_rotating,
    "grid_scrolling": grid_scrolling,
    "rings_expanding": rings_expanding,
    "square_sliding": square_sliding,
}
"""The classes of the sample clips, in the order of their names, which is the order of their labels."""


def backdrop(rng: np.random.Generator, c: Canvas) -> Map:
    """A soft coloured texture, float32 (height, width, 3) in 60 … 190 levels of RGB."""
    coarse = rng.uniform(-1, 1, (int(rng.integers(2, 5)), int(rng.integers(3, 6)), 3)).astype(np.float32)
    fine = rng.uniform(-1, 1, (c.height // 6, c.width // 6, 1)).astype(np.float32)
    size = (c.width, c.height)
    with exact.opencv_alone():
        texture = 28 * cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
        grain = rng.uniform(4, 12) * cv2.resize(fine, size, interpolation=cv2.INTER_CUBIC)
    mean = rng.uniform(100, 150, 3).astype(np.float32)
    return np.asarray(np.clip(mean + texture + grain[..., None], 60, 190), dtype=np.float32)


def paint(rng: np.random.Generator) -> Map:
    """A colour, float32 (3,), that stands out from any backdrop: bright or dark, of any hue."""
    hue = int(rng.integers(180))
    bright = bool(rng.integers(2))
    saturation, value = (rng.integers(30, 110), 250) if bright else (rng.integers(120, 255), 45)
    hsv = np.array([[[hue, saturation, value]]], dtype=np.uint8)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0], dtype=np.float32)


def frames(motion: str, rng: np.random.Generator, width: int, height: int, count: int, fps: int) -> Iterator[Image]:
    """`count` pictures, uint8 RGB (height, width, 3), of one clip of the class `motion`."""
    canvas = Canvas.of(width, height)
    shape = MOTIONS[motion](rng, canvas)
    behind = backdrop(rng, canvas)
    change = paint(rng) - behind
    for index in range(count):
        covered = cv2.merge([np.clip(0.5 - shape(index / fps), 0, 1)] * 3)
        yield cv2.convertScaleAbs(behind + change * covered)
