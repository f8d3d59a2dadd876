"""csv, jsonl and npz: every way in which they may say it, and what is no such file."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poisonkit.errors import RequestError
from poisonkit.scoring.predictions import Predictions
from poisonkit.scoring.readers import read

CLASSES = ("jump", "run", "spin around")


def written(folder: Path, name: str, data: str | bytes) -> Path:
    (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return folder / name


def seen(found: Predictions) -> tuple[Any, ...]:
    truth = None if found.truth is None else found.truth.tolist()
    return found.names, found.labels.tolist(), truth


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.csv", "file,pred\na,1\nb,2\n", (("a", "b"), [1, 2], None)),
        ("a.csv", "\ufefffile,pred\r\na,1\r\n", (("a",), [1], None)),
        ("a.tsv", "path\tlabel\na b, c\trun\n", (("a b, c",), [1], None)),
        ("a.csv", 'Filename,Label,Pred\n"a, ""b""",jump,spin around\n\n', (('a, "b"',), [2], [0])),
        ("a.csv", "id,gt,score_1,score_0,score_2\na,2,.7,.1,.2\n", (("a",), [1], [2])),
        ("a.csv", "id,jump,run,spin around\na,0.1,0.2,0.7\n", (("a",), [2], None)),
        ("a.csv", "file,scores\na,[0.1 0.8 0.1]\nb,0.9 0 0.1\n", (("a", "b"), [1, 0], None)),
        ("a.csv", 'file,scores\na,"[0.1, 0.8, 0.1]"\n', (("a",), [1], None)),
        ("a.csv", "pred\n1\n0\n", (None, [1, 0], None)),
        ("a.jsonl", '{"file": "a", "label": 1}\n\n{"file": "b", "label": "jump"}', (("a", "b"), [1, 0], None)),
        ("a.jsonl", '{"path": "a", "scores": [0, 0, 1], "label": 1, "pred": 2}\n', (("a",), [2], [1])),
        ("a.jsonl", '{"path": "a", "scores": [[0, 0, 1], [1, 0, 0]]}\n', (("a",), [2, 0], None)),
        ("a.jsonl", '{"filename": "a", "pred_label": [2, 1], "gt_label": 0}\n', (("a",), [2, 1], [0])),
    ],
)
def test_text(tmp_path: Path, name: str, data: str, expected: tuple[Any, ...]) -> None:
    found = read(written(tmp_path, name, data), CLASSES)
    assert seen(found) == expected
    assert found.flags == ()


def test_a_name_wins_over_an_index(tmp_path: Path) -> None:
    """As with --target, where a class is called by a number."""
    path = written(tmp_path, "a.csv", "file,pred\na,1\nb,3\n")
    assert read(path, ("1", "2", "3")).labels.tolist() == [0, 2]
    assert read(written(tmp_path, "a.jsonl", '{"file": "a", "pred": 1}'), ("1", "2", "3")).labels.tolist() == [1]


def npz(folder: Path, **arrays: Any) -> Path:
    np.savez_compressed(folder / "a.npz", **arrays)
    return folder / "a.npz"


def test_npz(tmp_path: Path) -> None:
    found = read(npz(tmp_path, pred=np.array([1, 2], dtype=np.uint8), files=np.array(["a", "b"])), CLASSES)
    assert seen(found) == (("a", "b"), [1, 2], None)
    scores = np.array([[[0, 1, 0], [1, 0, 0]], [[0, 0, 1], [0, 1, 0]]], dtype=np.float16)
    found = read(npz(tmp_path, scores=scores, files=np.array([b"a", b"b"]), gt=[1, 2]), CLASSES)
    assert seen(found) == (("a", "b"), [1, 0, 2, 1], [1, 2])
    assert found.record.tolist() == [0, 0, 1, 1]
    assert seen(read(npz(tmp_path, scores=scores[:, 0], pred=[1, 2]), CLASSES)) == (None, [1, 2], None)


def test_contradictions_in_a_file_are_flagged(tmp_path: Path) -> None:
    text = "".join(f"{json.dumps(r)}\n" for r in ({"pred": 0, "scores": [0, 1, 0]}, {"pred": 1, "scores": [1, 1, 0]}))
    (flag,) = read(written(tmp_path, "a.jsonl", text), CLASSES).flags
    assert flag.startswith("1 rows name another class")
    (flag,) = read(written(tmp_path, "a.csv", "pred\n3\n1\n-2\n"), CLASSES).flags
    assert flag == "2 rows predict a class outside 0 to 2."
    (flag,) = read(written(tmp_path, "a.jsonl", '{"scores": [0, 1, 0, 0]}'), CLASSES).flags
    assert flag == "Every row has 4 scores, and the dataset has 3 classes."


