"""A probe and a cleanse that are killed: the same command comes to the same bytes, and nothing says ok in between.

Killed for good (`os._exit`), at the n-th file that is moved into its place; where n comes from a seed.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import poisonkit
from poisonkit.errors import RequestError
from poisonkit.outputs.begun_probes import half_written
from tests.conftest import same_output, tree
from tests.datasets.writers import frame_folder
from tests.runs import rows

KILL = """
import os, sys, poisonkit
left, move = int(sys.argv[1]), os.replace
def killed(*a, **k):
    global left
    left -= 1
    if left < 0:
        os._exit(9)
    return move(*a, **k)
os.replace = killed
%s
print(int(sys.argv[1]) - left)
"""
PROBE = KILL % "poisonkit.probe(sys.argv[2], kind='scale-up', limit=1, jobs=1)"
CLEANSE = KILL % "poisonkit.cleanse(sys.argv[2], suspects=sys.argv[3], folder=sys.argv[4])"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of frames, the quickest to write."""
    root = tmp_path_factory.mktemp("frames")
    for split, n in (("train", 6), ("val", 3)):
        for i in range(n):
            frame_folder(root / "in" / split / f"c{i}", seed=i)
        (root / "in" / f"{split}.txt").write_text("".join(f"{split}/c{i} 4 {i % 3}\n" for i in range(n)))
    recipe = poisonkit.Recipe(source=root / "in", out=root / "out", triggers=["badnets"], count=1, control=0)
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    return root / "out"


def started(code: str, moves: int, *words: Any) -> subprocess.CompletedProcess[str]:
    words = tuple(map(str, (moves, *words)))
    return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)


def says_ok(out: Path) -> bool:
    try:
        return poisonkit.verify(out).ok
    except RequestError:
        return False


def test_a_killed_probe_comes_to_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    whole = Path(shutil.copytree(finished, tmp_path / "whole", symlinks=True))
    total = int(started(PROBE, 10**6, whole).stdout)
    assert says_ok(whole)
    assert half_written(whole) == {}
    assert not (whole / "poisonkit/.state/probing.json").exists()
    out = Path(shutil.copytree(finished, tmp_path / "out", symlinks=True))
    chance = random.Random("probe")
    for moves in (chance.randrange(total // 10, total // 2), chance.randrange(total // 10, total // 3)):
        assert started(PROBE, moves, out).returncode == 9
        assert not says_ok(out)
    left = half_written(out)
    assert set(left) == {"scale-up"}
    assert started(PROBE, 10**6, out).returncode == 0
    assert same_output(out) == same_output(whole)
    assert says_ok(out)


def test_a_killed_cleanse_leaves_no_dataset(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text(next(r["id"] for r in rows(finished, "poisoned")))
    given = (finished, tmp_path / "v.txt")
    total = int(started(CLEANSE, 10**6, *given, tmp_path / "whole").stdout)
    for moves in (0, random.Random("cleanse").randrange(1, total)):
        assert started(CLEANSE, moves, *given, tmp_path / "made").returncode == 9
        assert not (tmp_path / "made").exists()
    again = poisonkit.cleanse(finished, suspects=tmp_path / "v.txt", folder=tmp_path / "made")
    assert tree(tmp_path / "made") == tree(tmp_path / "whole")
    same = poisonkit.cleanse(finished, suspects=tmp_path / "v.txt", folder=tmp_path / "made")
    assert (same.removed, same.stayed, same.lists) == (again.removed, again.stayed, again.lists)
    assert same.method == "there already"
    (tmp_path / "made/data/train.txt").unlink()
    with pytest.raises(RequestError, match="is there already"):
        poisonkit.cleanse(finished, suspects=tmp_path / "v.txt", folder=tmp_path / "made")
