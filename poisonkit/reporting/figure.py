"""A figure for a paper: triggers × frames of one clip, or triggers × clips; as PNG, or as PDF or SVG with text as text.

Laid out in inches, from the top: a line of heads, then for the clean clip and for each row of triggers its pictures,
their amplified differences, waveforms and spectrograms, as far as the triggers touch them. Matplotlib draws it, with
its own defaults whatever the user's are, and without the time of day: the same clips give the same bytes.
"""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from poisonkit.common.safe_io import printable
from poisonkit.errors import RequestError
from poisonkit.reporting import pictures
from poisonkit.reporting.before_after import BeforeAfter
from poisonkit.reporting.pictures import Image, Wave
from poisonkit.triggers.core import spec
from poisonkit.triggers.core.trigger import Trigger

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 300  # of PNG, and at most of pictures in PDF and SVG
LEAST, MOST = 2.0, 40.0  # inches wide
GAP, BLOCK = 0.04, 0.12  # inches between panels, and between triggers
HEAD = 0.2
WAVE, SPECTRUM = 0.42, 0.62  # inches high
TICKS = 0.3  # inches left of sound, and below it
DEPTH = 80.0  # dB that a spectrogram shows, below the loudest of the figure
INK, QUIET, ADDED = "#1b1f24", "#5b6570", "#d1570b"
FONTS = ("DejaVu Sans", "Noto Sans CJK JP", "Noto Sans Arabic", "Noto Sans Devanagari", "Noto Sans Hebrew")
STYLE = {
    "font.size": 7.0,
    "text.parse_math": False,
    "text.color": INK,
    "axes.linewidth": 0.5,
    "axes.edgecolor": QUIET,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelsize": 6.0,
    "ytick.labelsize": 6.0,
    "xtick.major.size": 2.0,
    "ytick.major.size": 2.0,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.major.pad": 1.5,
    "ytick.major.pad": 1.5,
    "pdf.fonttype": 42,  # TrueType: publishers refuse Type 3
    "svg.fonttype": "none",  # text as text
    "svg.hashsalt": "poisonkit",
}
METADATA: dict[str, dict[str, Any]] = {
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "Producer": None, "Creator": None},
    ".svg": {"Date": None, "Creator": None},
}


@dataclass
class _Panels:
    """A line of panels that stand beside each other. label, detail: what stands left of them; height: in inches.

    kind: image, wave or spectrum. cells: what is drawn in each, one for each column or one for all of them.
    """

    kind: str
    label: str
    detail: str
    cells: list[Any]
    first: bool = False  # of its row of triggers
    height: float = 0.0


@dataclass
class _Sound:
    wave: Wave
    rate: int
    added: Wave | None = None
    level: Any = field(default=None)


def require_matplotlib() -> None:
    """RequestError where it is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise RequestError("A grid, a PDF or an SVG needs matplotlib: pip install matplotlib.") from None


def draw(seen: Sequence[Sequence[BeforeAfter]], clips: Sequence[str], frames: int, width: float, ending: str) -> bytes:
    """The figure as a file's bytes. seen: rows of triggers, in each the clips; clips: what they are called."""
    if not LEAST <= width <= MOST:
        raise RequestError(f"--width {width:g} is not possible: it is in inches, from {LEAST:g} to {MOST:g}.")
    heads, lines = _panels(seen, clips, frames)
    import matplotlib.font_manager
    import matplotlib.style

    there = {font.name for font in matplotlib.font_manager.fontManager.ttflist}
    style = {**STYLE, "font.family": [name for name in FONTS if name in there]}
    with warnings.catch_warnings(), matplotlib.style.context(["default", style]):
        warnings.filterwarnings("ignore", message=".*[Gg]lyph.*")  # a script without a font here is drawn as boxes
        figure = _drawn(heads, lines, width, exact=ending != ".png")
        made = io.BytesIO()
        figure.savefig(made, format=ending[1:], dpi=DPI, metadata=METADATA[ending])
    return made.getvalue()


