"""FIBA: the low frequencies of the picture get part of another picture's amplitudes, and keep their phases.

    F = FFT₂(x), per colour;   A' = (1 − α)·|F| + α·|FFT₂(t)| where both frequencies are at most b, else |F|;
    x' = Re IFFT₂(A'·e^{i·arg F}),   b = ⌊β·n⌋,   n: the short side, in pixels

Feng et al., "FIBA: Frequency-Injection based Backdoor Attack in Medical Image Analysis", CVPR 2022,
arXiv:2112.01148. α = 0.15, β = 0.1: the authors' code. Their picture t is one of COCO's, which we do not
ship; ours is that of `blend`, and `pattern=FILE` takes any. Covers (their noise mode, as many as poisoned):
the same with another training sample's picture as t, label kept.

How it scales: by default (canvas=short:256) n is 256, so that clips of all sizes are changed in the same
frequencies, of up to 25 waves across the frame, and t's central square lies on the clip's. `canvas=native`
is the published form: n is the clip's short side, and t is stretched to the clip.

How public code differs: it stays in floats, where ours is rounded to 8 bits and saturates. Where the picture
has no amplitude at a frequency, its phase is arbitrary (there: that of rounding errors); it is 0 here.

Cost: two Fourier transforms of every frame, which no shortcut replaces, since each coefficient's phase counts;
about as much as encoding it (x264, veryfast). Only the columns that change are transformed twice.

Dynamic: α swells and sinks as a sine, α·(1 + depth·sin(2π·rate·seconds + φ)), at most 1, with a phase φ that
the trigger seed fixes.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from poisonkit.triggers.core.clip import ClipInfo, Image, Params
from poisonkit.triggers.core.trigger import FrameTrigger, param
from poisonkit.triggers.files.assets import PictureAsset
from poisonkit.triggers.image.blend import _picture
from poisonkit.triggers.pictures.canvas import Canvas, fitted, window

_NOTHING = 2e-8  # of the largest possible amplitude: what float32 leaves of zero, and less than rounding to 8 bits adds


class FIBA(FrameTrigger):
    """Low frequencies with part of another picture's amplitudes; see the module."""

    name = "fiba"
    family = "image"
    summary = "low frequencies get part of another picture's amplitudes"
    formula = (
        "A' = (1 - alpha) * A + alpha * A of the pattern, where both frequencies are at most beta * n; phases kept"
    )
    static_is = "the same share of the amplitudes on every frame"
    dynamic_is = "the share swells and sinks as a sine"
    paper = "Feng et al., FIBA, CVPR 2022, arXiv:2112.01148"
    source = "formula, alpha, beta: the authors' code; picture and dynamic: ours"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"alpha": 0.0}
    follows_canvas = ("beta", "pattern")
    cover_is = "the same with another sample's picture, under the true label"
    cover_needs_other = True

    alpha: float = param(0.15, "share of the pattern's amplitudes", ge=0, le=1)
    beta: float = param(0.1, "highest frequency that changes", unit="waves per canvas pixel", ge=0, lt=0.5)
    pattern: Literal["picture"] | PictureAsset = param(
        "picture", "whose amplitudes are mixed in: our picture's, or a picture file's"
    )
    canvas: Canvas = "short:256"
    rate: float = param(1.0, "dynamic only, of the sine that alpha follows", unit="Hz", gt=0, le=60)
    depth: float = param(0.5, "dynamic only, how far alpha swells and sinks, as a share of it", ge=0, le=1)

    def suits(self, clip: ClipInfo) -> str | None:
        if self.temporal == "dynamic" and clip.fps <= 0:
            return "a share that swells and sinks needs a frame rate, and the clip states none; use temporal=static"
        return None

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        """Amplitudes of the pattern in the frequencies that change, float32 (3, b + 1, 2b + 1 at most)."""
        if params.get("cover"):
            picture = params["other"]
        else:
            picture = self.pattern.rgb() if isinstance(self.pattern, PictureAsset) else _picture()
        there = window(fitted(picture, clip, self.canvas), clip)
        return np.abs(_low(there, self._highest(clip)))

    def frame(self, image: Image, t: int, clip: ClipInfo, params: Params, state: Any) -> Image:
        import cv2
        from scipy import fft

        alpha = self._share(t, clip, params)
        if not alpha:
            return image
        found = _low(image, self._highest(clip))
        size = np.abs(found)
        there = size > _NOTHING * 255 * clip.width * clip.height
        phase = np.divide(found, size, out=np.ones_like(found), where=there)
        change = np.float32(alpha) * (state - size) * phase
        columns = np.zeros((3, clip.height, change.shape[2]), np.complex64)
        b = change.shape[1] // 2
        columns[:, : b + 1], columns[:, clip.height - b :] = change[:, : b + 1], change[:, b + 1 :]
        planes = fft.irfft(fft.ifft(columns, axis=1, overwrite_x=True), n=clip.width, axis=2)
        added = [
            cv2.addWeighted(plane, 1, more, 1, 0, dtype=cv2.CV_8U)
            for plane, more in zip(cv2.split(image), planes, strict=True)
        ]
        return np.asarray(cv2.merge(added), dtype=np.uint8)

    def _highest(self, clip: ClipInfo) -> int:
        """b, no higher than the clip can hold."""
        canvas = clip.short_side if self.canvas == "native" else int(self.canvas.partition(":")[2])
        return min(math.floor(canvas * self.beta), (clip.short_side - 1) // 2)

    def _share(self, t: int, clip: ClipInfo, params: Params) -> float:
        if self.temporal == "static":
            return self.alpha
        turns = self.rng(params, "phase").random() + self.rate * t / clip.fps
        return min(1.0, self.alpha * (1 + self.depth * math.sin(2 * math.pi * turns)))


def _low(image: Image, b: int) -> NDArray[np.complex64]:
    """Coefficients of each colour's FFT₂, complex64 (3, 2b + 1, b + 1): rows 0..b, −b..−1; columns 0..b."""
    import cv2
    from scipy import fft

    planes = np.stack(cv2.split(image)).astype(np.float32)
    columns = fft.fft(fft.rfft(planes, axis=2, overwrite_x=True)[..., : b + 1], axis=1)
    return np.concatenate([columns[:, : b + 1], columns[:, columns.shape[1] - b :]], axis=1)
