"""Long sounds in files: the same arrays, and the same bytes, as those in memory."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from poisonkit import media, triggers
from poisonkit.media import spool
from poisonkit.triggers import ClipInfo
from tests.media_factory import make_audio, make_video, wave

Wave = NDArray[np.float32]


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is long, and given back all the time."""
    monkeypatch.setattr(spool, "SMALL", 1000)
    monkeypatch.setattr(spool, "RESIDENT", 4096)
    monkeypatch.setattr(spool, "BLOCK", 700)


@pytest.mark.usefixtures("tiny")
def test_the_same_array(tmp_path: Path) -> None:
    sound = wave(0.5, 16_000, 2)
    growing = spool.Growing(tmp_path)
    for at in range(0, 8000, 333):
        growing.add(sound[:, at : at + 333])
    held = growing.wave()
    assert isinstance(held, spool.Spooled)
    assert held.dtype == np.float32
    assert held.flags.c_contiguous
    assert np.array_equal(held, sound)
    copied = held.copy()
    assert isinstance(copied, spool.Spooled)
    copied[:, 100:300] += 1
    copied[0, 5] = 7
    assert np.array_equal(held, sound), "the copy is another one"
    assert (copied[1, 100:300] == sound[1, 100:300] + 1).all()
    assert copied[0, 5] == 7
    assert type(held * 2) is np.ndarray, "what is computed lies in memory"
    assert list(tmp_path.iterdir()) == [], "the files have no names"


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(("late", "samples"), [(0, 4000), (0, 3000), (-10, 3990), (-10, 4100), (10, 4100), (10, 900)])
def test_placed(tmp_path: Path, late: int, samples: int) -> None:
    sound = wave(0.25, 16_000, 2)
    made = spool.placed(sound, late, samples, tmp_path)
    assert made.shape == (2, samples)
    for t in (0, 9, 10, 11, samples // 2, samples - 1):
        assert (made[:, t] == (sound[:, t - late] if 0 <= t - late < 4000 else 0)).all()


@pytest.mark.usefixtures("tiny")
def test_clipped_and_finite(tmp_path: Path) -> None:
    held = spool.new((2, 4000), tmp_path)
    held[0, 10:20], held[1, 3990:] = 3, -2
    within = spool.clipped(held)
    assert within is held
    assert (held[0, 10:20] == 1).all()
    assert (held[1, 3990:] == -1).all()
    assert spool.finite(held)
    held[1, 3999] = np.nan
    assert not spool.finite(held)


NAMES = ["a.wav", "a.flac", "a.mp3", "a.ogg", "a.m4a", "a.mp4", "a.avi", "a.mpg", "a.mkv"]


@pytest.mark.parametrize("name", NAMES)
def test_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Sine through `rewrite`, with the sound in memory and in files: nothing tells which it was."""
    if Path(name).suffix in (".mp4", ".avi", ".mpg", ".mkv"):
        source = make_video(tmp_path / name, frames=15, audio=True, rate=44_100)
    else:
        source = make_audio(tmp_path / name, 0.6, 44_100, 2)
    sine = triggers.create("sine")
    lain: list[bool] = []

    def toned(sound: Wave, rate: int) -> Wave:
        lain.append(isinstance(sound, spool.Spooled))
        channels, samples = sound.shape
        out = sine.render(sound, ClipInfo(sample_rate=rate, channels=channels, samples=samples), {})
        assert isinstance(out, spool.Spooled) == lain[-1]
        return out

    short = media.rewrite(source, tmp_path / f"short-{name}", audio=toned)
    monkeypatch.setattr(spool, "SMALL", 5000)
    monkeypatch.setattr(spool, "RESIDENT", 4096)
    long = media.rewrite(source, tmp_path / f"long-{name}", audio=toned)
    assert lain == [False, True]
    assert long.sha256 == short.sha256
    assert {p.name for p in tmp_path.iterdir()} == {name, f"short-{name}", f"long-{name}"}


@pytest.mark.usefixtures("tiny")
def test_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is an error before anything is written to it, not the end of the process."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(OSError, match="No space"):
        spool.new((2, 4000), tmp_path)
