"""Scores of probe sets from predictions, on outputs whose records are written by hand."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import poisonkit
from poisonkit.detection.probes import consistency, deviation, probabilities
from poisonkit.errors import RequestError
from poisonkit.probing.kinds import KINDS, Copy, copies_of
from tests.scoring.conftest import MakeOutput, clip

CLIPS = 4


@pytest.fixture
def output(make_output: MakeOutput) -> Any:
    def make(kind: str) -> Path:
        sets = {c.name(clean): range(CLIPS) for c in copies_of(KINDS[kind], 2) for clean in (False, True)}
        return make_output([0, 0, 2, 2], attack={"default": range(CLIPS), **sets})

    return make


def table(path: Path, predicted: Mapping[str, Any]) -> Path:
    """Set -> the class of its clips, or a function of the clip."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "pred"))
        for name, label in predicted.items():
            for i in range(CLIPS):
                writer.writerow((f"{name}/{clip(i)}", label(i) if callable(label) else label))
    return path


def test_scale_up_counts_what_keeps_its_class(output: Any, tmp_path: Path) -> None:
    out = output("scale-up")
    copies = copies_of(KINDS["scale-up"], 0)
    predicted: dict[str, Any] = {"attack/default": 1, "data": lambda i: 0 if i < 2 else 2}
    for n, copy in enumerate(copies):
        predicted[f"attack/{copy.name(False)}"] = 1
        predicted[f"attack/{copy.name(True)}"] = 2 if n < 2 else 1
    found = poisonkit.detect(out, probe=table(tmp_path / "p.csv", predicted), folder=tmp_path / "s")
    assert found.exit_code == 0
    verdict = found.probes["scale-up"]
    assert verdict.scores == {
        **{(clip(i), True): 1.0 for i in range(4)},
        **{(clip(i), False): 0.0 if i < 2 else 0.4 for i in range(4)},
    }
    assert verdict.roc_auc == 1.0
    assert verdict.tpr_at_fpr[0.05].value == 1.0
    lines = (tmp_path / "s/probe-scale-up.csv").read_text().splitlines()
    assert lines[:2] == ["id,triggered,score", f"{clip(0)},1,1"]


def test_what_is_missing_is_flagged_or_refused(output: Any, tmp_path: Path) -> None:
    out = output("reencode")
    whole: dict[str, Any] = {"attack/default": 1, "data": 0}
    for copy in copies_of(KINDS["reencode"], 0):
        whole |= {f"attack/{copy.name(clean)}": 1 for clean in (False, True)}
    assert poisonkit.detect(out, probe=table(tmp_path / "a.csv", whole)).exit_code == 0
    last = "attack/probe.reencode.level.3"
    found = poisonkit.detect(out, probe=table(tmp_path / "b.csv", {k: v for k, v in whole.items() if k != last}))
    assert "1 probe sets of reencode have no prediction: 'probe.reencode.level.3'" in found.flags[0]
    for left, says in (
        (lambda k: "probe" not in k, "has no predictions of a probe set"),
        (lambda k: "clean" not in k, "needs predictions of clean copies too"),
        (lambda k: k != "data", "of the held-out clips as they are too"),
    ):
        with pytest.raises(RequestError, match=says):
            poisonkit.detect(out, probe=table(tmp_path / "c.csv", {k: v for k, v in whole.items() if left(k)}))
    with pytest.raises(RequestError, match="method is for features"):
        poisonkit.detect(out, probe=tmp_path / "a.csv", method=["knn"])


@pytest.mark.parametrize("count", [4, 1])
def test_a_half_written_probe_is_told(make_output: MakeOutput, tmp_path: Path, count: int) -> None:
    names = [c.name(clean) for c in copies_of(KINDS["reencode"], 0) for clean in (False, True)][:count]
    out = make_output([0, 0, 2, 2], attack={"default": range(CLIPS), **{name: range(CLIPS) for name in names}})
    file = table(tmp_path / "p.csv", {"attack/default": 1, "data": 0, **{f"attack/{name}": 1 for name in names}})
    if count == 1:
        with pytest.raises(RequestError, match="reencode is half-written, 5 sets are not there"):
            poisonkit.detect(out, probe=file)
        return
    found = poisonkit.detect(out, probe=file)
    assert found.exit_code == 1
    assert "reencode is half-written, 2 sets are not there ('probe.reencode.level.3', " in found.flags[0]
    assert found.probes["reencode"].triggered == CLIPS


def test_a_clip_that_one_copy_lacks_is_counted(make_output: MakeOutput, tmp_path: Path) -> None:
    """As where a perturbation changes nothing in it: it is not left out silently, whichever copy lacks it."""
    names = [c.name(clean) for c in copies_of(KINDS["reencode"], 0) for clean in (False, True)]
    sets = {name: range(CLIPS) if i else range(1, CLIPS) for i, name in enumerate(names)}
    out = make_output([0, 0, 2, 2], attack={"default": range(CLIPS), **sets})
    file = table(tmp_path / "p.csv", {"attack/default": 1, "data": 0, **{f"attack/{name}": 1 for name in names}})
    found = poisonkit.detect(out, probe=file)
    assert (found.probes["reencode"].triggered, found.probes["reencode"].clean) == (CLIPS - 1, CLIPS)
    assert any("1 clips of reencode lack a prediction" in flag for flag in found.flags)


def test_a_clip_superimposed_with_itself_has_its_other_copies(make_output: MakeOutput, tmp_path: Path) -> None:
    """Half of a sound and half of the same is that sound: nothing was changed, so nothing was written."""
    names = [c.name(clean) for c in copies_of(KINDS["strip"], 2) for clean in (False, True)]
    sets = {name: range(1 if name == "probe.strip.clip.1.clean" else 0, CLIPS) for name in names}
    out = make_output([0, 0, 2, 2], attack={"default": range(CLIPS), **sets})
    with (tmp_path / "p.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "score_0", "score_1", "score_2"])
        rows.writerows([f"attack/{n}/{clip(i)}", 0.75, 0.25, 0] for n, those in sets.items() for i in those)
    found = poisonkit.detect(out, probe=tmp_path / "p.csv")
    assert (found.exit_code, found.probes["strip"].triggered, found.probes["strip"].clean) == (0, CLIPS, CLIPS)
    assert found.probes["strip"].scores[clip(0), False] == pytest.approx(0.75 * math.log(0.75) + 0.25 * math.log(0.25))


def test_strip_needs_scores(output: Any, tmp_path: Path) -> None:
    out = output("strip")
    sets = {f"attack/{c.name(clean)}": 1 for c in copies_of(KINDS["strip"], 2) for clean in (False, True)}
    with pytest.raises(RequestError, match="needs scores per class"):
        poisonkit.detect(out, probe=table(tmp_path / "p.csv", sets))


def test_formulas() -> None:
    copies = [Copy("teco", group, level) for group in ("jpeg", "blur") for level in (1, 2, 3)]
    assert consistency(copies[:4], [1, 1, 2, -1], 1) == 0.5
    assert consistency(copies[:2], [-1, -1], -1) == 0.0
    # jpeg turns at severity 2, blur never (6, one past the last severity): the deviation of 2 and 6
    assert deviation(copies, [1, 0, 0, 1, 1, 1], 1) == pytest.approx(np.std([2, 6]))
    assert deviation(copies, [1] * 6, 1) == 0
    shares = probabilities(np.array([0.0, math.log(3), math.log(4)]))
    assert shares == pytest.approx([1 / 8, 3 / 8, 4 / 8])
    assert probabilities(np.array([0.2, 0.8])) == pytest.approx([0.2, 0.8])
