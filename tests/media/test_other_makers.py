"""Files as the ffmpeg program makes them, in shapes that our own libraries do not: read, written, and true."""

from __future__ import annotations

import subprocess
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from poisonkit import MediaError, media
from poisonkit.media import ffmpeg_jobs
from poisonkit.media.probing import display_matrix
from poisonkit.media.whole import tells_length
from tests.media.second import cv2_frames, ffmpeg_count
from tests.media_factory import make_video


def ffmpeg(*words: object) -> None:
    subprocess.run([ffmpeg_jobs.ffmpeg_binary(), "-loglevel", "error", "-y", *map(str, words)], check=True)


def halved(wave: np.ndarray, rate: int) -> np.ndarray:
    return wave * 0.5


def noise(path: Path, rate: int, seconds: float, channels: int = 1) -> Path:
    rng = np.random.default_rng(0)
    soundfile.write(path, 0.1 * rng.standard_normal((round(rate * seconds), channels)), rate)
    return path


def share(a: Path, b: Path, rate: int, channels: int) -> list[float]:
    """Of each channel of `a`, how much is in `b`, decoded by the ffmpeg program."""
    waves = []
    for file in (a, b):
        command = [
            ffmpeg_jobs.ffmpeg_binary(),
            "-loglevel",
            "error",
            "-i",
            str(file),
            "-f",
            "f32le",
            "-ar",
            str(rate),
            "-",
        ]
        data = subprocess.run(command, capture_output=True, check=True).stdout
        waves.append(np.frombuffer(data, "<f4").reshape(-1, channels))
    n = min(map(len, waves))
    return [float(np.dot(x, y) / np.dot(x, x)) for x, y in zip(waves[0][:n].T, waves[1][:n].T, strict=True)]


@pytest.mark.parametrize("rate", [8000, 12000, 16000, 24000, 48000])
def test_opus_of_any_rate(tmp_path: Path, rate: int) -> None:
    """FFmpeg decodes Opus at 48 kHz whatever it was made of; soundfile, and so librosa, at the rate it was made of."""
    ffmpeg("-i", noise(tmp_path / "a.wav", rate, 1.0), "-c:a", "libopus", "-b:a", "96k", tmp_path / "a.opus")
    audio = media.probe(tmp_path / "a.opus").audio
    assert audio is not None
    assert (audio.sample_rate, audio.samples) == (rate, rate)
    written = media.rewrite(tmp_path / "a.opus", tmp_path / "b.opus", audio=halved)
    assert (written.sample_rate, written.samples) == (rate, rate)
    found = soundfile.info(str(tmp_path / "b.opus"))
    assert (found.samplerate, found.frames) == (rate, rate)
    assert share(tmp_path / "a.opus", tmp_path / "b.opus", 48000, 1)[0] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("tags", [(), ("-id3v2_version", "3", "-metadata", "title=" + "x" * 300)])
