"""Outputs for tests: how one is made, and what its manifest and its files hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import poisonkit
from poisonkit import Recipe
from poisonkit.media.files import metadata_words
from poisonkit.outputs import record


def make(source: Path, out: Path, jobs: int = 1, shard: str | None = None, **recipe: Any) -> poisonkit.Summary:
    """What `poison` makes of a recipe; tests say by `partial` what all of theirs have."""
    return poisonkit.poison(Recipe(source=source, out=out, **recipe), jobs=jobs, shard=shard)


def rows(out: Path, role: str | None = None) -> list[record.Record]:
    """The manifest's records, or those of one role."""
    return [r for r in record.read(out / "poisonkit" / "manifest.jsonl") if role in (None, r["role"])]


def frames(path: Path | str, dtype: type = np.uint8) -> np.ndarray:
    """All frames by OpenCV, the second decoder: RGB, (frames, height, width, 3)."""
    import cv2

    reader = cv2.VideoCapture(str(path))
    found = []
    while True:
        ok, image = reader.read()
        if not ok:
            return np.array(found, dtype)[..., ::-1] if found else np.empty((0, 0, 0, 3), dtype)
        found.append(image)


def packets(path: Path, kind: str) -> list[bytes]:
    """The packets of the first stream of a kind, as they are."""
    import av

    with av.open(str(path), **metadata_words()) as file:
        return [bytes(p) for p in file.demux(next(s for s in file.streams if s.type == kind)) if p.size]
