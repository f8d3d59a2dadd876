"""Other processes, as on another processor."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from poisonkit.common import levels

ROOT = Path(__file__).parents[2]


OURS = (levels.MARK, "NPY_DISABLE_CPU_FEATURES", "OPENCV_CPU_DISABLE", "OPENCV_IPP", "GLIBC_TUNABLES")


PLAIN = {name: value for name, value in os.environ.items() if name not in OURS}


on_v3 = pytest.mark.skipif(levels.of_process() != levels.V3, reason="levels are compared on a processor with AVX2")


def run(*command: str, **more: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(ROOT), *sys.path])
    environment = {**PLAIN, "PYTHONPATH": path, **more}
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False)


def differing(a: dict[str, str], b: dict[str, str]) -> list[str]:
    return sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name))
