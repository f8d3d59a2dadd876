"""docs/survival.md: what each encoder leaves of each trigger at its defaults, on clips made by code.

Imported triggers have no defaults: `poisonkit survive` measures them on clips of one's own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile

from poisonkit.common.seeding import generator
from poisonkit.engine.encoding.trials import tabulate
from poisonkit.sampledata.pictures import frames as moving_shapes
from poisonkit.sampledata.sounds import wave
from tools.pages.blocks import ROOT, filled
from tools.pages.measured import Entry, Figure, measurable

PAGE = ROOT / "docs" / "survival.md"
WIDTH, HEIGHT, FRAMES, FPS, RATE, SECONDS = 320, 240, 16, 25, 48_000, 2.0
MOTIONS = ("ball_bouncing", "bar_rotating")
VOICES = ("chirp_up", "chirp_down")


@dataclass(frozen=True)
class Kind:
    """Clips of one codec, and the encodings that they go through. settings: `--encode` -> the column's name."""

    suffix: str
    codec: str
    options: dict[str, str]
    settings: dict[str, str]


QUANTISER = {"qmin": "2", "qmax": "2", "flags": "+qscale", "global_quality": str(2 * 118)}
PICTURES = (  # each encoder with one thread, and x264 `cpu-independent`, or two runs would measure different clips
    Kind(
        ".mp4", "libx264", {"crf": "14", "preset": "medium", "x264-params": "cpu-independent=1"},
        {"match": "H.264 crf 18", "crf:23": "crf 23", "crf:28": "crf 28", "444": "4:4:4", "lossless": "lossless"},
    ),
    Kind(".avi", "mpeg4", QUANTISER, {"match": "MPEG-4 q 2"}),
    Kind(".avi", "mjpeg", QUANTISER, {"match": "MJPEG q 2"}),
    Kind(".mkv", "ffv1", {}, {"match": "FFV1 4:2:0"}),
)  # fmt: skip
SOUNDS = (
    Kind(".m4a", "aac", {}, {"match": "AAC 192k"}),
    Kind(".mp3", "", {}, {"match": "MP3 192k"}),
    Kind(".mkv", "libopus", {}, {"match": "Opus 160k"}),
    Kind(".flac", "", {}, {"match": "FLAC"}),
)


def pictures(motion: str) -> Iterator[np.ndarray]:
    """A moving shape under sensor noise of 2 levels."""
    grain, shape = generator("survival", motion), generator("survival shape", motion)
    for image in moving_shapes(motion, shape, WIDTH, HEIGHT, FRAMES, FPS):
        yield np.clip(np.rint(image + grain.normal(0, 2, image.shape)), 0, 255).astype(np.uint8)


def video(path: Path, kind: Kind, motion: str) -> None:
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as out:
        stream = out.add_stream(kind.codec, rate=FPS, options=kind.options)
        stream.width, stream.height = WIDTH, HEIGHT
        stream.pix_fmt = "yuvj420p" if kind.codec == "mjpeg" else "yuv420p"
        stream.codec_context.thread_count = 1
        for index, image in enumerate(pictures(motion)):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=stream.pix_fmt)
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def sound(path: Path, kind: Kind, voice: str) -> None:
    heard = wave(voice, generator("survival sound", voice), RATE, SECONDS)
    if not kind.codec:
        soundfile.write(path, heard.T, RATE)
        return
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as out:
        stream = out.add_stream(kind.codec, rate=RATE, layout="mono")
        stream.bit_rate = 192_000
        fifo = av.AudioFifo()
        resampler = av.AudioResampler(format=stream.codec_context.format, layout="mono", rate=RATE)
        whole = av.AudioFrame.from_ndarray(np.ascontiguousarray(heard), format="fltp", layout="mono")
        whole.sample_rate, whole.pts, whole.time_base = RATE, 0, Fraction(1, RATE)
        for part in resampler.resample(whole):
            fifo.write(part)
        while (part := fifo.read(stream.codec_context.frame_size or 1024) or fifo.read(0)) is not None:
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))


