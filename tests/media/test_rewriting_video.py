"""Pictures rewritten: counts, times, content, what is untouched, what happens when it fails."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from poisonkit import media
from poisonkit.errors import CheckError, MediaError
from poisonkit.media import check, ffmpeg_jobs, mux
from poisonkit.media.decode import as_float
from tests.media.second import cv2_frames, ffmpeg_count, packets, times
from tests.media_factory import make_video

Image = NDArray[np.uint8]
UNEVEN = [50 + 3 * t + t * t for t in range(20)]
EXACT = (".mp4", ".mov", ".mkv", ".webm")


def identity(frames: Iterator[Image]) -> Iterator[Image]:
    return frames


def patched(frames: Iterator[Image]) -> Iterator[Image]:
    """A white square in the upper left corner."""
    for image in frames:
        out = image.copy()
        out[:16, :16] = 235
        yield out


CASES: list[tuple[str, dict[str, Any]]] = [
    ("h264.mp4", {"audio": True}),
    ("h264.mov", {"audio": True, "audio_codec": "pcm_s16le"}),
    ("h264.mkv", {"audio": True}),
    ("mpeg4.avi", {"audio": True}),
    ("reordered.avi", {"options": {"bf": "2"}}),
    ("mpeg1.mpg", {"audio": True}),
    ("mpeg2.mpg", {"audio": True, "codec": "mpeg2video"}),
    ("vp9.webm", {"audio": True}),
    ("vp8.webm", {"codec": "libvpx"}),
    ("hevc.mp4", {"codec": "libx265"}),
    ("mjpeg.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p", "audio": True, "audio_codec": "pcm_s16le"}),
    ("mpeg4.mp4", {"codec": "mpeg4", "audio": True}),
    ("ffv1.mkv", {"codec": "ffv1"}),
    ("raw.avi", {"codec": "rawvideo"}),
    ("uneven.mp4", {"times": UNEVEN, "time_base": Fraction(1, 1000), "audio": True}),
    ("uneven.mkv", {"times": UNEVEN, "time_base": Fraction(1, 1000), "audio": True}),
    ("uneven-mpeg4.mp4", {"codec": "mpeg4", "times": UNEVEN, "time_base": Fraction(1, 1000)}),
    ("fragments.mp4", {"audio": True, "mux": {"movflags": "frag_keyframe+empty_moov"}, "gop": 7}),
    ("turned.mp4", {"rotation": 90, "audio": True}),
    ("wide.mp4", {"sar": Fraction(4, 3)}),
    ("wide.avi", {"sar": Fraction(4, 3)}),
    ("odd.mp4", {"size": (63, 47), "pix_fmt": "yuv444p"}),
    ("odd.avi", {"size": (63, 47)}),
    ("odd.webm", {"size": (63, 47)}),
    ("422.mp4", {"pix_fmt": "yuv422p"}),
    ("709.mp4", {"colorspace": 1, "color_range": 1}),
    ("full.mp4", {"colorspace": 6, "color_range": 2}),
    ("tiny.mp4", {"size": (16, 16)}),
    ("one.mp4", {"frames": 1, "audio": True}),
    ("one.avi", {"frames": 1}),
    ("one.mpg", {"frames": 1}),
    ("ntsc.mp4", {"fps": Fraction(30000, 1001)}),
]


@pytest.mark.parametrize(("name", "how"), CASES, ids=[c[0] for c in CASES])
def test_table(tmp_path: Path, name: str, how: dict[str, Any]) -> None:
    """Count, times, content, colour, tags and the other stream, by OpenCV, the ffmpeg program and PyAV."""
    how = {"frames": 20, **how}
    source = make_video(tmp_path / name, **how)
    before = hashlib.sha256(source.read_bytes()).hexdigest()
    os.utime(source, ns=(10**18, 987_654_321_000_000_000))
    out = tmp_path / f"out-{name}"
    written = media.rewrite(source, out, video=patched)

    old, new = media.probe(source), media.probe(out)
    assert old.video is not None
    assert new.video is not None
    assert (new.container, new.video.codec, new.audio and new.audio.codec) == (
        old.container,
        old.video.codec,
        old.audio and old.audio.codec,
    )
    for fact in ("width", "height", "pix_fmt", "rotation", "sample_aspect_ratio", "colorspace", "color_range", "fps"):
        if fact != "fps" or "times" not in how:
            assert getattr(new.video, fact) == getattr(old.video, fact), fact
    assert written.frames == how["frames"] == ffmpeg_count(out)
    seen, originals = cv2_frames(out, rotate=True), cv2_frames(source, rotate=True)
    assert len(seen) == how["frames"]

    a, b = times(source), times(out)
    if out.suffix in EXACT:
        assert max(abs(x - y) for x, y in zip(a, b, strict=True)) <= max(new.video.time_base, old.video.time_base)
    else:
        assert np.allclose(np.diff([float(t) for t in b]), 1 / 25, atol=1e-4)

    for image, original in zip(seen, originals, strict=True):
        height, width = image.shape[:2]
        assert image[2:12, 2:12].min() > 215, "the square is not where it was put"
        rest = np.abs(image[20:, 20:].astype(int) - original[20:, 20:])
        if height > 20 and width > 20:
            assert rest.mean() < 4.5, "the rest has changed"
    if how.get("audio"):
        assert packets(out, "audio") == packets(source, "audio")
        assert written.samples == media.count(source)[1]

    assert hashlib.sha256(source.read_bytes()).hexdigest() == before
    assert out.stat().st_mtime_ns == 987_654_321_000_000_000
    assert (written.bytes, written.sha256) == (out.stat().st_size, hashlib.sha256(out.read_bytes()).hexdigest())
    again = media.rewrite(source, tmp_path / "again", video=patched)
    assert again.sha256 == written.sha256, "two runs differ"


def test_pictures_are_given_as_displayed(tmp_path: Path) -> None:
    """A rotated clip's frames come upright, and a viewer that turns them sees the change where it was made."""
    source = make_video(tmp_path / "a.mp4", rotation=90, size=(64, 48), frames=4)
    shapes = []

    def note(frames: Iterator[Image]) -> Iterator[Image]:
        for image in patched(frames):
            shapes.append(image.shape)
            yield image

    media.rewrite(source, tmp_path / "b.mp4", video=note)
    assert shapes == [(64, 48, 3)] * 4
    upright = cv2_frames(tmp_path / "b.mp4", rotate=True)[0]
    assert upright.shape == (64, 48, 3)
    assert upright[2:12, 2:12].min() > 215
    assert cv2_frames(tmp_path / "b.mp4")[0][2:12, -12:-2].min() > 215  # a player turns it 90 degrees counter-clockwise


