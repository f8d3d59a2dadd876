"""What a header declares is refused above a limit, in one sentence, before memory is taken; limits can be raised."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from poisonkit import datasets, media
from poisonkit.common import limits
from poisonkit.common.image_headers import cut_png
from poisonkit.errors import MediaError, RequestError
from tests.media_factory import make_audio, make_video

ROOT = Path(__file__).parents[2]


def _avi(path: Path) -> None:
    """The header of an AVI says 16000x16000, which FFmpeg itself would take."""
    data = bytearray(make_video(path, frames=3, codec="ffv1").read_bytes())
    at = data.index(b"strf") + 8
    data[at + 4 : at + 12] = (16_000).to_bytes(4, "little") * 2
    path.write_bytes(data)


def _jpeg_frames(path: Path) -> None:
    """A Motion JPEG whose header is honest and whose second picture says 16000x16000."""
    data = bytearray(make_video(path, frames=3, codec="mjpeg", pix_fmt="yuvj420p").read_bytes())
    first = data.index(b"\xff\xc0")
    at = data.index(b"\xff\xc0", first + 2)
    data[at + 5 : at + 9] = (16_000).to_bytes(2, "big") * 2
    path.write_bytes(data)


def _runs(path: Path) -> None:
    """A fragment with a billion pictures that are all alike, and so take no byte each."""
    data = bytearray(make_video(path, frames=5, mux={"movflags": "frag_keyframe+empty_moov"}).read_bytes())
    at = data.index(b"trun")
    data[at + 5 : at + 8] = b"\0\0\1"
    data[at + 8 : at + 12] = (10**9).to_bytes(4, "big")
    path.write_bytes(data)


def _count(path: Path) -> None:
    """A table of samples that says a billion, of 10 bytes each."""
    data = bytearray(make_video(path, frames=5).read_bytes())
    at = data.index(b"stsz")
    data[at + 8 : at + 16] = (10).to_bytes(4, "big") + (10**9).to_bytes(4, "big")
    path.write_bytes(data)


def _billion(path: Path) -> None:
    """The header of an AVI says a billion frames."""
    data = bytearray(make_video(path, frames=5).read_bytes())
    at = data.index(b"strh") + 8
    data[at + 32 : at + 36] = (10**9).to_bytes(4, "little")
    path.write_bytes(data)


def _years(path: Path) -> None:
    """A Matroska file that says it lasts a hundred thousand years."""
    data = bytearray(make_video(path, frames=5).read_bytes())
    at = data.index(b"\x44\x89\x88")
    data[at + 3 : at + 11] = np.array([3e15], ">f8").tobytes()
    path.write_bytes(data)


def _wav(rate: int, channels: int = 1) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        data = bytearray(make_audio(path, seconds=0.1).read_bytes())
        data[22:28] = channels.to_bytes(2, "little") + rate.to_bytes(4, "little")
        path.write_bytes(data)

    return make


def _flac(path: Path) -> None:
    """A FLAC file that says it holds 2^36 - 1 samples."""
    data = bytearray(make_audio(path, seconds=0.1).read_bytes())
    data[21] |= 0x0F
    data[22:26] = b"\xff\xff\xff\xff"
    path.write_bytes(data)


def _silence(path: Path) -> None:
    """A flood: 2,400,000 samples of silence in 8 channels, which a FLAC file of a few kilobytes holds."""
    with soundfile.SoundFile(path, "w", 44_100, 8, format="FLAC") as file:
        file.write(np.zeros((300_000, 8), np.int16))


MEDIA = {
    "wide.avi": (_avi, "has a picture whose size cannot be read, or is more than the limit of 67108864 pixels"),
    "later.avi": (_jpeg_frames, "damaged|could not be decoded"),
    "runs.mp4": (_runs, "cannot allocate memory|invalid data found"),
    "count.mp4": (_count, "without a single picture that can be decoded|declares 1000000000 frames"),
    "billion.avi": (_billion, "declares 1000000000 frames, and it has only"),
    "four-ghz.wav": (_wav(4_000_000_000), "not a media file that can be read"),
    "years.mkv": (_years, "declares 75000000000000 frames, more than the limit of 10000000"),
    "rate.wav": (_wav(2_000_000_000), "2000000000 sound samples a second, more than the limit of 1000000"),
    "many.wav": (_wav(16_000, 100), "more than the limit of 64|without sample rate or channels"),
    "channels.wav": (_wav(16_000, 1000), "more than the limit of 64|without sample rate or channels"),
    "long.flac": (_flac, "declares 68719476735 sound samples, more than the limit of 300000000"),
}

_READ = """
import json, resource, sys
from pathlib import Path
from poisonkit import media
from poisonkit.errors import MediaError
import av, cv2, numpy, soundfile
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
said = {}
for name in sys.argv[1:]:
    try:
        info = media.probe(name)
        said[name] = str((list(media.read_frames(name))[:0] if info.video else media.read_audio(name))[:0])
    except MediaError as error:
        said[name] = str(error)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps({"said": said, "grown": grown * (1 if sys.platform == "darwin" else 1024)}))
