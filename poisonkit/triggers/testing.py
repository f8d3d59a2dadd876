"""The properties that every trigger must have, as one call: `check_trigger(MyTrigger)`.

poisonkit's own suite runs the same checks over the registry. Each raises AssertionError with a sentence.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import pickle
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from poisonkit.common.seeding import generator
from poisonkit.errors import MediaError
from poisonkit.triggers.core import registry, spec
from poisonkit.triggers.core.chain import Chain
from poisonkit.triggers.core.clip import ClipInfo, Image, Params
from poisonkit.triggers.core.trigger import AffineTrigger, AudioTrigger, StreamTrigger, Trigger, VideoTrigger

Data = NDArray[Any]


@dataclass(frozen=True)
class Media:
    """The clip that a trigger is checked on. fps, sample_rate: Hz.

    chaotic: why a few levels more may give quite another picture, as where a codec's bytes are damaged; no step then
    tells a value that wraps around, and `check_saturates` looks for none.
    """

    width: int = 48
    height: int = 36
    frames: int = 16
    fps: float = 25.0
    sample_rate: int = 16000
    channels: int = 2
    seconds: float = 1.3
    chaotic: str = ""


@dataclass(frozen=True)
class Case:
    """Parameters to check a trigger with, beyond its defaults, and the clip, where the usual one is unfit."""

    params: dict[str, Any] = field(default_factory=dict)
    media: Media = field(default_factory=Media)

    def trigger(self, cls: type[Trigger], temporal: str) -> Trigger:
        """The trigger in one of its modes."""
        return spec.build(cls, {**self.params, "temporal": temporal})


@lru_cache(maxsize=64)
def picture(width: int, height: int, frames: int, soft: bool = False) -> NDArray[np.uint8]:
    """A moving scene: uint8 (frames, height, width, 3), levels 0 to 255, soft: 30 to 220; scales with its size."""
    y, x = (np.arange(height)[:, None] + 0.5) / height, (np.arange(width)[None, :] + 0.5) / width
    scene = np.empty((frames, height, width, 3), np.uint8)
    middle, swing, more = (125, 70, 25) if soft else (127.5, 110, 35)
    for t in range(frames):
        for c, (across, down) in enumerate(((2, 1), (-1, 3), (3, -2))):
            wave = np.sin(2 * np.pi * (across * x + down * y) + 0.2 * t + c)
            level = middle + swing * wave + more * np.sin(9 * x * y + c)
            scene[t, ..., c] = np.rint(np.clip(level, 0, 255))
    scene.flags.writeable = False
    return scene


@lru_cache(maxsize=64)
def sound(channels: int, samples: int, sample_rate: int) -> NDArray[np.float32]:
    """Hum and noise of changing loudness: float32 (channels, samples), RMS about 0.1."""
    t = np.arange(samples) / sample_rate
    noise = generator("testing", "sound").standard_normal((channels, samples))
    wave = (0.1 * np.sin(2 * np.pi * 190 * t) + 0.08 * noise) * (0.7 + 0.3 * np.sin(2 * np.pi * 1.3 * t))
    out = np.clip(wave, -1, 1).astype(np.float32)
    out.flags.writeable = False
    return out


def clip_and_data(trigger: Trigger, media: Media, id: str = "clip") -> tuple[ClipInfo, Data]:
    """The clip of `media` in the trigger's modality, read-only."""
    if isinstance(trigger, AudioTrigger):
        samples = max(1, round(media.seconds * media.sample_rate))
        info = ClipInfo(id=id, sample_rate=media.sample_rate, channels=media.channels, samples=samples)
        return info, sound(media.channels, samples, media.sample_rate)
    info = ClipInfo(id=id, width=media.width, height=media.height, fps=media.fps, frames=media.frames)
    return info, picture(media.width, media.height, media.frames)


def run(trigger: Trigger, clip: ClipInfo, data: Data, seed: int = 0) -> Data:
    """The trigger on a whole clip, drawn parameters gone through JSON as in the manifest."""
    return rendered(trigger, clip, data, json.loads(json.dumps(Chain([trigger]).draw(clip, seed), allow_nan=False)))


def rendered(trigger: Trigger, clip: ClipInfo, data: Data, drawn: list[Params]) -> Data:
    """The trigger on a whole clip, with what was drawn for one."""
    chain = Chain([trigger])
    if trigger.modality == "audio":
        return chain.audio(data, clip, drawn)
    return np.stack(list(chain.video(iter(data), clip, drawn)))


