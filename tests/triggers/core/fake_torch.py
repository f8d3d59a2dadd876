"""As much of PyTorch as triggers look at, for tests where it is not installed."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest


class Tensor:
    """An array under torch's names."""

    def __init__(self, array: np.ndarray[Any, Any], device: str = "cpu", requires_grad: bool = False) -> None:
        self._array, self.requires_grad = array, requires_grad
        self.device = SimpleNamespace(type=device)
        self.dtype, self.shape = f"torch.{array.dtype}", tuple(array.shape)

    def numpy(self) -> np.ndarray[Any, Any]:
        return self._array


Tensor.__module__ = "torch"


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """`import torch` finds it for the length of a test."""
    module = ModuleType("torch")
    module.Tensor, module.from_numpy = Tensor, Tensor  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", module)