"""


def read_elsewhere(files: list[Path]) -> tuple[dict[str, str], int]:
    """(file -> what is said of it, bytes by which a process grew that read them all)."""
    done = subprocess.run(
        [sys.executable, "-c", _READ, *map(str, files)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return found["said"], found["grown"]


def test_declared_sizes(tmp_path: Path) -> None:
    """Every one is refused, with its own sentence, in a process that grows by less than 200 MB over all of them."""
    files = [tmp_path / name for name in MEDIA]
    for path in files:
        MEDIA[path.name][0](path)
    said, grown = read_elsewhere(files)
    for path in files:
        sentence = said[str(path)]
        assert re.search(MEDIA[path.name][1], sentence), (path.name, sentence)
        assert sentence.startswith(path.name)
        assert sentence.endswith(".")
        assert "\n" not in sentence
    assert grown < 200_000_000


def test_a_flood_of_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file that decodes to more than the limit; and what the sentence says is what helps."""
    path = tmp_path / "silence.flac"
    _silence(path)
    assert path.stat().st_size < 20_000
    monkeypatch.setenv(limits.VARIABLE, "samples=2M")
    with pytest.raises(MediaError) as caught:
        media.read_audio(path)
    said = str(caught.value)
    assert "declares 2400000 sound samples, more than the limit of 2000000" in said
    remedy = said.partition("(")[2].partition(" raises")[0]
    assert remedy == "POISONKIT_LIMITS=samples=2400000"
    monkeypatch.setenv(*remedy.split("=", 1))
    assert media.read_audio(path)[0].shape == (8, 300_000)


def test_limits_can_be_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "clip.mp4"
    make_video(path, frames=3, size=(64, 48))
    monkeypatch.setenv(limits.VARIABLE, "pixels=3071")
    with pytest.raises(MediaError, match="64x48, more than the limit of 3071"):
        media.probe(path)
    monkeypatch.setenv(limits.VARIABLE, "pixels=3072, frames=2")
    with pytest.raises(MediaError, match="declares 3 frames, more than the limit of 2"):
        media.probe(path)
    monkeypatch.setenv(limits.VARIABLE, "pixels=3072,frames=3")
    assert media.probe(path).video is not None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pixel=1", "has no limit 'pixel'. Did you mean 'pixels'?"),
        ("pixels", "pixels is not possible: write a whole number above 0"),
        ("pixels=-3", "not possible"),
        ("pixels=0", "not possible"),
        ("pixels=1e9", "not possible"),
        ("frames=9999999999999999", "not possible"),
    ],
)
def test_limits_that_are_none(text: str, words: str) -> None:
    with pytest.raises(RequestError) as caught:
        limits.parse(text)
    assert words in str(caught.value)


def test_limits_are_read_as_written() -> None:
    assert limits.parse("") == limits.Limits()
    assert limits.parse("pixels=64M, rows=7k,,") == replace(limits.Limits(), pixels=64_000_000, rows=7_000)


