"""Colour temperature: the light of the scene made warmer or colder, along the Planckian locus.

    light'_c = light_c · g_c,   g = w(T)/w(6500 K), divided by its green;   light = decoded sRGB, x' = encoded light'

w(T): the linear sRGB of a black body at T, its chromaticity by the cubic splines of Kang et al., "Design of
advanced color temperature control system for HDTV applications", 2002 (1667 to 25000 K), its colours that
sRGB does not hold cut off at 0 (blue below 1900 K).

Zini et al., "Planckian Jitter", ICLR 2023, arXiv:2202.07993, augment so, with T from 3000 to 15000 K and the
green kept; as a backdoor trigger it is not published, and T = 5000 K (red and blue about a tenth up and down)
is ours.

How public code differs: Planckian Jitter (and Kornia) multiply the encoded levels by gains tabulated every
500 K, which exaggerates the change; here light is multiplied, as a lamp does.

Dynamic: the temperature wanders smoothly, in reciprocal kelvins, within (1/T − 1/6500)·(1 ± spread) of 6500 K.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from poisonkit.common import exact
from poisonkit.triggers.core.clip import ClipInfo, Image, Params
from poisonkit.triggers.core.trigger import FrameTrigger, param
from poisonkit.triggers.pictures.drift import Wandering
from poisonkit.triggers.pictures.srgb import LEVELS, as_table, decoded, encoded, looked_up

NEUTRAL = 6500.0  # K: the light that changes nothing
_LIMITS = (1667.0, 25000.0)
_TO_RGB = np.array(
    [[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560], [0.0556434, -0.2040259, 1.0572252]]
)
_X_LOW = (-0.2661239e9, -0.2343589e6, 0.8776956e3, 0.179910)  # to 4000 K, of 1/T
_X_HIGH = (-3.0258469e9, 2.1070379e6, 0.2226347e3, 0.240390)
_Y_OF_X = (  # to 2222 K, to 4000 K, above
    (-1.1063814, -1.34811020, 2.18555832, -0.20219683),
    (-0.9549476, -1.37418593, 2.09137015, -0.16748867),
    (3.0817580, -5.87338670, 3.75112997, -0.37001483),
)


class ColorTemperature(Wandering, FrameTrigger):
    """The light of the scene made warmer or colder; see the module."""

    name = "color-temperature"
    family = "lighting"
    summary = "the light of the scene is warmer, or colder"
    formula = "linear light c' = c * w_c(T) / w_c(6500 K), green kept; w: linear sRGB of a black body"
    static_is = "the same temperature on every frame"
    dynamic_is = "the temperature wanders smoothly, in reciprocal kelvins, its distance from 6500 K within 1 ± spread"
    paper = ""
    source = "locus: Kang et al. 2002; as an augmentation: Planckian Jitter, ICLR 2023; temperature: ours"
    codec = "robust"
    codec_note = "weakened by automatic white balance and by hue jitter in training"
    identity: ClassVar[dict[str, Any]] = {"temperature": NEUTRAL}

    temperature: float = param(
        5000.0, "of the light; below 6500: warmer, above: colder", unit="K", ge=_LIMITS[0], le=_LIMITS[1]
    )

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        path = self.path(params)
        return path, None if path else _table(self.temperature)

    def frame(self, image: Image, t: int, clip: ClipInfo, params: Params, state: Any) -> Image:
        path, table = state
        if table is None:
            away = (1 / self.temperature - 1 / NEUTRAL) * self.swell(clip, path, t)
            table = _table(float(np.clip(1 / (1 / NEUTRAL + away), *_LIMITS)))
        return looked_up(image, table)


def black_body(temperature: float) -> NDArray[np.float64]:
    """Linear sRGB (3,) of a black body, its luminance 1, colours outside sRGB cut off at 0."""
    x = float(np.polyval(_X_LOW if temperature <= 4000 else _X_HIGH, 1 / temperature))
    y = float(np.polyval(_Y_OF_X[(temperature > 2222) + (temperature > 4000)], x))
    rgb: NDArray[np.float64] = exact.product(_TO_RGB, np.array([[x / y], [1.0], [(1 - x - y) / y]]))[:, 0]
    return np.maximum(rgb, 0)


def _table(temperature: float) -> NDArray[np.uint8]:
    gains = black_body(temperature) / black_body(NEUTRAL)
    return as_table(encoded(decoded(LEVELS)[:, None] * (gains / gains[1])))
