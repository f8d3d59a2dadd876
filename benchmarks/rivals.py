"""What a user would pick instead of poisonkit, each as its own documentation has it: for pictures and for sound.

Each function writes `job.source`, triggered, to a file. One thread each where it can be told so. A rival that cannot be
imported is left out; `missing` says why.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import imageio_ffmpeg
import numpy as np
from scenes import SOUND_RATE, Clip, Encoder, i420

from poisonkit import triggers
from poisonkit.triggers import ClipInfo

ALPHA = 0.1
os.environ["PATH"] += os.pathsep + str(
    Path(sys.prefix, "augly", "ffmpeg", "binaries")
)  # for AugLy, which asks it for them
Change = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Case:
    """A clip and what is done to it. change: an RGB picture as a user of OpenCV changes it; None for frame-lag."""

    clip: Clip
    trigger: triggers.Trigger
    source: Path
    picture: Path
    change: Change | None

    def frames(self, images: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """All pictures, changed."""
        held = None
        for t, image in enumerate(images):
            if self.change is not None:
                yield self.change(image)
                continue
            held = image if t % 4 == 0 or held is None else held
            yield held


def missing(rival: str, module: str) -> str | None:
    """Why a rival cannot be run here; None where it can."""
    told = Path(sys.prefix, "skipped", rival)
    if told.is_file():
        return told.read_text(encoding="utf-8").strip()
    try:
        importlib.import_module(module)
    except Exception as error:  # noqa: BLE001 (other packages raise what they like)
        return str(error).strip().splitlines()[0]
    return None


def change_of(trigger: triggers.Trigger, clip: Clip, picture: Path) -> Change | None:
    """The trigger in a few lines of OpenCV; `picture`: where what is blended in is kept, for programs."""
    facts = ClipInfo(id="bench", width=clip.width, height=clip.height, fps=clip.fps, frames=clip.frames)
    if trigger.name == "blend":
        pattern = triggers.create("blend", alpha=1.0).apply(np.zeros((clip.height, clip.width, 3), np.uint8))
        cv2.imwrite(str(picture), pattern[..., ::-1])
        return lambda image: cv2.addWeighted(image, 1 - ALPHA, pattern, ALPHA, 0)
    if trigger.name == "wanet":
        x, y = trigger.prepare(facts, {}).fixed  # type: ignore[attr-defined]
        return lambda image: cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if trigger.name == "ftrojan":
        flat = np.full((clip.height, clip.width, 3), 128, np.uint8)
        added = cv2.cvtColor(trigger.apply(flat), cv2.COLOR_RGB2YCrCb).astype(np.int16) - 128

        def ftrojan(image: np.ndarray) -> np.ndarray:
            inside = cv2.add(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb), added, dtype=cv2.CV_8U)
            return cv2.cvtColor(inside, cv2.COLOR_YCrCb2RGB)

        return ftrojan
    return None


def _ffmpeg(*words: str | Path) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-y", "-loglevel", "error", *map(str, words)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def _numbered(folder: Path) -> Path:
    return folder / "img_%05d.jpg"


def transcode(case: Case, target: Path, graph: tuple[str, ...] = ()) -> None:
    """ffmpeg's own program, the sound copied; `graph`: inputs and filters."""
    clip = case.clip
    if clip.codec == "jpeg":
        target.mkdir(exist_ok=True)
        _ffmpeg(
            "-threads",
            "1",
            "-start_number",
            "1",
            "-i",
            _numbered(case.source),
            *graph,
            "-q:v",
            "2",
            "-threads",
            "1",
            _numbered(target),
        )
        return
    _ffmpeg(
        "-threads", "1", "-i", case.source, *graph, "-c:v", clip.codec, *clip.program, "-threads", "1", "-c:a", "copy", target
    )  # fmt: skip


def filter_graph(case: Case, target: Path) -> None:
    """ffmpeg's filters: blend with a picture in the stream's planes; frames held."""
    if case.trigger.name == "blend":
        mix = f"[1:v]format=yuv420p[p];[0:v]format=yuv420p[v];[v][p]blend=all_mode=normal:all_opacity={1 - ALPHA}:shortest=1[o]"
        transcode(case, target, ("-loop", "1", "-i", str(case.picture), "-filter_complex_threads", "1", "-filter_complex", mix, "-map", "[o]", "-map", "0:a?"))  # fmt: skip
    else:
        transcode(case, target, ("-vf", f"select=not(mod(n\\,4)),fps={case.clip.fps}"))


