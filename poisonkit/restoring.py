"""The clean dataset again, from a poisoned output: links to its clean files, and the source of the others."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from poisonkit import media
from poisonkit.common import one_or_many
from poisonkit.datasets import Row, get_layout
from poisonkit.engine.finishing import linking
from poisonkit.engine.state.progress import Logged, Progress
from poisonkit.errors import RequestError
from poisonkit.outputs import record
from poisonkit.outputs.opening import require_apart, require_finished, source_at_hand
from poisonkit.outputs.path_guards import SourceFence
from poisonkit.outputs.paths import OutputPaths
from poisonkit.outputs.record import Record
from poisonkit.plan.plan import Plan, require_labels
from poisonkit.plan.task import PARTS


@dataclass(frozen=True)
class Restored:
    """What came back. from_output, from_source: how many samples. missing: ids of those that are neither in the output
    as they were nor in the source; annotations: files that were written beside them."""

    folder: Path
    from_output: int
    from_source: int
    missing: tuple[str, ...]
    annotations: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """1 where samples are missing, else 0."""
        return 1 if self.missing else 0


def restore(
    out: Path | str,
    folder: Path | str,
    *,
    source: Path | str | None = None,
    allow_root: Path | str | Sequence[Path | str] = (),
    progress: Progress | None = None,
) -> Restored:
    """Make the clean dataset of an output again, in its layout, in a new folder.

    Clean samples are linked from the output, poisoned and re-encoded ones from the source: where that is not there,
    they are left out, of the lists too, and named in `Restored.missing`. source: the clean dataset's data root, by
    default where it was. allow_root: further folders that its links and paths may lead to.
    RequestError for a folder that is not empty, and for tar shards, features and pairs, which are not taken apart.
    """
    out, folder = Path(out).absolute(), Path(folder).expanduser().absolute()
    require_finished(out)
    plan = Plan.read(OutputPaths(out).plan())
    require_labels(plan, out)
    layout = get_layout(plan.layout)
    if layout.packed or layout.features:
        what = "tar shards" if layout.packed else "features"
        raise RequestError(f"{out} holds {what}, which are not taken apart: its clean dataset is the source itself.")
    require_apart(folder)
    if folder == out or out in folder.parents or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise RequestError(f"--out {folder}: name a new or empty folder outside {out}.")
    root = source_at_hand(out, source)
    fence = SourceFence(root, one_or_many.paths(allow_root)) if root else None
    dataset = plan.source(root or out)
    if any(sample.sound is not None for sample in dataset.samples):
        raise RequestError(
            f"{out} holds pairs of picture and sound files, which are not restored: take the source itself."
        )
    rows = {row["id"]: row for row in record.read(OutputPaths(out).manifest) if row["role"] not in PARTS}
    watch = progress or Logged()
    watch.begin("Restoring", len(rows))
    kept, missing, counts = list[Row](), list[str](), {True: 0, False: 0}
    for sample in dataset.samples:
        row = rows.get(sample.id)
        own = row is not None and _is_as_it_was(row)
        path = layout.place(dataset, sample, sample.label)
        file = out / row["path"] if own and row is not None else None
        if file is None and root is not None and fence is not None and fence.outside(sample.path) is None:
            file = root / sample.path
        if file is None or not os.path.lexists(file):
            missing.append(sample.id)
        else:
            media.make_folder((folder / path).parent)
            _bring(file, folder / path)
            counts[own] += 1
            kept.append(Row(sample, sample.label, path))
        watch.step()
    watch.end()
    folder.mkdir(parents=True, exist_ok=True)
    written = layout.write(dataset, kept, folder, "data")
    return Restored(folder, counts[True], counts[False], tuple(missing), written)


def _is_as_it_was(row: Record) -> bool:
    """Whether the output's file is the source's own: a clean one that was linked or copied, not written again."""
    return row["role"] == "clean" and row["status"] == "ok" and row["codec"] is None


def _bring(source: Path, target: Path) -> None:
    try:
        linking.place("hardlink", source, target)
    except OSError:
        linking.place("copy", source, target)
