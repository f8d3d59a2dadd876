"""Starting over: everything that poisonkit wrote into an output is removed, and nothing else."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from poisonkit import media
from poisonkit.common.run_claim import step
from poisonkit.datasets import get_layout
from poisonkit.engine.finishing import linking
from poisonkit.errors import RequestError
from poisonkit.outputs import expected_files, exports
from poisonkit.outputs.paths import CARD, CROISSANT, FILES, HOME, STATE, VIEW_TABLE, VIEWS, OutputPaths
from poisonkit.plan.plan import Plan


class Old:
    """What poisonkit wrote into an output. files: paths relative to it.

    RequestError where a plan cannot be read: then nobody knows any more what was written.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self._plans = [Plan.read(path) for path in OutputPaths(out).plans()]
        self.files = frozenset(_written(out, self._plans))
        for name in self.files:
            _require_inside(out, name)

    def size(self) -> int:
        """Bytes that are free once it is gone: those of files without another name."""
        found = 0
        for name in self.files:
            with suppress(OSError):
                status = os.lstat(self.out / name)
                found += status.st_size if stat.S_ISREG(status.st_mode) and status.st_nlink == 1 else 0
        return found

    def clear(self, keep: frozenset[str] = frozenset()) -> list[str]:
        """Remove it; the paths of files that are somebody else's and stay, relative to the output.

        keep: names in `poisonkit/.state` that stay, such as the lock that is held. The plans go last of all, so that
        whoever is interrupted knows afterwards, too, what was written.
        """
        out, paths = self.out, OutputPaths(self.out)
        plans = {path.relative_to(out).as_posix() for path in paths.plans()}
        with step():
            for name in sorted(self.files - plans):
                _remove(out / name)
            shutil.rmtree(paths.assets, ignore_errors=True)
            with suppress(FileNotFoundError):
                for entry in os.scandir(paths.state):
                    if entry.name not in keep:
                        shutil.rmtree(entry.path) if entry.is_dir(follow_symlinks=False) else os.unlink(entry.path)
            shutil.rmtree(paths.attacks, ignore_errors=True)
            for name in plans:
                _remove(out / name)
            for part in {*VIEWS, HOME, *(name.partition("/")[0] for name in self.files if "/" in name)}:
                for folder, _, _ in os.walk(out / part, topdown=False):
                    with suppress(OSError):  # it holds something that is not ours
                        os.rmdir(folder)
        return sorted(_left(out))


def _written(out: Path, plans: list[Plan]) -> set[str]:
    ours = bool(plans) or OutputPaths(out).state.is_dir()
    found = {f"{HOME}/{name}" for name in FILES} if ours else set()
    found |= {CARD, CROISSANT, VIEW_TABLE} if plans else set()
    media_files = {name for plan in plans for name in expected_files.media_files(plan)}
    found |= media_files
    if any(get_layout(plan.layout).holds_folders(plan.options) for plan in plans):
        inside = (name for name in media_files if not (out / name).is_symlink())
        found |= {f"{name}/{part.name}" for name in inside if (out / name).is_dir() for part in media.parts(out / name)}
    for plan in plans:
        found |= expected_files.notices(plan)
        with expected_files.fresh_lists(out, plan, plans[0]) as lists:
            found.update(lists.files)
    found |= exports.noted(out)
    return found | {name for name in _left(out) if _is_half(name)}


def _is_half(name: str) -> bool:
    first, _, rest = name.partition("/")
    return linking.is_temporary(name.rsplit("/", 1)[-1]) and (not rest or first in (*VIEWS, HOME))


def _require_inside(out: Path, name: str) -> None:
    """RequestError for a path that leads out of the output."""
    path = out / name
    inside = f"{os.path.realpath(path.parent)}/".startswith(f"{os.path.realpath(out)}/")
    if ".." in path.relative_to(out).parts or not inside:
        raise RequestError(f"{out}: its plan names '{name}', which leads out of it; remove the folder by hand.")


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()


def _all(out: Path) -> Iterator[str]:
    for folder, _, names in os.walk(out):
        for name in names:
            yield Path(folder, name).relative_to(out).as_posix()


def _left(out: Path) -> Iterator[str]:
    return (name for name in _all(out) if not name.startswith(f"{HOME}/{STATE}/"))
