"""Survival, trigger by encoder, against numpy on what another decoder gives (OpenCV; for sound the ffmpeg program).

All of it: `make test-slow`; a few by default.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import poisonkit
from poisonkit import media, triggers
from poisonkit.engine.clips.survival import Measurement, measure
from poisonkit.engine.clips.worker import process
from poisonkit.engine.encoding.trials import job_on
from poisonkit.metrics.fidelity import verdict
from poisonkit.outputs.sample_files import Halves
from poisonkit.recipe.encodings import parse_encode
from poisonkit.triggers.core.names import built_in
from tests.media.second import cv2_frames, ffmpeg_raw, ffmpeg_wave
from tests.media_factory import make_audio, make_video

PICTURES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "x264 crf 18": ("a.mp4", "crf:18", {}),
    "x264 crf 23": ("a.mp4", "crf:23", {}),
    "x264 crf 28": ("a.mp4", "crf:28", {}),
    "MPEG-4": ("a.avi", "match", {}),
    "FFV1": ("a.mkv", "match", {"codec": "ffv1"}),
    "MJPEG": ("m.avi", "match", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}),
}
SOUNDS: dict[str, tuple[str, dict[str, Any]]] = {
    "AAC": ("a.m4a", {}),
    "MP3": ("a.mp3", {}),
    "Opus": ("a.mkv", {"codec": "libopus", "rate": 48000}),
    "FLAC": ("a.flac", {}),
}
IN_PICTURES = ("badnets", "blend", "blend:pattern=noise", "sig", "wanet", "ftrojan")
IN_SOUND = ("sine", "ultrasonic", "band-noise", "echo")
SHORT = {("badnets", "x264 crf 28"), ("blend:pattern=noise", "x264 crf 23"), ("ftrojan", "MPEG-4"), ("wanet", "MJPEG")}
SHORT |= {("sine", "MP3"), ("band-noise", "Opus"), ("echo", "AAC"), ("ultrasonic", "FLAC")}


def marked(triggers: tuple[str, ...], encoders: dict[str, Any]) -> list[Any]:
    return [
        pytest.param(t, e, id=f"{t} {e}", marks=[] if (t, e) in SHORT else [pytest.mark.slow])
        for t in triggers
        for e in encoders
    ]


def measured(clip: Path, trigger: str, encode: str) -> tuple[dict[str, Any], Path, Path]:
    """The record's figures, the poisoned file, and the re-encoded source."""
    job = job_on(clip, clip.name, [poisonkit.triggers.create(trigger)], parse_encode(encode))
    job = replace(job, places=replace(job.places, out=str(clip.parent)))
    poisoned = replace(job, task=replace(job.task, path=f"poisoned-{clip.name}"))
    control = replace(job, task=replace(job.task, role="control", path=f"control-{clip.name}"))
    control = replace(control, treatment=job.treatment.without_triggers())
    row = process(poisoned)
    assert row["status"] == process(control)["status"] == "ok"
    files = poisoned.file(), control.file()
    _, found = measure(Measurement(poisoned, row, Halves(files[1], files[1]), str(clip.parent)))
    assert isinstance(found, dict), found
    return found, *files


def by_program(path: Path, like: np.ndarray) -> np.ndarray:
    """What the ffmpeg program decodes, chroma of full-range pictures enlarged as poisonkit enlarges it (bilinear).

    OpenCV takes bicubic there, which moves the gain of noise in colour by 0.022.
    """
    scaler = "bilinear+accurate_rnd+full_chroma_int+bitexact"
    raw = ffmpeg_raw(path, "-sws_flags", scaler, "-f", "rawvideo", "-pix_fmt", "rgb24")
    return np.frombuffer(raw, np.uint8).reshape(like.shape)


def agree(found: dict[str, Any], s: np.ndarray, t: np.ndarray, y: np.ndarray, c: np.ndarray) -> None:
    d, e = t.astype(np.float64) - s, y.astype(np.float64) - c
    gain = (e * d).sum() / (d * d).sum()
    cosine = (e * d).sum() / np.sqrt((e * e).sum() * (d * d).sum())
    assert found["gain"] == pytest.approx(gain, abs=0.02)
    assert found["cosine"] == pytest.approx(cosine, abs=0.02)
    if abs(gain - 0.5) > 0.02 and abs(cosine - 0.3) > 0.02:
        assert found["verdict"] == verdict(gain, cosine)


@pytest.mark.parametrize(("trigger", "encoder"), marked(IN_PICTURES, PICTURES))
def test_pictures(tmp_path: Path, request: pytest.FixtureRequest, trigger: str, encoder: str) -> None:
    name, encode, how = PICTURES[encoder]
    short = (trigger, encoder) in SHORT
    clip = make_video(tmp_path / name, frames=8 if short else 24, size=(128, 96) if short else (320, 240), **how)
    found, poisoned, control = measured(clip, trigger, encode)
    # d is what was put in, so of the frames that the trigger was given; what came out is as OpenCV sees it.
    s = np.stack([image for _, _, image in media.read_frames(clip)])
    t = poisonkit.triggers.create(trigger).apply(s, fps=25, id=clip.name)
    decoded = by_program if encoder == "MJPEG" else lambda path, like: np.stack(cv2_frames(path))
    agree(found, s, t, decoded(poisoned, s), decoded(control, s))
    if trigger == "ftrojan":
        assert found["verdict"] == "lost"


@pytest.mark.parametrize(("trigger", "codec"), marked(IN_SOUND, SOUNDS))
def test_sounds(tmp_path: Path, trigger: str, codec: str) -> None:
    name, how = SOUNDS[codec]
    rate = how.get("rate", 44100)
    clip = make_audio(tmp_path / name, seconds=2.0, **{"rate": rate, **how})
    found, poisoned, control = measured(clip, trigger, "match")
    waves = [ffmpeg_wave(p, 1) for p in (clip, poisoned, control)]
    n = min(w.shape[1] for w in waves)
    s, y, c = (w[:, :n] for w in waves)
    t = poisonkit.triggers.create(trigger).apply(waves[0], sample_rate=rate, id=clip.name)[:, :n]
    agree(found, s, t, y, c)


def test_a_tone_at_21_khz_is_lost_in_mp3(tmp_path: Path) -> None:
    clip = make_audio(tmp_path / "a.mp3", seconds=1.0, rate=44100)
    found, _, _ = measured(clip, "ultrasonic", "match")
    assert (found["verdict"], found["gain"]) == ("lost", pytest.approx(0, abs=0.02))


def test_the_page_has_a_row_for_every_trigger_that_needs_no_file_and_agrees_with_what_triggers_say() -> None:
    """docs/survival.md: `make pages` measures what is missing."""
    text = (Path(__file__).parents[2] / "docs" / "survival.md").read_text(encoding="utf-8")
    found = {m[1]: m[0] for m in re.finditer(r"^\| \[([a-z0-9-]+)\]\(triggers/\1\.md\) .*$", text, re.MULTILINE)}
    wanted = [n for n in built_in() if not any(f.is_required() for f in triggers.get(n).model_fields.values())]
    assert set(found) == set(wanted), "run `make pages`"
    for name, line in found.items():
        cells = [cell.strip() for cell in line.strip("| ").split("|")][1:]
        robust = triggers.get(name).codec == "robust"
        assert "lost" not in "".join(cells) or not robust, f"{name} calls itself robust"
        exact = {"video": 4, "audio": 3}[triggers.get(name).modality]
        assert cells[exact] == "1.00", name
