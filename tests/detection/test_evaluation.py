"""`poisonkit detect`: verdicts on planted dumps, with and without the answers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import precision_score, roc_auc_score, roc_curve

import poisonkit
from poisonkit.cli import call
from poisonkit.errors import RequestError
from poisonkit.outputs import opening
from tests.detection import planted
from tests.scoring.conftest import MakeOutput

QUICK = ("spectral-signatures", "knn:k=20")
N = planted.CLASSES * planted.EACH
IDS = [f"videos/n{i:02d}.mp4" for i in range(N)]


@pytest.fixture
def out(make_output: MakeOutput) -> Path:
    roles = ["poisoned" if bad else "clean" for bad in planted.is_bad()]
    return make_output([0, 1], train=list(zip(roles, planted.labels().tolist(), strict=True)), target=0)


@pytest.fixture
def save(tmp_path: Path) -> Any:
    """`save(what=array, …)`: a dump of the planted features; the order of its rows is not that of the output."""
    order = np.random.default_rng(3).permutation(N)

    def write(**more: Any) -> Path:
        given = {"features": planted.features(), "labels": planted.labels(), "files": np.array(IDS), **more}
        np.savez(tmp_path / "feats.npz", **{k: v[order] for k, v in given.items() if v is not None})
        return tmp_path / "feats.npz"

    return write


def test_figures_are_those_of_scikit_learn(out: Path, save: Any) -> None:
    found = poisonkit.detect(out, save(), method=QUICK)
    assert (found.exit_code, found.samples, found.classes, found.left_out) == (0, N, 3, {})
    assert found.chance == {
        "roc_auc": 0.5, "tpr_at_fpr_0.01": 0.01, "tpr_at_fpr_0.05": 0.05, "precision": 12 / N, "recall": 12 / N,
    }  # fmt: skip
    truth = planted.is_bad()
    for verdict in found.verdicts.values():
        lines = verdict.file.read_text().splitlines()
        assert lines[1] == "id,score"
        assert [line.split(",")[0] for line in lines[2:]] == IDS
        scores = np.array([float(line.split(",")[1]) for line in lines[2:]])
        assert verdict.top[0] == IDS[int(np.argmax(scores))]
        s = verdict.scores
        assert s is not None
        assert s.tpr_at_fpr is not None
        assert s.roc_auc == pytest.approx(roc_auc_score(truth, scores))
        fpr, tpr, _ = roc_curve(truth, scores, drop_intermediate=False)
        for at, rate in s.tpr_at_fpr.items():
            assert rate.value == pytest.approx(tpr[fpr <= at + 1e-12].max())
        assert s.precision.value == pytest.approx(precision_score(truth, scores >= np.sort(scores)[-12]))
        (only,) = verdict.by_class
        assert (only.label, only.name, only.poisoned, only.clean) == (0, "jump", 12, planted.EACH - 12)
        assert only.roc_auc == pytest.approx(roc_auc_score(truth[: planted.EACH], scores[: planted.EACH]))
        assert only.roc_auc == 1.0
        assert (only.precision.value, only.recall.value) == (1.0, 1.0)
        again = poisonkit.score(out, suspects=verdict.file).suspects
        assert again == s, "`score --suspects` says the same of the file"


def test_by_default_all_that_the_file_has_the_arrays_for(
    out: Path, save: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    assert call(["detect", str(out), str(save()), "--json"]) == 0
    data = json.loads(capfd.readouterr().out)
    assert list(data["methods"]) == ["activation-clustering", "spectral-signatures", "spectre", "beatrix", "knn"]
    assert data["left_out"] == {"loss-ranking": "feats.npz has no loss or scores."}
    assert all(data["methods"][name]["scores"]["roc_auc"] > 0.95 for name in ("spectral-signatures", "spectre", "knn"))
    assert call(["detect", str(out), str(save()), "--method", "knn:k=5"]) == 0
    said = capfd.readouterr().out
    assert "within each class that was poisoned" in said
    assert said.count("chance") == 2  # over all, and within the one class that was poisoned
    assert "5.0 %" in said


def test_without_answers(save: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    where = tmp_path / "here"
    found = poisonkit.detect(save(), method=QUICK, folder=where)
    assert found.chance is None
    for verdict in found.verdicts.values():
        assert verdict.scores is None
        assert verdict.file.parent == where
        assert set(verdict.top) <= set(IDS[:12])
    found = poisonkit.detect(save(files=None), method=["spectral-signatures"])
    lines = found.verdicts["spectral-signatures"].file.read_text().splitlines()
    assert lines[2].startswith("0,")
    assert call(["detect", str(save()), "--method", "knn"]) == 0
    assert "against the manifest" not in capfd.readouterr().out


def test_what_is_flagged(out: Path, tmp_path: Path) -> None:
    names = [*IDS[:-2], "videos/t00.mp4", "else.mp4"]
    np.savez(tmp_path / "f.npz", features=planted.features(), files=names)
    found = poisonkit.detect(out, tmp_path / "f.npz", method=["spectral-signatures"])
    assert found.exit_code == 1
    assert [flag.split(":")[0] for flag in found.flags] == [
        "2 rows name what is no training sample",
        f"2 of {N} training samples are not in {tmp_path / 'f.npz'}",
    ]
    assert found.samples == N - 2


def test_a_class_that_is_too_small_leaves_a_method_out(make_output: MakeOutput, tmp_path: Path) -> None:
    train = [("poisoned" if i < 3 else "clean", 0 if i < 30 else 1) for i in range(35)]
    out = make_output([0], train=train, target=0)
    features = np.random.default_rng(0).normal(size=(35, 6)).astype(np.float32)
    np.savez(tmp_path / "f.npz", features=features, files=IDS[:35])
    found = poisonkit.detect(out, tmp_path / "f.npz")
    assert "class 1 (run) has 5 samples" in found.left_out["activation-clustering"]
    assert found.exit_code == 1
    with pytest.raises(RequestError, match=r"class 1 \(run\) has 5 samples, and activation-clustering takes 10"):
        poisonkit.detect(out, tmp_path / "f.npz", method=["activation-clustering"])


def test_suspects_are_not_written_into_an_output(out: Path, save: Any) -> None:
    """A trainer would read them beside its data, and `verify` would find them."""
    (out / "poisonkit/plan.jsonl").touch()
    with pytest.raises(RequestError, match="lies in it: choose another folder"):
        poisonkit.detect(out, save(), method=["knn"], folder=out / "data" / "suspects")
    assert not (out / "data" / "suspects").exists()


def test_suspects_are_not_written_into_a_source(
    out: Path, save: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "source_at_hand", lambda out, source: tmp_path / "clips")
    for asked in ({"features": save(), "method": ["knn"]}, {"probe": save()}):
        with pytest.raises(RequestError, match="lies inside the source"):
            poisonkit.detect(out, folder=tmp_path / "clips" / "suspects", **asked)
    assert not (tmp_path / "clips").exists()


def test_a_class_that_is_poison_alone(
    make_output: MakeOutput, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Within it nothing is to be told apart: the columns of the table stay what they are."""
    train = [("poisoned" if i < 10 else "clean", 0 if i < 10 else 1) for i in range(30)]
    out = make_output([0], train=train, target=0)
    np.savez(tmp_path / "f.npz", features=planted.features()[:30], files=IDS[:30])
    assert call(["detect", str(out), str(tmp_path / "f.npz"), "--method", "knn:k=3"]) == 0
    said = capfd.readouterr().out.splitlines()
    assert any("0 jump: 10 poisoned, 0 clean" in line for line in said)
    *_, cells = (line.split() for line in said if line.split()[:1] == ["knn:k=3"])
    assert cells == ["knn:k=3", "-", "-", "-", "100.0", "%", "100.0", "%"]


