"""Sound beyond full scale: a little of it is a codec's overshoot, a lot is damage and never a poisoned sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from poisonkit import media
from poisonkit.datasets import Sample
from poisonkit.engine.clips.job import Job, Places, Treatment
from poisonkit.engine.clips.worker import process
from poisonkit.errors import MediaError
from poisonkit.media.info import Encode
from poisonkit.media.loudness import LOUDEST
from poisonkit.outputs.record import Record
from poisonkit.plan.plan import Task
from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo, Params, Wave
from poisonkit.triggers.core.trigger import AudioTrigger
from poisonkit.verification.recheck import Decoding, recheck
from tests.media_factory import make_audio, make_video, wave
from tests.rechecking import case_of


class Nothing(AudioTrigger):
    """Gives back what it is given."""

    name = "nothing"
    family = "audio"
    modes = ("static",)
    summary = formula = paper = ""
    identity = None

    def wave(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        return wave.copy()


def job_of(path: Path, tmp_path: Path, trigger: Any = None) -> Job:
    trigger = trigger or create("sine", snr=10)
    return Job(
        task=Task("poisoned", Sample(path.name, path.name, "train", 0), f"data/{path.name}", 1, 1, 0),
        classes=("a", "b"),
        places=Places(str(path), str(tmp_path / "out")),
        treatment=Treatment((trigger,), frozenset({"audio"}), seed=1),
        encode=Encode(),
    )


def run(path: Path, tmp_path: Path, trigger: Any = None) -> Record:
    return process(job_of(path, tmp_path, trigger))


def with_gain(path: Path, gain: int) -> None:
    """A mono MPEG-1 layer III file whose frames from the fourth on have this global gain (210: as it is)."""
    data = bytearray(path.read_bytes())
    at = frames = 0
    while at + 12 < len(data):
        head = int.from_bytes(data[at : at + 4], "big")
        assert head >> 21 == 0x7FF
        rate = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320][head >> 12 & 15] * 1000
        frames += 1
        if frames > 3:
            side = int.from_bytes(data[at + 4 : at + 12], "big")
            shift = 64 - (9 + 5 + 4 + 12 + 9) - 8
            side = side & ~(0xFF << shift) | gain << shift
            data[at + 4 : at + 12] = side.to_bytes(8, "big")
        at += 144 * rate // 44100 + (head >> 9 & 1)
    path.write_bytes(data)


def test_a_damaged_mp3_that_is_far_beyond_full_scale_is_failed(tmp_path: Path) -> None:
    path = make_audio(tmp_path / "a.mp3", seconds=0.4, rate=44100)
    assert run(path, tmp_path)["status"] == "ok"
    with_gain(path, 250)
    assert np.abs(soundfile.read(path)[0]).max() > 100
    row = run(path, tmp_path)
    assert row["status"] == "failed"
    assert "times full scale, and 4 times is the limit" in row["error"]
    assert not (tmp_path / "out" / "data" / "a.mp3").exists()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, LOUDEST * 1.01, -LOUDEST * 1.01, 32767.0])
def test_floats_that_are_no_sound_are_failed(tmp_path: Path, value: float) -> None:
    sound = wave(0.2, 16000)
    sound[0, 100] = value
    soundfile.write(tmp_path / "a.wav", sound.T, 16000, subtype="FLOAT")
    row = run(tmp_path / "a.wav", tmp_path)
    assert row["status"] == "failed"
    assert ("not numbers" if np.isnan(value) else "times full scale") in row["error"]


def test_the_sound_of_a_clip_too(tmp_path: Path) -> None:
    """Through PyAV, not soundfile: float PCM in an avi."""
    path = make_video(tmp_path / "a.mkv", frames=6, audio=True, audio_codec="pcm_f32le", rate=16000)
    assert run(path, tmp_path)["status"] == "ok"
    data = path.read_bytes()
    loud = np.float32(100).tobytes()
    heard = media.read_audio(path)[0]
    some = heard[0, 500:510].tobytes()
    assert some in data
    path.write_bytes(data.replace(some, loud * 10))
    with pytest.raises(MediaError, match="reaches 100 times full scale"):
        media.read_audio(path)
    assert run(path, tmp_path)["status"] == "failed"


def test_an_overshoot_is_taken_and_clipping_alone_is_no_trigger(tmp_path: Path) -> None:
    """Sound between full scale and the limit is clipped where it is written; that must not pass for the trigger."""
    sound = wave(0.4, 16000)
    sound *= 3.0 / np.abs(sound).max()
    soundfile.write(tmp_path / "a.wav", sound.T, 16000, subtype="FLOAT")
    row = run(tmp_path / "a.wav", tmp_path)
    assert row["status"] == "ok"
    assert row["fidelity"]["sound_presence"] == pytest.approx(1, abs=1e-3)
    assert (
        recheck(
            case_of(row, job_of(tmp_path / "a.wav", tmp_path)),
            Decoding(out=str(tmp_path / "out"), source=str(tmp_path), seed=1),
        )
        is None
    )
    assert run(tmp_path / "a.wav", tmp_path, Nothing())["status"] == "inert"
