"""What is said before the wait: by the model, and by a trial on a few clips."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

import poisonkit
from poisonkit import Recipe, sampledata
from poisonkit.cli import call
from poisonkit.datasets import Dataset, Sample
from poisonkit.engine.costs import calibration, estimate, samples
from poisonkit.engine.costs.model import Cost, clip_cost, figures, trigger_cost
from poisonkit.engine.finishing import linking
from poisonkit.engine.plans import plan_of
from poisonkit.engine.preflight import read_source
from poisonkit.engine.state.options import Options
from poisonkit.media import probe
from poisonkit.media.families import FAMILIES
from poisonkit.media.info import Encode
from poisonkit.plan.task import Role, Task
from tests.conftest import tree
from tests.media_factory import make_video


def told(source: Path, out: Path, **recipe: object) -> estimate.Estimate:
    fields = {"triggers": ["badnets"], "count": 4, **recipe}
    return poisonkit.estimate(Recipe(source=source, out=out, **fields), jobs=1)  # type: ignore[arg-type]


def test_what_will_be_written_and_what_is_linked_is_counted_exactly(folders: Path, tmp_path: Path) -> None:
    said = told(folders, tmp_path / "out", attack_limit=3, control=2)
    assert not (tmp_path / "out").exists()
    done = poisonkit.poison(Recipe(source=folders, out=tmp_path / "out", triggers=["badnets"], count=4, attack_limit=3,
                                   control=2), jobs=1)  # fmt: skip
    roles = {role: sum(got.values()) for role, got in done.counts.items()}
    assert said.clips == sum(n for role, n in roles.items() if role != "clean")
    assert said.links == roles["clean"] + roles["attack"], "attack clips have a second name, with the true label"
    assert said.clean_bytes == sum(
        path.stat().st_size for path in (tmp_path / "out" / "data").rglob("*.mp4") if path.stat().st_nlink > 1
    )
    assert (said.copies, said.clean_method, said.calibrated) == (0, "hardlink", 0)
    assert said.playing_seconds == pytest.approx(said.clips * 10 / 25, rel=0.2)
    assert 0 < said.seconds < 60


def test_copies_count_as_written(folders: Path, tmp_path: Path) -> None:
    linked, copied = (told(folders, tmp_path / "out", clean=how) for how in ("hardlink", "copy"))
    assert copied.copies == linked.links - copied.links > 0
    assert copied.bytes == linked.bytes + linked.clean_bytes
    again = told(folders, tmp_path / "out", clean="reencode")
    assert again.clips == linked.clips + copied.copies
    assert again.cpu_seconds > linked.cpu_seconds


def test_beside_another_device_few_bytes_are_copied_and_many_are_symbolic_links(
    folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    devices = itertools.count()
    monkeypatch.setattr(estimate, "os", SimpleNamespace(stat=lambda _: SimpleNamespace(st_dev=next(devices))))
    some = told(folders, tmp_path / "out")
    monkeypatch.setattr(linking, "SMALL", some.clean_bytes - 1)
    assert (some.clean_method, told(folders, tmp_path / "out").clean_method) == ("copy", "symlink")


def test_a_trial_takes_the_plans_own_clips_and_leaves_nothing(
    folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimate, "AT_ONCE", 0.0)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    before = tree(folders)
    made = poisonkit.make_plan(Recipe(source=folders, triggers=["badnets"], count=4, out=tmp_path / "out"), jobs=1)
    recipe = Recipe(source=folders, triggers=["badnets"], count=4, out=tmp_path / "out")
    tried = poisonkit.estimate(recipe, made, jobs=1)
    assert tried.calibrated > 4
    assert poisonkit.estimate(recipe, made, jobs=1, calibrate=False).calibrated == 0
    assert tree(folders) == before
    left = {path.name for path in (tmp_path / "tmp").glob("*")}
    assert not {name for name in left if not name.startswith(".poisonkit-")}, (
        "openers, who wait, have folders of theirs"
    )
    assert not (tmp_path / "out").exists()
    done = poisonkit.poison(recipe, jobs=1)
    written = sum(p.stat().st_size for p in (done.out / "attack").rglob("*.mp4")) // 2
    written += sum(p.stat().st_size for p in (done.out / "control").rglob("*.mp4"))
    written += sum(p.stat().st_size for p in (done.out / "data").rglob("*.mp4") if p.stat().st_nlink == 1)
    assert tried.bytes == pytest.approx(written, rel=0.25)


def test_many_clips_are_told_by_some(folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    every = told(folders, tmp_path / "out")
    opened: list[int] = []
    monkeypatch.setattr(estimate, "OPENED", 6)
    monkeypatch.setattr(samples, "clip_cost", lambda *a: (opened.append(1), clip_cost(*a))[1])
    some = told(folders, tmp_path / "out")
    assert len(opened) == 6
    assert some.cpu_seconds == pytest.approx(every.cpu_seconds, rel=0.3)
    assert some.clips == every.clips
    assert set(some.weights) == set(every.weights)


def test_a_trial_that_fails_is_none(folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "AT_ONCE", 0.0)
    monkeypatch.setattr(calibration, "_run", calibration._died)
    assert told(folders, tmp_path / "out").calibrated == 0


def test_a_trial_is_meant_to_take_a_hundredth_of_a_run(
    folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    monkeypatch.setattr(calibration, "measured", lambda *given: (asked.append(given[-1]), {})[1])
    recipe = Recipe(source=folders, triggers=["badnets"], count=4, out=tmp_path / "out")
    dataset = read_source(recipe)
    plan = plan_of(recipe, dataset, tmp_path / "out", Options(jobs=1))
    for seconds in (299.0, 400.0):
        monkeypatch.setattr(estimate._Work, "cpu", lambda self, seconds=seconds: seconds)
        for held_up in (True, False):
            estimate.estimate(plan, recipe, dataset, tmp_path / "out", 1, held_up=held_up)
    assert asked == [8.0, 4.0, 8.0]


def test_the_model_knows_size_codec_trigger_and_encoding(tmp_path: Path) -> None:
    def cost(path: Path, trigger: str = "badnets", encode: Encode | None = None) -> float:
        made = [poisonkit.triggers.create(trigger)]
        return clip_cost(probe(path), path.stat().st_size, made, {made[0].modality}, encode or Encode()).cpu

    small, large = (make_video(tmp_path / f"{w}.mp4", size=(w, w), frames=20, audio=True) for w in (64, 256))
    other = make_video(tmp_path / "a.avi", size=(256, 256), frames=20)
    assert cost(large) - figures()["clip"] == pytest.approx(16 * (cost(small) - figures()["clip"]), rel=0.01)
    assert cost(other) < cost(large), "MPEG-4 is quicker than H.264"
    assert cost(large, "fiba") > 1.3 * cost(large)
    assert cost(large, encode=Encode("lossless")) > 1.3 * cost(large)
    assert cost(large, "sine") < cost(large), "the picture is copied"


def test_figures_cover_encoders_and_triggers() -> None:
    known = figures()
    assert {f.encoder for f in FAMILIES.values()} <= known["picture"].keys()
    names = {name.split()[0] for name in known["triggers"]}
    assert len(names) > 45
    assert trigger_cost(poisonkit.triggers.create("fiba")) > trigger_cost(poisonkit.triggers.create("badnets"))


def test_the_command_line_says_it_before_the_wait(
    folders: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    words = ["poison", str(folders), "-t", "badnets", "--count", "2", "--attack-limit", "2", "--control", "1"]
    words += ["-o", str(tmp_path / "out"), "-j", "1"]
    sentence = re.compile(
        r"This takes about .+ with 1 job, by rule of thumb, and writes about \d+ kB: 5 new files\. "
        r"36 links take no space\."
    )
    assert call([*words, "--dry-run", "--no-calibrate"]) == 0
    assert sentence.search(capfd.readouterr().out)
    assert call(words) == 0
    said = capfd.readouterr().err
    assert sentence.search(said)
    assert said.index("This takes") < said.index("Poisoning:")
    assert call(words) == 0, "nothing is left to do"
    assert "This takes" not in capfd.readouterr().err


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of clips of many makers: of 16, some can be linked."""
    root = tmp_path_factory.mktemp("downloads")
    for folder in ("train/jump", "train/spin", "test/jump", "test/spin"):
        make_video(root / folder / "a.mp4", frames=12, audio=True)
        make_video(root / folder / "a.ts", frames=12, codec="mpeg2video", seed=1)
        make_video(root / folder / "master.mov", frames=12, codec="prores_ks", pix_fmt="yuv422p10le", seed=2)
        make_video(root / folder / "two.mp4", frames=12, videos=2, audios=2, seed=3)
    return root


