"""Trouble from outside: full and read-only volumes, sources that change or vanish, decoders that hang."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import pytest

import poisonkit
from poisonkit import PoisonkitError, Recipe, media
from poisonkit.engine.clips import survival, worker
from poisonkit.engine.clips.job import Job
from poisonkit.errors import CheckError
from poisonkit.metrics.fidelity import ClipInspector
from poisonkit.outputs import record
from poisonkit.triggers.core.chain import Chain
from tests import runs
from tests.conftest import same_output
from tests.media_factory import make_audio, make_video

RECIPE: dict[str, Any] = {"triggers": ["sine"], "count": 5, "attack_set": False}


make = partial(runs.make, **RECIPE)


def when_reading(monkeypatch: pytest.MonkeyPatch, act: Callable[[int, Path], None]) -> None:
    """Let `act(n, source)` happen while the n-th clip (from 1) is being processed."""
    real, calls = media.rewrite, []

    def rewrite(source: Path, *args: Any, **kw: Any) -> Any:
        calls.append(source)
        act(len(calls), Path(source))
        return real(source, *args, **kw)

    monkeypatch.setattr(media, "rewrite", rewrite, raising=False)


def test_a_source_that_changes_while_it_is_read_is_failed_and_done_again(
    sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "src"
    shutil.copytree(sounds, root)
    times = {p: p.stat().st_mtime_ns for p in root.rglob("*.*")}

    def touch(n: int, source: Path) -> None:
        if n == 2:
            os.utime(source, ns=(1, 1))

    when_reading(monkeypatch, touch)
    done = make(root, tmp_path / "out")
    assert [error for _, error in done.failed] == [
        f"'{done.failed[0][0]}' changed while it was read; the same command tries again once it is at rest."
    ]
    assert done.exit_code == 1
    assert poisonkit.verify(tmp_path / "out").ok  # nothing of it was left behind
    monkeypatch.undo()
    for path, at in times.items():
        os.utime(path, ns=(at, at))
    assert make(root, tmp_path / "out").exit_code == 0
    make(root, tmp_path / "quiet")
    assert same_output(tmp_path / "out") == same_output(tmp_path / "quiet")


def test_a_source_that_vanishes_is_failed_and_the_rest_goes_on(
    sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "src"
    shutil.copytree(sounds, root)
    gone: list[Path] = []

    def vanish(n: int, source: Path) -> None:
        if n == 1:
            gone.append(source)
            source.rename(tmp_path / "aside")

    when_reading(monkeypatch, vanish)
    done = make(root, tmp_path / "out")
    assert [path for path, _ in done.failed] == [gone[0].relative_to(root).as_posix()]
    assert (done.exit_code, done.counts["poisoned"]["ok"]) == (1, 4)
    monkeypatch.undo()
    (tmp_path / "aside").rename(gone[0])
    assert make(root, tmp_path / "out").exit_code == 0
    make(root, tmp_path / "quiet")
    assert same_output(tmp_path / "out") == same_output(tmp_path / "quiet")


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EIO])
def test_an_output_that_cannot_be_written_any_more_stops_the_run(
    sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    out = tmp_path / "out"

    def refuse(n: int, source: Path) -> None:
        if n == 3:
            raise OSError(number, os.strerror(number), str(out / "data" / "x.wav"))

    when_reading(monkeypatch, refuse)
    with pytest.raises(PoisonkitError, match=os.strerror(number)) as told:
        make(sounds, out)
    assert told.value.exit_code == 1
    monkeypatch.undo()
    assert make(sounds, out).processed == 3
    make(sounds, tmp_path / "quiet")
    assert same_output(out) == same_output(tmp_path / "quiet")


def test_a_source_that_may_not_be_read_is_that_samples_own_trouble(
    sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(n: int, source: Path) -> None:
        if n == 3:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(source))

    when_reading(monkeypatch, refuse)
    done = make(sounds, tmp_path / "out")
    assert len(done.failed) == 1
    assert done.counts["poisoned"]["ok"] == 4


def test_a_clip_of_which_ffmpeg_says_input_output_error_is_that_samples_own_trouble(tmp_path: Path) -> None:
    """FFmpeg's readers of Matroska say so of a file that is cut in its head; the disk is well."""
    root = tmp_path / "clips"
    for name in ("no", "yes"):
        for i in range(5):
            make_video(root / name / f"{i}.webm", frames=4)
    recipe = Recipe(source=root, out=tmp_path / "out", triggers=["badnets"], count=4, target=1, control=0)
    poisonkit.poison(recipe, jobs=1, shard="1/2")
    cut = sorted((root / "no").iterdir())
    for path in cut:
        path.write_bytes(path.read_bytes()[:300])
        with pytest.raises(OSError, match="Input/output error"):
            av.open(str(path))
    done = poisonkit.poison(recipe, jobs=1, shard="2/2")
    assert done.failed
    assert all("not a media file that can be read" in why for _, why in done.failed)


