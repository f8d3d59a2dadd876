"""Which triggers exist. Built-in ones are found by file name and imported only when asked for.

`lamp-flicker` is the one Trigger class of `poisonkit/triggers/<family>/lamp_flicker.py`. Outside code
registers through the entry point group `poisonkit.triggers`, or is named as `package.module:Class`.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poisonkit._version import __version__
from poisonkit.errors import RequestError, did_you_mean
from poisonkit.triggers.core.names import FAMILIES, GROUP, built_in, names, plugins, present, reference

if TYPE_CHECKING:
    from poisonkit.triggers.core.trigger import Trigger

__all__ = [
    "all_triggers",
    "code_allowed",
    "flaw",
    "get",
    "hand_in",
    "hand_over",
    "modality_of",
    "names",
    "of_version",
    "take",
]

SUFFIX = ".py"
_by_object: dict[str, type[Trigger]] = {}
"""Classes that nobody can import by name, such as a notebook's, by the name that recipes have for them."""
code_folders: dict[str, Path] = {}
"""Module -> the folder it lies in, of those that were named by their file."""
_PROBE = re.compile(r"(poisonkit\.triggers\.probes\.[a-z_]+):([A-Za-z]+)")
"""What only probe sets use: poisonkit's own code, named like other people's."""
_code_allowed: ContextVar[bool] = ContextVar("code_allowed", default=True)
_code_folder: ContextVar[Path | None] = ContextVar("code_folder", default=None)


@contextmanager
def code_allowed(allowed: bool, folder: Path | None = None) -> Iterator[None]:
    """Inside, whether `package.module:Class` may be imported (a recipe file must not run code unasked).

    folder: what files that are named as `FILE.py:Class` are relative to, by default the current folder.
    """
    token, other = _code_allowed.set(allowed and _code_allowed.get()), _code_folder.set(folder)
    try:
        yield
    finally:
        _code_allowed.reset(token)
        _code_folder.reset(other)


def from_outside(name: str) -> bool:
    """Whether a trigger of this name is a user's own module or file, which runs with consent alone."""
    return ":" in name and _PROBE.fullmatch(name) is None


def get(name: str, *, allow_code: bool = True) -> type[Trigger]:
    """The trigger class called `name`, or named as `package.module:Class` or `FILE.py:Class` (where code is allowed).

    Imports that one module. RequestError for an unknown name, with the nearest one, and for a class that
    does not keep the contract. The working folder is searched last for `package.module`.
    """
    if name in built_in():
        return _built_in_class(name)
    if (ours := _PROBE.fullmatch(name)) is not None:
        return _probe_class(ours[1], ours[2])
    if from_outside(name):
        if not (allow_code and _code_allowed.get()):
            where = " It was defined in a notebook or script: run this there." if _is_nameless(name) else ""
            raise RequestError(f"Trigger '{name}' is code from outside poisonkit; it needs --allow-code.{where}")
        file, _, class_name = name.partition(":")
        return _outside_class(f"{_module_of(file)}:{class_name}" if file.endswith(SUFFIX) else name)
    if name.endswith(SUFFIX):
        raise RequestError(f"A trigger in a file is named with its class, as `{name}:CLASS`.")
    plugin = plugins().get(name)
    if plugin is None:
        raise RequestError(f"There is no trigger '{name}'.{did_you_mean(name, names())}")
    return _plugin_class(plugin)


def of_version(cls: type[Trigger], version: object) -> type[Trigger]:
    """The class that renders this version of a trigger: `cls`, or a private subclass beside it.

    RequestError, with what could render it, if there is none.
    """
    if version == cls.version:
        return cls
    found = next((earlier for earlier in _earlier(cls) if earlier.version == version), None)
    if found is not None:
        return found
    is_not = f"Version {version} of {cls.name} is not rendered by this poisonkit ({__version__}), which has version"
    is_not += f" {cls.version}"
    if isinstance(version, int) and version > cls.version:
        raise RequestError(f"{is_not}: a later one renders it.")
    last = cls.retired.get(version) if isinstance(version, int) else None
    source = "poisonkit" if _is_built_in(cls) else "its package, release"
    renders = f"{source} {last} renders it" if last else "the release that wrote it renders it"
    raise RequestError(f"{is_not}: {renders}; a recipe without 'version' gets the present one.")


