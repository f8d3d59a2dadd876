"""Is everything that the manifest says still true?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from poisonkit.common import one_or_many
from poisonkit.datasets import get_layout
from poisonkit.engine.state.options import Options
from poisonkit.engine.state.progress import Logged, Progress
from poisonkit.errors import RequestError, did_you_mean
from poisonkit.outputs import checksums
from poisonkit.outputs.begun_probes import half_written
from poisonkit.outputs.consistency import Finding, Planned, differences, read_parts
from poisonkit.outputs.opening import require_finished, source_at_hand
from poisonkit.outputs.path_guards import SourceFence
from poisonkit.outputs.paths import HOME, MANIFEST, PROBING, RECIPE, RUN, STATE
from poisonkit.verification import lists, selection
from poisonkit.verification.decoded_files import DecodedFiles
from poisonkit.verification.files import Files
from poisonkit.verification.pairing import Pairing
from poisonkit.verification.run_file import Tally
from poisonkit.verification.source import Original

HASHES = ("written", "all")
__all__ = ["Finding", "Verification", "verify"]


@dataclass(frozen=True)
class Verification:
    """The outcome. level: what was checked, in words. checked: files looked at.

    unseen: what was not looked at, a sentence each.
    """

    level: str
    checked: int
    problems: tuple[Finding, ...]
    unseen: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.problems


def verify(
    out: Path | str,
    *,
    decode: bool = False,
    hash: Literal["written", "all"] = "written",
    source: Path | str | None = None,
    allow_root: Path | str | Sequence[Path | str] = (),
    allow_code: bool = False,
    without_source: bool = False,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Verification:
    """Check a finished output against its recipe, plan, manifest and source.

    Always: nothing that the output says of itself was edited since (SHA-256 in run.json); the plan is one that its
    recipe can give; plan and manifest agree, row by row, and run.json's counts with both; every file is there in its
    recorded size; hashes of all poisoned, attack and control files; lists, class folders and notices say what the plan
    says; no other file or folder lies in the output. With the source: its samples, splits and labels, read by its
    layout, are the plan's, and clean files have its sizes.
    hash: `all` for the content of clean files too.
    decode: every poisoned, attack and control file is decoded, its facts and
    figures compared with its record, its trigger rendered again from record and source, and measured; pictures and
    sound without trigger are compared with the source's; what is said to be inert or failed is tried again.
    What could not be looked at is in `Verification.unseen`.
    allow_root: further folders that the source's links and paths may lead to.
    jobs: workers that decode, 0 for one per processor.
    allow_code: with decode, triggers named as `package.module:Class` are imported.
    without_source: with decode, it is no finding that the source is not there: files are decoded and compared with
    their records alone.
    Rows are gone through one at a time, so a million of them need no more memory than their names' digests.
    Raises RequestError when `out` is no finished output, or its plan or manifest cannot be read.
    """
    out = Path(out)
    if hash not in HASHES:
        raise RequestError(f"--hash {hash}: not known.{did_you_mean(hash, HASHES)}")
    hash_all = hash == "all"
    n_jobs = Options(jobs=jobs).n_jobs
    watch = progress or Logged()
    require_finished(out)
    parts, found = read_parts(out)
    found += _half_written(out)
    root = source_at_hand(out, source)
    roots = one_or_many.paths(allow_root)
    fence = SourceFence(root, roots) if root else None
    found = [Finding(*edit) for edit in checksums.edited(out)] + found
    layout, options = get_layout(parts[0].plan.layout), parts[0].plan.options
    files = Files(out, layout, fence, hash_all, layout.holds_folders(options))
    found += files.found
    original = Original(out, parts[0], root, roots) if root else None
    differences_to_source = list(original.differences()) if original else []  # first, while nothing else is held
    tally = Tally()
    found += _rows(out, parts, files, tally, watch)
    found += selection.problems(parts[0], parts)
    found += differences_to_source
    found += lists.lists(out, parts, frozenset(tally.dropped), tally.lengths)
    found += tally.disagreements(out, parts)
    untried = 0
    if decode:
        decoded = DecodedFiles(out, parts, root, fence, files, allow_code)
        found += _not_at_hand(root, without_source, decoded.unrun)
        found += decoded.findings(tally.made, n_jobs, watch)
        untried = decoded.untried
    level, unseen = _told(decode, hash_all, original, untried)
    return Verification(level, tally.total, tuple(found), unseen)


def _half_written(out: Path) -> Iterator[Finding]:
    """Probes of which some sets are there and others are not."""
    for kind, names in half_written(out).items():
        yield Finding(
            f"{HOME}/{STATE}/{PROBING}",
            f"the probe {kind} is half-written, {len(names)} of its sets are not there ({names[0]} …): the same "
            "`poisonkit probe` continues",
        )


def _not_at_hand(root: Path | None, without_source: bool, unrun: Sequence[str]) -> Iterator[Finding]:
    """What keeps triggers from being rendered again, a finding each, whatever the number of files."""
    if root is None and not without_source:
        yield Finding(
            RUN,
            "the source is not there, so files were decoded, and no trigger was looked for in them: name it with "
            "--source, or say that it is gone with --without-source",
        )
    if unrun:
        yield Finding(
            RECIPE,
            f"code from outside poisonkit ({', '.join(unrun)}) was not run, so its trigger was looked for in no file: "
            "if you trust it, --allow-code",
        )


def _rows(out: Path, parts: Sequence[Planned], files: Files, tally: Tally, watch: Progress) -> Iterator[Finding]:
    """Every record against its row of the plan, and its files."""
    pairs = Pairing(out, parts)
    watch.begin("Files", sum(len(part.plan.tasks) for part in parts))
    for row, task, part in pairs:
        if task is None or part is None:
            yield Finding(MANIFEST, f"'{row['key']}' was never planned")
        else:
            for problem in differences(row, task, part):
                yield Finding(MANIFEST, f"'{row['key']}': {problem}")
        yield from files.changed(row)
        tally.add(row, task, part)
        watch.step()
    watch.end()
    yield from pairs.found


def _told(decode: bool, hash_all: bool, original: Original | None, untried: int) -> tuple[str, tuple[str, ...]]:
    """What was checked, in words, and what could not be."""
    level, unseen = "sizes, lists, labels, selection, and hashes of poisoned, attack and control files", []
    if original is None:
        unseen.append(
            "The source is not there, or no run of yours has noted it (--source), so it was not seen whether clean "
            "files, original labels and the "
            "choice of samples are the source's: edits that agree with each other there go unnoticed."
        )
    elif original.unread:
        unseen.append(
            "The source could not be read by its layout, so it was not seen whether original labels, splits and the "
            f"choice of samples are the source's ({original.unread})."
        )
    else:
        level += ", samples and labels against the source"
    if hash_all:
        level += ", and of clean files" + (" against the source" if original else ", where these are recorded")
    else:
        unseen.append("Clean files were looked at by their size alone (--hash all).")
    if decode and original is None:
        level += "; every poisoned, attack and control file decoded and compared with its record alone"
    elif decode:
        level += "; every poisoned, attack and control file decoded, triggers rendered again and looked for"
        if untried:
            unseen.append(
                f"{untried} records say that a clip failed for want of time or memory, by a limit, or because a worker "
                "died: these were not tried again."
            )
    else:
        unseen.append("Nothing was decoded (--decode): triggers, figures, pictures and sound were not looked at.")
    return level, tuple(unseen)
