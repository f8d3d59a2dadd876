"""ctrl against a DCT of every block, in floating YUV."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import fft

from poisonkit.common.seeding import generator
from poisonkit.errors import RequestError
from poisonkit.triggers import create
from poisonkit.triggers.testing import Case

CASES = [Case(), Case({"canvas": "short:64", "magnitude": 400, "positions": [(4, 4)], "channels": "Y"})]

TO_YUV = np.array([[0.299, 0.587, 0.114], [-0.147, -0.289, 0.436], [0.615, -0.515, -0.100]])
TO_RGB = np.array([[1, 0, 1.14], [1, -0.396, -0.581], [1, 2.029, 0]])
PUBLISHED = ((15, 15), (31, 31))


def literal(
    x: np.ndarray, magnitude: float, channels: tuple[int, ...], window: int, positions: tuple[tuple[int, int], ...]
) -> np.ndarray:
    height, width = x.shape[:2]
    yuv = np.pad(x @ TO_YUV.T, [(0, -height % window), (0, -width % window), (0, 0)], mode="edge")
    for c in channels:
        for top in range(0, yuv.shape[0], window):
            for left in range(0, yuv.shape[1], window):
                block = fft.dctn(yuv[top : top + window, left : left + window, c], norm="ortho")
                for u, v in positions:
                    block[u, v] += magnitude
                yuv[top : top + window, left : left + window, c] = fft.idctn(block, norm="ortho")
    return np.clip(yuv[:height, :width] @ TO_RGB.T, 0, 255)


def scene(shape: tuple[int, int]) -> np.ndarray:
    return generator("ctrl", *shape).integers(0, 256, (*shape, 3), dtype=np.uint8)


@pytest.mark.parametrize("magnitude", [50.0, 100.0])
@pytest.mark.parametrize("shape", [(64, 64), (64, 96), (37, 53), (32, 32)])
def test_as_published(shape: tuple[int, int], magnitude: float) -> None:
    x = scene(shape)
    out = create("ctrl", magnitude=magnitude).apply(x)
    assert np.abs(out - literal(x, magnitude, (1, 2), 32, PUBLISHED)).max() <= 1
    assert out.max() == 255  # saturated, not wrapped
    assert out.min() == 0


@pytest.mark.parametrize(("window", "positions"), [(8, ((0, 3),)), (48, ((5, 1), (47, 0)))])
@pytest.mark.parametrize("channels", [("Y",), ("V",), ("Y", "U")])
def test_other_channels_blocks_and_coefficients(
    channels: tuple[str, ...], window: int, positions: tuple[tuple[int, int], ...]
) -> None:
    x = scene((41, 59))
    out = create("ctrl", magnitude=150, channels=channels, window=window, positions=positions).apply(x)
    indices = tuple("YUV".index(c) for c in channels)
    assert np.abs(out - literal(x, 150, indices, window, positions)).max() <= 1


def test_dynamic_frames_have_coefficients_of_their_own() -> None:
    x = np.full((12, 32, 32, 3), 128, np.uint8)
    out = create("ctrl:temporal=dynamic,channels=Y,magnitude=400,positions=[[6,9]]").apply(x)
    found = [np.unravel_index(np.abs(fft.dctn(f[..., 0] - 128.0)).argmax(), (32, 32)) for f in out]
    assert len(set(found)) > 6
    assert all(3 <= u <= 6 and 4 <= v <= 9 for u, v in found)


def test_what_cannot_be_asked_for() -> None:
    with pytest.raises(RequestError, match="rows and columns go from 0 to 31"):
        create("ctrl:positions=[[32,0]]")
    with pytest.raises(RequestError, match="channels"):
        create("ctrl:channels=Cr")
