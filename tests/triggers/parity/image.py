"""The image family, as published."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from scipy import fft

from .scene import Case, Scene, noise


def badnets(
    s: Scene,
    alpha: float = 1.0,
    color: tuple[int, ...] = (255, 255, 255),
    size_px: int | None = None,
    area: str = "crop",
    pattern: np.ndarray | None = None,
    mask: np.ndarray | None = None,
) -> np.ndarray:
    """x' = x + α·m·(p − x) in a box at the bottom right."""
    side = round(0.1 * s.short) if size_px is None else size_px
    wide, high = (s.width, s.height) if area == "frame" else (0.875 * s.short,) * 2
    left, top = round((s.width - wide) / 2 + wide - side), round((s.height - high) / 2 + high - side)
    i, j = np.clip(s.rows - top, 0, side - 1)[:, None], np.clip(s.columns - left, 0, side - 1)
    p = np.array(color, float) if pattern is None else pattern[i, j].astype(float)
    m = np.ones((side, side)) if mask is None else mask
    inside = ((s.rows >= top) & (s.rows < top + side))[:, None] & ((s.columns >= left) & (s.columns < left + side))
    return s.x + alpha * (inside * m[i, j])[..., None] * (p - s.x)


def blend(s: Scene, pattern: np.ndarray, alpha: float = 0.2, canvas: str = "") -> np.ndarray:
    """x' = (1 − α)·x + α·t."""
    return (1 - alpha) * s.x + alpha * s.pick(pattern)


def sig(
    s: Scene, delta: float = 20.0, frequency: float = 6.0, phase: float = 0.0, canvas: str = "short:256"
) -> np.ndarray:
    """x' = x + Δ·sin(2πjf/m); by default j and m are those of the central square."""
    m = s.width if canvas == "native" else s.short
    j = s.columns - (0 if canvas == "native" else (s.width - m) / 2)
    return s.x + delta * np.sin(2 * np.pi * j * frequency / m + phase)[None, :, None]


def wanet(
    scene: Scene, /, grid: np.ndarray, s: float = 0.5, grid_rescale: float = 1.0, canvas: str = "short:32"
) -> np.ndarray:
    """grid_sample of (identity + s·P/size)·rescale, clamped; P: the grid over its mean, bicubic, corners aligned.

    By default P lies on the central square, mirrored beyond it, and moves by as much of it as of 32 pixels.
    """
    points = grid / np.abs(grid).mean()
    k = points.shape[1]

    def cubic(d: np.ndarray, a: float = -0.75) -> np.ndarray:
        d = np.abs(d)
        near, far = (a + 2) * d**3 - (a + 3) * d**2 + 1, a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a
        return np.where(d <= 1, near, np.where(d < 2, far, 0.0))

    def weights(index: np.ndarray, length: int) -> np.ndarray:
        if canvas != "native":
            index, length = index - (length - scene.short) / 2, scene.short
        at = index * (k - 1) / (length - 1)
        at = (k - 1) - np.abs((k - 1) - at % (2 * (k - 1)))
        out = np.zeros((len(at), k))
        for tap in range(-1, 3):
            n = np.floor(at).astype(int) + tap
            np.add.at(out, (np.arange(len(at)), np.clip(n, 0, k - 1)), cubic(at - n))
        return out

    field = np.einsum("ym,cmn,xn->cyx", weights(scene.rows, scene.height), points, weights(scene.columns, scene.width))
    strength = s * (1 if canvas == "native" else scene.short / 32)
    gx = (-1 + 2 * scene.columns / (scene.width - 1) + strength * field[0] / scene.width) * grid_rescale
    gy = (-1 + 2 * scene.rows[:, None] / (scene.height - 1) + strength * field[1] / scene.height) * grid_rescale
    x = (np.clip(gx, -1, 1) + 1) / 2 * (scene.width - 1)
    y = (np.clip(gy, -1, 1) + 1) / 2 * (scene.height - 1)
    x0, y0 = np.minimum(x.astype(int), scene.width - 2), np.minimum(y.astype(int), scene.height - 2)
    fx, fy = (x - x0)[..., None], (y - y0)[..., None]
    image = scene.frames[scene.t].astype(np.float64)
    top = (1 - fx) * image[y0, x0] + fx * image[y0, x0 + 1]
    return (1 - fy) * top + fy * ((1 - fx) * image[y0 + 1, x0] + fx * image[y0 + 1, x0 + 1])


