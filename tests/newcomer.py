"""A copy of the repository in which a test does what a how-to page says, with the page's own code."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PARTS = ("poisonkit", "tests", "tools", "docs", "examples", "pyproject.toml", "README.md", "CONTRIBUTING.md")


def code_of(page: str) -> list[str]:
    """The Python blocks of a page in docs/, in order."""
    return re.findall(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL)


def copied(folder: Path) -> Path:
    """A copy of the repository's own files."""
    for part in PARTS:
        if (ROOT / part).is_dir():
            half = shutil.ignore_patterns("*.pyc.*")  # compiled modules are copied too, but none that is being written
            shutil.copytree(ROOT / part, folder / part, ignore=half)
        else:
            shutil.copy(ROOT / part, folder / part)
    return folder


def ran(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """`python COMMAND` in the copy, by the copy's own modules."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    for name in [n for n in environment if n.startswith("PYTEST_")]:
        del environment[name]
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def pytest_on(folder: Path, chosen: str, *files: str, fails: bool = False) -> str:
    """What pytest says of the tests in `files` that `-k chosen` names, all of which pass, or some of which fail."""
    done = ran(folder, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "-v", "-k", chosen, *files)
    said = done.stdout + done.stderr
    assert done.returncode == int(fails), said[-6000:]
    return said


def stale(folder: Path) -> list[str]:
    """What `make pages` would make in the copy."""
    return ran(folder, "-m", "tools.pages", "--check").stdout.splitlines()