def _earlier(cls: type[Trigger]) -> list[type[Trigger]]:
    """The private subclasses beside a trigger that render its earlier versions."""
    return [each for each in cls.__subclasses__() if each.__module__ == cls.__module__ and each.name == cls.name]


def _is_built_in(cls: type[Trigger]) -> bool:
    return cls.__module__.startswith(f"{GROUP}.") and cls.name in built_in()


def take(trigger: Trigger) -> None:
    """A trigger that the user gives as an object, whose class may be a notebook's: it will be found by name as well.

    RequestError for a class that does not keep the contract.
    """
    cls = present(type(trigger))
    if _is_built_in(cls):
        return
    _check(cls, str(getattr(cls, "name", "")), family=None)
    place = reference(cls)
    if _is_nameless(place):
        cls._known_as = place
        _by_object[place] = cls


def hand_over(names: Iterable[str]) -> dict[str, type[Trigger]]:
    """Those of these trigger classes that another process cannot import by name, for `hand_in` there, and their earlier
    versions, which a class itself does not bring along."""
    found = {}
    for name in names:
        if _is_nameless(name):
            with suppress(RequestError):
                found[name] = cls = get(name)
                found |= {f"{name}@{earlier.version}": earlier for earlier in _earlier(cls)}
    return found


def hand_in(classes: Mapping[str, type[Trigger]]) -> None:
    """In a worker: classes that `hand_over` gave in the process that it works for."""
    _by_object.update(classes)


def _is_nameless(place: str) -> bool:
    """Whether `module:Class` is a notebook's or script's own, or made inside a function: no other process has it."""
    return place.startswith(("__main__:", "__mp_main__:")) or "<locals>" in place


def modality_of(name: str) -> str | None:
    """`video` or `audio` for a built-in trigger; None for any other name, of which nothing is imported."""
    return _built_in_class(name).modality if name in built_in() else None


def all_triggers() -> dict[str, type[Trigger]]:
    """Name -> class of all triggers. One that does not load is left out with a warning."""
    found: dict[str, type[Trigger]] = {}
    for name in (*built_in(), *(n for n in plugins() if n not in built_in())):
        try:
            found[name] = get(name)
        except RequestError as error:
            warnings.warn(str(error), stacklevel=2)
    return found


@cache
def _built_in_class(name: str) -> type[Trigger]:
    from poisonkit.triggers.core.trigger import Trigger

    module = importlib.import_module(built_in()[name])
    own = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Trigger) and value.__module__ == module.__name__
    ]
    public = [cls for cls in own if not cls.__name__.startswith("_")]
    if len(public) != 1:
        raise RequestError(f"{module.__name__} must hold exactly one public Trigger class; it has {len(public)}.")
    _check(public[0], name, family=module.__name__.split(".")[-2])
    return public[0]


def _module_of(file: str) -> str:
    """The module that a file holds, whose folder is searched from now on, last of all, by workers too."""
    path = ((_code_folder.get() or Path.cwd()) / Path(file).expanduser()).resolve()
    module = path.name.removesuffix(SUFFIX)
    if not path.is_file():
        raise RequestError(f"There is no file {file}.")
    if not module.isidentifier():
        raise RequestError(f"{file} cannot be imported by its name: rename it to a word of letters, digits and _.")
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    code_folders[module] = path.parent
    known = sys.modules.get(module)
    origin = known.__spec__ if known else importlib.util.find_spec(module)
    if origin is None or origin.origin is None or Path(origin.origin).resolve() != path:
        raise RequestError(f"Python has another module called {module}, so {file} would not be the one: rename it.")
    return module


def _probe_class(module: str, name: str) -> type[Trigger]:
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ImportError:
        found = None
    except Exception as error:
        raise _broken(f"{module}:{name}", error) from error
    return _checked(found, f"{module}:{name}", None)


