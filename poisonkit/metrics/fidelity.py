"""How much of a trigger is in a file: distances between pictures and sounds, measured on decoded output.

S source, T triggered (rounded and clipped to 8 bit), d = T − S, Y decoded output, C decoded re-encoding of S
with the same settings, all in 8-bit RGB over poisoned frames, as ratios of sums over the clip.

Every figure is the same to the last digit on every processor: sums over pictures are whole numbers, sums over sounds
are added up in NumPy's fixed order, and functions are those of `exact`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from poisonkit.common.exact import decibels, mean
from poisonkit.metrics.counterparts import as_long_as

Image = NDArray[np.uint8]
Wave = NDArray[np.float32]

Verdict = Literal["survived", "buried", "lost"]

PICTURE_STEP = 1
"""An inert picture: no pixel of any poisoned frame moves by more than one 8-bit level."""
SOUND_STEP = 1 / 32768
"""An inert sound: no sample moves by more than one 16-bit step."""

_GAUSSIAN = np.array((67, 498, 2359, 7167, 13960, 17434, 13960, 7167, 2359, 498, 67), np.float64)
"""σ 1.5, in 65536ths: sums of whole numbers below 2^53, which every processor adds up alike."""
_REACH = len(_GAUSSIAN) // 2
_AT_ONCE = 2**17  # pixels whose SSIM is worked out together, the reach beyond them not counted
_WEIGHT = 1 / 65536**2
_C1, _C2 = 6.5025, 58.5225  # (.01 · 255)² and (.03 · 255)²

SSIM_EVERY = 8
"""It costs ten times what the other distances do, so it is measured on the first of this many frames looked at."""

_STRETCH = 1 << 16  # sound samples looked at a time: what is worked out of them stays in the processor's cache

FAR_OFF_DB = 20.0  # below it brightness is looked at by itself
_MEMORY = 16 * 2**20  # bytes of source and triggered frames held for comparison, at most


def squares(a: NDArray[Any], b: NDArray[Any]) -> int:
    """Σ(a − b)² of two pictures of 8 or 16 bits.

    OpenCV gives the whole number, or, through a root, one that is off by a few units in the last of 53 bits.
    """
    return round(cv2.norm(a, b, cv2.NORM_L2SQR))


def psnr(squares: int, values: int) -> float:
    """Peak signal-to-noise ratio in dB of 8-bit values, from the sum of squared errors; infinite for equal ones."""
    return math.inf if squares <= 0 else decibels(255 * 255 * values, squares)


def ssim(a: Image, b: Image) -> float:
    """Structural similarity of two RGB pictures on luma: 11×11 Gaussian, σ 1.5, K1 .01, K2 .03 (Wang 2004).

    Of large pictures a band of rows at a time, which is quicker and holds less; the figure is that of the whole.
    """
    rows, width = a.shape[:2]
    band = max(4 * _REACH, _AT_ONCE // width)
    if rows <= band:
        return float(_similarity(a, b).mean())
    found = np.empty((rows, width), np.float64)
    for top in range(0, rows, band):
        first, last = max(0, top - _REACH), top + band + _REACH
        found[top : top + band] = _similarity(a[first:last], b[first:last])[top - first :][:band]
    return float(found.mean())


def _similarity(a: Image, b: Image) -> NDArray[np.float64]:
    """SSIM at every pixel; what is beyond the edges is mirrored."""
    x = cv2.cvtColor(a, cv2.COLOR_RGB2GRAY).astype(np.float64)
    y = cv2.cvtColor(b, cv2.COLOR_RGB2GRAY).astype(np.float64)

    def smooth(z: NDArray[Any]) -> NDArray[Any]:
        whole: NDArray[Any] = cv2.sepFilter2D(z, cv2.CV_64F, _GAUSSIAN, _GAUSSIAN)
        whole *= _WEIGHT
        return whole

    mx, my = smooth(x), smooth(y)
    both: NDArray[np.float64] = mx * my
    powers = mx * mx + my * my
    covariance = smooth(x * y)
    x *= x
    y *= y
    x += y
    variances = smooth(x)
    # In place: ((2·both + c1)·(2·(covariance − both) + c2)) / ((powers + c1)·(variances − powers + c2))
    covariance -= both
    variances -= powers
    for term in (both, covariance):
        term *= 2
    for term, c in ((both, _C1), (covariance, _C2), (powers, _C1), (variances, _C2)):
        term += c
    both *= covariance
    powers *= variances
    both /= powers
    return both


def stretches(*waves: Wave) -> Iterator[tuple[Wave, ...]]:
    """Sounds of one length, (channels, samples), a stretch at a time: long ones are never copied as a whole."""
    for start in range(0, waves[0].shape[1], _STRETCH):
        yield tuple(wave[:, start : start + _STRETCH] for wave in waves)


def within_scale(wave: Wave) -> Wave:
    """The sound as it can be written, clipped at ±1: that alone is no trigger. A source may lie beyond it."""
    return np.clip(wave, -1.0, 1.0)


def _energy(x: NDArray[np.float64]) -> float:
    """Σx². x is overwritten."""
    x *= x
    return float(np.sum(x))


def snr(signal: Wave, changed: Wave) -> float:
    """10·log10(Σx² / Σ(x'−x)²) in dB, x clipped at ±1; infinite when nothing changed."""
    noise = power = 0.0
    for source, triggered in stretches(signal, changed):
        a, difference = within_scale(source).astype(np.float64), triggered.astype(np.float64)
        difference -= a
        noise += _energy(difference)
        power += _energy(a)
    if noise == 0:
        return math.inf
    return decibels(power, noise) if power else -math.inf


def _taken_to_full_scale(source: Wave, triggered: Wave) -> int:
    loud = np.abs(triggered) >= 1
    return int(np.count_nonzero(loud & (np.abs(source) < 1))) if loud.any() else 0


def verdict(gain: float, cosine: float) -> Verdict:
    """survived: gain ≥ 0.5 and cosine ≥ 0.3; buried: gain ≥ 0.5, cosine below; lost: gain < 0.5."""
    if gain < 0.5:
        return "lost"
    return "survived" if cosine >= 0.3 else "buried"


@dataclass
class Projection:
    """gain = <e, d>/<d, d> and cosine = <e, d>/(|e||d|) of a decoded change e on the intended one d."""

    ed: float = 0
    ee: float = 0
    dd: float = 0

    def add(self, e: NDArray[Any], d: NDArray[Any]) -> None:
        """Add one stretch of sound: arrays of equal shape, any numeric type. Not by a product of vectors, which BLAS
        adds up in an order of each processor's own."""
        x, y = e.ravel().astype(np.float64), d.ravel().astype(np.float64)
        self.ed += float(np.sum(x * y))
        self.ee += _energy(x)
        self.dd += _energy(y)

    def add_squares(self, ee: int, dd: int, difference: int) -> None:
        """Add pictures, by sums of squares: of e, of d, and of e − d. Whole numbers, as long as all is added so."""
        self.ed += (ee + dd - difference) // 2
        self.ee += ee
        self.dd += dd

    @property
    def gain(self) -> float:
        """<e, d>/<d, d>: the share of the intended change that is there; 0 if none was intended."""
        return self.ed / self.dd if self.dd else 0.0

    @property
    def cosine(self) -> float:
        """<e, d>/(|e||d|): how much of what changed is the intended change; 0 where nothing did."""
        return self.ed / math.sqrt(self.ee * self.dd) if self.ee and self.dd else 0.0


def spread(n: int, k: int) -> frozenset[int]:
    """At most k indices spread evenly over range(n), both ends included."""
    if n <= k:
        return frozenset(range(n))
    return frozenset(round(i * (n - 1) / (k - 1)) for i in range(k)) if k > 1 else frozenset({n // 2})


@dataclass
class ClipInspector:
    """Sees source and triggered media go by, then the decoded output, and says what is in it.

    Pictures: whether any poisoned frame changed is seen on every frame; distances are measured on `wanted`
    frames, held in bounded memory. It is what `media.rewrite` calls `inspect`. rgb: what makes uint8 RGB of the
    pictures that go by, where they are tuples of planes (never written to) and not RGB.
    """

    wanted: frozenset[int]
    changed: bool = False
    heard: bool = False
    rgb: Callable[[Any], Image] | None = None
    held: dict[int, tuple[Any, Any]] = field(default_factory=dict)
    _bytes: int = 0
    _source: Wave | None = None
    _triggered: Wave | None = None
    _te: int = 0
    _td: int = 0
    _values: int = 0
    _frames: int = 0
    _ssim: list[float] = field(default_factory=list)
    _seen: Projection = field(default_factory=Projection)
    _sound: Projection = field(default_factory=Projection)
    _sound_error: float = 0.0

    def picture(self, t: int, source: Any, triggered: Any, poisoned: bool) -> None:
        """Frame t before encoding."""
        if poisoned and not self.changed and source is not triggered:
            self.changed = cv2.norm(self._shown(source), self._shown(triggered), cv2.NORM_INF) > PICTURE_STEP
        if t in self.wanted and self._bytes < _MEMORY:
            for picture in (source, triggered):
                self._bytes += sum(p.nbytes for p in picture) if self.rgb else picture.nbytes
            self.held[t] = (source, triggered) if self.rgb else (source.copy(), triggered.copy())

    def _shown(self, picture: Any) -> Image:
        return picture if self.rgb is None else self.rgb(picture)

    def sound(self, source: Wave, triggered: Wave) -> None:
        """The whole sound before encoding, (channels, samples); what has become longer or shorter is heard to be so."""
        longer = source.shape[1] != triggered.shape[1]
        source = as_long_as(source, triggered.shape[1])
        self._source, self._triggered = source, triggered
        least = SOUND_STEP * (1 + 1e-6)
        self.heard = longer or any(
            bool((np.abs(t - within_scale(s)) > least).any()) for s, t in stretches(source, triggered)
        )

    # -- what media.rewrite calls on the decoded output --------------------------------------------------

    def wants(self, index: int) -> bool:
        """Whether the frame of this index is one of those to be compared."""
        return index in self.held

    def frame(self, index: int, rgb: Image) -> None:
        """Compare a decoded frame, uint8 RGB (height, width, 3), with source and triggered frame."""
        source, triggered = (self._shown(picture) for picture in self.held.pop(index))
        missed, change = squares(rgb, triggered), squares(source, triggered)
        self._seen.add_squares(squares(rgb, source), change, missed)
        if psnr(missed, rgb.size) < FAR_OFF_DB:
            gray = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (rgb, triggered))
            missed = min(missed, 3 * squares(*gray))
        self._te += missed
        self._td += change
        self._values += rgb.size
        self._frames += 1
        if self._frames % SSIM_EVERY == 1:
            self._ssim.append(ssim(source, triggered))

    def wave(self, wave: Wave, rate: int) -> None:
        """Compare decoded sound, float32 (channels, samples), with source and triggered sound."""
        if self._source is None or self._triggered is None:
            return
        n = min(wave.shape[1], self._source.shape[1])
        power = error = 0.0
        for source, t, y in stretches(self._source[:, :n], self._triggered[:, :n], wave[:, :n]):
            s = within_scale(source)
            self._sound.add(y - s, t - s)
            due, missed = t.astype(np.float64), y.astype(np.float64)
            missed -= due
            power += _energy(due)
            error += _energy(missed)
        self._sound_error = error / power if power else 0.0

    # -- what it found ------------------------------------------------------------------------------------

    def picture_error_db(self) -> float:
        """PSNR of the decoded output against the triggered frames; infinite when none was looked at.

        Of brightness where all colours together are far off: 4:2:0 keeps no noise in the colours of single pixels.
        """
        return psnr(self._te, self._values) if self._values else math.inf

    def sound_error(self) -> float:
        """Energy of (decoded − triggered) relative to the triggered sound's."""
        return self._sound_error

    def report(self) -> dict[str, Any]:
        """The record's `fidelity`: distances of triggered from source, and how much of it was seen decoded.

        gain, cosine and verdict need the re-encoded source and are null here; `presence` is the gain
        measured against the source itself, on `frames` pictures (or the whole sound). `clipped`: sound samples, of
        all channels, that the trigger took to full scale, where they are clipped.
        """
        found: dict[str, Any] = {
            "psnr": psnr(self._td, self._values) if self._values and self._td else None,
            "ssim": mean(self._ssim) if self._ssim and self._td else None,
            "snr": None,
            "clipped": None,
            "gain": None,
            "cosine": None,
            "verdict": None,
            "presence": self._seen.gain if self._seen.dd else None,
            "sound_presence": self._sound.gain if self._sound.dd else None,
            "frames": self._frames,
        }
        if self._source is not None and self._triggered is not None and self.heard:
            found["snr"] = snr(self._source, self._triggered)
            found["clipped"] = sum(_taken_to_full_scale(s, t) for s, t in stretches(self._source, self._triggered))
        return found
