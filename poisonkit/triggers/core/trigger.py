"""The trigger contract.

A trigger is a frozen pydantic model: its fields are its parameters, with units, ranges and defaults in
the field itself. Drawing is separate from applying: `draw` makes every random choice, once per clip, and
returns plain JSON; `render` is pure. Nobody writes `render` from scratch: a trigger is one of four kinds,
the plainest that fits:

- `AffineTrigger`  out = gain · in + offset; says only `field`; shared kernels apply it
- `FrameTrigger`   one picture in, one picture out
- `StreamTrigger`  owns the iterator and holds a bounded window of frames
- `AudioTrigger`   a float32 waveform in, one out

Pictures are uint8 RGB, (height, width, 3). Waveforms are float32, (channels, samples), full scale ±1.
An earlier version that is still rendered, for outputs that were made with it, is a private subclass beside the trigger,
`class _Style1(Style): version = 1`, with what was otherwise then; one that is not stands in `retired`.
How to write one: docs/writing-a-trigger.md. Modules of triggers import NumPy at their top and everything
heavier (cv2, SciPy, librosa) inside functions, so that listing the catalogue stays quick. So it is without `from
__future__ import annotations` here: pydantic would evaluate each text of these classes again for every trigger.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from poisonkit.common.seeding import generator
from poisonkit.errors import MediaError
from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Image, Params, Wave, Where

if TYPE_CHECKING:
    from poisonkit.triggers.kernels.yuv import PlanesRender
    from poisonkit.triggers.kernels.yuv_format import PlaneFormat

_STRETCH = 1 << 20  # sound samples worked on at a time

Held = TypeVar("Held")
"""An array or a tensor: what `apply` takes it gives back."""
Temporal = Literal["static", "dynamic"]
Family = Literal["image", "temporal", "lighting", "audio", "imported"]
Modality = Literal["video", "audio"]
Kind = Literal["affine", "frame", "stream", "audio"]
NotMeasured = Literal["not measured"]
CodecClass = Literal["robust", "partial", "fragile"] | NotMeasured


def param(default: Any, description: str, *, unit: str = "", **limits: Any) -> Any:
    """A parameter's field: default, description, unit, and pydantic's limits (`ge`, `gt`, `le`, `lt` …).

    `alpha: float = param(0.2, "weight of the picture", ge=0, le=1)`; `param(..., "…")`: required.
    """
    return Field(default, description=description, json_schema_extra={"unit": unit} if unit else None, **limits)


class Trigger(BaseModel):
    """Base of all triggers; subclass one of the four kinds below instead."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)

    name: ClassVar[str]
    version: ClassVar[int] = 1  # raised whenever the same parameters would give other pixels or samples
    retired: ClassVar[Mapping[int, str]] = {}  # version that is rendered no more -> last release that did
    family: ClassVar[Family]
    modality: ClassVar[Modality]
    kind: ClassVar[Kind]
    modes: ClassVar[tuple[Temporal, ...]] = ("static", "dynamic")
    summary: ClassVar[str]  # one line
    formula: ClassVar[str]  # plain text, a line or two
    static_is: ClassVar[str] = ""  # what the pair of modes means for this trigger
    dynamic_is: ClassVar[str] = ""
    paper: ClassVar[str]  # authors, title or short name, year, arXiv or venue; "" if unpublished as an attack
    source: ClassVar[str] = ""  # where formula and defaults come from
    usual_label_mode: ClassVar[Literal["dirty", "clean"]] = "dirty"
    codec: ClassVar[CodecClass] = "not measured"  # through H.264 crf 23 4:2:0, MP3 128k, 16 kHz
    codec_note: ClassVar[str] = ""
    identity: ClassVar[dict[str, Any] | NotMeasured | None] = "not measured"
    """Parameters at which it changes nothing (strength zero); None: at none, as `check_trigger` has seen."""
    follows_canvas: ClassVar[tuple[str, ...]] = ()  # parameters that scale with the canvas
    cover_is: ClassVar[str] = "the trigger itself, under the true label"
    cover_needs_other: ClassVar[bool] = False  # True: a cover is made with a picture of another sample
    needs_length: ClassVar[bool] = False  # True: `ClipInfo.frames` must be exact, counted by decoding
    _known_as: ClassVar[str] = ""  # `module:Class` of a class made in a function, which workers would call otherwise

    temporal: Temporal = param("static", "static: the same on every frame; dynamic: a function of the frame index")
    vary: Literal["sequence", "clip"] = param(
        "sequence", "dynamic only: one sequence for the whole dataset, or one per clip"
    )
    trigger_seed: int = param(0, "seed of the trigger's identity, the same for every clip", ge=0)

    @field_validator("temporal")
    @classmethod
    def _has_mode(cls, value: Temporal) -> Temporal:
        if value not in cls.modes:
            raise ValueError(f"this trigger is {' or '.join(cls.modes)} only")
        return value

    @classmethod
    def strengths(cls) -> dict[str, Any]:
        """The parameters of `identity`, where it has such and they are known."""
        return cls.identity if isinstance(cls.identity, dict) else {}

    def draw(self, clip: ClipInfo, rng: np.random.Generator) -> Params:
        """Every random choice for one clip, JSON-able. Overriders extend `super().draw(...)`."""
        if self.temporal == "dynamic" and self.vary == "clip":
            return {"clip_key": int(rng.integers(2**53))}
        return {}

    def draw_cover(self, clip: ClipInfo, rng: np.random.Generator) -> Params:
        """Like `draw`, for a cover sample: the method's own form of it, under `params["cover"]`.

        By default the trigger itself, under the true label. A method with another form overrides this,
        states it in `cover_is`, and looks at `params.get("cover")` when it renders. With
        `cover_needs_other`, `params["other"]` is then a picture of another training sample, uint8 RGB.
        """
        return {**self.draw(clip, rng), "cover": True}

    def draw_attack(self, clip: ClipInfo, rng: np.random.Generator) -> Params:
        """Like `draw`, for a sample of an attack set. A method whose test-time form is another one overrides this."""
        return self.draw(clip, rng)

    def draw_for(
        self, clip: ClipInfo, seed: int, position: int = 0, *, cover: bool = False, attack: bool = False
    ) -> Params:
        """What a clip draws in a run: by the recipe's seed, the clip's id and the trigger's position in its chain.

        cover: the cover form instead (the label is kept); attack: the form that attack sets get.
        """
        rng = generator(seed, "draw", clip.id, position, self.name)
        draw = self.draw_cover if cover else self.draw_attack if attack else self.draw
        return draw(clip, rng)

    def rng(self, params: Params, *purpose: int | str) -> np.random.Generator:
        """Generator of the trigger's identity, for a purpose such as ("noise", t).

        A function of (trigger_seed, trigger name, purpose) and, for `vary=clip`, of the drawn clip key;
        the same in every process.
        """
        return generator(self.trigger_seed, self.name, params.get("clip_key"), *purpose)

    def step(self, t: int) -> int:
        """The frame index that a frame's parameters depend on: `t` when dynamic, 0 when static."""
        return t if self.temporal == "dynamic" else 0

    def suits(self, clip: ClipInfo) -> str | None:
        """None, or why the trigger cannot be applied to such a clip (a frequency above Nyquist, say)."""
        return None

    def after(self, clip: ClipInfo) -> ClipInfo:
        """The clip as the trigger leaves it: another one where it changes how long picture or sound is."""
        return clip

    def why_not(self, clip: ClipInfo) -> str | None:
        """`suits` as a sentence that names the trigger; None where it can be applied."""
        reason = self.suits(clip)
        return f"{self.name}: {reason.rstrip('.')}." if reason else None

    def entry(self) -> dict[str, Any]:
        """The trigger as the manifest and the recipe write it: name, version, params, trigger_seed.

        JSON-able; `poisonkit.triggers.from_entry` reads it back. The name is the registered one, or
        `package.module:Class` if none is.
        """
        from poisonkit.triggers.core.names import reference

        return {
            "name": reference(type(self)),
            "version": self.version,
            "params": self.model_dump(mode="json", exclude={"trigger_seed"}),
            "trigger_seed": self.trigger_seed,
        }

    def apply(
        self,
        data: Held,
        *,
        fps: float = 25.0,
        sample_rate: int | None = None,
        seed: int = 0,
        id: str | Sequence[str] = "",
        where: Where | str | None = None,
        layout: str | None = None,
    ) -> Held:
        """The trigger on clips in memory; the same result as the files get before they are encoded.

        data: a NumPy array or a torch tensor (on the CPU). Pictures: RGB, uint8 or floats in 0..1, frames first
        (THWC or TCHW), one picture (HWC, CHW) or a batch of clips (BTHWC, BTCHW). For a sound trigger float32 in ±1,
        (samples,), (channels, samples) or (batch, channels, samples). The result is of the same kind, shape and dtype;
        `data` is not written to. Floats are worked on in 256 levels, as files are; what a trigger leaves alone keeps
        its value.
        fps, Hz; sample_rate, Hz, needed for sound; seed and id: those of the per-clip draws (for a batch: one id for
        each clip, or one for all). where: which frames, as a frame budget (`every:2`) or a function of the frame index.
        layout: `TCHW` or the like, where the shape alone does not tell (frames of 3 rows or columns).
        RequestError for another shape or dtype, or a clip that the trigger does not suit.
        """
        from poisonkit.triggers.core.arrays import apply

        made: Held = apply(self, data, fps=fps, sample_rate=sample_rate, seed=seed, id=id, where=where, layout=layout)
        return made


