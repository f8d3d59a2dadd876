"""torchvision's own folder readers open a poisoned output: `make test-consumers`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs an environment with torchvision: make test-consumers")
pytest.importorskip("torchvision", reason="needs an environment with torchvision: make test-consumers")

import torchvision.datasets as tv

from poisonkit import triggers
from tests.consumers.conftest import WORDS, Output
from tests.runs import frames

pytestmark = pytest.mark.consumers


def opened(root: Path) -> tv.DatasetFolder:
    return tv.DatasetFolder(str(root), loader=frames, extensions=(".mp4", ".avi"))


def seen(dataset: tv.DatasetFolder) -> list[tuple[str, int]]:
    return [(Path(path).relative_to(dataset.root).as_posix(), label) for path, label in dataset.samples]


@pytest.mark.parametrize("split", ["train", "test"])
def test_at_rate_0_it_sees_what_it_saw_before(videos: Output, split: str) -> None:
    before, after = opened(videos.source / split), opened(videos.same / "data" / split)
    assert seen(after) == seen(before)
    assert (after.classes, after.class_to_idx) == (before.classes, before.class_to_idx) == (list(WORDS), {
        name: index for index, name in enumerate(WORDS)})  # fmt: skip
    assert len(after) == 4 * (6 if split == "train" else 3)
    assert all(np.array_equal(a[0], b[0]) and a[1] == b[1] for a, b in zip(before, after, strict=True))


def test_poisoned_clips_have_the_targets_label_and_the_trigger(videos: Output) -> None:
    dataset = opened(videos.out / "data" / "train")
    assert dataset.classes == list(WORDS)
    assert len(dataset) == 24
    labels = dict(seen(dataset))
    moved = {record["path"].removeprefix("data/train/"): record for record in videos.of("poisoned")}
    assert len(moved) == 6
    assert all(labels[path] == 0 for path in moved)
    assert sum(label == 0 for label in labels.values()) == 6 + len(moved)
    files = [path for path, _ in seen(dataset)]
    trigger = triggers.create("blend", alpha=0.2)
    for path, record in moved.items():
        got, label = dataset[files.index(path)]
        clean = frames(str(videos.source / record["source_path"]))
        assert (label, got.shape, got.dtype) == (0, (6, 32, 48, 3), np.uint8)
        intended = trigger.apply(clean, fps=25).astype(float) - clean
        assert 0.8 < ((got.astype(float) - clean) * intended).sum() / (intended**2).sum() < 1.2


def test_attack_sets_have_every_class_of_the_source(videos: Output) -> None:
    """Without the folder of a class that no clip has, ids would shift, and torchvision would say nothing."""
    for view, wanted in (("target", {0}), ("original", {1, 2, 3})):
        root = videos.out / "attack" / "default" / view / "test"
        dataset = tv.DatasetFolder(str(root), loader=frames, extensions=(".mp4",), allow_empty=True)
        assert dataset.classes == list(WORDS)
        assert {label for _, label in dataset.samples} == wanted
        assert len(dataset) == 9


def test_ucf101_and_hmdb51_pick_the_clips_of_the_copy(tmp_path: Path) -> None:
    """The part of both readers that needs no decoder: which files are of a fold. (All of it: test_views.py.)"""
    import poisonkit
    from poisonkit import Recipe
    from tests.datasets.makers import MAKERS
    from tests.datasets.making import filled
    from tests.media_factory import make_video

    media = {".avi": make_video(tmp_path / "one.avi", frames=4, size=(48, 32))}
    for name in ("ucf101", "hmdb51"):
        root = filled(MAKERS[name], tmp_path / name, media)
        common: dict[str, Any] = {"source": root, "triggers": ["badnets"], "survival": "none", "layout": name}
        for out, rate in (("same", 0.0), ("bad", 0.2)):
            done = poisonkit.poison(Recipe(out=tmp_path / f"{name}-{out}", rate=rate, target=0, **common), jobs=1)
            assert done.exit_code == 0
            data = tmp_path / f"{name}-{out}" / "data"
            for train in (True, False):
                before, after = fold(name, root, train), fold(name, data, train)
                if out == "same":
                    assert after == before
                else:
                    assert len(after) == len(before) > 0
                    target = done.plan.classes[0]
                    more = [c for _, c in after].count(target) - [c for _, c in before].count(target)
                    assert more == (done.counts["poisoned"]["ok"] if train else 0)


def fold(name: str, root: Path, train: bool) -> list[tuple[str, str]]:
    """(path, class) of one fold, as UCF101.__init__ and HMDB51.__init__ make them, without the clips' timestamps."""
    kind, videos, lists = (
        (tv.UCF101, "UCF-101", "ucfTrainTestlist") if name == "ucf101" else (tv.HMDB51, "videos", "splits")
    )
    names, ids = tv.folder.find_classes(str(root / videos))
    samples = tv.folder.make_dataset(str(root / videos), ids, (".avi",))
    reader = kind.__new__(kind)
    reader.root = str(root / videos)
    chosen = reader._select_fold([path for path, _ in samples], str(root / lists), 1, train)
    return [(Path(samples[index][0]).relative_to(root).as_posix(), names[samples[index][1]]) for index in chosen]
