"""The recipe: everything that decides what an output contains, as one validated value.

A `Recipe` is frozen, goes to YAML and back, and has a fingerprint. How it is executed (jobs, executor,
progress) is no part of it; neither is where the source lies, which the fingerprint leaves out too.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import (
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from typing_extensions import Unpack

from poisonkit.common.one_or_many import paths
from poisonkit.common.safe_io import lies_in, load_yaml, read_text
from poisonkit.errors import OPTIONS, RequestError, did_you_mean
from poisonkit.media.info import Encode
from poisonkit.recipe.backdoor import Backdoor, BackdoorFields, StrictModel, as_list, no_bool, share, with_temporal
from poisonkit.recipe.encodings import AUTO, Rotation, encode_of, parse_encode
from poisonkit.triggers.core import registry
from poisonkit.triggers.core.trigger import Temporal
from poisonkit.triggers.files import assets

CleanMode = Literal["hardlink", "copy", "symlink", "reencode"]
Survival = Literal["none", "sample", "all"]
Hash = Literal["written", "all"]

_PLACES = ("source", "out", "data_root", "train_list", "val_list", "test_list", "allow_root")
"""Fields that say where things lie on this machine: no part of the fingerprint, never written to an output."""


_BACKDOOR_FIELDS = tuple(Backdoor.model_fields)


AnyPath = Path | str


class RecipeFields(BackdoorFields, total=False):
    """What may be given to a `Recipe`, for type checkers: its own fields, and those of its one backdoor."""

    source: AnyPath | None
    out: AnyPath | None
    layout: str | None
    data_root: AnyPath | None
    train_list: AnyPath | None
    val_list: AnyPath | None
    test_list: AnyPath | None
    delimiter: str | None
    columns: str | None
    split: int | None
    test_fraction: float
    allow_root: AnyPath | Sequence[AnyPath]
    backdoors: Sequence[Backdoor | BackdoorFields]
    temporal: Temporal
    seed: int
    encode: str
    to_8bit: bool
    deinterlace: bool
    skip_unwritable: bool
    rotation: Rotation
    clean: CleanMode
    stream: Literal["best"] | int
    attack_set: bool
    attack_limit: int | None
    control: int
    survival: Survival
    require_survival: float | None
    hash: Hash
    replace_failed: bool


class Recipe(StrictModel):
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
    columns: str | None = Field(
        None, description="what a table's columns are called: path=COL,label=COL,split=COL,audio=COL"
    )
    split: int | None = Field(None, ge=1, description="which of several official splits; the first when not given")
    test_fraction: float = Field(0.0, ge=0, lt=1, description="hold out this part of the training samples as test")
    allow_root: tuple[Path, ...] = Field((), description="further folders that links and absolute paths may lead to")

    backdoors: tuple[Backdoor, ...] = Field(min_length=1)
    seed: int = Field(0, ge=0, description="drives selection and per-clip draws")
    encode: str = Field("match", description="match, crf:N, 444, 444:N, lossless, h264, convert or auto")
    skip_unwritable: bool = Field(
        False, description="files that cannot be written so stay as they are, and neither carry a trigger nor count"
    )
    to_8bit: bool = Field(False, description="pictures of more than 8 bits per sample are written with 8")
    deinterlace: bool = Field(False, description="interlaced pictures are written progressive, one for each frame")
    rotation: Rotation = Field(
        "keep", description="rotated clips stay as stored, or are stored upright, clean ones too"
    )
    clean: CleanMode = Field("hardlink", description="how clean samples come into the copy")
    stream: Literal["best"] | int = Field("best", description="which of several streams is kept")
    attack_set: bool = True
    attack_limit: int | None = Field(None, ge=1, description="at most so many clips in an attack set")
    control: int = Field(50, ge=0, description="so many attack clips are also re-encoded without trigger")
    survival: Survival = Field(
        "sample", description="of which clips it is measured how much of the trigger the encoder left"
    )
    require_survival: float | None = Field(
        None, ge=0, le=1, description="at least this gain in 95 % of the measured clips and nothing buried, else exit 1"
    )
    hash: Hash = Field("written", description="whose SHA-256 are recorded: of written files, or of clean ones too")
    replace_failed: bool = Field(False, description="the next in rank takes the place of a failed or inert sample")

    @model_validator(mode="before")
    @classmethod
    def _lift(cls, data: Any) -> Any:
        """One backdoor's fields at the top become `backdoors[0]`; `temporal` reaches the triggers."""
        if not isinstance(data, dict):
            return data
        data = as_list(data)
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
            backdoors = [as_list(b) for b in backdoors]
        temporal = data.pop("temporal", None)
        if temporal is not None and isinstance(backdoors, list):
            backdoors = [with_temporal(b, temporal) for b in backdoors]
        data["backdoors"] = backdoors
        return data

    @field_validator("encode", mode="before")
    @classmethod
    def _encode(cls, value: Any) -> Any:
        value = str(value) if type(value) is int else value  # 444 in YAML
        if not isinstance(value, str):
            raise RequestError(f"`encode` is a word such as match or crf:23; this is {value!r}.")
        if value != AUTO:
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
        return no_bool(value, info)

    @field_validator("allow_root", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str | os.PathLike) else value

    @field_validator("test_fraction", "require_survival", mode="before")
    @classmethod
    def _share(cls, value: Any, info: ValidationInfo) -> Any:
        return share(value, info)

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
        if self.encode == AUTO and self.require_survival is None:
            raise RequestError(
                "--encode auto looks for what keeps enough of the trigger: say how much with --require-survival, "
                "such as --require-survival 0.9."
            )
        if self.encode == AUTO and not any(b.every_trigger for b in self.backdoors):
            raise RequestError("--encode auto looks for what keeps enough of the trigger, and there is none.")
        return self

    def __init__(self, **data: Unpack[RecipeFields]) -> None:
        given: Any = data
        try:
            super().__init__(**given)
        except ValidationError as error:
            raise RequestError(_sentence(error)) from None

    def portable(self) -> dict[str, Any]:
        """The recipe as JSON-able data, without anything that says where things lie on this machine."""
        data = self.model_dump(mode="json", exclude=set(_PLACES), exclude_none=True)
        for backdoor in data["backdoors"]:
            if "count" in backdoor or "ids" in backdoor:
                del backdoor["rate"]
        if self.hash == "written":
            del data["hash"]  # as before there was another
        if not self.skip_unwritable:
            del data["skip_unwritable"]  # likewise
        return data

    @property
    def fingerprint(self) -> str:
        """12 hex digits of blake2b over the portable recipe."""
        return fingerprint_of(self.portable())

    def to_yaml(self) -> str:
        """The portable recipe as YAML; `Recipe.from_yaml` gives an equal one."""
        return yaml.safe_dump(self.portable(), sort_keys=False, allow_unicode=True, width=100)

    @classmethod
    def from_yaml(
        cls, path: Path, *, allow_code: bool = False, assets_in: Path | None = None, **override: Any
    ) -> Recipe:
        """Read a recipe file. Relative paths in it are relative to the file.

        What it names lies in its own folder, in the `source` or in an `allow_root` that are given here in place of the
        file's own, or is refused: a recipe may be a stranger's.
        assets_in: the folder with its imported patterns, by default `assets/` beside it.
        Raises RequestError for what is no recipe. `package.module:Class` triggers need `allow_code`.
        """
        return cls.from_data(read_mapping(path), path.parent, allow_code=allow_code, assets_in=assets_in, **override)

    @classmethod
    def from_data(
        cls,
        data: Mapping[str, Any],
        folder: Path,
        *,
        allow_code: bool = False,
        assets_in: Path | None = None,
        **override: Any,
    ) -> Recipe:
        """`from_yaml` of what such a file holds; `folder` is the one it lies in."""
        data = dict(data)
        given = {k: v for k, v in override.items() if v is not None}
        roots = (folder, *paths(given.get("source", ())), *paths(given.get("allow_root", ())))
        for name in _PLACES:
            if data.get(name) is not None:
                many = isinstance(data[name], list)
                found = [folder / str(p) for p in (data[name] if many else [data[name]])]
                if name != "out" and name not in given:
                    _require_allowed(name, found, roots)
                data[name] = found if many else found[0]
        data.update(given)
        with assets.asset_folder(assets_in or folder / "assets", roots), registry.code_allowed(allow_code, folder):
            return cls(**data)

    def encoded(self, setting: str | None = None) -> Encode:
        """`encode` and the conversions as the media room takes them.

        setting: what `encode: auto` came to (`Plan.setting`); before that is known it is taken for `match`.
        """
        asked = (setting or "match") if self.encode == AUTO else self.encode
        touches = {m for b in self.backdoors for m in b.touches}
        return encode_of(asked, touches, self.to_8bit, self.deinterlace, self.rotation)


