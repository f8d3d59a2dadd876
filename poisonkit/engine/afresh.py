"""Starting over: everything that poisonkit wrote into an output is removed, and nothing else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from poisonkit import media
from poisonkit.datasets import get_layout
from poisonkit.engine import contents, links, output
from poisonkit.errors import RequestError
from poisonkit.plan import Plan

HOME = ("plan.jsonl", "manifest.jsonl", "shards.jsonl", "recipe.yaml", "run.json", "report.html")
"""What lies in `poisonkit/` besides its folders."""


def clear(out: Path, keep: frozenset[str] = frozenset()) -> list[str]:
    """Remove what poisonkit wrote into `out`; the paths of files that are somebody else's and stay, relative to it.

    keep: names in `poisonkit/.state` that stay, such as the lock that is held. RequestError, and nothing is removed,
    where a plan cannot be read: then nobody knows any more what was written.
    """
    home = out / "poisonkit"
    plans = [Plan.read(path) for path in _plan_files(home)]
    for name in sorted(_written(out, plans)):
        _remove(out, name)
    for folder in ("attacks", "assets"):
        shutil.rmtree(home / folder, ignore_errors=True)
    with suppress(FileNotFoundError):
        for entry in os.scandir(home / ".state"):
            if entry.name not in keep:
                shutil.rmtree(entry.path) if entry.is_dir(follow_symlinks=False) else os.unlink(entry.path)
    for part in ("data", "attack", "control", "poisonkit"):
        for folder, _, _ in os.walk(out / part, topdown=False):
            with suppress(OSError):  # it holds something that is not ours
                os.rmdir(folder)
    return sorted(_left(out))


def _plan_files(home: Path) -> list[Path]:
    first = output.plan_file(home, None)
    return [p for p in (first, *sorted((home / "attacks").glob("*.plan.jsonl"))) if p.exists()]


def _written(out: Path, plans: list[Plan]) -> set[str]:
    ours = bool(plans) or (out / "poisonkit" / ".state").is_dir()
    found = {f"poisonkit/{name}" for name in HOME} if ours else set()
    found |= {"README.md"} if plans else set()
    media_files = {name for plan in plans for name in contents.media_files(plan)}
    found |= media_files
    if any(get_layout(plan.layout).folders for plan in plans):
        inside = (name for name in media_files if not (out / name).is_symlink())
        found |= {f"{name}/{part.name}" for name in inside if (out / name).is_dir() for part in media.parts(out / name)}
    for plan in plans:
        found |= contents.notices(plan)
        with contents.fresh_lists(out, plan, plans[0]) as lists:
            found.update(lists.files)
    return found | {name for name in _all(out) if links.is_temporary(name.rsplit("/", 1)[-1])}


def _remove(out: Path, name: str) -> None:
    """Unlink one file or link of the output; RequestError for a path that leads out of it."""
    path = out / name
    home = os.path.realpath(out)
    inside = f"{os.path.realpath(path.parent)}/".startswith(f"{home}/")
    if ".." in path.relative_to(out).parts or not inside:
        raise RequestError(f"{out}: its plan names '{name}', which leads out of it; remove the folder by hand.")
    if path.is_symlink() or path.is_file():
        path.unlink()


def _all(out: Path) -> Iterator[str]:
    for folder, _, names in os.walk(out):
        for name in names:
            yield Path(folder, name).relative_to(out).as_posix()


def _left(out: Path) -> Iterator[str]:
    return (name for name in _all(out) if not name.startswith("poisonkit/.state/"))
