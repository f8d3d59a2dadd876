"""Files that a trigger makes longer or shorter: media, manifest, lists, survival, attack sets, verify."""

from __future__ import annotations

import io
import json
import math
import tarfile
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import soundfile

from poisonkit import media
from poisonkit.metrics.counterparts import Counterparts, as_long_as, standing
from poisonkit.metrics.survival import sound_survival
from poisonkit.outputs import record
from poisonkit.verification.verify import verify
from tests import runs
from tests.media_factory import make_audio, make_video, picture, wave

PAD = "silence-padding:length=change,duration=0.1"
poison = partial(runs.make, count=1, label_mode="clean", target="0", survival="all", control=1)


def verified(out: Path) -> tuple[str, ...]:
    return tuple(f"{p.path}: {p.problem}" for p in verify(out, decode=True).problems)


def edited(out: Path, **values: Any) -> None:
    """The manifest with another `source_length` in every record that has one."""
    rows = [{**r, "source_length": {**r["source_length"], **values}} if "source_length" in r else r
            for r in runs.rows(out)]  # fmt: skip
    record.write(out / "poisonkit" / "manifest.jsonl", rows)  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", [".wav", ".mp3"])
def test_sound_in_a_nemo_manifest(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / "set"
    for split in ("train", "test"):
        lines = []
        for i in range(4):
            make_audio(source / f"{split}{i}{suffix}", seconds=0.4, seed=i)
            lines.append({"audio_filepath": f"{split}{i}{suffix}", "duration": 0.4, "label": str(i % 2)})
        (source / f"{split}_manifest.json").write_text("\n".join(map(json.dumps, lines)) + "\n")
    out = tmp_path / "out"
    made = poison(source, out, triggers=PAD, layout="nemo")
    assert made.survival["default"].verdicts == {"survived": 3}
    for row in runs.rows(out):
        changed = row["role"] in ("poisoned", "attack")
        assert row.get("source_length") == ({"frames": None, "samples": 6400} if changed else None)
        if changed:
            assert row["samples"] == soundfile.info(out / row["path"]).frames == 8000
    poisoned = Path(runs.rows(out, "poisoned")[0]["path"]).name
    listed = [json.loads(line) for line in (out / "data" / "train_manifest.json").read_text().splitlines()]
    assert {e["audio_filepath"]: e["duration"] for e in listed} == {
        f"train{i}{suffix}": 0.5 if f"train{i}{suffix}" == poisoned else 0.4 for i in range(4)
    }
    for name in (out / "attack" / "default").glob("test_*.json*"):
        assert {json.loads(line)["duration"] for line in name.read_text().splitlines()} == {0.5}
    assert verified(out) == ()
    if suffix == ".wav":
        edited(out, samples=6000)
        assert any("its source has 6400 sound samples, and the manifest says 6000" in what for what in verified(out))


def test_frame_folders_are_numbered_on_and_counted(tmp_path: Path) -> None:
    source = tmp_path / "set"
    for split in ("train", "val"):
        lines = []
        for i in range(2):
            folder = source / f"{split}{i}"
            folder.mkdir(parents=True)
            for t in range(8):
                cv2.imwrite(str(folder / f"img_{t + 1:05}.jpg"), picture(t, seed=i)[..., ::-1])
            lines.append(f"{split}{i} 8 {i}")
        (source / f"{split}.txt").write_text("\n".join(lines) + "\n")
    out = tmp_path / "out"
    poison(source, out, triggers="speed:length=change,rate=0.7", layout="mmaction2-rawframes")
    (row,) = runs.rows(out, "poisoned")
    assert (row["frames"], row["source_length"], row["poisoned_ranges"]) == (
        12, {"frames": 8, "samples": None}, [[0, 12]]
    )  # fmt: skip
    assert sorted(p.name for p in (out / row["path"]).iterdir())[-1] == "img_00012.jpg"
    assert (out / "data" / "train.txt").read_text().split() == ["train0", "12", "0", "train1", "8", "1"]
    assert verified(out) == ()
    edited(out, frames=9)
    assert any("its source has 8 frames, and the manifest says 9" in what for what in verified(out))


def test_timestamps_of_a_clip_and_its_sound_follow(tmp_path: Path) -> None:
    source = tmp_path / "set"
    for split, i in (("train", 0), ("train", 1), ("test", 0), ("test", 1)):
        make_video(source / f"{split}{i}.mp4", frames=20, audio=True, seed=i)
        with open(source / f"{split}.csv", "a") as file:
            file.write(f"{split}{i}.mp4 20 {i}\n")
    out = tmp_path / "out"
    both = ["speed:length=change,rate=0.8", "sound-speed:length=change,rate=0.8"]
    poison(source, out, triggers=both, layout="pyslowfast", encode="lossless")
    (row,) = runs.rows(out, "poisoned")
    assert row["frames"] == 25
    assert row["source_length"]["frames"] == 20
    times = [seconds for _, seconds, _ in media.read_frames(out / row["path"])]
    assert np.allclose(times, np.arange(25) / 25, atol=1e-3)
    before, after = runs.frames(source / "train0.mp4"), runs.frames(out / row["path"])
    wanted = before[[math.floor(0.8 * t + 1e-9) for t in range(25)]]
    assert np.abs(wanted.astype(int) - after).mean() < 1.5
    assert abs(row["samples"] - 1.25 * row["source_length"]["samples"]) < 2048
    assert "train0.mp4 25 0\n" in (out / "data" / "train.csv").read_text()
    assert verified(out) == ()


def test_json_in_shards(tmp_path: Path) -> None:
    source = tmp_path / "set"
    source.mkdir()
    for split in ("train", "test"):
        with tarfile.open(source / f"{split}-000.tar", "w") as tar:
            for i in range(2):
                make_audio(tmp_path / "a.wav", seconds=0.4, seed=i)
                about = json.dumps({"duration": 0.4, "seconds_of": 0.4}).encode()
                for name, data in ((f"{i}.wav", (tmp_path / "a.wav").read_bytes()), (f"{i}.cls", b"%d" % i),
                                   (f"{i}.json", about)):  # fmt: skip
                    member = tarfile.TarInfo(f"{split}{name}")
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))
    out = tmp_path / "out"
    poison(source, out, triggers=PAD, layout="webdataset")
    with tarfile.open(out / "data" / "train-000.tar") as tar:
        said = [json.load(tar.extractfile(f"train{i}.json"))["duration"] for i in range(2)]  # type: ignore[arg-type]
        assert said == [0.5, 0.4]
    assert verified(out) == ()


def test_what_a_changed_clip_is_compared_with() -> None:
    pictures = Counterparts("abc")
    out = [(x, pictures.take()) for x in [*pictures, "d", "e"]]
    assert out == [("a", "a"), ("b", "b"), ("c", "c"), ("d", "c"), ("e", "c")]
    assert [x for x, _ in zip(standing("ab"), range(4), strict=False)] == ["a", "b", "b", "b"]
    assert list(standing("")) == []
    x = wave(0.1)
    assert np.array_equal(as_long_as(x, 2000)[:, :1600], x)
    assert not as_long_as(x, 2000)[:, 1600:].any()
    assert as_long_as(x, 100).shape == (1, 100)


def test_silence_behind_a_sound_survives_if_the_length_does() -> None:
    x = wave(0.5)
    longer = np.pad(x, ((0, 0), (0, 8000)))
    assert sound_survival(x, longer, longer, x)["gain"] == 1
    lost = sound_survival(x, longer, x, x)
    assert (lost["gain"], lost["verdict"]) == (0, "lost")
    shifted = np.pad(x, ((0, 0), (8000, 0)))
    assert sound_survival(x, shifted, shifted, x)["verdict"] == "survived"
    assert sound_survival(x, shifted, longer, x)["verdict"] == "lost"
