"""Python modules that lie in a stranger's dataset are run by nobody, though the commands are given in its folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = {
    "poison": "poison . -o ../out -t sine --count 2 --target no --clean reencode --jobs 2",
    "inspect": "inspect . --jobs 2",
    "dask": "poison . -o ../out -t sine --count 2 --target no --jobs 2 --executor dask --scheduler local",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_modules_beside_the_clips(sounds: Path, tmp_path: Path, command: str) -> None:
    """loky, Dask and multiprocessing start workers with `python -c` and `-m`, which look in the current folder first:
    a `joblib.py` beside the clips was run."""
    if command == "dask":
        pytest.importorskip("distributed")
    root = shutil.copytree(sounds, tmp_path / "in")
    canary = tmp_path / "canary"
    ours = ("av", "cv2", "distributed", "joblib", "numpy", "poisonkit", "soundfile", "threadpoolctl", "yaml")
    for name in (*sys.stdlib_module_names, *ours):
        (root / f"{name}.py").write_text(f"open({str(canary)!r}, 'a').write('{name} ')\nraise ImportError\n")
    script = tmp_path / "bin" / "poisonkit"  # as the package index's installers write it
    script.parent.mkdir()
    script.write_text(
        "import sys\nfrom poisonkit.cli import main\nif __name__ == '__main__':\n    sys.exit(main())\n",
        encoding="utf-8",
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, str(script), *COMMANDS[command].split()],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not canary.exists(), canary.read_text()
    assert done.returncode == 0, done.stderr
