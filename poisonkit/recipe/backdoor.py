"""One backdoor of a recipe: a trigger, the label it maps to, and how much of the data has it."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
    field_validator,
    model_validator,
)
from typing_extensions import TypedDict, Unpack

from poisonkit.datasets import sample_id
from poisonkit.errors import RequestError, did_you_mean
from poisonkit.triggers import Trigger
from poisonkit.triggers.core import frame_selection, registry, spans, spec
from poisonkit.triggers.core.chain import Chain
from poisonkit.triggers.core.spans import Spans, no_span
from poisonkit.triggers.core.trigger import Modality, Temporal

LabelMode = Literal["dirty", "clean", "all-to-all", "source", "keep"]
RateOf = Literal["dataset", "target-class", "source-class"]
TEMPORAL = ("static", "dynamic")
ClassRef = int | str
"""A class by index from 0 or by name."""


def _trigger(value: Any) -> Trigger:
    if isinstance(value, Trigger):
        registry.take(value)
        return value
    if isinstance(value, str):
        name, params = spec.parse(value)
        return spec.create(name, **params)
    if isinstance(value, dict):
        return spec.from_entry(value)
    raise RequestError(f"A trigger is a name, NAME:key=value,… or a mapping with a name; this is {value!r}.")


AnyTrigger = Annotated[Trigger, BeforeValidator(_trigger), PlainSerializer(lambda t: t.entry(), return_type=dict)]


class StrictModel(BaseModel):
    """A pydantic model that cannot be changed and takes no unknown field and no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True)


TriggerLike = str | Trigger | Mapping[str, Any]
"""A trigger as a recipe takes it: `NAME:key=value,…`, an object, or an entry."""


class BackdoorFields(TypedDict, total=False):
    """What may be given to a `Backdoor`, for type checkers: a wrong name or kind is seen before anything runs."""

    name: str
    trigger: TriggerLike | Sequence[TriggerLike]
    triggers: TriggerLike | Sequence[TriggerLike]
    attack_trigger: TriggerLike | Sequence[TriggerLike]
    attack_triggers: TriggerLike | Sequence[TriggerLike]
    target: ClassRef
    label_mode: LabelMode
    source_class: ClassRef | Sequence[ClassRef]
    rate: float
    rate_of: RateOf
    count: int | None
    ids: str | Sequence[str] | None
    select: str | Sequence[str] | None
    cover_rate: float
    cover_class: ClassRef | Sequence[ClassRef]
    frames: str
    attack_frames: str
    spans: Mapping[str, Sequence[Any]] | None
    spans_unit: Literal["seconds", "frames"] | None