@pytest.mark.parametrize(
    ("how", "worst"),
    [
        ({}, 0.9),
        ({"colorspace": 1, "color_range": 1}, 1.2),
        ({"colorspace": 1, "color_range": 2}, 1.6),
        ({"colorspace": 9, "color_range": 1}, 1.2),
        ({"pix_fmt": "yuv444p"}, 0.9),
        ({"pix_fmt": "yuv422p"}, 0.9),
        ({"pix_fmt": "yuvj420p"}, 1.6),
        ({"pix_fmt": "gray"}, 0.5),
    ],
)
def test_colour_of_an_untouched_picture(tmp_path: Path, how: dict[str, Any], worst: float) -> None:
    """Written losslessly in its own format, an untouched frame moves no more than a round trip through RGB."""
    source = make_video(tmp_path / "a.mkv", codec="libx264", frames=3, options={"qp": "0"}, **how)
    media.rewrite(source, tmp_path / "b.mkv", video=identity, encode=media.Encode("crf", 0))

    def planes(path: Path) -> list[NDArray[np.int16]]:
        with av.open(str(path)) as container:
            return [f.reformat(format=f.format.name).to_ndarray().astype(np.int16) for f in container.decode(video=0)]

    for a, b in zip(planes(source), planes(tmp_path / "b.mkv"), strict=True):
        assert np.abs(a - b).mean() < worst
        assert np.abs(a[:48] - b[:48]).mean() < 0.1, "brightness has moved"


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.avi"])
def test_lossless_is_bit_exact(tmp_path: Path, name: str) -> None:
    source = make_video(tmp_path / name, frames=4)
    given = []

    def noisy(frames: Iterator[Image]) -> Iterator[Image]:
        for t, image in enumerate(frames):
            given.append(np.random.default_rng(t).integers(0, 256, image.shape, dtype=np.uint8))
            yield given[-1]

    media.rewrite(source, tmp_path / f"out-{name}", video=noisy, encode=media.Encode("lossless"))
    mine = [rgb for _, _, rgb in media.read_frames(tmp_path / f"out-{name}")]
    for a, b, c in zip(given, mine, cv2_frames(tmp_path / f"out-{name}"), strict=True):
        assert np.array_equal(a, b)
        assert np.array_equal(a, c)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.avi"])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuvj420p"])
