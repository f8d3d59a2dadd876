"""Is everything that the manifest says still true? And: which output does this file come from?"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from poisonkit import manifest, media
from poisonkit.datasets import get_layout, is_there
from poisonkit.engine import card, contents, features, packing, places, seal
from poisonkit.engine.agreement import Finding, Planned, disagreements, read_parts
from poisonkit.engine.boundary import LinkedFolders, SourceFence, require_own
from poisonkit.engine.executors import local
from poisonkit.engine.existing import require_finished, source_at_hand
from poisonkit.engine.progress import Progress, Silent
from poisonkit.engine.recheck import Decoding, recheck
from poisonkit.errors import RequestError
from poisonkit.framenames import is_frame
from poisonkit.manifest import Record
from poisonkit.plan import Plan, in_range
from poisonkit.untrusted import read_bytes, read_text

__all__ = ["Finding", "Verification", "identify", "verify"]


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
    allow_roots: Sequence[Path | str] = (),
    allow_code: bool = False,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Verification:
    """Check a finished output against its recipe, plan and manifest.

    Always: nothing that the output says of itself was edited since (SHA-256 in run.json); recipe, plan and
    manifest agree, row by row; every file is there in its recorded size; hashes of all poisoned, attack and
    control files; lists, class folders and notices say what the plan says; no other file or folder lies there.
    hash_all: clean files too, against the source. decode: every poisoned, attack and control file is decoded,
    its facts compared with its record, its trigger rendered again from record and source, and measured.
    Without the source, only hashes are checked.
    allow_roots: further folders that the source's links and paths may lead to.
    allow_code: with decode, triggers named as `package.module:Class` are imported.
    Raises RequestError when `out` is no finished output, or its plan or manifest cannot be read.
    """
    out = Path(out)
    watch = progress or Silent()
    require_finished(out)
    parts, found = read_parts(out)
    rows = list(manifest.read(out / "poisonkit" / "manifest.jsonl"))
    root = source_at_hand(out, source)
    found = [Finding(*edit) for edit in seal.edited(out)] + found
    found += disagreements(parts, rows)
    fence = SourceFence(root, [Path(each) for each in allow_roots]) if root else None
    layout = get_layout(parts[0].plan.layout)
    folders = layout.folders
    found += _shards(out, rows, watch) if layout.packed else _files(out, rows, fence, folders, watch)
    found += _lists(out, [part.plan for part in parts], rows)
    level = "sizes, lists, labels, and hashes of poisoned, attack and control files"
    if hash_all:
        level += ", and of clean files against the source" if root else " (no source to compare clean files with)"
        found += _clean(out, rows, root, fence, folders) if root and fence else []
    if decode and root is None:
        level += "; not decoded, because the source is not there"
    elif decode and root is not None and fence is not None:
        level += "; every poisoned, attack and control file decoded, triggers rendered again and looked for"
        found += _decoded(out, parts, rows, root, fence, folders, allow_code, jobs, watch)
    return Verification(level, len(rows), tuple(found))


def _readable(path: Path, row: Record, fence: SourceFence | None, folders: bool) -> bool:
    """Whether there is what a record speaks of: a plain file, a folder of frames, or a member of a shard."""
    if os.path.lexists(path):
        return path.exists() and not _strange(path, row, fence, folders)
    return is_there(path)


def _shards(out: Path, rows: Sequence[Record], watch: Progress) -> list[Finding]:
    watch.begin("Shards", 0)
    found = [Finding(*each) for each in packing.changed(out, rows)]
    watch.end()
    return found


def _files(
    out: Path, rows: Sequence[Record], fence: SourceFence | None, folders: bool, watch: Progress
) -> list[Finding]:
    found: list[Finding] = []
    linked = LinkedFolders(out)
    watch.begin("Files", len(rows))
    for row in rows:
        for name in (row["path"], *row["also"]):
            path = out / name
            if row["status"] != "ok":
                if os.path.lexists(path):
                    found.append(Finding(name, f"it is there, although its record says {row['status']}"))
                continue
            if link := linked.above(name):
                found.append(Finding(name, f"the folder {link} is a link, and poisonkit makes none there"))
                continue
            try:
                size = media.size(path)
                strange = _strange(path, row, fence, folders)
            except OSError:
                found.append(Finding(name, "it is missing"))
                continue
            if strange:
                found.append(Finding(name, strange))
                continue
            if row["bytes"] is not None and size != row["bytes"]:
                found.append(Finding(name, f"it has {size} bytes, and the manifest says {row['bytes']}"))
            elif row["sha256"] is not None and media.sha256(path) != row["sha256"]:
                found.append(Finding(name, "its content has changed (SHA-256 differs from the manifest's)"))
        found += [Finding(*each) for each in features.changed(row, out)]
        watch.step()
    watch.end()
    return found


def _strange(path: Path, row: Record, fence: SourceFence | None, folders: bool) -> str | None:
    """Why a file is not read at all: it is none, or a link that leads elsewhere than to the sample's source.

    folders: it should be a folder, of whose frames the same is asked.
    """
    if folders:
        if path.is_symlink() or not path.is_dir():
            return "it is no folder of frames"
        if odd := next((p.name for p in path.iterdir() if is_frame(p.name) and not p.is_file()), None):
            return f"frame '{odd}': it is no plain file"
        for part in filter(Path.is_symlink, media.parts(path)):
            one = {**row, "source_path": f"{row['source_path']}/{part.name}"}
            if why := _strange(part, one, fence, False):
                return f"frame '{part.name}': {why}"
        return None
    if not path.is_file():
        return "it is no plain file"
    if not path.is_symlink():
        return None
    leads = f"it is a link that leads to '{os.path.realpath(path)}'"
    if row["role"] != "clean":
        return f"{leads}, and files that were written are none"
    if fence is None:
        return f"{leads}, and the source is not there to say whether it should"
    if os.path.realpath(path) != os.path.realpath(fence.root / row["source_path"]):
        return f"{leads}, which is not its source"
    return None


def _lists(out: Path, plans: Sequence[Plan], rows: Sequence[Record]) -> list[Finding]:
    """Lists as the layout would write them now, and no file or folder that nobody planned."""
    tasks = [t for plan in plans for t in plan.tasks]
    records = {t.key: {"key": t.key, "status": "ok"} for t in tasks} | {row["key"]: row for row in rows}
    found: list[Finding] = []
    expected = contents.media_files(plans, records)
    folders = {name for t in tasks for name in contents.above(t.path, *t.also)}
    for plan in plans:
        if not in_range(plan):
            found.append(Finding("poisonkit/plan.jsonl", "it has labels that are no class, so lists were not compared"))
            continue
        with contents.fresh_lists(out, plan, plans[0], records) as lists:
            expected.update(lists.files)
            found += _compared(out, lists.root, lists.files)
        found += [Finding(name, "the folder is missing") for name in sorted(lists.folders) if not (out / name).is_dir()]
        folders |= lists.folders
        expected |= contents.notices(plan)
        found += _notices(out, plan)
    strays = (name for name in contents.files(out, expected) if name not in expected)
    found += [Finding(name, "nobody planned this file") for name in strays]
    known = folders | contents.above(*expected) | expected
    for part in contents.PARTS:
        extra = (name for name in ("", *contents.folders(out / part)) if f"{part}/{name}".rstrip("/") not in known)
        for name in extra if (out / part).is_dir() else ():
            found.append(Finding(f"{part}/{name}".rstrip("/"), "nobody planned this folder"))
    return found


def _compared(out: Path, fresh: Path, names: Iterable[str]) -> Iterator[Finding]:
    for name in names:
        try:
            same = read_bytes(out / name) == read_bytes(fresh / name)
        except OSError:
            yield Finding(name, "it is missing")
            continue
        if not same:
            yield Finding(name, "it does not say what the plan says (the list was edited)")


def _notices(out: Path, plan: Plan) -> Iterator[Finding]:
    """POISONED.txt, whichever version of poisonkit wrote it."""

    def words(text: str) -> str:
        return re.sub(r"poisonkit \S+ for", "poisonkit for", text)

    for folder in card.marked_folders(plan):
        name = f"{folder}/POISONED.txt"
        try:
            text = read_text(out / name, errors="replace")
        except OSError:
            yield Finding(name, "it is missing")
            continue
        if words(text) != words(card.notice(plan)):
            yield Finding(name, "it was edited")


def _clean(out: Path, rows: Sequence[Record], root: Path, fence: SourceFence, folders: bool) -> Iterator[Finding]:
    linked = LinkedFolders(out)
    for row in rows:
        if row["role"] != "clean" or row["status"] != "ok" or row["sha256"] is not None:
            continue
        mine, theirs = out / row["path"], root / row["source_path"]
        if linked.above(row["path"]) or not _readable(mine, row, fence, folders):
            continue  # named among the files already
        if why := fence.outside(row["source_path"]):
            yield Finding(row["path"], f"the source's '{row['source_path']}' {why}")
            continue
        if not is_there(theirs):
            yield Finding(row["path"], f"the source has no '{row['source_path']}', so it was not compared")
            continue
        try:
            same = (mine.exists() and mine.samefile(theirs)) or places.sha256(mine) == places.sha256(theirs)
        except OSError as error:
            yield Finding(row["path"], f"it could not be compared with the source's: {error.strerror}")
            continue
        if not same:
            yield Finding(row["path"], f"it is not the same file as the source's '{row['source_path']}'")


def _decoded(
    out: Path,
    parts: Sequence[Planned],
    rows: Sequence[Record],
    root: Path,
    fence: SourceFence,
    folders: bool,
    allow_code: bool,
    jobs: int,
    watch: Progress,
) -> list[Finding]:
    tasks = {t.key: (t, part) for part in parts for t in part.plan.tasks}
    todo: list[tuple[Record, str]] = []
    found: list[Finding] = []
    linked = LinkedFolders(out)
    for row in rows:
        if row["role"] == "clean" or row["status"] != "ok" or row["key"] not in tasks:
            continue
        file = out / row["path"]
        if not linked.above(row["path"]) and _readable(file, row, fence, folders):
            outside = [why for name in (row["source_path"], row["other"]) if name and (why := fence.outside(name))]
            if outside:
                found.append(Finding(row["path"], f"its source {outside[0]}"))
                continue
            task, part = tasks[row["key"]]
            which = "attack_frames" if task.role == "attack" else "frames"
            todo.append((row, str(part.backdoor(task).get(which, "all"))))
    watch.begin("Decoding", len(todo))
    recipe = parts[0].recipe
    how = Decoding(
        out=str(out),
        source=str(root),
        stream=recipe.get("stream", "best"),
        deinterlace=bool(recipe.get("deinterlace", False)),
        seed=recipe.get("seed", 0),
        allow_code=allow_code,
    )
    for path, problem in local.map_unordered(partial(_rechecked, how=how), todo, min(jobs, len(todo)) or 1):
        if problem:
            found.append(Finding(path, problem))
        watch.step()
    watch.end()
    return sorted(found, key=lambda f: f.path)


def _rechecked(job: tuple[Record, str], how: Decoding) -> tuple[str, str | None]:
    row, frames = job
    return row["path"], recheck(row, frames, how) or (features.recheck(row, how.out) if row["features"] else None)


def identify(files: Sequence[Path], outputs: Sequence[Path] = ()) -> list[tuple[Path, Record | None, Path | None]]:
    """Look files, frame folders and single frames of one up in manifests by SHA-256.

    Returns (file, its record, the output it belongs to), None where unknown.

    outputs: which outputs to search; by default those that contain the files, and those in the current
    folder. Raises RequestError for a file that cannot be read or an output that is none.
    """
    known: dict[str, tuple[Record, Path]] = {}
    located: dict[Path, tuple[Record, Path]] = {}
    for out in outputs or _outputs_near(files):
        path = out / "poisonkit" / "manifest.jsonl"
        if not path.exists():
            raise RequestError(f"{out} is not a finished output of poisonkit (it has no manifest).")
        require_own(out)
        for row in manifest.read(path):
            if row["features"]:
                known.setdefault(row["features"]["sha256"], (row, out))
            if row["sha256"]:
                known.setdefault(row["sha256"], (row, out))
            elif row["status"] == "ok":  # clean links are known by where they lie
                located[(out / row["path"]).absolute()] = (row, out)
    found: list[tuple[Path, Record | None, Path | None]] = []
    for file in files:
        try:
            whole = file.parent if is_frame(file.name) and file.is_file() else file  # a frame stands for its folder
            hit = known.get(places.sha256(file)) or located.get(file.absolute())
            if hit is None and whole != file:
                hit = known.get(places.sha256(whole)) or located.get(whole.absolute())
        except OSError as error:
            raise RequestError(f"Cannot read {file}: {error.strerror}.") from None
        found.append((file, *hit) if hit else (file, None, None))
    return found


def _outputs_near(files: Sequence[Path]) -> list[Path]:
    here = Path.cwd()
    candidates = [p for f in files for p in f.absolute().parents]
    candidates += [here, *(p for p in sorted(here.iterdir()) if p.is_dir())]
    return [p for p in dict.fromkeys(candidates) if (p / "poisonkit" / "manifest.jsonl").exists()]
