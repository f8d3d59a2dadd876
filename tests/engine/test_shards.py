"""Shards of a plan, alone and together, and the merge: the same output as without them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

import poisonkit
from poisonkit import Interrupted, Recipe, RequestError
from poisonkit.cli import call
from poisonkit.engine.state.locks import LOST, lock, retire
from poisonkit.engine.state.options import Shard
from poisonkit.engine.state.run_state import share
from poisonkit.outputs import record
from poisonkit.plan.plan import Plan
from poisonkit.plan.selection import Chosen
from tests import runs
from tests.conftest import same_output, tree

BAD = {
    "triggers": ["sine:snr=20"],
    "count": 6,
    "label_mode": "all-to-all",
    "replace_failed": True,
    "test_fraction": 0.3,
    "seed": 3,
}


make = partial(runs.make, triggers=["sine"])


@pytest.fixture(scope="module")
def damaged(sounds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the poisoned candidates some are silent (inert) and one is cut short (failed)."""
    root = tmp_path_factory.mktemp("damaged") / "src"
    shutil.copytree(sounds, root)
    for path in sorted((root / "yes").iterdir())[:4]:
        soundfile.write(path, np.zeros(6400), 16000)
    torn = root / "yes" / "5.wav"
    torn.write_bytes(torn.read_bytes()[:60])
    return root


@pytest.mark.parametrize("more", [{"survival": "all"}, {"clean": "reencode", "control": 3}])
def test_merged_shards_are_the_same_output(damaged: Path, tmp_path: Path, more: dict[str, object]) -> None:
    recipe = {**BAD, **more}
    plain = make(damaged, tmp_path / "plain", **recipe)
    before = tree(damaged)
    done = [make(damaged, tmp_path / "out", shard=f"{i}/3", **recipe) for i in (2, 3, 1)]
    merged = poisonkit.merge(tmp_path / "out", jobs=1)
    assert same_output(tmp_path / "out") == same_output(tmp_path / "plain")
    assert Plan.read(tmp_path / "out" / "poisonkit" / "plan.jsonl").replaced, "nothing was replaced"
    assert merged.counts == plain.counts
    assert merged.survival == plain.survival
    twice = len(merged.plan.replaced) if more.get("clean") else 0  # written as clean samples before they were needed
    assert sum(d.processed for d in done) + merged.processed == plain.processed + twice
    assert max(d.processed for d in done) - min(d.processed for d in done) <= 2
    assert poisonkit.verify(tmp_path / "out", decode=True).ok
    assert tree(damaged) == before
    assert not list((tmp_path / "out").rglob("*.tmp"))
    again = make(damaged, tmp_path / "out", **recipe)  # and it is an output like any other
    assert same_output(tmp_path / "out") == same_output(tmp_path / "plain")
    assert again.counts == plain.counts