def _blocks(plane: np.ndarray, magnitude: float, window: int, positions: Any) -> np.ndarray:
    """DCT of every block, `magnitude` added, and back. The frame is continued to whole blocks by its edge."""
    height, width = plane.shape
    whole = np.pad(plane, [(0, -height % window), (0, -width % window)], mode="edge")
    blocks = whole.reshape(whole.shape[0] // window, window, whole.shape[1] // window, window)
    coefficients = fft.dctn(blocks, axes=(1, 3), norm="ortho")
    for u, v in positions:
        coefficients[:, u, :, v] += magnitude
    return np.asarray(fft.idctn(coefficients, axes=(1, 3), norm="ortho").reshape(whole.shape)[:height, :width])


POSITIONS = ((15, 15), (31, 31))


def ftrojan(
    s: Scene,
    magnitude: float = 30.0,
    channels: tuple[str, ...] = ("Cr", "Cb"),
    window: int = 32,
    positions: Any = POSITIONS,
) -> np.ndarray:
    """In 8-bit YCrCb, which the published pipeline rounds to twice (it truncates the second time)."""
    ycc = cv2.cvtColor(s.frames[s.t], cv2.COLOR_RGB2YCrCb)
    for channel in channels:
        c = ("Y", "Cr", "Cb").index(channel)
        ycc[..., c] = np.clip(np.rint(_blocks(ycc[..., c].astype(float), magnitude, window, positions)), 0, 255)
    return s.pick(cv2.cvtColor(ycc, cv2.COLOR_YCrCb2RGB)).astype(float)


def ctrl(
    s: Scene,
    magnitude: float = 100.0,
    channels: tuple[str, ...] = ("U", "V"),
    window: int = 32,
    positions: Any = POSITIONS,
) -> np.ndarray:
    """In floating YUV, by kornia's matrices, which are each other's inverse but for the third decimal."""
    to_yuv = np.array([[0.299, 0.587, 0.114], [-0.147, -0.289, 0.436], [0.615, -0.515, -0.100]])
    to_rgb = np.array([[1, 0, 1.14], [1, -0.396, -0.581], [1, 2.029, 0]])
    yuv = s.frames[s.t] @ to_yuv.T
    for channel in channels:
        c = "YUV".index(channel)
        yuv[..., c] = _blocks(yuv[..., c], magnitude, window, positions)
    return s.pick(yuv) @ to_rgb.T


def bpp(s: Scene, levels: int = 8, dither: bool = False) -> np.ndarray:
    """x' = round(x/255·(d − 1))/(d − 1)·255; or errors diffused, pixel by pixel: 7/16, 1/16, 5/16 and 3/16."""
    if not dither:
        return np.round(s.x / 255 * (levels - 1)) / (levels - 1) * 255
    image = s.frames[s.t][: s.rows[-1] + 1].astype(np.float64)  # what lies below has no say
    height, width = image.shape[:2]
    for i in range(height):
        for j in range(width):
            old = image[i, j].copy()
            image[i, j] = np.round(old / 255.0 * (levels - 1)) / (levels - 1) * 255
            error = old - image[i, j]
            if j + 1 < width:
                image[i, j + 1] += error * 0.4375
            if i + 1 < height and j + 1 < width:
                image[i + 1, j + 1] += error * 0.0625
            if i + 1 < height:
                image[i + 1, j] += error * 0.3125
            if i + 1 < height and j - 1 >= 0:
                image[i + 1, j - 1] += error * 0.1875
    return s.pick(image)


def fiba(s: Scene, pattern: np.ndarray, alpha: float = 0.15, beta: float = 0.1, canvas: str = "native") -> np.ndarray:
    """The middle of the shifted amplitude spectra mixed, phases kept."""
    height, width = s.height, s.width
    b = int(np.floor(min(height, width) * beta))
    out = np.empty((len(s.rows), len(s.columns), 3))
    for c in range(3):
        from_x, from_t = fft.fft2(s.frames[s.t][..., c].astype(float)), fft.fft2(pattern[..., c].astype(float))
        amplitude, other = fft.fftshift(np.abs(from_x)), fft.fftshift(np.abs(from_t))
        h1, w1 = height // 2 - b, width // 2 - b
        near = slice(h1, h1 + 2 * b + 1), slice(w1, w1 + 2 * b + 1)
        amplitude[near] = amplitude[near] * (1 - alpha) + other[near] * alpha
        mixed = fft.ifftshift(amplitude) * np.exp(1j * np.angle(from_x))
        out[..., c] = s.pick(np.real(fft.ifft2(mixed)))
    return out


def refool(
    s: Scene, picture: np.ndarray, form: str = "ghost", offset: float = 0.0, sigma: float = 0.0, **more: Any
) -> np.ndarray:
    """The published pipeline at the frame's own size, with its draws in shares of 560 pixels."""
    height, width, longer = s.height, s.width, max(s.height, s.width)
    light = (np.arange(256) / 255) ** 2.2
    t, r, alpha = light[s.frames[s.t]], light[picture], s.drawn["alpha"]
    if form == "ghost":
        n, ghost_alpha = round(offset * s.short), s.drawn["ghost"]
        r_1 = np.pad(r, ((0, n), (0, n), (0, 0)))
        r_2 = np.pad(r, ((n, 0), (n, 0), (0, 0)))
        ghost = (r_1 * ghost_alpha + r_2 * (1 - ghost_alpha))[n:-n, n:-n]
        blended = cv2.resize(ghost, (width, height)) * (1 - alpha) + t * alpha
        return 255 * np.clip(s.pick(blended), 0, 1) ** (1 / 2.2)
    blur = sigma * s.short
    size = int(2 * np.ceil(2 * blur) + 1)
    r_blur = cv2.GaussianBlur(r, (size, size), blur, sigmaY=blur)
    blended = r_blur + t
    for c in range(3):
        over = blended[..., c] > 1
        mean = max(1.0, np.sum(blended[..., c] * over) / (over.sum() + 1e-6))
        r_blur[..., c] -= (mean - 1) * s.drawn["dim"]
    at = (np.arange(longer) + 0.5) / longer * 6 - 3
    fall = np.exp(-(at**2) / 4)
    left, top = (
        int(share * max(0, longer - n - longer * 10 / 560))
        for share, n in zip(s.drawn["mask"], (width, height), strict=True)
    )
    mask = np.outer(fall[top + s.rows], fall[left + s.columns])[..., None] * (1 - alpha / 2)
    return 255 * np.clip(np.clip(s.pick(r_blur), 0, 1) * mask + s.pick(t) * alpha, 0, 1) ** (1 / 2.2)


def soft(height: int, width: int) -> np.ndarray:
    return cv2.GaussianBlur(noise(height, width), (9, 9), 2)


def color_shift(s: Scene, space: str = "rgb", by: Any = (12, -12, 12)) -> np.ndarray:
    """x' = C⁻¹(C(x) + d)."""
    return {"rgb": lambda x, d: x + np.array(d), "yuv": _yuv, "hsv": _hsv, "lab": _lab}[space](s.x, by)


def _yuv(x: np.ndarray, by: Any) -> np.ndarray:
    red, green, blue = (x[..., c] for c in range(3))
    y = 0.299 * red + 0.587 * green + 0.114 * blue
    y, u, v = y + by[0], 0.492 * (blue - y) + by[1], 0.877 * (red - y) + by[2]
    red, blue = y + v / 0.877, y + u / 0.492
    return np.stack([red, (y - 0.299 * red - 0.114 * blue) / 0.587, blue], axis=-1)


def _hsv(x: np.ndarray, by: Any) -> np.ndarray:
    """Smith's hexcone model, as in `colorsys`."""
    v, low = x.max(axis=-1), x.min(axis=-1)
    span = np.where(v > low, v - low, 1)
    red, green, blue = ((v - x[..., c]) / span for c in range(3))
    at = [x[..., c] == v for c in range(3)]
    h = np.where(v == low, 0, np.select(at[:2], [blue - green, 2 + red - blue], 4 + green - red)) / 6 % 1
    s = np.clip(np.where(v > 0, (v - low) / np.maximum(v, 1), 0) + by[1] / 100, 0, 1)
    h, v = (h + by[0] / 360) % 1, np.clip(v / 255 + by[2] / 100, 0, 1)
    i = np.floor(h * 6)
    f = h * 6 - i
    p, q, t = v * (1 - s), v * (1 - s * f), v * (1 - s * (1 - f))
    sector = [i % 6 == n for n in range(6)]
    rgb = [np.select(sector, parts) for parts in ([v, q, p, p, t, v], [t, v, v, q, p, p], [p, p, t, v, v, q])]
    return 255 * np.stack(rgb, axis=-1)


def _lab(x: np.ndarray, by: Any) -> np.ndarray:
    m = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
    )
    white = m.sum(axis=1)
    v = x / 255
    xyz = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4) @ m.T / white
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    light = 116 * f[..., 1] - 16 + by[0]
    a, b = 500 * (f[..., 0] - f[..., 1]) + by[1], 200 * (f[..., 1] - f[..., 2]) + by[2]
    y = (light + 16) / 116
    f = np.stack([y + a / 500, y, y - b / 200], axis=-1)
    xyz = np.clip(np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)), 0, 1) * white
    v = np.clip(xyz @ np.linalg.inv(m).T, 0, 1)
    return 255 * np.where(v <= 0.0031308, 12.92 * v, 1.055 * v ** (1 / 2.4) - 0.055)