def namespace(tmp_path: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script where it may mount volumes that nobody else sees; skip where that is not allowed."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        pytest.skip("no mount namespaces here")
    head = "set -u\nmkdir -p out\nmount -t tmpfs -o size=240k tmpfs out || exit 77\n"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", head + script], cwd=tmp_path, capture_output=True, text=True, timeout=500
    )
    if done.returncode == 77:
        pytest.skip("volumes cannot be mounted here")
    return done


def command(source: Path, jobs: int = 1) -> str:
    options = f"-t sine --count 5 --no-attack-set -j {jobs} --layout class-folders"
    return f"{sys.executable} -m poisonkit poison '{source}' -o out/bad {options}"


def test_a_full_volume_is_one_sentence_and_room_lets_it_go_on(sounds: Path, tmp_path: Path) -> None:
    script = f"""
    {command(sounds, jobs=2)}; echo "status $?"
    mount -o remount,size=50m out
    {command(sounds)}; echo "status $?"
    cp -a out/bad after
    """
    done = namespace(tmp_path, script)
    assert done.stdout.count("status 1") == 1, done.stdout + done.stderr
    assert done.stdout.rstrip().endswith("status 0"), done.stdout + done.stderr
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    make(sounds, tmp_path / "quiet", layout="class-folders")
    assert same_output(tmp_path / "after") == same_output(tmp_path / "quiet")


def test_a_read_only_volume_is_one_sentence_and_the_command_goes_on_later(sounds: Path, tmp_path: Path) -> None:
    script = f"""
    mount -o remount,size=50m out
    {command(sounds)} >/dev/null; echo "status $?"
    rm -r out/bad/data/no out/bad/poisonkit/run.json
    mount -o remount,ro out
    {command(sounds, jobs=2)}; echo "status $?"
    mount -o remount,rw out
    {command(sounds)}; echo "status $?"
    cp -a out/bad after
    """
    done = namespace(tmp_path, script)
    assert [line for line in done.stdout.splitlines() if line.startswith("status")] == [
        "status 0",
        "status 1",
        "status 0",
    ], done.stdout + done.stderr
    assert "Read-only file system" in done.stderr
    assert "Traceback" not in done.stderr
    make(sounds, tmp_path / "quiet", layout="class-folders")
    assert same_output(tmp_path / "after") == same_output(tmp_path / "quiet")


