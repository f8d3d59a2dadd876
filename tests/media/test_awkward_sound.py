"""Sound of every rate, layout, depth and codec through the main job, heard by PyAV and the ffmpeg program."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

import poisonkit
from poisonkit import Recipe, media
from poisonkit.outputs import record
from tests.media.second import ffmpeg_wave, lag, packets, times
from tests.media_factory import make_audio, make_video, wave

Wave = NDArray[np.float32]
AMPLITUDE, FREQUENCY = 0.25, 800


@dataclass(frozen=True)
class Case:
    """A clip with sound. how: for `make_audio`, or for `make_video` where the file has a picture."""

    name: str
    rate: int = 16000
    channels: int = 1
    how: dict[str, Any] = field(default_factory=dict)

    @property
    def lossless(self) -> bool:
        return self.name.endswith((".wav", ".flac")) or "pcm" in self.name or "alac" in self.name

    def make(self, path: Path) -> None:
        if "frames" in self.how:
            make_video(path, audio=True, rate=self.rate, channels=self.channels, **self.how)
        else:
            make_audio(path, **{"seconds": 0.6, "rate": self.rate, "channels": self.channels, **self.how})


CASES = [
    *[Case(f"{rate}.wav", rate) for rate in (8000, 11025, 22050, 44100, 48000, 96000, 192000)],
    *[
        Case(f"{subtype}.wav", 16000, 2, {"subtype": subtype})
        for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT")
    ],
    Case("surround.wav", 48000, 6),
    Case("stereo.flac", 44100, 2, {"subtype": "PCM_24"}),
    Case("vorbis.ogg", 44100, 2, {"subtype": "VORBIS"}),
    Case("opus.ogg", 48000, 1, {"subtype": "OPUS"}),
    Case("stereo.mp3", 44100, 2),
    Case("low.mp3", 16000),
    Case("aac.m4a", 44100, 2),
    Case("surround.m4a", 48000, 6, {"codec": "aac", "bit_rate": 384_000}),
    Case("alac.m4a", 44100, 2, {"codec": "alac"}),
    Case("short.wav", how={"samples": 7}),
    Case("short.mp3", 44100, 1, {"samples": 700}),
    Case("short.m4a", 44100, 1, {"samples": 700}),
    Case("aac.mp4", 44100, 2, {"frames": 15}),
    Case("aac.mov", 22050, 1, {"frames": 15}),
    Case("surround.mp4", 48000, 6, {"frames": 15}),
    Case("mp2.mpg", 44100, 2, {"frames": 15}),
    Case("mp3.avi", 44100, 2, {"frames": 15}),
    Case("pcm.avi", 44100, 2, {"frames": 15, "audio_codec": "pcm_s16le"}),
    Case("opus.webm", 48000, 2, {"frames": 15}),
    Case("flac.mkv", 48000, 2, {"frames": 15, "audio_codec": "flac"}),
    Case("turned.mp4", 44100, 1, {"frames": 15, "rotation": 90}),
    Case("short.mp4", 44100, 1, {"frames": 15, "audio_seconds": 0.015}),
]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, record.Record]]:
    folder = tmp_path_factory.mktemp("sounds")
    root, out = folder / "source", folder / "out"
    for case in CASES:
        case.make(root / "b" / case.name)
    loud = np.clip(wave(0.5, 16000, seed=3) * 3, -1, 1)
    soundfile.write(root / "b" / "loud.wav", loud.T, 16000)
    make_audio(root / "a" / "other.wav")
    recipe = Recipe(
        source=root,
        out=out,
        triggers=[f"sine:amplitude={AMPLITUDE},frequency={FREQUENCY}"],
        target="b",
        label_mode="clean",
        ids=tuple(f"b/{p.name}" for p in sorted((root / "b").iterdir())),
        survival="none",
    )
    done = poisonkit.poison(recipe, jobs=1)
    assert done.exit_code == 0, done.failed
    rows = {Path(r["source_path"]).name: r for r in record.read(out / "poisonkit" / "manifest.jsonl")}
    return root, out, rows


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_sound(outputs: tuple[Path, Path, dict[str, record.Record]], case: Case) -> None:
    """Rate, channels and length are kept, the tone is there, at its time, and the picture is untouched."""
    root, out, rows = outputs
    row = rows[case.name]
    source, written = root / row["source_path"], out / row["path"]
    before, rate = media.read_audio(source)
    heard, same = media.read_audio(written)
    assert (rate, same, row["sample_rate"]) == (case.rate,) * 3
    assert before.shape[0] == heard.shape[0] == case.channels
    t = np.arange(before.shape[1]) / rate
    wanted = np.clip(before + np.float32(AMPLITUDE) * np.sin(2 * np.pi * FREQUENCY * t), -1, 1)
    n = min(before.shape[1], heard.shape[1])
    assert abs(before.shape[1] - heard.shape[1]) <= (0 if case.lossless else 1152)
    second = ffmpeg_wave(written, case.channels)
    assert abs(second.shape[1] - heard.shape[1]) <= (0 if case.lossless else 1152)
    if case.lossless:
        step = 2.0**-7 if "U8" in case.name else 2.0**-15
        assert np.abs(heard[:, :n] - wanted[:, :n]).max() <= step
    elif n > 2000:
        for one in (heard, second):
            assert abs(lag(one[0][:n], wanted[0][:n])) <= rate / 1000
    if n > 2000:
        full = [c for c in range(case.channels) if c != 3]  # AAC's fourth, of low frequencies, holds no 800 Hz
        d = (wanted[:, :n] - before[:, :n])[full]
        assert 0.85 < np.vdot((heard[:, :n] - before[:, :n])[full], d) / np.vdot(d, d) < 1.15
    if row["codec"]["video"]:
        assert packets(written, "video") == packets(source, "video")
        assert times(written) == times(source)


def test_clipped_samples_are_counted(outputs: tuple[Path, Path, dict[str, record.Record]]) -> None:
    root, out, rows = outputs
    before, rate = soundfile.read(root / "b" / "loud.wav", dtype="float32")
    tone = AMPLITUDE * np.sin(2 * np.pi * FREQUENCY * np.arange(len(before)) / rate)
    over = (np.abs(before + tone) >= 1) & (np.abs(before) < 1)
    assert over.sum() > 50
    assert abs(rows["loud.wav"]["fidelity"]["clipped"] - over.sum()) <= 2
    assert rows["PCM_16.wav"]["fidelity"]["clipped"] == 0
    heard = soundfile.read(out / rows["loud.wav"]["path"], dtype="float32")[0]
    assert np.abs(heard - np.clip(before + tone, -1, 1)).max() <= 2.0**-15, "clipped, never wrapped"