def low_frequency(
    s: Scene, amplitude: float = 0.1, mean: float = 0.0, cutoff: float = 4.0, gray: bool = False, temporal: str = ""
) -> np.ndarray:
    """x' = x + a·255·(n + m), n a sum of waves, the random numbers being the trigger's own."""
    c = s.trigger._numbers(s.drawn, s.t).astype(complex)
    most = c.shape[0] - 1

    def waves(v: np.ndarray, u: np.ndarray) -> np.ndarray:
        down = np.exp(2j * np.pi * 0.5 * np.outer(v, np.arange(most + 1)))
        across = np.exp(2j * np.pi * 0.5 * np.outer(u, np.arange(-most, most + 1)))
        return np.einsum("yj,jic,xi->yxc", down, c, across, optimize=True).real

    square = (np.arange(64) + 0.5) / 64 - 0.5
    there = waves(square, square)
    low, high = there.min(axis=(0, 1)), there.max(axis=(0, 1))
    n = 2 * (waves(s.v[:, 0], s.u[0]) - low) / (high - low) - 1
    return s.x + 255 * amplitude * (np.clip(n, -1, 1) + mean)


def adaptive_blend(
    s: Scene, pattern: np.ndarray, alpha: float = 0.15, grid: int = 4, drop: float = 0.5, canvas: str = "short:256"
) -> np.ndarray:
    """x' = x + α·m·(t − x), m: 1 on the pieces that are drawn for the clip."""
    assert len(s.drawn["pieces"]) == grid**2 - round(drop * grid**2)
    if canvas == "native":
        row, column = s.rows * grid // s.height, s.columns * grid // s.width
    else:  # squares from the middle, mirrored at the central square's edges
        row, column = (
            np.minimum(grid - np.abs((at.ravel() + 0.5) * grid % (2 * grid) - grid), grid - 0.5).astype(int)
            for at in (s.v, s.u)
        )
    m = np.isin(row[:, None] * grid + column, s.drawn["pieces"])
    return s.x + alpha * m[..., None] * (s.pick(pattern) - s.x)