def _require_allowed(name: str, paths: Iterable[Path], roots: Iterable[Path]) -> None:
    """RequestError for a place that a recipe file names and the user did not."""
    for path in paths:
        if not lies_in(path, roots):
            place = os.path.abspath(path)
            how = "name it on the command line, or " if name == "source" else ""
            raise RequestError(
                f"The recipe's `{name}` leads to '{place}', outside its folder: if that is meant, {how}--allow-root "
                f"'{place}'."
            )


def fingerprint_of(portable: Mapping[str, Any]) -> str:
    """The fingerprint of a recipe given as plain data, as `Recipe.portable` gives it."""
    text = json.dumps(portable, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def read_mapping(path: Path) -> dict[str, Any]:
    """A recipe file as plain data, nothing in it resolved or run. RequestError for what is no mapping."""
    try:
        data = load_yaml(read_text(path))
    except OSError as error:
        raise RequestError(f"Cannot read the recipe {path}: {error.strerror}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise RequestError(f"{path} is not plain YAML: {reason}.") from None
    if not isinstance(data, dict):
        raise RequestError(f"{path} is not a recipe: a mapping such as `triggers: [blend]` is expected.")
    for key in data:
        if not isinstance(key, str):
            raise RequestError(_unknown(str(key)))
    return data


def _unknown(name: str) -> str:
    if name == "sweep":
        return "A recipe is one of its sweep's combinations: `poisonkit run` and `poisonkit.read_sweep` read them all."
    known = [*Recipe.model_fields, *_BACKDOOR_FIELDS, "temporal"]
    if name in known:
        return f"'{name}' belongs at the top of a recipe, not in an entry of `backdoors`."
    return f"A recipe has no '{name}'.{did_you_mean(name, known)}"


def _sentence(error: ValidationError) -> str:
    """The first thing that pydantic found wrong, in the user's terms."""
    first = error.errors(include_url=False)[0]
    where = [str(p) for p in first["loc"] if p not in ("backdoors",) and not isinstance(p, int)]
    name = where[0] if where else "backdoors"
    word = name.replace("_", "-")
    option = f"--{word}" if where and word in OPTIONS else f"`{name}`"
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
    percent = ""
    if name in ("rate", "cover_rate", "test_fraction") and first["type"].startswith("less_than"):
        near = first["input"]
        percent = f" Per cent are written as {near:g}%." if isinstance(near, int | float) and 1 < near <= 100 else ""
    several = " `poisonkit run` takes lists of values in a `sweep`." if isinstance(first["input"], list) else ""
    return f"{option} {first['input']!r} is not possible: it must be {wanted}.{percent}{several}"


def all_assets(recipe: Recipe) -> Iterable[assets.Asset]:
    """Imported identity data of all triggers, which an output keeps a copy of."""
    for backdoor in recipe.backdoors:
        for trigger in backdoor.every_trigger:
            yield from assets.assets_of(trigger)
