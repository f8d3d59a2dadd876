"""Clips held in memory by somebody else: NumPy arrays and torch tensors, to what triggers work on and back.

PyTorch is never imported here unless a tensor was given, which is told by its class.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poisonkit.errors import RequestError
from poisonkit.triggers.core.clip import Image

LAYOUTS = ("HWC", "CHW", "THWC", "TCHW", "BTHWC", "BTCHW")
"""Orders of a clip's axes: batch, time, channels (RGB), height, width."""
_SLACK = 1e-3  # so far past 0 and 1 a resized picture may go

MOST_CHANNELS = 8  # of sound that is shorter than it has channels: a few samples in surround


@dataclass(frozen=True)
class Pictures:
    """Pictures as triggers take them. frames: uint8 RGB, (batch, frames, height, width, 3).

    back: triggered, perhaps of another number of frames, to the kind, dtype and order of axes of what was given.
    """

    frames: NDArray[np.uint8]
    back: Callable[[NDArray[np.uint8]], Any]


@dataclass(frozen=True)
class Sounds:
    """Sound as triggers take it. waves: float32 in ±1, (batch, channels, samples). back: as for `Pictures`."""

    waves: NDArray[np.float32]
    back: Callable[[NDArray[np.float32]], Any]


def is_tensor(data: object) -> bool:
    """Whether this is a torch tensor (or of a subclass, such as torchvision's Video)."""
    return any(cls.__module__ == "torch" and cls.__name__ == "Tensor" for cls in type(data).__mro__)


def is_held(data: object) -> bool:
    """Whether this is an array or a tensor."""
    return isinstance(data, np.ndarray) or is_tensor(data)


def pictures(data: Any, who: str, layout: str | None = None) -> Pictures:
    """Pictures out of an array or a CPU tensor: uint8, or floats in 0..1, which are taken to the nearest of 256 levels.

    Other integers in 0..255, as Hugging Face's formats give them, will do too.
    who: whose input it is, for errors. layout: one of `LAYOUTS`; None: told by where the 3 channels are.
    What triggers leave alone comes back as it was given. RequestError for anything else.
    """
    array, restore = _array(data, who)
    order = _order(array.shape, layout, who)
    if array.dtype.kind not in "iuf":
        raise RequestError(f"{who} takes pictures as uint8, or as floats in 0..1; this is {data.dtype}.")
    levels = array if array.dtype == np.uint8 else _levels(array, who)
    first = order.endswith("CHW")
    frames = np.moveaxis(levels, -3, -1) if first else levels
    shape = frames.shape
    held = np.ascontiguousarray(frames).reshape((1,) * (5 - len(shape)) + shape)

    def back(out: NDArray[np.uint8]) -> Any:
        same = out.shape[1] == held.shape[1]
        out = out.reshape(shape if same else (*shape[:-4], out.shape[1], *shape[-3:]))
        out = np.ascontiguousarray(np.moveaxis(out, -1, -3)) if first else out
        if array.dtype.kind != "f":
            return restore(out.astype(array.dtype, copy=False))
        wide: NDArray[Any] = out.astype(np.float64 if array.dtype == np.float64 else np.float32)
        made = (wide / wide.dtype.type(255)).astype(array.dtype)
        return restore(np.where(out == levels, array, made) if same else made)

    return Pictures(held, back)


def sounds(data: Any, who: str) -> Sounds:
    """Sound out of an array or a CPU tensor: float32, (samples,), (channels, samples) or (batch, channels, samples)."""
    array, restore = _array(data, who)
    if array.dtype != np.float32 or array.ndim not in (1, 2, 3) or 0 in array.shape:
        raise RequestError(
            f"{who} takes float32 sound in ±1 of the shape (samples,), (channels, samples) or (batch, channels, "
            f"samples); this is {data.dtype} {array.shape}."
        )
    if array.ndim > 1 and array.shape[-2] > max(array.shape[-1], MOST_CHANNELS):
        raise RequestError(
            f"{who} takes sound of the shape (channels, samples), and {array.shape} has more channels than samples: "
            "give x.T, or for a batch np.swapaxes(x, 1, 2), if samples come first, as soundfile reads them."
        )
    waves = array.reshape((1,) * (3 - array.ndim) + array.shape)
    return Sounds(waves, lambda out: restore(out.reshape(*array.shape[:-1], out.shape[-1])))