def test_mp3_without_a_count_of_frames(tmp_path: Path, tags: tuple[str, ...]) -> None:
    """libsndfile then guesses the length from size and bit rate: fewer samples than that are no cut."""
    noise(tmp_path / "a.wav", 44100, 4.0)
    plain, counted = tmp_path / "a.mp3", tmp_path / "counted.mp3"
    ffmpeg("-i", tmp_path / "a.wav", "-c:a", "libmp3lame", "-b:a", "128k", "-write_xing", "0", *tags, plain)
    ffmpeg("-i", tmp_path / "a.wav", "-c:a", "libmp3lame", "-b:a", "128k", *tags, counted)
    assert [tells_length(plain), tells_length(counted), tells_length(tmp_path / "a.wav")] == [False, True, True]
    written = media.rewrite(plain, tmp_path / "b.mp3", audio=halved)
    assert abs(written.samples - 4 * 44100) < 3 * 1152
    data = counted.read_bytes()
    counted.write_bytes(data[: len(data) // 2])
    with pytest.raises(MediaError, match="cut short"):
        media.rewrite(counted, tmp_path / "c.mp3", audio=halved)


@pytest.mark.parametrize("name", ["a.m4a", "a.mp4", "a.mkv", "a.flac", "a.wav"])
def test_eight_channels(tmp_path: Path, name: str) -> None:
    """PyAV counts nine planes for eight channels apart, and reads beyond them: a crash, once."""
    sound = noise(tmp_path / "8.wav", 48000, 0.5, 8)
    picture = make_video(tmp_path / "p.mp4", frames=12)
    codec = {".flac": "flac", ".wav": "pcm_s16le", ".mkv": "flac"}.get(Path(name).suffix, "aac")
    with_picture = ("-i", picture, "-map", "1:v", "-map", "0:a", "-c:v", "copy") if name[2:] in ("mp4", "mkv") else ()
    ffmpeg("-i", sound, *with_picture, "-c:a", codec, "-b:a", "768k", "-channel_layout", "7.1", tmp_path / name)
    written = media.rewrite(tmp_path / name, tmp_path / f"out-{name}", audio=halved)
    assert written.channels == 8
    kept = share(tmp_path / name, tmp_path / f"out-{name}", 48000, 8)
    full = [part for channel, part in enumerate(kept) if channel != 3 or codec != "aac"]  # AAC's low frequencies
    assert full == pytest.approx([0.5] * len(full), abs=0.12 if codec == "aac" else 0.001)  # noise is dear to AAC


@pytest.mark.parametrize("picture", ["libvpx", "libvpx-vp9"])
def test_vorbis_beside_a_new_picture(tmp_path: Path, picture: str) -> None:
    """PyAV has no Vorbis encoder; the ffmpeg program does."""
    clip = make_video(tmp_path / "a.mp4", frames=25, audio=True, rate=48000)
    ffmpeg("-i", clip, "-c:v", picture, "-c:a", "libvorbis", tmp_path / "a.webm")
    written = media.rewrite(tmp_path / "a.webm", tmp_path / "b.webm", video=lambda frames: frames, audio=halved)
    assert (written.frames, written.audio_codec) == (25, "vorbis")
    assert len(cv2_frames(tmp_path / "b.webm")) == ffmpeg_count(tmp_path / "b.webm") == 25
    assert share(tmp_path / "a.webm", tmp_path / "b.webm", 48000, 1)[0] == pytest.approx(0.5, abs=0.02)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mp4", "a.webm", "b.webm"]


@pytest.mark.parametrize(("codec", "pix_fmt"), [("png", "rgb24"), ("libx264rgb", "rgb24"), ("libx265", "gbrp")])
def test_planes_of_what_was_rgb_have_no_tag_of_rgb(tmp_path: Path, codec: str, pix_fmt: str) -> None:
    ffmpeg("-i", make_video(tmp_path / "a.mp4", frames=4), "-c:v", codec, "-pix_fmt", pix_fmt, tmp_path / "a.mov")
    media.rewrite(tmp_path / "a.mov", tmp_path / "b.mov", video=lambda frames: frames, encode=media.Encode("h264"))
    with av.open(str(tmp_path / "b.mov")) as container:
        frame = next(container.decode(video=0))
        assert (frame.format.name, int(frame.colorspace)) == ("yuv420p", 2)
        assert int(frame.color_range) in (0, 1)
    for a, b in zip(cv2_frames(tmp_path / "a.mov"), cv2_frames(tmp_path / "b.mov"), strict=True):
        assert abs(float(a.astype(int).mean() - b.astype(int).mean())) < 2


def two_parts(tmp_path: Path, name: str, first: str, second: str) -> Path:
    """One stream of MPEG-2 whose second half is made otherwise. first, second: filters, and options behind a bar."""
    parts = []
    for number, words in enumerate((first, second)):
        filters, _, options = words.partition("|")
        parts.append(tmp_path / f"{number}.ts")
        source = ("-f", "lavfi", "-i", f"testsrc2=size=96x64:rate=50:duration=0.4,{filters}")
        ffmpeg(*source, "-c:v", "mpeg2video", "-q:v", 2, "-bf", 0, *options.split(), parts[-1])
    ffmpeg("-i", f"concat:{parts[0]}|{parts[1]}", "-c", "copy", tmp_path / name)
    return tmp_path / name


@pytest.mark.parametrize("name", ["a.mpg", "a.mkv"])
def test_a_stream_that_becomes_another(tmp_path: Path, name: str) -> None:
    """Written as what it was at first, it would be another picture: that is said, with the command that helps."""
    grows = two_parts(tmp_path, name, "null", "scale=128:96")
    with pytest.raises(MediaError, match=r"changes size: frame (19|20) is 128x96, the first 96x64; .* scale=96:64 "):
        media.rewrite(grows, tmp_path / f"out-{name}", video=lambda frames: frames)
    mixed = two_parts(tmp_path, f"mixed-{name}", "fps=25", "interlace=scan=tff|-flags +ildct+ilme")
    with pytest.raises(MediaError, match=r"is interlaced from frame (9|10) on, .* convert it"):
        media.rewrite(mixed, tmp_path / f"out-{name}", video=lambda frames: frames)
    assert not (tmp_path / f"out-{name}").exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("-display_hflip",), "mirrored"),
        (("-display_rotation", "90", "-display_vflip"), "mirrored"),
        (("-display_rotation", "45"), "mirrored"),
        (("-display_rotation", "180"), "rotated"),
        ((), None),
    ],
)
def test_mirrored_pictures(tmp_path: Path, words: tuple[str, ...], code: str | None) -> None:
    """Named, kept as they are, and not called upright."""
    plain = make_video(tmp_path / "plain.mp4", frames=4)
    ffmpeg(*words, "-i", plain, "-c", "copy", tmp_path / "a.mp4")
    info = media.probe(tmp_path / "a.mp4")
    assert [p.code for p in info.problems] == ([code] if code else [])
    media.rewrite(tmp_path / "a.mp4", tmp_path / "b.mp4", video=lambda frames: frames)
    matrices = []
    for file in ("a.mp4", "b.mp4"):
        with av.open(str(tmp_path / file)) as container:
            matrices.append(display_matrix(next(container.decode(video=0))))
    assert matrices[0] == matrices[1]
    refused = [p.code for p in media.refusals(info, media.Encode(rotation="normalise"))]
    assert refused == (["mirrored"] if code == "mirrored" else [])


