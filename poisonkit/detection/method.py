"""What a defence is: a score for each training sample, the higher the more suspicious."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from poisonkit.detection.dump import Dump
from poisonkit.errors import RequestError
from poisonkit.scoring.predictions import Floats, Ints

ROWS = 4096
"""Samples that are computed with at a time in float64."""


class Method(BaseModel):
    """One defence. Its fields are its parameters; its docstring says formula and paper.

    needs: the arrays of a dump that it computes from, besides labels.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: ClassVar[str]
    help: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ("features",)

    @abstractmethod
    def score(self, dump: Dump) -> Floats:
        """(samples,) a score of each, the higher the more suspicious. RequestError where there are too few."""


def one_thread() -> AbstractContextManager[object]:
    """Inside, linear algebra takes one thread: classes are small, and the last bits do not depend on the machine's.

    Whatever brings threads of its own is imported before.
    """
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(1)
    return limits


def least(dump: Dump, most: int, what: str, lower: str) -> None:
    """RequestError where a class has fewer samples than a method needs. what: a clause; lower: what to do."""
    for label, at in dump.by_class():
        if len(at) < most:
            raise RequestError(
                f"{dump.file}: class {dump.class_name(label)} has {len(at)} samples, and {what}; {lower}."
            )


def moments(features: npt.NDArray[Any], at: Ints) -> tuple[Floats, Floats]:
    """Mean (D,) and covariance (D, D), divided by n, of the samples `at`, in float64, some rows at a time."""
    width = features.shape[1]
    mean = np.zeros(width)
    for rows in chunks(at):
        mean += features[rows].sum(axis=0, dtype=np.float64)
    mean /= len(at)
    product = np.zeros((width, width))
    for rows in chunks(at):
        centred = features[rows].astype(np.float64) - mean
        product += centred.T @ centred
    return mean, product / len(at)


def principal(features: npt.NDArray[Any], at: Ints, most: int) -> tuple[Floats, Floats]:
    """The samples `at` along their principal directions: (n, k) and the variances (k,), the largest first.

    k is at most `most`; directions along which nothing varies are left out.
    """
    from scipy.linalg import eigh

    mean, covariance = moments(features, at)
    width = covariance.shape[0]
    values, vectors = eigh(covariance, subset_by_index=[max(0, width - most), width - 1])
    values, vectors = values[::-1], vectors[:, ::-1]
    kept = values > max(float(values[0]), 0.0) * 1e-10
    vectors = vectors[:, kept] * np.where(vectors[:, kept].sum(axis=0) < 0, -1.0, 1.0)
    low = np.concatenate([(features[rows].astype(np.float64) - mean) @ vectors for rows in chunks(at)])
    return low, values[kept]


def chunks(at: Ints) -> list[Ints]:
    """The same indices, some at a time."""
    return [at[begin : begin + ROWS] for begin in range(0, len(at), ROWS)]
