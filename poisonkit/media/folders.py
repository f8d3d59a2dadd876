"""Frame folders: a clip as numbered JPEG or PNG pictures in a folder of its own, as MMAction2's RawframeDataset has it.

They have no clock: `FPS` is taken where a trigger wants seconds. They are decoded as mmcv does it, by OpenCV into 8-bit
colour, whatever a file says of itself beside that.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from poisonkit.common.atomic import beside, writing
from poisonkit.common.frame_names import Frames, are_picked, numbered, picked
from poisonkit.common.image_headers import ImageHeader, cut_short, image_header
from poisonkit.common.limits import excess
from poisonkit.common.run_claim import step
from poisonkit.common.safe_io import open_plain
from poisonkit.errors import CheckError, MediaError, RequestError
from poisonkit.media import on_disk
from poisonkit.media.check import Inspector
from poisonkit.media.colour import Image, checked
from poisonkit.media.converting import Conversion
from poisonkit.media.files import name_of, reason
from poisonkit.media.info import FOLDER, Encode, MediaInfo, Problem, VideoStream, Written
from poisonkit.media.probing import StreamChoice, picture_blocks

FPS = Fraction(25)
QUALITY = 95  # of JPEG frames that are written, on libjpeg's scale of 1 to 100

_SAMPLING = {  # pixel format of a JPEG -> OpenCV's IMWRITE_JPEG_SAMPLING_FACTOR
    "yuvj420p": 0x221111,
    "yuvj422p": 0x211111,
    "yuvj440p": 0x121111,
    "yuvj411p": 0x411111,
    "yuvj444p": 0x111111,
}


def frames_of(folder: str | Path) -> Frames:
    """The frames of a folder. MediaError where they are not those of one clip: see `numbered` and `picked`."""
    try:
        return (picked if are_picked(os.fspath(folder)) else numbered)(os.listdir(folder))
    except ValueError as what:
        raise MediaError(f"{name_of(folder)} {what}.") from None
    except OSError as error:
        raise MediaError(f"{name_of(folder)} cannot be opened: {reason(error)}.") from error


def probe(folder: str | Path, stream: StreamChoice = "best") -> MediaInfo:
    """What a frame folder holds, by the names of its frames, their sizes in bytes and the first one's header.

    MediaError where the frames are not those of one clip, where one is empty, and where the first is no picture.
    """
    folder = Path(folder)
    frames = frames_of(folder)
    if over := excess("frames", len(frames.names)):
        raise MediaError(f"{name_of(folder)} holds {len(frames.names)} frames, {over}.")
    if str(stream) not in ("best", "0"):
        raise RequestError(f"{name_of(folder)} has no video or audio stream {stream} (it has: 0).")
    for name in frames.names:
        try:
            empty = os.stat(folder / name).st_size == 0
        except OSError as error:
            raise MediaError(f"{name_of(folder)}: frame '{name}' cannot be opened: {reason(error)}.") from error
        if empty:
            raise MediaError(f"{name_of(folder)}: frame '{name}' is empty (0 bytes).")
    data = _bytes(folder, frames.names[0])
    head = _head(folder, frames.names[0], data)
    first = _decoded(data, f"{name_of(folder)}: frame '{frames.names[0]}'")  # EXIF may turn it
    video = VideoStream(
        index=0,
        codec=head.codec,
        width=first.shape[1],
        height=first.shape[0],
        pix_fmt=head.pix_fmt,
        bit_depth=head.bits,
        fps=FPS,
        time_base=1 / FPS,
        declared_frames=len(frames.names),
        rotation=0,
        sample_aspect_ratio=Fraction(1),
        colorspace="",
        color_range="pc",
        bit_rate=None,
    )
    return MediaInfo(FOLDER, float(len(frames.names) / FPS), video, None, problems=tuple(_problems(frames, video)))


def _problems(frames: Frames, video: VideoStream) -> Iterator[Problem]:
    if frames.first == 0 and frames.template:
        message = "its frames are numbered from 0: MMAction2's RawframeDataset needs start_index=0, else it misses one."
        yield Problem("zero-based", message)
    if frames.other:
        message = f"it holds files that are no frames (the first: '{frames.other[0]}'), which a copy leaves out."
        yield Problem("other-files", message)
    yield from picture_blocks(video)


def scan(folder: str | Path) -> tuple[Problem, ...]:
    """What only shows when every frame's header is read. MediaError for a frame that is no picture."""
    folder = Path(folder)
    names = frames_of(folder).names
    found = []
    heads = {name: _head(folder, name, _bytes(folder, name, 1 << 16)) for name in names}
    sizes = {(head.width, head.height): name for name, head in reversed(heads.items())}
    if len(sizes) > 1:
        (one, first), (two, second) = sorted(sizes.items(), key=lambda each: names.index(each[1]))[:2]
        message = f"its frames have {len(sizes)} sizes ('{first}' is {one[0]}x{one[1]}, '{second}' {two[0]}x{two[1]})."
        found.append(Problem("mixed-sizes", message, blocks=True))
    if len(names) == 1:
        found.append(Problem("one-frame", "it has a single frame: triggers that live from motion do nothing to it."))
    return tuple(found)


