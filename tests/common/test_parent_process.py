"""Workers of a run that was killed are gone a moment later."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
import os, sys, time
from poisonkit.engine.executors.local import map_unordered

def note(path):
    open(path, "w").write(str(os.getpid()))
    time.sleep(300)

if __name__ == "__main__":
    list(map_unordered(note, sys.argv[1:], 2))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    """They went on for minutes, and wrote into whatever their output had become."""
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    notes = [tmp_path / "a", tmp_path / "b"]
    path = os.pathsep.join([str(Path(__file__).parents[2]), str(tmp_path)])
    command = [sys.executable, str(tmp_path / "script.py"), *map(str, notes)]
    parent = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, stderr=subprocess.DEVNULL)
    workers: list[int] = []
    try:
        end = time.monotonic() + 120
        while time.monotonic() < end and not all(n.exists() and n.read_text() for n in notes):
            time.sleep(0.1)
        workers = [int(n.read_text()) for n in notes]
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        end = time.monotonic() + 20
        while time.monotonic() < end and any(map(_alive, workers)):
            time.sleep(0.1)
        assert [pid for pid in workers if _alive(pid)] == []
    finally:
        for pid in (parent.pid, *workers):
            if _alive(pid):
                os.kill(pid, signal.SIGKILL)
        parent.wait()


def _alive(pid: int) -> bool:
    """Whether a process runs: one that ended and that nobody has asked for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        try:
            os.kill(pid, 0)
        except OSError:
            return False
        return not Path("/proc/self").exists()
    return state not in "ZX"