@pytest.mark.parametrize("clean", ["hardlink", "reencode"])
def test_clean_samples_that_are_converted_or_hold_several_streams_count_as_new_files(
    downloads: Path, tmp_path: Path, clean: str
) -> None:
    fields = {"triggers": ["badnets"], "count": 1, "encode": "convert", "clean": clean, "survival": "none"}
    recipe = Recipe(source=downloads, out=tmp_path / "out", **fields)  # type: ignore[arg-type]
    said = poisonkit.estimate(recipe, jobs=1, calibrate=False)
    done = poisonkit.poison(recipe, jobs=1)
    rows = [json.loads(line) for line in (done.out / "poisonkit" / "manifest.jsonl").read_text().splitlines()]
    made = [row for row in rows if row["codec"] is not None]
    assert said.clips == len(made)
    assert len([row for row in made if row["role"] == "clean"]) >= 10
    assert said.links == len(rows) - len(made) + done.counts["attack"]["ok"]
    assert said.clean_bytes == sum(row["bytes"] for row in rows if row["codec"] is None)
    assert said.bytes == pytest.approx(sum(row["bytes"] for row in made), rel=0.6), "of clips of half a second"


def test_of_many_clean_samples_some_tell_how_many_are_converted(
    downloads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every, some = (
        (monkeypatch.setattr(samples, "LOOKED_AT", most), told(downloads, tmp_path, count=1, encode="convert"))[1]
        for most in (1000, 8)
    )
    assert abs(every.clips - some.clips) <= 3
    assert every.links + every.clips == some.links + some.clips


def test_bytes_of_small_clips_are_foreseen(tmp_path: Path) -> None:
    shape = replace(sampledata.SIZES["small"], train=3, test=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sampledata.SIZES, "small", shape)
        sampledata.write_sample_data(tmp_path / "clips")
    _bytes_are_foreseen(tmp_path / "clips", tmp_path / "out")


@pytest.mark.parametrize("name", ["video/weizmann64", "video/hmdb51", "av"])
def test_bytes_of_real_clips_are_foreseen(realdata: Path, tmp_path: Path, name: str) -> None:
    there = sorted(p for p in (realdata / name).rglob("*.*") if p.suffix in (".mp4", ".avi"))
    for n, path in enumerate(there[:: max(1, len(there) // 6)][:6]):
        place = tmp_path / "clips" / "ab"[n % 2] / path.name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    _bytes_are_foreseen(tmp_path / "clips", tmp_path / "out", attack_set=False)


def _bytes_are_foreseen(source: Path, out: Path, **more: object) -> None:
    fields = {"triggers": ["blend"], "count": 1, "clean": "reencode", "survival": "none", **more}
    recipe = Recipe(source=source, out=out, **fields)  # type: ignore[arg-type]
    said = poisonkit.estimate(recipe, jobs=1, calibrate=False)
    done = poisonkit.poison(recipe, jobs=1)
    rows = [json.loads(line) for line in (done.out / "poisonkit" / "manifest.jsonl").read_text().splitlines()]
    assert said.bytes == pytest.approx(sum(row["bytes"] for row in rows), rel=0.25)


def test_crowding_is_a_matter_of_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    monkeypatch.setattr(estimate.processors, "count", lambda: 4)
    assert [estimate._crowding(n) for n in (1, 4, 8)] == [1.0, 1.0, 2.0]


def tasks_of(role: Role, backdoor: int, suffix: str, count: int) -> list[Task]:
    names = [f"{role}-{backdoor}-{i}{suffix}" for i in range(count)]
    return [Task(role, Sample(n, n, "train", 0), f"data/{n}", 0, backdoor=backdoor) for n in names]


def test_a_large_group_is_told_by_many_of_its_files() -> None:
    """A handful of them would say little of nearly all the work."""
    few = [tasks_of(role, i, ".avi", 20) for i in range(5) for role in ("poisoned", "attack")]
    tasks = [*itertools.chain(*few), *tasks_of("poisoned", 9, ".mp4", 4000)]
    found = [task.backdoor for task in samples.picked(tasks, 64, seed=0)]
    assert found.count(9) > 40
    assert all(found.count(i) >= 4 for i in range(5)), "two of each group"
    assert sorted(found[:22]) == sorted([*range(5), *range(5), 9] * 2), (
        "first of all: a trial may be too short for more"
    )


def test_of_more_groups_than_are_opened_the_large_ones_come_first() -> None:
    many = [tasks_of("poisoned", i, ".mp4", 3) for i in range(100)]
    tasks = [*itertools.chain(*many), *tasks_of("poisoned", 100, ".mp4", 600)]
    found = samples.picked(tasks, 64, seed=0)
    assert len(set(found)) == 64
    assert sum(task.backdoor == 100 for task in found) > 30


def test_a_group_of_which_no_file_is_opened_is_like_those_of_its_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A byte of sound that is not compressed is far less work than one of a video."""
    tasks = [
        *tasks_of("poisoned", 0, ".mp4", 1),
        *tasks_of("poisoned", 1, ".wav", 1),
        *tasks_of("attack", 1, ".wav", 1),
    ]
    for task in tasks:
        (tmp_path / task.source_path).write_bytes(bytes(1000))
    job = SimpleNamespace(stream="best", treatment=SimpleNamespace(triggers=(), touches=()), encode=None)
    monkeypatch.setattr(
        samples.isolated_opening,
        "opened",
        lambda look, paths, *a, **k: [SimpleNamespace(info=path.suffix) for path in paths],
    )
    monkeypatch.setattr(samples, "clip_cost", lambda info, *a: Cost(cpu={".mp4": 100.0, ".wav": 1.0}[info]))
    dataset = Dataset(tmp_path, "class-folders", ("a",), tuple(task.sample for task in tasks))
    some = {task.key: job for task in tasks[:2]}
    found = samples.sampled(tasks, tasks[:2], some, dataset, 1)  # type: ignore[arg-type]
    assert [found.costs[task.key].cpu for task in tasks] == pytest.approx([100, 1, 1])
