"""A defence's verdict against the manifest."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import poisonkit
from poisonkit.errors import RequestError
from poisonkit.scoring import Rate, SuspectScores
from poisonkit.scoring.suspects import roc_auc, tpr_at
from tests.scoring.conftest import MakeOutput

#        0           1           2        3        4        5        6
TRAIN = ["poisoned", "poisoned", "clean", "clean", "clean", "clean", "poisoned"]
Verdict = Callable[[Sequence[str]], SuspectScores]


def name(number: int) -> str:
    return f"videos/n{number:02d}.mp4"


@pytest.fixture
def verdict(make_output: MakeOutput, tmp_path: Path) -> Verdict:
    """The lines of a file of suspects -> what they are worth."""
    out = make_output([0, 1], train=[(role, i % 3) for i, role in enumerate(TRAIN)])

    def score(lines: Sequence[str]) -> SuspectScores:
        path = tmp_path / "suspects.txt"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        found = poisonkit.score(out, suspects=path).suspects
        assert found is not None
        return found

    return score


def test_ids(verdict: Verdict) -> None:
    found = verdict(["# mine", name(0), "", "/x/out/data/" + name(1), "data/" + name(3), name(4)])
    assert (found.precision, found.recall, found.fpr) == (Rate(2, 4), Rate(2, 3), Rate(2, 4))
    assert found.f1 == pytest.approx(2 * (2 / 4) * (2 / 3) / (2 / 4 + 2 / 3))
    assert found.roles == {"clean": 4, "poisoned": 3}
    assert found.suspected == {"clean": 2, "poisoned": 2}
    assert found.roc_auc is None
    assert found.flags == ()


def test_scores(verdict: Verdict) -> None:
    values = [0.9, 0.4, 0.4, 0.8, 0.1, 0.2, 0.7]
    found = verdict(["id,score", *(f"{name(i)},{v}" for i, v in enumerate(values))])
    # the three highest: 0 (0.9), 3 (0.8), 6 (0.7)
    assert (found.threshold, found.precision, found.recall) == (0.7, Rate(2, 3), Rate(2, 3))
    # pairs: 0.9 beats 4 of 4; 0.4 beats 2 and ties one; 0.7 beats 3
    assert found.roc_auc == (4 + 2.5 + 3) / 12
    assert found.tpr_at_fpr == {0.01: Rate(1, 3), 0.05: Rate(1, 3)}
    data = json.loads(json.dumps(found.as_json()))
    assert data["roc_auc"] == pytest.approx(9.5 / 12, abs=1e-6)
    assert data["tpr_at_fpr"]["0.01"]["hits"] == 1


def test_ties_with_the_last_suspect_are_suspects(verdict: Verdict) -> None:
    found = verdict([f"{name(i)},{v}" for i, v in enumerate([1, 0, 0, 0, 0, 0, 0])])
    assert (found.precision, found.fpr) == (Rate(3, 7), Rate(4, 4))


@pytest.mark.parametrize("seed", range(6))
def test_auc_and_tpr_against_counting(seed: int) -> None:
    rng = np.random.default_rng(seed)
    levels = [2, 5, 40, 10_000][seed % 4]
    positive = rng.integers(0, levels, int(rng.integers(1, 60))).astype(float) + 0.3 * (levels > 5)
    negative = rng.integers(0, levels, int(rng.integers(1, 250))).astype(float)
    right = sum(1.0 if p > n else 0.5 if p == n else 0.0 for p, n in product(positive, negative))
    assert roc_auc(positive, negative) == pytest.approx(right / (len(positive) * len(negative)), abs=1e-12)
    for fpr in (0.01, 0.05, 0.5, 1.0):
        thresholds = [*positive, *negative, np.inf]
        best = max((positive >= t).sum() for t in thresholds if (negative >= t).mean() <= fpr)
        assert tpr_at(fpr, positive, negative) == Rate(int(best), len(positive))


def test_auc_without_pairs() -> None:
    assert roc_auc(np.array([1.0]), np.array([])) is None
    assert tpr_at(0.01, np.array([1.0]), np.array([])) == Rate(1, 1)


def test_covers_are_counted_apart(make_output: MakeOutput, tmp_path: Path) -> None:
    out = make_output([0], train=[("poisoned", 0), ("cover", 1), ("cover", 2), ("clean", 0)])
    path = tmp_path / "s.csv"
    path.write_text("".join(f"{name(i)}\n" for i in (0, 1)))
    found = poisonkit.score(out, suspects=path).suspects
    assert found is not None
    assert (found.precision, found.fpr) == (Rate(1, 1), Rate(0, 1))
    assert found.suspected == {"clean": 0, "cover": 1, "poisoned": 1}
    path.write_text("".join(f"{name(i)},{s}\n" for i, s in enumerate((0.5, 0.9, 0.1, 0.4))))
    found = poisonkit.score(out, suspects=path).suspects
    assert found is not None
    assert (found.roc_auc, found.threshold, found.precision) == (1.0, 0.5, Rate(1, 1))


def test_what_is_flagged(verdict: Verdict) -> None:
    found = verdict([f"{name(0)},1", f"{name(0)},0.5", "videos/t00.mp4,1", f"{name(2)},0.7"])
    assert [flag.split(":")[0] for flag in found.flags] == [
        "1 lines name no training sample, or several",
        "1 samples are named twice",
        "5 of 7 training samples have no score",
    ]
    assert found.roc_auc == 0.0  # 0.5 against 0.7
    assert verdict(["videos/n00.mp4", "other.mp4"]).flags


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["# nothing"], "names no sample"),
        (["videos/zz.mp4"], "names no training sample"),
        ([f"{name(0)},nan"], "line 1: the score nan is not finite"),
        ([f"{name(0)},1", name(1)], "line 2: some lines have a score"),
        ([name(0), f"{name(1)},1"], "line 2: some lines have a score"),
        ([f"{name(2)},1"], "scores no poisoned sample"),
    ],
)
def test_refused(verdict: Verdict, lines: list[str], says: str) -> None:
    with pytest.raises(RequestError, match=says):
        verdict(lines)


def test_a_comma_in_an_id(make_output: MakeOutput, tmp_path: Path) -> None:
    out = make_output([0])
    for path in (out / "poisonkit").glob("*.jsonl"):
        path.write_text(path.read_text().replace("videos/n00.mp4", "videos/n,1"))
    path = tmp_path / "s.txt"
    path.write_text("videos/n,1\n")
    found = poisonkit.score(out, suspects=path).suspects
    assert found is not None
    assert found.recall == Rate(1, 1)
    path.write_text("videos/n,1,0.5\nvideos/n01.mp4,0.1\n")
    found = poisonkit.score(out, suspects=path).suspects
    assert found is not None
    assert found.roc_auc == 1.0


def test_nothing_to_find(make_output: MakeOutput, tmp_path: Path) -> None:
    out = make_output([0], train=[("clean", 0)])
    (tmp_path / "s.txt").write_text("x\n")
    with pytest.raises(RequestError, match="no poisoned training sample"):
        poisonkit.score(out, suspects=tmp_path / "s.txt")