class VideoTrigger(Trigger):
    """A trigger in the picture."""

    modality: ClassVar[Modality] = "video"

    def render(
        self, frames: Iterator[Image], clip: ClipInfo, params: Params, where: Where | None = None
    ) -> Iterator[Image]:
        """Frames in, as many out, or as `after` says. Input frames are never written to; untouched ones may be passed
        on."""
        raise NotImplementedError

    def render_planes(
        self, clip: ClipInfo, params: Params, fmt: "PlaneFormat", where: Where | None = None
    ) -> "PlanesRender | None":
        """`render` in the planes of a stream of this format, for one clip; None where frames must be made in RGB.

        The choice is one for the whole clip and depends on nothing but the arguments.
        """
        return None

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        """What all frames share (maps, tables, pictures), made once per clip: the `state` of the frames."""
        return None


class AffineTrigger(VideoTrigger):
    """Everything that multiplies and adds. The kernel decides whether in RGB or in the stream's own planes."""

    kind: ClassVar[Kind] = "affine"
    in_planes: ClassVar[bool] = False
    """For triggers that are not constant: True when every `field`, at any parameters and t, has one gain for all
    colours and leaves any picture within 0..255 (0 <= offset, 255 · gain + offset <= 255), as mixing does. It is
    then done in the stream's own planes where it can be. Of constant triggers the field itself is looked at.
    Only for fields with a box or with gray or no maps: maps of the whole frame that are new on every frame cost more
    in planes than in RGB, the way there and back included, and leave no pixel alone that planes would have kept."""

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        """What is done to frame `t` (source index from 0). Arrays are not written to once returned."""
        raise NotImplementedError

    def for_sample(self, clip: ClipInfo) -> "AffineTrigger":
        """The trigger that is applied to this clip: another one where its data is of each sample."""
        return self

    def constant(self) -> bool:
        """True when `field` does not depend on `t`: then it is asked for once per clip."""
        return self.temporal == "static"

    def fields(self, clip: ClipInfo, params: Params) -> Callable[[int], Affine]:
        """`field` for one clip, prepared; what every kernel starts from. Constant: the same object each time."""
        state = self.prepare(clip, params)
        if not self.constant():
            return lambda t: self.field(clip, params, t, state)
        fixed = self.field(clip, params, 0, state)
        return lambda t: fixed

    def render(
        self, frames: Iterator[Image], clip: ClipInfo, params: Params, where: Where | None = None
    ) -> Iterator[Image]:
        from poisonkit.triggers.kernels.rgb import compile_affine

        this = self.for_sample(clip)
        fields = this.fields(clip, params)
        fixed = compile_affine(fields(0), clip) if this.constant() else None
        for t, image in enumerate(frames):
            if where is not None and not where(t):
                yield image
            else:
                yield (fixed or compile_affine(fields(t), clip, once=True))(image)

    def render_planes(
        self, clip: ClipInfo, params: Params, fmt: "PlaneFormat", where: Where | None = None
    ) -> "PlanesRender | None":
        if type(self).render is not AffineTrigger.render:
            return None
        this = self.for_sample(clip)
        if not (this.constant() or this.in_planes):
            return None
        from poisonkit.triggers.kernels.yuv import render_fields

        return render_fields(this.fields(clip, params), this.constant(), clip, fmt, where)


