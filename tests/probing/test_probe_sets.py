"""`poisonkit probe` on real files: sets that are listed, verified, continued, and the same bytes each time."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import poisonkit
from poisonkit.cli import call
from poisonkit.errors import RequestError
from poisonkit.probing import kinds
from tests.media_factory import make_audio
from tests.runs import frames, rows


@pytest.fixture(scope="module")
def finished(listed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("probed") / "out"
    recipe = poisonkit.Recipe(
        source=listed,
        out=out,
        triggers=["badnets"],
        count=2,
        target="run",
        attack_limit=3,
        control=0,
        encode="lossless",
    )
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    return out


@pytest.fixture
def out(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "out"))


def digests(out: Path) -> dict[str, str]:
    return {
        p.relative_to(out).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(out.rglob("*"))
        if p.is_file() and p.name != "run.json" and ".state" not in p.parts
    }


def test_strip_is_written_verified_and_scored(
    out: Path, finished: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["probe", str(out), "--kind", "strip", "--copies", "2", "--limit", "2", "--jobs", "1", "--json"]
    assert call(words) == 0
    sets = list(json.loads(capfd.readouterr().out)["sets"])
    assert sets == [f"probe.strip.clip.{i}{end}" for i in (1, 2) for end in ("", ".clean")]
    every = rows(out)
    for name in sets:
        mine = [r for r in every if r["attack"] == name]
        assert len(mine) == 2
        names = [t["name"] for t in mine[0]["triggers"]]
        assert names == (["blend"] if name.endswith(".clean") else ["badnets", "blend"])
        assert {r["id"] for r in mine} == {r["id"] for r in every if r["attack"] == sets[0]}
    assert call(["verify", str(out), "--decode", "--jobs", "1"]) == 0
    capfd.readouterr()
    before = digests(out)
    assert call(words) == 0, "again: nothing is made twice"
    assert digests(out) == before
    with pytest.raises(RequestError, match=r"limit 3: probe\.strip\.clip\.1 of .* was made with .*limit 2"):
        poisonkit.probe(out, kind="strip", copies=2, limit=3)
    other = Path(shutil.copytree(finished, tmp_path / "other"))
    poisonkit.probe(other, kind="strip", copies=2, limit=2, jobs=2)
    assert digests(other) == before, "the same bytes elsewhere"
    capfd.readouterr()
    sure, torn = [0.98, 0.01, 0.01], [0.4, 0.3, 0.3]
    with (tmp_path / "p.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "score_0", "score_1", "score_2"])
        for r in every:
            if r["attack"] in sets:
                writer.writerow([r["path"], *(torn if r["attack"].endswith(".clean") else sure)])
    assert call(["detect", str(out), "--probe", str(tmp_path / "p.csv"), "--json"]) == 0
    found = json.loads(capfd.readouterr().out)["probes"]["strip"]
    assert (found["roc_auc"], found["triggered"], found["clean"]) == (1.0, 2, 2)
    entropy = -sum(p * np.log(p) for p in torn)
    lines = (tmp_path / "p-suspects/probe-strip.csv").read_text().splitlines()
    assert float(lines[3].split(",")[2]) == pytest.approx(-entropy)
    assert call(["detect", str(out), "--probe", str(tmp_path / "p.csv")]) == 0
    assert "probes: triggered clips against the same ones" in capfd.readouterr().out


def test_shuffled_frames_are_the_clip_s_own(out: Path) -> None:
    done = poisonkit.probe(out, kind="frame-shuffle", copies=1, limit=1, jobs=1)
    assert done.exit_code == 0
    (clean,) = [r for r in rows(out) if r["attack"] == "probe.frame-shuffle.order.1.clean"]
    source = next(r for r in rows(out) if r["role"] == "clean" and r["id"] == clean["id"])
    shuffled, own = frames(out / clean["path"]).astype(int), frames(out / source["path"]).astype(int)
    nearest = [int(np.argmin(np.abs(own - frame).mean(axis=(1, 2, 3)))) for frame in shuffled]
    assert sorted(nearest) == list(range(len(own)))
    assert nearest != sorted(nearest)


def test_sounds(tmp_path: Path) -> None:
    for split, n in (("train", 4), ("test", 2)):
        for name in ("high", "low"):
            for i in range(n):
                path = tmp_path / "clips" / split / name / f"{i}.wav"
                path.parent.mkdir(parents=True, exist_ok=True)
                make_audio(path, seconds=0.5, seed=i)
    recipe = poisonkit.Recipe(
        source=tmp_path / "clips", out=tmp_path / "out", triggers=["sine"], count=1, target="low", control=0
    )
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    for kind, number in (("resample", 4), ("strip", 2), ("noise", None), ("mp3", None)):
        done = poisonkit.probe(tmp_path / "out", kind=kind, copies=1, limit=1, jobs=1)
        assert done.exit_code == 0
        assert number in (None, len(done.sets))
    assert poisonkit.verify(tmp_path / "out", decode=True).problems == ()
    with pytest.raises(RequestError, match="is for pictures"):
        poisonkit.probe(tmp_path / "out", kind="scale-up")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--kind", "stripe"], "Did you mean 'strip'"),
        (["--kind", "strip", "--copies", "99"], "has 9 held-out clips that can be superimposed"),
    ],
)
def test_wrong_requests_are_one_sentence(
    out: Path, words: list[str], says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert call(["probe", str(out), *words]) == 2
    assert says in capfd.readouterr().err


@pytest.mark.parametrize("kind", ["scale-up", "teco", "frame-shuffle", "frame-drop", "reencode"])
def test_every_kind_for_pictures_is_verified_without_consent(
    out: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What perturbs is poisonkit's own, so `verify --decode` renders it without --allow-code."""
    monkeypatch.setattr(kinds, "TECO", {name: kinds.TECO[name][2:3] for name in ("shot-noise", "fog", "jpeg")})
    assert poisonkit.probe(out, kind=kind, copies=1, limit=1, jobs=1).exit_code == 0
    assert poisonkit.verify(out, decode=True).problems == ()
