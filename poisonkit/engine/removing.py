"""Taking an added attack set away: its files, its plan, and what the output says of it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from poisonkit import media
from poisonkit.common.run_claim import step
from poisonkit.common.safe_io import stays_inside
from poisonkit.datasets import get_layout
from poisonkit.errors import RequestError
from poisonkit.outputs import expected_files, exports
from poisonkit.outputs.path_guards import require_folders
from poisonkit.outputs.paths import OutputPaths
from poisonkit.plan.plan import Plan
from poisonkit.recipe.recipe import read_mapping


def own_files(out: Path, name: str) -> tuple[str, ...]:
    """What an added attack set has in `poisonkit/attacks/`, relative to the output, whether it is there or not."""
    paths = OutputPaths(out)
    return tuple(path.relative_to(out).as_posix() for path in (paths.plan(name), paths.recipe(name)))


def remove_files(out: Path, name: str) -> None:
    """Remove everything that poisonkit wrote for the attack set, and nothing else; the plan goes last, so that whoever
    is interrupted knows afterwards, too, what was written."""
    paths = OutputPaths(out)
    with step():
        if paths.plan(name).exists():
            plan = Plan.read(paths.plan(name))
            files = set(_written(out, plan))
            require_folders(out, files)
            for file in sorted(files):
                _remove(out / file)
        _forget_exports(out, name)
        for folder in (out / ATTACK_VIEW / name, *_assets_of_nobody_else(out, name)):
            _clear(folder)
        for path in (paths.ledger(name), paths.measured(name), paths.recipe(name), paths.plan(name)):
            path.unlink(missing_ok=True)
        with suppress(OSError):  # there are others
            paths.attacks.rmdir()


ATTACK_VIEW = "attack"


def _written(out: Path, plan: Plan) -> Iterator[str]:
    for name in expected_files.media_files(plan):
        if not stays_inside(name):
            raise RequestError(f"{out}: its plan names '{name}', which leads out of it; remove the folder by hand.")
        yield name
        if get_layout(plan.layout).folders and (out / name).is_dir() and not (out / name).is_symlink():
            yield from (f"{name}/{part.name}" for part in media.parts(out / name))
    yield from expected_files.notices(plan)
    with expected_files.fresh_lists(out, plan, Plan.read(OutputPaths(out).plan())) as lists:
        yield from lists.files


def _forget_exports(out: Path, name: str) -> None:
    """Lists of the set that `export` wrote go too."""
    noted = exports.noted(out)
    gone = {each for each in noted if f"/{ATTACK_VIEW}/{name}/" in each}
    for each in gone:
        _remove(out / each)
        with suppress(OSError):
            os.removedirs((out / each).parent)
    if gone:
        exports.forget(out, gone)


def _assets_of_nobody_else(out: Path, name: str) -> list[Path]:
    """Files that the triggers of this set alone are made of."""
    paths = OutputPaths(out)
    others = "".join(
        json.dumps(read_mapping(paths.recipe(part))) for part in paths.parts() if part != name
    )  # assets are named there by their hash
    found = sorted(paths.assets.iterdir()) if paths.assets.is_dir() else []
    return [path for path in found if path.name.partition("-")[0] not in others]


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()


def _clear(place: Path) -> None:
    """An asset; or the folders of a set in which nothing is left but what is somebody else's."""
    if place.parent.name == ATTACK_VIEW:
        for folder, _, _ in os.walk(place, topdown=False):
            with suppress(OSError):  # it holds something that is not ours
                os.rmdir(folder)
        with suppress(OSError):
            place.parent.rmdir()
    elif place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