def test_what_shards_measured_is_not_measured_again(
    sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = {"count": 4, "test_fraction": 0.3, "control": 6}
    make(sounds, tmp_path / "plain", **recipe)
    for i in (1, 2):
        make(sounds, tmp_path / "out", shard=f"{i}/2", **recipe)
    monkeypatch.setattr("poisonkit.engine.pipeline.measure", lambda task: pytest.fail("measured by the merge"))
    poisonkit.merge(tmp_path / "out", jobs=1)
    assert same_output(tmp_path / "out") == same_output(tmp_path / "plain")


def test_shards_of_clips_that_start_at_once_make_one_plan(folders: Path, tmp_path: Path) -> None:
    recipe = ["--trigger", "blend", "--rate", "0.25", "--control", "3"]
    command = [sys.executable, "-m", "poisonkit", "poison", str(folders), "-o", str(tmp_path / "out"), *recipe, "-j1"]
    shards = [subprocess.Popen([*command, "--shard", f"{i}/2"], stderr=subprocess.PIPE, text=True) for i in (1, 2)]
    for shard in shards:
        _, text = shard.communicate(timeout=120)
        assert shard.returncode == 0, text
    assert call(["merge", str(tmp_path / "out"), "-j1"]) == 0
    make(folders, tmp_path / "plain", triggers=["blend"], rate=0.25, control=3)
    assert same_output(tmp_path / "out") == same_output(tmp_path / "plain")


def test_the_second_of_two_plans_gives_way_to_the_first(
    sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one shard plans, another of the same recipe, then one of another recipe, saves its plan first."""
    from poisonkit.plan.planner import Planner

    real = Planner.plan_for
    out = tmp_path / "out"
    quicker: dict[str, object] = {"count": 3, "attack_set": False}

    def slow(self: Planner, chosen: Sequence[Chosen]) -> Plan:
        plan = real(self, chosen)
        monkeypatch.setattr(Planner, "plan_for", real)
        make(sounds, out, shard="2/2", **quicker)
        return plan

    monkeypatch.setattr(Planner, "plan_for", slow)
    make(sounds, out, shard="1/2", count=3, attack_set=False)
    assert poisonkit.merge(out, jobs=1).exit_code == 0
    quicker = {"count": 4, "attack_set": False}
    out = tmp_path / "other"
    monkeypatch.setattr(Planner, "plan_for", slow)
    with pytest.raises(RequestError, match=r"another recipe \(count is 4 there and 3 here\)"):
        make(sounds, out, shard="1/2", count=3, attack_set=False)
    assert "count: 4" in (out / "poisonkit" / "recipe.yaml").read_text(encoding="utf-8")


def test_every_sample_is_one_shards_and_all_have_as_much_work(sounds: Path, tmp_path: Path) -> None:
    plan, _, _ = poisonkit.make_plan(
        Recipe(source=sounds, out=tmp_path / "out", triggers=["sine"], count=7, test_fraction=0.2), jobs=1
    )
    parts = [share(Shard(i, 4), plan.tasks) for i in (1, 2, 3, 4)]
    assert sorted(name for part in parts for name in part) == sorted({t.id for t in plan.tasks})
    work = {t.id for t in plan.tasks if t.role != "clean"}
    sizes = [len(part & work) for part in parts]
    assert max(sizes) - min(sizes) <= 1


def test_a_shard_that_lives_keeps_others_of_its_number_and_whole_runs_out(
    sounds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    recipe = {"count": 4, "attack_set": False}
    state = out / "poisonkit" / ".state"
    with lock(state / "shards" / "data" / "1-of-2" / "lock", "is doing shard 1/2"):
        make(sounds, out, shard="2/2", **recipe)
        with pytest.raises(RequestError, match="is doing shard 1/2"):
            make(sounds, out, shard="1/2", **recipe)
        with pytest.raises(RequestError, match="is doing shard 1/2"):
            make(sounds, out, **recipe)
        with pytest.raises(RequestError, match="is doing shard 1/2"):
            make(sounds, out, shard="1/3", **recipe)
        assert call(["merge", str(out), "-j1"]) == 2
        assert "is doing shard 1/2" in capsys.readouterr().err
    with lock(state / "lock"), pytest.raises(RequestError, match="is writing"):
        make(sounds, out, shard="1/2", **recipe)
    make(sounds, out, shard="1/2", **recipe)
    assert poisonkit.merge(out, jobs=1).exit_code == 0


def test_merge_names_the_shards_that_are_not_done_and_changes_nothing(
    sounds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    recipe = {"count": 4, "test_fraction": 0.3, "control": 0, "survival": "none"}
    with pytest.raises(RequestError, match="There is no plan"):
        poisonkit.merge(out)
    make(sounds, out, shard="2/3", **recipe)

    class Stop:
        def say(self, text: str) -> None: ...
        def begin(self, what: str, total: int, expected: object = None) -> None: ...
        def end(self) -> None: ...
        def step(self, row: object = None) -> None:
            if row is not None:
                raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="Interrupted with 1 of 3 clips"):
        poisonkit.poison(
            Recipe(source=sounds, out=out, triggers=["sine"], **recipe), jobs=1, shard="1/3", progress=Stop()
        )
    before = tree(out)
    assert call(["merge", str(out)]) == 2
    told = capsys.readouterr().err
    assert "2 of 3 shards are not done: 1/3 (2 of 3 clips left), 3/3 (2 of 2 clips left)" in told
    assert tree(out) == before
    assert make(sounds, out, shard="1/3", **recipe).processed == 2
    make(sounds, out, **recipe)  # a run without --shard does what is left
    make(sounds, tmp_path / "plain", **recipe)
    assert same_output(out) == same_output(tmp_path / "plain")


def test_failed_clips_are_tried_again_by_their_shard_and_not_by_the_merge(
    damaged: Path, sounds: Path, tmp_path: Path
) -> None:
    root = tmp_path / "src"
    shutil.copytree(damaged, root)
    recipe = {"ids": ("yes/5.wav", "no/1.wav"), "target": "no", "attack_set": False, "label_mode": "all-to-all"}
    make(sounds, tmp_path / "plain", **recipe)
    shutil.copyfile(sounds / "yes" / "5.wav", root / "yes" / "5.wav")
    out = tmp_path / "out"
    plan = poisonkit.make_plan(Recipe(source=root, out=out, triggers=["sine"], **recipe), jobs=1)[0]
    mine = next(i for i in (1, 2) if "yes/5.wav" in share(Shard(i, 2), plan.tasks))
    make(root, out, shard=f"{3 - mine}/2", **recipe)  # it planned while the clip was whole
    (root / "yes" / "5.wav").write_bytes(b"torn")
    assert make(root, out, shard=f"{mine}/2", **recipe).exit_code == 1
    shutil.copyfile(sounds / "yes" / "5.wav", root / "yes" / "5.wav")
    merged = poisonkit.merge(out, jobs=1)
    assert (merged.exit_code, merged.processed) == (1, 0)
    assert make(root, out, shard=f"{mine}/2", **recipe).exit_code == 0
    assert poisonkit.merge(out, jobs=1).exit_code == 0
    assert sum(r["status"] != "ok" for r in record.read(out / "poisonkit" / "manifest.jsonl")) == 0


def test_attack_sets_are_sharded_too(sounds: Path, tmp_path: Path) -> None:
    for out in (tmp_path / "plain", tmp_path / "out"):
        make(sounds, out, count=4, test_fraction=0.3)
    poisonkit.attack(tmp_path / "plain", "weak", trigger=["sine:snr=40"], jobs=1)
    out = tmp_path / "out"
    assert call(["attack", str(out), "--name", "weak", "-t", "sine:snr=40", "-j1", "--shard", "1/2"]) == 0
    assert call(["merge", str(out), "--name", "weak", "-j1"]) == 2
    assert call(["attack", str(out), "--name", "weak", "-t", "sine:snr=40", "-j1", "--shard", "2/2"]) == 0
    assert call(["merge", str(out), "--name", "weak", "-j1"]) == 0
    assert same_output(out) == same_output(tmp_path / "plain")
    assert poisonkit.verify(out).ok


@pytest.mark.parametrize(
    ("text", "says"), [("0/4", "Kubernetes counts from 0"), ("5/4", "from 1 to 4"), ("x", "I/N"), ("1/0", "no such")]
)
def test_wrong_shards_are_refused(
    sounds: Path, tmp_path: Path, text: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["poison", str(sounds), "-o", str(tmp_path / "out"), "-t", "sine", "--shard", text]) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_whose_lock_it_is(tmp_path: Path) -> None:
    """Another host's lock counts while it is touched; a dead process's, or one whose number another has, does not."""
    path = tmp_path / "state" / "lock"
    with lock(path):
        mine = json.loads(path.read_text(encoding="utf-8"))
    assert retire(path) == ""

    def found(**changed: object) -> str:
        path.write_text(json.dumps({**mine, **changed}), encoding="utf-8")
        return retire(path)

    assert found() == f"process {os.getpid()} on {mine['host']}"
    assert found(began="1") == "", "the number belongs to another process now"
    assert found(boot="before") == ""
    for elsewhere in ({"host": "other"}, {"space": "pid:[1]"}):
        assert found(**elsewhere, pid=99999999) != "", "nobody can ask there"
        past = time.time() - LOST - 60
        os.utime(path, (past, past))
        assert retire(path) == "", "no sign of life"
    with lock(path):
        held = json.loads(path.read_text(encoding="utf-8"))
        assert {**held, "run": ""} == {**mine, "run": ""}
    found(host="other")
    with pytest.raises(RequestError, match="Another run"), lock(path):
        pass
    assert json.loads(path.read_text(encoding="utf-8"))["host"] == "other"


def test_the_same_process_number_on_two_hosts_makes_no_common_temporary_name(monkeypatch: pytest.MonkeyPatch) -> None:
    from poisonkit.common import atomic

    names = set()
    for _ in range(2):
        atomic._token.cache_clear()
        names.add(atomic.token())
    assert len(names) == 2
    assert len(atomic.beside(Path("x" * 255)).name.encode()) < 255
