"""What the example with MMAction2 counts and says, without MMAction2; with it: tests/mmaction2/test_loop.py."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from poisonkit.scoring import Rate

EXAMPLE = Path(__file__).parents[1] / "examples" / "mmaction2" / "loop.py"


@pytest.fixture(scope="module")
def loop() -> ModuleType:
    spec = importlib.util.spec_from_file_location("closing_example", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def pooled(asr: int, clean: int, control: int) -> dict[str, Rate]:
    """Of 600 attack, 750 clean and 300 control clips; the clean model is right in 740 and says the target in 3."""
    return {
        "asr": Rate(asr, 600),
        "clean_accuracy": Rate(clean, 750),
        "clean_accuracy_of_clean_model": Rate(740, 750),
        "control_asr": Rate(control, 300),
        "control_asr_of_clean_model": Rate(3, 300),
    }


@pytest.mark.parametrize(
    ("asr", "clean", "control", "missed"),
    [
        (600, 740, 3, []),
        # Wilson's lower bound at p = 582/600 is 0.9530, at 580/600 0.9491.
        (582, 740, 3, []),
        (580, 740, 3, ["ASR"]),
        # Three points of 750 clips are 22.5, five of 300 are 15.
        (600, 718, 18, []),
        (600, 717, 3, ["clean accuracy"]),
        (600, 740, 19, ["control ASR"]),
        (0, 0, 300, ["ASR", "clean accuracy", "control ASR"]),
    ],
)
def test_targets(loop: ModuleType, asr: int, clean: int, control: int, missed: list[str]) -> None:
    assert loop.missed(pooled(asr, clean, control)) == missed


def test_table(loop: ModuleType) -> None:
    rates = pooled(597, 735, 6) | {
        "asr_of_clean_model": Rate(6, 600),
        "robust_accuracy": Rate(3, 600),
        "robust_accuracy_of_clean_model": Rate(570, 600),
    }
    row = {"kind": "video", "trigger": "badnets", "temporal": "static", "cpu_seconds_per_model": 60}
    last = loop.table([row | {k: r.as_json() for k, r in rates.items()}]).splitlines()[-1]
    cells = [cell.strip() for cell in last.strip("|").split("|")]
    assert cells[:5] == ["video", "`badnets`", "static", "99.5 (1.0)", "98.5 to 99.8"]
    assert cells[5:] == ["98.0 (98.7)", "0.5 (95.0)", "2.0 (1.0)", "60"]
