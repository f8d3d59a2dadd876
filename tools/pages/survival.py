"""Make docs/survival.md: what each encoder leaves of each trigger at its defaults, on clips made by code.

    make survival-page          or: python tools/make_survival_page.py [TRIGGER …]

Takes a quarter of an hour on two processors. With names, only those rows are measured, and nothing is written but a
table to the screen. Imported triggers have no defaults: `poisonkit survive` measures them on clips of one's own.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile

from poisonkit import triggers
from poisonkit.common.seeding import generator
from poisonkit.engine.encoding.trials import Cell, tabulate
from poisonkit.engine.run import Options
from poisonkit.sampledata.pictures import frames as moving_shapes
from poisonkit.sampledata.sounds import wave
from poisonkit.triggers import Trigger
from poisonkit.triggers.core.names import built_in

PAGE = Path(__file__).resolve().parents[1] / "docs" / "survival.md"
WIDTH, HEIGHT, FRAMES, FPS, RATE, SECONDS = 320, 240, 16, 25, 48_000, 2.0
MOTIONS = ("ball_bouncing", "bar_rotating")
VOICES = ("chirp_up", "chirp_down")


@dataclass(frozen=True)
class Kind:
    """Clips of one codec, and the encodings that they go through. names: of the columns."""

    suffix: str
    codec: str
    options: dict[str, str]
    settings: dict[str, str]


QUANTISER = {"qmin": "2", "qmax": "2", "flags": "+qscale", "global_quality": str(2 * 118)}
PICTURES = (
    Kind(
        ".mp4", "libx264", {"crf": "14", "preset": "medium"},
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


def measured(
    kinds: Sequence[Kind], contents: Sequence[str], make: object, rows: dict[str, list[Trigger]]
) -> dict[tuple[str, str], Cell]:
    """(trigger, column) -> what was found."""
    found: dict[tuple[str, str], Cell] = {}
    total = len(kinds)
    for number, kind in enumerate(kinds, 1):
        with tempfile.TemporaryDirectory() as folder:
            clips = []
            for content in contents:
                path = Path(folder, f"{content}{kind.suffix}")
                make(path, kind, content)  # type: ignore[operator]
                clips.append(path)
            sys.stderr.write(f"{number} of {total}: {', '.join(kind.settings.values())}\n")
            cells = tabulate(clips, rows, list(kind.settings), scratch=folder, jobs=Options().n_jobs)
        for cell in cells:
            found[cell.trigger, kind.settings[cell.setting]] = cell
    return found


def table(kinds: Sequence[Kind], rows: dict[str, list[Trigger]], found: dict[tuple[str, str], Cell]) -> list[str]:
    columns = [name for kind in kinds for name in kind.settings.values()]
    lines = [f"| trigger | {' | '.join(columns)} |", "| --- |" + " ---: |" * len(columns)]
    for name in rows:
        cells = [shown(found.get((name, column))) for column in columns]
        lines.append(f"| [{name}](triggers/{name}.md) | {' | '.join(cells)} |")
    sizes = []
    for column in columns:
        known = [c.size for (_, at), c in found.items() if at == column and c.size is not None]
        sizes.append(f"{np.median(known):.1f}" if known else "-")
    return [*lines, f"| *bytes, times the source's (median)* | {' | '.join(sizes)} |"]


def shown(cell: Cell | None) -> str:
    if cell is None or cell.gain is None:
        return "-" if cell is None else cell.verdict
    return f"{cell.gain:.2f}" + ("" if cell.verdict == "survived" else f" **{cell.verdict}**")


def rows_of(modality: str, names: Sequence[str]) -> dict[str, list[Trigger]]:
    """Every trigger of a modality that needs no file, at its defaults."""
    found = {}
    for name in built_in():
        cls = triggers.get(name)
        needs = any(field.is_required() for field in cls.model_fields.values())
        if cls.modality == modality and not needs and (not names or name in names):
            found[name] = [triggers.create(name)]
    return found


def main(names: Sequence[str]) -> None:
    tables = []
    for modality, kinds, contents, make in (
        ("video", PICTURES, MOTIONS, video),
        ("audio", SOUNDS, VOICES, sound),
    ):
        rows = rows_of(modality, names)
        if rows:
            tables.append(table(kinds, rows, measured(kinds, contents, make, rows)))
    if names:
        print("\n\n".join("\n".join(t) for t in tables))  # noqa: T201
        return
    words, sounds = tables
    head, _, _ = PAGE.read_text(encoding="utf-8").partition("## Ours")
    lines = [
        head.rstrip(),
        "",
        "## Ours",
        "",
        "All triggers that need no file, static, at their defaults. Made by `make survival-page` "
        "(`tools/make_survival_page.py`).",
        f"Mean gain over {len(MOTIONS)} clips of {WIDTH}x{HEIGHT}, {FRAMES} frames, made by code: a moving shape under",
        "sensor noise of 2 levels. 1: all of the trigger is in the decoded file; **lost** and **buried** where any of",
        "the clips is so. Other clips give other figures; the order of triggers and encoders is what they tell.",
        "",
        *words,
        "",
        f"Sound: {len(VOICES)} recordings of {SECONDS:g} s at {RATE // 1000} kHz, mono.",
        "",
        *sounds,
        "",
    ]
    PAGE.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
