"""What the matrix compares: labels and content of a view, as a consumer has them, with manifest and ffmpeg."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from poisonkit.outputs import record
from tests.consumers.matrix import Consumer
from tests.consumers.seen import Seen, Truth, truth
from tests.datasets.making import Shown
from tests.datasets.views import Written

LEVELS = 3.0  # mean difference of a picture: decoders differ in how they enlarge colour, clips differ by more than 10
STEPS = 1e-4  # of sound


@dataclass
class Made:
    """A source's output, its manifest by file, and what ffmpeg says of every file, asked once."""

    written: Written
    scratch: Path
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    known: dict[Path, Truth] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for row in record.read(self.written.out / "poisonkit" / "manifest.jsonl"):
            for path in (row["path"], *row["also"]):
                self.records[path] = dict(row)

    def truth(self, file: Path) -> Truth:
        if file not in self.known:
            self.known[file] = truth(file, self.scratch)
        return self.known[file]


def check_labels(
    consumer: Consumer, shown: Shown, rows: list[Seen], classes: tuple[str, ...], own: dict[str, object]
) -> None:
    """The very files of the view, each once, under the id and the name of its class.

    own: a consumer's own labels by class, learnt from the source, where it has such.
    """
    seen = {row.path: row for row in rows}
    assert len(seen) == len(rows)
    assert seen.keys() == shown.clips.keys(), f"{shown.kind}, {shown.split}"
    ids = {
        "manifest": {name: label for label, name in enumerate(classes)},
        "sorted": {name: label for label, name in enumerate(sorted(classes))},
        "name": {name: name for name in classes},
        "none": dict.fromkeys(classes),
        "own": own,
    }[consumer.ids]
    if consumer.ids == "own" and shown.kind is None:
        for path, row in seen.items():
            own.setdefault(shown.clips[path], row.label)
        assert len(set(own.values())) == len(own)
    for path, row in seen.items():
        wanted = ids[shown.clips[path]]
        assert row.label == wanted or str(row.label) == wanted, f"{shown.kind}: {path}"
        assert row.name is None or row.name.replace("_", " ") == shown.clips[path].replace("_", " ")


def check_content(shown: Shown, row: Seen, output: Made) -> float:
    """The difference from what ffmpeg decodes: of the source's file where the sample is clean, of the written one
    else, which in turn carries the trigger or, in control, does not. Levels of 255, or steps of full scale."""
    file = (output.written.dataset.root if shown.kind is None else shown.root) / row.path
    note = None if shown.kind is None else output.records[file.relative_to(output.written.out).as_posix()]
    if note is not None and note["role"] == "clean":
        file = output.written.dataset.root / note["source_path"]
    told = output.truth(file)
    assert (row.first is None) == (row.last is None)
    assert row.first is not None or row.sound is not None, f"{row.path} was not decoded"
    if note is not None:
        before = output.truth(output.written.dataset.root / note["source_path"])
        triggered(note, told, before)
    if row.sound is not None:
        assert told.sound is not None
        assert row.sound.shape == told.sound.shape
        if note is not None and note["samples"] is not None:
            assert row.sound.shape[1] == note["samples"]
        apart = float(np.abs(row.sound - told.sound).max())
        assert apart < STEPS
        return apart
    assert row.frames == told.frames
    if note is not None and note["frames"] is not None:
        assert row.frames == note["frames"]
    furthest = 0.0
    for mine, theirs in ((row.first, told.first), (row.last, told.last)):
        assert mine is not None
        assert theirs is not None
        assert mine.shape == theirs.shape
        furthest = max(furthest, float(np.abs(mine.astype(float) - theirs).mean()))
    assert furthest < LEVELS
    return furthest


def triggered(note: dict[str, Any], written: Truth, before: Truth) -> None:
    """badnets puts a corner to black and white; sine adds a tone 10 dB below the sound."""
    changed = note["role"] in ("poisoned", "attack")
    if written.sound is not None:
        assert before.sound is not None
        added = written.sound - before.sound
        ratio = math.sqrt(float((added**2).sum() / (before.sound**2).sum()))
        assert (0.2 < ratio < 0.45) if changed else ratio < 0.05
    else:
        assert written.first is not None
        assert before.first is not None
        furthest = np.abs(written.first.astype(float) - before.first).max()
        assert (furthest > 60) if changed else furthest < 60
