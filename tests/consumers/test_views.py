"""What docs/layouts.md says of readers, beyond the matrix: `make test-consumers`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs an environment with torchvision: make test-consumers")
pytest.importorskip("torchvision", reason="needs an environment with torchvision: make test-consumers")

import torch
import torchvision.datasets as tv

from tests.datasets.making import Shown
from tests.datasets.readers import touch
from tests.datasets.views import folder_of, written

pytestmark = pytest.mark.consumers


def test_kinetics_at_60_frames_a_second(tmp_path: Path) -> None:
    """Frames are repeated then; a placeholder still makes no clip."""
    pytest.importorskip("torchcodec")

    def read(shown: Shown) -> dict[str, int]:
        data = tv.Kinetics(str(shown.root), frames_per_clip=2, split=shown.split, num_workers=0, frame_rate=60)
        which = {data.video_clips.get_clip_location(at)[0] for at in range(len(data))}
        return {
            os.path.relpath(path, shown.root): label for at, (path, label) in enumerate(data.samples) if at in which
        }

    written("kinetics", tmp_path).compare(read)


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
