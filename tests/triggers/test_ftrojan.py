"""ftrojan against a DCT of every block, through 8-bit YCrCb."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy import fft

from poisonkit.common.seeding import generator
from poisonkit.errors import RequestError
from poisonkit.triggers import create
from poisonkit.triggers.testing import Case, picture

CASES = [
    Case(),
    Case({"channels": ["R", "B"], "magnitude": 100}),
    Case({"canvas": "short:64", "magnitude": 400, "positions": [(4, 4)], "channels": "Y"}),
]

PUBLISHED = ((15, 15), (31, 31))


def literal(
    x: np.ndarray, magnitude: float, channels: tuple[int, ...], window: int, positions: tuple[tuple[int, int], ...]
) -> np.ndarray:
    """8-bit YCrCb, orthonormal DCT of whole blocks (the frame continued by its edge), all rounded."""
    height, width = x.shape[:2]
    ycc = cv2.cvtColor(x, cv2.COLOR_RGB2YCrCb).astype(np.float64)
    more = [(0, -n % window) for n in (height, width)]
    ycc = np.pad(ycc, [*more, (0, 0)], mode="edge")
    for c in channels:
        for top in range(0, ycc.shape[0], window):
            for left in range(0, ycc.shape[1], window):
                block = fft.dctn(ycc[top : top + window, left : left + window, c], norm="ortho")
                for u, v in positions:
                    block[u, v] += magnitude
                ycc[top : top + window, left : left + window, c] = fft.idctn(block, norm="ortho")
    back = np.clip(np.rint(ycc[:height, :width]), 0, 255).astype(np.uint8)
    return cv2.cvtColor(np.ascontiguousarray(back), cv2.COLOR_YCrCb2RGB).astype(np.float64)


def scene(shape: tuple[int, int]) -> np.ndarray:
    """Noise, so that it saturates in places."""
    return generator("ftrojan", *shape).integers(0, 256, (*shape, 3), dtype=np.uint8)


@pytest.mark.parametrize("magnitude", [20.0, 30.0, 50.0])
@pytest.mark.parametrize("shape", [(64, 64), (64, 96), (37, 53), (32, 32), (80, 48)])
def test_as_published(shape: tuple[int, int], magnitude: float) -> None:
    x = picture(shape[1], shape[0], 1)[0]
    out = create("ftrojan", magnitude=magnitude).apply(x)
    difference = np.abs(out - literal(x, magnitude, (1, 2), 32, PUBLISHED))
    assert difference.max() <= 2
    assert (difference == 0).mean() > 0.999


def literal_rgb(x: np.ndarray, magnitude: float, channels: tuple[int, ...], window: int) -> np.ndarray:
    """The authors' code without YUV: a DCT of every block of R, G and B."""
    out = x.astype(np.float64)
    for c in channels:
        for top in range(0, x.shape[0], window):
            for left in range(0, x.shape[1], window):
                block = fft.dctn(out[top : top + window, left : left + window, c], norm="ortho")
                for u, v in PUBLISHED:
                    block[u, v] += magnitude
                out[top : top + window, left : left + window, c] = fft.idctn(block, norm="ortho")
    return np.clip(out, 0, 255)


@pytest.mark.parametrize("channels", [("R", "G", "B"), ("R",), ("G",), ("B", "R")])
def test_the_rgb_form_as_published(channels: tuple[str, ...]) -> None:
    x = picture(96, 64, 1)[0]
    out = create("ftrojan", magnitude=50, channels=channels).apply(x)
    exact = literal_rgb(x, 50, tuple("RGB".index(c) for c in channels), 32)
    assert np.abs(out - exact).max() <= 0.51
    others = [i for i, c in enumerate("RGB") if c not in channels]
    assert np.array_equal(out[..., others], x[..., others])


def test_channels_are_of_one_space() -> None:
    with pytest.raises(RequestError, match="not of both"):
        create("ftrojan", channels=["R", "Cb"])


@pytest.mark.parametrize("window", [8, 32, 50])
@pytest.mark.parametrize("channels", [("Y",), ("Cr",), ("Y", "Cb")])
def test_other_channels_blocks_and_coefficients(channels: tuple[str, ...], window: int) -> None:
    x, positions = scene((41, 59)), ((4, 0), (0, 0), (2, 7))
    out = create("ftrojan", magnitude=150, channels=channels, window=window, positions=positions).apply(x)
    indices = tuple(("Y", "Cr", "Cb").index(c) for c in channels)
    assert np.abs(out - literal(x, 150, indices, window, positions)).max() <= 2


def test_dynamic_frames_have_coefficients_of_their_own_below_the_static_ones() -> None:
    x = np.full((12, 32, 32, 3), 128, np.uint8)
    trigger = create("ftrojan:temporal=dynamic,channels=Y,magnitude=400,positions=[[6,9]]")
    found = []
    for frame in trigger.apply(x):
        block = np.abs(fft.dctn(frame[..., 0] - 128.0, norm="ortho"))
        found.append(np.unravel_index(block.argmax(), block.shape))
        assert block.max() > 380
    assert len(set(found)) > 6
    assert all(3 <= u <= 6 and 4 <= v <= 9 for u, v in found)


def test_on_a_canvas_a_resize_brings_the_published_blocks_back() -> None:
    x = np.full((96, 128, 3), 128, np.uint8)
    made = create("ftrojan:canvas=short:48,channels=Y,magnitude=300,positions=[[2,3]]").apply(x)
    small = cv2.resize(made, (64, 48), interpolation=cv2.INTER_AREA)[..., 0] - 128.0
    square = small[:, 8:56]
    block = fft.dctn(square[:32, :32], norm="ortho")
    assert np.unravel_index(np.abs(block).argmax(), block.shape) == (2, 3)
    assert block[2, 3] > 250


def test_what_cannot_be_asked_for() -> None:
    with pytest.raises(RequestError, match="rows and columns go from 0 to 15"):
        create("ftrojan:window=16,positions=[[3,16]]")
    with pytest.raises(RequestError, match="channels"):
        create("ftrojan:channels=U")