def refusals(info: MediaInfo, encode: Encode) -> tuple[Problem, ...]:
    """Why a frame folder cannot be rewritten with this encoding; empty when it can."""
    assert info.video is not None
    found = picture_blocks(info.video, encode)
    if encode.mode not in ("match", "lossless"):
        message = f"frame folders hold pictures, and {encode.mode} is a way to encode video."
        found.append(Problem("encode", message, "--encode match or --encode lossless", blocks=True))
    return tuple(found)


def read_frames(folder: str | Path, stream: StreamChoice = "best") -> Iterator[tuple[int, float, Image]]:
    """(index, seconds, uint8 RGB (height, width, 3)) of every frame, as `media.read_frames` gives them for a file.

    MediaError for a frame that is damaged, cut short, or of another size than the first.
    """
    folder = Path(folder)
    info = probe(folder, stream)
    assert info.video is not None
    size = (info.video.width, info.video.height)
    for index, image in enumerate(_pictures(folder, frames_of(folder).names, size)):
        yield index, float(index / FPS), image


def _pictures(folder: Path, names: tuple[str, ...], size: tuple[int, int]) -> Iterator[Image]:
    for name in names:
        image = _decoded(_bytes(folder, name), f"{name_of(folder)}: frame '{name}'")
        has = (image.shape[1], image.shape[0])
        if has != size:
            raise MediaError(
                f"{name_of(folder)}: frame '{name}' is {has[0]}x{has[1]} and the first is {size[0]}x{size[1]}."
            )
        yield image


def count(folder: str | Path) -> tuple[int, int]:
    """(frames, 0), every frame decoded once. MediaError as `read_frames`."""
    return sum(1 for _ in read_frames(folder)), 0


def rewrite(
    source: Path,
    destination: Path,
    *,
    video: Callable[[Iterator[Image]], Iterator[Image]],
    what: Conversion,
    encode: Encode,
    inspect: Inspector | None,
    info: MediaInfo,
    resize: bool = False,
) -> Written:
    """`media.rewrite` of a frame folder: a folder that appears all at once, frame by frame decoded back and compared.

    match: JPEG at quality 95 with the first frame's chroma sampling, or PNG, as the source has them, under the same
    names (resize: more of them are numbered on). lossless: PNG, whose pixels are the triggered ones exactly.
    Modification times are the source's.
    """
    assert info.video is not None
    frames = frames_of(source)
    suffix, options = _target(info.video, encode, Path(frames.names[0]).suffix)
    size = (info.video.width, info.video.height)
    images = _pictures(source, frames.names, size)
    digests: dict[str, str] = {}
    written = 0
    with _replacing(destination, source) as made:
        index = -1
        for index, (name, image) in enumerate(zip_longest(frames.names, video(images))):
            if resize and image is None:
                index -= 1
                break
            if resize and name is None and frames.template:
                name = frames.template.format(frames.first + index)
            if name is None or image is None:
                much = "more" if name is None else "fewer"
                raise MediaError(f"{name_of(source)}: {much} frames came back than went in.")
            image = checked(image, *size, index)
            file = made / (name if suffix is None else f"{Path(name).stem}{suffix}")
            file.write_bytes(_encoded(image, file.suffix, options, name_of(source)))
            data = file.read_bytes()
            digests[file.name], written = hashlib.sha256(data).hexdigest(), written + len(data)
            label, exact = f"{name_of(destination)}: frame '{file.name}'", file.suffix.lower() == ".png"
            back = _read_back(data, image, exact, label)
            if inspect is not None and inspect.wants(index):
                inspect.frame(index, back)
            status = os.stat(source / frames.names[min(index, len(frames.names) - 1)])
            os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
        if not index + 1 or len(os.listdir(made)) != index + 1:
            raise CheckError(f"{name_of(destination)} was written but is wrong: it lacks frames.")
        return Written(
            container=FOLDER,
            frames=index + 1,
            width=size[0],
            height=size[1],
            fps=float(FPS),
            video_codec="png" if (suffix or Path(frames.names[0]).suffix).lower() == ".png" else "jpeg",
            samples=0,
            sample_rate=0,
            channels=0,
            audio_codec="",
            dropped=(),
            sha256=on_disk.of_frames(digests),
            bytes=written,
            converted=what.words,
        )


