"""The recipe: everything that decides what an output contains, as one validated value.

A `Recipe` is frozen, goes to YAML and back, and has a fingerprint. How it is executed (jobs, executor,
progress) is no part of it; neither is where the source lies, which the fingerprint leaves out too.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from poisonkit.datasets import sample_id
from poisonkit.errors import RequestError, did_you_mean
from poisonkit.media.info import Encode
from poisonkit.triggers import Trigger, assets, budget, registry, spec
from poisonkit.triggers.compose import Chain

LabelMode = Literal["dirty", "clean", "all-to-all", "source"]
RateOf = Literal["dataset", "target-class", "source-class"]
CleanMode = Literal["hardlink", "copy", "symlink", "reencode"]
ClassRef = int | str
"""A class by index from 0 or by name."""

_PLACES = ("source", "out", "data_root", "train_list", "val_list", "test_list", "allow_root")
"""Fields that say where things lie on this machine: no part of the fingerprint, never written to an output."""


def _trigger(value: Any) -> Trigger:
    if isinstance(value, Trigger):
        return value
    if isinstance(value, str):
        name, params = spec.parse(value)
        return spec.create(name, **params)
    if isinstance(value, dict):
        return spec.from_entry(value)
    raise RequestError(f"A trigger is a name, NAME:key=value,… or a mapping with a name; this is {value!r}.")


AnyTrigger = Annotated[Trigger, BeforeValidator(_trigger), PlainSerializer(lambda t: t.entry(), return_type=dict)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True)


class Backdoor(_Model):
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

    @field_validator("rate", "cover_rate", "count", mode="before")
    @classmethod
    def _number(cls, value: Any, info: ValidationInfo) -> Any:
        return _no_bool(value, info)

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
        return str(budget.parse(value))

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


_BACKDOOR_FIELDS = tuple(Backdoor.model_fields)


class Recipe(_Model):
    """What to make of which dataset.

    With one backdoor its fields may stand at the top: `Recipe(source=…, triggers=["blend"], rate=0.1)`;
    several go into `backdoors=[…]`, each with a `name`. `temporal` sets the default of every trigger that
    does not say itself.
    """

    source: Path | None = Field(None, description="the clean dataset's folder")
    out: Path | None = Field(None, description="where the poisoned copy goes")
    layout: str | None = Field(None, description="how the dataset lies on disk; detected when not given")
    data_root: Path | None = Field(None, description="what the paths in lists are relative to")
    train_list: Path | None = None
    val_list: Path | None = None
    test_list: Path | None = None
    delimiter: str | None = Field(None, description="what separates path and label in lists: space, tab or comma")
    columns: str | None = Field(None, description="what a table's columns are called: path=COL,label=COL,split=COL")
    split: int | None = Field(None, ge=1, description="which of several official splits; the first when not given")
    test_fraction: float = Field(0.0, ge=0, lt=1, description="hold out this part of the training samples as test")
    allow_root: tuple[Path, ...] = Field((), description="further folders that links and absolute paths may lead to")

    backdoors: tuple[Backdoor, ...] = Field(min_length=1)
    seed: int = Field(0, ge=0, description="drives selection and per-clip draws")
    encode: str = Field("match", description="match, crf:N, lossless or h264")
    to_8bit: bool = Field(False, description="pictures of more than 8 bits per sample are written with 8")
    deinterlace: bool = Field(False, description="interlaced pictures are written progressive, one for each frame")
    rotation: Literal["keep", "normalise"] = Field(
        "keep", description="rotated clips stay as stored, or are stored upright, clean ones too"
    )
    clean: CleanMode = Field("hardlink", description="how clean samples come into the copy")
    stream: Literal["best"] | int = Field("best", description="which of several streams is kept")
    attack_set: bool = True
    attack_limit: int | None = Field(None, ge=1, description="at most so many clips in an attack set")
    control: int = Field(50, ge=0, description="so many attack clips are also re-encoded without trigger")
    survival: Literal["none", "sample", "all"] = Field(
        "sample", description="of which clips it is measured how much of the trigger the encoder left"
    )
    require_survival: float | None = Field(
        None, ge=0, le=1, description="at least this gain in 95 % of the measured clips and nothing buried, else exit 1"
    )
    replace_failed: bool = Field(False, description="the next in rank takes the place of a failed or inert sample")

    @model_validator(mode="before")
    @classmethod
    def _lift(cls, data: Any) -> Any:
        """One backdoor's fields at the top become `backdoors[0]`; `temporal` reaches the triggers."""
        if not isinstance(data, dict):
            return data
        data = _as_list(data)
        top = {k: data.pop(k) for k in _BACKDOOR_FIELDS if k in data}
        backdoors = data.get("backdoors")
        if backdoors is None:
            if "triggers" not in top:
                for name in (k for k in data if k not in {*cls.model_fields, "temporal"}):
                    raise RequestError(_unknown(name))
                raise RequestError("A recipe needs a trigger: --trigger NAME (`poisonkit triggers` lists them).")
            backdoors = [top]
        elif top:
            raise RequestError(f"With `backdoors`, {', '.join(sorted(top))} belong into each of them, not at the top.")
        if isinstance(backdoors, list | tuple):
            backdoors = [_as_list(b) for b in backdoors]
        temporal = data.pop("temporal", None)
        if temporal is not None and isinstance(backdoors, list):
            backdoors = [_with_temporal(b, temporal) for b in backdoors]
        data["backdoors"] = backdoors
        return data

    @field_validator("encode")
    @classmethod
    def _encode(cls, value: str) -> str:
        parse_encode(value)
        return value

    @field_validator(
        "seed",
        "split",
        "test_fraction",
        "stream",
        "attack_limit",
        "control",
        "require_survival",
        mode="before",
    )
    @classmethod
    def _number(cls, value: Any, info: ValidationInfo) -> Any:
        return _no_bool(value, info)

    @field_validator("stream", mode="before")
    @classmethod
    def _stream(cls, value: Any) -> Any:
        return int(value) if isinstance(value, str) and value.isdigit() else value

    @model_validator(mode="after")
    def _agree(self) -> Recipe:
        names = [b.name for b in self.backdoors]
        twice = {n for n in names if names.count(n) > 1}
        if twice:
            raise RequestError(f"Two backdoors are called '{min(twice)}'; give each a `name` of its own.")
        if self.require_survival is not None and self.survival == "none":
            raise RequestError(
                "--require-survival needs clips whose survival is measured: --survival sample or --survival all."
            )
        return self

    def __init__(self, **data: Any) -> None:
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise RequestError(_sentence(error)) from None

    def portable(self) -> dict[str, Any]:
        """The recipe as JSON-able data, without anything that says where things lie on this machine."""
        data = self.model_dump(mode="json", exclude=set(_PLACES), exclude_none=True)
        for backdoor in data["backdoors"]:
            if "count" in backdoor or "ids" in backdoor:
                del backdoor["rate"]
        return data

    @property
    def fingerprint(self) -> str:
        """12 hex digits of blake2b over the portable recipe."""
        return fingerprint_of(self.portable())

    def to_yaml(self) -> str:
        """The portable recipe as YAML; `Recipe.from_yaml` gives an equal one."""
        return yaml.safe_dump(self.portable(), sort_keys=False, allow_unicode=True, width=100)

    @classmethod
    def from_yaml(cls, path: Path, *, allow_code: bool = False, **override: Any) -> Recipe:
        """Read a recipe file. Relative paths in it are relative to the file.

        Raises RequestError for what is no recipe. `package.module:Class` triggers need `allow_code`.
        """
        data = read_mapping(path)
        for name in _PLACES:
            if data.get(name) is not None:
                many = isinstance(data[name], list)
                found = [path.parent / str(p) for p in (data[name] if many else [data[name]])]
                data[name] = found if many else found[0]
        data.update({k: v for k, v in override.items() if v is not None})
        with assets.asset_folder(path.parent / "assets"), registry.code_allowed(allow_code):
            return cls(**data)

    @property
    def encoding(self) -> Encode:
        """`encode` and the conversions as the media room takes them."""
        return replace(
            parse_encode(self.encode), to_8bit=self.to_8bit, deinterlace=self.deinterlace, rotation=self.rotation
        )


