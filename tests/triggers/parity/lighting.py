"""The lighting family, from the definitions in the modules."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.stats import poisson

from .scene import Case, Scene

KEPT = 0.875  # of the short side: where trainers crop, in which positions are


def decoded(levels: np.ndarray) -> np.ndarray:
    """sRGB to light."""
    v = levels / 255
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def encoded(light: np.ndarray) -> np.ndarray:
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def brightness(s: Scene, by: float = 0.2) -> np.ndarray:
    return s.x + 255 * by


def gamma(s: Scene, gamma: float = 1.3) -> np.ndarray:
    return 255 * (s.x / 255) ** gamma


def contrast(s: Scene, factor: float = 0.4, pivot: float = 127.5) -> np.ndarray:
    return pivot + factor * (s.x - pivot)


def color_temperature(s: Scene, temperature: float = 5000.0) -> np.ndarray:
    """Gains in linear light: a black body's linear sRGB over that of 6500 K, green kept."""

    def body(kelvin: float) -> np.ndarray:
        t = 1000 / kelvin  # Kang et al. 2002
        if kelvin <= 4000:
            x = -0.2661239 * t**3 - 0.2343589 * t**2 + 0.8776956 * t + 0.179910
        else:
            x = -3.0258469 * t**3 + 2.1070379 * t**2 + 0.2226347 * t + 0.240390
        if kelvin <= 2222:
            y = -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
        elif kelvin <= 4000:
            y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
        else:
            y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
        red = 3.2404542 * x / y - 1.5371385 - 0.4985314 * (1 - x - y) / y
        green = -0.969266 * x / y + 1.8760108 + 0.041556 * (1 - x - y) / y
        blue = 0.0556434 * x / y - 0.2040259 + 1.0572252 * (1 - x - y) / y
        return np.maximum([red, green, blue], 0)

    gains = body(temperature) / body(6500)
    return encoded(decoded(s.x) * gains / gains[1])


def lamp_flicker(s: Scene, frequency: float = 2.0, amplitude: float = 0.1, phase: float = 0.0) -> np.ndarray:
    return s.x * (1 + amplitude * math.sin(2 * math.pi * frequency * s.seconds + phase))


def vignette(s: Scene, amount: float = 0.5) -> np.ndarray:
    """x/(1 + κ·r²)², so that r² = 1/2 is darker by `amount`."""
    kappa = 2 * ((1 - amount) ** -0.5 - 1)
    return s.x / (1 + kappa * (s.u**2 + s.v**2)[..., None]) ** 2


def _from(s: Scene, position: Any) -> tuple[np.ndarray, tuple[float, float]]:
    """Squared distance of each pixel from a position in the central crop, and that place, in short sides."""
    x, y = ((at - 0.5) * KEPT for at in position)
    return (s.u - x) ** 2 + (s.v - y) ** 2, (x, y)


def spotlight(
    s: Scene,
    strength: float = 100.0,
    sigma: float = 0.25,
    position: Any = (0.5, 0.5),
    color: Any = (255, 255, 255),
    mix: str = "reflect",
) -> np.ndarray:
    """x·(1 + s/128), s Gaussian; or x + s·(1 − x/255); or x + s."""
    square, _ = _from(s, position)
    light = strength * np.array(color) / 255 * np.exp(-square / (2 * sigma**2))[..., None]
    return _mixed(s.x, light, mix)


def _mixed(x: np.ndarray, light: np.ndarray, mix: str) -> np.ndarray:
    """A lamp on surfaces, or veiling glare."""
    if mix == "reflect":
        return np.asarray(x * (1 + light / 128))
    return np.asarray(x + light if mix == "add" else x + light * (1 - x / 255))


def laser_spot(
    s: Scene,
    strength: float = 1.0,
    glow: float = 0.6,
    core: float = 0.012,
    halo: float = 0.05,
    position: Any = (0.5, 0.5),
    color: Any = (0, 255, 0),
    power: float = 4.0,
    mix: str = "reflect",
) -> np.ndarray:
    """A core and a coloured halo, at least half a pixel wide: x·(1 + power·light); or screened; or added."""
    square, _ = _from(s, position)
    core, halo = (max(size, 0.5 / s.short) for size in (core, halo))
    white = strength * np.exp(-square / (2 * core**2))[..., None]
    shine = strength * glow * np.array(color) / 255 * np.exp(-square / (2 * halo**2))[..., None]
    if mix == "reflect":
        return s.x * (1 + power * (white + shine))
    return s.x + 255 * (white + shine) if mix == "add" else 255 - (255 - s.x) * (1 - white) * (1 - shine)


def sun_glare(
    s: Scene, strength: float = 1.0, radius: float = 0.35, ghosts: int = 8, position: Any = (0.8, 0.12)
) -> np.ndarray:
    """The source's fall-off and its ghosts' discs, each screened; the ghosts are the trigger's own."""
    square, (x, y) = _from(s, position)
    r = np.sqrt(square)
    fall = (1 - np.clip((r - radius / 6) / (radius - radius / 6), 0, 1)) ** 3
    dark = 1 - strength * np.array([255, 250, 235]) / 255 * fall[..., None]
    assert len(s.trigger._ghosts(s.drawn)) == ghosts
    for k, size, its, tint in s.trigger._ghosts(s.drawn):
        r = np.hypot(s.u - x * (1 - k), s.v - y * (1 - k)) * s.short
        disc = np.clip((size * s.short - r) / max(size * s.short / 10, 1) + 0.5, 0, 1)
        dark = dark * (1 - strength * its * np.array(tint) * disc[..., None])
    return 255 - (255 - s.x) * dark