def test_444_keeps_colours_at_full_resolution(tmp_path: Path, name: str, pix_fmt: str) -> None:
    """Red and blue pixels side by side: 4:2:0 makes one colour of them, 4:4:4 does not."""
    source = make_video(tmp_path / name, frames=3, codec="libx264", pix_fmt=pix_fmt)
    given = np.zeros((48, 64, 3), np.uint8)
    given[:, ::2, 0] = given[:, 1::2, 2] = 200

    def stripes(frames: Iterator[Image]) -> Iterator[Image]:
        return (given for _ in frames)

    worst = {}
    for mode, crf in (("match", None), ("444", None), ("444", 2)):
        encode = media.Encode(mode, crf)  # type: ignore[arg-type]
        media.rewrite(source, tmp_path / f"out-{name}", video=stripes, encode=encode)
        for back in cv2_frames(tmp_path / f"out-{name}"):
            worst[mode, crf] = int(np.abs(back.astype(int) - given).max())
    written = media.probe(tmp_path / f"out-{name}").video
    assert written is not None
    assert (written.codec, written.pix_fmt) == ("h264", pix_fmt.replace("420", "444"))
    assert worst["match", None] > 90
    assert worst["444", None] < 30
    assert worst["444", 2] < 8


@pytest.mark.parametrize("source", [{}, {"pix_fmt": "yuv444p"}, {"size": (63, 47), "pix_fmt": "yuv444p"}])
@pytest.mark.parametrize("encode", [media.Encode(), media.Encode("444"), media.Encode("crf", 30)])
def test_colours_are_quantised_alike_in_444_and_420(
    tmp_path: Path, source: dict[str, Any], encode: media.Encode
) -> None:
    """x264 by itself takes six steps more for chroma in 4:4:4, whose use is to keep it. The file says what it did."""
    made = make_video(tmp_path / "a.mp4", frames=2, codec="libx264", **source)
    media.rewrite(made, tmp_path / "b.mp4", video=identity, encode=encode)
    assert re.findall(rb"chroma_qp_offset=(-?\d+)", (tmp_path / "b.mp4").read_bytes()) == [b"0"]


@pytest.mark.parametrize(
    ("name", "words", "mode"),
    [
        ("vp9.webm", "-c:v libvpx-vp9 -c:a libopus", "match"),
        ("vp8.webm", "-c:v libvpx -c:a libopus", "match"),
        ("ffv1.avi", "-c:v ffv1 -c:a pcm_s16le", "match"),
        ("ffv1.mkv", "-c:v ffv1 -c:a flac", "match"),
        ("raw.avi", "-c:v rawvideo -c:a pcm_s16le", "match"),
        ("huffyuv.avi", "-c:v huffyuv -pix_fmt yuv422p -c:a pcm_s16le", "match"),
        ("mpeg4.avi", "-c:v mpeg4 -c:a mp3", "lossless"),
    ],
)
@pytest.mark.parametrize("touched", ["video", "audio"])
def test_pixels_that_are_not_square(tmp_path: Path, name: str, words: str, mode: str, touched: str) -> None:
    """Where the codec has no word for it, the container says it: read by the ffmpeg program, too."""
    square = make_video(tmp_path / "square.mp4", frames=10, audio=True, rate=48000)
    command = [
        ffmpeg_jobs.ffmpeg_binary(),
        "-loglevel",
        "error",
        "-i",
        str(square),
        "-vf",
        "setsar=7/4",
        *words.split(),
    ]
    subprocess.run([*command, str(tmp_path / name)], check=True)
    out = tmp_path / f"out-{name}"
    how: dict[str, Any] = {"video": patched} if touched == "video" else {"audio": lambda wave, rate: wave * 0.5}
    media.rewrite(tmp_path / name, out, encode=media.Encode(mode), **how)  # type: ignore[arg-type]
    old, new = media.probe(tmp_path / name), media.probe(out)
    assert old.video is not None
    assert new.video is not None
    assert new.video.sample_aspect_ratio == old.video.sample_aspect_ratio == Fraction(7, 4)
    assert len(cv2_frames(out)) == ffmpeg_count(out) == 10
    told = subprocess.run(
        [ffmpeg_jobs.ffmpeg_binary(), "-i", str(out)], capture_output=True, text=True, check=False
    ).stderr
    assert "SAR 7:4 DAR 7:3" in told
    assert [p.name for p in tmp_path.iterdir() if "part" in p.name] == []


