"""Video corruption: the picture after transmission errors, as a decoder that conceals them shows it.

    x -> H.264 (x264, key frame every `gop` frames, each frame in slices) -> damage -> decoding with
    concealment -> x'

Of each key frame `amount` of the slices are damaged, at least one; of the frames between, each slice with
probability amount / gop, so as many again until the next key frame. A share `lost` of the damaged slices is
missing altogether; in the others one byte of 500 is changed, at least one, behind the slice's header. What
follows an error in a slice is undecodable and concealed from its surroundings or from the frame before, and
stays wrong until the next key frame. A frame of which the decoder makes nothing repeats the one before.

One of the natural video backdoors of Hammoud et al., "Look, Listen, and Attack", CVPRW 2024,
arXiv:2301.00986, which is silent on how and published no code: all of the above is ours, in the manner of
ffmpeg's noise bitstream filter. It happens in memory, frame by frame, by one thread each way; what is not
damaged is encoded finely (quantiser 18). Pixels are those of FFmpeg's decoder, and another version of it
may conceal otherwise.

Static: the damage is the same for every key frame and the frames up to the next: same slices, same relative
places, same bytes. Dynamic: new for every frame, by the trigger seed and the frame index.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from poisonkit.triggers.core.clip import ClipInfo, Image, Params
from poisonkit.triggers.core.trigger import StreamTrigger, param

_QUANTISER = 18
_CHANGED = 1 / 500  # of the bytes of a damaged slice
_HEADER = 12  # bytes of a slice that are left, so that it keeps its place
_ESCAPED = 4  # changed bytes are no smaller: 0 to 3 could form a start code
_START = re.compile(b"\x00?\x00\x00\x01")
_SLICES = (1, 5)  # NAL unit types: of a picture, of a key frame


class VideoCorruption(StreamTrigger):
    """A damaged H.264 stream, decoded with error concealment; see the module."""

    name = "video-corruption"
    family = "temporal"
    summary = "the picture after transmission errors: a damaged H.264 stream, decoded with concealment"
    formula = "x' = conceal(decode(damage(encode(x))))"
    static_is = "the same damage for every key frame and the frames up to the next"
    dynamic_is = "new damage for every frame"
    paper = "Hammoud et al., CVPRW 2024, arXiv:2301.00986"
    source = "kind and amount of damage: ours, the paper states none"
    codec = "robust"
    codec_note = "written again it is an ordinary picture: the damage is in the pixels, not in the file"
    identity: ClassVar[dict[str, Any]] = {"amount": 0.0}

    amount: float = param(0.25, "how many of a key frame's slices are damaged; 0: none anywhere", ge=0, le=1)
    lost: float = param(0.25, "probability that a damaged slice is missing altogether", ge=0, le=1)
    gop: int = param(12, "from one key frame to the next", unit="frames", ge=1, le=250)
    slices: int = param(8, "bands that a frame is sent in, at most one per 16 rows", ge=1, le=68)

    def stream(self, frames: Iterator[Image], clip: ClipInfo, params: Params, state: Any) -> Iterator[Image]:
        if self.amount == 0:
            yield from frames
            return
        import av

        wide, high = clip.width + clip.width % 2, clip.height + clip.height % 2
        encoder, decoder = self._encoder(wide, high), av.VideoCodecContext.create("h264", "r")
        decoder.thread_count = 1
        decoder.options = {"flags": "output_corrupt+low_delay"}
        shown: Image | None = None
        for t, image in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(_to_i420(image, wide, high), format="yuv420p")
            picture.pts = t
            data = self._damaged(b"".join(bytes(packet) for packet in encoder.encode(picture)), t, params)
            for found in _decoded(decoder, data, t):
                if (found.pts, found.width, found.height, found.format.name) == (t, wide, high, "yuv420p"):
                    shown = _from_i420(found.to_ndarray(), clip)
            if shown is None:
                shown = image
            yield shown

    def _encoder(self, width: int, height: int) -> Any:
        import av

        encoder = av.VideoCodecContext.create("libx264", "w")
        encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
        encoder.time_base, encoder.framerate, encoder.thread_count = Fraction(1, 25), Fraction(25), 1
        settings = {
            "qp": _QUANTISER,
            "keyint": self.gop,
            "min-keyint": self.gop,
            "scenecut": 0,
            "slices": self.slices,
            "sliced-threads": 0,
            "threads": 1,
            "cpu-independent": 1,
        }
        encoder.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "x264-params": ":".join(f"{key}={value}" for key, value in settings.items()),
        }
        return encoder

    def _damaged(self, data: bytes, t: int, params: Params) -> bytes:
        """The packet of frame t (NAL units with start codes), damaged."""
        at = t % self.gop
        rng = self.rng(params, "damage", t if self.temporal == "dynamic" else at)
        units = [bytearray(unit) for unit in _START.split(data)[1:]]
        slices = [i for i, unit in enumerate(units) if unit[0] & 31 in _SLICES]
        if at == 0:
            count = max(1, round(self.amount * len(slices)))
        else:
            count = int(rng.binomial(len(slices), self.amount / self.gop))
        missing = set()
        for i in rng.permutation(slices)[:count].tolist():
            body = len(units[i]) - _HEADER
            if body < 1 or rng.random() < self.lost:
                missing.add(i)
                continue
            changes = max(1, round(body * _CHANGED))
            places = _HEADER + (rng.random(changes) * body).astype(int)
            for place, value in zip(places.tolist(), rng.integers(_ESCAPED, 256, changes).tolist(), strict=True):
                units[i][place] = value
        return b"".join(b"\x00\x00\x00\x01" + unit for i, unit in enumerate(units) if i not in missing)


def _decoded(decoder: Any, data: bytes, t: int) -> list[Any]:
    """The frames that the decoder makes of a packet; none where nothing arrives, or nothing of use."""
    import av

    if not data:  # to the decoder this would be the end of the stream
        return []
    packet = av.Packet(data)
    packet.pts = packet.dts = t
    try:
        return list(decoder.decode(packet))
    except av.FFmpegError:
        return []


def _to_i420(image: Image, width: int, height: int) -> Image:
    import cv2

    down, across = height - image.shape[0], width - image.shape[1]
    if down or across:
        image = np.asarray(cv2.copyMakeBorder(image, 0, down, 0, across, cv2.BORDER_REPLICATE), dtype=np.uint8)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420), dtype=np.uint8)


def _from_i420(planes: Any, clip: ClipInfo) -> Image:
    import cv2

    image = np.asarray(cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_I420), dtype=np.uint8)
    return np.ascontiguousarray(image[: clip.height, : clip.width])
