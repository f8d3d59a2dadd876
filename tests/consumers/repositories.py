"""Consumers that no package index has: their repositories, at a stated commit, in a scratch folder.

`POISONKIT_REPOSITORIES` may name a folder of clones, `OWNER+NAME` or `OWNER+NAME/repo`; otherwise they come from
GitHub. Nothing of them is kept, built or copied into the project.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Repository:
    """A commit, and the part of it that is wanted."""

    owner: str
    name: str
    commit: str
    part: str = "."

    @property
    def url(self) -> str:
        return f"https://github.com/{self.owner}/{self.name}"


REPOSITORIES = {
    each.name: each
    for each in (
        Repository("facebookresearch", "SlowFast", "287ec0076846560f44a9327e931a5a2360240533", "slowfast"),
        Repository("MCG-NJU", "VideoMAE", "14ef8d856287c94ef1f985fe30f958eb4ec2c55d"),
        Repository("YuanGongND", "ast", "31088be8a3f6ef96416145c4b8d43c81f99eba7a", "src"),
        Repository("speechbrain", "speechbrain", "9c826ef3937bac885c8a6ca86c6889a30f256fb5", "recipes/ESC50"),
        Repository("Jakobovski", "free-spoken-digit-dataset", "26eb9aaf76e81b692f806f9140c2d2777410d7a1", "utils"),
    )
}


@cache
def fetched(name: str) -> Path:
    """The folder in which the part of a repository lies; skips the test where it cannot be had."""
    wanted = REPOSITORIES[name]
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    try:
        clone = _clone(wanted, folder / "clone")
        archive = _git(clone, "archive", "--format=tar", wanted.commit, wanted.part)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", b"") or b""
        reason = said.decode(errors="replace").strip().splitlines()
        pytest.skip(f"{wanted.url} cannot be had here: {reason[-1] if reason else error}")
    with tarfile.open(fileobj=BytesIO(archive)) as members:
        members.extractall(folder / "part", filter="data")
    return folder / "part" / wanted.part


@contextmanager
def importable(name: str) -> Iterator[Path]:
    """The same, where Python finds its modules, and forgotten again: VideoMAE has a `datasets.py` of its own."""
    part = fetched(name)
    place = part.parent if (part / "__init__.py").exists() else part
    before = set(sys.modules)
    sys.path.insert(0, str(place))
    try:
        yield part
    finally:
        sys.path.remove(str(place))
        for module in set(sys.modules) - before:
            where = [getattr(sys.modules[module], "__file__", None), *getattr(sys.modules[module], "__path__", ())]
            if any(str(each).startswith(str(place)) for each in where):
                del sys.modules[module]


def _clone(wanted: Repository, into: Path) -> Path:
    for at_hand in os.environ.get("POISONKIT_REPOSITORIES", "").split(os.pathsep):
        for folder in (f"{wanted.owner}+{wanted.name}/repo", f"{wanted.owner}+{wanted.name}"):
            clone = Path(at_hand, folder)
            if at_hand and ((clone / "HEAD").exists() or (clone / ".git").exists()):
                return clone
    into.mkdir()
    _git(into, "init", "--quiet")
    _git(into, "fetch", "--quiet", "--depth=1", wanted.url, wanted.commit)
    return into


def _git(folder: Path, *arguments: str) -> bytes:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, timeout=300, stdin=subprocess.DEVNULL).stdout
