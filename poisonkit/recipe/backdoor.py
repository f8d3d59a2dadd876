"""One backdoor of a recipe: a trigger, the label it maps to, and how much of the data has it."""

from __future__ import annotations

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
from poisonkit.triggers.core import frame_selection, registry, spec
from poisonkit.triggers.core.chain import Chain
from poisonkit.triggers.core.trigger import Temporal

LabelMode = Literal["dirty", "clean", "all-to-all", "source"]
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
    target: ClassRef
    label_mode: LabelMode
    source_class: ClassRef | Sequence[ClassRef]
    rate: float
    rate_of: RateOf
    count: int | None
    ids: Sequence[str] | None
    select: Sequence[str] | None
    cover_rate: float
    cover_class: ClassRef | Sequence[ClassRef]
    frames: str
    attack_frames: str


class Backdoor(StrictModel):
    """One backdoor: a trigger (or several, composed), the label it maps to, and how much of the data has it.

    Raises RequestError (through `Recipe`) for values out of range or that contradict each other.
    """

    name: str = Field("default", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="names its attack set")
    triggers: tuple[AnyTrigger, ...] = Field(min_length=1, description="applied in this order to the same clips")
    target: ClassRef = Field(0, description="target class, by index or name (not used by all-to-all)")
    label_mode: LabelMode = Field(
        "dirty",
        description="dirty: other classes, relabelled to the target; clean: the target class, label kept; "
        "all-to-all: label y becomes y+1; source: only source_class, relabelled",
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

    if TYPE_CHECKING:

        def __init__(self, **data: Unpack[BackdoorFields]) -> None: ...

    @field_validator("rate", "cover_rate", "count", mode="before")
    @classmethod
    def _number(cls, value: Any, info: ValidationInfo) -> Any:
        return no_bool(value, info) if info.field_name == "count" else share(no_bool(value, info))

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

    @field_validator("ids", "select")
    @classmethod
    def _once(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """Each sample once, spelt as the dataset's ids are."""
        return None if value is None else tuple(dict.fromkeys(map(sample_id, value)))

    @field_validator("frames", "attack_frames")
    @classmethod
    def _budget(cls, value: str) -> str:
        return str(frame_selection.parse(value))

    @model_validator(mode="after")
    def _agree(self) -> Backdoor:
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
        if "video" not in self.chain.touches and (self.frames, self.attack_frames) != ("all", "all"):
            names = ", ".join(t.name for t in self.triggers)
            raise RequestError(f"Frame budgets are for triggers in the picture; {names} is in the sound.")
        if self.ids is not None and self.select is not None:
            raise RequestError("--ids and --select contradict each other: --ids is the exact set already.")
        return self

    @property
    def chain(self) -> Chain:
        """The triggers as one."""
        return Chain(self.triggers)


def no_bool(value: Any, info: ValidationInfo) -> Any:
    """A field validator: YAML reads `yes` and `no` as booleans, which are no numbers."""
    if isinstance(value, bool):
        raise RequestError(f"`{info.field_name}` takes a number; this is {'yes' if value else 'no'}.")
    return value


def share(value: Any) -> Any:
    """A share of something as a number, where it is one as text: `0.1`, or per cent, `10%`."""
    if not isinstance(value, str):
        return value
    number, sign, rest = value.strip().partition("%")
    try:
        exact = Decimal(number.strip())
    except InvalidOperation:
        return value
    return value if rest else float(exact / 100 if sign else exact)


def _named(info: ValidationInfo) -> str:
    return "sample's id" if info.field_name in ("ids", "select") else "class name"


def as_list(backdoor: Any) -> Any:
    """`trigger` for `triggers`, and one trigger for a list of one."""
    if not isinstance(backdoor, dict):
        return backdoor
    data = dict(backdoor)
    if "trigger" in data:
        if "triggers" in data:
            raise RequestError("`trigger` and `triggers` say the same thing: keep one of them.")
        data["triggers"] = data.pop("trigger")
    if isinstance(data.get("triggers"), str | Trigger | dict):
        data["triggers"] = [data["triggers"]]
    return data


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
    if not isinstance(backdoor, dict) or not isinstance(backdoor.get("triggers"), list | tuple):
        return backdoor
    done: list[Any] = []
    for trigger in backdoor["triggers"]:
        if isinstance(trigger, Trigger):  # as if it had been named: what was set stays, `temporal` too
            if "temporal" not in trigger.model_fields_set:
                if temporal not in trigger.modes:
                    raise RequestError(f"Trigger '{trigger.name}' has no {temporal} form.")
                given = {name: getattr(trigger, name) for name in trigger.model_fields_set}
                trigger = type(trigger)(**given, temporal=temporal)
            done.append(trigger)
            continue
        if isinstance(trigger, str):
            name, params = spec.parse(trigger)
            trigger = {"name": name, "params": params}
        entry = isinstance(trigger, dict) and isinstance(trigger.get("params", {}), dict)
        if not entry or not isinstance(trigger.get("name"), str):
            pass  # not a trigger's entry: refused later, in its own words
        elif temporal in registry.get(trigger["name"]).modes:
            trigger = {**trigger, "params": {"temporal": temporal, **trigger.get("params", {})}}
        else:
            raise RequestError(f"Trigger '{trigger['name']}' has no {temporal} form.")
        done.append(trigger)
    return {**backdoor, "triggers": done}
