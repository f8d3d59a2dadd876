"""Small files to import, made once per test process."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

import numpy as np

from poisonkit.common.seeding import generator
from poisonkit.triggers.pictures.canvas import resize

FOLDER = Path(tempfile.mkdtemp(prefix="poisonkit-imports-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)


def _save(name: str, array: np.ndarray) -> str:
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array)
    return str(path)


_rng = generator("tests", "imports")
FIELD = _save("field.npy", resize(_rng.normal(0, 12, (6, 8, 3)).astype(np.float32), 48, 36))
FIELDS = _save("fields.npy", resize(_rng.normal(0, 12, (5, 12, 5)), 9, 12).reshape(5, 12, 9).astype(np.float16))
STAMP = _save("stamp.npy", _rng.integers(0, 256, (12, 9, 4), dtype=np.uint8))
STAMPS = _save("stamps.npy", _rng.random((5, 8, 8, 3)))
SOUND = _save("sound.npy", _rng.uniform(-0.3, 0.3, (2, 6000)))
for _id in ("clip", *"abcdefgh"):
    _save(f"pictures/{_id}.npy", _rng.integers(0, 256, (16, 36, 48, 3), dtype=np.uint8))
    _save(f"sounds/{_id}.npy", _rng.uniform(-0.3, 0.3, (2, 20800)).astype(np.float32))
PICTURES, SOUNDS = str(FOLDER / "pictures"), str(FOLDER / "sounds")