@pytest.mark.parametrize("delay", ["0.25", "0.1003", "-0.2"])
@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
def test_what_is_heard_again_lies_on_what_was_written(tmp_path: Path, name: str, delay: str) -> None:
    """Edit lists count in milliseconds: a sound that begins late is up to half of one off by its timestamps."""
    picture = make_video(tmp_path / "p.mp4", frames=30)
    sound = noise(tmp_path / "s.wav", 44100, 1.2)
    late = ("-i", picture, "-itsoffset", delay, "-i", sound, "-map", "0:v", "-map", "1:a", "-c:v", "copy")
    ffmpeg(*late, "-c:a", "aac", "-b:a", "256k", tmp_path / name)
    sounds = {}

    class Ear:
        def wants(self, index: int) -> bool:
            return False

        def frame(self, index: int, rgb: np.ndarray) -> None: ...

        def wave(self, wave: np.ndarray, rate: int) -> None:
            sounds["heard"] = wave

    def kept(wave: np.ndarray, rate: int) -> np.ndarray:
        sounds["written"] = wave.copy()
        return wave

    media.rewrite(tmp_path / name, tmp_path / f"b-{name}", video=lambda frames: frames, audio=kept, inspect=Ear())
    n = min(wave.shape[1] for wave in sounds.values())
    a, b = sounds["written"][:, :n], sounds["heard"][:, :n]
    assert float(((a - b) ** 2).sum() / (a**2).sum()) < 0.3  # noise is dear to AAC; 25 samples off it would be 2


@pytest.mark.parametrize(("name", "codec", "what"), [("a.ogg", "flac", "flac in Ogg"), ("a.aac", "aac", "aac files")])
def test_sounds_that_cannot_be_written(tmp_path: Path, name: str, codec: str, what: str) -> None:
    ffmpeg("-i", noise(tmp_path / "s.wav", 44100, 0.5), "-c:a", codec, tmp_path / name)
    (problem,) = media.refusals(media.probe(tmp_path / name), media.Encode(), ["audio"])
    assert problem.message == f"{what} cannot be written{' here' if name == 'a.ogg' else ''}."
    assert problem.remedy == "--encode convert"


@pytest.mark.parametrize(
    ("name", "words", "size", "pix_fmt"),
    [
        ("gray.mp4", "-c:v libx264 -pix_fmt gray -vf scale=95:63", (95, 63), "yuvj444p"),
        ("gray.mkv", "-c:v libx264 -pix_fmt gray", (64, 48), "yuvj420p"),
        ("limited.avi", "-c:v mjpeg -pix_fmt yuv420p -strict unofficial -color_range tv", (64, 48), "yuv420p"),
    ],
)
def test_what_encoders_take_only_when_asked(
    tmp_path: Path, name: str, words: str, size: tuple[int, int], pix_fmt: str
) -> None:
    """x264 halves no odd size, which gray pictures may have; MJPEG of limited range is against the letter."""
    ffmpeg("-i", make_video(tmp_path / "p.mp4", frames=6), *words.split(), tmp_path / name)
    media.rewrite(tmp_path / name, tmp_path / f"out-{name}", video=lambda frames: frames)
    video = media.probe(tmp_path / f"out-{name}").video
    assert video is not None
    assert ((video.width, video.height), video.pix_fmt) == (size, pix_fmt)
    pairs = zip(cv2_frames(tmp_path / name), cv2_frames(tmp_path / f"out-{name}"), strict=True)
    for index, (a, b) in enumerate(pairs):
        assert abs(float(a.astype(int).mean() - b.astype(int).mean())) < 1, index
