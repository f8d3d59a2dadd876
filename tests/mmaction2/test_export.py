"""A config that inherits from the exported fragment, in MMEngine and MMAction2 themselves: `make test-mmaction2`."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("mmaction", reason="needs an environment with MMAction2: make test-mmaction2")

import torch
from mmaction.evaluation import AccMetric
from mmaction.registry import DATASETS, METRICS
from mmengine.config import Config
from mmengine.evaluator import DumpResults
from mmengine.registry import init_default_scope

import poisonkit
from poisonkit import Recipe, sampledata

pytestmark = pytest.mark.mmaction2

USER = """
_base_ = ['{fragment}']
test_dataloader, test_evaluator = _base_.attack_default_target_dataloader, _base_.attack_default_target_evaluator
"""


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source, out = tmp_path_factory.mktemp("export") / "clean", tmp_path_factory.mktemp("export") / "poisoned"
    with pytest.MonkeyPatch.context() as patch:
        tiny = sampledata.Shape(3, 2, width=96, height=64, frames=16, fps=16, seconds=1.0)
        patch.setitem(sampledata.SIZES, "small", tiny)
        sampledata.write_sample_data(source, "small")
    poisonkit.poison(Recipe(source=source, out=out, triggers=["badnets"], rate=0.2, target=1, control=2), jobs=1)
    poisonkit.export(out, "mmaction2")
    init_default_scope("mmaction")  # as MMAction2's default_runtime.py does
    return out


def test_a_config_inherits_from_the_fragment(out: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(USER.format(fragment=out / "export" / "mmaction2" / "poisoned.py"))
    config = Config.fromfile(tmp_path / "mine.py")
    sets: dict[str, Any] = {name: config[f"{name}_dataloader"]["dataset"] for name in ("train", "val", "test")}
    built = {name: DATASETS.build(dataset) for name, dataset in sets.items()}
    assert {name: len(each) for name, each in built.items()} == {"train": 15, "val": 10, "test": 8}
    assert {built["test"].get_data_info(i)["label"] for i in range(8)} == {1}
    sample = built["test"][0]["data_samples"]
    assert Path(sample.metainfo["filename"]).is_file()
    assert isinstance(METRICS.build(config.val_evaluator[0]), AccMetric)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same of sounds, in MMAction2's audio lists."""
    source, out = tmp_path_factory.mktemp("sounds") / "clean", tmp_path_factory.mktemp("sounds") / "poisoned"
    with pytest.MonkeyPatch.context() as patch:
        tiny = sampledata.Shape(3, 2, width=96, height=64, frames=16, fps=16, seconds=1.0)
        patch.setitem(sampledata.SIZES, "small", tiny)
        sampledata.write_sample_data(source, "small", "audio", layout="mmaction2-audio")
    poisonkit.poison(Recipe(source=source, out=out, triggers=["sine"], rate=0.2, target=1, control=2), jobs=1)
    poisonkit.export(out, "mmaction2")
    init_default_scope("mmaction")
    return out


def test_a_config_inherits_from_the_fragment_of_sounds(sounds: Path, tmp_path: Path) -> None:
    """Each input is rows of the features that the list names, nowhere the zeros of a missing file."""
    (tmp_path / "mine.py").write_text(USER.format(fragment=sounds / "export" / "mmaction2" / "poisoned.py"))
    config = Config.fromfile(tmp_path / "mine.py")
    for name, count in (("train", 15), ("val", 10), ("test", 8), ("control", 2)):
        dataset = DATASETS.build(config[f"{name}_dataloader"]["dataset"])
        assert len(dataset) == count
        for i in range(count):
            inputs = dataset[i]["inputs"].numpy()
            assert inputs.shape == (1, 1, 64, 80)
            rows = np.load(dataset.get_data_info(i)["audio_path"])
            assert np.array_equal(inputs[0, 0, :60], rows[1:61]) or np.array_equal(inputs[0, 0, :60], rows[:60])
            assert inputs[0, 0, :60].any(axis=1).all()


@pytest.mark.parametrize("which", ["out", "sounds"])
def test_predictions_carry_names_that_score_finds(which: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    out: Path = request.getfixturevalue(which)
    config = Config.fromfile(out / "export" / "mmaction2" / "poisoned.py")
    for name, label in (("clean", None), ("attack_default_target", 1)):
        dataset = DATASETS.build(config[f"{name}_dataloader"]["dataset"])
        file = tmp_path / f"predictions-{name}.pkl"
        dump = DumpResults(out_file_path=str(file))
        for i in range(len(dataset)):
            sample = dataset[i]["data_samples"]
            scores = [0.0] * config.num_classes
            scores[int(sample.gt_label) if label is None else label] = 1.0
            sample.set_pred_score(torch.tensor(scores))
            sample.set_pred_label(scores.index(1.0))
            dump.process({}, [sample.to_dict()])
        dump.compute_metrics(dump.results)
        assert pickle.loads(file.read_bytes())
    scores = poisonkit.score(out, [tmp_path / f"predictions-{n}.pkl" for n in ("clean", "attack_default_target")])
    assert set(scores.sets) == {"clean", "attack/default"}
    assert all("name" in each.joined for each in scores.sets.values())
    assert scores.flags == ()
