"""OpenCV is the user's to choose: none, or too old a one, is named in one sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import poisonkit
from poisonkit.common import levels, opencv
from poisonkit.errors import RequestError

WITHOUT = """
import sys
class Hides:
    def find_spec(self, name, *rest):
        if name == "cv2":
            raise ModuleNotFoundError("No module named 'cv2'", name="cv2")
sys.meta_path.insert(0, Hides())
"""


def test_the_command_says_what_to_install(tmp_path: Path) -> None:
    code = f"{WITHOUT}\nfrom poisonkit.cli import call\nsys.exit(call(['sample-data', {str(tmp_path / 'new')!r}]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, f"poisonkit: {opencv.MISSING}\n")


def test_the_interface_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opencv, "find_spec", lambda name: None)
    with pytest.raises(RequestError, match="pip install opencv-python-headless"):
        _ = poisonkit.poison


def test_one_that_is_too_old_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "__version__", "4.10.0")
    monkeypatch.setattr(opencv, "version", opencv.version.__wrapped__)
    with pytest.raises(RequestError, match=r"needs OpenCV 4\.11 or later, and this environment has 4\.10\.0"):
        levels.of_process.__wrapped__()


def test_a_table_is_looked_up_alike_with_every_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    index, table = rng.integers(0, 65536, (20, 30), np.uint16), rng.integers(0, 256, (256, 256), np.uint8)
    here = opencv.look_up(index, table)
    monkeypatch.setattr(opencv, "version", lambda: (4, 11))
    np.testing.assert_array_equal(opencv.look_up(index, table), here)
