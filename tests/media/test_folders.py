"""Frame folders in the media room: probed, read, rewritten, checked; read back by FFmpeg, the second decoder."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from poisonkit import media
from poisonkit.errors import CheckError, MediaError, RequestError
from poisonkit.media import Encode, folders
from tests.datasets.writers import frame_folder
from tests.media_factory import picture


def second(folder: Path) -> list[np.ndarray]:
    """Every picture by FFmpeg's decoders, uint8 RGB; JPEG chroma is brought to full size as libjpeg does not, so
    pictures of subsampled JPEGs differ a little from OpenCV's."""
    found = []
    for file in sorted(folder.iterdir()):
        with av.open(str(file)) as container:
            found.append(next(container.decode(video=0)).to_ndarray(format="rgb24"))
    return found


def brighter(images: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    for image in images:
        yield cv2.add(image, np.full_like(image, 20))


def tables(file: Path) -> list[int]:
    """The first entry of each quantisation table of a JPEG."""
    data = file.read_bytes()
    at = [i for i in range(len(data) - 1) if data[i : i + 2] == b"\xff\xdb"]
    return [data[i + 5] for i in at]


def test_what_a_folder_holds(tmp_path: Path) -> None:
    info = media.probe(frame_folder(tmp_path / "v", 7))
    assert info.video is not None
    assert (info.container, info.audio, info.duration, info.problems) == ("frames", None, 7 / 25, ())
    assert (info.video.codec, info.video.pix_fmt, info.video.displayed) == ("jpeg", "yuvj420p", (48, 32))
    assert (info.video.declared_frames, info.video.fps, info.video.bit_depth) == (7, 25, 8)
    assert media.probe(tmp_path / "v", stream=0) == info
    with pytest.raises(RequestError, match="v has no video or audio stream 1"):
        media.probe(tmp_path / "v", stream=1)
    assert media.count(tmp_path / "v") == (7, 0)
    read = list(media.read_frames(tmp_path / "v"))
    assert [(t, s) for t, s, _ in read] == [(t, t / 25) for t in range(7)]
    for t, (_, _, image) in enumerate(read):
        assert np.abs(image.astype(int) - picture(t, (48, 32))).mean() < 4


@pytest.mark.parametrize(
    ("sampling", "name"),
    [(0x111111, "yuvj444p"), (0x211111, "yuvj422p"), (0x221111, "yuvj420p"), (0x121111, "yuvj440p")],
)
def test_jpeg_is_written_at_quality_95_with_the_sources_sampling(tmp_path: Path, sampling: int, name: str) -> None:
    source = tmp_path / "v"
    source.mkdir()
    for t in (1, 2):
        options = [cv2.IMWRITE_JPEG_QUALITY, 90, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
        cv2.imwrite(str(source / f"img_{t:05}.jpg"), picture(t)[..., ::-1], options)
        os.utime(source / f"img_{t:05}.jpg", ns=(10**18 + t, 10**18 + t))
    written = media.rewrite(source, tmp_path / "out", video=brighter)
    assert (written.container, written.video_codec, written.frames, written.width) == ("frames", "jpeg", 2, 64)
    assert (written.bytes, written.sha256) == (media.size(tmp_path / "out"), media.sha256(tmp_path / "out"))
    for t, (file, image) in enumerate(
        zip(sorted((tmp_path / "out").iterdir()), second(tmp_path / "out"), strict=True), 1
    ):
        assert file.name == f"img_{t:05}.jpg"
        assert file.stat().st_mtime_ns == 10**18 + t
        assert tables(file) == [2, 2]  # the standard's 16 and 17 at quality 95: (16·10 + 50) // 100
        with av.open(str(file)) as container:
            assert container.streams.video[0].pix_fmt == name
        want = np.minimum(second(source)[t - 1].astype(int) + 20, 255)
        assert np.abs(image - want).mean() < 2.5


def test_lossless_is_png_to_the_last_bit(tmp_path: Path) -> None:
    source = frame_folder(tmp_path / "v", 3)
    clean = [image for _, _, image in media.read_frames(source)]
    lossless = Encode(mode="lossless")
    written = media.rewrite(source, tmp_path / "out", video=brighter, encode=lossless)
    assert (written.video_codec, written.converted) == ("png", ("png",))
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [f"img_{t:05}.png" for t in (1, 2, 3)]
    for image, was in zip(second(tmp_path / "out"), clean, strict=True):
        assert np.array_equal(image, np.minimum(was.astype(int) + 20, 255))
    media.rewrite(source, tmp_path / "same", encode=lossless)  # nothing is triggered, and yet it is converted
    assert all(np.array_equal(a, b) for a, b in zip(second(tmp_path / "same"), clean, strict=True))
    written = media.rewrite(tmp_path / "same", tmp_path / "png", video=brighter)
    assert (written.video_codec, written.converted) == ("png", ())
    assert written.sha256 == media.sha256(tmp_path / "out")


def test_the_digest_is_what_sha256sum_says(tmp_path: Path) -> None:
    folder = frame_folder(tmp_path / "v", 11, template="{:}.jpg")
    (folder / ".hidden").write_text("x")
    (folder / "n_frames").write_text("11")
    names = sorted(f"{i}.jpg" for i in range(1, 12))
    text = "".join(f"{hashlib.sha256((folder / n).read_bytes()).hexdigest()}  {n}\n" for n in names)
    assert media.sha256(folder) == hashlib.sha256(text.encode()).hexdigest()
    shell = "LC_ALL=C; export LC_ALL; sha256sum *.jpg | sha256sum"
    said = subprocess.run(["sh", "-c", shell], cwd=folder, capture_output=True, text=True, check=True).stdout
    assert said.split()[0] == media.sha256(folder)
    assert media.size(folder) == sum((folder / n).stat().st_size for n in names)
    assert media.sha256(folder / "1.jpg") == hashlib.sha256((folder / "1.jpg").read_bytes()).hexdigest()


def spoilt(folder: Path, how: str) -> Path:
    frame_folder(folder, 5)
    file = folder / "img_00003.jpg"
    if how == "gap":
        file.unlink()
    elif how == "empty":
        file.write_bytes(b"")
    elif how == "cut":
        file.write_bytes(file.read_bytes()[:-200])
    elif how == "text":
        file.write_text("not a picture")
    elif how == "size":
        frame_folder(folder / "x", 1, size=(32, 48))
        (folder / "x" / "img_00001.jpg").replace(file)
        (folder / "x").rmdir()
    elif how == "link":
        file.unlink()
        file.symlink_to("nothing.jpg")
    return folder


@pytest.mark.parametrize(
    ("how", "message", "opens"),
    [
        ("gap", "v lacks 'img_00003.jpg' (its frames are numbered up to 5).", False),
        ("empty", "v: frame 'img_00003.jpg' is empty (0 bytes).", False),
        ("link", "v: frame 'img_00003.jpg' cannot be opened: no such file or directory.", False),
        ("cut", "v: frame 'img_00003.jpg' is cut short, or neither JPEG nor PNG.", True),
        ("text", "v: frame 'img_00003.jpg' is cut short, or neither JPEG nor PNG.", True),
        ("size", "v: frame 'img_00003.jpg' is 32x48 and the first is 48x32.", True),
    ],
)
def test_damage_is_named_and_leaves_nothing(tmp_path: Path, how: str, message: str, opens: bool) -> None:
    source = spoilt(tmp_path / "v", how)
    for call in (lambda: media.count(source), lambda: media.rewrite(source, tmp_path / "out", video=brighter)):
        with pytest.raises(MediaError) as caught:
            call()
        assert str(caught.value) == message
    if not opens:
        with pytest.raises(MediaError):
            media.probe(source)
    assert sorted(os.listdir(tmp_path)) == ["v"]


def test_what_inspect_says(tmp_path: Path) -> None:
    def codes(folder: Path) -> list[str]:
        info = media.probe(folder)
        return [p.code for p in (*info.problems, *media.scan(folder, info), *media.refusals(info, Encode()))]

    assert codes(frame_folder(tmp_path / "good")) == []
    assert codes(frame_folder(tmp_path / "zero", first=0)) == ["zero-based"]
    assert codes(frame_folder(tmp_path / "one", 1)) == ["one-frame"]
    (frame_folder(tmp_path / "more") / "n_frames").write_text("4")
    assert codes(tmp_path / "more") == ["other-files"]
    mixed = spoilt(tmp_path / "mixed", "size")
    [problem] = media.scan(mixed, media.probe(mixed))
    assert (problem.code, problem.blocks) == ("mixed-sizes", True)
    assert problem.message == "its frames have 2 sizes ('img_00001.jpg' is 48x32, 'img_00003.jpg' 32x48)."
    for mode in ("h264", "crf", "444"):
        assert [p.code for p in media.refusals(media.probe(mixed), Encode(mode=mode, crf=20))] == ["encode"]  # type: ignore[arg-type]
    deep = tmp_path / "deep"
    deep.mkdir()
    cv2.imwrite(str(deep / "img_00001.png"), (picture(0).astype(np.uint16) << 8)[..., ::-1])
    assert codes(deep) == ["16-bit", "one-frame", "16-bit"]
    with pytest.raises(MediaError, match=r"deep: the picture has 16 bits per sample; 8 can be written .--to-8bit"):
        media.rewrite(deep, tmp_path / "out", video=brighter)
    media.rewrite(deep, tmp_path / "out", video=brighter, encode=Encode(to_8bit=True))
    assert np.array_equal(second(tmp_path / "out")[0], np.minimum(picture(0).astype(int) + 20, 255))


def test_a_folder_takes_the_place_of_another_at_once(tmp_path: Path) -> None:
    source = frame_folder(tmp_path / "v", 3)
    old = frame_folder(tmp_path / "out", 5)
    media.rewrite(source, old, video=brighter)
    assert (len(list(old.iterdir())), sorted(os.listdir(tmp_path))) == (3, ["out", "v"])
    link = tmp_path / "link"
    link.symlink_to(source)
    with pytest.raises(MediaError, match="written over itself"):
        media.rewrite(source, link, video=brighter)
    before = media.sha256(source)
    link.unlink()
    link.symlink_to(old)
    media.rewrite(source, link, video=brighter)
    assert not link.is_symlink()
    assert media.sha256(source) == before


@pytest.mark.parametrize("fewer", [True, False])
def test_as_many_frames_must_come_back(tmp_path: Path, fewer: bool) -> None:
    def other(images: Iterator[Any]) -> Iterator[Any]:
        kept = list(images)
        yield from kept[1:] if fewer else [*kept, kept[0]]

    with pytest.raises(MediaError, match=f"{'fewer' if fewer else 'more'} frames came back than went in"):
        media.rewrite(frame_folder(tmp_path / "v", 3), tmp_path / "out", video=other)
    assert os.listdir(tmp_path) == ["v"]


def test_what_was_written_is_decoded_and_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = folders._encoded
    source = frame_folder(tmp_path / "v", 3)

    def other(image: np.ndarray, *rest: Any) -> bytes:
        return encoded(255 - image, *rest)

    monkeypatch.setattr(folders, "_encoded", other)
    with pytest.raises(CheckError, match=r"out: frame 'img_00001.png' was written but is wrong.*another picture"):
        media.rewrite(source, tmp_path / "out", encode=Encode(mode="lossless"))
    monkeypatch.setattr(folders, "_encoded", lambda *_: b"\xff\xd8 no picture")
    with pytest.raises(CheckError, match=r"img_00001.jpg' was written but is wrong when decoded"):
        media.rewrite(source, tmp_path / "out", video=brighter)
    assert os.listdir(tmp_path) == ["v"]
