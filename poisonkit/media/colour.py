"""Decoded pictures to RGB and back, in the stream's own matrix and range.

cv2's I420 conversion is four times cheaper than swscale's and loses less, but knows BT.601 in limited range
only; everything else goes through swscale with the stream's own tags.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Self

import cv2
import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

from poisonkit.errors import MediaError
from poisonkit.media.info import PlaneFormat

Image = NDArray[np.uint8]
Planes = tuple[Image, Image, Image]

_BYTE = np.dtype(np.uint8)

UNSPECIFIED = 2
BT601 = (UNSPECIFIED, 5, 6)  # untagged is taken as BT.601 by swscale, cv2 and PyAV alike
FULL = 2
GBR = 0  # the matrix of what is no Y, U and V
# Accurate rounding and full chroma: an untouched picture's luma comes back exactly; by default it moves by one.
EXACTLY = 2 | 0x2000 | 0x40000 | 0x80000  # bilinear, full chroma interpolation, accurate, bit-exact


@dataclass(frozen=True)
class Colour:
    """A stream's colour tags, as the numbers of ITU-T H.273. range: 0 untagged, 1 limited, 2 full."""

    space: int = UNSPECIFIED
    range: int = 0
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED

    @classmethod
    def of(cls, frame: VideoFrame) -> Colour:
        """The tags of a decoded picture."""
        jpeg = frame.format.name.startswith("yuvj")
        return cls(
            int(frame.colorspace),
            FULL if jpeg else int(frame.color_range),
            int(frame.color_primaries),
            int(frame.color_trc),
        )

    @property
    def of_planes(self) -> Colour:
        """These tags for Y, U and V: those of RGB say a matrix that they cannot have, and leave the range open."""
        return replace(self, space=UNSPECIFIED, range=0) if self.space == GBR else self

    @property
    def plain(self) -> bool:
        """True where cv2's conversion is the right one: BT.601 or untagged, limited range."""
        return self.space in BT601 and self.range != FULL


def _through_cv2(frame_format: str, width: int, height: int, colour: Colour) -> bool:
    return frame_format == "yuv420p" and width % 2 == 0 and height % 2 == 0 and colour.plain


def to_rgb(frame: VideoFrame) -> Image:
    """A decoded picture as uint8 RGB (height, width, 3), as stored: not rotated. A new array."""
    if _through_cv2(frame.format.name, frame.width, frame.height, Colour.of(frame)):
        return _from_i420(Picture.of(frame))
    return np.asarray(frame.reformat(format="rgb24", threads=1, interpolation=EXACTLY).to_ndarray(), dtype=np.uint8)