def _array(data: Any, who: str) -> tuple[NDArray[Any], Callable[[NDArray[Any]], Any]]:
    """The data as an array, and what makes of an array the kind that it was."""
    if isinstance(data, np.ndarray):
        return data, lambda out: out
    if not is_tensor(data):
        raise RequestError(f"{who} takes a NumPy array or a torch tensor, not {type(data).__name__}.")
    if data.device.type != "cpu":
        raise RequestError(f"{who} works on the CPU, and this tensor is on '{data.device}': give x.cpu().")
    if data.requires_grad:
        raise RequestError(f"{who} has no gradient, and this tensor asks for one: give x.detach().")
    try:
        array = data.numpy()
    except (TypeError, RuntimeError):
        raise RequestError(f"{who} takes dense tensors of a dtype that NumPy has too; this is {data.dtype}.") from None

    def restore(out: NDArray[Any]) -> Any:
        tensor = importlib.import_module("torch").from_numpy(out)
        return tensor if type(data) is type(tensor) else tensor.as_subclass(type(data))

    return array, restore


def _order(shape: tuple[int, ...], layout: str | None, who: str) -> str:
    """Which of `LAYOUTS` pictures of this shape have."""
    fitting = [order for order in LAYOUTS if len(order) == len(shape)]
    if not fitting or 0 in shape:
        raise RequestError(
            f"{who} takes RGB of the shape (frames, height, width, 3) or (frames, 3, height, width), one picture "
            f"without the first axis, a batch with one more before it; this is {shape}."
        )
    known = [order for order in fitting if shape[order.index("C")] == 3]
    if layout is not None:
        if layout not in known:
            could = " or ".join(known) or "none of " + ", ".join(fitting)
            raise RequestError(f"{who}: layout {layout!r} does not fit the shape {shape}, which is {could}.")
        return layout
    if len(known) == 1 and "T" in known[0] and shape[-4] == 3 == shape[-3]:
        swapped = "1, 0, 2, 3" if len(shape) == 4 else "0, 2, 1, 3, 4"
        raise RequestError(
            f"{who}: of the shape {shape}, axis {len(shape) - 4} and the next may both be the colours: say "
            f"layout='{known[0]}' if these are 3 frames, or give x.permute({swapped}) with it if colours come first."
        )
    if len(known) == 1:
        return known[0]
    if known:
        raise RequestError(
            f"{who}: of the shape {shape}, axis {len(shape) - 3} and the last may both be the colours: say which with "
            f"layout='{known[0]}' or layout='{known[1]}'."
        )
    hint = ""
    if len(shape) > 3 and shape[-4] == 3:
        hint = f" Colours before frames: give x.permute({'1, 0, 2, 3' if len(shape) == 4 else '0, 2, 1, 3, 4'})."
    raise RequestError(f"{who} takes RGB, {' or '.join(fitting)} with 3 channels; this is {shape}.{hint}")


def _levels(array: NDArray[Any], who: str) -> Image:
    low, high = float(array.min()), float(array.max())
    if array.dtype.kind == "f":
        if not (low >= -_SLACK and high <= 1 + _SLACK):
            raise RequestError(
                f"{who} takes pictures of floats in 0..1, before any normalisation; these are from {low:g} to {high:g}."
            )
        array = np.rint(np.clip(array.astype(np.float32), 0, 1) * np.float32(255))
    elif low < 0 or high > 255:
        raise RequestError(f"{who} takes pictures of 256 levels; these are from {low:g} to {high:g}.")
    return array.astype(np.uint8)
