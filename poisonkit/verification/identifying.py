"""Which output does this file come from, and what was done to it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from poisonkit.common import one_or_many
from poisonkit.common.frame_names import is_frame
from poisonkit.errors import RequestError
from poisonkit.outputs import record, sample_files
from poisonkit.outputs.consistency import read_parts
from poisonkit.outputs.path_guards import require_own
from poisonkit.outputs.paths import OutputPaths
from poisonkit.outputs.record import Record

_ROLES = {
    "poisoned": "a poisoned training sample",
    "cover": "a cover sample: triggered, under its true label",
    "clean": "a clean sample",
    "attack": "a held-out clip with the trigger",
    "control": "a held-out clip, re-encoded without trigger",
}


def described(row: Record, out: Path) -> Iterator[tuple[str, str]]:
    """(what, in words) of everything that was done to the file of a record."""
    role = _ROLES.get(row["role"], row["role"])
    yield (
        "it is",
        f"{role} of the split {row['split']}" + (f", in the attack set {row['attack']}" if row["attack"] else ""),
    )
    if name := backdoor_of(row, out):
        yield "backdoor", name
    for entry in row["triggers"]:
        params = entry.get("params")
        yield "trigger", ", ".join([entry["name"], *_values(params if isinstance(params, Mapping) else {})])
        drawn = entry.get("drawn")
        if isinstance(drawn, Mapping) and drawn:
            yield "drawn for it", ", ".join(_values(drawn))
    if row["triggers"]:
        yield "where", _where(row)
    yield "made from", f"{row['source_path']} of the clean dataset"
    if row["other"]:
        yield "and", f"{row['other']} of the clean dataset"
    now, before = _class(row["label"], row["class_name"]), _class(row["original_label"], row["original_class"])
    yield "label", now if now == before else f"{now}; before: {before}"


def backdoor_of(row: Record, out: Path) -> str | None:
    """The name of the backdoor that a record is of, as the plan has it; None for clean samples."""
    parts, _ = read_parts(out)
    for part in parts:
        for task in part.plan.tasks if row["role"] != "clean" else ():
            if task.key == row["key"]:
                return str(part.backdoor(task).get("name", "default"))
    return None


def _class(label: int | None, name: str | None) -> str:
    return "none" if label is None else f"{label} ({name})"


def _values(params: Mapping[str, Any]) -> Iterator[str]:
    for name, value in params.items():
        if value is not None:
            shown = value.get("name", value) if isinstance(value, Mapping) else value
            text = f"{shown:g}" if isinstance(shown, float) else str(shown)
            yield f"{name} {text if len(text) <= 80 else f'{text[:80]} …'}"


def _where(row: Record) -> str:
    ranges, total = row["poisoned_ranges"], row["frames"]
    if not ranges:
        return "in its sound"
    if total and ranges == [[0, total]]:
        return f"in all of its {total} frames"
    spelt = ", ".join(str(a) if b == a + 1 else f"{a} to {b - 1}" for a, b in ranges[:20])
    more = f" and {len(ranges) - 20} more ranges" if len(ranges) > 20 else ""
    return f"in {sum(b - a for a, b in ranges)} of its {total} frames, counted from 0: {spelt}{more}"


def identify(
    files: Path | str | Sequence[Path | str], within: Path | str | Sequence[Path | str] = ()
) -> list[tuple[Path, Record | None, Path | None]]:
    """Look files, frame folders and single frames of one up in manifests by SHA-256.

    Returns (file, its record, the output it belongs to), None where unknown.

    within: which outputs to search; by default those that contain the files, and those in the current
    folder. Raises RequestError for a file that cannot be read or an output that is not one.
    """
    paths = one_or_many.paths(files)
    known: dict[str, tuple[Record, Path]] = {}
    located: dict[Path, tuple[Record, Path]] = {}
    for out in searched(paths, within):
        path = OutputPaths(out).manifest
        if not path.exists():
            raise RequestError(f"{out} is not a finished output of poisonkit (it has no manifest).")
        require_own(out)
        for row in record.read(path):
            if row["features"]:
                known.setdefault(row["features"]["sha256"], (row, out))
            for half in record.halves(row):
                if half["sha256"]:
                    known.setdefault(half["sha256"], (row, out))
                elif row["status"] == "ok":  # clean links are known by where they lie
                    located[(out / half["path"]).absolute()] = (row, out)
    found: list[tuple[Path, Record | None, Path | None]] = []
    for file in paths:
        try:
            whole = file.parent if is_frame(file.name) and file.is_file() else file  # a frame stands for its folder
            hit = known.get(sample_files.sha256(file)) or located.get(file.absolute())
            if hit is None and whole != file:
                hit = known.get(sample_files.sha256(whole)) or located.get(whole.absolute())
        except OSError as error:
            raise RequestError(f"Cannot read {file}: {error.strerror}.") from None
        found.append((file, *hit) if hit else (file, None, None))
    return found


def searched(files: Path | str | Sequence[Path | str], within: Path | str | Sequence[Path | str] = ()) -> list[Path]:
    """The outputs in which `identify` looks."""
    return one_or_many.paths(within) or _outputs_near(one_or_many.paths(files))


def _outputs_near(files: Sequence[Path]) -> list[Path]:
    here = Path.cwd()
    candidates = [p for f in files for p in f.absolute().parents]
    candidates += [here, *(p for p in sorted(here.iterdir()) if p.is_dir())]
    return [p for p in dict.fromkeys(candidates) if OutputPaths(p).manifest.exists()]
