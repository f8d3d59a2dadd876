"""What a changed clip is compared with where its length is another one: its source at the same moments.

Past the end of the source its last picture stands, and there is silence; what of it is past the end of the changed clip
is left out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Picture = TypeVar("Picture")


class Counterparts(Generic[Picture]):
    """Pictures on their way into a trigger (this is what goes in), kept until the one at their place comes out."""

    def __init__(self, pictures: Iterable[Picture]) -> None:
        self._pictures = iter(pictures)
        self._held: deque[Picture] = deque()
        self._last: Picture | None = None

    def __iter__(self) -> Iterator[Picture]:
        for picture in self._pictures:
            self._held.append(picture)
            yield picture

    def take(self) -> Picture:
        """The counterpart of the next picture that comes out."""
        if self._held:
            self._last = self._held.popleft()
        if self._last is None:
            raise ValueError("a picture came out before one went in")
        return self._last


def standing(pictures: Iterable[Picture]) -> Iterator[Picture]:
    """The pictures, and then the last of them for ever; none where there are none."""
    last: Picture | None = None
    for picture in pictures:
        last = picture
        yield picture
    while last is not None:
        yield last


def as_long_as(wave: NDArray[Any], samples: int) -> NDArray[Any]:
    """The sound, (channels, samples), cut to so many samples, or with silence behind it."""
    if wave.shape[1] >= samples:
        return wave[:, :samples]
    return np.pad(wave, ((0, 0), (0, samples - wave.shape[1])))
