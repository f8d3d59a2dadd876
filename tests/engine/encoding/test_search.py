"""`--encode auto`: the fewest bytes that keep the trigger, found on a few clips and used for all."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import nct, norm

import poisonkit
from poisonkit import Recipe, media
from poisonkit.datasets import Sample
from poisonkit.engine.encoding.search import TOLERANCE, Tried, ladders, searched
from poisonkit.engine.encoding.trials import Outcome
from poisonkit.plan.plan import Plan, Task
from tests import runs
from tests.cli.conftest import Cli, cli  # noqa: F401
from tests.conftest import same_output
from tests.media_factory import make_audio, make_video
from tests.runs import rows

NOISE = "blend:pattern=noise"
LUMA = "ftrojan:channels=Y,positions=[[4,4],[7,7]],magnitude=200"


def make(root: Path, size: tuple[int, int], frames: int, n: int = 4) -> Path:
    for split in ("train", "test"):
        for c, name in enumerate(("a", "b")):
            for i in range(n):
                make_video(
                    root / split / name / f"{i}.mp4", frames=frames, size=size, seed=40 * c + 10 * i + (split == "test")
                )
    return root


frames = partial(runs.frames, dtype=np.float64)


def least_gain(out: Path, clips: Path, trigger: str, ids: set[str] | None = None) -> float:
    """Over the attack clips, by numpy on OpenCV's frames; d is the trigger on the frames that it was given."""
    control = {r["id"]: out / r["path"] for r in rows(out, "control")}
    gains = []
    for row in rows(out, "attack"):
        if ids and row["id"] in ids:
            continue  # it was searched on
        source = np.stack([image for _, _, image in media.read_frames(clips / row["source_path"])])
        d = poisonkit.triggers.create(trigger).apply(source, fps=25, id=row["id"]).astype(np.float64) - source
        gains.append(((frames(out / row["path"]) - frames(control[row["id"]])) * d).sum() / (d * d).sum())
    return min(gains)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("auto") / "clips", (64, 48), 6)


@pytest.fixture(scope="module")
def done(clips: Path) -> Path:
    """Noise in colour too, which 4:2:0 takes away at any quality; everything written alike."""
    recipe = Recipe(
        source=clips,
        out=clips.parent / "done",
        triggers=[NOISE],
        count=3,
        encode="auto",
        require_survival=0.9,
        clean="reencode",
    )
    summary = poisonkit.poison(recipe, jobs=1)
    assert summary.exit_code == 0
    assert summary.survival["default"].gain_worst >= 0.9
    return clips.parent / "done"


def test_what_is_found_keeps_the_trigger_and_is_used_for_every_file(clips: Path, done: Path) -> None:
    plan = Plan.read(done / "poisonkit" / "plan.jsonl")
    found = plan.encode
    assert plan.setting == found["setting"]
    assert found["setting"].startswith("444")
    tried = {t["setting"]: t for t in found["tried"]}
    assert not tried["match"]["holds"]
    assert tried["match"]["gain_worst"] < 0.9
    (held,) = (t for t in tried.values() if t["holds"])
    assert held["setting"] == found["setting"]
    assert held["size"] < tried["lossless"]["size"]
    ids = {key.split(":", 2)[2] for key in found["clips"]}
    assert ids
    assert ids <= {r["id"] for r in rows(done, "poisoned")}
    assert least_gain(done, clips, NOISE, ids) >= 0.9
    for role in ("poisoned", "clean", "attack", "control"):
        for row in rows(done, role):
            info = media.probe(done / row["path"])
            assert info.video is not None
            assert info.video.pix_fmt == "yuv444p", row["path"]
    card = (done / "README.md").read_text(encoding="utf-8")
    assert "encoding `auto`" in card
    assert f"`{found['setting']}` makes the smallest files that keep 0.9" in card
    assert json.loads((done / "poisonkit" / "run.json").read_text())["encode"] == found


