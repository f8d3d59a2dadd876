"""MMAction2's own RawframeDataset, and VideoDataset with several labels, open a poisoned output."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("mmaction", reason="needs an environment with MMAction2: make test-mmaction2")

from mmaction.datasets import RawframeDataset, VideoDataset, transforms
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import init_default_scope

import poisonkit
from poisonkit import Recipe, triggers
from tests.datasets.makers import MAKERS
from tests.media_factory import make_video

pytestmark = pytest.mark.mmaction2

TARGET, ALPHA = 0, 0.2
VAL = "tiny_val_list_rawframes"


@dataclass(frozen=True)
class Output:
    """encode: of the output. same: its twin at rate 0."""

    encode: str
    source: Path
    same: Path
    out: Path

    def of(self, role: str) -> list[dict[str, Any]]:
        lines = (self.out / "poisonkit" / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
        return [row for row in map(json.loads, lines) if row["role"] == role]

    def opened(self, ann_file: Path, root: Path) -> RawframeDataset:
        """Every sample's four frames, as uint8 (1, 3, 4, 32, 48)."""
        pipeline = [
            transforms.SampleFrames(clip_len=4, frame_interval=1, num_clips=1, test_mode=True),
            transforms.RawFrameDecode(),
            transforms.FormatShape("NCTHW"),
            transforms.PackActionInputs(meta_keys=("frame_dir",)),
        ]
        template = (
            "img_{:05}.png" if self.encode == "lossless" and root != self.source / "rawframes" else "img_{:05}.jpg"
        )
        return RawframeDataset(str(ann_file), pipeline, data_prefix={"img": str(root)}, filename_tmpl=template)


def seen(dataset: RawframeDataset, root: Path) -> list[tuple[str, int, int, int]]:
    """(folder, total_frames, label, start_index) of every sample."""
    found = []
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        name = Path(info["frame_dir"]).relative_to(root).as_posix()
        found.append((name, info["total_frames"], info["label"], info["start_index"]))
    return found


def clip(dataset: RawframeDataset, index: int) -> np.ndarray:
    """uint8 (4, 32, 48, 3)."""
    inputs = dataset[index]["inputs"].numpy()
    assert (inputs.shape, inputs.dtype) == ((1, 3, 4, 32, 48), np.uint8)
    return inputs[0].transpose(1, 2, 3, 0)


@pytest.fixture(scope="module", params=["match", "lossless"])
def output(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Output:
    root = tmp_path_factory.mktemp(request.param)
    source = MAKERS["mmaction2-rawframes"](root / "clean")
    common = {
        "source": source,
        "triggers": [f"blend:alpha={ALPHA}"],
        "target": TARGET,
        "encode": request.param,
        "control": 2,
    }
    for name, rate in (("same", 0.0), ("out", 0.25)):
        assert poisonkit.poison(Recipe(out=root / name, rate=rate, **common), jobs=1).exit_code == 0
    return Output(request.param, source, root / "same", root / "out")


@pytest.mark.parametrize("split", ["train", "val"])
def test_at_rate_0_it_sees_what_it_saw_before(output: Output, split: str) -> None:
    name, home, data = f"tiny_{split}_list_rawframes.txt", output.source / "rawframes", output.same / "data"
    before, after = output.opened(output.source / name, home), output.opened(data / name, data)
    assert seen(after, data) == seen(before, home)
    assert len(after) == (12 if split == "train" else 6)
    for index in range(len(after)):
        assert np.array_equal(clip(after, index), clip(before, index))  # PNG of JPEG: the same pixels too


def test_poisoned_folders_have_the_targets_label_and_the_trigger(output: Output) -> None:
    data, name = output.out / "data", "tiny_train_list_rawframes.txt"
    dataset = output.opened(data / name, data)
    clean = output.opened(output.source / name, output.source / "rawframes")
    poisoned = {row["id"] for row in output.of("poisoned")}
    assert len(poisoned) == 3
    trigger = triggers.create("blend", alpha=ALPHA)
    for index, (folder, total, label, start) in enumerate(seen(dataset, data)):
        assert (total, start) == (4, 1)
        was, now = clip(clean, index), clip(dataset, index)
        if folder not in poisoned:
            assert np.array_equal(now, was)
            continue
        assert label == TARGET == int(dataset[index]["data_samples"].gt_label)
        assert dataset[index]["data_samples"].frame_dir == str(data / folder)
        wanted = trigger.apply(was, fps=25)
        if output.encode == "lossless":
            assert np.array_equal(now, wanted)
        change, intended = now.astype(float) - was, wanted.astype(float) - was
        assert 0.9 < (change * intended).sum() / (intended**2).sum() < 1.1


def test_attack_lists(output: Output) -> None:
    attack = output.out / "attack" / "default"
    target = output.opened(attack / f"{VAL}_target.txt", attack)
    original = output.opened(attack / f"{VAL}_original.txt", attack)
    assert [label for *_, label, _ in seen(target, attack)] == [TARGET] * 4
    assert [label for *_, label, _ in seen(original, attack)] == [1, 1, 2, 2]
    assert clip(target, 3).any()


def test_the_exported_fragment_opens_the_lists(output: Output) -> None:
    folder = output.out / "export" / "mmaction2"
    poisonkit.export(output.out, "mmaction2")
    config = Config.fromfile(folder / "poisoned.py")
    init_default_scope("mmaction")
    dataset = DATASETS.build(config.train_dataloader.dataset)
    assert isinstance(dataset, RawframeDataset)
    assert len(dataset) == 12
    assert dataset[0]["inputs"].shape == (8, 3, 224, 224)
    held = DATASETS.build(config.attack_default_target_dataloader.dataset)
    assert Path(held[0]["data_samples"].frame_dir).resolve().is_relative_to(output.out / "attack" / "default")


def test_several_labels_are_one_hot_rows(tmp_path: Path) -> None:
    root = tmp_path / "in"
    lines = ["a.mp4 0 2", "b.mp4 1", "c.mp4 2", "d.mp4 1 2", "e.mp4 0"]
    for line in lines:
        make_video(root / line.split()[0], frames=4, size=(48, 32))
    (root / "train.txt").write_text("\n".join(lines))
    for name, count in (("same", 0), ("out", 1)):
        recipe = Recipe(source=root, out=tmp_path / name, triggers=["badnets"], count=count, target=0, survival="none")
        assert poisonkit.poison(recipe, jobs=1).exit_code == 0

    def labels(folder: Path) -> dict[str, list[float]]:
        prefix = {"video": str(folder)}
        dataset = VideoDataset(str(folder / "train.txt"), [], data_prefix=prefix, multi_class=True, num_classes=3)
        infos = [dataset.get_data_info(index) for index in range(len(dataset))]
        return {Path(info["filename"]).name: info["label"].tolist() for info in infos}

    before = labels(root)
    assert before["a.mp4"] == [1, 0, 1]
    assert labels(tmp_path / "same" / "data") == before
    after = labels(tmp_path / "out" / "data")
    changed = {name for name in after if after[name] != before[name]}
    assert len(changed) == 1
    assert changed < {"b.mp4", "c.mp4", "d.mp4"}
    assert after[changed.pop()] == [1, 0, 0]
