"""`Poison` in memory against `poison` on disk: the same ids, labels, pixels and sound."""

from __future__ import annotations

import multiprocessing
import pickle
from collections import UserDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import poisonkit
from poisonkit import Recipe, RequestError, media
from poisonkit.engine.clips import worker
from poisonkit.outputs import record
from poisonkit.transforms import Poison
from tests.conftest import CLASSES
from tests.media_factory import make_audio, make_video
from tests.triggers.core import fake_torch


def rows(out: Path) -> list[record.Record]:
    return [r for r in record.read(out / "poisonkit" / "manifest.jsonl") if r["status"] == "ok"]


def frames(path: Path) -> np.ndarray[Any, Any]:
    return np.stack([image for _, _, image in media.read_frames(path)])


def sample(root: Path, name: str, label: int) -> dict[str, Any]:
    return {"id": name, "video": frames(root / name), "label": label}


MODES: dict[str, dict[str, Any]] = {
    "dirty": {"rate": 0.3, "target": 1, "cover_rate": 0.1},
    "clean": {"label_mode": "clean", "rate_of": "target-class", "rate": 0.5},
    "all-to-all": {"label_mode": "all-to-all", "rate": 0.4},
    "source": {"label_mode": "source", "source_class": CLASSES[2], "count": 2},
}


@pytest.mark.parametrize("mode", MODES)
def test_the_same_samples_get_the_same_labels(mode: str, folders: Path, tmp_path: Path) -> None:
    recipe = Recipe(
        source=folders, out=tmp_path / "out", trigger="blend", seed=5, control=0, survival="none", **MODES[mode]
    )
    poisonkit.poison(recipe, jobs=1)
    data = {r["id"]: r for r in rows(tmp_path / "out") if r["role"] in ("poisoned", "cover", "clean")}
    poison = Poison(recipe, jobs=1)
    assert poison.ids == {name for name, r in data.items() if r["role"] != "clean"} != set()
    still = np.full((3, 16, 24, 3), 90, np.uint8)
    for name, r in data.items():
        assert poison.role(name) == r["role"]
        made = poison({"id": name, "video": still, "label": r["original_label"]})
        assert made["label"] == r["label"]
        assert (made["video"] is still) == (r["role"] == "clean")
        if r["class_name"] is not None:
            named = poison({"id": name, "video": still, "label": r["original_class"]})
            assert named["label"] == r["class_name"]

    attacked = {r["id"]: r for r in rows(tmp_path / "out") if r["role"] == "attack"}
    for labels, key in (("target", "target"), ("original", "original_label")):
        attack = Poison(recipe, attack="default", labels=labels, jobs=1)
        assert attack.ids == attacked.keys() != set()
        for name, r in attacked.items():
            assert attack({"id": name, "video": still, "label": r["original_label"]})["label"] == r[key]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("clips")
    for i in range(8):
        split, name = "test" if i > 5 else "train", "ab"[i % 2]
        make_video(root / split / name / f"{i}.mp4", frames=9, size=(48, 32), fps=10, audio=True, seed=i)
    return root


CHAIN = ["blend:pattern=noise,temporal=dynamic,vary=clip", "wanet", "sine:snr=10,temporal=dynamic,vary=clip"]


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """What workers hand to the encoder, by the name of the file that is written."""
    seen: dict[str, dict[str, Any]] = {}
    rewrite = media.rewrite

    def watching(source: Path, target: Path, *, video: Any, audio: Any, **more: Any) -> Any:
        mine = seen.setdefault("/".join(target.parts[-4:]), {"video": []})

        def pictures(images: Any) -> Any:
            for image in video(images):
                mine["video"].append(image.copy())
                yield image

        def sound(wave: Any, rate: int) -> Any:
            mine["rate"] = rate
            mine["source"], mine["audio"] = wave.copy(), audio(wave, rate)
            return mine["audio"]

        return rewrite(
            source, target, video=video and pictures, audio=audio and sound, **{**more, "planes": lambda fmt: None}
        )

    monkeypatch.setattr(worker.media, "rewrite", watching)
    return seen


