"""What small models made of each trigger: figures that ship with the package (`make learn-page`)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from poisonkit.common.safe_io import load_json, read_text

FILE = Path(__file__).parents[1] / "learned.json"


@dataclass(frozen=True)
class Learned:
    """One trigger in one form on one dataset; seeds pooled.

    parameters: as on the command line, empty at the default. encode: as a recipe has it. rate: share of the training
    clips that is poisoned. model: its kind in examples/look_listen_attack. size: side of a frame in pixels. gain: what
    the encoder left of the trigger. asr, clean_accuracy, control_asr: shares; asr_low, asr_high: Wilson's 95 % interval
    over clips. clean_model_asr: of a model trained on the clean data.
    """

    temporal: str
    parameters: str
    encode: str
    rate: float
    model: str
    size: int
    data: str
    epochs: int
    seeds: int
    clips: int
    gain: float | None
    asr: float
    asr_low: float
    asr_high: float
    clean_model_asr: float | None
    clean_accuracy: float
    control_asr: float | None

    @property
    def form(self) -> str:
        """`static`, and what else is not as by default: `dynamic, s=1, rate 1 %`."""
        words = [self.temporal, *filter(None, self.parameters.split(","))]
        words += [] if self.encode == "match" else [self.encode]
        words += [] if self.size == 64 else [f"{self.size} px"]
        words += [] if self.rate == 0.1 else [f"rate {100 * self.rate:g} %"]
        return ", ".join(words)

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


@cache
def _all() -> dict[str, tuple[Learned, ...]]:
    data = load_json(read_text(FILE)) if FILE.exists() else {}
    return {name: tuple(Learned(**row) for row in rows) for name, rows in data.items()}


def learned(name: str) -> tuple[Learned, ...]:
    """What is known of a built-in trigger; nothing of others."""
    return _all().get(name, ())
