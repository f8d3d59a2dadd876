"""Every name that poisonkit gives inside an output, in one class: no room above this one spells one.

The folders of views and POISONED.txt are known below, too: `plan` and `datasets` place samples in them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from poisonkit.common.run_claim import guard_of

HOME = "poisonkit"
"""The folder of what poisonkit says and keeps of an output, apart from the data."""

STATE = ".state"
VIEWS = ("data", "attack", "control")
"""Folders that trainers are pointed to."""

EXPORT = "export"
PARTS = (*VIEWS, EXPORT, HOME)
"""The folders of an output."""

NOTICE = "POISONED.txt"
CARD = "README.md"
CROISSANT = "croissant.json"
VIEW_TABLE = "metadata.jsonl"
"""Files and labels of every view, above them all, where Hugging Face's `datasets` looks."""

MANIFEST = f"{HOME}/manifest.jsonl"
PLAN = f"{HOME}/plan.jsonl"
RECIPE = f"{HOME}/recipe.yaml"
RUN = f"{HOME}/run.json"
SHARDS = f"{HOME}/shards.jsonl"
REPORT = f"{HOME}/report.html"

FILES = tuple(name.removeprefix(f"{HOME}/") for name in (PLAN, MANIFEST, SHARDS, RECIPE, RUN, REPORT))
"""What lies in `poisonkit/` besides its folders."""

ASSETS, ATTACKS = "assets", "attacks"
HOME_FOLDERS = (STATE, ASSETS, ATTACKS)
"""The folders in `poisonkit/`."""

LOCK, UNCLEAN, DONE, RUNNING = "lock", "unclean", "done", "running"
LEDGER, MEASURED, CLEAN = "ledger.jsonl", "measured.jsonl", "clean.json"
"""What a run keeps in its own folder of the state: `.state` itself, or its shard's."""

LEVEL, SOURCE, PACKED, EXPORTED, PROBING = "level", "source.json", "packed.jsonl", "exports.json", "probing.json"
STATE_SHARDS, STAGED = "shards", "staged"
"""What only `.state` itself has."""

_OF_A_RUN = frozenset({LOCK, os.path.basename(guard_of(LOCK)), UNCLEAN, DONE, LEDGER, MEASURED, CLEAN})
_OF_THE_STATE = _OF_A_RUN | {LEVEL, SOURCE, PACKED, EXPORTED, PROBING}
_MARK = re.compile(r"\d+(\.[0-9a-f-]+)?")  # what a worker is at
_SHARD = re.compile(r"\d+-of-\d+")

_PLAN_ENDING, _RECIPE_ENDING = ".plan.jsonl", ".recipe.yaml"


def part_name(attack: str | None) -> str:
    """What the state calls a part: the dataset, or an attack set that was added later."""
    return "data" if attack is None else f"attack-{attack}"


@dataclass(frozen=True, slots=True)
class OutputPaths:
    """The files and folders of the output at `out`. attack: None for the dataset, else an attack set added later."""

    out: Path

    @property
    def home(self) -> Path:
        """Manifest, plan, recipe, run.json: the ground truth."""
        return self.out / HOME

    @property
    def state(self) -> Path:
        """What a run keeps for the next one; no part of what is compared between two outputs."""
        return self.home / STATE

    @property
    def card(self) -> Path:
        """The dataset card."""
        return self.out / CARD

    @property
    def view_table(self) -> Path:
        """Files and labels of every view, as the card names them."""
        return self.out / VIEW_TABLE

    @property
    def croissant(self) -> Path:
        """What catalogues of datasets read."""
        return self.out / CROISSANT

    @property
    def manifest(self) -> Path:
        """One record a line."""
        return self.out / MANIFEST

    @property
    def run(self) -> Path:
        """What the last run did, when, and with which libraries."""
        return self.out / RUN

    @property
    def shards(self) -> Path:
        """Sizes and hashes of tar shards, in packed layouts."""
        return self.out / SHARDS

    @property
    def report(self) -> Path:
        """The page that `poisonkit report` writes."""
        return self.out / REPORT

    @property
    def assets(self) -> Path:
        """Files that the recipe's triggers need."""
        return self.home / ASSETS

    @property
    def attacks(self) -> Path:
        """Plans and recipes of attack sets that were added later."""
        return self.home / ATTACKS

    @property
    def exports(self) -> Path:
        """The folder of lists for other trainers."""
        return self.out / EXPORT

    @property
    def noted_source(self) -> Path:
        """Where the source is, while a run is not finished."""
        return self.state / SOURCE

    @property
    def probing(self) -> Path:
        """Which probe sets were begun, until all of a kind are there."""
        return self.state / PROBING

    def plan(self, attack: str | None = None) -> Path:
        """The plan of a part."""
        return self.out / PLAN if attack is None else self.attacks / f"{attack}{_PLAN_ENDING}"

    def recipe(self, attack: str | None = None) -> Path:
        """The recipe of a part."""
        return self.out / RECIPE if attack is None else self.attacks / f"{attack}{_RECIPE_ENDING}"

    def ledger(self, attack: str | None = None) -> Path:
        """Finished jobs of a part, one a line."""
        return self.state / (LEDGER if attack is None else f"{part_name(attack)}.jsonl")

    def measured(self, attack: str | None = None) -> Path:
        """Survival that was measured of a part, one clip a line."""
        return self.state / (MEASURED if attack is None else f"{part_name(attack)}.{MEASURED}")

    def notice(self, folder: str) -> Path:
        """The text in a folder for trainers that says that it is poisoned. folder: relative to the output."""
        return self.out / folder / NOTICE

    def added(self) -> list[str]:
        """Names of the attack sets that were added later, sorted."""
        return sorted(path.name.removesuffix(_PLAN_ENDING) for path in self.attacks.glob(f"*{_PLAN_ENDING}"))

    def parts(self) -> tuple[str | None, ...]:
        """None for the dataset, then the names of the attack sets that were added later."""
        return (None, *self.added())

    def plans(self) -> Iterator[Path]:
        """The plans that are there: the dataset's, then those of the attack sets."""
        return (path for path in map(self.plan, self.parts()) if path.exists())

    def is_state(self, path: Path) -> bool:
        """Whether a file in `.state` has a name that poisonkit gives one there."""
        match path.relative_to(self.state).parts:
            case (name,):
                added = (each for attack in self.added() for each in (self.ledger(attack), self.measured(attack)))
                return name in _OF_THE_STATE or path in added
            case (folder, name) if folder == RUNNING:
                return bool(_MARK.fullmatch(name))
            case (shards, part, shard, *inner) if shards == STATE_SHARDS:
                known = part in map(part_name, self.parts()) and bool(_SHARD.fullmatch(shard))
                match inner:
                    case [name]:
                        return known and name in _OF_A_RUN
                    case [folder, name]:
                        return known and folder == RUNNING and bool(_MARK.fullmatch(name))
        return False

    def is_output(self) -> bool:
        """Whether poisonkit has planned an output here."""
        return self.plan().exists()
