"""Tiny datasets that several tests write: lists, tables, folders of frames."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.datasets.readers import (
    touch,
)
from tests.media_factory import make_audio, picture


def frame_folder(
    folder: Path, n: int = 4, *, size: tuple[int, int] = (48, 32), seed: int = 0, template: str = "img_{:05}.jpg",
    first: int = 1,
) -> Path:  # fmt: skip
    """A clip as pictures, written by OpenCV."""
    folder.mkdir(parents=True, exist_ok=True)
    for t in range(n):
        assert cv2.imwrite(str(folder / template.format(t + first)), picture(t, size, seed)[..., ::-1])
    return folder


def as_csv(file: Path, head: list[str], lines: Iterable[Iterable[Any]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8-sig") as out:
        csv.writer(out).writerows([head, *lines])


def as_json(file: Path, lines: Iterable[dict[str, Any]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def audio_lists(root: Path, suffix: str = ".wav") -> Path:
    """Empty files under two classes, listed as sounds or as the features beside them."""
    names = {split: [f"{split}/s{i}" for i in range(n)] for split, n in (("train", 6), ("val", 4))}
    touch(root, [f"{name}.wav" for each in names.values() for name in each])
    for split, each in names.items():
        if suffix == ".npy":
            touch(root, [f"{name}.npy" for name in each])
        (root / f"{split}.txt").write_text("".join(f"{name}{suffix} 64 {i % 2}\n" for i, name in enumerate(each)))
    (root / "label_map.txt").write_text("no\nyes\n")
    return root


def real_audio_lists(root: Path, listed: str = ".npy") -> Path:
    """12 training and 6 validation sounds of three classes, of 0.4 to 1.3 s; the training list names `listed`."""
    for split, n in (("train", 12), ("val", 6)):
        lines = []
        for i in range(n):
            name = f"{split}/s{i:02d}"
            (root / split).mkdir(parents=True, exist_ok=True)
            make_audio(root / f"{name}.wav", seconds=0.4 + 0.3 * (i % 4), rate=16000, channels=1 + i % 2, seed=i)
            np.save(root / f"{name}.npy", np.zeros((9, 80), np.float32))  # somebody's, of another recipe
            lines.append(f"{name}{listed} 9 {i % 3}\n")
        (root / f"{split}.txt").write_text("".join(lines))
    (root / "label_map.txt").write_text("a\nb\nc\n")
    return root


def sound_folders(root: Path) -> Path:
    return touch(root, [f"{s}/{c}/{c}{i}.wav" for s in ("train", "test") for c in "abc" for i in range(3)])


def class_folders(root: Path) -> Path:
    """Three classes of three empty files, in train and test."""
    return touch(root, [f"{s}/{c}/{c}{i}.mp4" for s in ("train", "test") for c in "abc" for i in range(3)])
