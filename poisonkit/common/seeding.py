"""Every random choice in poisonkit comes from here.

A draw is a pure function of what it is for, (seed, purpose, sample id, frame index …), so it does not
depend on order, workers, time or what else was drawn. Never Python's `hash`, never a shared stream.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

Part = int | str | float | bool | None


def _digest(parts: tuple[Part, ...], size: int) -> bytes:
    """blake2b of the parts, each tagged with type and length, so that ("a", "bc") != ("ab", "c")."""
    return _hashed(parts, size).digest()


def _hashed(parts: tuple[Part, ...], size: int) -> hashlib.blake2b:
    h = hashlib.blake2b(digest_size=size)
    for part in parts:
        text = repr(float(part)) if isinstance(part, float) else str(part)
        raw = text.encode("utf-8", "surrogatepass")
        h.update(f"{type(part).__name__}:{len(raw)}:".encode())
        h.update(raw)
    return h


def key64(*parts: Part) -> int:
    """A 64-bit key of the parts: blake2b-64, as an unsigned integer."""
    return int.from_bytes(_digest(parts, 8), "big")


def keys64(*parts: Part) -> Callable[[str], int]:
    """The function `text -> key64(*parts, text)`, for many texts."""
    begun = _hashed(parts, 8)

    def key(text: str) -> int:
        raw = text.encode("utf-8", "surrogatepass")
        h = begun.copy()
        h.update(b"str:%d:%b" % (len(raw), raw))
        return int.from_bytes(h.digest(), "big")

    return key


def generator(*parts: Part) -> np.random.Generator:
    """A fresh NumPy generator keyed by the parts (128 bits of blake2b into PCG64)."""
    return np.random.Generator(np.random.PCG64(int.from_bytes(_digest(parts, 16), "big")))