def _panels(
    seen: Sequence[Sequence[BeforeAfter]], clips: Sequence[str], frames: int
) -> tuple[list[str], list[_Panels]]:
    """What stands above the columns, and everything that is drawn, from the top."""
    touched = {modality for row in seen for each in row for modality in each.chain.touches}
    heads: list[str] = list(clips) if len(clips) > 1 else []
    clean_images: list[Image] | None = None
    clean_sounds: list[_Sound] | None = None
    below: list[_Panels] = []
    for row in seen:
        chain = row[0].chain
        name, detail = " + ".join(t.name for t in chain.triggers), "\n".join(filter(None, map(changed, chain.triggers)))
        mine: list[_Panels] = []
        if "video" in chain.touches:
            found = [(each, *one) for each in row for one in each.some_frames(frames)]
            if not heads:
                heads = [each.time_of(t) for each, t, _, _ in found]
            clean, poisoned = [a for _, _, a, _ in found], [b for _, _, _, b in found]
            clean_images = clean_images or clean
            change = [(b.astype(np.int16) - a).ravel() for a, b in zip(clean, poisoned, strict=True)]
            factor = pictures.amplification(np.concatenate(change))
            shown = [pictures.difference(a, b, factor) for a, b in zip(clean, poisoned, strict=True)]
            mine.append(_Panels("image", "", "", poisoned))
            mine.append(_Panels("image", "", f"difference ×{factor}", shown))
        if "audio" in chain.touches:
            pairs = [each.sound() for each in row]
            clean_sounds = clean_sounds or [_Sound(wave, rate) for wave, _, rate in pairs]
            mine += _heard([_Sound(made, rate, _added(wave, made)) for wave, made, rate in pairs], "change")
        mine[0].label, mine[0].first = name, True
        mine[0].detail = "\n".join(filter(None, (detail, mine[0].detail)))
        below += mine
    top = [_Panels("image", "", "", clean_images)] if clean_images is not None else []
    top += _heard(clean_sounds, "") if clean_sounds is not None else []
    top[0].label = "clean"
    return heads or ([] if touched == {"audio"} else list(clips)), [*top, *below]


def changed(trigger: Trigger) -> str:
    """The parameters of a trigger that are not its defaults, as they would be typed."""
    fields = type(trigger).model_fields
    values = {name: value for name, value in trigger if value != fields[name].default}
    temporal = values.pop("temporal", None)
    said = [temporal] if temporal else []
    for name, value in values.items():
        text = spec.written({name: value})
        said.append(text if len(text) <= 40 else f"{text[:39]}…")
    return ", ".join(printable(text) for text in said)


def _added(clean: Wave, made: Wave) -> Wave:
    length = min(clean.shape[1], made.shape[1])
    return np.asarray(made[:, :length] - clean[:, :length], dtype=np.float32)


def _heard(sounds: list[_Sound], added: str) -> list[_Panels]:
    return [
        _Panels("wave", "", f"waveform{f', {added} in orange' if added else ''}", list(sounds)),
        _Panels("spectrum", "", f"spectrogram, {DEPTH:g}\u00a0dB", list(sounds)),
    ]


def _drawn(heads: Sequence[str], lines: list[_Panels], width: float, exact: bool) -> Figure:
    from matplotlib.figure import Figure

    columns = max(len(line.cells) for line in lines)
    heard = any(line.kind != "image" for line in lines)
    left = _margin(lines, width) + (TICKS if heard else 0.0)
    each = (width - left - GAP * (columns - 1) - 0.02) / columns
    for line in lines:
        if line.kind == "image":
            line.height = each * max(image.shape[0] / image.shape[1] for image in line.cells)
        else:
            line.height = {"wave": WAVE, "spectrum": SPECTRUM}[line.kind]
        line.height = max(line.height, 0.11 * len(_words(line, left - (TICKS if heard else 0.0))) + 0.02)
    last = max((i for i, line in enumerate(lines) if line.kind != "image"), default=-1)
    height = (HEAD if heads else 0.03) + sum(line.height for line in lines) + GAP * (len(lines) - 1) + 0.03
    height += BLOCK * sum(line.first for line in lines) + (TICKS if heard else 0.0)
    figure = Figure(figsize=(width, height), facecolor="white")
    for column, head in enumerate(heads):
        middle = left + column * (each + GAP) + each / 2
        size = 7 if len(head) * 0.062 <= each else 5.5
        text = _shortened(printable(head), max(4, int(each / (0.062 * size / 7))))
        figure.text(middle / width, 1 - (HEAD - 0.06) / height, text, ha="center", va="baseline", fontsize=size)
    loudest, peak = _levels(lines), _peak(lines)
    y = HEAD if heads else 0.03
    for number, line in enumerate(lines):
        y += BLOCK if line.first else 0.0
        _label(figure, line, left - (TICKS if heard else 0.0), y, width, height)
        wide = len(line.cells) == 1 and columns > 1
        for column, cell in enumerate(line.cells):
            x, across = left + column * (each + GAP), (width - left - 0.02 if wide else each)
            axes = figure.add_axes((x / width, 1 - (y + line.height) / height, across / width, line.height / height))
            if line.kind == "image":
                _image(axes, cell, across, exact)
            elif line.kind == "wave":
                _wave(axes, cell, across, column, peak)
            else:
                _spectrum(axes, cell, loudest, _top(line.cells), column)
            if line.kind != "image" and number != last:
                axes.set_xticklabels([])
            elif line.kind != "image":
                axes.set_xlabel("time, s", fontsize=6, color=QUIET, labelpad=1)
        y += line.height + GAP
        if number == last:
            y += TICKS if number < len(lines) - 1 else 0.0
    return figure


def _margin(lines: Sequence[_Panels], width: float) -> float:
    """Inches left of the panels for words: as many as the longest word of them needs, within reason."""
    longest = max(len(word) for line in lines for word in f"{line.label} {line.detail.replace(',', ' ')}".split())
    return float(min(max(0.75, longest * 0.068 + 0.1), 0.28 * width))


