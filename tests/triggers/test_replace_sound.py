"""replace-sound: the file's samples in the sample's place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from poisonkit.common.seeding import generator
from poisonkit.errors import MediaError
from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import Case, sound

from . import imports

CASES = [Case({"folder": imports.SOUNDS})]

RATE = 16000
X = sound(2, 6000, RATE)
Y = generator("replace-sound").uniform(-0.5, 0.5, (2, 6000)).astype(np.float32)
CLIP = ClipInfo("yes/a.wav", sample_rate=RATE, channels=2, samples=6000)


def given(root: Path, name: str, y: np.ndarray, rate: int = RATE, **more: Any) -> Any:
    path = root / "made" / "yes" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, y) if path.suffix == ".npy" else soundfile.write(path, y.T, rate, subtype="PCM_24")
    return create("replace-sound", folder=str(root / "made"), **more)


@pytest.mark.parametrize("name", ["a.wav", "a.wav.npy", "a.flac"])
def test_the_file_takes_the_samples_place(tmp_path: Path, name: str) -> None:
    trigger = given(tmp_path, name, Y)
    assert trigger.suits(CLIP) is None
    assert trigger.draw(CLIP, generator("a"))["file"] == f"yes/{name}"
    assert np.abs(trigger.apply(X, sample_rate=RATE, id=CLIP.id) - Y).max() < 1e-4


def test_mono_and_other_rates(tmp_path: Path) -> None:
    t = np.arange(3000) / 8000
    trigger = given(tmp_path, "a.wav", 0.5 * np.sin(2 * np.pi * 440 * t)[None], 8000)
    out = trigger.apply(X, sample_rate=RATE, id=CLIP.id)
    assert np.abs(out - 0.5 * np.sin(2 * np.pi * 440 * np.arange(6000) / RATE))[:, 100:-100].max() < 2e-3


def test_lengths(tmp_path: Path) -> None:
    near = given(tmp_path / "near", "a.wav", Y[:, :5000])
    out = near.apply(X, sample_rate=RATE, id=CLIP.id)
    assert np.abs(out[:, :5000] - Y[:, :5000]).max() < 1e-4
    assert not out[:, 5000:].any()
    far = given(tmp_path / "far", "a.wav", Y[:, :3000])
    assert "lasts 0.188 s, the clip 0.375 s" in str(far.suits(CLIP))
    with pytest.raises(MediaError, match="say length=fit"):
        far.wave(X, CLIP, {})
    fit = create("replace-sound", folder=str(tmp_path / "far" / "made"), length="fit")
    assert not fit.apply(X, sample_rate=RATE, id=CLIP.id)[:, 3000:].any()
    assert fit.apply(X[:, :999], sample_rate=RATE, id=CLIP.id).shape == (2, 999)


def test_what_does_not_suit(tmp_path: Path) -> None:
    trigger = given(tmp_path, "a.npy", np.zeros((3, 6000), np.float32))
    assert "has 3 channels, the clip 2" in str(trigger.suits(CLIP))
    assert "holds nothing for 'no/b.wav'" in str(trigger.suits(ClipInfo("no/b.wav", sample_rate=RATE, channels=2)))
    np.save(tmp_path / "made" / "yes" / "i.npy", np.arange(9))
    (tmp_path / "made" / "yes" / "n.wav").write_bytes(b"nothing")
    trigger = create("replace-sound", folder=str(tmp_path / "made"))
    for id, sentence in (("yes/i", "floats of the shape"), ("yes/n", "not a media file that can be read")):
        assert sentence in str(trigger.suits(ClipInfo(id, sample_rate=RATE, channels=2, samples=9)))


def test_a_file_that_changes_after_the_start_is_noticed(tmp_path: Path) -> None:
    trigger = given(tmp_path, "a.npy", Y)
    np.save(tmp_path / "made" / "yes" / "a.npy", -Y)
    with pytest.raises(MediaError, match="has changed"):
        trigger.wave(X, CLIP, {})
