"""Lists against what the layout would write now, and what lies in an output that nobody planned."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from poisonkit.common.safe_io import open_plain, read_text
from poisonkit.datasets import modality_of
from poisonkit.outputs import expected_files, exports, notices
from poisonkit.outputs.consistency import Finding, Planned
from poisonkit.outputs.paths import (
    ASSETS,
    ATTACKS,
    CARD,
    CROISSANT,
    EXPORT,
    FILES,
    HOME,
    HOME_FOLDERS,
    NOTICE,
    PARTS,
    PLAN,
    VIEW_TABLE,
    VIEWS,
    OutputPaths,
)
from poisonkit.plan.plan import Length, Plan
from poisonkit.verification.pairing import Texts


def lists(out: Path, parts: Sequence[Planned], dropped: frozenset[str], lengths: Mapping[str, Length]) -> list[Finding]:
    """Lists that are not as the layout writes them now, and every file and folder that nobody planned.

    dropped: keys of what has no file. lengths: by key.
    """
    found: list[Finding] = []
    plans = [part.plan for part in parts]
    expected = Texts()
    folders: set[str] = set()
    for plan in plans:
        for name in expected_files.media_files(plan, dropped):
            expected.add(name)
            folders.add(name.rpartition("/")[0])
        if dropped:  # a folder that was made for what then failed may stand there empty
            folders.update(name.rpartition("/")[0] for name in expected_files.media_files(plan))
    folders |= expected_files.above(*folders)
    for plan in plans:
        if not plan.outline.in_range:
            found.append(Finding(PLAN, "it has labels that are no class, so lists were not compared"))
            continue
        with expected_files.fresh_lists(out, plan, plans[0], dropped, lengths) as fresh:
            expected.update(fresh.files)
            found += _compared(out, fresh.root, fresh.files)
            folders |= expected_files.above(*fresh.files)
        found += [Finding(name, "the folder is missing") for name in sorted(fresh.folders) if not (out / name).is_dir()]
        folders |= fresh.folders
        marked = expected_files.notices(plan)
        expected.update(marked)
        folders |= expected_files.above(*marked)
        found += _notices(out, plan)
    strays = (name for name in expected_files.files(out, expected) if name not in expected)
    found += [Finding(name, "nobody planned this file") for name in strays]
    for part in VIEWS:
        names = (f"{part}/{name}".rstrip("/") for name in ("", *expected_files.folders(out / part)))
        extra = (name for name in names if name not in folders and name not in expected)
        for name in extra if (out / part).is_dir() else ():
            found.append(Finding(name, "nobody planned this folder"))
    return found + list(_elsewhere(out, parts))


def _compared(out: Path, fresh: Path, names: Iterable[str]) -> Iterator[Finding]:
    for name in names:
        try:
            same = _same(out / name, fresh / name)
        except OSError:
            yield Finding(name, "it is missing")
            continue
        if not same:
            yield Finding(name, "it does not say what the plan says (the list was edited)")


def _same(one: Path, other: Path) -> bool:
    with open_plain(one) as a, open_plain(other) as b:
        while (block := a.read(1 << 20)) == b.read(1 << 20):
            if not block:
                return True
    return False


def _notices(out: Path, plan: Plan) -> Iterator[Finding]:
    """POISONED.txt, whichever version of poisonkit wrote it."""

    def words(text: str) -> str:
        return re.sub(r"poisonkit \S+ for", "poisonkit for", text)

    for folder in notices.marked_folders(plan):
        name = f"{folder}/{NOTICE}"
        try:
            text = read_text(out / name, errors="replace")
        except OSError:
            yield Finding(name, "it is missing")
            continue
        if words(text) != words(notices.notice(plan)):
            yield Finding(name, "it was edited")


def _elsewhere(out: Path, parts: Sequence[Planned]) -> Iterator[Finding]:
    """What lies beside the folders that trainers are pointed to: in the output itself, `poisonkit/` and `export/`."""
    for entry in _entries(out):
        folder = entry.is_dir(follow_symlinks=False)
        if entry.name not in (PARTS if folder else (CARD, CROISSANT, VIEW_TABLE)):
            yield Finding(entry.name, f"nobody planned this {'folder' if folder else 'file'}")
    home = OutputPaths(out).home
    for entry in _entries(home):
        name, folder = f"{HOME}/{entry.name}", entry.is_dir(follow_symlinks=False)
        if entry.name not in (HOME_FOLDERS if folder else FILES):
            yield Finding(name, f"nobody planned this {'folder' if folder else 'file'}")
    paths = OutputPaths(out)
    planned = {each(part.attack).name for part in parts for each in (paths.plan, paths.recipe)}
    assets = {name for part in parts for name in _assets(part.recipe)}
    readable = all(part.recipe for part in parts)
    for inner, ours in ((ATTACKS, planned), (ASSETS, assets if readable else None)):
        for entry in _entries(home / inner):
            if ours is not None and entry.name not in ours:
                yield Finding(f"{HOME}/{inner}/{entry.name}", "nobody planned this file")
    noted = exports.noted(out)  # frames and sounds among them, of clips that were taken apart
    for top, ours_too in ((paths.state, paths.is_state), (out / EXPORT, _is_list)):
        for path in _below(top):
            name = path.relative_to(out).as_posix()
            if not (ours_too(path) or name in noted):
                yield Finding(name, "nobody planned this file")


def _assets(recipe: Any) -> Iterator[str]:
    """File names, in `assets/`, of the patterns that a recipe names by their hashes."""
    if isinstance(recipe, Mapping):
        if recipe.keys() == {"name", "sha256"}:
            yield f"{str(recipe['sha256'])[:16]}-{recipe['name']}"
        recipe = list(recipe.values())
    for value in recipe if isinstance(recipe, list) else ():
        yield from _assets(value)


def _is_list(path: Path) -> bool:
    return modality_of(path.name) is None


def _below(top: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(top):
        yield from (Path(folder, name) for name in sorted(names))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []
