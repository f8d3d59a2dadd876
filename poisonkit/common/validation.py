"""Types of what is read back from JSON lines, checked by pydantic: text, lists, paths that stay where they belong."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, ConfigDict, FailFast, InstanceOf, TypeAdapter, ValidationError

from poisonkit.common.safe_io import below_some_root, stays_inside

STRICT = ConfigDict(strict=True, allow_inf_nan=False, defer_build=True)
"""For `pydantic.with_config`: nothing is converted, a number is finite; made ready when first asked (20 ms)."""

T = TypeVar("T")
Text = Annotated[str, InstanceOf()]
"""Text that may hold the bytes of a file name that is not UTF-8, which pydantic's own strings refuse."""
Facts = Annotated[dict[str, Any], InstanceOf()]
"""A mapping whose values nobody computes with."""
Many = Annotated[list[T], FailFast()]
"""A list; where a long one is wrong throughout, the first misfit is enough."""


def _inside(name: str) -> str:
    if not stays_inside(name):
        raise ValueError("the path is not relative and normal")
    return name


def _below_some_root(name: str) -> str:
    if not below_some_root(name):
        raise ValueError("the path does not start at a data root")
    return name


InsidePath = Annotated[Text, AfterValidator(_inside)]
"""A path that stays in the folder that it is relative to: `safe_io.stays_inside`."""
SourcePath = Annotated[Text, AfterValidator(_below_some_root)]
"""A path from a data root: `safe_io.below_some_root`."""


def first_misfit(adapter: TypeAdapter[Any], value: object) -> str | None:
    """Where a value first departs from a type: the key of its mapping, "" for the value as a whole; None: nowhere.

    The value is looked at and never changed: 25 stays 25 where a float may stand.
    """
    try:
        adapter.validate_python(value)
    except ValidationError as error:
        where = error.errors(include_url=False, include_context=False, include_input=False)[0]["loc"]
        return str(where[0]) if where else ""
    return None


def fits(adapter: TypeAdapter[Any], value: object) -> bool:
    """Whether a value is of a type; as `first_misfit`, where nobody asks for the place."""
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True