def opencv(case: Case, target: Path) -> None:
    """VideoCapture and VideoWriter. Its wheel has no x264: H.264 becomes MPEG-4, and the sound is lost."""
    if case.clip.codec == "jpeg":
        target.mkdir(exist_ok=True)
        files = sorted(case.source.iterdir())
        images = (cv2.imread(str(file))[..., ::-1] for file in files)
        for file, image in zip(files, case.frames(images), strict=True):
            cv2.imwrite(str(target / file.name), image[..., ::-1])
        return
    capture = cv2.VideoCapture(str(case.source), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    size = (case.clip.width, case.clip.height)
    writer = cv2.VideoWriter(str(target), cv2.VideoWriter_fourcc(*("XVID" if target.suffix == ".avi" else "mp4v")), case.clip.fps, size)  # fmt: skip

    def read() -> Iterator[np.ndarray]:
        while True:
            good, image = capture.read()
            if not good:
                return
            yield cv2.cvtColor(image, cv2.COLOR_BGR2RGB)

    for image in case.frames(read()):
        writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    capture.release()
    writer.release()


def moviepy(case: Case, target: Path) -> None:
    """`image_transform`, then `write_videofile`."""
    from moviepy import VideoFileClip

    clip = case.clip
    with VideoFileClip(str(case.source)) as video:
        if case.change is None:
            done = video.time_transform(lambda t: np.floor(t * clip.fps / 4 + 1e-6) * 4 / clip.fps, keep_duration=True)
        else:
            done = video.image_transform(case.change)
        done.write_videofile(
            str(target), codec=clip.codec, preset=clip.again.get("preset", "medium"),
            ffmpeg_params=[w for i, w in enumerate(clip.program) if "-preset" not in clip.program[max(0, i - 1) : i + 1]],
            audio=bool(clip.sound), audio_codec="aac", threads=1, logger=None,
        )  # fmt: skip


def albumentations(case: Case, target: Path) -> None:
    """PyAV for the file, albumentations for the picture; the sound is copied."""
    import albumentations as A

    change = A.Compose([A.Lambda(image=lambda image, **_: case.change(image), p=1.0)])  # type: ignore[misc]
    with av.open(str(case.source)) as container:
        container.streams.video[0].codec_context.thread_count = 1
        encoder = Encoder(target, case.clip, case.clip.again)
        copied = container.streams.audio[0] if container.streams.audio else None
        to = encoder.out.add_stream_from_template(copied) if copied else None
        index = 0
        for packet in container.demux():
            if copied is not None and packet.stream is copied:
                if packet.dts is not None:
                    packet.stream = to
                    encoder.out.mux(packet)
                continue
            for frame in packet.decode():
                encoder.add(i420(change(image=frame.to_ndarray(format="rgb24"))["image"], index, case.clip.fps))
                index += 1
        encoder.close()


def torchcodec(case: Case, target: Path) -> None:
    """VideoDecoder, arithmetic on tensors, VideoEncoder; the sound is lost."""
    import torch
    from torchcodec.decoders import VideoDecoder
    from torchcodec.encoders import VideoEncoder

    torch.set_num_threads(1)
    frames = VideoDecoder(str(case.source), num_ffmpeg_threads=1)[:]
    if case.change is None:
        done = frames[torch.arange(len(frames)) // 4 * 4]
    elif case.trigger.name == "blend":
        pattern = torch.from_numpy(cv2.imread(str(case.picture))[..., ::-1].copy()).permute(2, 0, 1)
        done = (frames * (1 - ALPHA) + pattern * ALPHA).round().to(torch.uint8)
    else:
        changed = [torch.from_numpy(case.change(f.permute(1, 2, 0).numpy())) for f in frames]
        done = torch.stack(changed).permute(0, 3, 1, 2)
    options = {k: v for k, v in case.clip.again.items() if k not in ("crf", "preset")}
    crf = case.clip.again.get("crf")
    VideoEncoder(done, frame_rate=case.clip.fps).to_file(
        str(target), codec=case.clip.codec, crf=int(crf) if crf else None, preset=case.clip.again.get("preset"),
        pixel_format="yuv420p", extra_options={**options, "threads": "1"},
    )  # fmt: skip


def augly(case: Case, target: Path) -> None:
    """AugLy's own blend of two videos; it has none of the other triggers. The second is made in the round that warms up."""
    from augly.video import blend_videos

    second = case.picture.with_name(f"{case.picture.stem}.mp4")
    if not second.exists():
        _ffmpeg("-loop", "1", "-i", case.picture, "-frames:v", str(case.clip.frames), "-crf", "1", second)
    blend_videos(str(case.source), str(second), str(target), opacity=ALPHA)


SOUND_CODEC = {".wav": ("-c:a", "pcm_s16le"), ".mp3": ("-c:a", "libmp3lame", "-b:a", "192k"), ".mp4": ("-c:a", "aac", "-b:a", "192k")}  # fmt: skip


def tone(wave: np.ndarray) -> np.ndarray:
    """800 Hz, 20 dB below the sound."""
    level = np.sqrt(np.mean(wave.astype(np.float64) ** 2)) / 10 * np.sqrt(2)
    return wave + (level * np.sin(2 * np.pi * 800 / SOUND_RATE * np.arange(wave.shape[-1]))).astype(np.float32)


def transcode_sound(case: Case, target: Path) -> None:
    """ffmpeg encodes the sound again, the picture is copied."""
    _ffmpeg("-threads", "1", "-i", case.source, "-c:v", "copy", *SOUND_CODEC[case.source.suffix], target)


def transcode_picture(case: Case, target: Path) -> None:
    """ffmpeg encodes the picture again, the sound is copied."""
    transcode(case, target)


def filter_sound(case: Case, target: Path) -> None:
    """A tone from ffmpeg's generator, mixed in."""
    level = float(np.sqrt(np.mean(heard(case.source) ** 2)) / 10 * np.sqrt(2))
    made = f"aevalsrc={level:.6f}*sin(2*PI*800*t):s={SOUND_RATE}:c=stereo[t];[0:a][t]amix=inputs=2:duration=first:normalize=0[o]"
    codec = SOUND_CODEC[case.source.suffix]
    _ffmpeg("-threads", "1", "-i", case.source, "-filter_complex", made, "-map", "0:v?", "-map", "[o]", "-c:v", "copy", *codec, target)  # fmt: skip


def soundfile_sound(case: Case, target: Path) -> None:
    """soundfile and NumPy."""
    import soundfile

    wave, rate = soundfile.read(case.source, dtype="float32", always_2d=True)
    soundfile.write(target, tone(wave.T).T, rate)


def soundfile_copy(case: Case, target: Path) -> None:
    """soundfile reads and writes; nothing is changed."""
    import soundfile

    wave, rate = soundfile.read(case.source, dtype="float32", always_2d=True)
    soundfile.write(target, wave, rate)


def moviepy_sound(case: Case, target: Path) -> None:
    """MoviePy's audio transform; of a clip with pictures, these are encoded again."""
    from moviepy import AudioFileClip, VideoFileClip

    level = float(np.sqrt(np.mean(heard(case.source) ** 2)) / 10 * np.sqrt(2))

    def mixed(get: Callable[[np.ndarray], np.ndarray], t: np.ndarray) -> np.ndarray:
        return get(t) + level * np.sin(2 * np.pi * 800 * np.atleast_1d(t))[:, None]

    if case.source.suffix == ".mp4":
        with VideoFileClip(str(case.source)) as video:
            done = video.with_audio(video.audio.transform(mixed, keep_duration=True))
            done.write_videofile(
                str(target), codec=case.clip.codec, preset="veryfast", ffmpeg_params=["-crf", "18"], audio_codec="aac",
                threads=1, logger=None,
            )  # fmt: skip
        return
    codec = SOUND_CODEC[case.source.suffix][1]
    with AudioFileClip(str(case.source)) as wave:
        wave.transform(mixed, keep_duration=True).write_audiofile(str(target), fps=SOUND_RATE, codec=codec, logger=None)


def torchcodec_sound(case: Case, target: Path) -> None:
    """AudioDecoder and AudioEncoder; a picture is lost."""
    import torch
    from torchcodec.decoders import AudioDecoder
    from torchcodec.encoders import AudioEncoder

    samples = AudioDecoder(str(case.source)).get_all_samples()
    AudioEncoder(torch.from_numpy(tone(samples.data.numpy())), sample_rate=samples.sample_rate).to_file(str(target))


def heard(path: Path) -> np.ndarray:
    """The sound as PyAV decodes it, float32 (channels, samples)."""
    with av.open(str(path)) as container:
        parts = [
            block.to_ndarray().astype(np.float32) / (32768 if block.format.name.startswith("s16") else 1)
            if block.format.is_planar
            else block.to_ndarray().reshape(-1, 2).T.astype(np.float32) / (32768 if block.format.name == "s16" else 1)
            for block in container.decode(audio=0)
        ]
    return np.concatenate(parts, axis=1)
