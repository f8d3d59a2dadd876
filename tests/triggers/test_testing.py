"""The property checks themselves: each finds the fault that it is for."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from poisonkit.triggers import testing
from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.trigger import AffineTrigger, AudioTrigger, FrameTrigger, StreamTrigger, param
from poisonkit.triggers.testing import Case, Media, check_trigger

_BY: dict[str, Any] = {"by": 0.0}


class Facts:
    family = "lighting"
    summary = "more light"
    formula = "x' = x + by"
    paper = ""
    static_is = "alike"
    dynamic_is = "by frame"
    identity: ClassVar[dict[str, Any]] = _BY


class Light(Facts, AffineTrigger):
    """A sound trigger to break."""

    name = "light"
    by: float = param(20.0, "how much more", unit="levels", ge=0, le=255)

    def field(self, clip: Any, params: Any, t: int, state: Any) -> Affine:
        return Affine(1.0, self.by * float(self.rng(params, "light", self.step(t)).uniform(0.2, 1)))


class Frames(Facts, FrameTrigger):
    name = "frames"
    modes = ("static",)
    by: float = param(20.0, "how much more", ge=0, le=255)

    def frame(self, image: Any, t: int, clip: Any, params: Any, state: Any) -> Any:
        return np.clip(image.astype(float) + self.by, 0, 255).astype(np.uint8)


class Stream(Facts, StreamTrigger):
    name = "stream"
    modes = ("static",)
    by: float = param(2.0, "how many frames later", ge=0, le=8)

    def window(self, clip: Any) -> int:
        return int(self.by)

    def stream(self, frames: Any, clip: Any, params: Any, state: Any) -> Any:
        held: list[Any] = []
        for image in frames:
            held.append(image)
            if len(held) > self.by:
                yield held[int(self.by)]
                held.pop(0)
        for _ in held:
            yield held[-1]


class Hum(Facts, AudioTrigger):
    name = "hum"
    family = "audio"
    modes = ("static",)
    by: float = param(0.1, "how much", ge=0, le=1)

    def wave(self, wave: Any, clip: Any, params: Any) -> Any:
        return wave + np.float32(self.by)


class Pulse(Facts, FrameTrigger):
    """Frames in both modes."""

    name = "pulse"
    by: float = param(30.0, "how much more", ge=0, le=255)

    def much(self, t: int, params: Any) -> float:
        return self.by * float(self.rng(params, "pulse", self.step(t)).uniform(0.5, 1))

    def frame(self, image: Any, t: int, clip: Any, params: Any, state: Any) -> Any:
        return np.clip(image + self.much(t, params), 0, 255).astype(np.uint8)


class Swell(Facts, StreamTrigger):
    """A stream in both modes."""

    name = "swell"
    by: float = param(30.0, "how much more", ge=0, le=255)

    def stream(self, frames: Any, clip: Any, params: Any, state: Any) -> Any:
        for t, image in enumerate(frames):
            yield np.clip(image + Pulse.much(self, t, params), 0, 255).astype(np.uint8)  # type: ignore[arg-type]


class Drone(Facts, AudioTrigger):
    """A sound in both modes."""

    name = "drone"
    family = "audio"
    by: float = param(0.1, "how much more", ge=0, le=1)

    def wave(self, wave: Any, clip: Any, params: Any) -> Any:
        out = wave.copy()
        for k, start, end in self.pieces(clip):
            out[:, start:end] += np.float32(Pulse.much(self, k, params))  # type: ignore[arg-type]
        return out


@pytest.mark.parametrize("cls", [Light, Frames, Stream, Hum, Pulse, Swell, Drone])
def test_sound_triggers_pass(cls: Any) -> None:
    check_trigger(cls)


def _in_place(self: Any, image: Any, *rest: Any) -> Any:
    image += np.uint8(self.by)
    return image


def _other(self: Any, params: Any, t: int) -> float:
    return self.by * float(self.rng(params, "other", self.step(t)).uniform(0.2, 1))


def _much(self: Any, params: Any, t: int | str) -> float:
    step = t if isinstance(t, str) else self.step(t)
    return self.by * float(self.rng(params, "light", step).uniform(0.2, 1))


def _dynamic_rng(self: Any, params: Any, *purpose: Any) -> Any:
    seed = 0 if self.temporal == "dynamic" else self.trigger_seed
    return testing.generator(seed, params.get("clip_key"), *purpose)


def _keeping(self: Any, frames: Any, *rest: Any) -> Any:
    held = []
    for image in frames:
        held.append(image)
        yield image + np.uint8(self.by)


def _wrap_affine(self: Any, frames: Any, clip: Any, params: Any, where: Any = None) -> Any:
    for t, image in enumerate(frames):
        more = np.uint8(self.field(clip, params, t, None).offset)
        yield image + more if where is None or where(t) else image


def _wrap_frame(self: Any, image: Any, t: int, clip: Any, params: Any, state: Any) -> Any:
    return image + np.uint8(self.much(t, params))


def _wrap_stream(self: Any, frames: Any, clip: Any, params: Any, state: Any) -> Any:
    for t, image in enumerate(frames):
        yield image + np.uint8(Pulse.much(self, t, params))


_loud, _lit = Drone.wave, Pulse.frame


def _wrap_sound(self: Any, wave: Any, clip: Any, params: Any) -> Any:
    """As a sum of integers does at full scale."""
    loud = _loud(self, wave, clip, params)
    return np.where(np.abs(loud) > 1, (loud + 1) % 2 - 1, loud)


WRAPS: list[tuple[type[Any], str, Any]] = [
    (Light, "render", _wrap_affine),
    (Pulse, "frame", _wrap_frame),
    (Swell, "stream", _wrap_stream),
    (Drone, "wave", _wrap_sound),
]


@pytest.mark.parametrize("mode", ["static", "dynamic"])
@pytest.mark.parametrize(("cls", "method", "wrapping"), WRAPS, ids=lambda x: getattr(x, "kind", None))
def test_what_wraps_is_found_in_every_kind_and_mode(
    cls: Any, method: str, wrapping: Any, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them passes as it is: `test_sound_triggers_pass`."""
    right = getattr(cls, method)

    def one(self: Any, *args: Any) -> Any:
        return (wrapping if self.temporal == mode else right)(self, *args)

    monkeypatch.setattr(cls, method, one)
    with pytest.raises(AssertionError, match=rf"\({mode}\): wraps around"):
        check_trigger(cls)


