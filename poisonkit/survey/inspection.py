"""What a dataset holds, summed up over its files: what `poisonkit inspect` shows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from poisonkit.datasets import Dataset, Sample
from poisonkit.media.info import FOLDER, Problem
from poisonkit.survey.file_checks import Found


@dataclass(frozen=True)
class Inspection:
    """A dataset and its files. why: by what its layout was told. files: (sample, what was found) of those opened."""

    dataset: Dataset
    why: str
    files: tuple[tuple[Sample, Found], ...]

    @property
    def exit_code(self) -> int:
        """1 where a file does not open, else 0."""
        return 1 if self.not_opened else 0

    @property
    def not_opened(self) -> tuple[tuple[str, str], ...]:
        """(id, why) of each file that does not open."""
        return tuple((sample.id, found.problem) for sample, found in self.files if found.info is None)

    @cached_property
    def counts(self) -> Counter[tuple[str, int | None]]:
        """How many samples there are of each split and label."""
        return Counter((s.split, s.label) for s in self.dataset.samples)

    @cached_property
    def media(self) -> dict[str, Counter[str]]:
        """Property -> value -> number of files, of the files that open."""
        values: dict[str, Counter[str]] = {
            name: Counter() for name in ("container", "picture", "colour", "size", "frame rate", "sound")
        }
        for _, found in self.files:
            if found.info is None:
                continue
            v, a = found.info.video, found.info.audio
            values["container"][found.info.container] += 1
            values["picture"][f"{v.codec} {v.pix_fmt}" if v else "none"] += 1
            if v:
                full = {"tv": "limited range", "pc": "full range"}.get(v.color_range, "")
                values["colour"][f"{v.colorspace or 'untagged'} {full}".strip()] += 1
                values["size"]["{}x{}".format(*v.displayed)] += 1
                rate = f"{float(v.fps):.6g} fps"
                values["frame rate"][f"none; {rate} is taken" if found.info.container == FOLDER else rate] += 1
            channels = {1: "mono", 2: "stereo"}.get(a.channels, a.layout) if a else ""
            values["sound"][f"{a.codec} {a.sample_rate} Hz {channels}" if a else "none"] += 1
        return {name: counts for name, counts in values.items() if counts}

    @cached_property
    def seconds(self) -> dict[str, float]:
        """Shortest, longest and total duration of the files that open."""
        seconds = [found.info.duration for _, found in self.files if found.info]
        return {"shortest": min(seconds), "longest": max(seconds), "total": sum(seconds)} if seconds else {}

    @cached_property
    def problems(self) -> dict[str, list[tuple[Problem, str]]]:
        """Problem code -> (problem, the id of the file that has it) of each file."""
        problems: dict[str, list[tuple[Problem, str]]] = {}
        for sample, found in self.files:
            for problem in found.conditions:
                problems.setdefault(problem.code, []).append((problem, sample.id))
        return problems

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        dataset, counts = self.dataset, self.counts
        return {
            "root": str(dataset.root.absolute()),
            "layout": dataset.layout,
            "why": self.why,
            "classes": list(dataset.classes),
            "samples": {
                split: {
                    "classes": [counts[split, i] for i in range(len(dataset.classes))],
                    "unlabelled": counts[split, None],
                }
                for split in dataset.splits
            },
            "looked_at": len(self.files),
            "opened": len(self.files) - len(self.not_opened),
            "media": {name: dict(values.most_common()) for name, values in self.media.items()},
            "seconds": self.seconds,
            "problems": [
                {
                    "code": code,
                    "files": len(those),
                    "message": those[0][0].message,
                    "remedy": those[0][0].remedy,
                    "blocks": those[0][0].blocks,
                    "first": those[0][1],
                    "all": [{"id": name, "message": p.message, "remedy": p.remedy} for p, name in those],
                }
                for code, those in self.problems.items()
            ],
            "not_opened": [{"id": name, "problem": why} for name, why in self.not_opened],
            "notes": list(dataset.notes),
        }