def _grid(k: int) -> Any:
    return lambda height, width: np.random.default_rng(k).uniform(-1, 1, (2, k, k))


def _part(k: int, *shape: int) -> Any:
    return lambda height, width: np.random.default_rng(k).integers(0, 256, (k, k, *shape), dtype=np.uint8)


CASES: dict[str, list[Case]] = {
    "adaptive-blend": [
        Case(adaptive_blend, files={"pattern": noise}),
        Case(adaptive_blend, {"canvas": "native", "grid": 3, "drop": 0.7, "alpha": 0.3}, {"pattern": noise}),
    ],
    "badnets": [
        Case(badnets),
        Case(badnets, {"size_px": 3, "area": "frame"}),
        Case(badnets, {"alpha": 0.35, "color": (255, 0, 90)}),
        Case(badnets, {"alpha": 0.8, "size_px": 9}, {"pattern": _part(9, 3)}),
    ],
    "blend": [
        Case(blend, files={"pattern": noise}),
        Case(blend, {"alpha": 0.15, "canvas": "native"}, {"pattern": noise}),
    ],
    "bpp": [
        Case(bpp),
        Case(bpp, {"levels": 32}),
        Case(bpp, {"levels": 5}),
        Case(bpp, {"dither": True}, rows=2, on_large=True),
        Case(bpp, {"dither": True, "levels": 2}, shapes=("odd", "32x32")),
    ],
    "color-shift": [
        Case(color_shift),
        Case(color_shift, {"by": (4.25, -200, 0)}),
        Case(color_shift, {"space": "yuv", "by": (3, 10, -7.5)}),
        Case(color_shift, {"space": "hsv", "by": (15, 10, 0)}),
        Case(color_shift, {"space": "hsv", "by": (-400, -30, 25)}),
        Case(color_shift, {"space": "lab", "by": (0, 8, -8)}, within=0.75),
        Case(color_shift, {"space": "lab", "by": (-12, -20.5, 30)}, within=0.75),
    ],
    "ctrl": [
        Case(ctrl, within=1.0),
        Case(
            ctrl,
            {"magnitude": 150, "channels": ("Y", "U"), "window": 48, "positions": ((5, 1), (47, 0))},
            within=1.0,
        ),
        Case(ctrl, {"magnitude": 50, "channels": ("V",), "window": 8, "positions": ((0, 3),)}, within=1.0),
    ],
    "fiba": [
        Case(fiba, {"canvas": "native"}, {"pattern": noise}),
        Case(fiba, {"canvas": "native", "alpha": 0.5, "beta": 0.3}, {"pattern": noise}),
    ],
    "ftrojan": [
        Case(ftrojan, within=2),
        Case(ftrojan, {"magnitude": 20}, within=2),
        Case(
            ftrojan,
            {"magnitude": 150, "channels": ("Y", "Cb"), "window": 50, "positions": ((4, 0), (0, 0), (2, 7))},
            within=2,
            shapes=("wide", "odd", "32x32"),
        ),
    ],
    "low-frequency": [
        Case(low_frequency),
        Case(low_frequency, {"gray": True, "mean": 1.0}),
        Case(low_frequency, {"cutoff": 2.3, "amplitude": 0.4}),
        Case(low_frequency, {"temporal": "dynamic"}, frames=3),
    ],
    "refool": [
        Case(refool, {"offset": 0.09, "canvas": "native"}, {"picture": soft}, within=1.02),
        Case(
            refool,
            {"form": "out-of-focus", "sigma": 0.05, "canvas": "native"},
            {"picture": soft},
            within=1.02,
        ),
    ],
    "sig": [
        Case(sig),
        Case(sig, {"canvas": "native"}),
        Case(sig, {"canvas": "native", "delta": 40.0}),
        Case(sig, {"delta": 30.0, "frequency": 2.5, "phase": 0.7}),
    ],
    "wanet": [
        Case(wanet, {"canvas": "native"}, {"grid": _grid(4)}, within=0.6),
        Case(wanet, {"canvas": "native", "s": 2.0, "grid_rescale": 0.95}, {"grid": _grid(8)}, within=0.6),
        Case(wanet, {"canvas": "native", "s": 1.0}, {"grid": _grid(2)}, within=0.6),
        Case(wanet, {}, {"grid": _grid(4)}, within=0.6),
    ],
}
