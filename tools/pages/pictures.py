"""The picture of a trigger's page: clean, static, dynamic, and the difference, on a clip made by code."""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from poisonkit import triggers
from poisonkit.reporting import pictures
from poisonkit.triggers.core.trigger import Trigger
from tools.pages import imports
from tools.pages.measured import at_defaults

WIDTH, HEIGHT, FRAMES, FPS, RATE = 256, 192, 50, 25.0, 48000
SHOWN = (0, 17, 34)


def jpeg(name: str) -> bytes:
    """The picture of one trigger; one that needs a file gets an example."""
    cls = triggers.get(name)
    clean = _wave() if cls.modality == "audio" else scene()
    with tempfile.TemporaryDirectory() as folder:
        spec = imports.specified(name, Path(folder), clean) if name in imports.names() else name
        made = []
        for mode in cls.modes:
            trigger = at_defaults(spec, temporal=mode)
            if trigger is not None:
                made.append((f"{name}, {mode}", trigger))
        assert made, f"no form of {name} can be made of {spec}"
        drawn = _sound(clean, made) if cls.modality == "audio" else _frames(clean, made)
    return cv2.imencode(".jpg", drawn[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()


def scene() -> NDArray[np.uint8]:
    """A person-free moving scene: (FRAMES, HEIGHT, WIDTH, 3) uint8 RGB."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    found = []
    for t in range(FRAMES):
        sky = np.stack([140 + 60 * y / HEIGHT, 170 + 30 * y / HEIGHT, 215 - 40 * y / HEIGHT], -1)
        hills = HEIGHT * (0.62 + 0.06 * np.sin(x / 31) + 0.04 * np.sin(x / 13 + 1))
        ground = np.stack([70 + 25 * np.sin(x / 9), 120 + 20 * np.sin(y / 5 + x / 17), 60 + 0 * x], -1)
        image = np.where((y > hills)[..., None], ground, sky)
        cx, cy = 30 + 4 * t, HEIGHT * 0.55 - abs(np.sin(t / 6)) * 70
        ball = np.clip(22 - np.hypot(x - cx, y - cy), 0, 1)[..., None]
        shade = (1 - 0.5 * np.hypot(x - cx + 7, y - cy + 7) / 22)[..., None]
        image = image * (1 - ball) + ball * np.array([225, 90, 50]) * shade
        found.append(np.clip(np.rint(image), 0, 255))
    return np.array(found, np.uint8)


def _frames(clean: NDArray[np.uint8], triggers_: list[tuple[str, Trigger]]) -> NDArray[np.uint8]:
    made = [(title, trigger.apply(clean, fps=FPS, id="page")) for title, trigger in triggers_]
    shown = [(title, [frames[t] for t in SHOWN]) for title, frames in made]
    times = [f"frame {t}, {t / FPS:.2f} s" for t in SHOWN]
    return pictures.frame_sheet([clean[t] for t in SHOWN], shown, times, WIDTH)


def _wave() -> NDArray[np.float32]:
    """A few notes: (1, samples) in ±1."""
    t = np.arange(RATE * 3) / RATE
    rng = np.random.default_rng(5)
    notes = sum(
        np.sin(2 * np.pi * f * (t - s)) * np.exp(-3 * (t - s)) * (t >= s)
        for f, s in ((220, 0.1), (330, 0.6), (275, 1.1), (440, 1.6), (370, 2.1))
    )
    wave: NDArray[np.float32] = (0.25 * notes + 0.004 * rng.standard_normal(len(t))).astype(np.float32)[None]
    return wave


def _sound(wave: NDArray[np.float32], triggers_: list[tuple[str, Trigger]]) -> NDArray[np.uint8]:
    made = [(title, trigger.apply(wave, sample_rate=RATE, id="page")) for title, trigger in triggers_]
    return pictures.sound_sheet(wave, made, RATE, 3 * WIDTH)
