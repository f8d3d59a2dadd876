"""Every view of every layout, by the rules of the layout's own readers: the source's label for every class.

The real readers do the same in `tests/consumers/test_matrix.py` (`make test-consumers`). What is transcribed here is
what decides which clips they see, and under which label.
"""

from __future__ import annotations

import csv
import os
from functools import partial
from pathlib import Path
from typing import Any

import av
import pytest
import webdataset as wds

import poisonkit
from poisonkit import Recipe
from poisonkit.datasets import Source, layouts, read
from poisonkit.datasets.kit.class_folders import PLACEHOLDER, PLACEHOLDER_BYTES
from poisonkit.engine.reset import Old
from tests.conftest import same_output
from tests.datasets import readers
from tests.datasets.makers import MAKERS, READERS
from tests.datasets.making import Reader, Shown, filled, one_of_each
from tests.datasets.readers import hugging_face_labels, mmaction2, pyslowfast, torchvision
from tests.datasets.views import folder_of, listed, written
from tests.datasets.writers import sound_folders

VIDEO = (".mp4", ".avi")


def test_the_placeholder_is_one_frame_that_nobody_can_decode(tmp_path: Path) -> None:
    file = tmp_path / "x.avi"
    file.write_bytes(PLACEHOLDER_BYTES)
    with av.open(str(file)) as found:
        video = found.streams.video[0]
        assert (found.format.name, video.frames, video.average_rate) == ("avi", 1, 1000)
        with pytest.raises(av.error.FFmpegError):
            list(found.decode(video=0))
    assert os.path.splitext(PLACEHOLDER)[1] == ""  # no suffix, and hidden


def frames(path: str) -> int:
    """Frames as torchvision's VideoClips counts them: those of the container."""
    with av.open(path) as found:
        return found.streams.video[0].frames


def clips(found: list[tuple[str, int]], root: Path, least: int) -> dict[str, int]:
    """Of torchvision's samples those that VideoClips makes a clip of `least` frames of.

    Its rule: `new_size[0] < 1` gives no clip, new_size[0] being frames - least + 1.
    """
    return {os.path.relpath(path, root): label for path, label in found if frames(path) >= least}


def dataset_folder(shown: Shown) -> dict[str, int]:
    """torchvision.datasets.DatasetFolder(…, extensions=(".mp4", ".avi", ".wav"), allow_empty=True)."""
    found = torchvision(folder_of(shown), (*VIDEO, ".wav"), strict=False)
    return {os.path.relpath(path, shown.root): label for path, label in found}


def kinetics(shown: Shown) -> dict[str, int]:
    """torchvision.datasets.Kinetics: `extensions = ("avi", "mp4")`, in the split's folder, no class empty."""
    return clips(torchvision(shown.root / shown.split, ("avi", "mp4")), shown.root, 2)


def pytorchvideo_folder(shown: Shown) -> dict[str, int]:
    """pytorchvideo's LabeledVideoPaths.from_directory: `extensions=("mp4", "avi")`, no class empty; what cannot be
    decoded is passed over (`video_is_null` … `continue`)."""
    return clips(torchvision(shown.root / shown.split, ("mp4", "avi")), shown.root, 2)


def folders_of_hugging_face(shown: Shown) -> dict[str, int]:
    found = hugging_face_labels(shown.root, (*VIDEO, ".wav"))
    return {path: label for path, label in found.items() if path in shown.clips or not _other_split(shown, path)}


def _other_split(shown: Shown, path: str) -> bool:
    folders = shown.options.get("folders") or {}
    return bool(folders) and path.split("/")[0] != folders[shown.split]


def ucf101(shown: Shown) -> dict[str, int]:
    """torchvision.datasets.UCF101: folders with `extensions = ("avi",)`, then `_select_fold`."""
    videos, lists, fold = (shown.options[name] for name in ("videos", "lists", "split"))
    found = clips(torchvision(shown.root / videos, ("avi",)), shown.root, 2)
    train = shown.split == "train"
    chosen = readers.torchvision_ucf101(shown.root / videos, shown.root / lists, fold, train)
    return {f"{videos}/{path}": found[f"{videos}/{path}"] for path in chosen}


def hmdb51(shown: Shown) -> dict[str, int]:
    videos, lists, fold = (shown.options[name] for name in ("videos", "lists", "split"))
    found = clips(torchvision(shown.root / videos, ("avi",)), shown.root, 2)
    train = shown.split == "train"
    chosen = readers.torchvision_hmdb51(shown.root / videos, shown.root / lists, fold, train)
    return {f"{videos}/{path}": found[f"{videos}/{path}"] for path in chosen}


