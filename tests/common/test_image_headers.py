"""What PNG and JPEG files say of themselves, against what OpenCV decodes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from poisonkit.common.image_headers import ImageHeader, cut_short, image_header


def encoded(suffix: str, channels: int = 3, dtype: type = np.uint8, *options: int) -> bytes:
    picture = np.zeros((48, 62, channels) if channels > 1 else (48, 62), dtype)
    return bytes(cv2.imencode(suffix, picture, list(options))[1])


@pytest.mark.parametrize(
    ("data", "header"),
    [
        (encoded(".png"), ImageHeader("png", 62, 48, 8, "rgb24")),
        (encoded(".png", 1), ImageHeader("png", 62, 48, 8, "gray")),
        (encoded(".png", 4), ImageHeader("png", 62, 48, 8, "rgba")),
        (encoded(".png", 3, np.uint16), ImageHeader("png", 62, 48, 16, "rgb24-16")),
        (encoded(".jpg"), ImageHeader("jpeg", 62, 48, 8, "yuvj420p")),
        (encoded(".jpg", 1), ImageHeader("jpeg", 62, 48, 8, "gray")),
        (
            encoded(".jpg", 3, np.uint8, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111),
            ImageHeader("jpeg", 62, 48, 8, "yuvj444p"),
        ),
        (encoded(".jpg", 3, np.uint8, cv2.IMWRITE_JPEG_PROGRESSIVE, 1), ImageHeader("jpeg", 62, 48, 8, "yuvj420p")),
    ],
)
def test_headers(data: bytes, header: ImageHeader) -> None:
    assert image_header(data) == header
    assert not cut_short(data)
    for end in range(0, len(data), 7):
        part = image_header(data[:end])
        assert part is None or (part.width, part.height) == (62, 48)
        assert cut_short(data[:end])


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a" + bytes(64), b"\xff\xd8", b"\xff\xd8" + bytes(64), bytes(encoded(".bmp"))]
)
def test_neither(data: bytes) -> None:
    assert image_header(data) is None
