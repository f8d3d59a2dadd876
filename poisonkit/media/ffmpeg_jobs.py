"""Whole-file stream jobs by the ffmpeg program: compiled by ffmpeg-python, run here.

This module owns the process: no standard input, standard error to a file, `file:` names only, the exit
status and what was said turned into one sentence.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

from poisonkit.common import levels
from poisonkit.common.limits import current
from poisonkit.common.safe_io import read_options
from poisonkit.errors import MediaError, RequestError
from poisonkit.media.families import MUXERS, AudioTarget
from poisonkit.media.files import name_of, open_input, packets, safe_url, scratch, translated
from poisonkit.media.info import MediaInfo
from poisonkit.media.probing import said_end

BINARY_VARIABLE = "POISONKIT_FFMPEG"


def ffmpeg_binary() -> str:
    """The ffmpeg program: $POISONKIT_FFMPEG, else the one that imageio-ffmpeg brings."""
    chosen = os.environ.get(BINARY_VARIABLE)
    if chosen:
        return chosen
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise RequestError(f"There is no ffmpeg program: set {BINARY_VARIABLE} to one.") from error


def _source(path: Path) -> Any:
    import ffmpeg

    return ffmpeg.input(safe_url(path), **read_options())


def _output(streams: list[Any], destination: Path, muxer: str, **settings: Any) -> Any:
    import ffmpeg

    common = {
        "format": muxer,
        "map_metadata": "-1",
        "map_chapters": "-1",
        "fflags": "+bitexact",
        "flags:a": "+bitexact",
        "max_muxing_queue_size": "9999",
    }
    return ffmpeg.output(*streams, safe_url(destination), **{**common, **settings})


def _run(graph: Any, path: Path, doing: str) -> None:
    """Run a compiled job to its end. Raises MediaError with ffmpeg's last words."""
    import ffmpeg

    command = ffmpeg.compile(graph, cmd=ffmpeg_binary(), overwrite_output=True)
    flags = ["-nostdin", "-hide_banner", "-nostats", "-loglevel", "error", "-copyts", "-threads", "1"]
    flags += ["-max_alloc", str(max(current().bytes, 16 * current().pixels))]
    command[1:1] = [*flags, *levels.program_words()]
    with tempfile.TemporaryFile() as said:
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, check=False
            )
        except OSError as error:
            raise RequestError(f"The ffmpeg program {command[0]} cannot be run.") from error
        if done.returncode == 0:
            return
        said.seek(0)
        lines = said.read().decode("utf-8", "replace").strip().splitlines()
    reason = lines[-1].split("] ")[-1].rstrip(".") if lines else f"exit status {done.returncode}"
    reason = "" if os.sep in reason else f" ({reason})"
    raise MediaError(f"{name_of(path)} could not be {doing}{reason}.")


def mux_sound(source: Path, wav: Path, start: float, destination: Path, info: MediaInfo, target: AudioTarget) -> None:
    """The source's picture, packet for packet, with the sound of `wav` encoded beside it.

    start: seconds at which the sound begins on the source's clock.
    """
    import ffmpeg

    if info.video is None:
        raise ValueError("mux_sound needs a picture to copy")
    picture = _source(source)[str(info.video.index)]
    guards = {**read_options(), "format_whitelist": "wav"}
    shift = {"itsoffset": f"{start:.9f}"} if start else {}
    sound = ffmpeg.input(safe_url(wav), format="wav", **guards, **shift)["a:0"]
    settings: dict[str, Any] = {"c:v": "copy", "c:a": target.encoder, **target.options, **_lasting(source, info)}
    if target.bit_rate:
        settings["b:a"] = str(target.bit_rate)
    if target.sample_format:
        settings["sample_fmt"] = target.sample_format
    _run(_output([picture, sound], destination, MUXERS[info.container], **settings), source, "muxed")


def _lasting(source: Path, info: MediaInfo) -> dict[str, str]:
    """VP8 and VP9 in Matroska: the last picture lasts until where the source says that it ends (`said_end`).

    Nothing for files that would end there anyway, and for codecs whose packets have no decoding times there.
    """
    if info.video is None or info.container not in ("matroska", "webm") or info.video.codec not in ("vp8", "vp9"):
        return {}
    with open_input(source) as container, translated(source, "read"):
        stream = container.streams[info.video.index]
        end = said_end(container, stream)
        shown = [p.pts + (p.duration or 0) for p in packets(container, [stream], source) if p.pts is not None]
    if end is None or abs((last := max(shown, default=0)) - end) != 1:
        return {}
    return {"bsf:v": f"setts=duration=if(eq(PTS+DURATION\\,{last})\\,{end}-PTS\\,DURATION)"}


def set_aspect(path: Path, container: str, width: int, height: int, aspect: Fraction) -> None:
    """Say in the container of a written file that its pixels have this aspect: what PyAV leaves to the codec."""
    shown = aspect * width / height
    with scratch(path) as made:
        settings = {"c": "copy", "aspect": f"{shown.numerator}:{shown.denominator}"}
        _run(_output([_source(path)], made, MUXERS[container], **settings), path, "given its aspect ratio")
        os.replace(made, path)


def copy_streams(source: Path, destination: Path, info: MediaInfo) -> None:
    """The chosen picture and sound, packet for packet, without the other streams."""
    chosen = [s.index for s in (info.video, info.audio) if s is not None]
    opened = _source(source)
    streams = [opened[str(index)] for index in chosen]
    _run(_output(streams, destination, MUXERS[info.container], c="copy", **_lasting(source, info)), source, "remuxed")