def speech_commands(shown: Shown) -> dict[str, str]:
    """torchaudio's SPEECHCOMMANDS; `speaker.split("_nohash_")` has to give two parts, the second a number."""
    subset = {"train": "training", "val": "validation", "test": "testing"}[shown.split]
    found = readers.torchaudio(shown.root, subset)
    for path in found:
        _, number = Path(path).stem.split("_nohash_")
        int(number)
    return found


def lists(shown: Shown) -> dict[str, int]:
    found = mmaction2(listed(shown, shown.options["lists"][shown.split]), shown.root)
    return {os.path.relpath(path, shown.root): label for path, label in found}


def counted(shown: Shown) -> dict[str, int]:
    """RawframeDataset and AudioDataset: `path total_frames label`, the features' names for the sounds'."""
    found = {}
    for line in listed(shown, shown.options["lists"][shown.split]).read_text(encoding="utf-8").splitlines():
        path, total, label = line.strip().split()
        assert int(total) > 0
        found[path.replace(".npy", ".wav")] = int(label)
    return found


def slow(shown: Shown) -> dict[str, int]:
    return dict(pyslowfast(shown.root / f"{shown.split}.csv"))


def spaced(shown: Shown) -> dict[str, int]:
    return dict(readers.pytorchvideo(listed(shown, shown.options["lists"][shown.split])))


def esc50(shown: Shown) -> dict[str, int]:
    """The csv's `target`, which every name tells too; a fold of your choice is held out."""
    found = {f"audio/{name}": label for name, label in readers.read_esc50(shown.root).items()}
    test = shown.split == "test"
    return {path: label for path, label in found.items() if path.startswith(f"audio/{shown.options['fold']}-") == test}


def fsdd(shown: Shown) -> dict[str, int]:
    found = readers.read_fsdd(shown.root / "recordings")
    return {f"recordings/{name}": digit for name, (split, digit) in found.items() if split == shown.split}


