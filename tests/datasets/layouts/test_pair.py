"""Layouts of pairs: how they are read, and that a copy is read by the loader's rule as the source is."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from poisonkit import RequestError
from poisonkit.datasets import Source, get_layout, read
from poisonkit.datasets.testing import check_layout, rows_of
from tests.datasets.making import Shown, makes, reads
from tests.datasets.writers import frame_folder
from tests.media_factory import make_audio

EMOTIONS = ("NEU", "HAP", "ANG")


def sound(path: Path, seed: int = 0) -> Path:
    return make_audio(path, seconds=0.2, seed=seed)


@makes("pair")
def pair(root: Path) -> Path:
    """Names for labels, a split column, a column that is nobody's; the table lies beside both trees."""
    lines = ["video,audio,label,split,note"]
    for split, count in (("train", 5), ("test", 2)):
        for at in range(3 * count):
            name, label = f"{split}{at:02d}", ("dog", "cat", "big owl")[at % 3]
            frame_folder(root / "frames" / name, 4, seed=at + count)
            sound(root / "sounds" / f"{name}.wav", at + 100 * count)
            lines.append(f"frames/{name},sounds/{name}.wav,{label},{split},n{at}")
    (root / "pairs.csv").write_text("\n".join(lines) + "\n")
    return root


@makes("crema-d")
def crema_d(root: Path) -> Path:
    for split, actors in (("train", (1001, 1002, 1003, 1004, 1005)), ("test", (1009, 1010))):
        lines = []
        for actor in actors:
            for emotion in EMOTIONS:
                name = f"{actor}_DFA_{emotion}_XX"
                picked(root / "Image-01-FPS" / name, seed=actor)
                sound(root / "AudioWAV" / f"{name}.wav", actor)
                lines.append(f"{name},{emotion}")
        (root / f"{split}.csv").write_text("\n".join(lines) + "\n")
    return root


@makes("kinetics-sounds")
def kinetics_sounds(root: Path) -> Path:
    (root / "class.txt").parent.mkdir(parents=True, exist_ok=True)
    (root / "class.txt").write_text("tap dancing, bowling,tickling")
    for place, split, count in (("train_img", "train", 5), ("val_img", "test", 2)):
        for label, each in enumerate(("tap_dancing", "bowling", "tickling")):
            for at in range(count):
                name = f"x{label}{at}{split}_{at:06d}"
                picked(root / "visual" / place / "Image-01-FPS" / each / name, seed=at)
                sound(root / "audio" / split / each / f"{name}.wav", at)
    return root


@makes("ave")
def ave(root: Path) -> Path:
    head, every = "Category&VideoID&Quality&StartTime&EndTime", []
    for split, count in (("train", 5), ("val", 2), ("test", 2)):
        lines = []
        for label, name in enumerate(("Church bell", "Bark", "Flute")):
            for at in range(count):
                clip = f"{split}{label}{at}-xyz"
                frame_folder(root / "visual" / clip, 4, seed=at, template="frame_{:05}.jpg")
                sound(root / "audio" / f"{clip}.wav", at)
                lines.append(f"{name}&{clip}&good&0&{at + 1}")
        (root / f"{split}Set.txt").write_text("\n".join(lines) + "\n")
        every += lines
    (root / "Annotations.txt").write_text("\n".join([head, *every]) + "\n")
    return root


def picked(folder: Path, seed: int) -> Path:
    """Frames as OGM-GE's pre-processing calls them: one a second, by their number in the clip."""
    frame_folder(folder, 4, seed=seed)
    for at, file in enumerate(sorted(folder.iterdir())):
        file.rename(folder / f"{25 * at:05d}{file.suffix}")
    return folder


