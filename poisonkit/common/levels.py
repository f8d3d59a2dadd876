"""On what kind of processor an output was made: media are the same byte for byte on processors of one level.

`x86-64-v3` is every x86-64 processor with AVX2 and FMA (since about 2013): whatever else it has, AVX-512 too, changes
nothing. Without them, OpenCV, NumPy and FFmpeg's sound decoders round otherwise. The *portable* level is that of a
processor without them, asked of any: libraries read what they may use from the environment, when a process begins.

    python -m poisonkit.common.levels COMMAND …     runs a command at the portable level
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from poisonkit.common import opencv
from poisonkit.errors import RequestError

MARK = "POISONKIT_PORTABLE"
"""The variable that is `1` in processes of the portable level."""

MACHINE = {"AMD64": "x86-64", "x86_64": "x86-64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
PORTABLE = f"{MACHINE}-portable"
V3 = "x86-64-v3"
NO_AVX2 = "x86-64 without AVX2 in NumPy and OpenCV and FFmpeg"

own_process = False
"""True where this program is poisonkit's command line, which may start again."""

_X86 = MACHINE == "x86-64"
_OPENCV_BASE = ("SSE4.1", "SSE4.2", "NEON", "FP16" if not _X86 else "")
_BLAS_BASE = {"x86-64": "Nehalem", "aarch64": "ARMV8"}
_GLIBC = "glibc.cpu.hwcaps=-AVX2,-AVX2_Usable,-FMA,-FMA_Usable,-FMA4,-FMA4_Usable"
_FFMPEG_BASE = 0x13DB  # CMOV, MMX, SSE to SSE4.2
_FFMPEG_V3 = 0x8000 | 0x10000  # AVX2, FMA3


def asked() -> bool:
    """Whether this process was started at the portable level."""
    return os.environ.get(MARK) == "1"


def environment() -> dict[str, str]:
    """What a process of the portable level has in its environment, beside what this one has."""
    import cv2

    beyond = [f[1:] for f in cv2.getCPUFeaturesLine().split() if f[0] == "*" and not f.endswith("?")]
    found = {
        MARK: "1",
        "NPY_DISABLE_CPU_FEATURES": " ".join(_numpy("__cpu_dispatch__", ())),
        "OPENCV_CPU_DISABLE": ",".join(f for f in beyond if f not in _OPENCV_BASE),
    }
    if MACHINE in _BLAS_BASE:
        found["OPENBLAS_CORETYPE"] = _BLAS_BASE[MACHINE]
    if _X86:
        before = os.environ.get("GLIBC_TUNABLES")
        found |= {"OPENCV_IPP": "sse42", "GLIBC_TUNABLES": f"{before}:{_GLIBC}" if before else _GLIBC}
    return {name: value for name, value in found.items() if value}


def restart(argv: Sequence[str] | None = None) -> None:
    """Begin this program again at the portable level; nothing if it is there already. argv: another program."""
    if asked() and argv is None:
        return
    command = [sys.executable, *sys.orig_argv[1:]] if argv is None else list(argv)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execvpe(command[0], command, os.environ | ({} if asked() else environment()))


@cache
def hold() -> None:
    """In a process of the portable level: FFmpeg's libraries too. RequestError where they are out of reach."""
    if not (asked() and _X86):
        return
    library = _avutil()
    if library is None:
        raise RequestError("--portable needs PyAV's own FFmpeg, as `pip install av` brings it; this one has another.")
    library.av_force_cpu_flags(library.av_get_cpu_flags() & _FFMPEG_BASE)


def program_words() -> list[str]:
    """What the ffmpeg program, a process of its own, is told so that it computes at the level of this one."""
    return ["-cpuflags", str(_FFMPEG_BASE)] if asked() and _X86 else []


@cache
def of_process() -> str:
    """The level at which this process computes. RequestError where it was to be the portable one and is not."""
    import cv2

    opencv.version()
    hold()
    enabled: Mapping[str, bool] = _numpy("__cpu_features__", {})
    dispatched = _numpy("__cpu_dispatch__", ())
    numpy = [name for name in dispatched if enabled.get(name)]
    lines = [f[1:] for f in cv2.getCPUFeaturesLine().split() if f[0] == "*" and not f.endswith("?")]
    beyond = [f for f in lines if f not in _OPENCV_BASE]
    if asked():
        if numpy or beyond:
            raise RequestError(
                f"{MARK} is set, but this process was not started at the portable level (it has "
                f"{', '.join((*numpy, *beyond))}): start it with `python -m poisonkit.common.levels COMMAND …`."
            )
        return PORTABLE
    if not _X86:
        return MACHINE
    library = _avutil()
    flags = _FFMPEG_V3 if library is None else library.av_get_cpu_flags()
    has = {
        "NumPy": "X86_V3" in numpy or {"AVX2", "FMA3"} <= set(numpy),
        "OpenCV": "AVX2" in beyond,
        "FFmpeg": flags & _FFMPEG_V3 == _FFMPEG_V3,
    }
    lacking = [name for name, there in has.items() if not there]
    return V3 if not lacking else f"{MACHINE} without AVX2 in {' and '.join(lacking)}"


def require(portable: bool) -> None:
    """Go to the portable level where that is asked for, or where the processor has no other.

    RequestError where this program is not ours to start again.
    """
    if asked() or not (portable or of_process() == NO_AVX2):
        return
    if own_process:
        restart()
    if portable:
        raise RequestError(
            "The portable level is of a whole process: start it with `python -m poisonkit.common.levels COMMAND …`."
        )


def clash(known: str, here: str, what: str) -> str:
    """A sentence for work that was begun at one level and cannot go on at another."""
    if known == PORTABLE:
        remedy = "give --portable"
    elif here == PORTABLE:
        remedy = "leave --portable out, on a processor with AVX2"
    else:
        remedy = "go on with a processor of that level"
    return f"{what} was begun at the level {known}, and this is {here}, which gives other bytes: {remedy}."


def _numpy(name: str, otherwise: Any) -> Any:
    import numpy

    core = getattr(numpy, "_core", None)
    return getattr(getattr(core, "_multiarray_umath", None), name, otherwise)


@cache
def _avutil() -> Any:
    """The libavutil that PyAV brought and has loaded, or None."""
    import av

    folder = Path(av.__file__).parent
    for place in (folder.parent / "av.libs", folder / ".dylibs"):
        for path in sorted(place.glob("*avutil*")):
            return ctypes.CDLL(str(path))
    return None


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python -m poisonkit.common.levels COMMAND …")
    restart(sys.argv[1:])