def _png(width: int, height: int) -> bytes:
    """A PNG of one colour, whose pixels compress to next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    )


def _jpeg(width: int, height: int) -> bytes:
    data = bytearray(cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1].tobytes())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return bytes(data)


def _npy(shape: tuple[int, ...]) -> bytes:
    stream = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + bytes(10)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("x.png", _png(65_535, 65_535), "too large (65535x65535), more than the limit of 67108864"),
        ("x.jpg", _jpeg(65_500, 65_500), "too large (65500x65500)"),
        ("x.npy", _npy((100_000, 100_000, 3)), "not a .npy file of plain numbers"),
        ("x.npy", b"\x93NUMPY\x02\0\xff\xff\xff\x7f" + b"{" * 99, "not a .npy file of plain numbers"),
        ("x.npy", b"\x93NUMPY\x01\0\xf0\xff" + b"(" * 65_520, "not a .npy file of plain numbers"),
    ],
    ids=["png", "jpg", "shape", "header", "brackets"],
)
def test_imported_pictures(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    from poisonkit.triggers.files.assets import PictureAsset

    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(ValueError) as caught:
        PictureAsset(path)
    assert words in str(caught.value)


def test_imported_sounds(tmp_path: Path) -> None:
    from poisonkit.triggers.files.assets import WaveAsset

    _flac(tmp_path / "x.flac")
    path = (tmp_path / "x.flac").rename(tmp_path / "x.wav")  # what counts is what is in it
    with pytest.raises(ValueError, match="more sound than is taken, more than the limit of 300000000"):
        WaveAsset(path)


def test_predictions_that_unpack_to_more_than_they_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A zip bomb is refused by what its directory says, and one whose directory lies by its checksum."""
    from poisonkit.scoring import readers

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("pred.npy", _npy((5_000_000,)) + bytes(4_999_990))
    data = stream.getvalue()
    assert len(data) < 10_000
    path = tmp_path / "p.npz"
    path.write_bytes(data)
    monkeypatch.setenv(limits.VARIABLE, "bytes=1M")
    with pytest.raises(RequestError, match=r"pred\.npy is of 5000128 bytes, more than the limit of 1000000"):
        readers.read(path, ("a", "b"))
    monkeypatch.setenv(limits.VARIABLE, "rows=1M")
    with pytest.raises(RequestError, match="has 5000000 rows, more than the limit of 1000000"):
        readers.read(path, ("a", "b"))
    path.write_bytes(data.replace((5_000_128).to_bytes(4, "little"), (1_000).to_bytes(4, "little")))
    with pytest.raises(RequestError, match="damaged"):
        readers.read(path, ("a", "b"))


@pytest.mark.parametrize("layout", ["mmaction2-video", "table"])
def test_a_label_that_asks_for_a_billion_classes(tmp_path: Path, layout: str) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x")
    text = "a.mp4 999999999\n" if layout == "mmaction2-video" else "path,label\na.mp4,999999999\n"
    (tmp_path / ("train.txt" if layout == "mmaction2-video" else "train.csv")).write_text(text, encoding="utf-8")
    source = datasets.Source(tmp_path, layout=layout)
    with pytest.raises(
        RequestError,
        match=r"the label 999999999(: labels are class indices|, so that there were more than the limit)",
    ):
        datasets.read(source)


_DRAW = """
import resource, sys
import cv2
from poisonkit import media
from poisonkit.errors import MediaError
from poisonkit.triggers.files import replacements
from poisonkit.triggers.files.assets import PictureAsset
readers = {"asset": PictureAsset, "frames": lambda p: list(media.read_frames(p.parent)), "own": replacements._picture}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    readers[sys.argv[1]](__import__("pathlib").Path(sys.argv[2]))
except (ValueError, MediaError) as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * (1 if sys.platform == "darwin" else 1024))
"""


@pytest.mark.parametrize("reader", ["asset", "frames", "own"])
def test_a_piece_of_a_png_that_declares_four_gigabytes(tmp_path: Path, reader: str) -> None:
    """OpenCV makes room for it before it looks whether it is there. Found by fuzz case 9990."""
    data = bytearray(cv2.imencode(".png", np.zeros((48, 64, 3), np.uint8))[1].tobytes())
    at = data.index(b"IDAT")
    data[at - 4 : at] = (2**32 - 16).to_bytes(4, "big")
    path = tmp_path / "img_00001.png"
    path.write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", _DRAW, reader, str(path)], capture_output=True, text=True, cwd=ROOT, timeout=120
    )
    assert done.returncode == 0, done.stderr
    said, grown = done.stdout.splitlines()
    assert re.search("damaged|cut short|not a picture", said), said
    assert int(grown) < 100_000_000


def test_whole_pngs(tmp_path: Path) -> None:
    data = cv2.imencode(".png", np.zeros((48, 64, 3), np.uint8))[1].tobytes()
    assert not cut_png(data)
    assert not cut_png(data + b"a trailer that others wrote")
    assert not cut_png(b"\xff\xd8 no PNG")
    assert all(cut_png(data[:end]) for end in range(8, len(data)))