@pytest.mark.parametrize("chain", [CHAIN, ["fiba", "ambient"]], ids=["three", "covers with another picture"])
def test_the_pixels_and_the_sound_that_the_encoder_is_given(
    chain: list[str], clips: Path, tmp_path: Path, rendered: dict[str, dict[str, Any]]
) -> None:
    recipe = Recipe(
        source=clips, out=tmp_path / "out", trigger=chain, frames="random:0.5", attack_frames="last:4", count=2, seed=3,
        cover_rate=0.2, control=0, survival="none",
    )  # fmt: skip
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    transforms = {"attack": Poison(recipe, attack="default", jobs=1)}
    transforms |= dict.fromkeys(("poisoned", "cover"), Poison(recipe, jobs=1))
    checked = set()
    for r in rows(tmp_path / "out"):
        if r["role"] not in transforms:
            continue
        want = next(seen for path, seen in rendered.items() if r["path"].endswith(path.removeprefix("data/")))
        row = {**sample(clips, r["id"], r["original_label"]), "audio": want["source"], "sample_rate": want["rate"]}
        made = transforms[r["role"]](row)
        np.testing.assert_array_equal(made["video"], np.stack(want["video"]))
        np.testing.assert_array_equal(made["audio"], want["audio"])
        checked.add(r["role"])
    assert checked == {"poisoned", "cover", "attack"}


def test_the_pixels_of_a_lossless_output(clips: Path, tmp_path: Path) -> None:
    recipe = Recipe(
        source=clips, out=tmp_path / "out", trigger=CHAIN[:2], rate=0.3, encode="lossless", control=0, survival="none"
    )
    poisonkit.poison(recipe, jobs=1)
    poison = Poison(recipe, jobs=1)
    for r in (r for r in rows(tmp_path / "out") if r["role"] == "poisoned"):
        made = poison(sample(clips, r["id"], r["original_label"]))
        np.testing.assert_array_equal(made["video"], frames(tmp_path / "out" / r["path"]))


@pytest.fixture(scope="module")
def poison(clips: Path) -> Poison:
    return Poison(Recipe(source=clips, trigger="blend:alpha=0.4,temporal=dynamic", target="a", count=2), jobs=1)


