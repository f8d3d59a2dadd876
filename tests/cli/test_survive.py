"""`poisonkit survive`: the table trigger × encoder for clips of one's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import poisonkit
from poisonkit import media
from tests.cli.conftest import Cli
from tests.media.second import cv2_frames
from tests.media_factory import make_audio, make_video


def test_the_table_is_what_an_independent_computation_gives(cli: Cli, tmp_path: Path) -> None:
    clip = make_video(tmp_path / "a.mp4", frames=10, size=(96, 64), audio=True)
    said = cli("survive", clip, "-t", "blend", "-t", "ftrojan", "-e", "crf:30", "-e", "lossless", "--json", "-j", 1)
    assert said.status == 0
    cells = {(c["trigger"], c["setting"]): c for c in said.json["cells"]}
    assert len(cells) == 4
    source = np.stack([image for _, _, image in media.read_frames(clip)])
    for name in ("blend", "ftrojan"):
        triggered = poisonkit.triggers.create(name).apply(source, fps=25, id="a.mp4")
        written = {}
        for role, given in (("poisoned", triggered), ("control", source)):
            media.rewrite(
                clip,
                tmp_path / "o.mp4",
                video=lambda f, g=given: (x for _, x in zip(f, g, strict=True)),
                encode=media.Encode("crf", 30),
            )
            written[role] = np.stack(cv2_frames(tmp_path / "o.mp4")).astype(float)
        d = triggered.astype(float) - source
        gain = ((written["poisoned"] - written["control"]) * d).sum() / (d * d).sum()
        cell = cells[name, "crf:30"]
        assert cell["gain"] == pytest.approx(gain, abs=0.03)
        assert cell["verdict"] == ("survived" if name == "blend" else "lost")
        assert cell["codec"] == "h264"
        exact = cells[name, "lossless"]
        assert (exact["gain"], exact["verdict"], exact["figures"]["control_ssim"]) == (1.0, "survived", 1.0)
        assert exact["size"] > cell["size"]
    assert {p.name for p in tmp_path.iterdir()} == {"a.mp4", "o.mp4"}


def test_codecs_have_columns_and_what_cannot_be_is_told(cli: Cli, tmp_path: Path) -> None:
    clips = [make_video(tmp_path / name, frames=6) for name in ("a.mp4", "b.avi", "c.webm")]
    said = cli("survive", *clips, "-t", "badnets", "-e", "match", "-e", "lossless", "-j", 1)
    assert said.status == 0
    head = next(line for line in said.out.splitlines() if "trigger" in line)
    assert "h264 clips, match" in head
    assert "mpeg4 clips, lossless" in head
    assert "vp9 clips, match" in head
    assert "refused" in said.out
    assert "webm cannot hold lossless RGB video here" in said.out
    sound = make_audio(tmp_path / "s.wav")
    said = cli(
        "survive", sound, "-t", "sine", "-t", "ultrasonic", "-t", "blend", "-e", "match", "-e", "crf:20", "-j", 1
    )
    assert said.status == 0
    assert "'s.wav' has no picture." in said.out
    assert "sound at 16000 Hz cannot hold 21000 Hz" in said.out
    (line,) = (x for x in said.out.splitlines() if x.split()[:1] == ["sine"])
    assert line.split()[1:3] == line.split()[3:5], "crf says nothing of sound"
    assert line.split()[1] == "1.00"


def test_wrong_requests(cli: Cli, tmp_path: Path) -> None:
    clip = make_video(tmp_path / "a.mp4", frames=4)
    assert "`poisonkit poison` searches" in cli("survive", clip, "-t", "blend", "-e", "auto").complaint
    assert cli("survive", make_audio(tmp_path / "s.wav"), "-t", "blend", "-e", "match").status == 1
    assert "Did you mean 'blend'?" in cli("survive", clip, "-t", "blent").complaint
    (tmp_path / "broken.mp4").write_bytes(b"no clip")
    said = cli("survive", tmp_path / "broken.mp4", clip, "-t", "blend", "-e", "match", "-j", 1)
    assert said.status == 1
    assert "broken.mp4 is not a media file that can be read" in said.out
    assert "blend" in said.out.split("Without a figure")[0]
