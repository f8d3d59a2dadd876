"""Continuing, replacing, linking: what a killed or troubled run leaves, and what the next one makes of it."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

import poisonkit
from poisonkit import PoisonkitError, Recipe, RequestError
from poisonkit.engine.finishing import linking
from tests import runs
from tests.conftest import same_output
from tests.runs import rows

make = partial(runs.make, triggers=["sine"])


def test_a_farm_of_relative_links_is_linked_to_the_files_behind_it(sounds: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    shutil.copytree(sounds, store)
    for path in sorted(p for p in store.rglob("*") if p.is_file()):
        link = tmp_path / "farm" / path.relative_to(store)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(path, link.parent))
    out = tmp_path / "out"
    make(tmp_path / "farm", out, count=2, attack_set=False, allow_root=(store,))
    for row in rows(out, "clean"):
        copy = out / row["path"]
        assert not copy.is_symlink()
        assert copy.samefile(store / row["source_path"])
    assert poisonkit.verify(out).ok


def test_another_device_gets_another_method(sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far = sounds / "yes"
    real_link, real_stat = os.link, os.stat

    class Elsewhere:
        def __init__(self, found: os.stat_result) -> None:
            self.found = found
            self.st_dev = 77

        def __getattr__(self, name: str) -> object:
            return getattr(self.found, name)

    def link(a: object, b: object, **kw: object) -> None:
        if str(far) in str(a):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real_link(a, b, **kw)  # type: ignore[arg-type]

    def stat(path: object, **kw: object) -> object:
        found = real_stat(path, **kw)  # type: ignore[call-overload]
        return Elsewhere(found) if str(far) in str(path) else found

    monkeypatch.setattr("poisonkit.engine.finishing.linking.os.link", link)
    monkeypatch.setattr("poisonkit.engine.finishing.clean_samples.os.stat", stat)
    out = tmp_path / "out"
    assert make(sounds, out, count=2, attack_set=False).exit_code == 0
    monkeypatch.undo()
    assert all((out / r["path"]).read_bytes() == (sounds / r["source_path"]).read_bytes() for r in rows(out, "clean"))
    assert poisonkit.verify(out).ok


def test_a_replaced_sample_is_never_tried_again(sounds: Path, tmp_path: Path) -> None:
    root = tmp_path / "src"
    shutil.copytree(sounds, root)
    kept = {p: p.read_bytes() for p in sorted((root / "yes").iterdir())[:4]}
    for path in kept:
        soundfile.write(path, np.zeros(6400), 16000)
    recipe = {"triggers": ["sine:snr=20"], "count": 5, "attack_set": False, "replace_failed": True, "seed": 3}
    out = tmp_path / "out"
    make(root, out, **recipe)
    chosen = {r["key"]: r["status"] for r in rows(out, "poisoned")}
    lost = [r for r in rows(out, "poisoned") if r["status"] != "ok"]
    assert lost
    for path, data in kept.items():
        path.write_bytes(data)
    again = make(root, out, **recipe)
    assert again.processed == 0
    assert sum(r["status"] == "ok" for r in rows(out, "poisoned")) == 5
    assert {r["key"]: r["status"] for r in rows(out, "poisoned")} == chosen


def test_reencoded_clean_files_of_replacements_are_not_left_behind(sounds: Path, tmp_path: Path) -> None:
    root = tmp_path / "src"
    shutil.copytree(sounds, root)
    for path in sorted((root / "yes").iterdir())[:4]:
        soundfile.write(path, np.zeros(6400), 16000)
    out = tmp_path / "out"
    make(root, out, triggers=["sine:snr=20"], count=5, attack_set=False, replace_failed=True, clean="reencode")
    assert poisonkit.verify(out).ok


def test_trouble_with_the_machine_stops_the_run_and_the_same_command_continues(
    sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from poisonkit import media

    real, calls = media.rewrite, []

    def full(*args: object, **kw: object) -> object:
        calls.append(1)
        if len(calls) == 3:
            raise poisonkit.MediaError("x could not be written") from OSError(errno.ENOSPC, "No space left on device")
        return real(*args, **kw)  # type: ignore[arg-type]

    monkeypatch.setattr(media, "rewrite", full, raising=False)
    recipe = {"count": 5, "attack_set": False, "replace_failed": True}
    with pytest.raises(PoisonkitError, match="No space left on device"):
        make(sounds, tmp_path / "out", **recipe)
    monkeypatch.undo()
    assert make(sounds, tmp_path / "out", **recipe).exit_code == 0
    make(sounds, tmp_path / "quiet", **recipe)
    assert same_output(tmp_path / "out") == same_output(tmp_path / "quiet")


def test_what_a_killed_run_left_in_the_way_is_no_obstacle(sounds: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "poisonkit" / "assets").mkdir(parents=True)
    (out / "poisonkit" / ".plan.jsonl.4711.tmp").write_text("half", encoding="utf-8")
    make(sounds, out, count=2, attack_set=False)
    stray = out / "data" / "yes" / ".poisonkit-4711-0.part.wav"
    stray.write_bytes(b"half")
    card = out / ".README.md.4711-b87deaa4-11.tmp"
    card.write_bytes(b"half")
    (out / "poisonkit" / ".state" / "unclean").touch()
    make(sounds, out, count=2, attack_set=False)
    assert not stray.exists()
    assert not card.exists()
    assert poisonkit.verify(out).ok


def test_a_refused_request_leaves_nothing(sounds: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError):
        make(sounds, tmp_path / "new" / "out", count=99)
    assert not (tmp_path / "new").exists()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for out in (tmp_path / "dangling", tmp_path / "file" / "out"):
        with pytest.raises(PoisonkitError):
            make(sounds, out, count=1)


@pytest.mark.parametrize("after", [0.15, 0.5, 0.9])
def test_killed_at_any_moment_the_same_command_gives_the_same_output(
    folders: Path, tmp_path: Path, after: float
) -> None:
    recipe = {"triggers": ["blend"], "rate": 0.25, "control": 3}
    call = "import poisonkit,sys,json; a=json.loads(sys.argv[1]); poisonkit.poison(poisonkit.Recipe(**a), jobs=2)"
    script = tmp_path / "run.py"
    script.write_text(f"if __name__ == '__main__':\n    {call}\n", encoding="utf-8")
    out = tmp_path / "out"
    told = json.dumps({"source": str(folders), "out": str(out), **recipe})
    child = subprocess.Popen([sys.executable, str(script), told], start_new_session=True)
    plan = out / "poisonkit" / "plan.jsonl"
    while child.poll() is None and not plan.exists():
        time.sleep(0.01)
    wanted = 0
    ledger = out / "poisonkit" / ".state" / "ledger.jsonl"
    while child.poll() is None and wanted < after * 17:
        wanted = ledger.read_bytes().count(b"\n") if ledger.exists() else 0
        time.sleep(0.005)
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    make(folders, out, jobs=1, **recipe)
    make(folders, tmp_path / "quiet", jobs=1, **recipe)
    assert same_output(out) == same_output(tmp_path / "quiet")


def test_require_survival_needs_something_measured(sounds: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError):
        Recipe(source=sounds, triggers=["sine"], survival="none", require_survival=0.5)


def test_a_lock_appears_whole_and_a_dead_ones_gives_way(tmp_path: Path) -> None:
    from poisonkit.engine.state.locks import lock

    path = tmp_path / "a" / "b" / "lock"
    with lock(path):
        assert json.loads(path.read_text(encoding="utf-8"))["pid"] == os.getpid()
        with pytest.raises(RequestError, match="Another run"), lock(path):
            pass
    assert not path.exists()
    path.write_text("", encoding="utf-8")
    with pytest.raises(RequestError, match="no lock"), lock(path):
        pass
    assert linking.is_temporary(".lock.1.tmp")
