"""Two outputs against each other: recipe, samples, labels, files, survival. No media is decoded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from poisonkit.common.safe_io import load_json, read_text
from poisonkit.outputs import record
from poisonkit.outputs.opening import require_finished
from poisonkit.outputs.paths import OutputPaths
from poisonkit.recipe.differences import differences
from poisonkit.recipe.recipe import read_mapping

IN_DATA = ("clean", "poisoned", "cover")
NAMES = "in the first", "in the second"


@dataclass(frozen=True)
class Shared:
    """Of the samples of one role: how many both outputs have, and the ids that one alone has."""

    both: int
    first: tuple[str, ...]
    second: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """What sets two outputs apart.

    recipe: clauses such as `--rate is 0.1 in the first and 0.2 in the second`. samples: by role, and attack sets by
    name. labels: (id, label in the first, in the second) of data samples that both have, with other labels. files:
    keys of files that both have, and whose content differs; same_files: how many are the same. survival: by backdoor
    or set, the mean gain in each, None where it was not measured.
    """

    recipe: tuple[str, ...]
    samples: Mapping[str, Shared]
    labels: tuple[tuple[str, int | None, int | None], ...]
    files: tuple[str, ...]
    same_files: int
    survival: Mapping[str, tuple[float | None, float | None]]

    @property
    def same(self) -> bool:
        """Whether nothing sets them apart."""
        apart = any(shared.first or shared.second for shared in self.samples.values())
        return not (self.recipe or apart or self.labels or self.files)


class _Known(NamedTuple):
    label: int | None
    content: str | int | None


def diff(out: Path | str, other: Path | str) -> Difference:
    """What sets two finished outputs apart. RequestError where one is none.

    Files are compared by the SHA-256 that their manifests record, clean ones without such by their size.
    """
    outs = Path(out), Path(other)
    for each in outs:
        require_finished(each)
    old, new = (read_mapping(OutputPaths(each).recipe()) for each in outs)
    first, second = (_read(each) for each in outs)
    samples, files, same = {}, list[str](), 0
    for role in dict.fromkeys((*first, *second)):
        a, b = first.get(role, {}), second.get(role, {})
        only = (tuple(name for name in a if name not in b), tuple(name for name in b if name not in a))
        both = [name for name in a if name in b]
        samples[role] = Shared(len(both), *only)
        changed = [f"{role}: {name}" for name in both if a[name].content != b[name].content]
        files += changed
        same += len(both) - len(changed)
    mine, theirs = ({n: k.label for role in IN_DATA for n, k in each.get(role, {}).items()} for each in (first, second))
    labels = tuple((n, label, theirs[n]) for n, label in mine.items() if n in theirs and theirs[n] != label)
    gains = [_gains(each) for each in outs]
    survival = {name: (gains[0].get(name), gains[1].get(name)) for name in dict.fromkeys((*gains[0], *gains[1]))}
    return Difference(tuple(differences(old, new, *NAMES)), samples, labels, tuple(files), same, survival)


def _read(out: Path) -> dict[str, dict[str, _Known]]:
    """Role (of attack clips: `attack NAME`) -> id -> what is known of those that have a file."""
    found: dict[str, dict[str, _Known]] = {}
    for row in record.read(OutputPaths(out).manifest):
        if row["status"] == "ok":
            role = f"attack {row['attack']}" if row["role"] == "attack" else row["role"]
            found.setdefault(role, {})[row["id"]] = _Known(row["label"], record.sha256(row).strip("+") or row["bytes"])
    return found


def _gains(out: Path) -> dict[str, float | None]:
    return dict(_said(out))


def _said(out: Path) -> Iterator[tuple[str, float | None]]:
    try:
        survival: Any = load_json(read_text(OutputPaths(out).run))["survival"]
        for name, figures in survival.items():
            gain = figures["gain_mean"] if figures["measured"] else None
            yield str(name), float(gain) if isinstance(gain, int | float) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return
