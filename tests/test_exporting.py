"""Lists of a finished output in other formats: as their readers read them, and nothing else touched."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import soundfile

import poisonkit
from poisonkit import Recipe, RequestError
from poisonkit.datasets import Source, read
from poisonkit.engine.reset import Old
from poisonkit.exporting import formats
from poisonkit.outputs import record
from tests.cli.conftest import Cli, cli
from tests.conftest import tree
from tests.datasets.makers import MAKERS
from tests.datasets.readers import (
    kaldi_directory,
    mmaction2,
    mmaction2_audio,
    mmaction2_rawframes,
    pyslowfast,
    pytorchvideo,
    read_nemo,
    speechbrain_csv,
)
from tests.datasets.writers import real_audio_lists
from tests.media_factory import make_audio, make_video

__all__ = ["cli"]
CLASSES = ("jump up", "run", "spin")


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders, a quarter of the training clips poisoned, a second attack set added later."""
    root = tmp_path_factory.mktemp("export")
    clip = make_video(root / "clip.mp4", frames=4, size=(48, 32))
    for split, n in (("train", 4), ("val", 2)):
        for name in CLASSES:
            for i in range(n):
                file = root / "in" / split / name.replace(" ", "_") / f"{i}.mp4"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(clip.read_bytes())
    poisonkit.poison(
        Recipe(source=root / "in", out=root / "out", triggers=["badnets"], rate=0.25, control=2, survival="none"),
        jobs=1,
    )
    poisonkit.attack(root / "out", "strong-1", trigger=["badnets:size=0.5"], limit=2, jobs=1)
    return root / "out"


def wanted(out: Path, key: str, *roles: str, attack: str | None = None, split: str | None = None) -> dict[str, Any]:
    """Path from the output -> label, by the manifest."""
    rows = [r for r in record.read(out / "poisonkit" / "manifest.jsonl") if r["status"] == "ok"]
    rows = [r for r in rows if r["role"] in roles and r["attack"] == attack and split in (None, r["split"])]
    also = "also" if key == "original_label" and attack else "path"
    return {(r["also"][0] if also == "also" else r["path"]): r[key] for r in rows}


DATA = ("clean", "poisoned", "cover")


def test_what_is_there(out: Path) -> None:
    assert set(formats()) >= {
        "mmaction2",
        "mmaction2-audio",
        "mmaction2-rawframes",
        "mmaction2-video",
        "pyslowfast",
        "pytorchvideo",
        "ast",
        "huggingface",
        "kaldi",
        "nemo",
        "speechbrain",
        "table",
    }


@pytest.mark.parametrize("to", ["mmaction2", "pytorchvideo", "pyslowfast"])
def test_lists_of_every_view(out: Path, to: str) -> None:
    before = tree(out, without=("export", "poisonkit/.state"))
    done = poisonkit.export(out, to)
    assert tree(out, without=("export", "poisonkit/.state")) == before
    assert poisonkit.verify(out).ok
    folder = out / "export" / to
    assert done.folder == folder
    assert set(done.files) == {"data", "attack/default", "attack/strong-1", "control"}
    suffix = ".txt" if to == "mmaction2" else ".csv"

    def listed(name: str) -> dict[str, int]:
        file = folder / f"{name}{suffix}"
        if to == "mmaction2":
            found = [(str(Path(p).relative_to(out)), label) for p, label in mmaction2(file, out)]
        else:
            found = (pyslowfast if to == "pyslowfast" else pytorchvideo)(file)
        assert all((out / path).is_file() for path, _ in found)
        return dict(found)

    for split in ("train", "val"):
        assert listed(f"data/{split}") == wanted(out, "label", *DATA, split=split)
    for name in ("default", "strong-1"):
        at = f"attack/{name}/{{0}}/val" if to == "pyslowfast" else f"attack/{name}/val_{{0}}"
        assert listed(at.format("target")) == wanted(out, "target", "attack", attack=name)
        assert listed(at.format("original")) == wanted(out, "original_label", "attack", attack=name)
    assert listed("control/val") == wanted(out, "label", "control")
    assert (folder / "data" / "label_map.txt").read_text().splitlines() == ["jump_up", "run", "spin"]


