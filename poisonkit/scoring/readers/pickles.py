"""Pickles of plain data, read without running anything in them.

A pickle is a program that may name any function. This reader is no `pickle.Unpickler`: it walks the opcodes as
`pickletools` decodes them and knows only those that build data. A name in the pickle stands for one of our own
constructors or the file is refused; nothing is imported, no method of a foreign object is called. Nor is memory
set aside because a pickle says so (CPython's unpickler allocates 32 GB for a memo index of twelve bytes).
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO


class Unreadable(Exception):
    """Why a file is not read: a clause that follows the file's name."""


@dataclass(frozen=True)
class Constructor:
    """What a name in a pickle stands for."""

    name: str
    make: Callable[..., object]


class Built:
    """A value that a pickle completes after making it."""

    def build(self, state: Any) -> None:
        """Take the state that the pickle holds."""
        raise NotImplementedError


Resolve = Callable[[str, str], Constructor]
Persistent = Callable[[Any], object]

_LITERALS = frozenset({
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING", "SHORT_BINSTRING",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
})  # fmt: skip
_STEPS = frozenset({
    "PROTO", "FRAME", "STOP", "MEMOIZE", "MARK", "POP", "POP_MARK", "EMPTY_LIST", "EMPTY_DICT", "EMPTY_TUPLE",
    "LIST", "DICT", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "APPEND", "APPENDS", "SETITEM", "SETITEMS",
    "GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD", "BINPERSID",
})  # fmt: skip
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_KEYS = (str, int, float, bytes, type(None))  # hashing nested tuples has no depth limit


def parse(stream: BinaryIO, resolve: Resolve, persistent: Persistent | None = None) -> Any:
    """The value of one pickle; the stream stands behind it afterwards.

    resolve: the constructor for (module, name), or Unreadable. persistent: what a persistent id stands for.
    Raises Unreadable for everything that is not plain data and for what is damaged or cut short.
    """
    try:
        return _Machine(resolve, persistent).run(stream)
    except (ValueError, TypeError, IndexError, KeyError, OverflowError) as error:
        raise Unreadable(f"is damaged or cut short ({_reason(error)})") from None


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())[:120]
    return text or type(error).__name__


class _Machine:
    def __init__(self, resolve: Resolve, persistent: Persistent | None) -> None:
        self.resolve = resolve
        self.persistent = persistent
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[Any, Any] = {}

    def run(self, stream: BinaryIO) -> Any:
        for opcode, arg, _ in pickletools.genops(stream):
            name = opcode.name
            if name in _LITERALS:
                self.stack.append(arg)
            elif name in ("BINPUT", "LONG_BINPUT", "PUT"):
                self.memo[arg] = self.stack[-1]
            elif name in ("BINGET", "LONG_BINGET", "GET"):
                self.stack.append(self.memo[arg])
            elif name in _CONSTANTS:
                self.stack.append(_CONSTANTS[name])
            elif name in _STEPS:
                getattr(self, f"_{name.lower()}")(arg)
            else:
                raise Unreadable(f"does more than hold data (pickle opcode {name}), so it is not read")
        (value,) = self.stack
        return value

    def _proto(self, arg: Any) -> None:
        pass

    _frame = _stop = _proto

    def _memoize(self, arg: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def _mark(self, arg: Any) -> None:
        self.below.append(self.stack)
        self.stack = []

    def _marked(self) -> list[Any]:
        found, self.stack = self.stack, self.below.pop()
        return found

    def _pop(self, arg: Any) -> None:
        self.stack.pop()

    def _pop_mark(self, arg: Any) -> None:
        self._marked()

    def _empty_list(self, arg: Any) -> None:
        self.stack.append([])

    def _empty_dict(self, arg: Any) -> None:
        self.stack.append({})

    def _empty_tuple(self, arg: Any) -> None:
        self.stack.append(())

    def _list(self, arg: Any) -> None:
        found = self._marked()
        self.stack.append(found)

    def _dict(self, arg: Any) -> None:
        found = self._marked()
        self.stack.append({})
        self._put(found)

    def _tuple(self, arg: Any) -> None:
        found = self._marked()
        self.stack.append(tuple(found))

    def _tuple_of(self, n: int) -> None:
        found = tuple(self.stack[-n:])
        if len(found) != n:
            raise ValueError("a tuple lacks elements")
        del self.stack[-n:]
        self.stack.append(found)

    def _tuple1(self, arg: Any) -> None:
        self._tuple_of(1)

    def _tuple2(self, arg: Any) -> None:
        self._tuple_of(2)

    def _tuple3(self, arg: Any) -> None:
        self._tuple_of(3)

    def _append(self, arg: Any) -> None:
        self._extend([self.stack.pop()])

    def _appends(self, arg: Any) -> None:
        self._extend(self._marked())

    def _extend(self, values: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise ValueError("something is appended to what is no list")
        self.stack[-1].extend(values)

    def _setitem(self, arg: Any) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._put([key, value])

    def _setitems(self, arg: Any) -> None:
        self._put(self._marked())

    def _put(self, pairs: list[Any]) -> None:
        into = self.stack[-1]
        if type(into) is not dict or len(pairs) % 2:
            raise ValueError("an item is set in what is no mapping")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            if not isinstance(key, _KEYS):
                raise ValueError("a mapping's key is no text or number")
            into[key] = value

    def _global(self, arg: Any) -> None:
        module, _, name = arg.partition(" ")
        self.stack.append(self.resolve(module, name))

    def _stack_global(self, arg: Any) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if not isinstance(module, str) or not isinstance(name, str):
            raise ValueError("a name is no text")
        self.stack.append(self.resolve(module, name))

    def _reduce(self, arg: Any) -> None:
        args, maker = self.stack.pop(), self.stack.pop()
        if not isinstance(maker, Constructor) or not isinstance(args, tuple):
            raise ValueError("something is called that is no constructor")
        self.stack.append(maker.make(*args))

    def _build(self, arg: Any) -> None:
        state = self.stack.pop()
        if not isinstance(self.stack[-1], Built):
            raise ValueError("a state is given to what takes none")
        self.stack[-1].build(state)

    def _binpersid(self, arg: Any) -> None:
        if self.persistent is None:
            raise Unreadable("refers to data outside of itself, so it is not read")
        self.stack.append(self.persistent(self.stack.pop()))
