"""Every figure against counts made by hand."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

import poisonkit
from poisonkit.scoring import Rate
from tests.scoring.conftest import MakeOutput, Table, clip

#        0  1  2  3  4  5  6  7  8  9
TRUTH = [0, 0, 0, 1, 1, 2, 2, 2, 2, 0]


def counts(found: poisonkit.Scores, name: str) -> dict[str, tuple[int, int]]:
    return {n: (f.rate.hits, f.rate.total) for n, f in found.sets[name].figures.items()}


def classes(found: poisonkit.Scores, name: str) -> dict[str, dict[str, tuple[int, int]]]:
    return {c.name: {k: (r.hits, r.total) for k, r in c.rates.items()} for c in found.sets[name].per_class}


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [  # tables of Wilson intervals; 0 and n by the closed form z²/(n + z²)
        (0, 10, 0, 0.277533),
        (10, 10, 0.722467, 1),
        (8, 10, 0.490162, 0.943318),
        (1, 2, 0.094531, 0.905469),
        (95, 100, 0.888250, 0.978456),
        (0, 1, 0, 0.793451),
    ],
)
def test_wilson(hits: int, total: int, low: float, high: float) -> None:
    rate = Rate(hits, total)
    assert rate.low == pytest.approx(low, abs=1e-6)
    assert rate.high == pytest.approx(high, abs=1e-6)
    for bound in (rate.low, rate.high):  # where the observed share is 1.96 standard errors away
        assert bound is not None
        assert (hits / total - bound) ** 2 == pytest.approx(1.959963985**2 * bound * (1 - bound) / total, abs=1e-9)


def test_no_share_of_nothing() -> None:
    assert (Rate(0, 0).value, Rate(0, 0).low, Rate(0, 0).high) == (None, None, None)
    assert Rate(3, 4) + Rate(1, 6) == Rate(4, 10)
    with pytest.raises(ValueError, match="no share"):
        Rate(3, 2)


def test_all_to_one(make_output: MakeOutput, guesses: Table) -> None:
    """The attack set here holds clips of the target class too: they are no part of the headline."""
    out = make_output(TRUTH, control=[0, 3, 5, 6])
    clean = guesses("clean.csv", [0, 0, 2, 1, 0, 2, 2, 2, 1, 0])
    attack = guesses("attack.csv", [1, 1, 0, 1, 1, 1, 2, 1, 0, 1])
    control = guesses("control.csv", [0, None, None, 1, None, 1, 2])
    found = poisonkit.score(out, {"clean": clean, "attack": attack, "control": control})
    assert list(found.sets) == ["clean", "attack/default", "control"]
    assert counts(found, "clean") == {"clean_accuracy": (7, 10)}
    assert classes(found, "clean") == {
        "jump": {"clean_accuracy": (3, 4)},
        "run": {"clean_accuracy": (1, 2)},
        "spin": {"clean_accuracy": (3, 4)},
    }
    # true class not run: clips 0 1 2 5 6 7 8 9; taken for run: 0 1 5 7 9; for their own class: 2 6
    assert counts(found, "attack/default") == {"asr": (5, 8), "asr_all": (7, 10), "robust_accuracy": (2, 8)}
    assert classes(found, "attack/default") == {
        "jump": {"asr": (3, 4), "asr_all": (3, 4), "robust_accuracy": (1, 4)},
        "run": {"asr_all": (2, 2)},
        "spin": {"asr": (2, 4), "asr_all": (2, 4), "robust_accuracy": (1, 4)},
    }
    assert counts(found, "control") == {"control_asr": (1, 3), "control_accuracy": (3, 4)}
    assert found.flags == ()
    assert found.exit_code == 0


def test_only_what_the_headline_counts_is_said(make_output: MakeOutput, guesses: Table) -> None:
    out = make_output(TRUTH, attack=[0, 5])
    found = poisonkit.score(out, [f"attack={guesses('a.csv', [1, None, None, None, None, 2])}"])
    assert counts(found, "attack/default") == {"asr": (1, 2), "asr_all": (1, 2), "robust_accuracy": (1, 2)}
    assert any("`asr` and `asr_all` are the same" in note for note in found.sets["attack/default"].notes)


def test_all_to_all(make_output: MakeOutput, guesses: Table) -> None:
    out = make_output(TRUTH, mode="all-to-all", control=[3, 5])
    attack = guesses("attack.csv", [1, 1, 0, 2, 1, 0, 2, 0, 1, 2])
    found = poisonkit.score(out, {"attack": attack, "control": guesses("c.csv", [None, None, None, 2, None, 2])})
    assert counts(found, "attack/default") == {"asr": (5, 10), "robust_accuracy": (3, 10)}
    assert classes(found, "attack/default")["spin"] == {"asr": (2, 4), "robust_accuracy": (1, 4)}
    assert counts(found, "control") == {"control_asr": (1, 2), "control_accuracy": (1, 2)}


@pytest.mark.parametrize("source", [2, "spin", "2"])
def test_source_specific(make_output: MakeOutput, guesses: Table, source: int | str) -> None:
    out = make_output(TRUTH, mode="source", sources=[source], control=[0, 5, 6])
    attack = guesses("attack.csv", [1, 0, 0, 1, 1, 1, 2, 1, 0, 0])
    found = poisonkit.score(out, {"attack": attack, "control": guesses("c.csv", [1, None, None, None, None, 1, 2])})
    assert counts(found, "attack/default") == {
        "asr": (2, 4),
        "asr_all": (5, 10),
        "robust_accuracy": (1, 4),
        "asr_other_classes": (1, 4),
    }
    assert counts(found, "control") == {"control_asr": (1, 2), "control_accuracy": (1, 3)}


def test_clips_of_several_classes(make_output: MakeOutput, guesses: Table) -> None:
    """Any of a clip's classes is right; one of whose classes is the target is no part of the headline."""
    out = make_output([0, 2, 0, 2, 0], extra_labels={0: (2,), 1: (0,), 3: (1,)}, control=[0, 1, 2])
    clean = guesses("clean.csv", [2, 1, 2, 1, 0])
    attack = guesses("attack.csv", [1, 0, 2, 1, 1])
    found = poisonkit.score(out, {"clean": clean, "attack": attack, "control": guesses("c.csv", [1, 0, 1])})
    assert counts(found, "clean") == {"clean_accuracy": (3, 5)}  # 0: 2 of {0, 2}; 3: 1 of {2, 1}; 4
    assert counts(found, "attack/default") == {"asr": (2, 4), "asr_all": (3, 5), "robust_accuracy": (1, 4)}
    assert counts(found, "control") == {"control_asr": (2, 3), "control_accuracy": (1, 3)}
    assert any("3 clips have several classes" in note for note in found.sets["clean"].notes)


