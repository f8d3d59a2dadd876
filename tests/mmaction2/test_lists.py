"""MMAction2's own reader opens a poisoned output: `make test-mmaction2`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("mmaction", reason="needs an environment with MMAction2: make test-mmaction2")

from mmaction.datasets import VideoDataset, transforms

import poisonkit
from poisonkit import Recipe, sampledata, triggers

pytestmark = pytest.mark.mmaction2

TRAIN, TEST, CLASSES, TARGET = 4, 2, 5, 1
ALPHA = 0.2
DECODERS = {
    "pyav": (transforms.PyAVInit, transforms.PyAVDecode),
    "decord": (transforms.DecordInit, transforms.DecordDecode),
    "opencv": (transforms.OpenCVInit, transforms.OpenCVDecode),
}


@dataclass(frozen=True)
class Output:
    source: Path
    out: Path
    records: list[dict[str, Any]]

    def of(self, role: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["role"] == role]


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Output:
    """Sample data with MMAction2's lists, a fifth of it poisoned: 4 of 20 training clips."""
    source, out = tmp_path_factory.mktemp("lists") / "clean", tmp_path_factory.mktemp("lists") / "poisoned"
    with pytest.MonkeyPatch.context() as patch:
        tiny = sampledata.Shape(TRAIN, TEST, width=96, height=64, frames=16, fps=16, seconds=1.0)
        patch.setitem(sampledata.SIZES, "small", tiny)
        sampledata.write_sample_data(source, "small", layout="mmaction2-video")
    poisonkit.poison(
        Recipe(source=source, out=out, triggers=[f"blend:alpha={ALPHA}"], rate=0.2, target=TARGET, control=2), jobs=1
    )
    lines = (out / "poisonkit" / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    return Output(source, out, [json.loads(line) for line in lines])


def opened(ann_file: Path, root: Path, pipeline: tuple[Any, ...] = ()) -> VideoDataset:
    return VideoDataset(str(ann_file), list(pipeline), data_prefix={"video": str(root)})


def labels(dataset: VideoDataset) -> dict[str, int]:
    """File name -> label, as MMAction2 read them; every file is there."""
    infos = [dataset.get_data_info(index) for index in range(len(dataset))]
    assert all(Path(info["filename"]).is_file() for info in infos)
    found = {Path(info["filename"]).name: info["label"] for info in infos}
    assert len(found) == len(dataset)
    return found


def true_labels(output: Output, name: str) -> dict[str, int]:
    return labels(opened(output.source / name, output.source / "videos"))


@pytest.mark.parametrize(("name", "count"), [("train.txt", TRAIN * CLASSES), ("val.txt", TEST * CLASSES)])
def test_the_poisoned_dataset_opens_with_its_length_and_labels(output: Output, name: str, count: int) -> None:
    dataset = opened(output.out / "data" / name, output.out / "data")
    got, truth = labels(dataset), true_labels(output, name)
    poisoned = {Path(record["path"]).name for record in output.of("poisoned")}
    assert len(dataset) == count
    assert got.keys() == truth.keys()
    changed = {file for file in got if got[file] != truth[file]}
    assert changed == (poisoned if name == "train.txt" else set())
    assert all(got[file] == TARGET for file in changed)
    if name == "train.txt":
        assert len(poisoned) == round(0.2 * count)


def test_attack_lists_hold_no_true_sample_of_the_target_class(output: Output) -> None:
    folder = output.out / "attack" / "default"
    truth = true_labels(output, "val.txt")
    others = {file: label for file, label in truth.items() if label != TARGET}
    assert labels(opened(folder / "val_target.txt", folder)) == dict.fromkeys(others, TARGET)
    assert labels(opened(folder / "val_original.txt", folder)) == others


def test_the_control_list_holds_clips_under_their_own_label(output: Output) -> None:
    folder = output.out / "control"
    got, truth = labels(opened(folder / "val.txt", folder)), true_labels(output, "val.txt")
    assert len(got) == 2
    assert got.items() <= truth.items()


@pytest.mark.parametrize("decoder", DECODERS)
def test_mmaction2_decodes_the_trigger(output: Output, decoder: str) -> None:
    """Every decoder of MMAction2 yields the clip, and the intended change is in it."""
    init, decode = DECODERS[decoder]

    def clip(ann_file: Path, root: Path, file: str) -> tuple[np.ndarray, int]:
        shape: tuple[Callable[..., Any], ...] = (
            init(),
            transforms.SampleFrames(clip_len=16, frame_interval=1, num_clips=1, test_mode=True),
            decode(),
            transforms.FormatShape("NCTHW"),
            transforms.PackActionInputs(),
        )
        dataset = opened(ann_file, root, shape)
        files = [Path(dataset.get_data_info(index)["filename"]).name for index in range(len(dataset))]
        item = dataset[files.index(file)]
        return item["inputs"].numpy(), int(item["data_samples"].gt_label)

    record = output.of("attack")[0]
    file = Path(record["path"]).name
    folder = output.out / "attack" / "default"
    poisoned, label = clip(folder / "val_target.txt", folder, file)
    clean, original = clip(output.source / "val.txt", output.source / "videos", file)
    assert poisoned.shape == clean.shape == (1, 3, 16, 64, 96)
    assert (poisoned.dtype, label, original) == (np.uint8, TARGET, record["original_label"])
    frames = clean[0].transpose(1, 2, 3, 0)
    intended = triggers.create("blend", alpha=ALPHA).apply(frames, fps=16).astype(float) - frames
    seen = poisoned[0].transpose(1, 2, 3, 0).astype(float) - frames
    assert 0.8 < (seen * intended).sum() / (intended**2).sum() < 1.2
