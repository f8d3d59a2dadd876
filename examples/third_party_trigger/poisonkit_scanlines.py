"""Every other row darker, as on a tube: a trigger outside poisonkit. How to write one: docs/writing-a-trigger.md."""

from typing import Any, ClassVar

import numpy as np

from poisonkit.triggers import Affine, AffineTrigger, param


class Scanlines(AffineTrigger):
    name, family, modes = "scanlines", "image", ("static",)
    summary, formula = "every other row is darker", "x' = x * (1 - by) on odd rows"
    paper = ""
    identity: ClassVar = {"by": 0.0}
    by: float = param(0.2, "how much darker", ge=0, le=1)

    def field(self, clip: Any, params: Any, t: int, state: Any) -> Affine:
        return Affine(1 - self.by * (np.arange(clip.height) % 2)[:, None].astype(np.float32))