def fingerprint_of(portable: Mapping[str, Any]) -> str:
    """The fingerprint of a recipe given as plain data, as `Recipe.portable` gives it."""
    text = json.dumps(portable, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def read_mapping(path: Path) -> dict[str, Any]:
    """A recipe file as plain data, nothing in it resolved or run. RequestError for what is no mapping."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RequestError(f"Cannot read the recipe {path}: {error.strerror}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise RequestError(f"{path} is not YAML: {reason}.") from None
    if not isinstance(data, dict):
        raise RequestError(f"{path} is not a recipe: a mapping such as `triggers: [blend]` is expected.")
    for key in data:
        if not isinstance(key, str):
            raise RequestError(_unknown(str(key)))
    return data


def _no_bool(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, bool):
        raise RequestError(f"`{info.field_name}` takes a number; this is {'yes' if value else 'no'}.")
    return value


def _named(info: ValidationInfo) -> str:
    return "sample's id" if info.field_name in ("ids", "select") else "class name"


def _as_list(backdoor: Any) -> Any:
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


def _with_temporal(backdoor: Any, temporal: str) -> Any:
    if not isinstance(backdoor, dict) or not isinstance(backdoor.get("triggers"), list | tuple):
        return backdoor
    done: list[Any] = []
    for trigger in backdoor["triggers"]:
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


def parse_encode(text: str) -> Encode:
    """`match`, `lossless`, `h264` or `crf:N` (0 to 51, N whole)."""
    if text in ("match", "lossless", "h264"):
        return Encode(mode=text)  # type: ignore[arg-type]
    kind, _, number = text.partition(":")
    if kind == "crf" and number.isdigit() and int(number) <= 51:
        return Encode(mode="crf", crf=int(number))
    if kind == "crf":
        raise RequestError(f"--encode {text}: crf takes a whole number from 0 to 51, such as crf:23.")
    raise RequestError(f"--encode {text}: not known.{did_you_mean(text, ['match', 'lossless', 'h264', 'crf:23'])}")


def _unknown(name: str) -> str:
    return f"A recipe has no '{name}'.{did_you_mean(name, [*Recipe.model_fields, *_BACKDOOR_FIELDS, 'temporal'])}"


def _sentence(error: ValidationError) -> str:
    """The first thing that pydantic found wrong, in the user's terms."""
    first = error.errors(include_url=False)[0]
    where = [str(p) for p in first["loc"] if p not in ("backdoors",) and not isinstance(p, int)]
    name = where[0] if where else "backdoors"
    option = "--" + name.replace("_", "-") if where else f"`{name}`"
    if first["type"] == "extra_forbidden":
        return _unknown(name)
    if first["type"] == "missing":
        return f"Each backdoor needs `{name}`."
    context = first.get("ctx", {})
    limits = [
        f"{word} {context[k]:g}" for k, word in (("ge", "at least"), ("le", "at most"), ("lt", "below")) if k in context
    ]
    bounds = {
        "rate": "from 0 to 1",
        "test_fraction": "from 0 up to, not including, 1",
        "stream": "best or the number of a stream",
        "name": "letters, digits, '.', '_' and '-', at most 64, and begin with a letter or digit",
    }
    kinds = {"tuple_type": "a list", "too_short": "a list with at least one entry", "model_type": "a mapping"}
    wanted = (
        kinds.get(first["type"])
        or bounds.get(name)
        or (" and ".join(limits))
        or first["msg"].removeprefix("Input should be ")
    )
    return f"{option} {first['input']!r} is not possible: it must be {wanted}."


def read_ids(path: Path) -> tuple[str, ...]:
    """`--ids FILE`: one sample id a line, blank lines and # comments ignored."""
    names = tuple(dict.fromkeys(line for _, line in _lines(path)))
    if not names:
        raise RequestError(f"{path} names no sample.")
    return names


def read_ranking(path: Path) -> tuple[str, ...]:
    """`--select FILE`: `id<TAB>score` (or a comma) a line; ids, highest score first, ties in file order."""
    scored: list[tuple[float, str]] = []
    for number, line in _lines(path):
        name, _, text = line.rpartition("\t" if "\t" in line else ",")
        try:
            score = float(text)
        except ValueError:
            name = ""
        if not name.strip():
            raise RequestError(f"{path}, line {number}: expected 'id<TAB>score', found {line!r}.")
        if not math.isfinite(score):
            raise RequestError(f"{path}, line {number}: {text.strip()} is no score to rank by; give a finite number.")
        scored.append((score, name.strip()))
    if not scored:
        raise RequestError(f"{path} names no sample.")
    return tuple(dict.fromkeys(name for _, name in sorted(scored, key=lambda pair: -pair[0])))


def _lines(path: Path) -> list[tuple[int, str]]:
    """The lines that say something, with their numbers from 1; ids in them as the dataset spells them."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise RequestError(f"Cannot read {path}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise RequestError(f"{path} is not UTF-8 text.") from None
    lines = enumerate(text.split("\n"), 1)
    return [(n, sample_id(line.strip())) for n, line in lines if line.strip() and not line.startswith("#")]


def all_assets(recipe: Recipe) -> Iterable[assets.Asset]:
    """Imported identity data of all triggers, which an output keeps a copy of."""
    for backdoor in recipe.backdoors:
        for trigger in backdoor.triggers:
            yield from assets.assets_of(trigger)