def _from_i420(planes: Planes) -> Image:
    """RGB of the planes of a 4:2:0 picture of even size, by cv2, which wants them one after the other."""
    height, width = planes[0].shape
    packed = np.empty((height * 3 // 2, width), np.uint8)
    packed[:height] = planes[0]
    chroma = packed[height:].reshape(2, height // 2, width // 2)
    chroma[0], chroma[1] = planes[1:]
    return np.asarray(cv2.cvtColor(packed, cv2.COLOR_YUV2RGB_I420), dtype=np.uint8)


def from_rgb(image: Image, pix_fmt: str, colour: Colour) -> VideoFrame:
    """uint8 RGB (height, width, 3) as a picture in the encoder's format, with the stream's tags."""
    height, width = image.shape[:2]
    if _through_cv2(pix_fmt, width, height, colour):
        planes: Any = cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420)
        # PyAV 18 takes a buffer of 6 n + 3 rows for one of 6 n; without a copy the frame keeps the array alive.
        made = VideoFrame.from_ndarray if height % 4 else VideoFrame.from_numpy_buffer
        frame = made(planes, format="yuv420p")
    else:
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        if pix_fmt != "rgb24":
            frame = frame.reformat(
                format=pix_fmt,
                dst_colorspace=5 if colour.space in BT601 else colour.space,
                dst_color_range=colour.range or None,
                threads=1,
                interpolation=EXACTLY,
            )
    frame.colorspace = colour.space
    frame.color_range = colour.range
    return frame


# Luma weights of red and blue by H.273 matrix, and chroma steps by pixel format, of what has planes of its own.
WEIGHTS = {1: (0.2126, 0.0722), 2: (0.299, 0.114), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
STEPS = {"yuv420p": (2, 2), "yuv422p": (2, 1), "yuv440p": (1, 2), "yuv444p": (1, 1)}


def plane_format(frame: VideoFrame) -> PlaneFormat | None:
    """How a decoded picture's planes stand for RGB; None where they are not 8-bit Y, U, V of a known matrix."""
    size = frame.width % 2, frame.height % 2
    return _plane_format(frame.format.name, *size, int(frame.colorspace), int(frame.color_range))


@cache
def _plane_format(name: str, width: int, height: int, space: int, range: int) -> PlaneFormat | None:
    """The same object for equal arguments. width, height: whether they are odd."""
    colour = Colour(space, FULL if name.startswith("yuvj") else range)
    steps, weights = STEPS.get(name.replace("yuvj", "yuv")), WEIGHTS.get(space)
    if steps is None or weights is None:
        return None
    averaged = not _through_cv2(name, width, height, colour)
    return PlaneFormat(name, colour.space, colour.range == FULL, *weights, *steps, averaged)


class Picture(tuple[Image, Image, Image]):
    """Y, U and V of a decoded frame, uint8, each (height, width) of its plane: views, not to be written to.

    blank() gives new planes of the same sizes and format; filled and given back, they are encoded without a copy.
    """

    frame: VideoFrame

    @classmethod
    def of(cls, frame: VideoFrame) -> Self:
        """The planes of a decoded frame, without a copy."""
        y, u, v = frame.planes
        made = cls((_rows(y), _rows(u), _rows(v)))
        made.frame = frame
        return made

    def blank(self) -> Blank:
        """An empty frame of the same size and format."""
        return Blank.of(VideoFrame(self.frame.width, self.frame.height, self.frame.format.name))


class Blank(Picture):
    """Planes of a frame that is our own."""


def planes_of(frame: VideoFrame, fmt: PlaneFormat) -> Picture:
    """A decoded picture's planes.

    A picture in another format than `fmt` (streams may change on the way) is converted.
    """
    found = plane_format(frame)
    if found is not fmt and found != fmt:
        frame = from_rgb(to_rgb(frame), fmt.pix_fmt, _tags(fmt))
    return Picture.of(frame)


def _rows(plane: Any) -> Image:
    return np.ndarray((plane.height, plane.width), _BYTE, plane, 0, (plane.line_size, 1))


def _tags(fmt: PlaneFormat) -> Colour:
    return Colour(fmt.space, FULL if fmt.full_range else 1)


def from_planes(planes: Planes, pix_fmt: str, colour: Colour) -> VideoFrame:
    """Y, U and V as a picture in the encoder's format, with the stream's tags."""
    height, width = planes[0].shape
    if isinstance(planes, Blank):
        frame = planes.frame
    else:
        frame = VideoFrame(width, height, pix_fmt)
        for plane, values in zip(frame.planes, planes, strict=True):
            _rows(plane)[:] = values
    frame.colorspace = colour.space
    frame.color_range = colour.range
    return frame


def planes_to_rgb(planes: Planes, fmt: PlaneFormat) -> Image:
    """Y, U and V as uint8 RGB (height, width, 3), as `to_rgb` makes it of such a picture."""
    if fmt.averaged:
        y, u, v = planes  # not as they are: tags are set
        return to_rgb(from_planes((y, u, v), fmt.pix_fmt, _tags(fmt)))
    return _from_i420(planes)


def checked_planes(planes: Any, sizes: list[tuple[int, ...]], index: int) -> Planes:
    """The planes, if they are three of uint8 of the stream's sizes; MediaError otherwise."""
    if [p.shape for p in planes] != sizes or any(p.dtype != _BYTE for p in planes):
        found = ", ".join(f"{p.dtype} {p.shape}" for p in planes)
        raise MediaError(f"frame {index} came back from the trigger as planes of {found}.")
    return planes  # type: ignore[no-any-return]


def checked(image: Any, width: int, height: int, index: int) -> Image:
    """The array, if it is uint8 RGB of the clip's size; MediaError otherwise."""
    array = np.asarray(image)
    if array.dtype != np.uint8 or array.shape != (height, width, 3):
        raise MediaError(
            f"frame {index} came back from the trigger as {array.dtype} {array.shape}, "
            f"not as uint8 {(height, width, 3)}."
        )
    return array