def test_rows_tuples_keys_and_batches_say_the_same(
    poison: Poison, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_torch.install(monkeypatch)
    name = min(poison.ids)
    row = sample(clips, name, 1)
    made = poison(row)
    assert made["label"] == 0
    assert (made["video"] != row["video"]).any()
    np.testing.assert_array_equal(row["video"], frames(clips / name))
    video, label = poison((row["video"], 1), key=clips / name)
    np.testing.assert_array_equal(video, made["video"])
    assert label == 0
    sound = np.zeros((1, 8), np.float32)
    video, audio, label = poison((row["video"], sound, np.int64(1)), key=name)
    np.testing.assert_array_equal(video, made["video"])
    assert (audio is sound, label, type(label)) == (True, 0, np.int64)
    first = np.moveaxis(row["video"], -1, 1)
    tensor = poison({"id": name, "video": fake_torch.Tensor(first), "label": 1})["video"]
    np.testing.assert_array_equal(np.moveaxis(tensor.numpy(), 1, -1), made["video"])

    other = next(n for n in ("train/a/0.mp4", "train/a/2.mp4"))
    plain = sample(clips, other, 0)
    batch = {k: [row[k], plain[k]] for k in row}
    both = poison({**batch, "more": [1, 2]})
    np.testing.assert_array_equal(both["video"][0], made["video"])
    assert both["video"][1] is plain["video"]
    assert (both["label"], both["more"], batch["label"]) == ([0, 0], [1, 2], [1, 0])
    stacked = poison({**batch, "video": np.stack(batch["video"]), "label": np.array([1, 0])})
    np.testing.assert_array_equal(stacked["video"], np.stack(both["video"]))
    assert stacked["label"].tolist() == [0, 0]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_it_travels_to_worker_processes(method: str, poison: Poison, clips: Path) -> None:
    rows_ = [sample(clips, name, 1) for name in sorted(poison.ids)]
    with multiprocessing.get_context(method).Pool(2) as pool:
        made = pool.map(pickle.loads(pickle.dumps(poison)), rows_)
    for there, row in zip(made, rows_, strict=True):
        np.testing.assert_array_equal(there["video"], poison(row)["video"])


def test_sound_as_hugging_face_gives_it(tmp_path: Path) -> None:
    for i in range(4):
        make_audio(tmp_path / "in" / "train" / "ab"[i % 2] / f"{i}.wav", seconds=0.3, seed=i)
    poison = Poison(Recipe(source=tmp_path / "in", trigger="sine:snr=10", count=1), jobs=1)
    (name,) = poison.ids
    wave, rate = media.read_audio(tmp_path / "in" / name)
    row = {"id": name, "audio": {"array": wave[0].astype(np.float64), "sampling_rate": rate, "path": "x"}, "label": 1}
    made = poison(row)["audio"]
    want = poison({"id": name, "audio": wave, "label": 1, "sample_rate": rate})["audio"]
    np.testing.assert_array_equal(made["array"], want[0])
    assert (made["array"].dtype, made["sampling_rate"], made["path"]) == (np.float64, rate, "x")
    quiet = poison({"id": name, "audio": np.zeros_like(wave), "label": 1, "sample_rate": rate})
    assert quiet["label"] == 1, "inert: a file would not be written, and the row stays as it is"


class LazyRow(UserDict[str, Any]):
    """As `datasets.map` hands rows out: decoded when looked at, and only then written anew."""

    def __init__(self, root: Path, name: str) -> None:
        super().__init__({"id": name, "audio": root / name, "other": root / name, "label": 1})
        self.keys_to_format = set(self.data)

    def __getitem__(self, key: str) -> Any:
        if key in self.keys_to_format and isinstance(self.data[key], Path):
            wave, rate = media.read_audio(self.data[key])
            self.data[key] = {"array": wave[0], "sampling_rate": rate, "path": None}
        self.keys_to_format.discard(key)
        return self.data[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.data[key] = value
        if hasattr(self, "keys_to_format"):
            self.keys_to_format.discard(key)


def test_every_lazy_row_comes_back_in_one_form(tmp_path: Path) -> None:
    for i in range(4):
        make_audio(tmp_path / "in" / "train" / "ab"[i % 2] / f"{i}.wav", seconds=0.3, seed=i)
    poison = Poison(Recipe(source=tmp_path / "in", trigger="sine:snr=10", count=1), jobs=1)
    (name,) = poison.ids
    for each in ("train/a/0.wav", name):
        made = poison(LazyRow(tmp_path / "in", each))
        assert isinstance(made, LazyRow)
        assert (made.keys_to_format & {"audio", "other"}) == {"other"}, each
        assert isinstance(made.data["audio"], dict)
    assert made["label"] == 0
    wave, _ = media.read_audio(tmp_path / "in" / name)
    assert np.abs(made["audio"]["array"] - wave[0]).max() > 0.001


def test_samples_without_a_folder_are_chosen_by_the_same_keys(clips: Path) -> None:
    recipe = Recipe(source=clips, trigger="blend", rate=0.4, seed=9)
    there = Poison(recipe, jobs=1)
    pairs = [(p.relative_to(clips).as_posix(), "ab".index(p.parent.name)) for p in sorted(clips.glob("train/*/*"))]
    here = Poison(Recipe(trigger="blend", rate=0.4, seed=9), samples=pairs, classes=["a", "b"])
    assert here.ids == there.ids != set()
    row = sample(clips, min(here.ids), 1)
    np.testing.assert_array_equal(here(row)["video"], there(row)["video"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "train/b/9.mp4"}, "is no sample of the dataset"),
        ({"id": None}, "The row has no 'id': give key="),
        ({"label": 0}, "has the label 0 here and 1 in the recipe's dataset, whose classes are a, b"),
        ({"label": None}, "has no 'label': name the column of labels with label="),
        ({"video": None}, "has no 'video', which blend needs"),
        ({"video": np.zeros((2, 4, 8, 9, 3), np.uint8)}, "is a batch of 2 clips"),
        ({"video": [[1]]}, "takes a NumPy array or a torch tensor, not list"),
    ],
)
def test_a_row_that_does_not_fit_is_refused(change: dict[str, Any], said: str, poison: Poison, clips: Path) -> None:
    row = {**sample(clips, min(poison.ids), 1), **change}
    with pytest.raises(RequestError, match=said):
        poison({k: v for k, v in row.items() if v is not None})


def test_what_cannot_be_made_is_refused(clips: Path) -> None:
    recipe = Recipe(source=clips, trigger="blend")
    with pytest.raises(RequestError, match=r"no backdoor 'defualt'\. Did you mean 'default'"):
        Poison(recipe, attack="defualt")
    with pytest.raises(RequestError, match="Two samples have the same id"):
        Poison(recipe, samples=[("a", 0), ("a", 1)])
    with pytest.raises(RequestError, match="another sample's picture: give the recipe a source"):
        Poison(Recipe(trigger="fiba", count=1, cover_rate=0.5), samples=[(str(i), i % 2) for i in range(8)])
    with pytest.warns(UserWarning, match="Nothing is poisoned"):
        poison = Poison(recipe, samples=[("a", 0), ("b", 1)])
    with pytest.raises(RequestError, match="give its id with key="):
        poison((np.zeros((2, 8, 8, 3), np.uint8), 1))
