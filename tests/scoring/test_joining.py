"""Which prediction is of which clip: found by name, by order only where that can be right, else refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import poisonkit
from poisonkit.errors import RequestError
from poisonkit.scoring.joining import AMBIGUOUS, UNKNOWN, Names
from poisonkit.scoring.sets import ClipSet
from tests.scoring.conftest import MakeOutput, Table, clip

TRUTH = [0, 1, 2, 0]


def names(*paths: str, also: Sequence[str] = ()) -> Names:
    rows = [{"path": f"data/{p}", "also": list(also), "id": p} for p in paths]
    return Names(ClipSet("clean", tuple(rows), ("data",)))


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("a/1.mp4", 0),
        ("data/a/1.mp4", 0),
        ("/home/me/out/data/b/1.mp4", 1),
        ("./a//1.mp4", 0),
        ("/elsewhere/a/1.mp4", 0),  # ends in the path below the data root
        ("2.mp4", 2),  # the end of one clip's path only
        ("1.mp4", AMBIGUOUS),
        ("/elsewhere/c/1.mp4", UNKNOWN),
        ("x1.mp4", UNKNOWN),
        ("b/1", 1),
        ("b/1.npy", 1),
        ("b/2", 2),
        ("deep.er/v1.5", 3),  # a dot is no suffix here
        ("caf\u00e9.mp4", 4),
        ("cafe\u0301.mp4", 4),
        ("/o/data/flat.mp4", 5),
        ("sub/flat.mp4", 6),
        ("/o/sub/flat.mp4", 6),  # the longest ending counts
    ],
)
def test_names(name: str, index: int) -> None:
    known = names("a/1.mp4", "b/1.mp4", "b/2.mp4", "deep.er/v1.5.mp4", "cafe\u0301.mp4", "flat.mp4", "sub/flat.mp4")
    assert known.find(name) == index


def test_where_the_names_tell_nothing_needs_saying(make_output: MakeOutput, guesses: Table) -> None:
    out = make_output(TRUTH, attack=[0, 2], control=[0])
    attack = guesses("a.csv", [1, None, 1], root="/x/out/attack/default/")
    control = guesses("b.csv", [0], root="control/")
    clean = guesses("c.csv", TRUTH)  # names a clip that only the held-out split has
    found = poisonkit.score(out, [str(attack), clean, control])
    assert [(s.name, s.file.name) for s in found.sets.values()] == [
        ("clean", "c.csv"),
        ("attack/default", "a.csv"),
        ("control", "b.csv"),
    ]
    with pytest.raises(RequestError, match="do not tell which part"):
        poisonkit.score(out, [guesses("d.csv", [1, None, 1])])
    mixed = guesses("e.csv", [1], root="attack/default/").read_text() + guesses("f.csv", [1], "control/").read_text()
    (path := clean.with_name("g.csv")).write_text(mixed.replace("file,pred\r\ncontrol", "control").replace("\r", ""))
    path.write_text(path.read_text().replace("file,pred\ncontrol", "control"))
    with pytest.raises(RequestError, match="attack/default and control"):
        poisonkit.score(out, [path])


def test_predictions_of_another_part_are_refused(make_output: MakeOutput, guesses: Table) -> None:
    out = make_output(TRUTH, attack=[0, 2])
    clean = guesses("c.csv", [1, None, 1], root="/x/out/data/")
    with pytest.raises(RequestError, match=r"given as attack/default, but its clips lie in clean"):
        poisonkit.score(out, {"attack": clean})
    with pytest.raises(RequestError, match="lie in training"):
        poisonkit.score(out, {"clean": _training(clean)})
    with pytest.raises(RequestError, match=r"names no clip of clean \('other/t00.mp4'"):
        poisonkit.score(out, {"clean": guesses("d.csv", [1], root="o/").with_name(_other(clean))})
    both = guesses("both.csv", [0, 1, 2, 0], root="data/")
    both.write_text(both.read_text() + "data/videos/n00.mp4,1\r\n")
    found = poisonkit.score(out, {"clean": both})
    assert found.flags == ()
    assert "1 predictions are of training clips and were left out." in found.sets["clean"].notes


def _training(beside: Path) -> Path:
    path = beside.with_name("train.csv")
    path.write_text("file,pred\n/x/out/data/videos/n00.mp4,1\n")
    return path


def _other(beside: Path) -> str:
    beside.with_name("other.csv").write_text("file,pred\nother/t00.mp4,1\n")
    return "other.csv"


def test_predictions_of_another_output_are_flagged(make_output: MakeOutput, guesses: Table, tmp_path: Path) -> None:
    """Attack sets of two outputs have the same names in them; a copy of an output is as good as itself."""
    out = make_output(TRUTH, attack=[0, 2, 3], control=[0, 2])
    other = shutil.copytree(out, tmp_path / "other")
    names = {"attack": ("attack/default", [1, None, 1, 1]), "control": ("control", [1, None, 2])}
    for name, (folder, predicted) in names.items():
        for suffix in (".mp4", ".npy"):
            file = guesses(f"{name}.csv", predicted, root=f"{other}/{folder}/")
            file.write_text(file.read_text().replace(".mp4", suffix))
            assert poisonkit.score(out, {name: file}).flags == ()  # of a copy
            manifest = other / "poisonkit" / "manifest.jsonl"
            before = manifest.read_text()
            manifest.write_text(before + "\n")
            (flag,) = poisonkit.score(out, {name: file}).flags
            assert f"lie in another output, {other}, not in {out}" in flag
            assert poisonkit.score(out, {name: guesses("n.csv", predicted, root=f"{out}/{folder}/")}).flags == ()
            assert poisonkit.score(out, {name: guesses("n.csv", predicted, root=f"/nowhere/x/{folder}/")}).flags == ()
            manifest.write_text(before)
    clean = guesses("c.csv", TRUTH, root=f"{other}/data/")
    (other / "poisonkit" / "manifest.jsonl").write_text("")
    assert poisonkit.score(out, {"clean": clean}).flags == ()


def test_gaps_and_strangers_are_flagged_by_name_and_count(make_output: MakeOutput, table: Table) -> None:
    out = make_output(TRUTH)
    rows = [(clip(0), 0), (clip(1), 1), (clip(1), 1), ("videos/zz.mp4", 2)]
    found = poisonkit.score(out, {"clean": table("c.csv", ("file", "pred"), rows)})
    text = "\n".join(found.flags)
    assert f"2 of 4 clips have no prediction: '{clip(2)}', '{clip(3)}'" in text
    assert f"1 clips are predicted another number of times than the others (1): '{clip(1)}'" in text
    assert "1 predictions name no clip of this set: 'videos/zz.mp4'" in text
    assert (found.sets["clean"].predicted, found.sets["clean"].clips) == (2, 4)
    assert found.exit_code == 1


def test_clips_of_a_video_may_differ_in_number_but_not_repeat(make_output: MakeOutput, table: Table) -> None:
    out = make_output([0, 1])
    rows = [(clip(0), 0, 0), (clip(0), 1, 0), (clip(0), 2, 0), (clip(1), 0, 1)]
    assert poisonkit.score(out, {"clean": table("a.csv", ("file", "clip", "pred"), rows)}).flags == ()
    found = poisonkit.score(out, {"clean": table("b.csv", ("file", "clip", "pred"), [*rows, (clip(1), 0, 1)])})
    assert found.flags == (f"clean: 1 clips are predicted twice: '{clip(1)}'; the predictions were averaged.",)


def test_own_labels_that_contradict_are_flagged(make_output: MakeOutput, table: Table) -> None:
    out = make_output(TRUTH, attack=[0, 2, 3])
    for truth, wrong in (([0, 2, 0], 0), ([1, 1, 1], 0), ([0, 0, 0], 1), ([0, -1, 0], 0)):
        rows = [(clip(i), 1, t) for i, t in zip([0, 2, 3], truth, strict=True)]
        found = poisonkit.score(out, {"attack": table(f"{truth}.csv", ("file", "pred", "gt"), rows)})
        assert len(found.flags) == wrong
        assert all(f"for 1 clips: '{clip(2)}'" in flag for flag in found.flags)


def test_one_held_out_split_is_scored(make_output: MakeOutput, guesses: Table) -> None:
    out = make_output(TRUTH)
    path = out / "poisonkit" / "manifest.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        if row["role"] == "clean" and row["id"] in (clip(2), clip(3)):
            row["split"] = "val"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    both = poisonkit.score(out, {"clean": guesses("c.csv", [0, 0, 2, 0])}).sets["clean"]
    assert (both.figures["clean_accuracy"].rate.hits, both.clips) == (1, 2)
    assert "2 predictions are of another held-out split than test" in both.notes[0]
    assert both.flags == ()
    val = poisonkit.score(out, {"clean": guesses("v.csv", [None, None, 2, 0])}).sets["clean"]
    assert (val.figures["clean_accuracy"].rate.hits, val.clips, val.flags) == (2, 2, ())


# -- without names -----------------------------------------------------------------------------------------


def arrays(folder: Path, name: str = "p.npz", **values: Sequence[int]) -> Path:
    np.savez(folder / name, **{k: np.array(v) for k, v in values.items()})
    return folder / name


def test_order_that_the_labels_confirm(make_output: MakeOutput, tmp_path: Path) -> None:
    out = make_output(TRUTH, attack=[0, 2, 3])
    found = poisonkit.score(out, {"clean": arrays(tmp_path, pred=[0, 1, 0, 0], gt=TRUTH)})
    assert found.sets["clean"].figures["clean_accuracy"].rate.hits == 3
    assert "cannot be checked" in found.sets["clean"].notes[0]
    assert found.exit_code == 0
    found = poisonkit.score(out, {"attack": arrays(tmp_path, pred=[1, 2, 1], gt=[0, 2, 0])})
    assert {n: f.rate.hits for n, f in found.sets["attack/default"].figures.items()} == {
        "asr": 2,
        "asr_all": 2,
        "robust_accuracy": 1,
    }


def test_order_of_all_to_all_lists(make_output: MakeOutput, tmp_path: Path) -> None:
    out = make_output([2, 0, 1], mode="all-to-all")
    for gt, predicted in (([0, 1, 2], [0, 1, 1]), ([2, 0, 1], [0, 1, 1])):  # target list, original list
        found = poisonkit.score(out, {"attack": arrays(tmp_path, pred=predicted, gt=gt)})
        assert found.sets["attack/default"].figures["asr"].rate.hits == 2
    with pytest.raises(RequestError, match="neither file names nor true labels"):
        poisonkit.score(out, {"attack": arrays(tmp_path, pred=[0, 1, 2])})


@pytest.mark.parametrize("gt", [None, [1, 1, 1]])
def test_asr_without_any_order(make_output: MakeOutput, tmp_path: Path, gt: list[int] | None) -> None:
    out = make_output(TRUTH, attack=[0, 2, 3], control=[0, 2])
    values = {"pred": [1, 0, 1]} | ({} if gt is None else {"gt": gt})
    files = {"attack": arrays(tmp_path, **values), "control": arrays(tmp_path, "c.npz", pred=[1, 2])}
    found = poisonkit.score(out, files)
    attack, control = found.sets["attack/default"], found.sets["control"]
    assert {n: f.rate.hits for n, f in attack.figures.items()} == {"asr": 2, "asr_all": 2}
    assert {n: f.rate.hits for n, f in control.figures.items()} == {"control_asr": 1}
    assert attack.per_class == ()
    assert "cannot be checked which clips" in attack.notes[0]


@pytest.mark.parametrize(
    ("name", "values", "says"),
    [
        ("clean", {"pred": [0, 1, 2]}, "3 predictions without file names, and clean has 4 clips"),
        ("clean", {"pred": [0, 1, 2, 0]}, "neither file names nor true labels"),
        ("clean", {"pred": [0, 1, 2, 0], "gt": [1, 0, 2, 0]}, "shuffled"),
        ("clean", {"pred": [0, 1, 2, 0], "gt": [2, 2, 2, 0]}, "of other clips"),
        ("attack", {"pred": [1, 1]}, "2 predictions without file names, and attack/default has 3 clips"),
        ("attack", {"pred": [1, 1, 1], "gt": [2, 0, 0]}, "shuffled"),
        ("attack", {"pred": [1, 1, 1], "gt": [0, 0, 0]}, "of other clips"),
    ],
)
def test_no_order_to_trust(make_output: MakeOutput, tmp_path: Path, name: str, values: dict, says: str) -> None:
    out = make_output(TRUTH, attack=[0, 2, 3])
    with pytest.raises(RequestError, match=says):
        poisonkit.score(out, {name: arrays(tmp_path, **values)})


def test_one_class_confirms_no_order(make_output: MakeOutput, tmp_path: Path) -> None:
    out = make_output([2, 2], attack=[])
    with pytest.raises(RequestError, match="with one class in clean the order cannot be checked"):
        poisonkit.score(out, {"clean": arrays(tmp_path, pred=[2, 2], gt=[2, 2])})


def test_asr_needs_names_where_target_clips_are_among_them(make_output: MakeOutput, tmp_path: Path) -> None:
    out = make_output(TRUTH)  # clip 1 is of the target class
    with pytest.raises(RequestError, match="not known which clip of attack/default"):
        poisonkit.score(out, {"attack": arrays(tmp_path, pred=[1, 1, 1, 1])})


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["attack={a}"], "has several attack sets; say which: attack/one=FILE, attack/two=FILE"),
        (["attack/three={a}"], "has no attack/three; it has clean, attack/one, attack/two"),
        (["control={a}"], "has no control"),
        (["clean={a}", "clean={a}"], "are both of clean"),
        (["attak={a}"], "'attak' is no part of an output. Did you mean 'attack'?"),
        (["missing.csv"], "Cannot read missing.csv"),
        (["clean=a.txt"], "files of predictions end in .pkl"),
        ([], "nothing to score"),
    ],
)
def test_wrong_requests(make_output: MakeOutput, guesses: Table, words: list[str], says: str) -> None:
    out = make_output(TRUTH, attack={"one": [0], "two": [0]})
    file = guesses("a.csv", [0])
    with pytest.raises(RequestError) as error:
        poisonkit.score(out, [w.format(a=file) for w in words])
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unfinished_output(make_output: MakeOutput, guesses: Table) -> None:
    out = make_output(TRUTH)
    (out / "poisonkit" / "run.json").unlink()
    with pytest.raises(RequestError, match="not finished"):
        poisonkit.score(out, {"clean": guesses("a.csv", TRUTH)})
    (out / "data").mkdir()
    with pytest.raises(RequestError, match="not an output"):
        poisonkit.score(out / "data", {"clean": guesses("a.csv", TRUTH)})


@pytest.mark.parametrize(
    ("name", "hits", "per_clip"),
    [
        ("dump_1.2.pkl", 3, None),
        ("dump_1.1.pkl", 3, None),  # a frame_dir: the name without its suffix
        ("dump_1.2_half_unnamed.pkl", 3, None),  # by order
        ("dump_1.2_clips.pkl", 4, 5),
        ("saved_zip.pt", 3, None),
    ],
)
def test_real_dumps_to_the_end(make_output: MakeOutput, name: str, hits: int, per_clip: int | None) -> None:
    """What is in them: assets/make_dumps.py; counted by hand."""
    out = make_output([0, 0, 1, 1, 2, 2])
    for path in (out / "poisonkit").glob("*.jsonl"):
        path.write_text(path.read_text().replace("videos/t0", "videos/v"))
    found = poisonkit.score(out, {"clean": Path(__file__).parent / "assets" / name})
    clean = found.sets["clean"]
    assert (clean.figures["clean_accuracy"].rate.hits, clean.predicted) == (hits, 6)
    assert (clean.per_clip["clean_accuracy"].hits if clean.per_clip else None) == per_clip
    assert found.flags == ()