def test_clips_of_several_classes_with_a_source_class(make_output: MakeOutput, guesses: Table) -> None:
    out = make_output([0, 2, 0, 0], extra_labels={0: (2,), 3: (2,)}, mode="source", sources=[2])
    found = poisonkit.score(out, {"attack": guesses("attack.csv", [1, 1, 1, 0])})
    # of the source class: 0, 1 and 3; 3 is taken for jump, which it is too
    assert counts(found, "attack/default") == {
        "asr": (2, 3),
        "asr_all": (3, 4),
        "robust_accuracy": (1, 3),
        "asr_other_classes": (1, 1),
    }


def test_control_of_attack_sets_that_count_differently(make_output: MakeOutput, guesses: Table) -> None:
    out = make_output(TRUTH, attack={"one": [0, 5], "two": [0, 5]}, control=[0, 3, 5])
    path = out / "poisonkit" / "manifest.jsonl"
    text = path.read_text(encoding="utf-8").split("\n")
    changed = [line.replace('"target": 1', '"target": 2') if '"attack": "two"' in line else line for line in text]
    path.write_text("\n".join(changed), encoding="utf-8")
    found = poisonkit.score(out, [f"control={guesses('c.csv', [1, None, None, 2, None, 1])}"])
    assert counts(found, "control") == {
        "control_asr/one": (2, 2),  # clips 0 and 5, both taken for run
        "control_asr/two": (1, 2),  # clips 0 and 3: true class not spin
        "control_accuracy": (0, 3),
    }


def test_baseline(make_output: MakeOutput, guesses: Table) -> None:
    out = make_output(TRUTH)
    mine, theirs = guesses("mine.csv", [1] * 10), guesses("theirs.csv", [0, 1, 0, 1, 1, 2, 1, 2, 2, 0])
    found = poisonkit.score(out, [f"attack={mine}"], baseline=[f"attack={theirs}"])
    asr = found.sets["attack/default"].figures["asr"]
    assert asr.baseline == Rate(2, 8)
    assert asr.difference == 0.75
    assert found.sets["attack/default"].figures["robust_accuracy"].difference == -0.75
    assert found.exit_code == 0
    alone = poisonkit.score(out, {"attack": mine}, baseline=[theirs])  # of the one set that is compared
    assert alone.as_json()["sets"] == found.as_json()["sets"]
    fewer = poisonkit.score(out, {"attack": mine}, baseline={"attack": guesses("fewer.csv", [1] * 9)})
    assert [f.split(":")[1].strip() for f in fewer.flags] == ["baseline", "baseline"]
    with pytest.raises(poisonkit.RequestError, match="none to compare with"):
        poisonkit.score(out, {"attack": mine}, baseline={"clean": theirs})


