"""Files that a trigger made longer or shorter: what lists and texts about them said of their length follows."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from poisonkit.common.safe_io import load_json

_NAMES = frozenset(
    {
        "audio_length", "dur", "duration", "duration_ms", "duration_s", "duration_seconds", "frames", "length",
        "n_frames", "n_samples", "nframes", "num_frames", "num_samples", "samples", "seconds", "total_frames",
        "wav_length",
    }
)  # fmt: skip
_ENDS = frozenset({"end", "stop"})
"""Where a sample ends: counted in frames or samples it is in the file; in seconds it may be in a longer recording."""
_NUMBER = re.compile(r"[0-9]+(?:\.([0-9]+))?\Z")
_NEAR = 0.011  # seconds: lists round lengths to hundredths


@dataclass(frozen=True, slots=True)
class Resized:
    """Of a sample's file: (before, after) of its length in seconds, and of its frames and sound samples; 0: none."""

    seconds: tuple[float, float]
    frames: tuple[int, int] = (0, 0)
    samples: tuple[int, int] = (0, 0)

    def number(self, text: str, name: str = "") -> str:
        """The length after, where a number is the length before: frames, samples, seconds or milliseconds, with as many
        decimals; else the number as it is. name: of its column, where that is known."""
        found = _NUMBER.match(text)
        if found is None:
            return text
        if found[1] is None:
            for before, after in (self.frames, self.samples):
                if before and int(text) == before:
                    return str(after)
        if name.lower() in _ENDS:
            return text
        digits = len(found[1] or "")
        for unit in (1, 1000):
            old, new = (unit * each for each in self.seconds)
            if abs(float(text) - old) <= max(_NEAR * unit, 0.51 * 10**-digits):
                return f"{new:.{digits}f}"
        return text


def says_length(name: str) -> bool:
    """Whether a column or field has the name of a length."""
    return name.lower() in _NAMES | _ENDS


def followed(fields: Mapping[str, str], resized: Resized, json_lines: bool) -> dict[str, str]:
    """A row's fields with the length after, in columns of a length's name that say the length before.

    json_lines: fields are JSON values, as text."""
    found = dict(fields)
    for name, text in fields.items():
        if says_length(name):
            bare = text[1:-1] if json_lines and text[:1] == text[-1:] == '"' and len(text) > 1 else text
            found[name] = text.replace(bare, resized.number(bare, name)) if bare else text
    return found


def followed_value(value: Any, resized: Resized, name: str = "") -> Any:
    """A JSON value with the length after, in fields of a length's name that say the length before, at any depth."""
    if isinstance(value, dict):
        return {key: followed_value(each, resized, key) for key, each in value.items()}
    if isinstance(value, list):
        return [followed_value(each, resized) for each in value]
    if isinstance(value, bool) or not isinstance(value, int | float | str) or not says_length(name):
        return value
    if isinstance(value, str):
        return resized.number(value, name)
    return load_json(resized.number(json.dumps(value), name))