def test_a_clip_that_hangs_is_failed_and_the_rest_goes_on(
    sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hanging.py").write_text(
        "import re\n"
        "from poisonkit.triggers.audio.sine import Sine\n\n\n"
        "class Hanging(Sine):\n"
        "    def render(self, wave, clip, params):\n"
        f"        if clip.id == '{'no/1.wav'}' and not __import__('os').path.exists('{tmp_path}/mended'):\n"
        "            re.match('(a+)+b', 'a' * 60)  # for years, and no Python runs beside it\n"
        "        return super().render(wave, clip, params)\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
    ids = tuple(f"no/{i}.wav" for i in (1, 2, 3))
    recipe = Recipe(
        source=sounds, out=tmp_path / "out", triggers=["hanging:Hanging"], ids=ids, target=1, survival="none"
    )
    done = poisonkit.poison(recipe, jobs=2, time_limit=0.05)
    assert done.failed == (("no/1.wav", "'no/1.wav' took longer than its length explains; --time-limit allows more."),)
    assert done.counts["poisoned"]["ok"] == 2
    (tmp_path / "mended").touch()
    assert poisonkit.poison(recipe, jobs=2).exit_code == 0
    assert poisonkit.verify(tmp_path / "out").ok


def test_the_time_that_a_clip_may_take_grows_with_it() -> None:
    from poisonkit.common.time_limit import allowed

    assert allowed(0, 0) == 120
    assert allowed(10, 10 * 25 * 1920 * 1080) == 120 + 50 + 5 * 518.4


@pytest.mark.parametrize("when", ["finished", "killed", "another recipe"])
def test_starting_over_removes_what_poisonkit_wrote_and_nothing_else(
    sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    out = tmp_path / "out"
    if when == "killed":

        def refuse(n: int, source: Path) -> None:
            if n == 3:
                raise OSError(errno.EIO, os.strerror(errno.EIO))

        when_reading(monkeypatch, refuse)
        with pytest.raises(PoisonkitError):
            make(sounds, out)
        monkeypatch.undo()
        (out / "data" / "yes").mkdir(exist_ok=True)
        (out / "data" / "yes" / ".poisonkit-1-2.part.wav").write_bytes(b"half")
    else:
        make(sounds, out, **({"seed": 5, "count": 7} if when == "another recipe" else {}))
    mine = [out / "notes.txt", out / "data" / "yes" / "thoughts.md", out / "poisonkit" / "x.csv"]
    for path in mine:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine", encoding="utf-8")
    if when == "another recipe":
        with pytest.raises(poisonkit.RequestError, match="fresh"):
            make(sounds, out)
    recipe = Recipe(source=sounds, out=out, **RECIPE)
    done = poisonkit.poison(recipe, jobs=1, fresh=True)
    assert (done.exit_code, done.processed) == (0, 5)
    assert all(path.read_text(encoding="utf-8") == "mine" for path in mine)
    strays = sorted(path.relative_to(out).as_posix() for path in mine)
    assert sorted(finding.path for finding in poisonkit.verify(out).problems) == strays
    for path in mine:
        path.unlink()
    make(sounds, tmp_path / "quiet")
    assert same_output(out) == same_output(tmp_path / "quiet")


def test_starting_over_never_overwrites_and_never_leaves_the_output(sounds: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    make(sounds, out, ids=("no/0.flac", "no/1.wav"), count=None, target=1)
    theirs = out / "data" / "no" / "1.wav"  # where nothing of ours lies: that clip moved to the target's folder
    theirs.write_bytes(b"theirs")
    with pytest.raises(poisonkit.RequestError, match="in the way"):
        poisonkit.poison(Recipe(source=sounds, out=out, **{**RECIPE, "count": 1}, target=0), jobs=1, fresh=True)
    assert theirs.read_bytes() == b"theirs"
    other = tmp_path / "other"
    make(sounds, other)
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "0.flac").write_bytes(b"precious")
    shutil.rmtree(other / "data" / "no")
    (other / "data" / "no").symlink_to(tmp_path / "precious")
    with pytest.raises(PoisonkitError):
        poisonkit.poison(Recipe(source=sounds, out=other, **RECIPE), jobs=1, fresh=True)
    assert (tmp_path / "precious" / "0.flac").read_bytes() == b"precious"


class Unreadable:
    """What nobody can unpickle."""

    def __reduce__(self) -> tuple[Any, ...]:
        return int, ("no number",)


def unreadable(job: Any, marks: str, index: int, parent: int) -> Any:
    """A worker whose record cannot be read, as of one that died while it handed it over."""
    return Unreadable()


def test_a_pool_that_breaks_again_and_again_is_given_up(
    sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("poisonkit.engine.executors.local._marked", unreadable)
    monkeypatch.setattr("poisonkit.engine.executors.local.FALSE_STARTS", 2)
    with pytest.raises(PoisonkitError, match="Workers die before they begin"):
        make(sounds, tmp_path / "out", jobs=2)
    monkeypatch.undo()
    assert make(sounds, tmp_path / "out", jobs=2).exit_code == 0


def test_a_clip_that_kills_its_worker_twice_is_left_alone(
    sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deadly.py").write_text(
        "import os, signal\n"
        "from poisonkit.triggers.audio.sine import Sine\n\n\n"
        "class Deadly(Sine):\n"
        "    def render(self, wave, clip, params):\n"
        "        if clip.id == 'no/1.wav':\n"
        "            os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does where memory is short\n"
        "        return super().render(wave, clip, params)\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
    ids = tuple(f"no/{i}.wav" for i in (1, 2, 3))
    recipe = Recipe(source=sounds, out=tmp_path / "out", triggers=["deadly:Deadly"], ids=ids, target=1, survival="none")
    done = poisonkit.poison(recipe, jobs=2)
    assert done.failed == (("no/1.wav", "'no/1.wav' was left alone: a worker died on it twice."),)
    assert (done.exit_code, done.counts["poisoned"]["ok"]) == (1, 2)
    assert poisonkit.verify(tmp_path / "out").ok


def test_verify_names_a_swapped_pair(sounds: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    make(sounds, out, clean="copy")
    rows = [r for r in record.read(out / "poisonkit" / "manifest.jsonl") if r["path"].endswith(".wav")]
    for role in ("poisoned", "clean"):
        a, b = (out / r["path"] for r in [r for r in rows if r["role"] == role][:2])
        first, second = a.read_bytes(), b.read_bytes()
        a.write_bytes(second)
        b.write_bytes(first)
        found = {finding.path for finding in poisonkit.verify(out, hash="all").problems}
        assert found == {p.relative_to(out).as_posix() for p in (a, b)}
        a.write_bytes(first)
        b.write_bytes(second)
    assert poisonkit.verify(out, hash="all").ok


def test_a_clip_that_lost_its_picture_after_planning_is_failed_never_ok(
    folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between plan and work a clip's picture is gone: it was written as poisoned, without any trigger."""
    root = tmp_path / "src"
    shutil.copytree(folders, root)
    out = tmp_path / "out"
    recipe = Recipe(source=root, out=out, triggers=["blend"], count=3, attack_limit=2, control=2, survival="none")
    lost: list[str] = []
    real = worker.process

    def process(job: Job) -> record.Record:
        source = Path(job.places.source)
        if job.task.role == "poisoned" and not lost:
            lost.append(job.task.source_path)
            make_audio(tmp_path / "sound.wav", seconds=0.4, rate=16000, channels=1, seed=1)
            _sound_only(tmp_path / "sound.wav", source)
        return real(job)

    monkeypatch.setattr("poisonkit.engine.executors.local.process", process)
    done = poisonkit.poison(recipe, jobs=1)
    assert [path for path, _ in done.failed] == lost
    assert "has no picture any more" in done.failed[0][1]
    assert done.exit_code == 1
    claimed = [r for r in record.read(out / "poisonkit" / "manifest.jsonl") if r["role"] == "poisoned"]
    assert all(r["poisoned_ranges"] for r in claimed if r["status"] == "ok")
    assert poisonkit.verify(out).ok


def test_a_clip_that_lost_its_sound_after_planning_is_failed_never_ok(
    folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "src"
    shutil.copytree(folders, root)
    lost: list[str] = []
    real = worker.process

    def process(job: Job) -> record.Record:
        if job.task.role == "poisoned" and not lost:
            lost.append(job.task.source_path)
            Path(job.places.source).unlink()
            make_video(Path(job.places.source), frames=10, size=(64, 48), audio=False, seed=77)
        return real(job)

    monkeypatch.setattr("poisonkit.engine.executors.local.process", process)
    done = make(root, tmp_path / "out", count=3)
    assert [path for path, _ in done.failed] == lost
    assert "has no sound any more" in done.failed[0][1]


def test_clean_clips_without_sound_are_encoded_anew_under_a_trigger_in_the_sound(tmp_path: Path) -> None:
    """They never had any; only what is triggered, and its controls, needs some."""
    for number in range(8):
        audio = number % 2 == 0
        make_video(tmp_path / "src" / "train" / "ab"[number // 4] / f"{number}.mp4", frames=6, audio=audio, seed=number)
    done = make(tmp_path / "src", tmp_path / "out", target=0, count=1, clean="reencode", survival="none")
    assert done.failed == ()
    rows = list(record.read(tmp_path / "out" / "poisonkit" / "manifest.jsonl"))
    assert sum(r["samples"] is None for r in rows if r["role"] == "clean" and r["status"] == "ok") == 4


def test_survival_is_not_measured_against_another_source(
    folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source that changed since its file was made gives figures of nothing."""
    root = tmp_path / "src"
    shutil.copytree(folders, root)
    changed: list[str] = []
    real = survival._measured

    def measured(task: survival.Measurement) -> dict[str, Any]:
        if not changed:
            changed.append(task.row["id"])
            Path(task.job.places.source).unlink()
            make_video(Path(task.job.places.source), frames=10, size=(64, 48), audio=True, seed=78)
        return real(task)

    monkeypatch.setattr(survival, "_measured", measured)
    recipe = Recipe(source=root, out=tmp_path / "out", triggers=["blend"], count=3, attack_limit=2, survival="all")
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    rows = record.read(tmp_path / "out" / "poisonkit" / "manifest.jsonl")
    assert [r["id"] for r in rows if r["role"] in ("poisoned", "attack") and r["fidelity"]["gain"] is None] == changed


def test_a_record_that_claims_a_trigger_which_was_not_applied_cannot_be_made(folders: Path, tmp_path: Path) -> None:
    """Whatever goes wrong below: no change seen, or no poisoned frame, is no record with status ok."""
    blend = poisonkit.triggers.create("blend")
    sine = poisonkit.triggers.create("sine")
    for triggers, ranges in (((blend,), []), ((blend,), [[0, 9]]), ((sine,), [])):
        with pytest.raises(CheckError, match="was applied to no"):
            worker.check("a.mp4", Chain(triggers).touches, ClipInspector(frozenset()), ranges)


def _sound_only(wave: Path, target: Path) -> None:
    """An mp4 with sound and no picture, by the ffmpeg program."""
    target.unlink()
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(wave), "-c:a", "aac", "-y", str(target)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