@pytest.fixture(scope="module")
def delayed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str, str], Path]:
    """Clips by the ffmpeg program whose sound comes later than their picture; each is made once."""
    folder = tmp_path_factory.mktemp("delayed")

    def make(name: str, words: str, delay: str) -> Path:
        made = folder / delay / name
        if not made.exists():
            both = make_video(folder / delay / "both.mkv", frames=30, audio=True, rate=48000)
            command = [ffmpeg_jobs.ffmpeg_binary(), "-loglevel", "error", "-i", str(both), "-itsoffset", delay]
            command += ["-i", str(both), "-map", "0:v", "-map", "1:a", *words.split(), str(made)]
            subprocess.run(command, check=True)
        return made

    return make


@pytest.mark.parametrize("delay", ["-0.3", "0", "0.3"])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("1.mpg", "-c:v mpeg1video -c:a mp2"),
        ("2.mpg", "-c:v mpeg2video -c:a mp2"),
        ("3.mpg", "-c:v mpeg2video -c:a ac3"),
        ("ntsc.mpg", "-c:v mpeg2video -c:a mp2 -r 30000/1001"),
        ("x.flv", "-c:v libx264 -c:a aac"),
        ("x.mp4", "-c:v libx264 -c:a aac"),
        ("x.mkv", "-c:v mpeg4 -c:a libmp3lame"),
    ],
)
@pytest.mark.parametrize("touched", ["video", "audio", "both"])
def test_sound_stays_beside_its_picture(
    delayed: Callable[[str, str, str], Path], tmp_path: Path, name: str, words: str, delay: str, touched: str
) -> None:
    """The ffmpeg program's files begin where its muxers like it; sound, copied or new, keeps its distance to 1 ms."""
    source, out = delayed(name, words, delay), tmp_path / f"out-{name}"
    how: dict[str, Any] = {"video": patched} if touched != "audio" else {}
    if touched != "video":
        how["audio"] = lambda wave, rate: wave * 0.5
    media.rewrite(source, out, **how)
    lines = [beside_the_picture(file) for file in (source, out)]
    size = 1 << (max(map(len, lines)) * 2 - 1).bit_length()
    spectra = [np.fft.rfft(line, size) for line in lines]
    at = int(np.argmax(np.fft.irfft(spectra[1] * np.conj(spectra[0]))))
    assert abs(at if at < size // 2 else at - size) <= 48


@pytest.mark.parametrize("new_sound", [False, True])
def test_a_picture_that_moves_away_from_its_sound_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new_sound: bool
) -> None:
    source = make_video(tmp_path / "a.mpg", frames=20, audio=True)
    timed = mux._indexing

    def later(*about: Any) -> Any:
        number = timed(*about)
        return lambda index, frame: number(index, frame) + 4500  # of 90 kHz

    monkeypatch.setattr(mux, "_indexing", later)
    how: dict[str, Any] = {"audio": lambda wave, rate: wave * 0.5} if new_sound else {}
    with pytest.raises(CheckError, match=r"the sound is moved against the picture by -0\.0[45]"):
        media.rewrite(source, tmp_path / "b.mpg", video=patched, **how)
    assert not (tmp_path / "b.mpg").exists()


def beside_the_picture(file: Path) -> NDArray[np.float64]:
    """The sound, 48 kHz, from a second before the first picture on."""
    with av.open(str(file)) as container:
        begins = float(next(iter(container.decode(video=0))).time or 0) - 1
    line = np.zeros(48_000 * 4)
    with av.open(str(file)) as container:
        for frame in container.decode(audio=0):
            wave = as_float(frame).mean(axis=0)
            at = round((float(frame.time or 0) - begins) * 48_000)
            line[max(0, at) : at + len(wave)] += wave[max(0, -at) : len(line) - at]
    return line


def test_one_codec_thread(tmp_path: Path) -> None:
    """x264's output depends on its number of threads, which it notes in the stream."""
    source = make_video(tmp_path / "a.mp4", size=(320, 256), frames=3)
    media.rewrite(source, tmp_path / "b.mp4", video=identity)
    assert b" threads=1 " in (tmp_path / "b.mp4").read_bytes()


