"""Survival: what the encoder left of a trigger, measured on decoded output against a re-encoded source.

S source, T triggered (rounded and clipped to 8 bit), d = T − S, Y decoded output, C decoded re-encoding of S
with the same settings, in 8-bit RGB over poisoned frames, as ratios of sums over the clip:

    gain = <Y − C, d> / <d, d>        cosine = <Y − C, d> / (|Y − C| |d|)

survived: gain ≥ 0.5 and cosine ≥ 0.3; buried: gain ≥ 0.5, cosine below; lost: gain < 0.5. Sound: the same on
waveforms aligned for codec delay.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import cv2
import numpy as np

from poisonkit.common.exact import circle, log10, mean, power_spectra
from poisonkit.metrics.counterparts import as_long_as
from poisonkit.metrics.fidelity import (
    Image,
    Projection,
    Wave,
    psnr,
    snr,
    squares,
    ssim,
    stretches,
    verdict,
    within_scale,
)

_WINDOWS = 2048  # of sound, compared at a time
CODEC_FRAME = 2048  # sound samples, by which an encoder may make a sound longer or shorter


@dataclass
class _Distance:
    """How far pictures are from the source: sums over frames, in whole numbers."""

    squares: int = 0
    ssim: list[float] = field(default_factory=list)
    light: list[int] = field(default_factory=list)

    def add(self, source: Image, picture: Image, light: int, look: bool) -> None:
        """light: of the source."""
        self.squares += squares(picture, source)
        self.light.append(_light(picture) - light)
        if look:
            self.ssim.append(ssim(source, picture))

    def figures(self, values: int) -> dict[str, float | None]:
        return {
            "psnr": psnr(self.squares, values),
            "ssim": mean(self.ssim) if self.ssim else None,
            "ssim_worst": min(self.ssim, default=None),
            "flicker": _steps(self.light) * len(self.light) / values,
        }


@dataclass
class PictureSurvival:
    """Sums over the poisoned frames of one clip."""

    _change: Projection = field(default_factory=Projection)
    _trigger: _Distance = field(default_factory=_Distance)
    _output: _Distance = field(default_factory=_Distance)
    _control: _Distance = field(default_factory=_Distance)
    _values: int = 0
    _frames: int = 0

    def add(self, source: Image, triggered: Image, decoded: Image, control: Image, *, look: bool = True) -> None:
        """One poisoned frame: S, T, Y, C, uint8 RGB of one shape. look: compute its SSIM too, the dearest figure."""
        e, d = (cv2.subtract(a, b, dtype=cv2.CV_16S) for a, b in ((decoded, control), (triggered, source)))
        self._change.add_squares(squares(decoded, control), squares(triggered, source), squares(e, d))
        light = _light(source)
        for distance, picture in ((self._trigger, triggered), (self._output, decoded), (self._control, control)):
            distance.add(source, picture, light, look)
        self._values += source.size
        self._frames += 1

    def report(self) -> dict[str, Any]:
        """The trigger's distance from the source (before encoding), that of the decoded output (`output_`) and of the
        control (`control_`), and gain, cosine and verdict."""
        if not self._values:
            return {}
        return {
            **self._trigger.figures(self._values),
            **{f"output_{k}": v for k, v in self._output.figures(self._values).items()},
            **{f"control_{k}": v for k, v in self._control.figures(self._values).items()},
            "gain": self._change.gain,
            "cosine": self._change.cosine,
            "verdict": verdict(self._change.gain, self._change.cosine),
            "frames": self._frames,
        }


def _light(picture: Image) -> int:
    """The sum of all values of all three channels."""
    return sum(round(channel) for channel in cv2.sumElems(picture)[:3])


def _steps(values: list[int]) -> float:
    """Temporal flicker: RMS of the frame-to-frame steps of a difference of light, in levels summed over a frame."""
    steps = [b - a for a, b in pairwise(values)]
    return math.sqrt(sum(step * step for step in steps) / len(steps)) if steps else 0.0


def sound_survival(source: Wave, triggered: Wave, decoded: Wave, control: Wave) -> dict[str, Any]:
    """The same for sound: float32 (channels, samples), cut to the shortest of the four.

    Where the trigger changes the length, source and control are as long as the triggered sound (see `counterparts`).
    If nothing else is changed (silence is put behind it), gain and cosine are 1 if the decoded sound is as long as the
    triggered one but for a frame of a codec, else 0.
    """
    longer = source.shape[1] != triggered.shape[1]
    if longer:
        source, control = (as_long_as(w, triggered.shape[1]) for w in (source, control))
    as_due = abs(decoded.shape[1] - triggered.shape[1]) <= CODEC_FRAME
    n = min(w.shape[1] for w in (source, triggered, decoded, control))
    s, t, y, c = (w[:, :n] for w in (source, triggered, decoded, control))
    change = Projection()
    for source, triggered, decoded, control in stretches(s, t, y, c):
        change.add(decoded - control, triggered - within_scale(source))
    found: dict[str, Any] = {}
    for prefix, wave in (("", t), ("output_", y), ("control_", c)):
        found[f"{prefix}snr"] = snr(s, wave)
        found[f"{prefix}lsd"] = log_spectral_distance(s, wave)
    gain, cosine = (float(as_due),) * 2 if longer and not change.dd else (change.gain, change.cosine)
    return {**found, "gain": gain, "cosine": cosine, "verdict": verdict(gain, cosine)}


def log_spectral_distance(a: Wave, b: Wave, size: int = 512) -> float:
    """Mean over frames of the RMS over bins of the difference of log magnitudes, in dB (Gray and Markel 1976).

    Hann windows of `size` samples, half overlapping; magnitudes below 1e-5 count as 1e-5.
    """
    window = 0.5 - 0.5 * np.resize(circle(size - 1)[0], size)
    step = size // 2

    def levels(wave: Wave) -> Any:
        padded = np.pad(wave.mean(axis=0, dtype=np.float64), (0, max(0, size - wave.shape[1])))
        frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::step] * window
        return 10 * log10(np.maximum(power_spectra(frames), 1e-10))

    distances = []
    for first in range(0, max(1, (a.shape[1] - size) // step + 1), _WINDOWS):
        part = slice(first * step, (first + _WINDOWS - 1) * step + size)
        distances.append(np.sqrt(np.mean((levels(a[:, part]) - levels(b[:, part])) ** 2, axis=1)))
    return float(np.mean(np.concatenate(distances)))


FIGURES = ("psnr", "ssim", "ssim_worst", "flicker", "snr", "lsd")
"""Distances from the source, each of the trigger, of the output (`output_`) and of the control (`control_`)."""


@dataclass(frozen=True)
class SurvivalSummary:
    """Survival over a sample of clips.

    measured: how many, `of` how many that carry the trigger; classes: how many true classes they are of, `of_classes`
    of all. weak: (id, gain) of clips below the gain that was required, or not survived. figures: means over the clips
    (`ssim_worst`: the least) of what `FIGURES` names, with and without prefix, if there is any.
    """

    measured: int
    gain_mean: float
    gain_worst: float
    verdicts: dict[str, int]
    weak: tuple[tuple[str, float], ...]
    of: int = 0
    classes: int = 0
    of_classes: int = 0
    figures: dict[str, float] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether clips were measured and enough of the trigger is left in them."""
        return self.measured > 0 and not self.weak

    @property
    def sample(self) -> str:
        """What was measured, in words."""
        classes = f", {self.classes} of {self.of_classes} classes" if self.of_classes > 1 else ""
        return f"{self.measured} of {self.of} clips{classes}"


