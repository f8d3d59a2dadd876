"""Survival: what the encoder left of a trigger, measured on decoded output against a re-encoded source.

S source, T triggered (rounded and clipped to 8 bit), d = T − S, Y decoded output, C decoded re-encoding of S
with the same settings, in 8-bit RGB over poisoned frames, as ratios of sums over the clip:

    gain = <Y − C, d> / <d, d>        cosine = <Y − C, d> / (|Y − C| |d|)

survived: gain ≥ 0.5 and cosine ≥ 0.3; buried: gain ≥ 0.5, cosine below; lost: gain < 0.5. Sound: the same on
waveforms aligned for codec delay.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from poisonkit.fidelity import Image, Projection, Wave, psnr, snr, ssim, verdict


@dataclass
class PictureSurvival:
    """Sums over the poisoned frames of one clip."""

    _change: Projection = field(default_factory=Projection)
    _ts: float = 0.0
    _cs: float = 0.0
    _values: int = 0
    _frames: int = 0
    _ssim: list[float] = field(default_factory=list)
    _ssim_c: list[float] = field(default_factory=list)
    _light: list[tuple[float, float]] = field(default_factory=list)

    def add(self, source: Image, triggered: Image, decoded: Image, control: Image, *, look: bool = True) -> None:
        """One poisoned frame: S, T, Y, C, uint8 RGB of one shape. look: compute its SSIM too, the dearest figure."""
        e = decoded.astype(np.int16) - control
        self._change.add(e, triggered.astype(np.int16) - source)
        self._ts += float(cv2.norm(triggered, source, cv2.NORM_L2SQR))
        self._cs += float(cv2.norm(control, source, cv2.NORM_L2SQR))
        self._values += source.size
        self._frames += 1
        if look:
            self._ssim.append(ssim(source, triggered))
            self._ssim_c.append(ssim(source, control))
        self._light.append(
            (float(triggered.mean()) - float(source.mean()), float(control.mean()) - float(source.mean()))
        )

    def report(self) -> dict[str, Any]:
        """Figures of the trigger (before encoding) beside the control's, gain, cosine and verdict."""
        if not self._values:
            return {}
        return {
            "psnr": psnr(self._ts / self._values),
            "ssim": float(np.mean(self._ssim)) if self._ssim else None,
            "ssim_worst": float(np.min(self._ssim)) if self._ssim else None,
            "flicker": _steps([a for a, _ in self._light]),
            "control_psnr": psnr(self._cs / self._values),
            "control_ssim": float(np.mean(self._ssim_c)) if self._ssim_c else None,
            "control_flicker": _steps([b for _, b in self._light]),
            "gain": self._change.gain,
            "cosine": self._change.cosine,
            "verdict": verdict(self._change.gain, self._change.cosine),
            "frames": self._frames,
        }


def _steps(values: list[float]) -> float:
    """Temporal flicker: RMS, in levels, of the frame-to-frame steps of a mean light difference."""
    return float(np.sqrt(np.mean(np.diff(values) ** 2))) if len(values) > 1 else 0.0


def sound_survival(source: Wave, triggered: Wave, decoded: Wave, control: Wave) -> dict[str, Any]:
    """The same for sound: float32 (channels, samples), cut to the shortest of the four."""
    n = min(w.shape[1] for w in (source, triggered, decoded, control))
    s, t, y, c = (w[:, :n] for w in (source, triggered, decoded, control))
    change = Projection()
    change.add(y - c, t - s)
    return {
        "snr": snr(s, t),
        "lsd": log_spectral_distance(s, t),
        "control_snr": snr(s, c),
        "control_lsd": log_spectral_distance(s, c),
        "gain": change.gain,
        "cosine": change.cosine,
        "verdict": verdict(change.gain, change.cosine),
    }


def log_spectral_distance(a: Wave, b: Wave, size: int = 512) -> float:
    """Mean over frames of the RMS over bins of the difference of log magnitudes, in dB (Gray and Markel 1976).

    Hann windows of `size` samples, half overlapping; magnitudes below 1e-5 count as 1e-5.
    """
    window = np.hanning(size).astype(np.float32)

    def levels(wave: Wave) -> Any:
        padded = np.pad(wave.mean(axis=0), (0, max(0, size - wave.shape[1])))
        frames = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 2] * window
        return 20 * np.log10(np.maximum(np.abs(np.fft.rfft(frames, axis=1)), 1e-5))

    return float(np.mean(np.sqrt(np.mean((levels(a) - levels(b)) ** 2, axis=1))))


@dataclass(frozen=True)
class Outlook:
    """Survival over a sample of clips. weak: (id, gain) of clips below the gain that was required, or lost."""

    measured: int
    gain_mean: float
    gain_worst: float
    verdicts: dict[str, int]
    weak: tuple[tuple[str, float], ...]

    @property
    def ok(self) -> bool:
        return self.measured > 0 and not self.weak


def outlook(rows: list[dict[str, Any]], required: float | None = None) -> Outlook:
    """Summarise the records whose `fidelity` has a gain.

    required: at least this gain in 95 % of the sample, and nothing buried; None: at least not lost.
    """
    known = [(r["id"], r["fidelity"]) for r in rows if r["fidelity"] and r["fidelity"].get("gain") is not None]
    gains = [f["gain"] for _, f in known]
    verdicts: dict[str, int] = {}
    for _, f in known:
        verdicts[f["verdict"]] = verdicts.get(f["verdict"], 0) + 1
    if required is None:
        weak = [(i, f["gain"]) for i, f in known if f["verdict"] != "survived"]
    else:
        low = [(i, f["gain"]) for i, f in known if f["gain"] < required]
        buried = [(i, f["gain"]) for i, f in known if f["verdict"] == "buried"]
        allowed = math.floor(0.05 * len(known))
        weak = buried + (low if len(low) > allowed else [])
    return Outlook(
        len(known),
        float(np.mean(gains)) if gains else math.nan,
        min(gains, default=math.nan),
        verdicts,
        tuple(dict(weak).items()),
    )
