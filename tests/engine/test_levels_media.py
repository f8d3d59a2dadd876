"""Every encoding and every kind of decoding gives the same bytes and records on all processors of a level.

In the ordinary suite libraries are told to do without; `make test-levels` has whole processors emulated, by QEMU.
"""

from __future__ import annotations

import json
import shutil
import stat
import sys
from pathlib import Path

import pytest

from poisonkit import media
from poisonkit.common import levels
from tests.engine.levels import differing, on_v3, run
from tests.engine.levels_media import ALONE, ENCODINGS, OPUS

pytestmark = on_v3
NEHALEM, HASWELL = "Nehalem", "Haswell"
TO_AVX2 = 0x3D3DB  # FFmpeg's flags up to AVX2 and FMA
NEW_OPUS = {f"{what} {name} {how}" for what in ("file", "record") for name in OPUS for how in (*ENCODINGS, ALONE)}
"""Opus sound that is encoded again: libopus asks the processor for approximate reciprocals."""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sources")
    done = run(sys.executable, "-m", "tests.engine.levels_media", "make", str(root))
    assert done.returncode == 0, done.stderr
    return root


def matrix(sources: Path, out: Path, *before: str, **more: str) -> dict[str, str]:
    python = [str(Path(sys.executable).resolve())] if before else [sys.executable]
    done = run(*before, *python, "-m", "tests.engine.levels_media", str(sources), str(out), **more)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    assert sum(name.startswith("file ") for name in found) > 100
    return found


@pytest.fixture(scope="module")
def here(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return matrix(sources, tmp_path_factory.mktemp("here"))


@pytest.fixture(scope="module")
def portable(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return matrix(sources, tmp_path_factory.mktemp("portable"), **levels.environment())


def program(place: Path, *words: str, before: str = "") -> str:
    """An ffmpeg program that is started otherwise."""
    place.write_text(f'#!/bin/sh\nexec {before} "{media.ffmpeg_binary()}" {" ".join(words)} "$@"\n', encoding="utf-8")
    place.chmod(place.stat().st_mode | stat.S_IXUSR)
    return str(place)


def test_without_avx_512(sources: Path, tmp_path: Path, here: dict[str, str]) -> None:
    asked = levels.environment()
    beyond = [name for name in asked["NPY_DISABLE_CPU_FEATURES"].split() if name not in ("X86_V3", "AVX2", "FMA3")]
    more = {"OPENCV_CPU_DISABLE": "AVX512-SKX"} if "AVX512-SKX" in asked["OPENCV_CPU_DISABLE"] else {}
    there = matrix(
        sources,
        tmp_path / "out",
        NPY_DISABLE_CPU_FEATURES=" ".join(beyond),
        OPENCV_IPP="avx2",
        OPENBLAS_CORETYPE="Haswell",
        VPX_SIMD_CAPS_MASK="0xff",
        POISONKIT_TEST_ASM="avx2",
        POISONKIT_TEST_FLAGS=hex(TO_AVX2),
        POISONKIT_FFMPEG=program(tmp_path / "ffmpeg", "-cpuflags", str(TO_AVX2)),
        **more,
    )
    assert set(differing(here, there)) <= NEW_OPUS


def test_the_portable_level_is_that_of_encoders_and_of_the_program_too(
    sources: Path, tmp_path: Path, here: dict[str, str], portable: dict[str, str]
) -> None:
    """Encoders that choose for themselves, and a program whose flags come from elsewhere, give the same."""
    assert differing(here, portable), "the portable level is another one"
    told = program(tmp_path / "ffmpeg", "-cpuflags", "sse4.2")
    more = {"VPX_SIMD_CAPS_MASK": "0x3f", "POISONKIT_TEST_ASM": "sse4.2", "POISONKIT_FFMPEG": told}
    there = matrix(sources, tmp_path / "out", **levels.environment(), **more)
    assert set(differing(portable, there)) <= NEW_OPUS


def emulated(cpu: str, sources: Path, tmp_path: Path) -> dict[str, str]:
    qemu = shutil.which("qemu-x86_64") or shutil.which("qemu-x86_64-static")
    if qemu is None:
        pytest.skip("no qemu-x86_64 here (package qemu-user)")
    told = program(tmp_path / "ffmpeg", before=f"{qemu} -cpu {cpu}")
    return matrix(sources, tmp_path / "out", qemu, "-cpu", cpu, POISONKIT_FFMPEG=told)


@pytest.mark.levels
@pytest.mark.timeout(3600)
def test_an_emulated_processor_with_avx2(sources: Path, tmp_path: Path, here: dict[str, str]) -> None:
    assert set(differing(here, emulated(HASWELL, sources, tmp_path))) <= NEW_OPUS


@pytest.mark.levels
@pytest.mark.timeout(3600)
def test_an_emulated_processor_without_avx(sources: Path, tmp_path: Path, portable: dict[str, str]) -> None:
    """What `--portable` gives, but for Opus, and for MP3 files, which libsndfile decodes as it likes."""
    assert set(differing(portable, emulated(NEHALEM, sources, tmp_path))) <= NEW_OPUS | {"decode a.mp3 sound"}
