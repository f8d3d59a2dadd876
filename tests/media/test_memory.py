"""A worker's memory does not depend on how long a clip is, and holds full HD."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from tests.media_factory import picture

LIMIT = 350  # megabytes, libraries included

SCRIPT = """
import re, resource, sys
from pathlib import Path
import poisonkit
from poisonkit import Recipe
source, out, trigger = sys.argv[1:]
recipe = Recipe(source=source, out=out, triggers=trigger.split(","), count=1, label_mode="clean", survival="none")
done = poisonkit.poison(recipe, jobs=1)
assert done.exit_code == 0, done.failed
status = Path("/proc/self/status")
if status.exists():  # getrusage would count what the parent held when it started this process
    print(int(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1]))
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def full_hd(path: Path, frames: int, codec: str = "libx264", chroma: str = "420") -> None:
    """1920x1080: stripes and noise that move."""
    path.parent.mkdir(parents=True)
    rng = np.random.default_rng(0)
    stripes = np.add.outer(np.arange(1080), np.arange(1920)).astype(np.uint8) // 2
    stripes += rng.integers(0, 12, stripes.shape, dtype=np.uint8)
    gray = np.full((540 if chroma == "420" else 2160, 1920), 128, np.uint8)
    quick = {"deadline": "realtime", "cpu-used": "8"} if "vpx" in codec else {"preset": "ultrafast"}
    quick |= {"x265-params": "log-level=error"} if codec == "libx265" else {}
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(codec, rate=30, options={**quick, "crf": "20"})
        stream.width, stream.height, stream.pix_fmt = 1920, 1080, f"yuv{chroma}p"
        for t in range(frames):
            planes = np.concatenate([np.roll(stripes, 3 * t, 1), gray])
            if chroma == "444":
                planes = planes.reshape(3, 1080, 1920)
            frame = av.VideoFrame.from_ndarray(planes, format=f"yuv{chroma}p")
            frame.pts, frame.time_base = t, Fraction(1, 30)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "codec", "chroma", "trigger"),
    [
        *(("a.mp4", "libx264", "420", trigger) for trigger in ("badnets", "blend", "frame-lag", "wanet", "snow")),
        *(("a.mp4", "libx264", "444", trigger) for trigger in ("badnets", "wanet")),
        ("a.mp4", "libx265", "420", "blend"),
        ("a.webm", "libvpx-vp9", "420", "blend"),
    ],
)
def test_full_hd(tmp_path: Path, name: str, codec: str, chroma: str, trigger: str) -> None:
    full_hd(tmp_path / "source" / "a" / name, 90, codec, chroma)
    full_hd(tmp_path / "source" / "b" / name, 2, codec, chroma)
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "source"), str(tmp_path / "out"), trigger]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    peak = int(done.stdout) / (1024 if sys.platform == "linux" else 1024**2)
    assert peak < LIMIT


MINUTES, RATE = 10, 48_000
LONG = [("long.wav", "sine"), ("long.mp4", "sine"), ("long.avi", "sine"), ("long.mkv", "badnets,sine")]


def long_sound(path: Path, minutes: float) -> None:
    """Stereo at 48 kHz: a tone under noise; beside it, in what is no sound file, a small picture of one frame a second.

    As float32 ten minutes of it are 230 MB.
    """
    path.parent.mkdir(parents=True)
    rng = np.random.default_rng(0)
    second = np.stack([0.3 * np.sin(2 * np.pi * f * np.arange(RATE) / RATE) for f in (440, 550)])
    second = (second + 0.02 * rng.standard_normal(second.shape)).astype(np.float32)
    seconds = round(60 * minutes)
    if path.suffix == ".wav":
        with soundfile.SoundFile(path, "w", RATE, 2, "PCM_16") as file:
            for _ in range(seconds):
                file.write(second.T)
        return
    codecs = {".mp4": ("libx264", "aac"), ".avi": ("mpeg4", "pcm_s16le"), ".mkv": ("libx264", "flac")}[path.suffix]
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(codecs[0], rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        sound: Any = out.add_stream(codecs[1], rate=RATE, layout="stereo")
        resampler = av.AudioResampler(format=sound.codec_context.format, layout="stereo", rate=RATE)
        for t in range(seconds):
            frame = av.VideoFrame.from_ndarray(picture(t), format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = t, Fraction(1)
            out.mux(stream.encode(frame))
            block = av.AudioFrame.from_ndarray(second, format="fltp", layout="stereo")
            block.sample_rate, block.pts, block.time_base = RATE, t * RATE, Fraction(1, RATE)
            for part in resampler.resample(block):
                out.mux(sound.encode(part))
        for part in (stream, sound):
            out.mux(part.encode(None))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "trigger"), LONG, ids=[f"{name}-{trigger}" for name, trigger in LONG])
def test_long_sound(tmp_path: Path, name: str, trigger: str) -> None:
    long_sound(tmp_path / "source" / "a" / name, MINUTES)
    long_sound(tmp_path / "source" / "b" / name, 0.1)
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "source"), str(tmp_path / "out"), trigger]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    peak = int(done.stdout) / (1024 if sys.platform == "linux" else 1024**2)
    print(name, trigger, peak)
    assert peak < LIMIT
