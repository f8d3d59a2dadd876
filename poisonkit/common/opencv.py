"""Which OpenCV is there: poisonkit works with any build of it (plain, headless, contrib), from 4.11 on."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

from poisonkit.errors import RequestError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOWEST = (4, 11)
MISSING = (
    "poisonkit needs OpenCV, whose build it leaves to you: pip install opencv-python-headless "
    "(or opencv-python, or opencv-contrib-python)."
)


def require() -> None:
    """RequestError if there is no OpenCV; does not load it."""
    if find_spec("cv2") is None:
        raise RequestError(MISSING)


@cache
def version() -> tuple[int, int]:
    """Major and minor number. RequestError where it is older than what poisonkit works with."""
    import cv2

    major, minor = (int(part) for part in cv2.__version__.split(".")[:2])
    if (major, minor) < LOWEST:
        raise RequestError(
            f"poisonkit needs OpenCV 4.11 or later, and this environment has {cv2.__version__}: upgrade the package "
            "that brought it (opencv-python, opencv-python-headless or opencv-contrib-python)."
        )
    return major, minor


def look_up(index: NDArray[np.uint16], table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The table's value, of 65536, for each index: `cv2.LUT`, which takes no such table before 4.12."""
    import cv2
    import numpy as np

    if version() < (4, 12):
        return table.reshape(-1)[index]
    return np.asarray(cv2.LUT(index, table.reshape(1, -1)), np.uint8)
