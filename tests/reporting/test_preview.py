"""Previews: the picture shows what the trigger does, where it does it."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from poisonkit import RequestError, media, triggers
from poisonkit.cli import call
from poisonkit.reporting import pictures
from poisonkit.reporting.figure import changed, spectrogram
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


def test_grids_are_rows_of_triggers(clip: Path, tmp_path: Path) -> None:
    """Two rows × two frames as PNG, PDF and SVG, whose labels are text, and the same bytes each time."""
    words = ["preview", str(clip), "--grid", "--width", "3", "--shown", "2", "-t", "badnets:size=0.3"]
    words += ["-t", "blend + sine", "-o"]
    for name in ("a.svg", "b.svg", "a.pdf", "a.png"):
        assert call([*words, str(tmp_path / name)]) == 0
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    said = [(each.text or "").strip() for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"clean", "badnets", "size=0.3", "frame 2, 0.08 s", "time, s", "kHz"} <= set(said)
    assert " ".join(said).count("waveform") == 2
    pictures_in_it = len(list(root.iter("{http://www.w3.org/2000/svg}image")))
    assert pictures_in_it == 2 + 2 * 2 * 2 + 2, "clean; poisoned and difference of each; two spectrograms"
    assert b"/FontFile2" in (tmp_path / "a.pdf").read_bytes(), "text is text, in a TrueType font"
    assert rgb(tmp_path / "a.png").shape[1] == 900


def test_grids_of_clips(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = make_video(tmp_path / "$x^2$ <i>&.mp4", frames=5, size=(64, 96))
    out = tmp_path / "c.svg"
    words = ["preview", str(clip), str(other), "-t", "badnets", "-o", str(out)]
    assert call([*words, "--grid", "--width", "3.4"]) == 0
    assert "1 trigger × 2 clips" in " ".join(capsys.readouterr().out.split())
    assert "$x^2$" in "".join(ElementTree.parse(out).getroot().itertext()), "a name is no formula and no markup"
    for wrong, why in (
        (words, "add --grid"),
        ([*words, "--grid", "--width", "0"], "--width 0 is not possible"),
        ([*words[:-1], str(tmp_path / "c.mp4"), "--grid"], "A grid is a .png, .pdf or .svg"),
        (["preview", str(clip), "-t", "badnets", "--width", "3"], "add --grid"),
        (["preview", str(clip), "--grid", "-t", "badnets + nobody", "-o", str(out)], "nobody"),
    ):
        assert call(wrong) == 2
        assert why in capsys.readouterr().err


def test_sound_alone_and_figures_without_matplotlib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_audio(tmp_path / "a.wav", seconds=0.5, rate=16000)
    sine = triggers.create("sine", frequency=6000, amplitude=0.5)
    assert preview(tmp_path / "a.wav", [sine], tmp_path / "s.pdf") == ("1 trigger × 1 clip", "sound")
    levels = spectrogram(sine.apply(np.zeros((1, 8000), np.float32), sample_rate=16000)[0], 16000)
    line = levels[:, 5:-5].mean(axis=1)
    assert np.argmax(line) / (len(line) - 1) == pytest.approx(6000 / 8000, abs=0.01)
    assert line.max() == pytest.approx(20 * np.log10(0.5), abs=1), "dB of full scale"
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(RequestError, match="pip install matplotlib"):
        preview(tmp_path / "a.wav", [sine], tmp_path / "s.pdf")


def test_what_is_not_default_is_told() -> None:
    assert changed(triggers.create("badnets", size=0.3, temporal="dynamic")) == "dynamic, size=0.3"
    assert changed(triggers.create("badnets")) == ""