def test_one_table_and_absolute_paths(out: Path, tmp_path: Path) -> None:
    poisonkit.export(out, "table", folder=tmp_path / "t")
    with (tmp_path / "t" / "data" / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {r["path"]: int(r["label"]) for r in rows} == wanted(out, "label", *DATA)
    assert {(r["label"], r["class"]) for r in rows} == {("0", "jump_up"), ("1", "run"), ("2", "spin")}
    assert {r["split"] for r in rows} == {"train", "val"}
    poisonkit.export(out, "pyslowfast", folder=tmp_path / "p", absolute=True)
    assert all(Path(p).is_absolute() and Path(p).is_file() for p, _ in pyslowfast(tmp_path / "p/data/train.csv"))


def test_nemo_has_durations(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for name in ("no", "yes"):
            for i in range(3):
                make_audio(tmp_path / "in" / split / name / f"{i}.wav", seconds=0.2 + 0.1 * i, seed=i)
    poisonkit.poison(
        Recipe(source=tmp_path / "in", out=tmp_path / "out", triggers=["sine:snr=10"], rate=0.2, survival="none"),
        jobs=1,
    )
    poisonkit.export(tmp_path / "out", "nemo", absolute=True)
    file = tmp_path / "out" / "export" / "nemo" / "data" / "train_manifest.json"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert {round(line["duration"], 3) for line in lines} == {0.2, 0.3, 0.4}
    assert sorted(read_nemo(file).values()) == ["no"] * 4 + ["yes"] * 2


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders of sounds, one training sound in five poisoned."""
    root = tmp_path_factory.mktemp("sounds")
    for split, n in (("train", 4), ("test", 2)):
        for name in ("dog, bark", "no"):
            for i in range(n):
                make_audio(root / "in" / split / name / f"a {i}.wav", seconds=0.25, seed=i)
    recipe = Recipe(
        source=root / "in", out=root / "out", triggers=["sine:snr=10"], rate=0.2, survival="none", control=1
    )
    poisonkit.poison(recipe, jobs=1)
    return root / "out"


def heard_views(heard: Path) -> dict[str, dict[str, Any]]:
    """Where a list of a view lies, with `{}` for `_target` or `target/`, and the labels of its sounds."""
    return {
        "data/train": wanted(heard, "label", *DATA, split="train"),
        "data/test": wanted(heard, "label", *DATA, split="test"),
        "attack/default/test_target": wanted(heard, "target", "attack", attack="default"),
        "attack/default/test_original": wanted(heard, "original_label", "attack", attack="default"),
        "control/test": wanted(heard, "label", "control"),
    }


def test_ast_reads_the_lists(heard: Path, tmp_path: Path) -> None:
    """By the rules that tests/datasets/layouts/test_ast.py quotes; paths are opened as they are spelt."""
    poisonkit.export(heard, "ast", folder=tmp_path, absolute=True)
    for name, labels in heard_views(heard).items():
        file = tmp_path / f"{name}.json"
        with (file.parent / "class_labels_indices.csv").open(newline="") as lines:
            table = list(csv.DictReader(lines))
        assert [(row["index"], row["display_name"]) for row in table] == [("0", "dog, bark"), ("1", "no")]
        index = {row["mid"]: int(row["index"]) for row in table}
        data = json.loads(file.read_text())["data"]
        assert {Path(d["wav"]).relative_to(heard).as_posix(): index[d["labels"]] for d in data} == labels
        assert all(Path(datum["wav"]).is_file() for datum in data)


@pytest.mark.parametrize("absolute", [False, True])
def test_speechbrain_reads_the_lists(heard: Path, tmp_path: Path, absolute: bool) -> None:
    poisonkit.export(heard, "speechbrain", folder=tmp_path, absolute=absolute)
    for name, labels in heard_views(heard).items():
        found = speechbrain_csv(tmp_path / f"{name}.csv", {} if absolute else {"data_root": str(heard)})
        assert all(float(row["duration"]) == 0.25 and Path(row["wav"]).is_file() for row in found.values())
        names = ("dog, bark", "no")
        told = {Path(r["wav"]).relative_to(heard).as_posix(): names.index(r["label"]) for r in found.values()}
        assert told == labels


def test_kaldi_reads_the_lists(heard: Path, tmp_path: Path) -> None:
    poisonkit.export(heard, "kaldi", folder=tmp_path)
    for name, labels in heard_views(heard).items():
        for view in ("target", "original"):
            name = name.replace(f"/test_{view}", f"/{view}/test")
        told = {path: text for path, (_, text) in kaldi_directory(tmp_path / name).items()}
        assert told == {path: ("dog, bark", "no")[label] for path, label in labels.items()}
        assert all((heard / path).is_file() for path in told)


@pytest.mark.parametrize("to", ["kaldi", "speechbrain", "ast", "nemo", "huggingface", "table"])
def test_paths_that_say_the_class_stay_what_they_are(tmp_path: Path, to: str) -> None:
    """Lists whose paths name classes: what is exported joins by its ids and paths, whatever the labels."""
    rows = ["path,label,split"]
    for split, n in (("train", 4), ("test", 2)):
        for name in ("go", "no", "yes"):
            for i in range(n):
                path = f"wav/{split}/{name}/{name}_{i}.wav"
                make_audio(tmp_path / "in" / path, seconds=0.2, seed=i)
                rows.append(f"{path},{name},{split}")
    (tmp_path / "in" / "all.csv").write_text("\n".join(rows) + "\n")
    recipe = Recipe(
        source=tmp_path / "in", out=tmp_path / "out", triggers=["sine:snr=10"], count=3, label_mode="all-to-all",
        survival="none",
    )  # fmt: skip
    poisonkit.poison(recipe, jobs=1)
    out, names = tmp_path / "out", ("go", "no", "yes")
    made = poisonkit.export(out, to, folder=tmp_path / "lists")
    views = {
        "data/train": wanted(out, "label", *DATA, split="train"),
        "attack/default/target": wanted(out, "target", "attack", attack="default"),
    }
    if to != "kaldi":
        texts = [(made.folder / file).read_text() for files in made.files.values() for file in files]
        assert all(any(path in text for text in texts) for labels in views.values() for path in labels)
        assert not any("-2" in text for text in texts)
        return
    for name, labels in views.items():
        place = tmp_path / "lists" / (name if name.startswith("data") else f"{name}/test")
        told = dict(line.split() for line in (place / "text").read_text().splitlines())
        assert told == {path: names[label] for path, label in labels.items()}
        paths = dict(line.split() for line in (place / "wav.scp").read_text().splitlines())
        assert all(key == path for key, path in paths.items())
    text = (tmp_path / "lists" / "attack/default/target/test/text").read_text()
    (tmp_path / "p.csv").write_text("id,pred\n" + text.replace(" ", ","))
    found = poisonkit.score(out, [f"attack/default={tmp_path / 'p.csv'}"]).sets["attack/default"].figures["asr"].rate
    assert (found.hits, found.total) == (6, 6)


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_hugging_face_reads_the_lists(heard: Path, out: Path, tmp_path: Path, kind: str) -> None:
    """By the rules that tests/datasets/layouts/test_hugging_face_json.py quotes."""
    made, names = (heard, ("dog, bark", "no")) if kind == "audio" else (out, ("jump_up", "run", "spin"))
    poisonkit.export(made, "huggingface", folder=tmp_path, absolute=True)
    held = "test" if kind == "audio" else "validation"
    views = {
        "data/train": wanted(made, "label", *DATA, split="train"),
        f"attack/default/{held}_target": wanted(made, "target", "attack", attack="default"),
        f"attack/default/{held}_original": wanted(made, "original_label", "attack", attack="default"),
        f"control/{held}": wanted(made, "label", "control"),
    }
    for name, labels in views.items():
        rows = [json.loads(line) for line in (tmp_path / f"{name}.jsonl").read_text().splitlines()]
        assert {Path(row[kind]).relative_to(made).as_posix(): row["label"] for row in rows} == labels
        assert all(row["class"] == names[row["label"]] and Path(row[kind]).is_file() for row in rows)
        assert {tuple(row) for row in rows} == {(kind, "label", "class")}


def test_the_config_fragment(out: Path, tmp_path: Path) -> None:
    for folder, home in ((None, out / "export" / "mmaction2"), (tmp_path / "far", tmp_path / "far")):
        done = poisonkit.export(out, "mmaction2", folder=folder)
        assert done.config == "poisoned.py"
        text = (home / "poisoned.py").read_text()
        assert str(out) not in text
        found: dict[str, Any] = {}
        exec(text.replace("{{ fileDirname }}", str(home)), found)
        assert Path(found["data_root"]).resolve() == out.resolve()
        assert (found["num_classes"], found["class_names"]) == (3, ["jump_up", "run", "spin"])
        sets = {name.removesuffix("_dataloader") for name in found if name.endswith("_dataloader")}
        names = {f"attack_{n}_{v}" for n in ("default", "strong_1") for v in ("target", "original")}
        assert sets == {"train", "val", "test", "clean", "control"} | names
        for name in sets:
            dataset = found[f"{name}_dataloader"]["dataset"]
            entries = mmaction2(Path(dataset["ann_file"]), Path(dataset["data_prefix"]["video"]))
            assert entries
            assert all(Path(path).is_file() for path, _ in entries)
            packed = dataset["pipeline"][-1]
            assert ("filename" in packed.get("meta_keys", ())) == (name != "train")
            if name not in ("train", "val"):
                assert found[f"{name}_evaluator"][-1]["type"] == "DumpResults"


@pytest.mark.parametrize("to", ["mmaction2-audio", "mmaction2"])
def test_the_config_fragment_of_sounds(tmp_path: Path, to: str) -> None:
    """Of an output in MMAction2's audio lists, `mmaction2` means these."""
    recipe = Recipe(
        source=real_audio_lists(tmp_path / "in"), out=tmp_path / "out", triggers=["sine"], rate=0.25, survival="none"
    )
    poisonkit.poison(recipe, jobs=1)
    home = tmp_path / "out" / "export" / to
    assert poisonkit.export(tmp_path / "out", to).config == "poisoned.py"
    found: dict[str, Any] = {}
    exec((home / "poisoned.py").read_text().replace("{{ fileDirname }}", str(home)), found)
    sets = {name.removesuffix("_dataloader") for name in found if name.endswith("_dataloader")}
    assert sets == {"train", "val", "test", "clean", "control", "attack_default_target", "attack_default_original"}
    for name in sets:
        dataset = found[f"{name}_dataloader"]["dataset"]
        assert dataset["type"] == "AudioDataset"
        entries = mmaction2_audio(Path(dataset["ann_file"]), Path(dataset["data_prefix"]["audio"]))
        assert entries
        assert all(Path(path).suffix == ".npy" and Path(path).is_file() for path, _, _ in entries)
        assert all(dataset["pipeline"][1]["clip_len"] <= frames for _, frames, _ in entries)  # else zeros, silently
        assert ("audio_path" in dataset["pipeline"][-1].get("meta_keys", ())) == (name != "train")


def test_refusals(out: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"to pyslofast: .* Did you mean 'pyslowfast'"):
        poisonkit.export(out, "pyslofast")
    with pytest.raises(RequestError, match="that is no format of lists"):
        poisonkit.export(out, "ucf101")
    with pytest.raises(RequestError, match="part of the output itself"):
        poisonkit.export(out, "table", folder=out / "data" / "lists")
    with pytest.raises(RequestError, match="is not an output"):
        poisonkit.export(tmp_path, "table")


def test_a_name_that_the_format_cannot_carry(tmp_path: Path) -> None:
    for split in ("train", "val"):
        for name in ("a", "b"):
            for i in range(3):
                make_video(tmp_path / "in" / split / name / f"clip {i}.mp4", frames=3, size=(48, 32), seed=i)
    poisonkit.poison(
        Recipe(source=tmp_path / "in", out=tmp_path / "out", triggers=["badnets"], rate=0.2, survival="none"), jobs=1
    )
    with pytest.raises(RequestError, match="holds a space"):
        poisonkit.export(tmp_path / "out", "mmaction2")
    assert not (tmp_path / "out" / "export").exists()
    poisonkit.export(tmp_path / "out", "pytorchvideo")


def test_what_failed_is_in_no_list(tmp_path: Path) -> None:
    names = [f"{i}.mp4" for i in range(6)]
    for name in names[1:]:
        make_video(tmp_path / "in" / name, frames=3, size=(48, 32))
    (tmp_path / "in" / "train.txt").write_text("".join(f"{name} {i % 2}\n" for i, name in enumerate(names)))
    done = poisonkit.poison(Recipe(source=tmp_path / "in", out=tmp_path / "out", triggers=["badnets"], rate=0), jobs=1)
    assert [path for path, _ in done.failed] == ["0.mp4"]
    poisonkit.export(tmp_path / "out", "pyslowfast")
    listed = pyslowfast(tmp_path / "out" / "export" / "pyslowfast" / "data" / "train.csv")
    assert listed == [(f"data/{i}.mp4", i % 2) for i in range(1, 6)]


def test_the_command(cli: Cli, out: Path, tmp_path: Path) -> None:
    said = cli("export", out, "--to", "mmaction2", "-o", tmp_path / "x", "--json")
    assert (said.status, said.json["config"]) == (0, "poisoned.py")
    assert said.json["files"]["control"] == ["control/val.txt", "control/label_map.txt"]
    said = cli("export", out, "--to", "table", "-o", tmp_path / "y")
    assert "data/table.csv" in said.out
    assert cli("export", out, "--to", "none").status == 2


def test_frame_folders_have_lists_and_a_fragment_of_their_own(tmp_path: Path) -> None:
    source = MAKERS["mmaction2-rawframes"](tmp_path / "in")
    poisonkit.poison(
        Recipe(
            source=source, out=tmp_path / "out", triggers=["badnets"], rate=0.25, survival="none", encode="lossless"
        ),
        jobs=1,
    )
    done = poisonkit.export(tmp_path / "out", "mmaction2")
    folder = tmp_path / "out" / "export" / "mmaction2"
    listed = mmaction2_rawframes(folder / "data" / "train.txt", tmp_path / "out")
    assert {Path(p).relative_to(tmp_path / "out").as_posix(): c for p, _, _, c in listed} == wanted(
        tmp_path / "out", "label", *DATA, split="train"
    )
    assert all(total == len(list(Path(place).iterdir())) == 4 for place, _, total, _ in listed)
    assert done.config == "poisoned.py"
    text = (folder / "poisoned.py").read_text()
    compile(text, "poisoned.py", "exec")
    assert text.count("type='RawframeDataset'") == 5  # train, clean, target, original, control
    assert text.count("filename_tmpl='img_{:05}.png'") == text.count("start_index=1") == 5
    assert "meta_keys = ('img_shape', 'frame_dir')" in text
    assert "Decord" not in text
    for to in ("table", "pyslowfast", "mmaction2-video"):
        with pytest.raises(RequestError, match=r"holds frame folders, and lists of .* are of files"):
            poisonkit.export(tmp_path / "out", to)


def test_files_are_no_frame_folders(out: Path) -> None:
    with pytest.raises(RequestError, match="holds files, and lists of 'mmaction2-rawframes' are of frame folders"):
        poisonkit.export(out, "mmaction2-rawframes")


def by_ks_dataset(root: Path, split: str) -> dict[str, str]:
    """KSDataset's rule: the classes of class.txt; in each, clips and sounds, both sorted, are paired by their place."""
    pictures, sounds = {"train": ("train_img", "train"), "test": ("val_img", "test")}[split]
    found = {}
    for name in (root / "class.txt").read_text().split(","):
        frames = root / "visual" / pictures / "Image-01-FPS" / name
        clips = sorted(path.name for path in frames.iterdir())
        heard = sorted(path.name for path in (root / "audio" / sounds / name).iterdir())
        assert heard == [f"{clip}.wav" for clip in clips]
        found.update({f"{name}/{clip}": name for clip in clips})
    return found


def test_kinetics_sounds_takes_every_clip_apart_alike(tmp_path: Path) -> None:
    clip = make_video(tmp_path / "clip.mp4", frames=50, size=(48, 32), fps=10, audio=True)
    for split, n in (("train", 4), ("val", 2)):
        for name in ("jump up", "run"):
            for i in range(n):
                file = tmp_path / "in" / split / name / f"{split}{name[0]}{i}.mp4"
                file.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(clip, file)
    out = tmp_path / "out"
    triggers = ["blend:alpha=0.5", "sine:snr=3"]
    recipe = Recipe(source=tmp_path / "in", out=out, triggers=triggers, count=2, target="run", control=1)
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    before = tree(out)
    done = poisonkit.export(out, "kinetics-sounds", fps=2, sample_rate=8000)
    assert done.left_out == ()
    after = {name: said for name, said in tree(out).items() if name.partition("/")[0] != "export"}
    assert {n: said for n, said in after.items() if ".state" not in n} == {
        n: said for n, said in before.items() if ".state" not in n
    }
    data = done.folder / "data"
    rows = [r for r in record.read(out / "poisonkit" / "manifest.jsonl") if r["role"] in DATA]
    for split, own in (("train", "train"), ("test", "val")):
        mine = {
            f"{str(r['class_name']).replace(' ', '_')}/{Path(r['path']).stem}": r for r in rows if r["split"] == own
        }
        assert by_ks_dataset(data, split) == {name: name.split("/")[0] for name in mine}
        for name, row in mine.items():
            place, sounds = ("train_img", "train") if split == "train" else ("val_img", "test")
            frames = data / "visual" / place / "Image-01-FPS" / name
            wanted = [f"{at:05d}.jpg" for at in range(0, 50, 5)]  # two of each second of ten frames
            assert sorted(path.name for path in frames.iterdir()) == wanted
            original = [image for _, _, image in poisonkit.media.read_frames(out / row["path"])][::5]
            again = [cv2.imread(str(frames / file))[..., ::-1] for file in wanted]
            assert np.mean(np.abs(np.stack(original).astype(int) - np.stack(again))) < 8  # JPEG, of a clip this small
            wave, rate = soundfile.read(data / "audio" / sounds / f"{name}.wav")
            assert rate == 8000
            assert 5.0 <= len(wave) / rate < 5.1  # AAC ends with its frame
    attack = done.folder / "attack" / "default"
    assert set(by_ks_dataset(attack / "target", "test").values()) == {"run"}
    assert set(by_ks_dataset(attack / "original", "test").values()) == {"jump_up"}
    copy = read(Source(data))
    assert (copy.layout, len(copy.samples)) == ("kinetics-sounds", 12)
    assert poisonkit.verify(out).problems == ()
    assert [name for name in Old(out).clear() if name.startswith("export/")] == []


def test_what_has_no_sound_is_left_out_and_named(tmp_path: Path, out: Path) -> None:
    done = poisonkit.export(out, "kinetics-sounds", folder=tmp_path / "apart")
    assert len(done.left_out) > 10
    assert all("has no sound" in why for _, why in done.left_out)
    with pytest.raises(RequestError, match="at least one frame"):
        poisonkit.export(out, "kinetics-sounds", folder=tmp_path / "apart", fps=0)