def test_quality_is_as_asked(tmp_path: Path) -> None:
    source = make_video(tmp_path / "a.mp4")
    sizes = [
        media.rewrite(source, tmp_path / "b.mp4", video=identity, encode=media.Encode("crf", crf)).bytes
        for crf in (10, 18, 40)
    ]
    assert sizes[0] > sizes[1] > sizes[2]
    assert media.rewrite(source, tmp_path / "b.mp4", video=identity).bytes == sizes[1]


class Inspector:
    """Keeps what it is shown."""

    def __init__(self, wanted: set[int]) -> None:
        self.wanted = wanted
        self.frames: dict[int, Image] = {}
        self.sound: tuple[Any, int] | None = None

    def wants(self, index: int) -> bool:
        return index in self.wanted

    def frame(self, index: int, rgb: Image) -> None:
        self.frames[index] = rgb

    def wave(self, wave: Any, rate: int) -> None:
        self.sound = (wave, rate)


def test_inspector_sees_the_decoded_output(tmp_path: Path) -> None:
    source = make_video(tmp_path / "a.mp4", audio=True)
    inspector = Inspector({0, 7, 23})
    media.rewrite(source, tmp_path / "b.mp4", video=patched, inspect=inspector)
    decoded = {i: rgb for i, _, rgb in media.read_frames(tmp_path / "b.mp4")}
    assert set(inspector.frames) == {0, 7, 23}
    assert all(np.array_equal(rgb, decoded[i]) for i, rgb in inspector.frames.items())
    assert inspector.sound is None  # it was copied


def test_frames_are_read_with_their_times(tmp_path: Path) -> None:
    source = make_video(tmp_path / "a.mkv", frames=5, times=[40, 50, 90, 91, 300], time_base=Fraction(1, 1000))
    read = list(media.read_frames(source))
    assert [i for i, _, _ in read] == [0, 1, 2, 3, 4]
    assert np.allclose([s for _, s, _ in read], [0.04, 0.05, 0.09, 0.091, 0.3])
    assert all(rgb.shape == (48, 64, 3) and rgb.dtype == np.uint8 for _, _, rgb in read)


class Stop(Exception):
    pass


def _fails(frames: Iterator[Image]) -> Iterator[Image]:
    yield next(frames)
    raise Stop("stopped")


def _fewer(frames: Iterator[Image]) -> Iterator[Image]:
    yield from list(frames)[:-1]


def _more(frames: Iterator[Image]) -> Iterator[Image]:
    for image in frames:
        yield image
        yield image


def _unread(frames: Iterator[Image]) -> Iterator[Image]:
    yield next(frames)


def _small(frames: Iterator[Image]) -> Iterator[Image]:
    return (image[:-2] for image in frames)


def _float(frames: Iterator[Image]) -> Iterator[Any]:
    return (image.astype(np.float32) for image in frames)


@pytest.mark.parametrize(
    ("function", "error", "words"),
    [
        (_fails, Stop, "stopped"),
        (_fewer, MediaError, "fewer frames came back"),
        (_unread, MediaError, "fewer frames came back"),
        (_more, MediaError, "more frames came back"),
        (_small, MediaError, "not as uint8"),
        (_float, MediaError, "not as uint8"),
    ],
)
def test_failure_leaves_nothing(tmp_path: Path, function: Any, error: type[Exception], words: str) -> None:
    source = make_video(tmp_path / "a.mp4", audio=True)
    out = tmp_path / "out"
    out.mkdir()
    (out / "b.mp4").write_text("what stood there before")
    with pytest.raises(error, match=words):
        media.rewrite(source, out / "b.mp4", video=function)
    assert [p.name for p in out.iterdir()] == ["b.mp4"]
    assert (out / "b.mp4").read_text() == "what stood there before"


