"""A trigger of somebody's own, as a file."""

TINT = '''
from typing import Any, ClassVar

import numpy as np

from poisonkit.triggers import Affine, AffineTrigger, param


class Tint(AffineTrigger):
    """More red."""

    name, family, modes = "tint", "lighting", ("static",)
    summary, formula = "more red everywhere", "R' = R + by"
    paper = ""
    identity: ClassVar[dict[str, Any]] = {"by": 0.0}
    by: float = param(12.0, "how much more red", unit="levels", ge=0, le=255)

    def field(self, clip: Any, params: Any, t: int, state: Any) -> Affine:
        return Affine(1.0, np.array([self.by, 0, 0], np.float32))
'''
