"""Previews: the picture shows what the trigger does, where it does it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from poisonkit import RequestError, media, triggers
from poisonkit.cli import call
from poisonkit.reporting import pictures
from poisonkit.reporting.preview import preview
from tests.media_factory import make_audio, make_video


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_video(tmp_path_factory.mktemp("clip") / "a.mp4", frames=12, size=(96, 64), audio=True)


def rgb(path: Path) -> np.ndarray:
    return cv2.imread(str(path))[..., ::-1]


def test_sheet_shows_clean_poisoned_and_difference(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    patch = triggers.create("badnets", color="white", size=0.3, position="center")
    assert preview(clip, [patch], out, frames=3) == ("3 frames",)
    sheet = rgb(out)
    height = round(64 * 256 / 96)
    assert sheet.shape == (3 * height + 4 * pictures.STRIP, 3 * 256, 3)
    clean = sheet[2 * pictures.STRIP :][:height, :256]
    poisoned = sheet[3 * pictures.STRIP + height :][:height, :256]
    shown = sheet[4 * pictures.STRIP + 2 * height :][:height, :256]
    middle = (height // 2, 128)
    assert (poisoned[middle] == 255).all()
    assert not (clean[middle] == 255).all()
    assert (np.abs(shown[5:20, 5:60].astype(int) - 128) <= 1).all()
    assert (shown[middle] > 140).all()


def test_sound_has_its_spectrogram(clip: Path, tmp_path: Path) -> None:
    make_audio(tmp_path / "a.wav", seconds=1.0, rate=16000)
    out = tmp_path / "s.png"
    assert preview(tmp_path / "a.wav", [triggers.create("sine", amplitude=0.3, frequency=6000)], out) == ("sound",)
    sheet = rgb(out).astype(int)
    each = pictures.STRIP + 60 + 160
    assert sheet.shape == (2 * each, 768, 3)
    before, after = (sheet[k * each + pictures.STRIP + 60 : (k + 1) * each].sum(axis=2).mean(axis=1) for k in (0, 1))
    line = int(np.argmax(after - before))
    assert 5 < line < 40, "the tone is a bright line in the upper part: 6 kHz of 8"
    assert preview(clip, [triggers.create("blend"), triggers.create("sine")], out) == ("4 frames", "sound")


def test_side_by_side_video(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.mp4"
    preview(clip, [triggers.create("badnets", color="white", size=0.3, position="center")], out)
    frames = [image for _, _, image in media.read_frames(out)]
    assert len(frames) == 12
    assert frames[0].shape[1] == 192
    assert frames[5][pictures.STRIP + 32, 144].min() > 235
    assert frames[5][pictures.STRIP + 32, 48].min() < 235
    assert media.probe(out).audio is not None


def test_command_and_its_errors(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["preview", str(clip), "--trigger", "blend", "-o", str(tmp_path / "s.png")]) == 0
    assert (tmp_path / "s.png").stat().st_size > 1000
    assert call(["preview", str(clip), "--trigger", "blend", "-o", str(tmp_path / "s.gif")]) == 2
    make_video(tmp_path / "mute.mp4", frames=3)
    assert call(["preview", str(tmp_path / "mute.mp4"), "--trigger", "sine", "-o", str(tmp_path / "s.png")]) == 2
    assert "no sound" in capsys.readouterr().err
    with pytest.raises(RequestError):
        preview(clip, [triggers.create("sine", frequency=20000)], tmp_path / "n.png")
