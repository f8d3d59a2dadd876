"""Decoders of files, which know nothing of labels: torchcodec, decord, PyAV, OpenCV."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.consumers.seen import Image, Seen
from tests.datasets.making import Shown

Pictures = NDArray[np.uint8]
"""RGB (frames, height, width, 3)."""


def by_torchcodec(source: str | bytes) -> Pictures:
    from torchcodec.decoders import VideoDecoder

    return rgb(VideoDecoder(source))


def rgb(decoder: Any) -> Pictures:
    """Everything that a torchcodec decoder has."""
    return np.asarray(decoder[:].permute(0, 2, 3, 1))


def by_decord(file: str) -> Pictures:
    import decord

    video = decord.VideoReader(file, num_threads=1)
    return np.asarray(video.get_batch(range(len(video))).asnumpy())


def by_pyav(file: str) -> Pictures:
    import av

    with av.open(file) as found:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in found.decode(video=0)])


def by_opencv(file: str) -> Pictures:
    import cv2

    capture = cv2.VideoCapture(file)
    found: list[Image] = []
    while True:
        there, image = capture.read()
        if not there:
            return np.stack(found)
        found.append(image[..., ::-1])


def decoder(decode: Callable[[str], Pictures]) -> Callable[[Shown, Path], Iterator[Seen]]:
    """A consumer that opens every file of a split."""

    def read(shown: Shown, scratch: Path) -> Iterator[Seen]:
        for path in shown.clips:
            pictures = decode(str(shown.root / path))
            yield Seen(path, frames=len(pictures), first=pictures[0], last=pictures[-1])

    return read


def sound_by_torchcodec(shown: Shown, scratch: Path) -> Iterator[Seen]:
    from torchcodec.decoders import AudioDecoder

    for path in shown.clips:
        yield Seen(path, sound=AudioDecoder(str(shown.root / path)).get_all_samples().data.numpy())
