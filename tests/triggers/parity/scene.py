"""The frames that triggers and transcriptions both get, and what a transcription may know of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from poisonkit.common.seeding import generator
from poisonkit.triggers.core.clip import ClipInfo

SHAPES = {
    "square": (48, 48),
    "wide": (48, 64),
    "tall": (64, 40),
    "odd": (37, 53),
    "32x32": (32, 32),
    "240p": (240, 320),
    "1080p": (1080, 1920),
}
"""(height, width)."""

Formula = Callable[..., np.ndarray]


@dataclass(frozen=True)
class Case:
    """formula: called with the scene and with params and files by name; its defaults are the published ones.

    files: identity data that is imported, made for (height, width) and given to both. within: levels between the
    8-bit result and the exact one, rounding included. rows: only the first of them on 1080p, unless all are asked for.
    on_large: that the case is compared there though it is not the trigger's first.
    """

    formula: Formula
    params: dict[str, Any] = field(default_factory=dict)
    files: dict[str, Callable[[int, int], np.ndarray]] = field(default_factory=dict)
    within: float = 0.51
    frames: int = 1
    shapes: tuple[str, ...] = tuple(shape for shape in SHAPES if shape != "240p")
    rows: int | None = None
    on_large: bool = False


@lru_cache(maxsize=8)
def source(height: int, width: int, frames: int) -> np.ndarray:
    """uint8 (frames, height, width, 3), read-only: noise above, soft waves from black to white below; it moves."""
    rng = generator("parity", height, width)
    first = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    y, x = np.arange(height - height // 2) / height, np.arange(width) / width
    for c in range(3):
        wave = np.outer(np.sin(7 * y + c), np.cos(11 * x - c))
        first[height // 2 :, :, c] = np.clip(np.rint(128 + 150 * wave), 0, 255)
    out = np.stack([np.roll(first, (2 * t, 3 * t), axis=(0, 1)) for t in range(frames)])
    out.flags.writeable = False
    return out


def noise(height: int, width: int) -> np.ndarray:
    """Identity data: a picture of the frame's size."""
    return generator("parity", "identity", height, width).integers(0, 256, (height, width, 3), dtype=np.uint8)


@dataclass(frozen=True)
class Scene:
    """Frame `t` of a clip. rows, columns: the pixels that are compared; a transcription gives (rows, columns, 3)."""

    frames: np.ndarray
    t: int
    clip: ClipInfo
    trigger: Any
    drawn: dict[str, Any]
    rows: np.ndarray
    columns: np.ndarray

    @cached_property
    def x(self) -> np.ndarray:
        """The source's levels there, float64."""
        return self.pick(self.frames[self.t]).astype(np.float64)

    def pick(self, image: np.ndarray) -> np.ndarray:
        return image[self.rows[:, None], self.columns]

    @property
    def height(self) -> int:
        return self.clip.height

    @property
    def width(self) -> int:
        return self.clip.width

    @property
    def short(self) -> int:
        return min(self.clip.width, self.clip.height)

    @property
    def seconds(self) -> float:
        return self.t / self.clip.fps

    @cached_property
    def u(self) -> np.ndarray:
        """(1, columns): x of the pixels' centres, in short sides from the middle."""
        return ((self.columns + 0.5 - self.width / 2) / self.short)[None, :]

    @cached_property
    def v(self) -> np.ndarray:
        """(rows, 1): y."""
        return ((self.rows + 0.5 - self.height / 2) / self.short)[:, None]

    def rng(self, *purpose: int | str) -> np.random.Generator:
        """The trigger's identity is made of numbers from here."""
        return generator(self.trigger.trigger_seed, self.trigger.name, self.drawn.get("clip_key"), *purpose)


def saved(files: dict[str, np.ndarray], folder: Path) -> dict[str, str]:
    """The files' paths; `folder` is a folder that holds the file for the clip "a"."""
    paths = {key: folder / (f"{key}/a.npy" if key == "folder" else f"{key}.npy") for key in files}
    for key, path in paths.items():
        path.parent.mkdir(exist_ok=True)
        np.save(path, files[key])
    return {key: str(path.parent if key == "folder" else path) for key, path in paths.items()}


def compared(length: int, step: int) -> np.ndarray:
    """Every so many rows or columns, and both ends."""
    return np.unique(np.append(np.arange(0, length, step), [length - 1, max(length - 2, 0)]))
