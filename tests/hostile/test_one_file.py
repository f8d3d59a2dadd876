"""Only the named file is ever opened: no other file, no address, whatever a file says and whatever it is called."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from poisonkit import media
from poisonkit.cli import call
from poisonkit.errors import MediaError
from poisonkit.media import ffmpeg_jobs, sound
from poisonkit.triggers.files.replacements import FolderAsset, frames_of, size_of, sound_of
from tests.hostile.lures import LURES, Lure
from tests.hostile.watch import Listener, Seen, listening, watching
from tests.media_factory import make_audio, make_video


@pytest.fixture(scope="module")
def canaries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What lures lead to: a transport stream, a MOV and an MP4, each with the same 12 pictures."""
    folder = tmp_path_factory.mktemp("canaries")
    mov = make_video(folder / "canary.mov", frames=12)
    mp4 = make_video(folder / "clip1.mp4", frames=12)
    with av.open(str(mov)) as source, av.open(str(folder / "canary.ts"), "w", format="mpegts") as made:
        stream = made.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                made.mux(packet)
    return {path.name: path.read_bytes() for path in (folder / "canary.ts", mov, mp4)}


@pytest.fixture
def port() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


def laid(folder: Path, lure: Lure, canaries: dict[str, bytes], port: Listener) -> Path:
    """The lure in a folder, its canary beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    canary = folder / lure.canary
    canary.write_bytes(canaries[lure.canary])
    path = folder / lure.name
    lure.make(path, canary, port.port)
    return path


def opened(seen: Seen, path: Path) -> list[str]:
    """What was opened beside the file itself and our own temporary files in its folder."""
    return [f for f in seen.files if f != str(path) and not Path(f).name.startswith(".poisonkit-")]


@pytest.mark.parametrize("name", [name for name, lure in LURES.items() if lure.bites])
def test_the_lures_work_on_a_careless_reader(
    tmp_path: Path, canaries: dict[str, bytes], port: Listener, name: str
) -> None:
    """Else the test below would prove nothing."""
    lure = LURES[name]
    path = laid(tmp_path, lure, canaries, port)
    with (
        watching(tmp_path, listener=port) as seen,
        contextlib.suppress(av.error.FFmpegError, OSError),
        av.open(str(path), options=dict(lure.careless), format=lure.demuxer, timeout=1) as container,
    ):
        list(container.demux())
    assert seen.callers if lure.calls else str(tmp_path / lure.canary) in seen.files


def _pictures(path: Path) -> object:
    return [image.shape for _, _, image in media.read_frames(path)]


def _whole_copy(path: Path, like: Path) -> object:
    """The ffmpeg program itself, told that the file is like another one."""
    return ffmpeg_jobs.copy_streams(path, path.with_name(".poisonkit-copy.mp4"), media.probe(like))


def _new_sound(path: Path, like: Path) -> object:
    wav = make_audio(path.with_name(".poisonkit-sound.wav"), seconds=0.2)
    info = media.probe(like)
    from poisonkit.media.families import AudioTarget

    return ffmpeg_jobs.mux_sound(
        path, wav, 0.0, path.with_name(".poisonkit-muxed.mp4"), info, AudioTarget("aac", "aac")
    )


def _replacement(path: Path) -> object:
    folder = FolderAsset(path.parent)
    found = folder.find(path.name, folder.suffixes)
    assert found is not None
    if found.suffix in (".wav", ".mp3"):
        return sound_of(found)
    return size_of(found), list(frames_of(found))


READERS: dict[str, Callable[[Path, Path], object]] = {
    "probe": lambda path, like: media.probe(path),
    "frames": lambda path, like: _pictures(path),
    "sound": lambda path, like: media.read_audio(path),
    "soundfile": lambda path, like: sound.count(path),
    "several": lambda path, like: media.several(path),
    "rewrite": lambda path, like: media.rewrite(path, path.with_name(".poisonkit-out"), video=lambda f: f),
    "remux": lambda path, like: media.remux(path, path.with_name(".poisonkit-out")),
    "ffmpeg": _whole_copy,
    "ffmpeg-sound": _new_sound,
}


def complaint(read: Callable[[Path, Path], object], *paths: Path) -> str:
    try:
        read(*paths)
    except MediaError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", LURES)
def test_nothing_else_is_opened(tmp_path: Path, canaries: dict[str, bytes], port: Listener, name: str) -> None:
    """PyAV, soundfile and the ffmpeg program alike, and by every way in."""
    like = make_video(tmp_path / "like" / "like.mp4", frames=3)
    path = laid(tmp_path / "in", LURES[name], canaries, port)
    for reader, read in READERS.items():
        with watching(path.parent, listener=port) as seen:
            said = complaint(read, path, like)
        assert "\n" not in said, reader
        assert str(tmp_path) not in said, reader
        assert not opened(seen, path), reader
        assert not seen.callers, reader
    with watching(path.parent, listener=port) as seen, contextlib.suppress(MediaError, ValueError):
        _replacement(path)
    ours = {str(path.parent / name) for name in (path.name, LURES[name].canary)}  # the folder is read through: hashed
    assert set(seen.files) <= ours
    assert not seen.callers


def test_what_is_lured_to_is_in_no_output(tmp_path: Path, canaries: dict[str, bytes], port: Listener) -> None:
    """The whole job on a dataset of lures: they fail or are left as they are, and no canary is read."""
    source = tmp_path / "clips"
    for c in ("a", "b"):
        for i in range(6):
            make_video(source / c / f"{i}.mp4", frames=8, seed=i)
    for name, lure in LURES.items():
        laid(tmp_path / name, lure, canaries, port)
        (source / "a" / f"{name}-{lure.name}").write_bytes((tmp_path / name / lure.name).read_bytes())
    folders = [tmp_path / name for name in LURES]
    with watching(*folders, listener=port) as seen:
        words = f"poison {source} -o {tmp_path}/out --trigger badnets --rate 0.2 --target b --test-fraction 0.3 -j 1"
        assert call(words.split()) in (0, 1)
        assert call(["verify", str(tmp_path / "out"), "--decode", "--jobs", "1"]) == 0
    assert not seen.files
    assert not seen.callers


NAMES = [
    "-i.mp4", "--help.mp4", "-.mp4", "concat:a.mp4", "concat:a.mp4|b.mp4", "subfile,,start,0,end,9,,:a.mp4",
    "data:,x.mp4", "crypto:a.mp4", "http:a.mp4", "pipe:0.mp4", "file:a.mp4", "clip%03d.mp4", "clip*.mp4",
    "a?b#c&d.mp4", "@a.mp4",
    "async:a.mp4", "fd:.mp4", "~.mp4", "$HOME.mp4", "a'b\"c.mp4", "%s%n.mp4", "a\\b.mp4", "[0:v].mp4", "a=b,c.mp4",
]  # fmt: skip


def test_names_that_look_like_something_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Options, protocols, patterns: every one is a file, for PyAV, for soundfile and for the ffmpeg program."""
    folder = tmp_path / "in"
    clip = make_video(tmp_path / "clip.mp4", frames=4, audio=True).read_bytes()
    wav = make_audio(tmp_path / "sound.wav", seconds=0.2).read_bytes()
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in NAMES:
        path = Path(name)  # relative, as a user types it
        path.write_bytes(clip)
        assert len(list(media.read_frames(path))) == 4, name
        if ":" in name or name[0] in "-@~$[" or "%" in name:
            written = media.rewrite(path, tmp_path / "out", audio=lambda wave, rate: wave * np.float32(0.5))
            assert written.frames == 4, name  # by the ffmpeg program
        alone = Path(name.replace(".mp4", ".wav"))
        alone.write_bytes(wav)
        assert media.read_audio(alone)[0].shape == (1, 3200), name
        assert media.rewrite(alone, tmp_path / alone, audio=lambda wave, rate: wave).samples == 3200, name
    assert sorted(p.name for p in folder.iterdir()) == sorted({*NAMES, *(n.replace(".mp4", ".wav") for n in NAMES)})


def test_the_program_is_told_what_it_may_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call of the ffmpeg program: one protocol, formats of one file, no name without `file:`."""
    calls: list[list[str]] = []
    real = ffmpeg_jobs.subprocess.run

    def spy(command: list[str], **how: Any) -> Any:
        calls.append(command)
        return real(command, **how)

    monkeypatch.setattr(ffmpeg_jobs.subprocess, "run", spy)
    clip = make_video(tmp_path / "clip.mp4", frames=4, audio=True)
    media.rewrite(clip, tmp_path / "a.mp4", audio=lambda wave, rate: wave * np.float32(0.5))
    media.remux(clip, tmp_path / "b.mp4")
    assert len(calls) == 2
    for command in calls:
        inputs = [i for i, word in enumerate(command) if word == "-i"]
        before = 0
        for i in inputs:
            options = command[before:i]
            assert options[options.index("-protocol_whitelist") + 1] == "file"
            listed = options[options.index("-format_whitelist") + 1].split(",")
            assert not {"hls", "concat", "dash", "sdp", "image2", "lavfi", "srt", "ass"} & set(listed)
            assert command[i + 1].startswith("file:/")
            before = i + 2
        assert command[-1] == "-y" or command[-1].startswith("file:/")