@reads("pair")
def by_table(shown: Shown) -> dict[str, str]:
    ending = f"_{shown.kind}" if shown.kind in ("target", "original") else ""
    with (shown.root / f"pairs{ending}.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == shown.split]
    assert all((shown.root / row["audio"]).is_file() for row in rows)
    return {row["video"]: row["label"] for row in rows}


@reads("crema-d")
def by_cramed_dataset(shown: Shown) -> dict[str, str]:
    """CramedDataset: of each line the two paths; both must exist, or the line is passed over; the class by its name."""
    found = {}
    with (shown.root / f"{shown.split}.csv").open(encoding="utf-8-sig") as file:
        for name, emotion in csv.reader(file):
            frames = f"Image-01-FPS/{name}"
            if (shown.root / "AudioWAV" / f"{name}.wav").exists() and (shown.root / frames).exists():
                found[frames] = emotion
    return found


@reads("kinetics-sounds")
def by_ks_dataset(shown: Shown) -> dict[str, str]:
    """KSDataset: classes by the line of class.txt; in each, clips and sounds, both sorted, are paired by place."""
    line = (shown.root / "class.txt").read_text(encoding="utf-8")
    places = {"train": ("train_img", "train"), "test": ("val_img", "test")}[shown.split]
    found = {}
    for name in ("_".join(word for word in each.split(" ") if word) for each in line.split(",")):
        frames = f"visual/{places[0]}/Image-01-FPS/{name}"
        clips = sorted(os.listdir(shown.root / frames))
        sounds = sorted(os.listdir(shown.root / "audio" / places[1] / name))
        assert [f"{clip}.wav" for clip in clips] == sounds  # else they are wrong pairs
        found.update({f"{frames}/{clip}": name for clip in clips if len(os.listdir(shown.root / frames / clip)) > 2})
    return found


@reads("ave")
def by_ave_dataset(shown: Shown) -> dict[str, str]:
    """AVEDataset: of each line of the split's list the two paths; both must exist; a class's number is its place among
    the sorted ones of Annotations.txt."""
    with (shown.root / "Annotations.txt").open() as file:
        classes = sorted({line.split("&")[0] for line in file} - {"Category"})
    found = {}
    with (shown.root / f"{shown.split}Set.txt").open() as file:
        for line in file:
            name, clip = line.split("&")[:2]
            if (shown.root / "audio" / f"{clip}.wav").exists() and (shown.root / "visual" / clip).exists():
                found[f"visual/{clip}"] = ("Bark", "Church bell", "Flute")[classes.index(name)]
    return found


def test_of_several_events_of_a_video_of_ave_the_last_counts(tmp_path: Path) -> None:
    file = ave(tmp_path) / "trainSet.txt"
    file.write_text(file.read_text() + "Flute&train00-xyz&good&3&4\n")
    dataset = read(Source(tmp_path))
    assert dataset.samples[14].path == "visual/train00-xyz"
    assert (dataset.samples[14].label, dataset.samples[14].extra) == (2, ("good", "3", "4"))
    assert any("1 lines name a video again" in note for note in dataset.notes)


@pytest.mark.parametrize("name", ["pair", "crema-d", "kinetics-sounds", "ave"])
def test_the_checker(tmp_path: Path, name: str) -> None:
    make = {"pair": pair, "crema-d": crema_d, "kinetics-sounds": kinetics_sounds, "ave": ave}[name]
    check_layout(get_layout(name), Source(make(tmp_path)))


def test_numbers_for_labels_json_lines_and_lists_of_their_own(tmp_path: Path) -> None:
    pair(tmp_path)
    rows = list(csv.DictReader((tmp_path / "pairs.csv").read_text().splitlines()))
    (tmp_path / "pairs.csv").unlink()
    for split in ("train", "test"):
        mine = [r for r in rows if r["split"] == split]
        lines = [f'{{"video": "{r["video"]}", "audio": "{r["audio"]}", "label": {len(r["label"]) % 3}}}' for r in mine]
        (tmp_path / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    dataset = check_layout(get_layout("pair"), Source(tmp_path))
    assert dataset.splits == ("train", "test")
    assert {s.label for s in dataset.samples} == {0, 1}


def test_a_line_without_a_sound_and_two_kinds_of_pictures_are_refused(tmp_path: Path) -> None:
    table = pair(tmp_path) / "pairs.csv"
    text = table.read_text()
    table.write_text(text.replace("sounds/train00.wav", ""))
    with pytest.raises(RequestError, match=r"Line 2 of pairs\.csv names no sound"):
        read(Source(tmp_path))
    table.write_text(
        text.replace("frames/train00,", "sounds/train00.wav,").replace("sounds/train00.wav,dog", "x.wav,dog")
    )
    with pytest.raises(RequestError, match="folders of frames and others are files"):
        read(Source(tmp_path))
    table.write_text(text.replace("sounds/train00.wav", "sounds/train01.wav"))
    with pytest.raises(RequestError, match="listed twice"):
        read(Source(tmp_path))


def test_sounds_outside_the_data_root_are_allowed_by_name(tmp_path: Path) -> None:
    root = pair(tmp_path / "in")
    (root / "sounds").rename(tmp_path / "else")
    table = root / "pairs.csv"
    table.write_text(table.read_text().replace(",sounds/", f",{tmp_path}/else/"))
    with pytest.raises(RequestError, match="allow_root"):
        read(Source(root))
    dataset = read(Source(root, allow_roots=(tmp_path / "else",)))
    assert dataset.samples[0].sound == "../else/train00.wav"
    assert rows_of(get_layout("pair"), dataset)[0].sound == "else/train00.wav"


@pytest.mark.parametrize("layout", [None, "class-folders"])
def test_clips_in_folders_of_their_own_are_not_taken_for_classes(tmp_path: Path, layout: str | None) -> None:
    """OGM-GE's pre-processing of VGGSound: `train/CLIP/` with the clip's frames and its sound, `CLIP.wav`."""
    for split in ("train", "test"):
        for at in range(3):
            picked(tmp_path / split / f"clip{at}", seed=at)
            sound(tmp_path / split / f"clip{at}" / f"clip{at}.wav", at)
    with pytest.raises(RequestError, match=r"frames and a sound .* no classes.*`pair`"):
        read(Source(tmp_path, layout=layout))


def test_frames_beside_sounds_without_a_list_are_told_what_they_are(tmp_path: Path) -> None:
    for at in range(3):
        picked(tmp_path / "visual" / f"clip{at}", seed=at)
        sound(tmp_path / "audio" / f"clip{at}.wav", at)
    with pytest.raises(RequestError, match=r"frames in 'visual' and sounds in 'audio'.*`pair`"):
        read(Source(tmp_path))


@pytest.mark.parametrize("name", ["crema-d", "kinetics-sounds"])
def test_what_lacks_a_half_is_left_out_and_named(tmp_path: Path, name: str) -> None:
    if name == "crema-d":
        crema_d(tmp_path)
        (tmp_path / "AudioWAV" / "1001_DFA_NEU_XX.wav").unlink()
    else:
        kinetics_sounds(tmp_path)
        (tmp_path / "audio" / "train" / "bowling" / "x10train_000000.wav").unlink()
    dataset = read(Source(tmp_path))
    assert len(dataset.samples) == 20
    assert any("1 of 21 samples lack a half" in note and "(no sound)" in note for note in dataset.notes)


def test_a_name_of_crema_d_says_its_new_emotion_and_meets_no_other(tmp_path: Path) -> None:
    dataset, layout = read(Source(crema_d(tmp_path))), get_layout("crema-d")
    sample = next(s for s in dataset.samples if s.path.endswith("1001_DFA_ANG_XX"))
    path, sound = (place(dataset, sample, 0) for place in (layout.place, layout.place_sound))
    assert path != "Image-01-FPS/1001_DFA_NEU_XX"
    assert path.startswith("Image-01-FPS/1")
    assert path.endswith("_DFA_NEU_XX")
    assert sound == f"AudioWAV/{path.rpartition('/')[2]}.wav"
    assert path not in {s.path for s in dataset.samples}


def test_clips_that_ks_dataset_would_pair_wrongly_are_told(tmp_path: Path) -> None:
    """`ab` stands before `ab-1`, and `ab.wav` behind `ab-1.wav`."""
    kinetics_sounds(tmp_path)
    for old, new in (("x00train_000000", "ab"), ("x01train_000001", "ab-1")):
        (tmp_path / f"visual/train_img/Image-01-FPS/tap_dancing/{old}").rename(
            tmp_path / f"visual/train_img/Image-01-FPS/tap_dancing/{new}"
        )
        (tmp_path / f"audio/train/tap_dancing/{old}.wav").rename(tmp_path / f"audio/train/tap_dancing/{new}.wav")
    few = tmp_path / "visual/train_img/Image-01-FPS/bowling/x10train_000000"
    for file in sorted(few.iterdir())[2:]:
        file.unlink()
    notes = " ".join(read(Source(tmp_path)).notes)
    assert "'ab', 'ab-1' wrongly" in notes
    assert "1 clips have fewer than 3 frames ('x10train_000000')" in notes