_last: list[tuple[Trigger, Media, Data]] = []


def _whole(trigger: Trigger, media: Media) -> Data:
    """`run` on the clip of `media`, kept until another trigger is asked for: several checks start from it."""
    if not _last or _last[0][0] is not trigger or _last[0][1] != media:
        _last[:] = [(trigger, media, run(trigger, *clip_and_data(trigger, media)))]
    return _last[0][2]


def _require(holds: bool | np.bool_, trigger: Trigger, complaint: str) -> None:
    if not holds:
        raise AssertionError(f"{trigger.name} ({trigger.temporal}): {complaint}")


def _result(trigger: Trigger, media: Media, **changes: Any) -> tuple[Data, Data] | None:
    """(input, output) on a clip with these changes to `media`; None if it does not suit the trigger."""
    clip, data = clip_and_data(trigger, Media(**{**media.__dict__, **changes}))
    try:
        return None if trigger.suits(clip) else (data, run(trigger, clip, data))
    except MediaError as error:  # of sound, whose length is looked at where it is rendered
        raise AssertionError(f"{trigger.name} ({trigger.temporal}): its sound became another shape: {error}") from None


def _given(trigger: Trigger) -> dict[str, Any]:
    """The parameters that it was made with."""
    return {k: getattr(trigger, k) for k in trigger.model_fields_set}


def check_class(trigger: Trigger, media: Media) -> None:
    """The class-level facts are complete, and the usual clip suits."""
    problem = registry.flaw(type(trigger), trigger.name)
    _require(problem is None, trigger, f"{problem}")
    reason = trigger.suits(clip_and_data(trigger, media)[0])
    _require(reason is None, trigger, f"the clip it is checked on does not suit it: {reason}")


def check_shapes(trigger: Trigger, media: Media) -> None:
    """Shape (or what `after` makes of it) and dtype are kept: odd, square, tall and wide, one frame; mono, stereo, six
    channels, one sample.

    The input is read-only, so that writing to it fails.
    """
    sizes = ((33, 47), (32, 32), (61, 23)) if trigger.modality == "video" else ()
    changes: list[dict[str, Any]] = [{"width": w, "height": h, "frames": 2} for w, h in sizes]
    changes += [{"frames": 1}] if sizes else [{"channels": 1}, {"channels": 6, "seconds": 0.2}, {"seconds": 0.0}]
    for change in changes:
        done = _result(trigger, media, **change)
        if done:
            data, out = done
            clip = trigger.after(clip_and_data(trigger, Media(**{**media.__dict__, **change}))[0])
            due = (clip.frames, *data.shape[1:]) if sizes else (len(data), clip.samples)
            _require(
                out.shape == due and out.dtype == data.dtype,
                trigger,
                f"{data.dtype} {data.shape} became {out.dtype} {out.shape}",
            )
            _require(data.dtype == np.uint8 or np.abs(out).max() <= 1, trigger, "the sound passes full scale")


def check_deterministic(trigger: Trigger, media: Media) -> None:
    """Twice the same, also by a copy that was pickled."""
    again = run(pickle.loads(pickle.dumps(trigger)), *clip_and_data(trigger, media))
    _require(
        np.array_equal(_whole(trigger, media), again), trigger, "a second run, by a pickled copy, gives another result"
    )


def check_identity(trigger: Trigger, media: Media) -> None:
    """At its `identity` parameters, where it has any, it changes nothing; dynamic, with neither `vary`."""
    identity = trigger.strengths()
    if not identity:
        return
    given = _given(trigger)
    if {"snr", "amplitude"} & identity.keys():
        given = {k: v for k, v in given.items() if k not in ("snr", "amplitude")}
    for vary in ("sequence", "clip") if trigger.temporal == "dynamic" else (trigger.vary,):
        none = spec.build(type(trigger), {**given, **identity, "vary": vary})
        clip, data = clip_and_data(none, media)
        change = np.abs(run(none, clip, data).astype(np.float64) - data).max()
        most = 0 if data.dtype == np.uint8 else 1e-6
        _require(change <= most, trigger, f"identity changes it by {change:g} (vary={vary})")


