"""Outputs that are there already."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from poisonkit._version import __version__
from poisonkit.common import user_key
from poisonkit.common.safe_io import load_json, read_text
from poisonkit.errors import RequestError
from poisonkit.outputs.path_guards import require_own
from poisonkit.outputs.paths import OutputPaths
from poisonkit.outputs.record import VERSION
from poisonkit.recipe.recipe import Recipe


def require_finished(out: Path) -> None:
    """RequestError when `out` is no finished output, or what it says of itself is no plain file of its own."""
    require_own(out)
    if not out.exists():
        raise RequestError(f"There is no folder {out}.")
    if not OutputPaths(out).recipe().exists():
        raise RequestError(f"{out} is not an output of poisonkit (it has no poisonkit/recipe.yaml).")
    if not OutputPaths(out).run.exists():
        raise RequestError(f"{out} is not finished; run the command that made it again, and it will continue.")
    _require_known_version(out)


def _require_known_version(out: Path) -> None:
    """RequestError where run.json says that a later poisonkit wrote the manifest."""
    try:
        said = load_json(read_text(OutputPaths(out).run))
    except (OSError, ValueError):  # whoever needs more of it says so
        return
    version = said.get("manifest_version", VERSION) if isinstance(said, dict) else VERSION
    if type(version) is not int or not 1 <= version <= VERSION:
        raise RequestError(
            f"{out} has manifest version {str(version)[:40]}, and poisonkit {__version__} reads up to {VERSION}: it "
            "takes the poisonkit that made it, or a later one."
        )


def require_clean(source: Path) -> None:
    """RequestError where a dataset is expected and `source` is an output: of that, one folder is the dataset."""
    if OutputPaths(source).is_output():
        name = shlex.quote(str(source))
        raise RequestError(
            f"'{source}' is an output of poisonkit, and its dataset is the folder data in it: `poisonkit inspect "
            f"{shlex.quote(str(source / 'data'))}`. Is all of it still as it was made: `poisonkit verify {name}`; what "
            f"tells its poisoned files from its clean ones: `poisonkit inspect {name} --shortcuts`."
        )


def require_apart(out: Path) -> None:
    """RequestError when `out` lies inside another recipe's output."""
    if around := next((parent for parent in out.absolute().parents if OutputPaths(parent).is_output()), None):
        raise RequestError(f"{around} is one recipe's output, and {out} lies in it: choose another folder.")


def require_outside_source(folder: Path, out: Path) -> None:
    """RequestError when `folder` lies inside the dataset that an output was made from."""
    source, here = source_at_hand(out, None), folder.resolve()
    if source is not None and (here == source.resolve() or source.resolve() in here.parents):
        raise RequestError(f"{folder} lies inside the source {source}: choose another folder.")


def finished(out: Path, *, allow_code: bool = False) -> Recipe:
    """The recipe of a finished output. RequestError when `out` is none."""
    require_finished(out)
    return Recipe.from_yaml(OutputPaths(out).recipe(), allow_code=allow_code)


def signed_places(places: Mapping[str, Any]) -> dict[str, Any]:
    """`source` and `reading`, as an output notes them, with this user's signature."""
    return {**places, "signature": user_key.sign(_signed_text(places))}


def _signed_text(said: Mapping[str, Any]) -> str:
    return json.dumps([said["source"], said.get("reading")], sort_keys=True)


def _said(paths: Iterable[Path]) -> dict[str, Any]:
    """What the first of these files that names a source says; empty if none does."""
    for path in paths:
        with suppress(OSError, ValueError, KeyError, TypeError):
            said = load_json(read_text(path))
            Path(said["source"])
            return dict(said)
    return {}


def is_recorded_source(out: Path, root: Path) -> bool:
    """Whether run.json says that `root` is the source; whoever wrote it there."""
    said = _said([OutputPaths(out).run])
    return bool(said) and Path(said["source"]).resolve() == root.resolve()


def recorded_source(out: Path, *, noted: bool = False) -> Path:
    """Where the clean dataset lay when the output was made, from run.json.

    noted: what stands for it until a run ends is looked at first. RequestError where it is not said, or not by a run
    of this user on this machine: then they have to name it.
    """
    paths = OutputPaths(out)
    said = _said([paths.noted_source, paths.run] if noted else [paths.run])
    if not said:
        raise RequestError(f"{out} does not say where its source is; name it with --source.")
    if not user_key.is_signed(_signed_text(said), said.get("signature")):
        raise RequestError(
            f"{out} says that its source is '{said['source']}', and no run of yours on this machine has noted that: if "
            f"it is right, name it with --source '{said['source']}'."
        )
    return Path(said["source"])


def recorded_reading(out: Path) -> dict[str, str] | None:
    """How the clean dataset was read when the output was made: paths of the folder that was named (`source`), of a
    `data_root` and of lists (`train`, `val`, `test`), where such were given. None: run.json, or what stands for it
    until a run ends, does not say."""
    paths = OutputPaths(out)
    for path in (paths.run, paths.noted_source):
        try:
            found = load_json(read_text(path))["reading"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if isinstance(found, dict) and "source" in found and all(isinstance(each, str) for each in found.values()):
            return found
    return None


def source_at_hand(out: Path, source: Path | str | None) -> Path | None:
    """The clean dataset: where the user says (RequestError if it is not there), else where it lay, if it still does."""
    if source is not None:
        if not Path(source).is_dir():
            raise RequestError(f"There is no source folder {source}.")
        return Path(source)
    try:
        found = recorded_source(out)
    except RequestError:
        return None
    return found if found.is_dir() else None