class FrameTrigger(VideoTrigger):
    """One picture in, one picture out."""

    kind: ClassVar[Kind] = "frame"

    def frame(self, image: Image, t: int, clip: ClipInfo, params: Params, state: Any) -> Image:
        """The triggered picture: a new array."""
        raise NotImplementedError

    def render(
        self, frames: Iterator[Image], clip: ClipInfo, params: Params, where: Where | None = None
    ) -> Iterator[Image]:
        state = self.prepare(clip, params)
        for t, image in enumerate(frames):
            if where is not None and not where(t):
                yield image
            else:
                yield self.frame(image, t, clip, params, state)


class StreamTrigger(VideoTrigger):
    """Owns the iterator; holds at most a stated window of frames."""

    kind: ClassVar[Kind] = "stream"

    def window(self, clip: ClipInfo) -> int:
        """How many frames past the one it gives out it may have read; what bounds its memory."""
        return 0

    def stream(self, frames: Iterator[Image], clip: ClipInfo, params: Params, state: Any) -> Iterator[Image]:
        """As many frames out as in (or as `after` says), in order; the n-th is given out after the n-th was read, if
        there is one."""
        raise NotImplementedError

    def render(
        self, frames: Iterator[Image], clip: ClipInfo, params: Params, where: Where | None = None
    ) -> Iterator[Image]:
        state = self.prepare(clip, params)
        if where is None or self.after(clip) != clip:
            yield from self.stream(frames, clip, params, state)
            return
        held: deque[Image] = deque()

        def keep() -> Iterator[Image]:
            for image in frames:
                held.append(image)
                yield image

        for t, image in enumerate(self.stream(keep(), clip, params, state)):
            original = held.popleft()
            yield image if where(t) else original