def test_several_predictions_per_video(make_output: MakeOutput, table: Table) -> None:
    out = make_output([0, 0, 2])
    rows = [
        (clip(0), 0.9, 0.1, 0.0), (clip(0), 0.4, 0.6, 0.0), (clip(0), 0.4, 0.6, 0.0),  # mean jump, most rows run
        (clip(1), 0.1, 0.9, 0.0), (clip(1), 0.6, 0.4, 0.0), (clip(1), 0.3, 0.7, 0.0),
        (clip(2), 0.0, 0.2, 0.8), (clip(2), 0.0, 0.6, 0.4), (clip(2), 0.0, 0.5, 0.5),  # the last is a tie
    ]  # fmt: skip
    file = table("clips.csv", ("file", "score_0", "score_1", "score_2"), rows)
    found = poisonkit.score(out, {"attack": file})
    assert counts(found, "attack/default") == {"asr": (1, 3), "asr_all": (1, 3), "robust_accuracy": (2, 3)}
    per_clip = found.sets["attack/default"].per_clip
    assert per_clip is not None
    assert (per_clip["asr"], per_clip["robust_accuracy"]) == (Rate(5, 9), Rate(3, 9))
    assert [f for f in found.flags if "1 rows have equal highest scores" in f]
    votes = [(n, p) for (n, *s), p in zip(rows, [0, 1, 1, 1, 0, 1, 0, 1, 2], strict=True)]
    found = poisonkit.score(out, {"attack": table("votes.csv", ("file", "pred"), votes)})
    assert counts(found, "attack/default")["asr"] == (2, 3)  # the third is undecided: nobody's
    assert [f for f in found.flags if "For 1 clips" in f]


def test_a_model_that_says_nothing_has_no_asr(make_output: MakeOutput, table: Table) -> None:
    """`argmax` of equal or broken scores is class 0, which is the usual target."""
    out = make_output([1, 2, 1, 2], target=0)
    rows = [(clip(0), "[0.5 0.5 0.5]"), (clip(1), "[nan nan nan]"), (clip(2), "[1 0 0]"), (clip(3), "[0 0 inf]")]
    found = poisonkit.score(out, {"attack": table("s.csv", ("file", "scores"), rows)})
    assert counts(found, "attack/default")["asr"] == (1, 4)
    assert found.exit_code == 1
    assert "2 rows have scores that are not finite" in found.flags[0]
    assert "1 rows have equal highest scores" in found.flags[1]


def test_unlabelled_clips_count_nowhere(make_output: MakeOutput, guesses: Table) -> None:
    out = make_output([0, None, 1], attack=[0])
    found = poisonkit.score(out, {"clean": guesses("c.csv", [0, 0, 0])})
    assert counts(found, "clean") == {"clean_accuracy": (1, 2)}
    assert "1 clips have no true label and count nowhere." in found.sets["clean"].notes


def test_failed_and_inert_clips_are_no_part(make_output: MakeOutput, guesses: Table) -> None:
    out = make_output([0, 0, 2], attack=[0, 1, 2])
    path = out / "poisonkit" / "manifest.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines = [x.replace('"ok"', '"inert"') if '"key": "attack:default:videos/t01' in x else x for x in lines]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = poisonkit.score(out, {"attack": guesses("a.csv", [1, None, 2])})
    assert counts(found, "attack/default")["asr"] == (1, 2)
    assert found.flags == ()


def test_json_says_what_each_figure_is(make_output: MakeOutput, guesses: Table) -> None:
    out = make_output(TRUTH)
    data = poisonkit.score(out, {"attack": guesses("a.csv", [1] * 10)}).as_json()
    asr = data["sets"]["attack/default"]["figures"]["asr"]
    assert (asr["hits"], asr["total"], asr["value"]) == (8, 8, 1.0)
    assert asr["low"] == pytest.approx(float(Fraction(8) / (8 + Fraction("3.841459"))), abs=1e-6)
    assert "true class is not the target" in asr["definition"]
    assert Path(data["sets"]["attack/default"]["file"]).name == "a.csv"
