"""examples/defences (docs/defences.md): tables without torch; with it a short form: one row, one seed, few clips."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import poisonkit
from poisonkit.detection.registry import METHODS
from tools.pages import defences
from tools.pages.defences import EXAMPLE, defence_table
from tools.pages.look_listen_attack import example_rows

ROWS = {row.name: row for row in example_rows.ROWS}
NEEDS_TORCH = pytest.mark.skipif(find_spec("torch") is None, reason="the example's models need torch")


def result(seed: int, auc: float, asr: int) -> dict[str, Any]:
    """One attack and seed, made up."""
    figures = {"clean_accuracy": [45, 50], "asr": [asr, 40], "robust_accuracy": [1, 40], "control_asr": [2, 40]}
    after = {"removed": {"poisoned": 9, "clean": 6}, "stayed": {"poisoned": 1, "clean": 80}, "figures": figures}
    judged = {"roc_auc": auc, "tpr_at_fpr": {"0.01": [3, 10], "0.05": [5, 10]}}
    tuned = {"figures_of_pruned": figures, "figures": figures, "pruned": 9, "channels": 64, "clean_clips": 43}
    return {
        "row": "sine-static", "data": "sample-data", "seed": seed, "epochs": 12, "size": 64,
        "training": {"clean": 86, "poisoned": 10}, "undefended": {"figures": {**figures, "asr": [40, 40]}},
        "chance": {"tpr_at_fpr_0.01": 0.01, "tpr_at_fpr_0.05": 0.05}, "left_out": {},
        "methods": {"spectre": {**judged, "roc_auc_in_target": 0.8, **after}},
        "baselines": {"random": after, "all": after},
        "fine_pruning": tuned,
        "probes": {"strip": {**judged, "copies": 10, "triggered": 40, "clean": 40}}, "made_with": {"torch": "1"},
    }  # fmt: skip


def test_seeds_are_pooled_and_what_was_not_run_is_named() -> None:
    found = [result(1, 0.9, 4), result(0, 0.7, 0)]
    text = defence_table.details(found)
    lines = {line.split(" | ")[0].strip("| "): line for line in text.splitlines() if line.startswith("| ")}
    assert lines["none"].endswith("| 100.0 | 5.0 | 90.0 |")
    assert lines["chance"].startswith("| chance | 0.50 | 0.50 | 1.0 | 5.0 |")
    said = "0.80 (0.70 to 0.90) | 0.80 (0.80 to 0.80) | 30.0 | 50.0 | 18 of 20 | 12 of 172 | 5.0 | 5.0 | 90.0 |"
    assert lines["`spectre`"] == f"| `spectre` | {said}"
    assert lines["`strip` (probe)"].startswith("| `strip` (probe) | 0.80 (0.70 to 0.90) | - | 30.0 | 50.0 |")
    assert "sample-data, seeds 0, 1, 12 epochs at 64 pixels. Training clips: 10 poisoned, 86 clean." in text
    assert text.count("Not run here.") == len(defence_table.NAMES) - 1
    overview = defence_table.overview(found)
    assert "| `spectre` | 0.80, ASR 5.0 |" in overview
    assert "| none | ASR 100.0 |" in overview
    assert overview.splitlines()[-1].startswith("Not run here: `badnets-dynamic`")


def test_a_cleansing_that_was_refused_is_said() -> None:
    one = result(0, 0.7, 0)
    one["methods"]["spectre"] |= {"refused": "A class would be empty.", "removed": {}, "figures": {}}
    del one["methods"]["spectre"]["stayed"]
    text = defence_table.details([one])
    assert "| `spectre` | 0.70 | 0.80 | 30.0 | 50.0 | - | - | - | - | - |" in text
    assert "A class would be empty." in text


def test_what_is_there_of_some_seeds_only_is_said() -> None:
    """A run that was ended: no cleansing by this method, no probe, no fine-pruning of its second seed."""
    cut = result(1, 0.9, 4) | {"baselines": {}, "fine_pruning": {}, "probes": {}}
    cut["methods"] = {"spectre": {key: cut["methods"]["spectre"][key] for key in ("roc_auc", "tpr_at_fpr")}}
    text = defence_table.details([result(0, 0.7, 0), cut])
    assert "| `spectre` | 0.80 (0.70 to 0.90) | 0.80 | 30.0 | 50.0 | 9 of 10 | 6 of 86 | 0.0 | 5.0 | 90.0 |" in text
    assert "spectre, random, all, strip, fine-pruning: seeds 0 only." in text
    alone = defence_table.details([cut])
    assert "| `spectre` | 0.90 | - | 30.0 | 50.0 | - | - | - | - | - |" in alone
    assert "spectre: without retraining." in alone


def test_kept_results_are_what_the_rows_say() -> None:
    """Of rows that there are, each seed once, by every method or with the reason why not."""
    found = defences.results()
    for one in found:
        row = ROWS[one["row"]]
        assert (one["triggers"], one["temporal"], one["rate"]) == (list(row.triggers), row.temporal, row.rate)
        assert one["made_with"].keys() >= {"poisonkit", "python", "torch"}
        assert one["methods"].keys() | {w.partition(":")[0] for w in one["left_out"]} == METHODS.keys()
        poisoned = one["training"]["poisoned"]
        for name, each in (one["methods"] | one["baselines"]).items():
            removed = each.get("removed", {})
            wanted = poisoned if name == "all" else round(1.5 * poisoned)
            assert sum(removed.values()) in (0, wanted)
            assert not removed or each["figures"]
    assert len({(one["row"], one["data"], one["seed"]) for one in found}) == len(found)


def run(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLE / "run.py"), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_wrong_use_is_one_sentence(tmp_path: Path) -> None:
    said = run(tmp_path, "--only", "blnd")
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    assert "There is no row 'blnd'" in said.stderr
    said = run(tmp_path, "--source", tmp_path / "none")
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)


@NEEDS_TORCH
def test_fine_pruning_takes_out_what_clean_clips_do_not_use() -> None:
    """Channels 2 and 3 are never active on clean clips, and 0 and 1 tell the classes."""
    import fine_pruning
    import torch
    from torch import nn

    head = nn.Linear(4, 2)
    head.bias.data = torch.tensor([0.0, 0.1])  # of two classes that nothing speaks for, the second
    head.weight.data = torch.tensor([[1.0, 0.0, 0.0, 9.0], [0.0, 1.0, 0.0, -9.0]])
    stream = nn.Identity()
    model: Any = SimpleNamespace(streams=[stream], heads=[head], eval=lambda: None)
    clips = np.array([[1, 0, 0, 0], [2, 0, 0, 0], [0, 3, 0, 0], [0, 1, 0, 0]], dtype=np.float32)
    assert fine_pruning.prune(model, (clips,), [0, 0, 1, 1]) == (2, 4)
    assert head(stream(torch.tensor([[0.0, 1.0, 5.0, 5.0]]))).argmax() == 1, "the trigger's channel is gone"


@NEEDS_TORCH
def test_the_short_form_closes_the_loop_and_continues(tmp_path: Path) -> None:
    """Real training and every defence, a minute or two on two free cores."""
    poisonkit.sample_data(tmp_path / "clips", "small", "audio")
    words = (tmp_path / "work", "--source", tmp_path / "clips", "--only", "sine-static")
    words = (*words, "--seeds", 0, "--epochs", 12, "--limit", 3)
    said = run(*words)
    assert said.returncode == 0, said.stderr[-2000:]
    kept = tmp_path / "work" / "defences" / "results" / "clips-sine-static-small-64px-12epochs-seed0.json"
    found = json.loads(kept.read_text())
    assert found["training"] == {"clean": 45, "poisoned": 5}
    assert found["methods"].keys() | found["left_out"].keys() >= {"spectre", "beatrix", "loss-ranking"}
    assert found["baselines"]["all"]["removed"] == {"poisoned": 5}
    assert sum(found["methods"]["spectre"]["removed"].values()) == 8
    assert found["probes"].keys() == {"strip", "noise"}
    assert found["probes"]["strip"]["triggered"] == 3
    assert found["fine_pruning"]["figures"]["asr"][1] == found["undefended"]["figures"]["asr"][1] == 20
    assert "| `spectre` | " in said.stdout
    steps = {p: p.stat().st_mtime_ns for p in (tmp_path / "work").rglob("*.pt")}
    assert len(steps) >= 8
    kept.unlink()
    assert run(*words).returncode == 0
    assert json.loads(kept.read_text()) == found
    assert {p: p.stat().st_mtime_ns for p in steps} == steps
