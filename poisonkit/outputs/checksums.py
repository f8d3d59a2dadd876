"""SHA-256 of what an output says about itself, kept in run.json: was any of it edited after the run?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from poisonkit.common.hashing import sha256
from poisonkit.common.safe_io import load_json, read_text
from poisonkit.outputs.paths import RUN, OutputPaths


def current_checksums(out: Path, manifest: str | None = None) -> dict[str, str]:
    """Path relative to the output -> SHA-256, of card, view table, manifest, plans, recipes and assets.

    manifest: that of the manifest, if it is known; it is large.
    """
    paths = OutputPaths(out)
    said = [paths.card, paths.view_table, paths.croissant, paths.manifest, paths.plan(), paths.recipe(), paths.shards]
    for folder in (paths.attacks, paths.assets):
        said += sorted(p for p in folder.glob("*") if p.is_file())
    given = {paths.manifest: manifest} if manifest is not None else {}
    return {p.relative_to(out).as_posix(): given.get(p) or sha256(p) for p in said if p.is_file()}


def known(out: Path) -> dict[str, str]:
    """Those that run.json holds; nothing where it holds none."""
    try:
        said = load_json(read_text(OutputPaths(out).run))["sha256"]
        return {str(name): str(digest) for name, digest in said.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def edited(out: Path) -> Iterator[tuple[str, str]]:
    """(path, what is wrong) of everything that is no longer as run.json says it was when the run ended."""
    said = known(out)
    if not said:
        yield RUN, "it holds no SHA-256 of manifest, plan and recipe, so edits to them go unseen"
    now = current_checksums(out)
    for name, digest in said.items():
        if name not in now:
            yield name, "it is missing"
        elif now[name] != digest:
            yield name, "it was edited after the run (SHA-256 differs from the one in run.json)"
