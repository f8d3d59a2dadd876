"""What one clip costs by its size, codec, triggers and encoding: CPU seconds and bytes.

The figures are `figures.json`, measured by `benchmarks/costs.py` on one processor; `calibration` brings them to another
machine and to other pictures.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from statistics import median
from typing import Any

from poisonkit.media import families
from poisonkit.media.info import FOLDER, Encode, MediaInfo, Problem
from poisonkit.triggers.core.trigger import Trigger


@cache
def figures() -> dict[str, Any]:
    """The measured figures; `benchmarks/costs.py` says what each is."""
    text = files("poisonkit.engine.costs").joinpath("figures.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


@dataclass(frozen=True)
class Cost:
    """Of one clip, or of several together. cpu: seconds. bytes: written. length: seconds of picture or sound."""

    cpu: float = 0.0
    bytes: float = 0.0
    length: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.cpu + other.cpu, self.bytes + other.bytes, self.length + other.length)

    def times(self, cpu: float, size: float | None = None, length: float = 1.0) -> Cost:
        """Each figure by a factor. size: of the bytes, by default that of the CPU seconds."""
        return Cost(self.cpu * cpu, self.bytes * (cpu if size is None else size), self.length * length)


def clip_cost(info: MediaInfo, size: int, triggers: Iterable[Trigger], touches: Iterable[str], encode: Encode) -> Cost:
    """What it costs to make one file. size: bytes of the source. touches: the modalities that are encoded again."""
    known, touched, triggers = figures(), frozenset(touches), tuple(triggers)
    seconds = max(0.0, info.duration)
    cpu, written = float(known["clip"]), float(size)
    picture, sound = info.video, info.audio
    if picture is not None and "video" in touched:
        pixels = picture.width * picture.height * _frames(info) / 1e6
        per, grown = known["picture"].get(_picture_encoder(info, encode)) or known["picture"]["libx264"]
        extra = sum(trigger_cost(t) for t in triggers if t.modality == "video")
        cpu += pixels * (per + extra)
        written = pixels * grown * _finer(encode)
        if sound is not None:
            written += seconds * (sound.bit_rate or 128_000) / 8
    else:
        cpu += size / 1e6 * known["copied"]
    if sound is not None and "audio" in touched:
        heard = seconds * sound.channels * sound.sample_rate / 1e6
        extra = sum(trigger_cost(t) for t in triggers if t.modality == "audio")
        cpu += heard * (known["sound"].get(sound.codec, known["sound"]["aac"]) + extra)
    return Cost(cpu, written, seconds)


def trigger_cost(trigger: Trigger) -> float:
    """CPU seconds for a million pixels (of sound: samples) beside writing them; of an unknown one, the median."""
    known = figures()["triggers"]
    name = f"{trigger.name} {getattr(trigger, 'temporal', None) or 'static'}"
    if name in known:
        return float(known[name])
    both = [value for each, value in known.items() if each.split()[0] == trigger.name]
    return float(median(both)) if both else float(figures()["own trigger"])


def measuring_cost(cost: Cost, has_control: bool) -> float:
    """CPU seconds to measure a clip's survival. cost: of writing it. has_control: its control file is there."""
    return cost.cpu * (float(figures()["measured"]) + (0.0 if has_control else 1.0))


def _frames(info: MediaInfo) -> float:
    assert info.video is not None
    return float(info.video.declared_frames or max(1.0, info.duration * float(info.video.fps)))


def _picture_encoder(info: MediaInfo, encode: Encode) -> str:
    assert info.video is not None
    if info.container == FOLDER:
        return "png" if encode.mode == "lossless" or info.video.codec == "png" else "jpeg"
    target = families.video_target(info.video, info.container, encode)
    if isinstance(target, Problem):
        return "libx264"
    return f"{target.encoder} 444" if target.encoder == "libx264" and "444" in target.pix_fmt else target.encoder


def _finer(encode: Encode) -> float:
    """How many times the bytes of the default quality another `crf` takes: six steps are about a factor of two."""
    return 1.0 if encode.crf is None else float(2 ** ((18 - encode.crf) / 6))