def check_seed(trigger: Trigger, media: Media) -> None:
    """What it draws by `rng` is fixed by `trigger_seed`: the same for every clip, another with another seed."""
    clip, data = clip_and_data(trigger, media)
    other = replace(clip, id="another")
    if not trigger.suits(other):  # one that reads a file for each clip has none for this
        drawn = Chain([trigger]).draw(clip, 0)
        same = np.array_equal(_whole(trigger, media), rendered(trigger, other, data, drawn))
        _require(same, trigger, "a clip of another id gets another result though the same was drawn for it")

    def differ(seeds: Sequence[int]) -> bool:
        given = _given(trigger)
        results = (run(spec.build(type(trigger), {**given, "trigger_seed": seed}), clip, data) for seed in seeds)
        first = next(results)
        return any(not np.array_equal(first, result) for result in results)

    if not differ(range(5)):  # then no random number may matter: neither do those of other generators
        with mock.patch.object(type(trigger), "rng", _another_rng):
            matter = differ(_UNUSED_SEEDS)
        _require(not matter, trigger, "with another trigger_seed its random numbers are the same")


_UNUSED_SEEDS = range(2**40, 2**40 + 5)  # what a trigger keeps of them is met by nobody else


def _another_rng(trigger: Trigger, params: Params, *purpose: int | str) -> np.random.Generator:
    return generator("testing", trigger.trigger_seed, params.get("clip_key"), *purpose)


def check_saturates(trigger: Trigger, media: Media) -> None:
    """Nothing wraps around: a little more light, or a little less sound at full scale, never turns white to black."""
    if media.chaotic:
        return
    clip, data = clip_and_data(trigger, media)
    if data.dtype == np.uint8:
        more = np.minimum(data, 255 - _STEP) + np.uint8(_STEP)
        jump = np.abs(run(trigger, clip, more).astype(int) - _whole(trigger, media)).max() / 255
    else:
        loud = data / np.abs(data).max()
        softer = loud * np.float32(0.99)
        jump = np.abs(run(trigger, clip, loud) - run(trigger, clip, softer)).max() / 2
    _require(jump <= 0.75, trigger, f"wraps around: a small step of its input becomes {jump:.0%} of the full range")


_STEP = 4  # levels


def check_effect(trigger: Trigger, media: Media) -> None:
    """Above the inert limit: more than one 8-bit level, or more than one 16-bit step, somewhere."""
    data = clip_and_data(trigger, media)[1]
    change = np.abs(_whole(trigger, media).astype(np.float64) - data).max()
    limit = 1 if data.dtype == np.uint8 else 1 / 32768
    _require(change > limit, trigger, f"changes nothing by more than {change:g}: inert")


def check_dynamic(trigger: Trigger, media: Media) -> None:
    """dynamic differs from static, over the frames of a still picture, and per clip with vary=clip."""
    if trigger.temporal != "dynamic" or "static" not in trigger.modes:
        return
    given = _given(trigger)
    clip, data = clip_and_data(trigger, media)
    out = _whole(trigger, media)
    static = spec.build(type(trigger), {**given, "temporal": "static"})
    _require(not np.array_equal(out, run(static, clip, data)), trigger, "dynamic is the same as static")
    if trigger.modality == "video" and trigger.kind != "stream":
        still = run(trigger, clip, np.repeat(data[:1], len(data), axis=0))
        _require((still != still[0]).any(), trigger, "every frame of a still picture gets the same change")
    varied = spec.build(type(trigger), {**given, "vary": "clip"})
    clips = (clip_and_data(varied, media, id)[0] for id in "abcdefgh")
    first = run(varied, next(clips), data)
    differ = any(not np.array_equal(first, run(varied, other, data)) for other in clips)
    _require(differ, trigger, "with vary=clip eight clips get the same sequence")


def check_streamed(trigger: Trigger, media: Media) -> None:
    """Frame by frame it gives what the whole clip gives, and keeps to `where`.

    It reads no further ahead than it says, and keeps no more frames than as many again, so that no clip is too long.
    """
    if not isinstance(trigger, VideoTrigger):
        return
    clip, data = clip_and_data(trigger, media)
    whole, params = _whole(trigger, media), Chain([trigger]).draw(clip, 0)[0]
    ahead = trigger.window(clip) if isinstance(trigger, StreamTrigger) else 0
    read = 0
    seen: list[weakref.ref[Image]] = []

    def frames() -> Iterator[Image]:
        nonlocal read
        for image in data:
            read += 1
            copy = image.copy()
            seen.append(weakref.ref(copy))
            yield copy
            del copy

    given = 0
    for t, image in enumerate(trigger.render(frames(), clip, params, lambda t: t % 3 != 1)):
        given += 1
        _require(read <= t + 1 + ahead, trigger, f"has read {read} frames to give out frame {t}")
        held = sum(frame() is not None for frame in seen)
        _require(held <= 2 * ahead + 3, trigger, f"holds {held} of the {read} frames that it has read")
        expected = data[t] if t % 3 == 1 else whole[t]
        _require(np.array_equal(image, expected), trigger, f"frame {t}, streamed, is not as from the whole clip")
    _require(given == len(data), trigger, f"{len(data)} frames became {given}")


