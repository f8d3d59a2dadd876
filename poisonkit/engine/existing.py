"""Outputs that are there already."""

from __future__ import annotations

from pathlib import Path

from poisonkit.engine.boundary import require_own
from poisonkit.errors import RequestError
from poisonkit.recipe import Recipe
from poisonkit.untrusted import load_json, read_text


def require_finished(out: Path) -> None:
    """RequestError when `out` is no finished output, or what it says of itself is no plain file of its own."""
    require_own(out)
    if not (out / "poisonkit" / "recipe.yaml").exists():
        raise RequestError(f"{out} is not an output of poisonkit (it has no poisonkit/recipe.yaml).")
    if not (out / "poisonkit" / "run.json").exists():
        raise RequestError(f"{out} is not finished; run the command that made it again, and it will continue.")


def finished(out: Path, *, allow_code: bool = False) -> Recipe:
    """The recipe of a finished output. RequestError when `out` is none."""
    require_finished(out)
    return Recipe.from_yaml(out / "poisonkit" / "recipe.yaml", allow_code=allow_code)


def recorded_source(out: Path) -> Path:
    """Where the clean dataset lay when the output was made, from run.json."""
    try:
        return Path(load_json(read_text(out / "poisonkit" / "run.json"))["source"])
    except (OSError, ValueError, KeyError, TypeError):
        raise RequestError(f"{out} does not say where its source is; name it with --source.") from None


def recorded_reading(out: Path) -> dict[str, str] | None:
    """How the clean dataset was read when the output was made: paths of the folder that was named (`source`), of a
    `data_root` and of lists (`train`, `val`, `test`), where such were given. None: run.json, or what stands for it
    until a run ends, does not say."""
    home = out / "poisonkit"
    for path in (home / "run.json", home / ".state" / "source.json"):
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
