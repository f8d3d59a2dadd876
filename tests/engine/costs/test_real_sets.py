"""How long runs on real clips take, beside what was said before the wait: an idle machine, some minutes.

`make test-timing`. Wall and CPU seconds are printed; the dry run's seconds have to be within 35 % of the run's.
The run's CPU seconds hold some four of its processes' own beginnings, which the dry run's do not. Without a trial the
load of the last minute counts: wait until it is gone.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.timing, pytest.mark.realdata]
SETS = {
    "HMDB51, MPEG-4": ("video/hmdb51", "*.avi", 24, "badnets"),
    "GRID, MPEG-1 with sound": ("av/grid", "*.mpg", 12, "blend"),
    "Weizmann, H.264": ("video/weizmann64", "*.mp4", 6, "sig"),
    "FSDD, wav": ("audio/fsdd", "*.wav", 3, "sine"),
}


def dataset(root: Path, clips: Iterable[Path], times: int) -> Path:
    """Class folders of the clips, each so many times; a quarter is held out."""
    for number, clip in enumerate(sorted(clips)):
        for again in range(times):
            split = "test" if again % 4 == 0 else "train"
            folder = root / split / f"class {number % 4}"
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(clip, folder / f"{again:02d} {clip.name}")
    return root


def poison(*words: object) -> tuple[Any, float, float]:
    """(what it prints as JSON, wall seconds, CPU seconds of it and its workers)."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-m", "poisonkit", "poison", *map(str, words), "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-1000:]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads(done.stdout), time.monotonic() - began, cpu


@pytest.mark.parametrize("name", SETS)
def test_what_is_said_is_what_it_takes(name: str, realdata: Path, tmp_path: Path) -> None:
    folder, pattern, times, trigger = SETS[name]
    source = dataset(tmp_path / "in", (realdata / folder).rglob(pattern), times)
    words = (source, "-t", trigger, "--rate", 0.5, "-o", tmp_path / "out")
    said = poison(*words, "--dry-run")[0]["estimate"]
    _, seconds, cpu = poison(*words, "--no-calibrate")
    written = sum(
        each.stat().st_size
        for part in ("data", "control", "attack/default/target")
        for each in (tmp_path / "out" / part).rglob(pattern)
        if part != "data" or each.stat().st_nlink == 1
    )
    print(
        f"\n{name}: {said['files_written']} files, said {said['seconds']:.0f} s ({said['cpu_seconds']:.0f} s CPU, "
        f"{said['bytes_written'] / 1e6:.1f} MB), took {seconds:.0f} s ({cpu:.0f} s CPU, {written / 1e6:.1f} MB); "
        f"a trial on {said['calibrated_on']} clips; load {os.getloadavg()[0]:.0f}"
    )
    assert said["bytes_written"] == pytest.approx(written, rel=0.35)
    assert said["seconds"] == pytest.approx(seconds, rel=0.35)