def test_check_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An output that decodes to something else is not put in place."""
    from poisonkit.media.encode import PictureEncoder

    encode = PictureEncoder.encode

    asked: list[int] = []

    def forgetful(self: Any, image: Image, pts: int, duration: int = 0) -> Any:
        asked.append(pts)
        return iter(()) if len(asked) == 1 else encode(self, image, pts, duration)

    monkeypatch.setattr(PictureEncoder, "encode", forgetful)
    source = make_video(tmp_path / "a.mp4")
    with pytest.raises(CheckError, match="23 frames instead of 24"):
        media.rewrite(source, tmp_path / "b.mp4", video=identity)
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
    monkeypatch.setattr(PictureEncoder, "encode", lambda s, i, pts, d=0: encode(s, i, 2 * pts, d))
    with pytest.raises(CheckError, match=r"frame 1 is shown at 0\.08\d* s instead of 0\.04"):
        media.rewrite(source, tmp_path / "b.mp4", video=identity)


def test_never_over_itself_nor_through_a_link(tmp_path: Path) -> None:
    source = make_video(tmp_path / "a.mp4")
    with pytest.raises(MediaError, match="over itself"):
        media.rewrite(source, source, video=identity)
    before = source.read_bytes()
    for make in (os.link, os.symlink):
        link = tmp_path / f"{make.__name__}.mp4"
        make(source, link)
        with pytest.raises(MediaError, match="over itself"):
            media.rewrite(source, link, video=identity)
    other = make_video(tmp_path / "o.mp4", seed=5)
    media.rewrite(other, tmp_path / "new.mp4", video=identity)
    os.replace(tmp_path / "link.mp4", tmp_path / "linked.mp4")
    media.rewrite(other, tmp_path / "linked.mp4", video=identity)  # takes the name, not the linked bytes
    assert source.read_bytes() == before


def test_no_picture(tmp_path: Path) -> None:
    from tests.media_factory import make_audio

    with pytest.raises(MediaError, match=r"a\.wav has no picture"):
        media.rewrite(make_audio(tmp_path / "a.wav"), tmp_path / "b.wav", video=identity)
    with pytest.raises(MediaError, match=r"a\.mp4 has no sound"):
        media.rewrite(make_video(tmp_path / "a.mp4"), tmp_path / "b.mp4", audio=lambda wave, rate: wave)


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("a.mp4", {"videos": 2, "audios": 2}),
        ("late.mp4", {"times": UNEVEN, "time_base": Fraction(1, 1000)}),
        ("late.mkv", {"times": UNEVEN, "time_base": Fraction(1, 1000)}),
        ("a.mkv", {"videos": 2, "audios": 2, "times": UNEVEN, "time_base": Fraction(1, 1000)}),
        ("a.mov", {"audio": True, "rotation": 270, "sar": Fraction(3, 2)}),
        ("a.avi", {"audio": True}),
        ("a.mpg", {"audio": True}),
        ("a.webm", {"audio": True}),
    ],
)
def test_remux(tmp_path: Path, name: str, how: dict[str, Any]) -> None:
    source = make_video(tmp_path / name, frames=20, **how)
    out = tmp_path / f"out-{name}"
    written = media.remux(source, out)
    assert written.sha256 == media.remux(source, tmp_path / f"again-{name}").sha256
    assert written.frames == 20 == len(cv2_frames(out))
    old, new = media.probe(source), media.probe(out)
    assert written.dropped == old.dropped
    assert new.dropped == ()
    assert old.video is not None
    assert new.video is not None
    assert (new.video.rotation, new.video.sample_aspect_ratio) == (old.video.rotation, old.video.sample_aspect_ratio)
    assert packets(out, "video") == packets(source, "video")
    if old.audio is not None:
        assert packets(out, "audio") == packets(source, "audio")
    assert times(out) == times(source)
    assert out.stat().st_mtime_ns == source.stat().st_mtime_ns


def test_chosen_stream(tmp_path: Path) -> None:
    source = make_video(tmp_path / "a.mp4", videos=2, frames=6)
    media.remux(source, tmp_path / "second.mp4", stream=1)
    one = make_video(tmp_path / "b.mp4", frames=6, seed=100)
    assert packets(tmp_path / "second.mp4", "video") == packets(one, "video")
    written = media.rewrite(source, tmp_path / "c.mp4", video=patched, stream=1)
    assert written.dropped == ("video stream 0 (h264)",)
    rest = np.abs(cv2_frames(tmp_path / "c.mp4")[0][20:].astype(int) - cv2_frames(one)[0][20:])
    assert rest.mean() < 3


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    """At most a burst of frames is alive at once, and a few."""
    import weakref

    from poisonkit.media.mux import BURST

    source = make_video(tmp_path / "a.mp4", frames=60)
    alive: list[weakref.ref[Image]] = []
    most = 0

    def watch(frames: Iterator[Image]) -> Iterator[Image]:
        nonlocal most
        for image in frames:
            alive.append(weakref.ref(image))
            most = max(most, sum(1 for r in alive if r() is not None))
            yield image

    media.rewrite(source, tmp_path / "b.mp4", video=watch)
    assert len(alive) == 60
    assert most <= BURST + 4
    assert check.LONGEST_CODEC_FRAME == 2048
