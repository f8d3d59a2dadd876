"""Recipes that ship with the package, by name: published settings, each value with where it is from."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from poisonkit.common.safe_io import load_json, read_text
from poisonkit.errors import RequestError, did_you_mean

LIBRARY = Path(__file__).parent / "library"
DIGESTS = "digests.json"
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Preset:
    """One recipe that ships with the package.

    summary, source: what it is, and where it was published. text: the file, every value with its origin as a comment:
    `published: …`, `the paper: …` or `constants: ours`. digest: what sample data gives (`data`, how it was made, and
    `manifest_sha256`), None where none is recorded.
    """

    name: str
    summary: str
    source: str
    path: Path
    text: str
    digest: dict[str, Any] | None = None

    @property
    def ours(self) -> int:
        """How many of its values are ours."""
        return self.text.count("# constants: ours")

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        found = {"name": self.name, "summary": self.summary, "source": self.source, "text": self.text}
        return {**found, "digest": self.digest}


@cache
def _library() -> dict[str, Preset]:
    digests = load_json(read_text(LIBRARY / DIGESTS))["digests"] if (LIBRARY / DIGESTS).exists() else {}
    found = {}
    for path in sorted(LIBRARY.glob("*.yaml")):
        text = read_text(path)
        summary, source = (line.removeprefix("# ") for line in text.splitlines()[:2])
        found[path.stem] = Preset(path.stem, summary, source, path, text, digests.get(path.stem))
    return found


def recipes(name: str | None = None) -> dict[str, Preset]:
    """The recipes that ship with the package, by name; or the one of this name. RequestError where there is none."""
    found = _library()
    if name is None:
        return dict(found)
    if name not in found:
        raise RequestError(f"There is no recipe '{name}' in the package.{did_you_mean(name, found)}")
    return {name: found[name]}


def located(recipe: Path | str) -> Path:
    """A recipe file's path, or that of the preset of this name; a file that is there comes first."""
    path = Path(recipe)
    name = os.fspath(recipe)
    if path.exists() or not _NAME.fullmatch(name):
        return path
    found = _library()
    if name not in found:
        raise RequestError(f"There is no file '{name}', and no recipe of that name.{did_you_mean(name, found)}")
    return found[name].path