def _words(line: _Panels, left: float) -> list[tuple[str, bool]]:
    """The lines of text beside panels, and whether they are the trigger's name."""
    names = textwrap.wrap(printable(line.label), max(6, int((left - 0.08) / 0.066)))
    details = (textwrap.wrap(part, max(8, int((left - 0.08) / 0.051))) for part in line.detail.split("\n"))
    return [*((name, True) for name in names), *((text, False) for part in details for text in part)]


def _label(figure: Figure, line: _Panels, left: float, y: float, width: float, height: float) -> None:
    words = _words(line, left)
    at = y + line.height / 2 - 0.11 * (len(words) - 1) / 2
    for i, (text, name) in enumerate(words):
        figure.text(
            (left - 0.08) / width, 1 - (at + 0.11 * i) / height, text, ha="right", va="center",
            fontsize=7.5 if name else 6, fontweight="bold" if name else "normal", color=INK if name else QUIET,
        )  # fmt: skip


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - most // 2 - 1]}…{text[len(text) - most // 2 :]}"


def _image(axes: Axes, image: Image, inches: float, exact: bool) -> None:
    """exact: as it is, for whoever zooms in; otherwise for the pixels of a PNG."""
    most = round(inches * DPI)
    if image.shape[1] > most:
        size = (most, max(1, round(image.shape[0] * most / image.shape[1])))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    axes.imshow(image, interpolation="none" if exact else None)
    axes.set_axis_off()


def _wave(axes: Axes, sound: _Sound, inches: float, column: int, peak: float) -> None:
    """peak: the largest value of the figure's sounds, so that quiet ones are seen and all are comparable."""
    steps = max(64, int(inches * 150))
    end = sound.wave.shape[1] / sound.rate
    for wave, colour in ((sound.wave, QUIET), (sound.added, ADDED)):
        if wave is not None and wave.shape[1]:
            low, high = _extent(wave[0], min(steps, wave.shape[1]))
            times = np.linspace(0, wave.shape[1] / sound.rate, len(low), endpoint=False)
            axes.fill_between(times, low, high, color=colour, linewidth=0.4)
    axes.set_xlim(0, end)
    axes.set_ylim(-1.1 * peak, 1.1 * peak)
    axes.set_yticks(
        [-peak, 0, peak] if column == 0 else [], [f"{-peak:.2g}", "0", f"{peak:.2g}"] if column == 0 else []
    )


def _extent(wave: Any, steps: int) -> tuple[Any, Any]:
    edges = np.linspace(0, len(wave), steps + 1).astype(int)[:-1]
    return np.minimum.reduceat(wave, edges), np.maximum.reduceat(wave, edges)


def _top(sounds: Sequence[_Sound]) -> float:
    return max(sound.rate for sound in sounds) / 2000


def _peak(lines: Sequence[_Panels]) -> float:
    sounds = [cell.wave for line in lines if line.kind == "wave" for cell in line.cells]
    return max([0.01, *(float(np.abs(wave[0]).max()) for wave in sounds if wave.shape[1])])


def _levels(lines: Sequence[_Panels]) -> float:
    """Compute the spectrograms; the loudest level of all, in dB of full scale."""
    sounds = [cell for line in lines if line.kind == "spectrum" for cell in line.cells]
    for sound in sounds:
        sound.level = spectrogram(sound.wave[0], sound.rate)
    return max((float(sound.level.max()) for sound in sounds), default=0.0)


def spectrogram(wave: Any, rate: int, most: int = 1500) -> Any:
    """Level in dB of full scale, (frequencies from 0 to half the rate, times): Hann windows of about 32 ms."""
    size = 1 << max(6, round(float(np.log2(0.032 * rate))))
    step = max(size // 4, -(-len(wave) // most))
    padded = np.pad(np.asarray(wave, np.float64), (size // 2, size))
    window = np.hanning(size + 1)[:-1]
    pieces = np.lib.stride_tricks.sliding_window_view(padded, size)[: len(wave) + 1 : step] * window
    return 20 * np.log10(np.abs(np.fft.rfft(pieces, axis=1)).T * 2 / window.sum() + 1e-9)


def _spectrum(axes: Axes, sound: _Sound, loudest: float, top: float, column: int) -> None:
    end, nyquist = sound.wave.shape[1] / sound.rate, sound.rate / 2000
    axes.imshow(
        sound.level, origin="lower", aspect="auto", extent=(0, end, 0, nyquist), cmap="magma", vmin=loudest - DEPTH,
        vmax=loudest,
    )  # fmt: skip
    axes.set_xlim(0, end)
    axes.set_ylim(0, top)
    if column == 0:
        axes.set_ylabel("kHz", fontsize=6, color=QUIET, labelpad=1)
        axes.yaxis.set_major_locator(_few())
    else:
        axes.set_yticks([])


def _few() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(3, integer=True)
