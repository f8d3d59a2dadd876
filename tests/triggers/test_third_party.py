"""The example package: a trigger from outside, installed or named, is listed, helped with and works."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.testing import check_trigger, picture

PACKAGE = Path(__file__).parents[2] / "examples" / "third_party_trigger"


def rows_are_darker(x: np.ndarray, out: np.ndarray, by: float) -> bool:
    return np.array_equal(out[::2], x[::2]) and np.array_equal(out[1::2], np.rint(x[1::2] * (1 - by)))


def test_named_as_module_and_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(PACKAGE)
    trigger = create("poisonkit_scanlines:Scanlines:by=0.4")
    x = picture(33, 47, 1)[0]
    assert rows_are_darker(x, trigger.apply(x), 0.4)
    assert trigger.entry()["name"] == "poisonkit_scanlines:Scanlines"
    check_trigger(type(trigger))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which the package is installed, from a copy and without the package index."""
    folder = tmp_path_factory.mktemp("outside")
    shutil.copytree(PACKAGE, folder / "package", ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", *offline, "--target", folder / "site", folder / "package"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and "No module named pip" in done.stderr:
        pytest.skip("this environment has no pip")
    assert not done.returncode, done.stderr
    paths = [str(folder / "site"), *(p for p in sys.path if p)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "COLUMNS": "200"}


def test_installed_it_is_listed_helped_with_and_works(installed: dict[str, str], tmp_path: Path) -> None:
    def run(*words: str) -> str:
        command = [sys.executable, "-m", "poisonkit", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=installed, cwd=tmp_path)
        return done.stdout

    listed = {t["name"]: t for t in json.loads(run("triggers", "--json"))["triggers"]}
    assert listed["scanlines"]["family"] == "image"
    assert "how much darker" in run("triggers", "scanlines")
    np.save(tmp_path / "x.npy", picture(20, 15, 1)[0])
    code = (
        "import numpy as np; from poisonkit.triggers import create, from_entry; t = create('scanlines:by=0.5');"
        "assert t.entry()['name'] == 'scanlines' and from_entry(t.entry()) == t;"
        "np.save('out.npy', t.apply(np.load('x.npy')))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=installed, cwd=tmp_path)
    assert rows_are_darker(np.load(tmp_path / "x.npy"), np.load(tmp_path / "out.npy"), 0.5)
