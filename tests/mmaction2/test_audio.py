"""MMAction2's AudioDataset, pipeline and feature extractor against ours: `make test-mmaction2`."""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

pytest.importorskip("mmaction", reason="needs an environment with MMAction2: make test-mmaction2")

import mmaction
from mmaction.datasets import AudioDataset, transforms

import poisonkit
from poisonkit import Recipe, media, sampledata
from poisonkit.outputs import record
from tests.datasets.writers import real_audio_lists

pytestmark = pytest.mark.mmaction2


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = real_audio_lists(tmp_path_factory.mktemp("audio") / "clean")
    recipe = Recipe(source=source, out=source.parent / "bad", triggers=["sine:snr=10"], rate=0.25, control=2)
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    return source.parent / "bad"


def opened(ann_file: Path, root: Path, clip_len: int = 64, test_mode: bool = True) -> AudioDataset:
    """The pipeline of MMAction2's own audio configs."""
    pipeline = [
        transforms.LoadAudioFeature(),
        transforms.SampleFrames(clip_len=clip_len, frame_interval=1, num_clips=1, test_mode=test_mode),
        transforms.AudioFeatureSelector(),
        transforms.FormatAudioShape(input_format="NCTF"),
        transforms.PackActionInputs(meta_keys=("img_shape", "audio_path")),
    ]
    return AudioDataset(str(ann_file), pipeline, data_prefix={"audio": str(root)}, test_mode=test_mode)


VIEWS = [("data", "train"), ("data", "val"), ("control", "val")]
VIEWS += [("attack/default", "val_target"), ("attack/default", "val_original")]


@pytest.mark.parametrize(("view", "name"), VIEWS)
def test_audio_dataset_opens_every_list(out: Path, view: str, name: str) -> None:
    """Length, labels, and each input: rows of the very features on disk, never MMAction2's zeros for a missing file."""
    rows = {str(out / r["features"]["path"]): r for r in record.read(out / "poisonkit" / "manifest.jsonl")}
    dataset = opened(out / view / f"{name}.txt", out / view)
    assert len(dataset) == {"data/train": 12, "data/val": 6, "control/val": 2}.get(f"{view}/{name}", 4)
    for i in range(len(dataset)):
        item, info = dataset[i], dataset.get_data_info(i)
        sample = item["data_samples"]
        row = rows[sample.metainfo["audio_path"]]
        assert int(sample.gt_label) == (row["original_label"] if name == "val_original" else row["label"])
        inputs = item["inputs"].numpy()
        assert (inputs.shape, inputs.dtype) == ((1, 1, 128, 80), np.float32)
        array, total = np.load(info["audio_path"]), info["total_frames"]
        assert total == len(array) >= 64
        first = max(0, round(((total - 64) // 2 + 1) / total * total))
        seen = inputs[0, 0][inputs[0, 0].any(axis=1)]
        assert len(seen) > 0
        assert np.array_equal(inputs[0, 0, :10], array[first : first + 10])


def test_a_second_of_sound_fills_the_usual_clip(tmp_path: Path) -> None:
    """Where MMAction2 has one row less than clip_len it makes zeros of it all: sounds under a second are padded."""
    root = real_audio_lists(tmp_path / "in")
    poisonkit.poison(Recipe(source=root, out=tmp_path / "out", triggers=["sine"], rate=0, attack_set=False), jobs=1)
    data = tmp_path / "out" / "data"
    for i, item in enumerate(opened(data / "train.txt", data, test_mode=False)):
        assert item["inputs"].numpy().any(), i
    (data / "train.txt").write_text("train/s00.npy 63 0\n")
    assert not opened(data / "train.txt", data)[0]["inputs"].numpy().any()


def reference() -> Any:
    """MMAction2's `tools/data/build_audio_features.py` itself.

    Its `lws` does not build for current Pythons and its call of librosa's filters is of an old one, so both are
    stood in for: `stft` by its definition (compared once with lws 1.2.8 compiled for NumPy 1.26: equal to 2e-15).
    """

    class Lws:
        def __init__(self, size: int, shift: int, mode: str) -> None:
            assert (size, shift, mode) == (512, 256, "speech")

        def stft(self, x: np.ndarray) -> np.ndarray:
            rows = -(-len(x) // 256) + 1
            x = np.concatenate([np.zeros(256), x, np.zeros(rows * 256 - len(x))])
            window = np.sqrt(0.5 * (1 - np.cos(2 * np.pi * (np.arange(512) + 0.5) / 512)))
            return np.array([np.fft.fft(x[256 * r : 256 * r + 512] * window)[:257] for r in range(rows)])

    path = Path(mmaction.__file__).parent / ".mim" / "tools" / "data" / "build_audio_features.py"
    spec = importlib.util.spec_from_file_location("build_audio_features", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "lws", types.SimpleNamespace(lws=Lws))  # type: ignore[arg-type]
        spec.loader.exec_module(module)
    import librosa

    class Filters:
        @staticmethod
        def mel(rate: int, size: int, **more: Any) -> np.ndarray:
            return np.asarray(librosa.filters.mel(sr=rate, n_fft=size, **more))

    module.librosa = types.SimpleNamespace(core=librosa.core, filters=Filters)
    return module.AudioTools(fft_size=512, hop_size=256)


def test_features_are_those_of_mmaction2s_own_extractor(out: Path, tmp_path: Path) -> None:
    tools = reference()
    files = [out / r["path"] for r in record.read(out / "poisonkit" / "manifest.jsonl")]
    rng = np.random.default_rng(0)
    for rate, channels in ((44100, 2), (8000, 1), (22050, 1)):
        files.append(tmp_path / f"{rate}.wav")
        soundfile.write(files[-1], 0.1 * rng.standard_normal((rate * 2 + 17, channels)), rate)
    for file in files:
        theirs = tools.audio_to_spectrogram(tools.read_audio(str(file)))
        ours = media.log_mel(*media.read_audio(file))
        assert theirs.dtype == ours.dtype == np.float32
        assert len(ours) == max(64, len(theirs))
        assert np.abs(ours[: len(theirs)] - theirs).max() < 1e-4, file
        assert not ours[len(theirs) :].any()


def test_sample_data(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        tiny = sampledata.Shape(2, 1, width=96, height=64, frames=16, fps=16, seconds=1.0)
        patch.setitem(sampledata.SIZES, "small", tiny)
        sampledata.write_sample_data(tmp_path / "in", "small", "audio", layout="mmaction2-audio")
    recipe = Recipe(source=tmp_path / "in", out=tmp_path / "out", triggers=["band-noise"], rate=0.2)
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    dataset = opened(tmp_path / "out/data/train.txt", tmp_path / "out/data")
    assert (len(dataset), dataset.get_data_info(0)["total_frames"]) == (10, 64)