@dataclass(frozen=True)
class Table:
    """One table of the page: the kinds of clips of a modality, what the clips show, and how one is made."""

    modality: str
    kinds: Sequence[Kind]
    contents: Sequence[str]
    make: Callable[[Path, Kind, str], None]

    @property
    def columns(self) -> list[str]:
        """Names of the encodings."""
        return [name for kind in self.kinds for name in kind.settings.values()]

    def rows(self) -> list[str]:
        """Its triggers, in the order of the families."""
        return [name for name, trigger in measurable().items() if trigger.modality == self.modality]


TABLES = (Table("video", PICTURES, MOTIONS, video), Table("audio", SOUNDS, VOICES, sound))


def missing(entries: dict[str, Entry]) -> Iterator[tuple[Table, Kind, list[str]]]:
    """The triggers that have not been measured on a kind of clips."""
    for table in TABLES:
        for kind in table.kinds:
            wanted = set(kind.settings.values())
            names = [n for n in table.rows() if n not in entries or not wanted <= entries[n].survival.keys()]
            if names:
                yield table, kind, names


def measure(table: Table, kind: Kind, names: Sequence[str], jobs: int) -> dict[str, dict[str, Figure]]:
    """Trigger -> column -> figure, of these triggers on one kind of clips."""
    found: dict[str, dict[str, Figure]] = {name: {} for name in names}
    with tempfile.TemporaryDirectory() as folder:
        clips = [Path(folder, f"{content}{kind.suffix}") for content in table.contents]
        for clip, content in zip(clips, table.contents, strict=True):
            table.make(clip, kind, content)
        rows = {name: [measurable()[name]] for name in names}
        for cell in tabulate(clips, rows, list(kind.settings), scratch=folder, jobs=jobs):
            gain, size = (None if x is None else round(x, 4) for x in (cell.gain, cell.size))
            found[cell.trigger][kind.settings[cell.setting]] = Figure(gain, cell.verdict, size)
    return found


def _rows(table: Table, entries: dict[str, Entry]) -> list[str]:
    lines = [f"| trigger | {' | '.join(table.columns)} |", "| --- |" + " ---: |" * len(table.columns)]
    known = [(name, entries[name].survival if name in entries else {}) for name in table.rows()]
    for name, figures in known:
        cells = [_shown(figures.get(column)) for column in table.columns]
        lines.append(f"| [{name}](triggers/{name}.md) | {' | '.join(cells)} |")
    sizes = []
    for column in table.columns:
        measured = [f[column].size for _, f in known if column in f and f[column].size is not None]
        sizes.append(f"{np.median(measured):.1f}" if measured else "-")
    return [*lines, f"| *bytes, times the source's (median)* | {' | '.join(sizes)} |"]


def _shown(figure: Figure | None) -> str:
    if figure is None or figure.gain is None:
        return "-" if figure is None else figure.verdict
    return f"{figure.gain:.2f}" + ("" if figure.verdict == "survived" else f" **{figure.verdict}**")


def page(entries: dict[str, Entry]) -> str:
    """docs/survival.md as it should be."""
    pictures_table, sounds_table = (_rows(table, entries) for table in TABLES)
    lines = [
        f"Mean gain over {len(MOTIONS)} clips of {WIDTH}x{HEIGHT}, {FRAMES} frames, made by code: a moving shape under",
        "sensor noise of 2 levels. 1: all of the trigger is in the decoded file; **lost** and **buried** where any of",
        "the clips is so. Other clips give other figures; the order of triggers and encoders is what they tell.",
        "",
        *pictures_table,
        "",
        f"Sound: {len(VOICES)} recordings of {SECONDS:g} s at {RATE // 1000} kHz, mono.",
        "",
        *sounds_table,
    ]
    return filled(PAGE, {"survival": "\n".join(lines)})
