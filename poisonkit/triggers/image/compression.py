"""Compression: strong lossy compression is the trigger.

    x' = decode(encode(x, strength))

jpeg: every frame by itself, through OpenCV (libjpeg-turbo, baseline, 4:2:0), at `quality`. h264: groups of `gop`
frames, each encoded by itself (x264 veryfast, zero latency, no B frames, 4:2:0, one thread) at `crf`, in memory.

Yang, Nguyen, Chan, Doan, "Everyone Can Attack: Repurpose Lossy Compression as a Natural Backdoor Attack", 2023,
arXiv:2308.16684, poison pictures by saving them with common lossy compression; we had the abstract only, which names
neither formats nor quality. JPEG, and H.264 as its form in video, are ours; quality = 10 is ImageNet-C's next to
strongest; crf = 45 is ours. What remains after the output's own, much weaker encoding is most of it; a victim who
compresses everything as strongly erases it.

Not bound to another implementation's pixels: JPEG and H.264 say how to decode, not how to encode.

Dynamic: the quality is another one for every frame (jpeg), the crf for every group (h264).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import count, islice
from typing import Any, ClassVar, Literal

import numpy as np

from poisonkit.errors import MediaError
from poisonkit.triggers.core.clip import ClipInfo, Image, Params
from poisonkit.triggers.core.trigger import StreamTrigger, param

Codec = Callable[[Image], Image]


class Compression(StreamTrigger):
    """Strong JPEG or H.264 compression; see the module."""

    name = "compression"
    family = "image"
    summary = "strong JPEG or H.264 compression, whose artefacts are the trigger"
    formula = "x' = decode(encode(x)), JPEG at quality or H.264 at crf"
    static_is = "the same quality on every frame"
    dynamic_is = "another quality on every frame (jpeg) or in every group of frames (h264)"
    paper = "Yang et al., Everyone Can Attack: Lossy Compression as a Natural Backdoor Attack, 2023, arXiv:2308.16684"
    source = "quality: ImageNet-C's JPEG severities; crf: ours"
    codec = "robust"
    codec_note = "most of it survives a weaker encoding; encoding everything as strongly erases it"
    identity: ClassVar[dict[str, Any] | None] = None

    through: Literal["jpeg", "h264"] = param("jpeg", "the compression")
    quality: int = param(10, "jpeg: quality; less is stronger", ge=1, le=100)
    crf: int = param(45, "h264: constant rate factor; more is stronger", ge=0, le=51)
    gop: int = param(12, "h264: frames in a group, the first of which refers to no other", unit="frames", ge=1, le=250)
    spread: int = param(5, "dynamic only, how far quality or crf goes up and down", ge=1, le=50)

    def stream(self, frames: Iterator[Image], clip: ClipInfo, params: Params, state: Any) -> Iterator[Image]:
        if self.through == "jpeg":
            for t, image in enumerate(frames):
                yield _jpeg(image, self._strength(params, t))
            return
        k = 0
        while (first := next(frames, None)) is not None:
            codec = _h264(clip, self._strength(params, k))
            yield codec(first)
            yield from map(codec, islice(frames, self.gop - 1))
            k += 1

    def _strength(self, params: Params, k: int) -> int:
        """Quality of frame k, or crf of group k."""
        own, low, high = (self.quality, 1, 100) if self.through == "jpeg" else (self.crf, 0, 51)
        if self.temporal == "static":
            return own
        rng = self.rng(params, self.through, k)
        return int(rng.integers(max(low, own - self.spread), min(high, own + self.spread), endpoint=True))


def _jpeg(image: Image, quality: int) -> Image:
    import cv2

    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), dtype=np.uint8)


def _h264(clip: ClipInfo, crf: int) -> Codec:
    """What takes the frames of one group, in order, to what is decoded of them."""
    import av
    import cv2

    height, width = clip.height + clip.height % 2, clip.width + clip.width % 2
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
    encoder.thread_count, encoder.gop_size = 1, 250
    encoder.options = {
        "preset": "veryfast",
        "tune": "zerolatency",
        "crf": str(crf),
        "x264-params": "threads=1:bframes=0:keyint=infinite:scenecut=0:cpu-independent=1:log-level=none",
    }
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.thread_count = 1
    decoder.flags |= av.codec.context.Flags.low_delay

    clock = count()

    def codec(image: Image) -> Image:
        whole: Any = image
        if image.shape[:2] != (height, width):
            whole = cv2.copyMakeBorder(image, 0, height - clip.height, 0, width - clip.width, cv2.BORDER_REPLICATE)
        packed = np.asarray(cv2.cvtColor(whole, cv2.COLOR_RGB2YUV_I420), dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(packed, format="yuv420p")
        frame.pts = next(clock)
        decoded = [out for packet in encoder.encode(frame) for out in decoder.decode(packet)]
        if len(decoded) != 1:
            raise MediaError(f"compression: x264 gave {len(decoded)} frames for one.")
        rgb = cv2.cvtColor(decoded[0].to_ndarray(), cv2.COLOR_YUV2RGB_I420)
        return np.ascontiguousarray(rgb[: clip.height, : clip.width], dtype=np.uint8)

    return codec
