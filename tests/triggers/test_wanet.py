"""wanet against grid_sample of identity + s·P/size, written out."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poisonkit.common.seeding import generator
from poisonkit.errors import RequestError
from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.core.trigger import VideoTrigger
from poisonkit.triggers.testing import Case, picture

CASES = [Case(), Case({"canvas": "native"}), Case({"changes": "drift", "grid_rescale": 0.95})]


def upsampled(points: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bicubic with a = −0.75 and aligned corners, as torch has it: (2, k, k) to (2, height, width)."""

    def cubic(d: float, a: float = -0.75) -> float:
        d = abs(d)
        if d <= 1:
            return (a + 2) * d**3 - (a + 3) * d**2 + 1
        return a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a if d < 2 else 0.0

    def weights(length: int, k: int) -> np.ndarray:
        out = np.zeros((length, k))
        for i in range(length):
            at = i * (k - 1) / (length - 1)
            for n in range(math.floor(at) - 1, math.floor(at) + 3):
                out[i, min(max(n, 0), k - 1)] += cubic(at - n)
        return out

    k = points.shape[1]
    return np.einsum("ym,cmn,xn->cyx", weights(height, k), points, weights(width, k))


def sampled(image: np.ndarray, gx: np.ndarray, gy: np.ndarray) -> np.ndarray:
    """grid_sample, bilinear, aligned corners, of coordinates that are clamped to −1..1."""
    height, width = image.shape[:2]
    x = (np.clip(gx, -1, 1) + 1) / 2 * (width - 1)
    y = (np.clip(gy, -1, 1) + 1) / 2 * (height - 1)
    x0, y0 = np.minimum(np.floor(x).astype(int), width - 2), np.minimum(np.floor(y).astype(int), height - 2)
    fx, fy = (x - x0)[..., None], (y - y0)[..., None]
    image = image.astype(np.float64)
    top = (1 - fx) * image[y0, x0] + fx * image[y0, x0 + 1]
    return (1 - fy) * top + fy * ((1 - fx) * image[y0 + 1, x0] + fx * image[y0 + 1, x0 + 1])


def literal(
    image: np.ndarray, field: np.ndarray, s: float, rescale: float = 1.0, noise: np.ndarray | None = None
) -> np.ndarray:
    height, width = image.shape[:2]
    gx = (np.linspace(-1, 1, width)[None, :] + s * field[0] / width) * rescale
    gy = (np.linspace(-1, 1, height)[:, None] + s * field[1] / height) * rescale
    if noise is not None:
        gx, gy = np.clip(gx, -1, 1) + noise[..., 0] / width, np.clip(gy, -1, 1) + noise[..., 1] / height
    return sampled(image, gx, gy)


def grid(tmp_path: Path, k: int, name: str = "g.npy") -> np.ndarray:
    points = generator("wanet", k).uniform(-1, 1, (2, k, k))
    np.save(tmp_path / name, points)
    return points / np.abs(points).mean()


def scene(height: int, width: int) -> np.ndarray:
    """Noise: the hardest picture to bend."""
    return generator("wanet", "scene").integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(("k", "s", "rescale"), [(4, 0.5, 1.0), (2, 1.0, 1.0), (8, 2.0, 0.95), (4, 8.0, 1.1)])
@pytest.mark.parametrize("shape", [(32, 32), (37, 53)])
def test_as_published_with_an_imported_grid(
    tmp_path: Path, shape: tuple[int, int], k: int, s: float, rescale: float
) -> None:
    points, x = grid(tmp_path, k), scene(*shape)
    trigger = create("wanet", grid=str(tmp_path / "g.npy"), s=s, grid_rescale=rescale, canvas="native")
    assert np.abs(trigger.apply(x) - literal(x, upsampled(points, *shape), s, rescale)).max() <= 0.51


def test_its_own_grid_is_drawn_and_normed() -> None:
    points = generator(7, "wanet", None, "grid", 0).uniform(-1, 1, (2, 4, 4))
    x = scene(24, 40)
    out = create("wanet", trigger_seed=7, canvas="native").apply(x)
    assert np.abs(out - literal(x, upsampled(points / np.abs(points).mean(), 24, 40), 0.5)).max() <= 0.51


