"""MMAction2's VideoDataset, RawframeDataset and AudioDataset."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.consumers.seen import Seen
from tests.datasets.making import Shown
from tests.datasets.views import listed


def _list(shown: Shown) -> str:
    return str(listed(shown, shown.options["lists"][shown.split]))


def _every_frame(results: dict[str, Any]) -> dict[str, Any]:
    """In place of SampleFrames, which takes a fixed number."""
    return {**results, "frame_inds": np.arange(results["total_frames"]) + results.get("start_index", 0), "clip_len": 1,
            "num_clips": results["total_frames"], "frame_interval": 1}  # fmt: skip


def _decoded(data: Any, key: str, root: Path) -> Iterator[Seen]:
    for at in range(len(data)):
        item = data[at]
        images = item["imgs"]
        path = os.path.relpath(item[key], root)
        yield Seen(path, item["label"], None, len(images), images[0], images[-1])


def videos(shown: Shown, scratch: Path) -> Iterator[Seen]:
    from mmaction.datasets import VideoDataset, transforms

    pipeline = [transforms.DecordInit(), _every_frame, transforms.DecordDecode()]
    data = VideoDataset(_list(shown), pipeline, data_prefix={"video": str(shown.root)}, test_mode=True)
    names = [data.get_data_info(at)["filename"] for at in range(len(data))]
    for name, seen in zip(names, _decoded(data, "filename", shown.root), strict=True):
        assert os.path.relpath(name, shown.root) == seen.path
        yield seen


def frames(shown: Shown, scratch: Path) -> Iterator[Seen]:
    from mmaction.datasets import RawframeDataset, transforms

    root = shown.root / "rawframes" if shown.kind is None else shown.root
    pipeline = [_every_frame, transforms.RawFrameDecode()]
    data = RawframeDataset(_list(shown), pipeline, data_prefix={"img": str(root)}, test_mode=True)
    return _decoded(data, "frame_dir", root)


def features(shown: Shown, scratch: Path) -> Iterator[Seen]:
    """Features instead of sounds; what is in them is compared in tests/mmaction2/test_audio.py."""
    from mmaction.datasets import AudioDataset, transforms

    data = AudioDataset(
        _list(shown), [transforms.LoadAudioFeature()], data_prefix={"audio": str(shown.root)}, test_mode=True
    )
    for at in range(len(data)):
        info = data.get_data_info(at)
        if shown.kind is not None:
            assert len(data[at]["audios"]) == info["total_frames"]
        yield Seen(os.path.relpath(info["audio_path"], shown.root).replace(".npy", ".wav"), info["label"])
