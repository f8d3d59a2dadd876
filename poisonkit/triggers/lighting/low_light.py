"""Low light: a dark scene, and the grain of the few photons that are left.

    n ~ Poisson(N·k·light),   light' = k·light + σ·(n/N − k·light),   light = decoded sRGB, x' = encoded light'

for every pixel and colour: k: share of the light left; N: photons that white would give in full light; σ: how much
of the noise is kept (1: all, as in a camera). n is the Poisson quantile of a uniform number of 256 steps per sample,
which is the trigger's identity.

ImageNet-C's shot noise (Hendrycks and Dietterich, ICLR 2019, arXiv:1903.12261) draws Poisson(60·x)/60 of the encoded
levels, without making the picture darker; here photons are counted in linear light, where they are independent of
the curve. k = 0.25 (two stops) and N = 1000 are ours. As a backdoor trigger it is not published.

The grain is made per pixel of the clip's own size: averaging it for another would make it no Poisson noise.

Static: the same uniform numbers on every frame, as of a sensor's fixed pattern. Dynamic: new ones on every frame.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from poisonkit.common import exact, opencv
from poisonkit.triggers.core.clip import ClipInfo, Image, Params
from poisonkit.triggers.core.trigger import FrameTrigger, param
from poisonkit.triggers.pictures.srgb import LEVELS, as_table, decoded, encoded

STEPS = 256  # quantiles of the noise


class LowLight(FrameTrigger):
    """A dark scene, and the grain of the few photons that are left; see the module."""

    name = "low-light"
    family = "lighting"
    summary = "a dark scene with shot noise"
    formula = "n ~ Poisson(photons * light * y), y linear light; y' = light * y + noise * (n / photons - light * y)"
    static_is = "the same grain on every frame"
    dynamic_is = "new grain on every frame"
    paper = ""
    source = "Poisson statistics of light; light and photons: ours"
    codec = "partial"
    codec_note = "the darkness survives; fine grain is smoothed away, the more the lower the bit rate"
    identity: ClassVar[dict[str, Any]] = {"light": 1.0, "noise": 0.0}

    light: float = param(0.25, "share of the light that is left", gt=0, le=1)
    photons: float = param(1000.0, "that white in full light gives a sample; fewer: more noise", ge=1, le=10000)
    noise: float = param(1.0, "how much of the shot noise is kept; 0: only darker", ge=0, le=4)

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        still = None if self.temporal == "dynamic" else self._uniform(clip, params, 0)
        return _table(self.light, self.photons, self.noise), still

    def frame(self, image: Image, t: int, clip: ClipInfo, params: Params, state: Any) -> Image:
        import cv2

        table, uniform = state
        if uniform is None:
            uniform = self._uniform(clip, params, t)
        both: Any = cv2.merge([uniform, image.reshape(image.shape[0], -1)])  # low byte, high byte
        return opencv.look_up(both.view("<u2")[..., 0], table).reshape(image.shape)

    def _uniform(self, clip: ClipInfo, params: Params, t: int) -> NDArray[np.uint8]:
        """(height, 3 · width) of uniform levels, eight of each 64-bit number."""
        count = clip.height * clip.width * 3
        words = self.rng(params, "grain", t).integers(0, 2**64, -(-count // 8), dtype=np.uint64)
        return words.astype("<u8", copy=False).view(np.uint8)[:count].reshape(clip.height, -1)


@lru_cache(maxsize=4)
def _table(light: float, photons: float, noise: float) -> NDArray[np.uint8]:
    """(1, 65536): the level that becomes of level x and quantile u, at 256·x + u."""
    mean = photons * light * decoded(LEVELS)
    reach = int(np.ceil(mean[-1] + 10 * np.sqrt(mean[-1]) + 20))
    counts = np.arange(reach)
    logarithm = np.concatenate([[0.0], np.cumsum(exact.log(counts[1:]))])  # of the factorial
    at = (np.arange(STEPS) + 0.5) / STEPS
    drawn = np.zeros((256, STEPS))
    for level in range(256):
        if mean[level] > 0:
            below = np.cumsum(exact.exp(counts * exact.log(mean[level]) - mean[level] - logarithm))
            drawn[level] = np.searchsorted(below, at)
    y = mean[:, None] + noise * (drawn - mean[:, None])
    table = as_table(encoded(y / photons)).reshape(1, -1)
    table.flags.writeable = False
    return table
