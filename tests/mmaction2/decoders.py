"""MMAction2's decoders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from mmaction.datasets import transforms

DECODERS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "pyav": (transforms.PyAVInit, transforms.PyAVDecode),
    "decord": (transforms.DecordInit, transforms.DecordDecode),
    "opencv": (transforms.OpenCVInit, transforms.OpenCVDecode),
}


def decoded(decoder: str, path: Path) -> np.ndarray:
    """Every frame as MMAction2 gives it to a model: (frames, height, width, 3), uint8 RGB."""
    init, decode = DECODERS[decoder]
    sample: dict[str, Any] = {"filename": str(path), "start_index": 0, "modality": "RGB"}
    for step in (init(), transforms.SampleFrames(clip_len=12, num_clips=1, test_mode=True), decode()):
        sample = step(sample)
    return np.stack(sample["imgs"])