class AudioTrigger(Trigger):
    """A trigger in the sound."""

    modality: ClassVar[Modality] = "audio"
    kind: ClassVar[Kind] = "audio"
    segment: ClassVar[float] = 0.5  # seconds: the unit in which a dynamic trigger's parameters change
    of_whole_clips: ClassVar[bool] = False  # True: in a span it does what it would do to that part of the whole clip

    def pieces(self, clip: ClipInfo) -> Iterator[tuple[int, int, int]]:
        """(k, first sample, last sample + 1) of each segment of `segment` seconds, k from 0."""
        size = max(1, round(self.segment * clip.sample_rate))
        for k, start in enumerate(range(0, clip.samples, size)):
            yield k, start, min(start + size, clip.samples)

    def wave(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        """The triggered sound, same shape (or as many samples as `after` says), not yet clipped to ±1."""
        raise NotImplementedError

    def render(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        """float32 (channels, samples) in ±1, in and out; values past full scale are clipped.

        MediaError where another number of channels or samples comes back than it should.
        """
        out = np.asanyarray(self.wave(wave, clip, params), dtype=np.float32)
        due = self.after(replace(clip, samples=wave.shape[1])).samples
        if out.shape != (wave.shape[0], due):
            raise MediaError(f"{self.name}: sound of shape {wave.shape} came back as {out.shape}.")
        if not out.flags.writeable or np.may_share_memory(out, wave):
            return np.clip(out, -1.0, 1.0)
        for start in range(0, out.shape[-1], _STRETCH):  # in place: `out` is the trigger's own, and may be long
            stretch = out[..., start : start + _STRETCH]
            np.clip(stretch, -1.0, 1.0, out=stretch)
        return out