COUNT = iter(range(1000))

BROKEN: list[tuple[type, dict[str, Any], str]] = [
    (Light, {"summary": ""}, "summary or formula is empty"),
    (Light, {"identity": {"by": 9.0}}, "identity changes it by"),
    (Light, {"field": lambda self, c, p, t, s: Affine(1.0, _much(self, p, t) + 5 * self.step(t))}, "dynamic.*identity"),
    (Light, {"field": lambda self, c, p, t, s: Affine(1.0, _much(self, p, t) + 5 * ("clip_key" in p))}, "vary=clip"),
    (
        Pulse,
        {"frame": lambda self, i, t, c, p, s: np.minimum(_lit(self, i, t, c, p, s), 254)},
        "identity changes it by 1",
    ),
    (
        Drone,
        {"wave": lambda self, w, c, p: _loud(self, w, c, p) + 0.1 * (self.temporal == "dynamic")},
        "dynamic.*identity",
    ),
    (Light, {"field": lambda self, c, p, t, s: Affine(1.0, _much(self, p, f"{c.id}{self.step(t)}"))}, "of another id"),
    (Light, {"rng": lambda self, p, *w: testing.generator(0, p.get("clip_key"), *w)}, "another trigger_seed"),
    (Pulse, {"rng": lambda self, p, *w: testing.generator(0, p.get("clip_key"), *w)}, r"static\): .*trigger_seed"),
    (Drone, {"rng": _dynamic_rng}, r"dynamic\): .*trigger_seed"),
    (Light, {"field": lambda self, c, p, t, s: Affine(1.0, self.by / 19)}, "inert"),
    (Light, {"step": lambda self, t: 0}, "dynamic is the same as static"),
    (Light, {"rng": lambda self, p, *w: testing.generator(self.trigger_seed, *w)}, "with vary=clip eight clips"),
    (Light, {"field": lambda self, c, p, t, s: Affine(1.0, self.by * (1 + next(COUNT) % 2))}, "another result"),
    (Light, {"field": lambda self, c, p, t, s: Affine(1.0, _other(self, p, t))}, "process"),
    (Light, {"entry": lambda self: {"name": "blend"}}, "another trigger"),
    (Light, {"suits": lambda self, c: "it never does"}, "does not suit it: it never does"),
    (Light, {"in_planes": True}, "in_planes, and frame 0 clips"),
    (Frames, {"frame": _in_place}, "read-only"),
    (Frames, {"frame": lambda self, i, *a: i.astype(np.float32) + self.by}, "float32"),
    (Frames, {"frame": lambda self, i, *a: np.swapaxes(i, 0, 1)}, "became"),
    (Stream, {"window": lambda self, c: 0}, "has read"),
    (Stream, {"stream": _keeping}, "holds 8 of the 8 frames"),
    (Stream, {"stream": lambda self, f, c, p, s: list(f)[::-1] if self.by else f}, "has read"),
    (Hum, {"wave": lambda self, w, c, p: w[:1] + self.by}, "became"),
    (
        Light,
        {
            "follows_canvas": ("by",),
            "field": lambda self, c, p, t, s: Affine(
                1.0,
                testing.generator(c.width, self.step(t), p.get("clip_key")).uniform(0, self.by, (c.height, c.width)),
            ),
        },
        "correlate by",
    ),
]


@pytest.mark.parametrize(("cls", "change", "complaint"), BROKEN, ids=[f"{i}-{b[2]}" for i, b in enumerate(BROKEN)])
def test_each_fault_is_found(cls: Any, change: Any, complaint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in change.items():
        monkeypatch.setattr(cls, name, value)
    if complaint == "process":  # the other process has the class as it is written, which is another result
        with pytest.raises(AssertionError, match="another process gives another result"):
            check_trigger(cls)
        return
    with pytest.raises((AssertionError, ValueError), match=complaint):
        check_trigger(cls, Case(media=Media(frames=8)))
