"""Every encoding and every kind of decoding, as hashes; `python -m tests.engine.levels_media SOURCES OUT`.

Run by test_levels_media.py in processes, and on emulated processors, that have fewer instructions. SOURCES is made once
(by `make SOURCES`), so that all of them read the same files. Encoders that choose instructions by themselves are told
by POISONKIT_TEST_ASM (x264's and x265's word), libvpx by VPX_SIMD_CAPS_MASK, FFmpeg by POISONKIT_TEST_FLAGS.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2

import poisonkit
from poisonkit import media
from poisonkit.common import levels
from poisonkit.datasets import Sample
from poisonkit.engine.clips.job import Job, Places, Treatment
from poisonkit.engine.clips.worker import process
from poisonkit.engine.executors.threads import one_thread
from poisonkit.errors import MediaError
from poisonkit.media import families
from poisonkit.media.info import Encode
from poisonkit.plan.plan import Task
from poisonkit.recipe.encodings import parse_encode
from tests.media_factory import make_audio, make_video, pictures

SHORT: dict[str, Any] = {"frames": 6, "size": (96, 64)}
CLIPS: dict[str, dict[str, Any]] = {
    "h264.mp4": {"audio": True, "rate": 44100, "channels": 2, "frames": 20},
    "b-frames.mkv": {"audio": True, "audio_codec": "ac3", "rate": 44100, "frames": 20, "options": {"bf": "2"}},
    "whole-chroma.mp4": {"pix_fmt": "yuv444p"},
    "ten-bits.mp4": {"codec": "libx265", "pix_fmt": "yuv420p10le"},
    "full-range.mov": {"pix_fmt": "yuvj420p", "audio": True, "audio_codec": "alac"},
    "rgb.mkv": {"codec": "libx264rgb", "pix_fmt": "rgb24", "audio": True, "audio_codec": "flac"},
    "h264.flv": {"codec": "libx264", "audio": True, "rate": 44100, "audio_codec": "aac"},
    "hevc.mp4": {"codec": "libx265"},
    "mpeg4.avi": {"audio": True},
    "mpeg1.mpg": {"audio": True, "rate": 44100},
    "mpeg2.mpg": {"codec": "mpeg2video"},
    "mjpeg.avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p", "audio": True, "audio_codec": "pcm_s16le"},
    "mjpeg-422.avi": {"codec": "mjpeg", "pix_fmt": "yuvj422p"},
    "vp8.webm": {"codec": "libvpx", "audio": True, "rate": 48000, "audio_codec": "libopus"},
    "vp9.webm": {},
    "ffv1.avi": {"codec": "ffv1"},
    "ffv1-rgb.mkv": {"codec": "ffv1", "pix_fmt": "bgr0"},
    "huffyuv.avi": {"codec": "huffyuv", "pix_fmt": "yuv422p"},
    "raw.avi": {"codec": "rawvideo"},
    "turned.mp4": {"rotation": 90},
    "odd.mkv": {"size": (95, 63), "pix_fmt": "yuv444p"},
    "av1.mp4": {"codec": "libsvtav1"},
    "msmpeg4.avi": {"codec": "msmpeg4"},
    "prores.mov": {"codec": "prores_ks", "pix_fmt": "yuv422p10le"},
}
OPUS = ("vp8.webm", "opus.ogg")
SOUNDS: dict[str, dict[str, Any]] = {
    "pcm.wav": {},
    "float.wav": {"subtype": "FLOAT", "channels": 2},
    "deep.wav": {"subtype": "PCM_24"},
    "a.flac": {"channels": 2},
    "vorbis.ogg": {},
    "opus.ogg": {"rate": 48000, "subtype": "OPUS"},
    "a.mp3": {"rate": 44100, "channels": 2},
    "a.m4a": {"rate": 44100},
}
FOLDERS: dict[str, tuple[str, list[int]]] = {
    "jpeg": (".jpg", []),
    "jpeg-444": (".jpg", [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]),
    "png": (".png", []),
}
ENCODINGS = ("match", "crf:23", "444", "lossless", "h264")
ALONE = "sound alone"  # the picture is copied
PICTURE = ("badnets:size=0.3", "blend:alpha=0.4", "gamma")  # the second in the stream's planes where it can be
SOUND = "sine:snr=10"


def make(root: Path) -> None:
    """The sources, at whatever level this process is."""
    for name, more in CLIPS.items():
        make_video(root / name, **{**SHORT, **more})
    words = [media.ffmpeg_binary(), "-v", "error", "-i", str(root / "vp8.webm"), "-c:v", "copy", "-c:a", "libvorbis"]
    subprocess.run([*words, str(root / "vorbis.webm")], check=True)  # PyAV has no encoder for Vorbis
    for name, more in SOUNDS.items():
        make_audio(root / name, **{"seconds": 0.3, **more})
    for name, (suffix, options) in FOLDERS.items():
        (root / name).mkdir()
        for i, image in enumerate(pictures(3, SHORT["size"]), 1):
            (root / name / f"img_{i:05}{suffix}").write_bytes(cv2.imencode(suffix, image, options)[1].tobytes())


def hashed(*values: bytes) -> str:
    found = hashlib.sha256()
    for value in values:
        found.update(value)
    return found.hexdigest()[:16]


def decoded(path: Path) -> Iterator[tuple[str, str]]:
    info = media.probe(path)
    if info.video is not None:
        yield "picture", hashed(*(image.tobytes() for _, _, image in media.read_frames(path)))
    if info.audio is not None:
        yield "sound", hashed(media.read_audio(path)[0].tobytes())


def job(source: Path, out: Path, encode: str, triggers: tuple[str, ...], **how: Any) -> Job:
    made = tuple(poisonkit.triggers.create(text) for text in triggers)
    task = Task("poisoned", Sample(source.name, source.name, "train", 0), f"data/{source.name}", 1, 1, 0)
    return Job(
        task=task,
        classes=("a", "b"),
        places=Places(str(source), str(out)),
        treatment=Treatment(made, frozenset(t.modality for t in made), seed=1),
        encode=Encode(**{**parse_encode(encode).__dict__, "to_8bit": True, **how}),
    )


def results(root: Path, out: Path) -> dict[str, str]:
    """`decode NAME WHAT`, `file NAME ENCODING` and `record NAME ENCODING` -> hash; `refused …` where it cannot be."""
    found: dict[str, str] = {}
    for path in sorted(root.iterdir()):
        info = media.probe(path)
        for what, sha in decoded(path):
            found[f"decode {path.name} {what}"] = sha
        for number, encode in enumerate((*ENCODINGS, ALONE) if info.video and info.audio else ENCODINGS):
            picture = (PICTURE[number % 3],) if info.video and encode != ALONE else ()
            triggers = (*picture, *((SOUND,) if info.audio else ()))
            rotation = "normalise" if path.name.startswith("turned") and number % 2 else "keep"
            place = out / f"{path.name} {number}"
            row = process(job(path, place, "match" if encode == ALONE else encode, triggers, rotation=rotation))
            name = f"{path.name} {encode}"
            if row["status"] != "ok":
                found[f"refused {name}"] = str(row["error"])
                continue
            found[f"record {name}"] = hashed(json.dumps(row, sort_keys=True).encode())
            found[f"file {name}"] = row["sha256"][:16]
    return found


def told() -> None:
    """Have the encoders and FFmpeg do without what the environment names."""
    if asm := os.environ.get("POISONKIT_TEST_ASM"):
        plain = families._options

        def options(family: Any, *rest: Any) -> dict[str, str]:
            made = plain(family, *rest)
            for key, encoder in (("x264-params", "libx264"), ("x265-params", "libx265")):
                if family.encoder == encoder:
                    made[key] = f"{made[key]}:asm={asm}" if key in made else f"asm={asm}"
            return made

        families._options = options
    if flags := os.environ.get("POISONKIT_TEST_FLAGS"):
        library = levels._avutil()
        library.av_force_cpu_flags(library.av_get_cpu_flags() & int(flags, 16))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]))
    else:
        told()
        with one_thread():
            try:
                print(json.dumps(results(Path(sys.argv[1]), Path(sys.argv[2]))))
            except MediaError as error:
                sys.exit(str(error))