def check_planes(trigger: Trigger, media: Media) -> None:
    """Where it says that planes are for it (`in_planes`), they are: one gain for all colours, nothing clipped."""
    from poisonkit.triggers.kernels.yuv import fits

    if isinstance(trigger, AffineTrigger) and trigger.in_planes:
        clip, _ = clip_and_data(trigger, media)
        fields = trigger.fields(clip, Chain([trigger]).draw(clip, 0)[0])
        for t in range(media.frames):
            _require(fits(fields(t)), trigger, f"in_planes, and frame {t} clips or changes colours unlike each other")


def check_entry(trigger: Trigger, media: Media) -> None:
    """What the manifest keeps gives an equal trigger."""
    from poisonkit.triggers.files.assets import assets_of

    entry = json.loads(json.dumps(trigger.entry(), allow_nan=False))
    if not assets_of(trigger):  # those are found by hash in a folder that only an output has
        _require(spec.from_entry(entry) == trigger, trigger, "from_entry(entry()) is another trigger")


def check_canvas(trigger: Trigger, media: Media) -> None:
    """Two sizes of one clip, brought to 224, carry the same change: correlation above 0.9."""
    if follows_canvas(trigger):
        found = correlation(trigger, media, frames=1 if trigger.temporal == "static" else 2)
        _require(found > 0.9, trigger, f"at 320x240 and 480x360 its changes correlate by {found:.2f} only")


def follows_canvas(trigger: Trigger) -> bool:
    """Whether it says that it scales with the clip."""
    return bool(trigger.follows_canvas) and getattr(trigger, "canvas", "") != "native"


def correlation(trigger: Trigger, media: Media, frames: int = 1) -> float:
    """Of what it changes in two sizes of one clip, 320x240 and 480x360, both brought to 299x224, frame by frame."""
    import cv2

    changes = []
    for width, height in ((320, 240), (480, 360)):
        done = _result(trigger, media, width=width, height=height, frames=frames)
        if done is None:
            raise AssertionError(f"{trigger.name} ({trigger.temporal}): a clip of {width}x{height} does not suit it")
        change = done[1].astype(np.float32) - done[0]
        changes.append(np.concatenate([cv2.resize(c, (299, 224), interpolation=cv2.INTER_AREA) for c in change]))
    small, large = (c.ravel() for c in changes)
    return float(np.corrcoef(small, large)[0, 1])


CHECKS: tuple[Callable[[Trigger, Media], None], ...] = (
    check_class,
    check_shapes,
    check_deterministic,
    check_identity,
    check_effect,
    check_dynamic,
    check_streamed,
    check_planes,
    check_entry,
    check_canvas,
    check_seed,
    check_saturates,
)


def digest(trigger: Trigger, media: Media) -> str:
    """Of the result on the clip of `media`, in hex."""
    return hashlib.blake2b(_whole(trigger, media).tobytes(), digest_size=16).hexdigest()


def digests_elsewhere(work: Sequence[tuple[Trigger, Media]]) -> list[str]:
    """`digest` of each, computed in a fresh Python process."""
    code = (
        "import base64, pickle, sys; from poisonkit.triggers.testing import digest\n"
        "for job in pickle.loads(base64.b64decode(sys.stdin.read())): print(digest(*job))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    environment.pop("PYTHONHASHSEED", None)
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=base64.b64encode(pickle.dumps(list(work))).decode(),
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"in another process: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout.split()


def check_trigger(cls: type[Trigger], case: Case | None = None) -> None:
    """All checks on one trigger class, in each of its modes; AssertionError with the first that fails.

    case: parameters and clip where the defaults do not do, such as `Case(media=Media(sample_rate=48000))`.
    The class must be importable by its module's name, since another process runs it too.
    """
    case = case or Case()
    triggers = [case.trigger(cls, mode) for mode in cls.modes]
    for trigger in triggers:
        for check in CHECKS:
            check(trigger, case.media)
    elsewhere = digests_elsewhere([(trigger, case.media) for trigger in triggers])
    for trigger, there in zip(triggers, elsewhere, strict=True):
        _require(there == digest(trigger, case.media), trigger, "another process gives another result")
