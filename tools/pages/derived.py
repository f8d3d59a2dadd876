"""Every page, table and picture that is made from the code: which of them is stale, and making it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from poisonkit.engine.run import Options
from poisonkit.outputs import schemas
from poisonkit.triggers.core.names import built_in
from tools.pages import (
    consumers,
    costs,
    defences,
    house,
    imports,
    learned,
    lists,
    look_listen_attack,
    measured,
    pictures,
    rates,
    survival,
    triggers,
)
from tools.pages.blocks import ROOT
from tools.pages.measured import Entry


def texts(entries: dict[str, Entry]) -> dict[Path, str]:
    """Every derived page and table, as it should be; seconds."""
    pages = {triggers.FOLDER / f"{name}.md": triggers.page(name) for name in built_in()}
    return {
        **schema_files(),
        house.PAGE: house.page(),
        lists.README: lists.readme(),
        lists.LAYOUTS: lists.layouts_page(),
        consumers.PAGE: consumers.page(),
        costs.PAGE: costs.page(),
        look_listen_attack.PAGE: look_listen_attack.page(),
        defences.PAGE: defences.page(),
        learned.PAGE: learned.page(),
        learned.FILE: learned.text(),
        rates.FILE: rates.text(),
        survival.PAGE: survival.page(entries),
        triggers.FOLDER / "README.md": triggers.index(),
        measured.FILE: measured.text(entries),
        **pages,
    }


def schema_files() -> dict[Path, str]:
    """The JSON Schemas that come with the package."""
    made = schemas.schemas()
    return {schemas.FOLDER / name: json.dumps(schema, indent=2) + "\n" for name, schema in made.items()}


def picture(name: str) -> Path:
    """Where a trigger's picture lies."""
    return triggers.FOLDER / f"{name}.jpg"


def undrawn(entries: dict[str, Entry]) -> list[str]:
    """Triggers whose picture is missing, or was drawn of another version or other defaults."""
    drawn_of = measured.measurable()
    old = [name for name in drawn_of if name not in entries or not picture(name).exists()]
    return old + [name for name in imports.names() if not picture(name).exists()]


def leftovers() -> list[Path]:
    """Pages and pictures of triggers that there are no more, and their pictures."""
    wanted = {triggers.FOLDER / f"{name}.md" for name in (*built_in(), "README")}
    wanted |= {picture(name) for name in (*measured.measurable(), *imports.names())} | {measured.FILE}
    return sorted(set(triggers.FOLDER.iterdir()) - wanted)


def stale() -> Iterator[str]:
    """A sentence for each thing that `make pages` would change; reads and compares only, in seconds."""
    entries = measured.load()
    for file, text in texts(entries).items():
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            yield f"{file.relative_to(ROOT)} does not say what the code says"
    for name in undrawn(entries):
        yield f"docs/triggers/{name}.jpg is missing, or was drawn of an earlier '{name}'"
    for _, kind, names in survival.missing(entries):
        yield f"docs/survival.md has no figures of {', '.join(names)} for {', '.join(kind.settings.values())}"
    for file in leftovers():
        yield f"{file.relative_to(ROOT)} is of no trigger that there is"


def make(everything: bool = False) -> Iterator[str]:
    """Make what is stale, and say what was written. everything: draw and measure all triggers again."""
    entries = {} if everything else measured.load()
    for file in leftovers():
        file.unlink()
        yield f"{file.relative_to(ROOT)} removed"
    for name in undrawn(entries):
        yield from _write(picture(name), pictures.jpeg(name))
        if name in measured.measurable():
            entries.setdefault(name, measured.blank(measured.measurable()[name]))
    for table, kind, names in list(survival.missing(entries)):
        columns = ", ".join(kind.settings.values())
        sys.stderr.write(f"measuring {', '.join(names) if len(names) < 6 else len(names)}: {columns}\n")
        for name, figures in survival.measure(table, kind, names, Options().n_jobs).items():
            entries[name].survival |= figures
        _write_text(measured.FILE, measured.text(entries))  # interrupted, it goes on from here
    for file, text in texts(entries).items():
        yield from _write(file, text.encode("utf-8"))


def _write(file: Path, data: bytes) -> Iterator[str]:
    if not file.exists() or file.read_bytes() != data:
        file.write_bytes(data)
        yield f"{file.relative_to(ROOT)} written"


def _write_text(file: Path, text: str) -> None:
    list(_write(file, text.encode("utf-8")))