def _target(video: VideoStream, encode: Encode, suffix: str) -> tuple[str | None, list[int]]:
    """(the suffix that frames get, None: their own; OpenCV's options)."""
    import cv2

    if encode.mode == "lossless" or suffix.lower() == ".png":
        return (None if suffix.lower() == ".png" else ".png"), []
    sampling = _SAMPLING.get(video.pix_fmt, _SAMPLING["yuvj420p"])
    return None, [cv2.IMWRITE_JPEG_QUALITY, QUALITY, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]


def _encoded(image: Image, suffix: str, options: list[int], label: str) -> bytes:
    import cv2

    good, data = cv2.imencode(suffix.lower(), cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    if not good:
        raise MediaError(f"{label}: a frame could not be encoded as {suffix[1:].upper()}.")
    return data.tobytes()


def _read_back(data: bytes, image: Image, exact: bool, label: str) -> Image:
    try:
        back = _decoded(data, label)
    except MediaError as error:
        raise CheckError(f"{label} was written but is wrong when decoded: {error}") from error
    if back.shape != image.shape or (exact and not np.array_equal(back, image)):
        raise CheckError(f"{label} was written but is wrong when decoded: it is another picture.")
    return back


@contextlib.contextmanager
def _replacing(destination: Path, source: Path) -> Iterator[Path]:
    """A new folder beside `destination`; moved to its name when the body succeeds, removed otherwise."""
    made = beside(destination)
    with writing(made):
        try:
            with step():
                made.mkdir()
            yield made
            status = os.stat(source)
            os.utime(made, ns=(status.st_atime_ns, status.st_mtime_ns))
            on_disk.put(made, destination)
        except OSError as error:
            raise MediaError(f"{name_of(destination)} could not be written ({reason(error)}).") from error


def _bytes(folder: Path, name: str, most: int = -1) -> bytes:
    try:
        with open_plain(folder / name) as file:
            return file.read(most)
    except OSError as error:
        raise MediaError(f"{name_of(folder)}: frame '{name}' cannot be opened: {reason(error)}.") from error


def _decoded(data: bytes, label: str) -> Image:
    """uint8 RGB (height, width, 3). MediaError for what is no whole JPEG or PNG."""
    import cv2

    if cut_short(data) or (head := image_header(data)) is None:
        raise MediaError(f"{label} is cut short, or neither JPEG nor PNG.")
    if over := excess("pixels", head.width * head.height):
        raise MediaError(f"{label} declares a picture of {head.width}x{head.height}, {over}.")
    image: Any = None
    with contextlib.suppress(cv2.error):
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise MediaError(f"{label} is damaged: it cannot be decoded.")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _head(folder: Path, name: str, data: bytes) -> ImageHeader:
    head = image_header(data)
    if head is None:
        raise MediaError(f"{name_of(folder)}: frame '{name}' is neither JPEG nor PNG.")
    return head
