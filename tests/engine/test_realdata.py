"""The main job on real clips: HMDB51, GRID, MP4s with AAC, FSDD and Speech Commands."""

from __future__ import annotations

import shutil
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

import poisonkit
from poisonkit import Recipe
from poisonkit.outputs import record
from tests.runs import frames, packets

pytestmark = pytest.mark.realdata


def folders(tmp_path: Path, classes: dict[str, list[Path]]) -> Path:
    root = tmp_path / "source"
    for name, files in classes.items():
        (root / name).mkdir(parents=True)
        for file in files:
            shutil.copy(file, root / name / file.name)
    return root


def run(root: Path, out: Path, **recipe: object) -> list[record.Record]:
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in root.rglob("*") if p.is_file()}
    done = poisonkit.poison(Recipe(source=root, out=out, attack_set=False, **recipe), jobs=2)
    assert done.exit_code == 0, done.failed
    assert {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in root.rglob("*") if p.is_file()} == before
    checked = poisonkit.verify(out, decode=True, jobs=2)
    assert checked.ok, checked.problems
    found = [r for r in record.read(out / "poisonkit" / "manifest.jsonl") if r["role"] == "poisoned"]
    assert found
    assert len(found) == recipe.get("count", len(found))
    return found


def test_hmdb51_avis(realdata: Path, tmp_path: Path) -> None:
    clips = sorted((realdata / "video" / "hmdb51").rglob("*.avi"))
    root = folders(tmp_path, {"other": clips[:1], "action": clips[1:7]})
    rows = run(root, tmp_path / "out", triggers=["badnets"], count=4, target="other")
    for row in rows:
        a, b = frames(root / row["source_path"]), frames(tmp_path / "out" / row["path"])
        assert a.shape == b.shape
        assert len(b) == row["frames"]
        assert np.abs(b.astype(np.int16) - a).max() > 100
        assert row["fidelity"]["presence"] > 0.9


def test_grid_mpeg1_keeps_its_sound_and_its_picture(realdata: Path, tmp_path: Path) -> None:
    clips = sorted((realdata / "av" / "grid").glob("*.mpg"))
    root = folders(tmp_path, {"first": clips[:2], "second": clips[2:6]})
    for out, trigger, untouched in (("a", "blend", "audio"), ("b", "sine:snr=15", "video")):
        rows = run(root, tmp_path / out, triggers=[trigger], count=2, target="first")
        for row in rows:
            source, got = root / row["source_path"], tmp_path / out / row["path"]
            assert packets(source, untouched) == packets(got, untouched)
            assert len(frames(source)) == len(frames(got))


def test_mp4_with_aac(realdata: Path, tmp_path: Path) -> None:
    clips = [*sorted((realdata / "av" / "kinetics").glob("*.mp4")), realdata / "av" / "misc" / "bento.mp4"]
    root = folders(tmp_path, {"a": clips[:1], "b": clips[1:]})
    rows = run(root, tmp_path / "out", triggers=["lamp-flicker"], count=1, target="a")
    for row in rows:
        source, got = root / row["source_path"], tmp_path / "out" / row["path"]
        assert packets(source, "audio") == packets(got, "audio")
        assert len(frames(source)) == len(frames(got)) == row["frames"]


def test_several_streams(realdata: Path, tmp_path: Path) -> None:
    """OpenCV and PyAV take another picture stream than decord does: there is only one left, clean or poisoned."""
    clip = realdata / "av" / "misc" / "nasa_13013.mp4"
    root = folders(tmp_path, {"a": [clip], "b": [clip]})
    rows = run(root, tmp_path / "out", triggers=["badnets"], count=1, label_mode="clean", target="a")
    records = list(record.read(tmp_path / "out" / "poisonkit" / "manifest.jsonl"))
    found, sounds = {}, {}
    for row in records:
        assert len(row["streams"]["dropped"]) == 4
        path = tmp_path / "out" / row["path"]
        with av.open(str(path)) as file:
            assert [s.type for s in file.streams] == ["video", "audio"]
        found[row["role"]], sounds[row["role"]] = frames(path), packets(path, "audio")
    assert found["clean"].shape == found["poisoned"].shape == (rows[0]["frames"], *found["clean"].shape[1:3], 3)
    assert sounds["clean"] == sounds["poisoned"]
    change = np.abs(found["poisoned"].astype(np.int16) - found["clean"])
    assert change.max(axis=(1, 2, 3)).min() > 60


@pytest.mark.parametrize("name", ["fsdd", "speech_commands"])
def test_recordings(realdata: Path, tmp_path: Path, name: str) -> None:
    if name == "fsdd":
        files = sorted((realdata / "audio" / "fsdd" / "recordings").glob("*.wav"))
        classes = {f"digit{d}": [f for f in files if f.name.startswith(f"{d}_")][:12] for d in range(3)}
    else:
        words = sorted(p for p in (realdata / "audio" / "speech_commands").iterdir() if p.is_dir())
        classes = {w.name: sorted(w.glob("*.wav")) for w in words if len(list(w.glob("*.wav"))) >= 3}
    root = folders(tmp_path, classes)
    first = sorted(classes)[0]
    rows = run(root, tmp_path / "out", triggers=["sine:amplitude=0.05"], rate=0.1, target=first)
    assert rows
    for row in rows:
        a, rate = soundfile.read(root / row["source_path"], dtype="int16")
        b, same = soundfile.read(tmp_path / "out" / row["path"], dtype="int16")
        assert (rate, a.shape) == (same, b.shape)
        t = np.arange(len(a)) / rate
        sine = np.rint(0.05 * np.sin(2 * np.pi * 800 * t) * 32768)
        wanted = np.clip(a + sine, -32768, 32767)
        assert np.abs(b - wanted).max() <= 2