def wrong(labels: Any) -> Any:
    changed = labels.copy()
    changed[:5] = 1
    return changed


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"files": np.array([f"other/{i}.mp4" for i in range(N)])}, "names no training sample"),
        ({"files": None}, "has no file names"),
        ({"files": np.array([IDS[0], *IDS[:-1]])}, "has several rows for 'videos/n00.mp4'"),
        ({"labels": wrong(planted.labels())}, "is of another dataset: its labels differ for 5 of 240 samples"),
        ({"features": np.where(planted.features() > 4.2, np.nan, planted.features())}, "not finite"),
        ({"features": planted.features()[:, 0]}, "are expected"),
    ],
)
def test_wrong_dumps_are_one_sentence(
    out: Path, save: Any, change: dict[str, Any], says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = save(**change)
    assert call(["detect", str(out), str(path)]) == 2
    said = capfd.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert says in said.err
    assert not list(path.parent.glob("*-suspects"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--method", "loss-ranking"], "needs loss or scores"),
        (["--method", "none"], "there is no method 'none'"),
        (["--method", "knn:k=1000"], "has 240 samples"),
    ],
)
def test_wrong_methods_are_one_sentence(
    out: Path, save: Any, words: Sequence[str], says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert call(["detect", str(out), str(save()), *words]) == 2
    assert says in capfd.readouterr().err


def test_one_class_and_no_labels_and_no_features(out: Path, tmp_path: Path) -> None:
    first = slice(0, planted.EACH)
    some = {"features": planted.features()[first], "files": IDS[first], "labels": planted.labels()[first]}
    np.savez(tmp_path / "f.npz", **some)
    for words in ((out, tmp_path / "f.npz"), (tmp_path / "f.npz",)):
        with pytest.raises(RequestError, match="samples of one class only, 0"):
            poisonkit.detect(*words)
    np.savez(tmp_path / "g.npz", features=planted.features())
    with pytest.raises(RequestError, match="has no `labels`"):
        poisonkit.detect(tmp_path / "g.npz")
    with pytest.raises(RequestError, match=r"Which features\?"):
        poisonkit.detect(out)
    np.savez(tmp_path / "h.npz", features=planted.features(), labels=planted.labels(), files=["x"] * N)
    with pytest.raises(RequestError, match="several rows for 'x'"):
        poisonkit.detect(tmp_path / "h.npz")


def test_names_that_no_list_can_hold_and_numbers_too_large(save: Any) -> None:
    """A line break in a name would make two lines of suspects; a score that is no number could not be read again."""
    for name in ("a\nb.mp4", "", " c.mp4"):
        with pytest.raises(RequestError, match="is no name that a list of suspects could hold"):
            poisonkit.detect(save(files=np.array([name, *IDS[1:]])), method=["knn"])
    large = save(features=planted.features() * np.float32(1e37), files=None)
    with pytest.raises(RequestError, match="too large to compute beatrix from"):
        poisonkit.detect(large, method=["beatrix"])
    found = poisonkit.detect(large, method=["knn"]).verdicts["knn"].file
    plain = poisonkit.detect(save(files=None), method=["knn"], folder=found.parent / "plain").verdicts["knn"].file
    assert found.read_text() == plain.read_text(), "neighbours do not depend on a scale"
    with pytest.raises(RequestError) as error:
        poisonkit.detect(save(features=None, scores=planted.features()[:, :2]))
    assert ".;" not in str(error.value)


def test_no_training_framework_is_imported(save: Any) -> None:
    code = (
        "import sys, poisonkit; poisonkit.detect(sys.argv[1]); "
        "print(sorted({m.partition('.')[0] for m in sys.modules} & {'torch', 'tensorflow', 'jax', 'mmengine'}))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(save())], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
