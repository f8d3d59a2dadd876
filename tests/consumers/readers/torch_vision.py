"""torchvision's DatasetFolder, UCF101, HMDB51 and Kinetics; torchaudio's SPEECHCOMMANDS."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.consumers.readers import decoders
from tests.consumers.seen import Seen
from tests.datasets.making import Shown
from tests.datasets.views import folder_of


def dataset_folder(shown: Shown, scratch: Path) -> Iterator[Seen]:
    """As docs/layouts.md says: with allow_empty. torchvision has no decoder since 0.28: torchcodec is the loader."""
    import torchvision.datasets as tv

    def load(path: str) -> Any:
        if not path.endswith(".wav"):
            return decoders.by_torchcodec(path)
        from torchcodec.decoders import AudioDecoder

        return AudioDecoder(path).get_all_samples().data.numpy()

    data = tv.DatasetFolder(str(folder_of(shown)), loader=load, extensions=(".mp4", ".avi", ".wav"), allow_empty=True)
    for (path, _), (media, label) in zip(data.samples, data, strict=True):
        name, path = data.classes[label], os.path.relpath(path, shown.root)
        if path.endswith(".wav"):
            yield Seen(path, label, name, sound=media)
        else:
            yield Seen(path, label, name, len(media), media[0], media[-1])


def kinetics(shown: Shown, scratch: Path) -> Iterator[Seen]:
    import torchvision.datasets as tv

    data = tv.Kinetics(str(shown.root), frames_per_clip=2, split=shown.split, num_workers=0)
    return _clips(data, shown.root, data.classes)


def ucf101(shown: Shown, scratch: Path) -> Iterator[Seen]:
    import torchvision.datasets as tv

    return _fold(tv.UCF101, shown)


def hmdb51(shown: Shown, scratch: Path) -> Iterator[Seen]:
    import torchvision.datasets as tv

    return _fold(tv.HMDB51, shown)


def _fold(kind: Any, shown: Shown) -> Iterator[Seen]:
    videos, lists = (str(shown.root / shown.options[name]) for name in ("videos", "lists"))
    fold, train = shown.options["split"], shown.split == "train"
    data = kind(videos, lists, frames_per_clip=2, fold=fold, train=train, num_workers=0)
    return _clips(data, shown.root, data.classes, data.indices)


def _clips(data: Any, root: Path, classes: list[str], indices: Any = None) -> Iterator[Seen]:
    """Every clip of two pictures, put together to the videos that they are of."""
    videos: dict[str, list[Any]] = {}
    labels: dict[str, int] = {}
    for at in range(len(data)):
        which = data.video_clips.get_clip_location(at)[0]
        path = os.path.relpath(data.samples[which if indices is None else indices[which]][0], root)
        video, _, label = data[at]
        array = np.asarray(video)
        videos.setdefault(path, []).append(array.transpose(0, 2, 3, 1) if array.shape[1] == 3 else array)
        assert labels.setdefault(path, label) == label
    for path, clips in videos.items():
        label = labels[path]
        yield Seen(path, label, classes[label], len(clips) + 1, clips[0][0], clips[-1][-1])


def speech_commands(shown: Shown, scratch: Path) -> Iterator[Seen]:
    """With the metadata that it takes from the names: speaker and a number."""
    from torchaudio.datasets import SPEECHCOMMANDS

    link = scratch / "SpeechCommands" / "speech_commands_v0.02"
    link.parent.mkdir()
    link.symlink_to(shown.root)
    subset = {"train": "training", "val": "validation", "test": "testing"}[shown.split]
    data = SPEECHCOMMANDS(str(scratch), subset=subset)
    for at in range(len(data)):
        path, rate, word, speaker, number = data.get_metadata(at)
        assert rate == 16000
        assert isinstance(number, int)
        sound, *more = data[at]
        assert more == [rate, word, speaker, number]
        yield Seen(os.path.relpath(path, link.name), word, sound=sound.numpy())
