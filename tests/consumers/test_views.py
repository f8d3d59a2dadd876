"""Every view of a poisoned output, by the real readers of its layout: `make test-consumers`.

What `tests/datasets/test_views.py` does by the readers' rules, their own code does here.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest

pytest.importorskip("torch", reason="needs an environment with torchvision: make test-consumers")
pytest.importorskip("torchvision", reason="needs an environment with torchvision: make test-consumers")

import torch
import torchvision.datasets as tv
from torchvision.datasets import video_utils

from tests.datasets.makers import MAKERS
from tests.datasets.readers import touch
from tests.datasets.views import Shown, Written, written
from tests.datasets.writers import sound_folders

pytestmark = pytest.mark.consumers


class Decoder:
    """torchcodec's VideoDecoder, as far as torchvision asks it, by PyAV: torchcodec wants an FFmpeg of the system."""

    def __init__(self, path: str, dimension_order: str = "NCHW") -> None:
        self._path, self._first = path, dimension_order == "NCHW"
        with av.open(path) as found:
            stream = found.streams.video[0]
            self.metadata = SimpleNamespace(num_frames=stream.frames, average_fps=float(stream.average_rate))

    def get_frames_at(self, indices: list[int]) -> Any:
        with av.open(self._path) as found:
            frames = [frame.to_ndarray(format="rgb24") for frame in found.decode(video=0)]
        data = torch.from_numpy(np.stack([frames[i] for i in indices]))
        return SimpleNamespace(data=data.permute(0, 3, 1, 2) if self._first else data)


@pytest.fixture(autouse=True)
def decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        import torchcodec  # noqa: F401
    except (ImportError, OSError, RuntimeError):
        decoders = SimpleNamespace(VideoDecoder=Decoder)
        monkeypatch.setattr(video_utils, "_get_torchcodec", lambda: SimpleNamespace(decoders=decoders))


def by_torchvision(dataset: Any, root: Path, indices: Any = None) -> dict[str, int]:
    """Label of every clip's file, as `dataset[i]` gives it: each is decoded."""
    clips = dataset.video_clips
    found = {}
    for at in range(len(dataset)):
        which = clips.get_clip_location(at)[0]
        path = dataset.samples[which if indices is None else indices[which]][0]
        video, _, label = dataset[at]
        assert len(video) == 2
        found[os.path.relpath(path, root)] = label
    return found


def folder_of(shown: Shown) -> Path:
    folders = shown.options.get("folders")
    return shown.root / (folders[shown.split] if folders else shown.split)


def dataset_folder(shown: Shown) -> dict[str, int]:
    """As docs/layouts.md says: with allow_empty."""
    dataset = tv.DatasetFolder(str(folder_of(shown)), loader=str, extensions=(".mp4", ".avi", ".wav"), allow_empty=True)
    return {os.path.relpath(path, shown.root): label for path, label in dataset.samples}


def kinetics(shown: Shown, frame_rate: int | None = None) -> dict[str, int]:
    dataset = tv.Kinetics(str(shown.root), frames_per_clip=2, split=shown.split, num_workers=0, frame_rate=frame_rate)
    return by_torchvision(dataset, shown.root)


def ucf101(shown: Shown) -> dict[str, int]:
    videos, lists = (str(shown.root / shown.options[name]) for name in ("videos", "lists"))
    fold, train = shown.options["split"], shown.split == "train"
    dataset = tv.UCF101(videos, lists, frames_per_clip=2, fold=fold, train=train, num_workers=0)
    return by_torchvision(dataset, shown.root, dataset.indices)


def hmdb51(shown: Shown) -> dict[str, int]:
    videos, lists = (str(shown.root / shown.options[name]) for name in ("videos", "lists"))
    fold, train = shown.options["split"], shown.split == "train"
    dataset = tv.HMDB51(videos, lists, frames_per_clip=2, fold=fold, train=train, num_workers=0)
    return by_torchvision(dataset, shown.root, dataset.indices)


def pytorchvideo(shown: Shown) -> dict[str, int]:
    """Every clip decoded, the folders being the labels."""
    data = pytest.importorskip("pytorchvideo.data")
    dataset = data.labeled_video_dataset(
        str(folder_of(shown)),
        clip_sampler=data.make_clip_sampler("uniform", 0.08),
        video_sampler=torch.utils.data.SequentialSampler,
        decode_audio=False,
    )
    found = {}
    for clip in dataset:
        path, _ = dataset._labeled_videos[clip["video_index"]]
        assert os.path.basename(path) == clip["video_name"]
        assert clip["video"].shape[0] == 3
        found[os.path.relpath(path, shown.root)] = clip["label"]
    return found


