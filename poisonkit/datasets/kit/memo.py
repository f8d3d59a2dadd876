"""What is worked out once per dataset and forgotten with it."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TypeVar

from poisonkit.datasets.base import Dataset

T = TypeVar("T")


def once_per_dataset(make: Callable[[Dataset], T]) -> Callable[[Dataset], T]:
    """`make`, whose result is kept as long as the (immutable) dataset lives."""
    kept: dict[int, tuple[weakref.ref[Dataset], T]] = {}

    def get(dataset: Dataset) -> T:
        key = id(dataset)
        hit = kept.get(key)
        if hit is not None and hit[0]() is dataset:
            return hit[1]
        value = make(dataset)
        kept[key] = (weakref.ref(dataset, lambda _: kept.pop(key, None)), value)
        return value

    return get
