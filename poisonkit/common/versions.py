"""Versions of what decides an output's bytes: libraries, codecs, platform."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib import metadata

_OPENCV = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
_NAMES = ("av", "numpy", *_OPENCV, "scipy", "soundfile", "librosa", "imageio-ffmpeg")
_ENCODERS = ("libx264", "libx265", "libvpx", "libvpx-vp9", "libmp3lame", "libopus", "mpeg4", "ffv1")


def libraries() -> dict[str, str]:
    """Distribution -> version, of those that are installed; run.json keeps them."""
    return dict(_installed())


@cache  # read from many files, and the same for as long as a process lives
def _installed() -> dict[str, str]:
    found = {}
    for name in _NAMES:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def facts() -> Iterator[tuple[str, str]]:
    """What to tell with a report of a fault: names and values, libraries before what they bring along."""
    from poisonkit.common import levels, processors

    yield "python", f"{platform.python_version()} ({platform.python_implementation()})"
    yield "platform", platform.platform()
    yield "processor", f"{platform.machine()}, {processors.count()} usable"
    yield "level", levels.of_process()
    yield from libraries().items()
    with suppress(ImportError):
        import av

        yield "FFmpeg in av", str(av.ffmpeg_version_info)
        for name, parts in sorted(av.library_versions.items()):
            yield f"  {name}", ".".join(map(str, parts))
        yield "  encoders", ", ".join(name for name in _ENCODERS if name in av.codecs_available)
    with suppress(ImportError, RuntimeError):
        import imageio_ffmpeg

        yield "ffmpeg program", str(imageio_ffmpeg.get_ffmpeg_version())
    with suppress(ImportError, OSError):
        import soundfile

        yield "libsndfile", str(soundfile.__libsndfile_version__)