@pytest.mark.parametrize("lead", [False, True])
def test_an_imported_field_of_a_checkpoint(tmp_path: Path, lead: bool) -> None:
    field = upsampled(grid(tmp_path, 4), 32, 32)
    whole = np.moveaxis(field, 0, 2).astype(np.float32)
    np.save(tmp_path / "f.npy", whole[None] if lead else whole)
    x = scene(32, 32)
    assert np.abs(create("wanet", grid=str(tmp_path / "f.npy")).apply(x) - literal(x, field, 0.5)).max() <= 0.51


def test_by_default_it_scales_with_the_clip_from_the_central_square(tmp_path: Path) -> None:
    """At 32x32 the two canvases are one; at 64 the warp is twice as long, and the same in the middle of any shape."""
    points = grid(tmp_path, 4)
    x = scene(32, 32)
    given = {"grid": str(tmp_path / "g.npy")}
    assert np.array_equal(create("wanet", **given).apply(x), create("wanet", canvas="native", **given).apply(x))
    for shape in ((64, 64), (64, 96), (80, 64)):
        x = scene(*shape)
        square = upsampled(points, 64, 64)
        pads = [((n - 64) // 2, (n - 64) // 2) for n in shape]
        field = np.pad(square, ((0, 0), *pads), mode="reflect")
        assert np.abs(create("wanet", **given).apply(x) - literal(x, field, 1.0)).max() <= 0.51


@pytest.mark.parametrize("canvas", ["native", "short:32"])
def test_covers_are_the_warp_with_noise_for_every_pixel(tmp_path: Path, canvas: str) -> None:
    points, x = grid(tmp_path, 4), scene(32, 32)
    trigger = create("wanet", grid=str(tmp_path / "g.npy"), canvas=canvas)
    assert isinstance(trigger, VideoTrigger)
    clip, outs = ClipInfo("a", 32, 32, 25.0, 2), []
    for seed in range(2):
        params = trigger.draw_cover(clip, np.random.default_rng(seed))
        first, second = trigger.render(iter([x, x]), clip, params)
        assert np.array_equal(first, second)
        noise = generator(0, "wanet", None, "cover", params["noise"], 0, "square").random((32, 32, 2), np.float32)
        exact = literal(x, upsampled(points, 32, 32), 0.5, noise=2.0 * noise - 1)
        assert np.abs(first - exact).max() <= 0.51
        outs.append(first)
    assert not np.array_equal(*outs)
    assert not np.array_equal(outs[0], trigger.apply(x))


def test_drift_goes_smoothly_from_field_to_field() -> None:
    still = np.repeat(picture(64, 48, 1), 26, axis=0)
    out = create("wanet:temporal=dynamic,changes=drift,s=1").apply(still, fps=25).astype(float)
    jumps = [np.abs(a - b).mean() for a, b in zip(out[1:], out[:-1], strict=True)]
    assert max(jumps) < 0.25 * np.abs(out[25] - out[0]).mean()
    assert max(jumps[0], jumps[24]) < 0.5 * max(jumps)  # slowly out of a field and into the next
    jumping = create("wanet:temporal=dynamic,s=1").apply(still, fps=25).astype(float)
    assert np.array_equal(jumping[0], out[0])
    assert np.array_equal(jumping[1], out[25])


@pytest.mark.parametrize(
    ("array", "more", "sentence"),
    [
        (np.zeros((2, 4, 5)), {}, "not \\(2, k, k\\)"),
        (np.zeros((2, 4, 4)), {}, "zero everywhere"),
        (np.ones((2, 4, 4)), {"temporal": "dynamic"}, "temporal=dynamic leave it out"),
    ],
)
def test_grids_that_cannot_be_used(tmp_path: Path, array: np.ndarray, more: dict[str, Any], sentence: str) -> None:
    np.save(tmp_path / "g.npy", array)
    with pytest.raises(RequestError, match=sentence):
        create("wanet", grid=str(tmp_path / "g.npy"), **more)