def rolling_light(
    s: Scene,
    strength: float = 80.0,
    wavelength: float = 1.5,
    direction: float = 0.0,
    frequency: float = 0.25,
    phase: float = 0.0,
    mix: str = "reflect",
) -> np.ndarray:
    """Bands (1 + cos(2π·u/λ − 2πft − φ))/2 of amber light."""
    along = s.u * math.cos(math.radians(direction)) + s.v * math.sin(math.radians(direction))
    wave = (1 + np.cos(2 * np.pi * along / wavelength - 2 * np.pi * frequency * s.seconds - phase)) / 2
    return _mixed(s.x, strength * np.array([255, 160, 64]) / 255 * wave[..., None], mix)


def shadow(
    s: Scene, light: float = 0.43, edge: float = 0.04, position: Any = (0.5, 0.5), polygon: Any = None, **_: Any
) -> np.ndarray:
    """x·(1 − (1 − k)·m), m a smooth step of the distance from the polygon; no sharper than a pixel."""
    _, (x, y) = _from(s, position)
    corners = s.trigger.corners(s.drawn) if polygon is None else np.reshape(polygon, (-1, 2))
    px, py = np.broadcast_arrays(s.u - x, s.v - y)
    nearest, inside = np.full(px.shape, np.inf), np.zeros(px.shape, bool)
    for (ax, ay), (bx, by) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        share = np.clip(((px - ax) * (bx - ax) + (py - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2), 0, 1)
        nearest = np.minimum(nearest, np.hypot(px - ax - share * (bx - ax), py - ay - share * (by - ay)))
        if ay != by:
            inside ^= ((ay <= py) != (by <= py)) & (px < ax + (py - ay) * (bx - ax) / (by - ay))
    step = np.clip(0.5 - np.where(inside, -nearest, nearest) / max(edge, 1 / s.short), 0, 1)
    return s.x * (1 - (1 - light) * (step**2 * (3 - 2 * step))[..., None])


def low_light(s: Scene, light: float = 0.25, photons: float = 1000.0, noise: float = 1.0) -> np.ndarray:
    """Poisson's quantile of 256 steps, in linear light."""
    count = s.height * s.width * 3
    words = s.rng("grain", 0).integers(0, 2**64, -(-count // 8), np.uint64)
    grain = s.pick(words.astype("<u8").view(np.uint8)[:count].reshape(s.height, s.width, 3))
    return _quantiles(light, photons, noise)[s.pick(s.frames[s.t]), grain]


@lru_cache
def _quantiles(light: float, photons: float, noise: float) -> np.ndarray:
    """By level and quantile."""
    mean = (photons * light * decoded(np.arange(256.0)))[:, None]
    n = poisson.ppf((np.arange(256)[None, :] + 0.5) / 256, mean)
    return encoded((mean + noise * (n - mean)) / photons)


STAR = [-0.3, -0.3, 0.0, -0.1, 0.3, -0.3, 0.1, 0.0, 0.3, 0.3, -0.2, 0.2]

CASES: dict[str, list[Case]] = {
    "brightness": [Case(brightness), Case(brightness, {"by": -0.35})],
    "color-temperature": [
        Case(color_temperature),
        Case(color_temperature, {"temperature": 2500.0}),
        Case(color_temperature, {"temperature": 1700.0}),
        Case(color_temperature, {"temperature": 12000.0}),
    ],
    "contrast": [Case(contrast), Case(contrast, {"factor": 2.5, "pivot": 90.0})],
    "gamma": [Case(gamma), Case(gamma, {"gamma": 0.6})],
    "lamp-flicker": [
        Case(lamp_flicker, frames=4),
        Case(lamp_flicker, {"frequency": 6.5, "amplitude": 0.3, "phase": 1.0}, frames=4),
    ],
    "laser-spot": [
        Case(laser_spot, within=0.6),
        Case(laser_spot, {"mix": "screen"}, within=0.6),
        Case(laser_spot, {"mix": "add", "strength": 0.5, "core": 0.03}, within=0.6),
        Case(
            laser_spot,
            {"strength": 0.7, "core": 0.05, "halo": 0.04, "position": [0.0, 0.5], "color": [255, 255, 255]},
            within=0.6,
        ),
    ],
    "low-light": [Case(low_light), Case(low_light, {"light": 1.0, "photons": 20.0}), Case(low_light, {"noise": 0.0})],
    "rolling-light": [
        Case(rolling_light, within=0.52, frames=3),
        Case(rolling_light, {"mix": "screen", "strength": 60.0}, within=0.52, frames=3),
        Case(
            rolling_light,
            {"direction": 37.0, "frequency": 0.7, "phase": 1.0, "wavelength": 0.8, "mix": "add"},
            within=0.52,
            frames=3,
        ),
    ],
    "shadow": [
        Case(shadow),
        Case(shadow, {"vertices": 3, "edge": 0.2, "light": 0.8, "position": [0.1, 0.7], "trigger_seed": 3}),
        Case(shadow, {"polygon": STAR, "edge": 0.0}),
    ],
    "spotlight": [
        Case(spotlight, within=0.6),
        Case(spotlight, {"mix": "add", "color": [255, 128, 0], "sigma": 0.1, "strength": 150.0}, within=0.6),
        Case(spotlight, {"color": [255, 128, 0], "position": [0.0, 0.3], "sigma": 0.15}, within=0.6),
        Case(spotlight, {"mix": "screen", "strength": 40.0}, within=0.6),
    ],
    "sun-glare": [
        Case(sun_glare),
        Case(sun_glare, {"position": [0.0, 0.5], "radius": 0.8, "strength": 0.5, "ghosts": 3}),
    ],
    "vignette": [Case(vignette), Case(vignette, {"amount": 0.9})],
}