def pytorchvideo_list(shown: Shown) -> dict[str, int]:
    paths = pytest.importorskip("pytorchvideo.data.labeled_video_paths")
    stem, suffix = os.path.splitext(shown.options["lists"][shown.split])
    ending = f"_{shown.kind}" if shown.kind in ("target", "original") else ""
    found = paths.LabeledVideoPaths.from_path(str(shown.root / f"{stem}{ending}{suffix}"))
    return {path: info["label"] for path, info in (found[i] for i in range(len(found)))}


def speech_commands(shown: Shown) -> dict[str, str]:
    datasets = pytest.importorskip("torchaudio.datasets")
    link = shown.root.with_name(f"{shown.root.name}-torchaudio") / "SpeechCommands" / "speech_commands_v0.02"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(shown.root)
    subset = {"train": "training", "val": "validation", "test": "testing"}[shown.split]
    dataset = datasets.SPEECHCOMMANDS(str(link.parent.parent), subset=subset)
    told = [dataset.get_metadata(at) for at in range(len(dataset))]
    assert all(rate == 16000 and isinstance(number, int) for _, rate, _, _, number in told)
    return {os.path.relpath(path, link.name): word for path, _, word, _, _ in told}


def hugging_face(builder: str) -> Callable[[Shown], dict[str, int]]:
    def labels(shown: Shown) -> dict[str, int]:
        pytest.importorskip("datasets")
        from tests.consumers import hugging_face as hf

        with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as cache:
            hf.without_network(patch, Path(cache))
            rows = hf.seen(hf.opened(builder, shown.root)[shown.split], shown.root)
        return {str(row["media"]): int(str(row["label"])) for row in rows}

    return labels


CASES: dict[str, tuple[str, Any, Callable[[Shown], dict[str, Any]]]] = {
    "class-folders: DatasetFolder": ("class-folders", None, dataset_folder),
    "class-folders: DatasetFolder, sounds": ("class-folders", sound_folders, dataset_folder),
    "class-folders: Kinetics": ("class-folders", None, kinetics),
    "class-folders: PyTorchVideo": ("class-folders", None, pytorchvideo),
    "class-folders: videofolder": ("class-folders", None, hugging_face("videofolder")),
    "class-folders: audiofolder": ("class-folders", sound_folders, hugging_face("audiofolder")),
    "hugging-face: videofolder": ("hugging-face", None, hugging_face("videofolder")),
    "kinetics": ("kinetics", None, kinetics),
    "kinetics: at 60 frames a second": ("kinetics", None, partial(kinetics, frame_rate=60)),
    "kinetics: folders with spaces": (
        "kinetics",
        partial(MAKERS["kinetics"], place="{split}/{label}/{file}"),
        kinetics,
    ),
    "kinetics: PyTorchVideo": ("kinetics", None, pytorchvideo),
    "ucf101": ("ucf101", None, ucf101),
    "hmdb51": ("hmdb51", None, hmdb51),
    "pytorchvideo": ("pytorchvideo", None, pytorchvideo_list),
    "speech-commands": ("speech-commands", None, speech_commands),
}


@pytest.mark.parametrize("name", CASES)
def test_every_view_has_the_sources_labels(tmp_path: Path, name: str) -> None:
    layout, make, reader = CASES[name]
    made: Written = written(layout, tmp_path, make)
    assert {shown.kind for shown in made.views} == {"data", "target", "original", "control"}
    made.compare(reader)


def test_pytorchvideo_with_many_empty_classes(tmp_path: Path) -> None:
    """It gives up after ten files in a row that cannot be decoded: docs/layouts.md says what to give it then."""
    data = pytest.importorskip("pytorchvideo.data")
    from pytorchvideo.data.labeled_video_paths import LabeledVideoPaths

    def crowd(root: Path) -> Path:
        train = [f"train/{c}/{i}.mp4" for c in "abcdefghijklmn" for i in range(6)]
        return touch(root, [*train, *(f"test/{c}/{i}.mp4" for c in "abcdefghijklmn" for i in range(2))])

    made = written("class-folders", tmp_path, crowd)
    shown = next(view for view in made.views if view.kind == "target")
    found = LabeledVideoPaths.from_directory(str(folder_of(shown)))
    clips = [found[i] for i in range(len(found)) if not found[i][0].endswith("/.no-clip-avi")]
    dataset = data.LabeledVideoDataset(
        clips,
        clip_sampler=data.make_clip_sampler("uniform", 0.08),
        video_sampler=torch.utils.data.SequentialSampler,
        decode_audio=False,
    )
    seen = {os.path.relpath(clips[clip["video_index"]][0], shown.root): clip["label"] for clip in dataset}
    assert seen == dict.fromkeys(shown.clips, 1)