def vggsound(shown: Shown) -> dict[str, str]:
    """`id,start,label,split` without a head."""
    with (shown.root / "vggsound.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if row[3] == shown.split]
    found = {f"video/{clip}_{int(start):06d}.mp4": label for clip, start, label, _ in rows}
    return {path: label for path, label in found.items() if (shown.root / path).exists()}


def table(shown: Shown) -> dict[str, str]:
    options = shown.options
    with listed(shown, next(iter(options["tables"].values()))).open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    word = options["words"].get(shown.split)
    return {row[options["path"]]: row[options["label"]] for row in rows if row[options["split"]] == word}


def nemo(shown: Shown) -> dict[str, str]:
    found = readers.read_nemo(listed(shown, shown.options["tables"][shown.split]))
    return {os.path.relpath(shown.root / path, shown.root): label for path, label in found.items()}


def metadata(shown: Shown) -> dict[str, int]:
    found = hugging_face_labels(shown.root, VIDEO)
    return {path: label for path, label in found.items() if path.startswith(f"{shown.split}/")}


def webdataset(shown: Shown) -> dict[str, int]:
    """The real one."""
    found = {}
    for shard in sorted(shown.root.glob(f"{shown.split}-*.tar")):
        for sample in wds.WebDataset(str(shard), shardshuffle=False, nodesplitter=None, empty_check=False):
            found[f"{shard.name}/{sample['__key__']}.wav"] = int(sample["cls"])
    return found


CASES: dict[str, tuple[str, Any, Reader]] = {
    "class-folders: DatasetFolder": ("class-folders", None, dataset_folder),
    "class-folders: videofolder": ("class-folders", None, folders_of_hugging_face),
    "class-folders: Kinetics": ("class-folders", None, kinetics),
    "class-folders: PyTorchVideo": ("class-folders", None, pytorchvideo_folder),
    "class-folders: DatasetFolder, sounds": ("class-folders", sound_folders, dataset_folder),
    "class-folders: audiofolder": ("class-folders", sound_folders, folders_of_hugging_face),
    "kinetics": ("kinetics", None, kinetics),
    "kinetics: folders with spaces": (
        "kinetics",
        partial(MAKERS["kinetics"], place="{split}/{label}/{file}"),
        kinetics,
    ),
    "kinetics: PyTorchVideo": ("kinetics", None, pytorchvideo_folder),
    "ucf101": ("ucf101", None, ucf101),
    "hmdb51": ("hmdb51", None, hmdb51),
    "speech-commands": ("speech-commands", None, speech_commands),
    "mmaction2-video": ("mmaction2-video", None, lists),
    "mmaction2-audio": ("mmaction2-audio", None, counted),
    "mmaction2-rawframes": ("mmaction2-rawframes", None, counted),
    "pyslowfast": ("pyslowfast", None, slow),
    "pytorchvideo": ("pytorchvideo", None, spaced),
    "esc50": ("esc50", None, esc50),
    "fsdd": ("fsdd", None, fsdd),
    "vggsound": ("vggsound", None, vggsound),
    "table": ("table", None, table),
    "nemo": ("nemo", None, nemo),
    "hugging-face": ("hugging-face", None, metadata),
    "webdataset": ("webdataset", None, webdataset),
    **{name: (name, None, reader) for name, reader in READERS.items()},
}


def test_every_layout_is_here() -> None:
    own = {name for name, each in layouts().items() if type(each).__module__.startswith("poisonkit.")}
    missing = sorted(own - {layout for layout, *_ in CASES.values()})
    assert not missing, f"no test in tests/datasets has a reader marked @reads for {missing}"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # webdataset leaves shards open
@pytest.mark.parametrize("name", CASES)
def test_every_view_has_the_sources_labels(tmp_path: Path, name: str) -> None:
    layout, make, reader = CASES[name]
    made = written(layout, tmp_path, make)
    assert {shown.kind for shown in made.views} == {"data", "target", "original", "control"}
    made.compare(reader)
    assert poisonkit.verify(made.out).problems == ()


def test_a_placeholder_is_no_sample(tmp_path: Path) -> None:
    """Not of an output that is read as a source, nor of one that is started again, gets an attack set, or goes."""
    made = written("class-folders", tmp_path)
    out, before = made.out, same_output(made.out)
    marks = {path for path in before if path.endswith(f"/{PLACEHOLDER}")}
    assert len(marks) == 1 + 2 + 2
    for place in ("attack/default/target", "attack/default/original", "control"):
        for source in (Source(out / place), Source(out / place, layout="class-folders")):
            found = read(source)
            assert found.classes == ("a", "b", "c")
            wanted = next(shown for shown in made.views if shown.root == out / place).clips
            assert {s.path: found.classes[s.label or 0] for s in found.samples} == wanted
            assert not any(PLACEHOLDER in note for note in found.notes)
    common: dict[str, Any] = {"source": tmp_path / "in", "out": out, "triggers": ["badnets"], "survival": "none"}
    recipe = Recipe(layout="class-folders", rate=0.2, target=1, control=1, **common)
    for lost in (None, *sorted(marks)[:1], "attack/default/target/test/metadata.jsonl"):
        if lost:
            (out / lost).unlink()
        assert poisonkit.poison(recipe, jobs=1).exit_code == 0
        assert same_output(out) == before
    assert poisonkit.attack(out, "half", attack_frames="every:2", source=tmp_path / "in", jobs=1).exit_code == 0
    assert poisonkit.verify(out).problems == ()
    after = same_output(out)
    assert marks < {path for path in after if path.endswith(f"/{PLACEHOLDER}")}
    assert all(after[path] == before[path] for path in before if path.split("/")[0] in ("data", "attack", "control"))
    exported = poisonkit.export(out, "pytorchvideo")
    assert not any(PLACEHOLDER in file.read_text() for file in exported.folder.rglob("*.csv"))
    assert [name for name in Old(out).clear() if not name.startswith("export/")] == []


def test_a_place_without_a_clip_is_readable_in_the_data_too(tmp_path: Path) -> None:
    """The source's test split has no clip of `c`, and readers refuse that; they read the copy."""
    root = filled(MAKERS["class-folders"], tmp_path / "in", one_of_each(tmp_path))
    for file in (root / "test" / "c").iterdir():
        file.unlink()
    with pytest.raises(FileNotFoundError):
        torchvision(root / "test", ("avi", "mp4"))
    recipe = Recipe(source=root, out=tmp_path / "out", triggers=["badnets"], count=1, target=0, survival="none")
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    found = torchvision(tmp_path / "out" / "data" / "test", ("avi", "mp4"))
    assert [label for path, label in found if frames(path) > 1] == [0, 0, 0, 1, 1, 1]
    assert len(read(Source(tmp_path / "out" / "data")).of("test")) == 6
    assert poisonkit.verify(tmp_path / "out").problems == ()