def _outside_class(place: str) -> type[Trigger]:
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.append(os.getcwd())
    module_name, _, class_name = place.partition(":")
    try:
        value: Any = importlib.import_module(module_name)
        for part in class_name.split("."):
            value = getattr(value, part)
    except (ImportError, AttributeError, ValueError) as error:
        if place in _by_object:
            return _by_object[place]
        if _is_nameless(place):
            raise RequestError(
                f"Trigger '{place}' was defined in a notebook or script, and is known only there: run this there, in "
                "Python, once the class is defined, or put the class into a module and make the output with that."
            ) from None
        raise RequestError(f"Trigger '{place}' cannot be imported: {error}.") from None
    except Exception as error:
        raise _broken(place, error) from error
    return _checked(value, place, None)


def _plugin_class(plugin: EntryPoint) -> type[Trigger]:
    package = plugin.dist.name if plugin.dist else "?"
    try:
        value = plugin.load()
    except (ImportError, AttributeError) as error:
        raise RequestError(f"Trigger '{plugin.name}' of the package {package} cannot be imported: {error}.") from None
    except Exception as error:
        raise _broken(f"{plugin.name}' of the package '{package}", error) from error
    return _checked(value, plugin.value, plugin.name)


def _broken(name: str, error: Exception) -> RequestError:
    """What somebody else's code raises while it is imported: a slip of the pen, or what pydantic refuses in a class."""
    if isinstance(error, RequestError):
        return error
    what = (str(error).splitlines() or [""])[0].rstrip(".")
    return RequestError(f"Trigger '{name}' cannot be imported: its code raises {type(error).__name__} ({what}).")


def _checked(value: Any, place: str, name: str | None) -> type[Trigger]:
    from poisonkit.triggers.core.trigger import Trigger

    if not (isinstance(value, type) and issubclass(value, Trigger)):
        raise RequestError(f"'{place}' is not a Trigger class.")
    _check(value, name or str(getattr(value, "name", "")), family=None)
    return value


def _check(cls: type[Trigger], name: str, family: str | None) -> None:
    problem = flaw(cls, name, family)
    if problem:
        raise RequestError(f"Trigger class {cls.__module__}:{cls.__qualname__} cannot be used: {problem}.")


def flaw(cls: type[Trigger], name: str, family: str | None = None) -> str | None:
    """None, or what the class lacks of the contract, as a clause such as `it has no 'formula'`."""
    from poisonkit.triggers.core import trigger

    facts = ("name", "family", "modality", "kind", "summary", "formula", "paper")
    missing = [fact for fact in facts if not hasattr(cls, fact)]
    if missing:
        return f"it has no {', '.join(repr(m) for m in missing)}"
    if cls.name != name:
        return f"its name is {cls.name!r}, but it is registered as {name!r}"
    if cls.family not in FAMILIES or family not in (None, cls.family):
        return f"its family is {cls.family!r}, not {family or ' or '.join(FAMILIES)}"
    kinds = {
        "affine": (trigger.AffineTrigger, "field"),
        "frame": (trigger.FrameTrigger, "frame"),
        "stream": (trigger.StreamTrigger, "stream"),
        "audio": (trigger.AudioTrigger, "wave"),
    }
    kind, method = kinds.get(cls.kind, (trigger.Trigger, "draw"))
    if kind is trigger.Trigger or not issubclass(cls, kind):
        return "it is none of AffineTrigger, FrameTrigger, StreamTrigger, AudioTrigger"
    if getattr(cls, method) is getattr(kind, method):
        return f"it has no method '{method}'"
    if any(not isinstance(version, int) or version >= cls.version for version in cls.retired):
        return "'retired' names a version that is no earlier one"
    if not cls.modes or not set(cls.modes) <= {"static", "dynamic"}:
        return "its modes are not static, dynamic or both"
    if len(cls.modes) == 2 and not (cls.static_is and cls.dynamic_is):
        return "it does not say what static and dynamic mean ('static_is', 'dynamic_is')"
    if not (cls.summary and cls.formula):
        return "its summary or formula is empty"
    unknown = sorted({*cls.strengths(), *cls.follows_canvas} - set(cls.model_fields))
    if unknown:
        return f"'identity' or 'follows_canvas' names parameters that it has not: {', '.join(unknown)}"
    if cls.identity == {}:
        return "'identity' is empty: say at which parameters it changes nothing (None: at none)"
    silent = [key for key, info in cls.model_fields.items() if not info.description]
    return f"parameters without a description: {', '.join(silent)}" if silent else None
