"""Which files hold the predictions of which models, of which outputs: folders named after outputs, sets after files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from poisonkit.errors import RequestError
from poisonkit.outputs.opening import require_finished
from poisonkit.outputs.paths import OutputPaths
from poisonkit.scoring.readers import READERS

_SET = re.compile(r"(?:predictions-)?(clean|control|attack)(?:-(.+))?")


def outputs_in(folder: Path) -> list[Path]:
    """The folder itself if it is an output, else those in it, by name. RequestError if there is none, or one is not
    finished."""
    if not OutputPaths(folder).is_output() and folder.is_dir():
        inside = [each for each in sorted(folder.iterdir()) if OutputPaths(each).is_output()]
        if inside:
            for each in inside:
                require_finished(each)
            return inside
    require_finished(folder)
    return [folder]


def models_in(home: Path, outputs: Mapping[str, Path]) -> dict[str, dict[str, dict[str, Path] | list[Path]]]:
    """Output -> model (its folder below the output's, `` for that itself) -> its files."""
    found: dict[str, dict[str, dict[str, Path] | list[Path]]] = {}
    for name in outputs:
        folder = home / name
        if len(outputs) == 1 and not folder.is_dir():
            folder = home
        found[name] = {}
        for place in sorted([folder, *(p for p in folder.rglob("*") if p.is_dir())]) if folder.is_dir() else ():
            files = sorted(p for p in place.iterdir() if p.is_file() and p.suffix.lower() in READERS)
            if files:
                model = place.relative_to(folder).as_posix()
                found[name]["" if model == "." else model] = _named(files)
    return found


def _named(files: list[Path]) -> dict[str, Path] | list[Path]:
    """By the set that each file's name says; as they are where one says none."""
    sets: dict[str, Path] = {}
    for file in files:
        match = _SET.fullmatch(file.stem)
        if match is None or (match[2] and match[1] != "attack"):
            return files
        name = f"attack/{match[2]}" if match[2] else match[1]
        if name in sets:
            raise RequestError(f"{sets[name]} and {file.name} are both predictions of {name}: keep one of them.")
        sets[name] = file
    return sets
