"""PyTorchVideo's LabeledVideoDataset, PySlowFast's Kinetics, VideoMAE's VideoClsDataset."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.consumers import repositories
from tests.consumers.seen import Seen
from tests.datasets.making import Shown
from tests.datasets.test_views import listed

FRAMES, SIDE = 8, 48  # of tests/consumers/sources.py


def pytorchvideo_folders(shown: Shown, scratch: Path) -> Iterator[Seen]:
    from pytorchvideo.data.labeled_video_paths import LabeledVideoPaths

    return _pytorchvideo(LabeledVideoPaths.from_path(str(shown.root / shown.split)), shown)


def pytorchvideo_list(shown: Shown, scratch: Path) -> Iterator[Seen]:
    from pytorchvideo.data.labeled_video_paths import LabeledVideoPaths

    paths = LabeledVideoPaths.from_path(str(listed(shown, shown.options["lists"][shown.split])))
    paths.path_prefix = str(shown.root)
    return _pytorchvideo(paths, shown)


def _pytorchvideo(paths: Any, shown: Shown) -> Iterator[Seen]:
    """Each video as one clip, longer than all of them."""
    import pytorchvideo.data
    import torch

    data = pytorchvideo.data.LabeledVideoDataset(
        paths,
        clip_sampler=pytorchvideo.data.make_clip_sampler("constant_clips_per_video", 10.0, 1),
        video_sampler=torch.utils.data.SequentialSampler,
        decode_audio=False,
    )
    for clip in data:
        path, info = paths[clip["video_index"]]
        assert info["label"] == clip["label"]
        video = np.asarray(clip["video"]).astype(np.uint8).transpose(1, 2, 3, 0)
        yield Seen(os.path.relpath(path, shown.root), clip["label"], None, len(video), video[0], video[-1])


def pyslowfast(shown: Shown, scratch: Path) -> Iterator[Seen]:
    """In its test mode: one view of every video, the square in the middle, every picture."""
    with repositories.importable("SlowFast"):
        from slowfast.config.defaults import get_cfg
        from slowfast.datasets.kinetics import Kinetics

    cfg = get_cfg()
    cfg.DATA.PATH_TO_DATA_DIR, cfg.DATA.PATH_PREFIX = str(scratch), str(shown.root)
    cfg.DATA.NUM_FRAMES, cfg.DATA.SAMPLING_RATE, cfg.DATA.TARGET_FPS = FRAMES, 1, 25
    cfg.DATA.TRAIN_JITTER_SCALES, cfg.DATA.TEST_CROP_SIZE = [SIDE, SIDE], SIDE
    cfg.DATA.MEAN, cfg.DATA.STD = [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]
    cfg.TEST.NUM_ENSEMBLE_VIEWS, cfg.TEST.NUM_SPATIAL_CROPS = 1, 1
    cfg.MODEL.ARCH = "c2d"  # of one pathway
    # A mode decides the list's name, and that of the test list only is read without chance.
    (scratch / "test.csv").symlink_to(shown.root / f"{shown.split}.csv")
    data = Kinetics(cfg, "test", num_retries=1)
    for at, path in enumerate(data._path_to_videos):
        frames, label, index, *_ = data[at]
        assert index == at
        video = np.rint(np.asarray(frames[0]) * 255).astype(np.uint8).transpose(1, 2, 3, 0)
        yield Seen(os.path.relpath(path, shown.root), label, None, len(video), video[0], video[-1])


def videomae(shown: Shown, scratch: Path) -> Iterator[Seen]:
    """In its test mode, run in the data root, because it takes paths as the list has them."""
    _without_disp()
    with repositories.importable("VideoMAE"):
        kinetics = importlib.import_module("kinetics")
    with contextlib.chdir(shown.root):
        data = kinetics.VideoClsDataset(
            anno_path=f"{shown.split}.csv", data_path="", mode="test", clip_len=1, frame_sample_rate=1, crop_size=SIDE,
            short_side_size=SIDE, test_num_segment=2, test_num_crop=2,
        )  # fmt: skip
        for at, path in enumerate(data.dataset_samples):
            _, label, name, _, _ = data[at]
            assert name == path.split("/")[-1].split(".")[0]
            video = data.loadvideo_decord(path)
            yield Seen(path, int(label), None, len(video), video[0], video[-1])


def _without_disp() -> None:
    """VideoMAE imports a function that it never calls, and that NumPy 2 has no more."""
    try:
        from numpy.lib.function_base import disp  # noqa: F401
    except ImportError:
        module = types.ModuleType("numpy.lib.function_base")
        module.disp = print  # type: ignore[attr-defined]
        sys.modules[module.__name__] = module
