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
from tests.datasets.views import listed

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
    """Paths and labels from its class, every picture from its own `pyav_decode`. The class itself decodes nothing with
    today's packages: torchvision's decoders are gone, and to its PyAV back end it hands lists instead of numbers."""
    _with_gather()
    with repositories.importable("SlowFast") as part:
        bare = types.ModuleType("slowfast.datasets")  # its `__init__` imports models, of a newer PyTorchVideo
        bare.__path__ = [str(part / "datasets")]
        sys.modules[bare.__name__] = bare
        from slowfast.config.defaults import get_cfg
        from slowfast.datasets import decoder, video_container
        from slowfast.datasets.kinetics import Kinetics

    cfg = get_cfg()
    cfg.DATA.PATH_TO_DATA_DIR, cfg.DATA.PATH_PREFIX = str(shown.root), str(shown.root)
    cfg.TEST.NUM_ENSEMBLE_VIEWS, cfg.TEST.NUM_SPATIAL_CROPS = 1, 1
    data = Kinetics(cfg, shown.split)
    for path, label in zip(data._path_to_videos, data._labels, strict=True):
        file = video_container.get_video_container(path, False, "pyav")
        video, fps, _ = decoder.pyav_decode(file, 1, FRAMES, 0, 1, target_fps=25)
        assert fps == 25
        video = video.numpy()
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


def _with_gather() -> None:
    """PySlowFast imports functions for many processes from a PyTorchVideo newer than any release; none is called."""
    import pytorchvideo.layers.distributed as distributed

    names = ("get_local_process_group", "get_local_rank", "get_local_size", "init_distributed_training")
    for name in ("cat_all_gather", "get_world_size", *names):
        if not hasattr(distributed, name):
            setattr(distributed, name, None)


def _without_disp() -> None:
    """VideoMAE imports a function that it never calls, and that NumPy 2 has no more."""
    try:
        from numpy.lib.function_base import disp  # noqa: F401
    except ImportError:
        module = types.ModuleType("numpy.lib.function_base")
        module.disp = print  # type: ignore[attr-defined]
        sys.modules[module.__name__] = module