def bad_npz(change: str) -> bytes:
    data = io.BytesIO()
    if change == "object":
        np.savez(data, pred=np.array([{}, 1], dtype=object))
    elif change == "none":
        np.savez(data, other=np.zeros(2))
    elif change == "floats":
        np.savez(data, pred=np.zeros(2))
    elif change == "lengths":
        np.savez(data, pred=np.zeros(2, dtype=int), files=np.array(["a"]))
    elif change == "large":
        np.savez(data, pred=np.array([1 << 63], dtype=np.uint64))
    else:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "<i8", "fortran_order": False, "shape": (1 << 50,)})
        text = header.getvalue() + b"\0" * 16
        if change == "deep":
            text = b"\x93NUMPY\x01\x00" + (9000).to_bytes(2, "little") + b"-" * 8999 + b"1"
        with zipfile.ZipFile(data, "w") as archive:
            archive.writestr("pred.npy", text)
    return data.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.csv", "", "no predictions"),
        ("a.csv", "file,pred\n", "no predictions"),
        ("a.csv", "file\na\n", "line 2: it has no predicted class"),
        ("a.csv", "file,pred\na,1,2\n", "line 2: it has 3 fields and the header 2"),
        ("a.csv", "file,pred\na,rum\n", "line 2: there is no class 'rum'. Did you mean 'run'?"),
        ("a.csv", "file,pred\na,\n", "line 2: there is no class ''"),
        ("a.csv", "file,pred\na,99999999999\n", "out of all range"),
        ("a.csv", "file,FILE,pred\na,b,1\n", "two columns have the same name"),
        ("a.csv", "file,score_0,score_1\na,1,x\n", "line 2: a score is no number"),
        ("a.csv", "file,scores\na,0 1 0\nb,0 1\n", "line 3: it has 2 scores and the first one 3"),
        ("a.csv", b"file,pred\n\xff,1\n", "not UTF-8"),
        ("a.csv", "file,pred\n" + "a" * 200_000 + ",1\n", "field larger than field limit"),
        ("a.jsonl", '{"file": "a", "pred": 1}\n[1]\n', "line 2: a JSON object is expected"),
        ("a.jsonl", "[" * 100_000, "line 1: this is no JSON"),
        ("a.jsonl", '{"pred": true}', "True is no class"),
        ("a.jsonl", '{"scores": [1, [2]]}', "a score is no number"),
        ("a.jsonl", '{"scores": []}', "no list with a number per class"),
        ("a.jsonl", '{"scores": [[1, 2], [1]]}', "different numbers of scores"),
        ("a.jsonl", '{"scores": [1, 2]}\n{"pred": 1}', "line 2: it lacks what other records have"),
        ("a.jsonl", '{"pred": 1, "file": "a"}\n{"pred": 1}', "1 of 2 records have a file name"),
        ("a.npz", b"PK", "no .npz file"),
        ("a.npz", bad_npz("object"), "pickled"),
        ("a.npz", bad_npz("none"), "no array `pred` or `scores` (it has other)"),
        ("a.npz", bad_npz("floats"), "whole numbers are expected"),
        ("a.npz", bad_npz("lengths"), "differ in length (pred 2, files 1)"),
        ("a.npz", bad_npz("large"), "out of all range"),
        ("a.npz", bad_npz("huge"), "another number of values than it declares"),
        ("a.npz", bad_npz("deep"), "damaged"),
    ],
)
def test_refused_in_one_sentence(tmp_path: Path, name: str, data: str | bytes, says: str) -> None:
    path = written(tmp_path, name, data)
    with pytest.raises(RequestError) as error:
        read(path, CLASSES)
    assert says in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_damaged_npz_is_never_another_error(tmp_path: Path) -> None:
    whole = bytearray(npz(tmp_path, pred=np.arange(3), files=np.array(["a", "b", "c"])).read_bytes())
    rng = np.random.default_rng(1)
    for at in rng.choice(len(whole), 300, replace=False):
        before = whole[at]
        whole[at] ^= int(rng.integers(1, 256))
        with contextlib.suppress(RequestError):
            read(written(tmp_path, "b.npz", bytes(whole)), CLASSES)
        whole[at] = before
