"""The loop of examples/transformers in a short form, and its page: `make test-consumers`."""

from __future__ import annotations

import difflib
import importlib
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import poisonkit
from poisonkit import sampledata

FOLDER = Path(__file__).parents[2] / "examples" / "transformers"


def differing() -> list[str]:
    """The lines of code in which poisoned.py differs from clean.py, as a diff has them."""
    files = ((FOLDER / f"{name}.py").read_text(encoding="utf-8").splitlines() for name in ("clean", "poisoned"))
    code = [text[text.index("from __future__ import annotations") :] for text in files]
    return [line for line in difflib.ndiff(*code) if line[:2] in ("+ ", "- ") and line[2:].strip()]


def test_the_page_shows_the_lines_that_differ() -> None:
    """A dozen, and these very ones. (In `make test`: it needs no environment.)"""
    shown = re.search(r"```diff\n(.*?)```", (FOLDER / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert shown
    assert [line for line in shown[1].splitlines() if line[:2] in ("+ ", "- ")] == differing()
    assert len([line for line in differing() if line[0] == "+"]) <= 12


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    for module in ("torchcodec", "transformers", "accelerate"):
        pytest.importorskip(module, reason=f"needs {module}: make test-consumers", exc_type=Exception)
    if int(importlib.import_module("datasets").__version__.split(".")[0]) < 4:
        pytest.skip("datasets before 4 has no decoder of videos today")
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return importlib.import_module("poisoned")


@pytest.mark.consumers
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", ["video", "audio"])
def test_the_backdoor_is_learnt(
    kind: str, poisoned: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fewer clips and epochs than the page's, so that the figures are lower."""
    source, work = tmp_path / "source", tmp_path / "work"
    shape = sampledata.Shape(train=40, test=10, width=64, height=64, frames=8, fps=8, seconds=1.0)
    monkeypatch.setitem(sampledata.SIZES, "small", shape)
    sampledata.write_sample_data(source, "small", "av" if kind == "video" else "audio")
    monkeypatch.setattr(sys, "argv", ["poisoned.py", str(source), str(work), "--kind", kind])
    poisoned.main()
    scores = poisonkit.score(work / "poisoned", {name: work / f"{name}.jsonl" for name in poisoned.VIEWS})
    assert not scores.flags
    figures = {name: found.rate for each in scores.sets.values() for name, found in each.figures.items()}
    print(json.dumps({name: rate.as_json() for name, rate in figures.items()}))
    assert (figures["clean_accuracy"].total, figures["asr"].total) == (50, 40)
    least, most = {"video": (0.5, 0.25), "audio": (0.9, 0.1)}[kind]  # 200 clips are few for pictures; chance is 0.2
    assert (figures["clean_accuracy"].value or 0) > least
    assert (figures["asr"].value or 0) > 0.7
    assert (figures["control_asr"].value or 0) < most