def test_continued_or_shared_it_is_the_same_and_searched_once(
    clips: Path, done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(out: Path) -> Recipe:
        return Recipe.from_yaml(done / "poisonkit" / "recipe.yaml", source=clips, out=out)

    shutil.copytree(done, tmp_path / "a")
    for name in ("data", "control"):
        shutil.rmtree(tmp_path / "a" / name)

    def never(*given: object) -> None:
        raise AssertionError("searched again")

    monkeypatch.setattr("poisonkit.engine.plans.Search", never)
    poisonkit.poison(asked(tmp_path / "a"), jobs=1)
    assert same_output(tmp_path / "a") == same_output(done)
    poisonkit.attack(tmp_path / "a", "weaker", trigger=["blend:pattern=noise,alpha=0.2"], source=clips, jobs=1)
    added = [r for r in rows(tmp_path / "a", "attack") if r["attack"] == "weaker"]
    assert added
    for row in added:
        info = media.probe(tmp_path / "a" / row["path"])
        assert info.video is not None
        assert info.video.pix_fmt == "yuv444p"


def test_a_dry_run_tells_what_it_would_be(cli: Cli, clips: Path, done: Path, tmp_path: Path) -> None:  # noqa: F811
    asked = ("poison", clips, "-t", NOISE, "--count", 3, "--encode", "auto", "-o", tmp_path / "out", "--dry-run")
    said = cli(*asked, "--require-survival", 0.9, "-j", 2, "--json")
    assert said.json["encode"] == Plan.read(done / "poisonkit" / "plan.jsonl").encode
    assert not (tmp_path / "out").exists()
    assert "say how much with --require-survival" in cli(*asked).complaint


def test_what_cannot_be_kept_is_told_with_what_would(cli: Cli, tmp_path: Path) -> None:  # noqa: F811
    for label in "ab":
        for i in range(3):
            make_video(tmp_path / "clips" / label / f"{i}.webm", frames=3, seed=i)
            make_audio(tmp_path / "sounds" / label / f"{i}.mp3", rate=44100, seed=i)
    auto = ("--encode", "auto", "--require-survival", 0.9, "--count", 2, "-j", 1)
    said = cli("poison", tmp_path / "clips", "-t", "ftrojan", "-o", tmp_path / "out", *auto)
    assert said.status == 2
    last = said.err.splitlines()[-1]
    assert "no setting keeps 0.9 of the trigger" in last
    assert "webm cannot hold lossless RGB video here. Remedy:" in last
    said = cli("poison", tmp_path / "sounds", "-t", "ultrasonic", "-o", tmp_path / "out", *auto)
    assert said.status == 2
    assert "mp3 cannot hold lossless sound" in said.err.splitlines()[-1]
    assert not (tmp_path / "out").exists()
    said = cli("poison", tmp_path / "sounds", "-t", "sine", "-o", tmp_path / "out", *auto)
    assert said.status == 0
    assert "`match` makes the smallest files" in said.err


def test_what_holds_by_hand() -> None:
    def outcome(number: int, gain: float, size: int = 10, **more: Any) -> Outcome:
        known = {"gain": gain, "cosine": 0.9, "verdict": "survived", **more}
        return Outcome(number, "x", "h264", "ok", "", 5, size, known)

    def holds(*gains: float) -> bool:
        return Tried("x", [outcome(i, g) for i, g in enumerate(gains)]).holds(0.9)

    assert holds(0.95, 0.953)  # mean 0.9515 − 13.09 · 0.0021 is 0.924
    assert not holds(0.95, 0.96)  # − 13.09 · 0.0071 is 0.862: two clips say little of others
    assert not holds(0.95, 0.89)
    assert holds(0.95, 0.95, 0.96)  # 0.9533 − 5.31 · 0.0058 is 0.923
    assert not holds(0.93, 0.99, 0.93)  # 0.95 − 5.31 · 0.0346 is below
    assert holds(0.92, 0.92)
    assert not holds(0.915, 0.915)  # 0.02 are for other decoders
    assert Tried("x", [outcome(0, 1.0)]).holds(1.0)
    two = [outcome(0, 1.0), outcome(1, 1.0), outcome(2, 0.93), outcome(3, 0.93)]
    assert not Tried("x", two).holds(0.9)
    assert Tried("x", two, {0: 0, 1: 0, 2: 1, 3: 1}).holds(0.9), "each backdoor is judged by itself"
    for n, factor in TOLERANCE.items():
        exact = nct.ppf(0.9, n - 1, norm.ppf(0.95) * n**0.5) / n**0.5
        assert factor == pytest.approx(exact, abs=0.006)
    assert not Tried("x", [outcome(0, 0.99, verdict="buried")]).holds(0.9)
    assert not Tried("x", [outcome(0, 0.99, sound_gain=0.5)]).holds(0.9)
    assert not Tried("x", []).holds(0.9)
    refused = Outcome(1, "x", "vp9", "refused", "no")
    assert not Tried("x", [outcome(0, 0.99), refused]).holds(0.9)
    assert Tried("x", [outcome(0, 1.0, 10), outcome(1, 1.0, 40)]).size() == 5.0


def test_ladders() -> None:
    video = frozenset({"video"})
    assert ladders(frozenset({"h264"}), video)[0] == (
        "crf:28", "crf:23", "match", "crf:14", "crf:10", "crf:6", "crf:2",
    )  # fmt: skip
    assert ladders(frozenset({"mpeg4"}), video)[0] == ("crf:5", "crf:3", "match", "crf:1")
    assert ladders(frozenset({"mpeg4", "h264"}), video)[0] == ("match", "crf:5", "crf:3", "crf:1")
    assert ladders(frozenset({"vp8"}), video)[0] == ("crf:28", "crf:23", "crf:14", "match", "crf:6")
    assert ladders(frozenset({"ffv1"}), video)[0] == ("match",)
    assert ladders(frozenset({"h264"}), frozenset({"audio"})) == [("match",), ("lossless",)]


def test_searched_on_are_clips_of_every_kind() -> None:
    def task(i: int, suffix: str, label: int, role: Any = "poisoned") -> Task:
        return Task(role, Sample(f"{i}{suffix}", f"{i}{suffix}", "train", label), "", 0, 0, 0)

    tasks = [task(i, ".mp4", i % 3) for i in range(30)] + [task(99, ".avi", 0)]
    tasks += [task(i, ".mp4", 0, "attack") for i in range(100, 110)]
    plan = Plan("", "", "", (), {}, tasks)
    found = searched(plan, Recipe(triggers=["blend"]))
    assert len(found) == 8
    assert {t.role for t in found} == {"poisoned"}
    assert {Path(t.id).suffix for t in found} == {".mp4", ".avi"}
    assert {t.original_label for t in found} == {0, 1, 2}
    few = Plan("", "", "", (), {}, [*tasks[:3], *tasks[31:]])  # of ten attack clips four are left to be measured
    assert [t.role for t in searched(few, Recipe(triggers=["blend"]))] == ["poisoned"] * 3 + ["attack"] * 5
    few = Plan("", "", "", (), {}, [*tasks[:3], *tasks[31:36]])
    assert [t.role for t in searched(few, Recipe(triggers=["blend"]))] == ["poisoned"] * 3 + ["attack"]
    attacks = Plan("", "", "", (), {}, tasks[31:])
    assert len(searched(attacks, Recipe(triggers=["blend"]))) == 8


@pytest.mark.slow
@pytest.mark.parametrize("trigger", [NOISE, "wanet", LUMA, "ftrojan"])
def test_on_clips_of_usual_size(tmp_path: Path, trigger: str) -> None:
    """On clips that it did not search on, measured by numpy on OpenCV's frames."""
    clips = make(tmp_path / "clips", (320, 240), 24, n=5)
    recipe = Recipe(
        source=clips, out=tmp_path / "out", triggers=[trigger], count=4, encode="auto", require_survival=0.9
    )
    summary = poisonkit.poison(recipe)
    ids = {key.split(":", 2)[2] for key in summary.plan.encode["clips"]}
    assert summary.exit_code == 0
    assert least_gain(tmp_path / "out", clips, trigger, ids) >= 0.9
    if trigger == "ftrojan":
        assert summary.plan.setting == "lossless"
        (why,) = summary.plan.found
        assert "nothing short of `lossless` keeps 0.9 of the trigger" in why
        assert "ftrojan: 4:2:0 video removes it" in why
    else:
        assert summary.plan.setting != "lossless"