def least_gain(fidelity: Mapping[str, Any]) -> float:
    """The gain of a measured clip; of one with triggers in picture and sound, that of the weaker."""
    sound = fidelity.get("sound_gain")
    return float(fidelity["gain"] if sound is None else min(fidelity["gain"], sound))


def survival_summary(rows: Sequence[Mapping[str, Any]], required: float | None = None) -> SurvivalSummary:
    """Summarise records of clips with a trigger, of which those are measured whose `fidelity` has a gain.

    required: at least this gain in 95 % of the sample, and nothing buried; None: at least not lost.
    """
    measured = [r for r in rows if r["fidelity"] and r["fidelity"].get("gain") is not None]
    known = [(r["id"], r["fidelity"]) for r in measured]
    gains = [least_gain(f) for _, f in known]
    verdicts: dict[str, int] = {}
    for _, f in known:
        verdicts[f["verdict"]] = verdicts.get(f["verdict"], 0) + 1
    if required is None:
        weak = [(i, least_gain(f)) for i, f in known if f["verdict"] != "survived"]
    else:
        low = [(i, least_gain(f)) for i, f in known if least_gain(f) < required]
        buried = [(i, least_gain(f)) for i, f in known if f["verdict"] == "buried"]
        allowed = math.floor(0.05 * len(known))
        weak = buried + (low if len(low) > allowed else [])
    return SurvivalSummary(
        len(known),
        mean(gains) if gains else math.nan,
        min(gains, default=math.nan),
        verdicts,
        tuple(dict(weak).items()),
        len(rows),
        len({r.get("original_label") for r in measured}),
        len({r.get("original_label") for r in rows}),
        _figures([f for _, f in known]),
    )


def _figures(measured: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for prefix in ("", "output_", "control_"):
        for name in FIGURES:
            values = [f[prefix + name] for f in measured if f.get(prefix + name) is not None]
            if values:
                found[prefix + name] = min(values) if name == "ssim_worst" else mean(values)
    return found


Table = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""Heads and rows."""


def gains_table(survival: Mapping[str, SurvivalSummary], mean: str = "mean gain", worst: str = "worst gain") -> Table:
    """How much the encoder left of each backdoor's trigger. mean, worst: what the columns of the gains are called."""
    verdicts = ("survived", "buried", "lost")
    rows = [
        (name, o.sample, f"{o.gain_mean:.2f}", f"{o.gain_worst:.2f}", *(str(o.verdicts.get(v, 0)) for v in verdicts))
        for name, o in survival.items()
    ]
    return ("backdoor", "measured", mean, worst, *verdicts), rows


def figures_table(figures: Mapping[str, float], name: str = "") -> Table:
    """What tells a trigger from the codec's noise: trigger, output and control, each against the source.

    name: the backdoor's, where the table has to say it.
    """
    units = {"psnr": "PSNR dB", "ssim": "SSIM", "ssim_worst": "worst", "flicker": "flicker", "snr": "SNR dB"}
    names = [n for n in FIGURES if any(p + n in figures for p in ("", "output_", "control_"))]
    digits = {"ssim": 4, "ssim_worst": 4, "flicker": 3}
    rows = []
    for prefix, words in (("", "the trigger alone"), ("output_", "the poisoned file"), ("control_", "the codec alone")):
        cells = (f"{figures[prefix + n]:.{digits.get(n, 1)}f}" if prefix + n in figures else "-" for n in names)
        rows.append((words, *cells))
    first = f"{name}: distance from the source" if name else "distance from the source"
    return (first, *(units.get(n, "LSD dB") for n in names)), rows
