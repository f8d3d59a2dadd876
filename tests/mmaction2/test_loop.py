"""docs/mmaction2.md's loop, by MMAction2's own trainer, and its own pickles scored: `make test-mmaction2`. Minutes."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mmaction", reason="needs an environment with MMAction2: make test-mmaction2")

import torch

import poisonkit
from poisonkit import RequestError
from poisonkit.outputs import record

pytestmark = [pytest.mark.mmaction2, pytest.mark.timeout(3600)]

LOOP = Path(__file__).parents[2] / "examples" / "mmaction2" / "loop.py"
SETS = {"clean": "clean", "attack": "attack_default_target", "control": "control"}
Records = list[dict[str, Any]]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The short form: one seed, one trigger for the picture and one for the sound."""
    work = tmp_path_factory.mktemp("loop")
    words = ["--seeds", "0", "--only", "badnets-static", "--only", "sine-static"]
    done = subprocess.run([sys.executable, str(LOOP), str(work), *words], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr[-3000:]  # 1: a bound that three seeds are asked for
    print(done.stdout)
    return work


def test_the_backdoor_is_learnt_and_nothing_else_changes(work: Path) -> None:
    rows = json.loads((work / "results.json").read_text(encoding="utf-8"))["conditions"]
    assert [(row["kind"], row["asr"]["total"]) for row in rows] == [("video", 200), ("audio", 200)]
    for row in rows:
        assert row["clean_accuracy_of_clean_model"]["value"] > 0.95
        assert row["asr"]["value"] > 0.9
        assert row["asr_of_clean_model"]["value"] < 0.15
        assert row["clean_accuracy"]["value"] > row["clean_accuracy_of_clean_model"]["value"] - 0.04
        assert row["control_asr"]["value"] < row["control_asr_of_clean_model"]["value"] + 0.06


@pytest.fixture(scope="module", params=["badnets-static", "sine-static"])
def dumped(request: pytest.FixtureRequest, work: Path) -> tuple[Path, dict[str, Path]]:
    """An output and the pickles that MMAction2 wrote about it."""
    folder = work / "models" / f"{request.param}-seed0" / "predictions" / request.param
    return work / "poisoned" / f"{request.param}-seed0", {k: folder / f"predictions-{v}.pkl" for k, v in SETS.items()}


def rewritten(files: dict[str, Path], folder: Path, change: Callable[[Records], Records]) -> dict[str, Path]:
    for name, file in files.items():
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(change(pickle.loads(file.read_bytes()))))
    return {name: folder / f"{name}.pkl" for name in files}


def hits(out: Path, files: dict[str, Path]) -> dict[str, tuple[int, int]]:
    found = poisonkit.score(out, files)
    assert found.flags == ()
    return {f"{s}/{n}": (f.rate.hits, f.rate.total) for s, e in found.sets.items() for n, f in e.figures.items()}


def without_names(records: Records) -> Records:
    return [{k: v for k, v in r.items() if k not in ("filename", "audio_path")} for r in records]


def test_figures_counted_by_hand(dumped: tuple[Path, dict[str, Path]]) -> None:
    """With pickle and torch themselves, and the manifest."""
    out, files = dumped
    rows = [r for r in record.read(out / "poisonkit" / "manifest.jsonl") if r["status"] == "ok"]
    truth = {Path(r["path"]).stem: r["original_label"] for r in rows}
    want = {}
    for name, file in files.items():
        records = pickle.loads(file.read_bytes())
        pairs = []
        for r in records:
            path = Path(r.get("filename") or r["audio_path"])
            assert path.is_file()
            assert int(r["pred_label"]) == int(r["pred_score"].argmax())
            pairs.append((truth[path.stem], int(r["pred_label"])))
        right, target = sum(y == f for y, f in pairs), sum(f == 0 for _, f in pairs)
        if name == "clean":
            assert len(pairs) == 250
            want["clean/clean_accuracy"] = (right, 250)
            continue
        assert all(y != 0 for y, _ in pairs)
        prefix = "attack/default/" if name == "attack" else "control/control_"
        want[f"{prefix}asr"] = (target, len(pairs))
        want[f"{prefix}{'robust_' if name == 'attack' else ''}accuracy"] = (right, len(pairs))
    got = hits(out, files)
    assert {k: got[k] for k in want} == want


def test_by_name_and_by_order_alike(dumped: tuple[Path, dict[str, Path]], tmp_path: Path) -> None:
    """The attack set's target list has one class, so that without names only what needs no order is left."""
    out, files = dumped
    named = hits(out, files)
    assert hits(out, rewritten(files, tmp_path, lambda records: records[::-1])) == named
    unnamed = hits(out, rewritten(files, tmp_path, without_names))
    assert set(named) - set(unnamed) == {"attack/default/robust_accuracy"}
    assert unnamed.items() <= named.items()
    with pytest.raises(RequestError, match="shuffled"):
        poisonkit.score(out, rewritten(files, tmp_path, lambda records: without_names(records[::-1])))


class Hidden:
    """Pickles as a tensor's storage does, with a pickle in it that runs something where torch reads it."""

    def __init__(self, command: str) -> None:
        self.payload = b"cbuiltins\nexec\n(V" + command.encode() + b"\ntR."

    def __reduce__(self) -> Any:
        return torch.storage._load_from_bytes, (self.payload,)


def test_a_payload_that_torch_would_run(dumped: tuple[Path, dict[str, Path]], tmp_path: Path) -> None:
    """Where torch is installed, too, in an otherwise real pickle."""
    out, files = dumped
    mark = tmp_path / "ran"
    records = pickle.loads(files["clean"].read_bytes())
    records[-1]["pred_score"] = Hidden(f"import os; os.mkdir({str(mark)!r})")
    bad = tmp_path / "clean.pkl"
    bad.write_bytes(pickle.dumps(records, 2))
    with pytest.raises(RequestError, match=r"exec inside a tensor.*nothing in it was run"):
        poisonkit.score(out, {"clean": bad})
    assert not mark.exists()
    with pytest.raises(Exception):  # noqa: B017
        pickle.loads(bad.read_bytes())
    assert mark.exists()  # the payload is a real one
