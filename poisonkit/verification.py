"""Is everything that the manifest says still true? And: which output does this file come from?"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from poisonkit import manifest
from poisonkit.engine import card, output
from poisonkit.engine.executors import local
from poisonkit.engine.existing import recorded_source, require_finished
from poisonkit.engine.progress import Progress, Silent
from poisonkit.engine.recheck import recheck
from poisonkit.errors import RequestError
from poisonkit.manifest import Record
from poisonkit.plan import Plan
from poisonkit.recipe import read_mapping


@dataclass(frozen=True)
class Finding:
    """Something that is not as the manifest says. path: relative to the output."""

    path: str
    problem: str


@dataclass(frozen=True)
class Verification:
    """The outcome. level: what was checked, in words. checked: files looked at."""

    level: str
    checked: int
    problems: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        return not self.problems


def verify(
    out: Path | str,
    *,
    decode: bool = False,
    hash_all: bool = False,
    source: Path | str | None = None,
    allow_code: bool = False,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Verification:
    """Check a finished output against its plan and manifest.

    Always: plan and manifest agree; every file is there in its recorded size; hashes of all poisoned, attack
    and control files; lists and class folders say what the plan says; nothing else lies there.
    hash_all: clean files too, against the source. decode: every poisoned file is decoded, its trigger
    rendered again from record and source, and measured. Without the source, only hashes are checked.
    allow_code: with decode, triggers named as `package.module:Class` are imported.
    Raises RequestError when `out` is no finished output.
    """
    out = Path(out)
    watch = progress or Silent()
    require_finished(out)
    home = out / "poisonkit"
    plan = Plan.read(output.plan_file(home, None))
    added = [Plan.read(p) for p in sorted((home / "attacks").glob("*.plan.jsonl"))]
    rows = list(manifest.read(home / "manifest.jsonl"))
    root = _source(out, source)
    found: list[Finding] = []
    found += _agreement(plan, added, rows)
    found += _files(out, rows, watch)
    found += _lists(out, plan, added, rows)
    level = "sizes, lists, labels, and hashes of poisoned, attack and control files"
    if hash_all:
        level += ", and of clean files against the source" if root else " (no source to compare clean files with)"
        found += _clean(out, rows, root) if root else []
    if decode and root is None:
        level += "; not decoded, because the source is not there"
    elif decode and root is not None:
        level += "; every poisoned and attack file decoded, its trigger rendered again and looked for"
        found += _decoded(out, rows, root, allow_code, jobs, watch)
    return Verification(level, len(rows), tuple(found))


def _source(out: Path, source: Path | str | None) -> Path | None:
    if source is not None:
        if not Path(source).is_dir():
            raise RequestError(f"There is no source folder {source}.")
        return Path(source)
    try:
        recorded = recorded_source(out)
    except RequestError:
        return None
    return recorded if recorded.is_dir() else None


def _agreement(plan: Plan, added: Sequence[Plan], rows: Sequence[Record]) -> list[Finding]:
    """Plan and manifest: the same rows in the same order, with the same labels and paths."""
    tasks = [t for p in (plan, *added) for t in p.tasks]
    name = "poisonkit/manifest.jsonl"
    found: list[Finding] = []
    have = Counter(row["key"] for row in rows)
    found += [Finding(name, f"'{key}' stands there {n} times") for key, n in have.items() if n > 1]
    planned = {t.key: t for t in tasks}
    found += [Finding(name, f"'{key}' was planned and has no record") for key in planned if key not in have]
    for row in rows:
        task = planned.get(row["key"])
        if task is None:
            found.append(Finding(name, f"'{row['key']}' was never planned"))
            continue
        for field in ("id", "role", "attack", "split", "path", "source_path", "label", "original_label", "target"):
            if row[field] != getattr(task, field):
                found.append(
                    Finding(name, f"'{row['key']}': {field} is {row[field]!r}, planned was {getattr(task, field)!r}")
                )
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(out: Path, rows: Sequence[Record], watch: Progress) -> list[Finding]:
    found: list[Finding] = []
    watch.begin("Files", len(rows))
    for row in rows:
        for name in (row["path"], *row["also"]):
            path = out / name
            if row["status"] != "ok":
                if path.exists():
                    found.append(Finding(name, f"it is there, although its record says {row['status']}"))
                continue
            try:
                size = path.stat().st_size
            except OSError:
                found.append(Finding(name, "it is missing"))
                continue
            if row["bytes"] is not None and size != row["bytes"]:
                found.append(Finding(name, f"it has {size} bytes, and the manifest says {row['bytes']}"))
            elif row["sha256"] is not None and _sha256(path) != row["sha256"]:
                found.append(Finding(name, "its content has changed (SHA-256 differs from the manifest's)"))
        watch.step()
    watch.end()
    return found


def _lists(out: Path, plan: Plan, added: Sequence[Plan], rows: Sequence[Record]) -> list[Finding]:
    """Lists as the layout would write them now, and no file that nobody planned."""
    records = {row["key"]: row for row in rows}
    found: list[Finding] = []
    expected = {name for row in rows if row["status"] == "ok" for name in (row["path"], *row["also"])}
    dataset = plan.source(out)
    for part in (plan, *added):
        if any(t.key not in records for t in part.tasks):
            continue
        with tempfile.TemporaryDirectory() as scratch:
            fresh = output.Part({}, part, records)
            for root, files in output.write_lists(fresh, dataset, Path(scratch)).items():
                for file in files:
                    name = f"{root}/{file}"
                    expected.add(name)
                    try:
                        same = (out / name).read_bytes() == (Path(scratch) / name).read_bytes()
                    except OSError:
                        found.append(Finding(name, "it is missing"))
                        continue
                    if not same:
                        found.append(Finding(name, "it does not say what the plan says (the list was edited)"))
            found += _folders(out, Path(scratch))
        for folder in card.marked_folders(part):
            expected.add(f"{folder}/POISONED.txt")
            if not (out / folder / "POISONED.txt").exists():
                found.append(Finding(f"{folder}/POISONED.txt", "it is missing"))
    if not (out / "README.md").exists():
        found.append(Finding("README.md", "it is missing"))
    for name in _walk(out):
        if name not in expected:
            found.append(Finding(name, "nobody planned this file"))
    return found


def _folders(out: Path, scratch: Path) -> list[Finding]:
    """Class folders without a sample are part of a layout too."""
    found: list[Finding] = []
    for folder, _, _ in os.walk(scratch):
        name = os.path.relpath(folder, scratch)
        if name != "." and not (out / name).is_dir():
            found.append(Finding(name, "the folder is missing"))
    return found


def _walk(out: Path) -> Iterable[str]:
    for part in ("data", "attack", "control"):
        for folder, _, files in os.walk(out / part):
            for file in sorted(files):
                yield Path(folder, file).relative_to(out).as_posix()


def _clean(out: Path, rows: Sequence[Record], root: Path) -> list[Finding]:
    found: list[Finding] = []
    for row in rows:
        if row["role"] != "clean" or row["status"] != "ok" or row["sha256"] is not None:
            continue
        mine, theirs = out / row["path"], root / row["source_path"]
        try:
            same = os.path.samefile(mine, theirs) or _sha256(mine) == _sha256(theirs)
        except OSError:
            continue  # missing files are named elsewhere
        if not same:
            found.append(Finding(row["path"], f"it is not the same file as the source's '{row['source_path']}'"))
    return found


def _decoded(
    out: Path, rows: Sequence[Record], root: Path, allow_code: bool, jobs: int, watch: Progress
) -> list[Finding]:
    todo = [r for r in rows if r["role"] in ("poisoned", "cover", "attack") and r["status"] == "ok"]
    todo = [r for r in todo if (out / r["path"]).exists()]
    watch.begin("Decoding", len(todo))
    found: list[Finding] = []
    recipe = read_mapping(out / "poisonkit" / "recipe.yaml")
    stream, deinterlace = recipe.get("stream", "best"), bool(recipe.get("deinterlace", False))
    look = partial(
        _rechecked, out=str(out), source=str(root), stream=stream, allow_code=allow_code, deinterlace=deinterlace
    )
    for path, problem in local.map_unordered(look, todo, min(jobs, len(todo)) or 1):
        if problem:
            found.append(Finding(path, problem))
        watch.step()
    watch.end()
    return sorted(found, key=lambda f: f.path)


def _rechecked(
    row: Record, *, out: str, source: str, stream: str | int, allow_code: bool, deinterlace: bool
) -> tuple[str, str | None]:
    return row["path"], recheck(row, out, source, stream, allow_code, _lost(row), deinterlace)


def _lost(row: Record) -> bool:
    """The record itself says that the encoder left little of it."""
    fidelity = row["fidelity"] or {}
    seen = [fidelity.get("presence"), fidelity.get("sound_presence")]
    return fidelity.get("verdict") == "lost" or any(p is not None and p < 0.2 for p in seen)


def identify(files: Sequence[Path], outputs: Sequence[Path] = ()) -> list[tuple[Path, Record | None, Path | None]]:
    """Look files up in manifests by SHA-256: (file, its record, the output it belongs to), None where unknown.

    outputs: which outputs to search; by default those that contain the files, and those in the current
    folder. Raises RequestError for a file that cannot be read or an output that is none.
    """
    known: dict[str, tuple[Record, Path]] = {}
    places: dict[Path, tuple[Record, Path]] = {}
    for out in outputs or _outputs_near(files):
        path = out / "poisonkit" / "manifest.jsonl"
        if not path.exists():
            raise RequestError(f"{out} is not a finished output of poisonkit (it has no manifest).")
        for row in manifest.read(path):
            if row["sha256"]:
                known.setdefault(row["sha256"], (row, out))
            elif row["status"] == "ok":  # clean links are known by where they lie
                places[(out / row["path"]).absolute()] = (row, out)
    found: list[tuple[Path, Record | None, Path | None]] = []
    for file in files:
        try:
            hit = known.get(_sha256(file)) or places.get(file.absolute())
        except OSError as error:
            raise RequestError(f"Cannot read {file}: {error.strerror}.") from None
        found.append((file, *hit) if hit else (file, None, None))
    return found


def _outputs_near(files: Sequence[Path]) -> list[Path]:
    here = Path.cwd()
    candidates = [p for f in files for p in f.absolute().parents]
    candidates += [here, *(p for p in sorted(here.iterdir()) if p.is_dir())]
    return [p for p in dict.fromkeys(candidates) if (p / "poisonkit" / "manifest.jsonl").exists()]