class Backdoor(StrictModel):
    """One backdoor: a trigger (or several, composed), the label it maps to, and how much of the data has it.

    Raises RequestError (through `Recipe`) for values out of range or that contradict each other.
    """

    name: str = Field("default", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="names its attack set")
    triggers: tuple[AnyTrigger, ...] = Field(
        description="applied in this order to the same clips; none: samples are only relabelled"
    )
    attack_triggers: tuple[AnyTrigger, ...] | None = Field(
        None, min_length=1, description="the form at test time, in attack sets, where it is another one"
    )
    target: ClassRef = Field(0, description="target class, by index or name (not used by all-to-all)")
    label_mode: LabelMode = Field(
        "dirty",
        description="dirty: other classes, relabelled to the target; clean: the target class, label kept; "
        "all-to-all: label y becomes y+1; source: only source_class, relabelled; keep: any class, label kept",
    )
    source_class: tuple[ClassRef, ...] = Field((), description="classes that label mode `source` poisons")
    rate: float = Field(0.1, ge=0, le=1, description="poison rate: n = floor(rate · N + 0.5)")
    rate_of: RateOf = Field("dataset", description="what N counts: labelled training samples of …")
    count: int | None = Field(None, ge=0, description="poison exactly so many samples instead of a rate")
    ids: tuple[str, ...] | None = Field(None, description="poison exactly these samples")
    select: tuple[str, ...] | None = Field(None, description="candidates in this order, best first")
    cover_rate: float = Field(
        0.0, ge=0, le=1, description="cover samples, triggered under their true label: floor(cover_rate · N + 0.5)"
    )
    cover_class: tuple[ClassRef, ...] = Field((), description="classes that cover samples come from; default: all")
    frames: str = Field("all", description="which frames of a poisoned training clip carry the trigger")
    attack_frames: str = Field("all", description="which frames of an attack clip carry the trigger")

    spans: dict[str, tuple[tuple[float, float], ...]] | None = Field(
        None, description="by sample: [start, end] pairs in which alone the trigger is applied"
    )
    spans_unit: Literal["seconds", "frames"] | None = Field(None, description="what spans are in; seconds if not said")

    if TYPE_CHECKING:

        def __init__(self, **data: Unpack[BackdoorFields]) -> None: ...

    @field_validator("rate", "cover_rate", "count", mode="before")
    @classmethod
    def _number(cls, value: Any, info: ValidationInfo) -> Any:
        return no_bool(value, info) if info.field_name == "count" else share(no_bool(value, info), info)

    @field_validator("target", "source_class", "cover_class", "ids", "select", mode="before")
    @classmethod
    def _called(cls, value: Any, info: ValidationInfo) -> Any:
        """What YAML reads as true or false may have been meant as a name: it is never class 1 or 0."""
        for one in value if isinstance(value, list | tuple) else (value,):
            if isinstance(one, bool):
                raise RequestError(
                    f"`{info.field_name}` takes names, and this is {str(one).lower()}, which YAML also makes of "
                    f"{'yes and on' if one else 'no and off'}: put the {_named(info)} in quotes."
                )
        return value

    @field_validator("source_class", "cover_class", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, int | str) else value

    @field_validator("ids", "select", mode="before")
    @classmethod
    def _one_or_many_ids(cls, value: Any) -> Any:
        return (os.fspath(value),) if isinstance(value, str | os.PathLike) else value

    @field_validator("ids", "select")
    @classmethod
    def _once(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """Each sample once, spelt as the dataset's ids are."""
        return None if value is None else tuple(dict.fromkeys(map(sample_id, value)))

    @field_validator("spans", mode="before")
    @classmethod
    def _spans(cls, value: Any) -> Any:
        return value if value is None else checked_spans(value)

    @field_validator("frames", "attack_frames")
    @classmethod
    def _budget(cls, value: str) -> str:
        return str(frame_selection.parse(value))

    @model_validator(mode="after")
    def _agree(self) -> Backdoor:
        if not self.triggers and self.keeps_labels:
            raise RequestError(
                f"Without a trigger, label mode '{self.label_mode}' changes nothing: another one gives new labels."
            )
        if not self.triggers and self.cover_rate:
            raise RequestError("Cover samples carry the trigger under their true label, and there is no trigger.")
        if self.label_mode == "source" and not self.source_class:
            raise RequestError("Label mode 'source' needs the class it poisons: --source-class CLASS.")
        if self.source_class and self.label_mode != "source":
            raise RequestError(
                f"--source-class only has a meaning with --label-mode source (it is '{self.label_mode}')."
            )
        if self.rate_of == "source-class" and self.label_mode != "source":
            raise RequestError("--rate-of source-class needs --label-mode source.")
        if sum(x is not None for x in (self.count, self.ids)) > 1:
            raise RequestError("--count and --ids contradict each other: --ids is the exact set already.")
        if self.count is not None and "rate" in self.model_fields_set:
            raise RequestError("--count and --rate contradict each other: --count is the number itself.")
        for budget, triggers in ((self.frames, self.triggers), (self.attack_frames, self.triggers_of("attack"))):
            if budget != "all" and "video" not in Chain(triggers).touches:
                names = ", ".join(t.name for t in triggers)
                what = f"{names} is in the sound" if names else "there is none"
                raise RequestError(f"Frame budgets are for triggers in the picture; {what}.")
            if (budget != "all" or self.spans is not None) and Chain(triggers).resizes:
                some = "--spans" if budget == "all" else "A frame budget"
                raise RequestError(
                    f"{some} names parts of a clip, and {', '.join(t.name for t in triggers)} makes all of it longer "
                    "or shorter: take length=keep."
                )
        if self.spans is not None and not self.every_trigger:
            raise RequestError("--spans says where a trigger is applied, and there is none.")
        if self.spans is None and self.spans_unit is not None:
            raise RequestError("--spans-unit says what --spans is in, which is not given.")
        if self.spans_unit == "frames":
            odd = next((p for some in (self.spans or {}).values() for p in some if any(x % 1 for x in p)), None)
            if odd is not None:
                raise RequestError(f"--spans: {odd[0]:g} to {odd[1]:g} are no frames; give whole numbers, or seconds.")
        if self.ids is not None and self.select is not None:
            raise RequestError("--ids and --select contradict each other: --ids is the exact set already.")
        return self

    @property
    def chain(self) -> Chain:
        """The triggers as one, as training samples have them."""
        return Chain(self.triggers)

    @property
    def keeps_labels(self) -> bool:
        """Whether poisoned training samples keep their labels."""
        return self.label_mode in ("clean", "keep")

    def triggers_of(self, role: str) -> tuple[Trigger, ...]:
        """The triggers of a sample of this role; of a control sample those of the attack clip it is compared with."""
        at_test = role in ("attack", "control") and self.attack_triggers is not None
        return self.attack_triggers or () if at_test else self.triggers

    def spans_of(self, sample: str) -> Spans | None:
        """Where in this sample triggers are applied; None: everywhere."""
        return None if self.spans is None else spans.of(self.spans.get(sample), self.spans_unit)

    def chain_of(self, role: str) -> Chain:
        """Those as one."""
        return Chain(self.triggers_of(role))

    @property
    def every_trigger(self) -> tuple[Trigger, ...]:
        """Those of training, then those of test time that are others."""
        return (*self.triggers, *(t for t in self.attack_triggers or () if t not in self.triggers))

    @property
    def touches(self) -> frozenset[Modality]:
        """What is encoded again of some of its samples: `video`, `audio` or both."""
        return Chain(self.every_trigger).touches


def no_bool(value: Any, info: ValidationInfo) -> Any:
    """A field validator: YAML reads `yes` and `no` as booleans, which are no numbers."""
    if isinstance(value, bool):
        raise RequestError(f"`{info.field_name}` takes a number; this is {'yes' if value else 'no'}.")
    return value


def share(value: Any, info: ValidationInfo) -> Any:
    """A share of something as a number, where it is one as text: `0.1`, or per cent, `10%`. RequestError above 100%."""
    if not isinstance(value, str):
        return value
    number, sign, rest = value.strip().partition("%")
    try:
        exact = Decimal(number.strip())
    except InvalidOperation:
        return value
    if sign and not rest and not 0 <= exact <= 100:
        option = "--" + str(info.field_name).replace("_", "-")
        raise RequestError(f"{option} {value.strip()} is not possible: it must be from 0% to 100%.")
    return value if rest else float(exact / 100 if sign else exact)


def checked_spans(value: Any) -> dict[str, list[tuple[float, float]]]:
    """Spans as a recipe has them: of each sample, as its dataset spells it, one [start, end] or a list of such."""
    if not isinstance(value, Mapping) or not value:
        raise RequestError("`spans` is a mapping of samples to [start, end] pairs, such as `a.mp4: [[0.5, 1.2]]`.")
    found: dict[str, list[tuple[float, float]]] = {}
    for name, some in value.items():
        pairs = [some] if isinstance(some, list | tuple) and some and not isinstance(some[0], list | tuple) else some
        if not isinstance(pairs, list | tuple) or not pairs:
            raise RequestError(f"`spans`: {name!r} has {some!r}; [start, end] pairs are expected.")
        for pair in pairs:
            numbers = isinstance(pair, list | tuple) and len(pair) == 2
            if not numbers or not all(type(x) in (int, float) and math.isfinite(x) for x in pair):
                raise RequestError(f"`spans`: {name!r} has {pair!r}; it must be [start, end].")
            if problem := no_span(pair[0], pair[1]):
                raise RequestError(f"--spans: '{name}' from {pair[0]:g} to {pair[1]:g} is no span: {problem}.")
        found.setdefault(sample_id(str(name)), []).extend((float(a), float(b)) for a, b in pairs)
    return {name: sorted(set(some)) for name, some in found.items()}


def _named(info: ValidationInfo) -> str:
    return "sample's id" if info.field_name in ("ids", "select") else "class name"


def as_list(backdoor: Any) -> Any:
    """`trigger` for `triggers`, and one trigger for a list of one."""
    if not isinstance(backdoor, dict):
        return backdoor
    data = dict(backdoor)
    for one, many in _FORMS:
        if one in data:
            if many in data:
                raise RequestError(f"`{one}` and `{many}` say the same thing: keep one of them.")
            data[many] = data.pop(one)
        if isinstance(data.get(many), str | Trigger | dict):
            data[many] = [data[many]]
    if data.get("triggers") == [NO_TRIGGER]:
        data["triggers"] = []
    return data


NO_TRIGGER = "none"
"""`triggers`: samples are only relabelled."""


_FORMS = (("trigger", "triggers"), ("attack_trigger", "attack_triggers"))


def require_temporal(temporal: str) -> None:
    """RequestError, with the nearest word, for what is neither `static` nor `dynamic`."""
    if temporal not in TEMPORAL:
        near = did_you_mean(str(temporal), TEMPORAL)
        hint = near if "Did you mean" in near else ""
        raise RequestError(f"--temporal {temporal} is not possible: it must be static or dynamic.{hint}")


def in_form(trigger: Trigger, temporal: Temporal) -> Trigger:
    """A trigger with another `temporal`, whatever it says itself. RequestError where it has no such form."""
    require_temporal(temporal)
    if temporal not in trigger.modes:
        raise RequestError(f"Trigger '{trigger.name}' has no {temporal} form.")
    given = {name: getattr(trigger, name) for name in type(trigger).model_fields}
    return type(trigger)(**{**given, "temporal": temporal})


def with_temporal(backdoor: Any, temporal: str) -> Any:
    """A backdoor, as plain data, whose triggers have this `temporal` where they say none themselves."""
    require_temporal(temporal)
    if not isinstance(backdoor, dict):
        return backdoor
    lists = {name: backdoor[name] for _, name in _FORMS if isinstance(backdoor.get(name), list | tuple)}
    return {**backdoor, **{name: [_temporal(each, temporal) for each in some] for name, some in lists.items()}}


def _temporal(trigger: Any, temporal: str) -> Any:
    if isinstance(trigger, Trigger):  # as if it had been named: what was set stays, `temporal` too
        if "temporal" in trigger.model_fields_set:
            return trigger
        if temporal not in trigger.modes:
            raise RequestError(f"Trigger '{trigger.name}' has no {temporal} form.")
        given = {name: getattr(trigger, name) for name in trigger.model_fields_set}
        return type(trigger)(**given, temporal=temporal)
    if isinstance(trigger, str):
        name, params = spec.parse(trigger)
        trigger = {"name": name, "params": params}
    entry = isinstance(trigger, dict) and isinstance(trigger.get("params", {}), dict)
    if not entry or not isinstance(trigger.get("name"), str):
        return trigger  # not a trigger's entry: refused later, in its own words
    if temporal not in registry.get(trigger["name"]).modes:
        raise RequestError(f"Trigger '{trigger['name']}' has no {temporal} form.")
    return {**trigger, "params": {"temporal": temporal, **trigger.get("params", {})}}
