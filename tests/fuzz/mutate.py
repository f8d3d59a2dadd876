"""Mutations: of bytes, of text, of JSON. Everything is drawn from the generator that is given."""

from __future__ import annotations

import json
import random
from typing import Any

NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 40, (1 << 63) - 1)


def damaged(data: bytes, rng: random.Random) -> bytes:
    """The bytes with one to a few things done to them, most of them near the beginning, where headers are."""
    made = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        if not made:
            break
        reach = rng.choice((64, 600, len(made), len(made)))
        at = rng.randrange(min(reach, len(made)))
        what = rng.randrange(9)
        if what == 0:
            made[at] ^= 1 << rng.randrange(8)
        elif what == 1:
            made[at] = rng.randrange(256)
        elif what in (2, 3):
            size = rng.choice((1, 2, 4, 8))
            number = rng.choice(NUMBERS) & ((1 << 8 * size) - 1)
            made[at : at + size] = number.to_bytes(size, rng.choice(("little", "big")))
        elif what == 4:
            del made[at : at + rng.choice((1, 4, 64, 2000))]
        elif what == 5:
            piece = made[at : at + rng.choice((4, 16, 256))]
            where = rng.randrange(len(made) + 1)
            made[where:where] = piece
        elif what == 6:
            made[at:at] = rng.randbytes(rng.choice((1, 4, 100)))
        elif what == 7:
            del made[rng.randrange(len(made)) :]
        else:
            size = rng.choice((4, 32, 512))
            made[at : at + size] = bytes(len(made[at : at + size]))
    return bytes(made)


def texts(outside: str) -> tuple[str, ...]:
    """Words that a list, a recipe or a record had better not hold. outside: a folder that nothing may touch."""
    return (
        "", " ", "..", ".", "/", "../../../../evil", "/etc/passwd", "/dev/zero", "/dev/stdin", "/proc/self/environ",
        f"{outside}/evil", f"{outside}/", "a/../../b", "x/./y", "a//b", "-", "--help", "-1", "0", "1", "999999999999",
        "1e999", "nan", "-0.0", "true", "null", "~", "x" * 300, "x/" * 200 + "y", "a\0b", "\ufeff", "\u2028",
        "\r", "\x1b[31m",
        "<script>alert(1)</script>", "'\"><img src=x onerror=alert(1)>", "{{7*7}}", "%s%n", "os:system",
        "builtins:exec",
        "poisonkit.cli:main", "concat:a", "http://127.0.0.1:9/x.mp4", "é", "e\u0301", "日本", "🦜",
        "NaN", "Infinity", "[]", "{}",
        "!!python/object/apply:os.system [true]", "&a [*a]", "*x", "<<: *x", "|", ">", "- ", ": ", "\t", "\\",
        "${HOME}",
    )  # fmt: skip


def scrambled(text: str, rng: random.Random, outside: str) -> bytes:
    """A text file with lines or words changed, or as bytes that may be no text."""
    lines = text.split("\n")
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(lines))
        what = rng.randrange(8)
        word = rng.choice(texts(outside))
        if what == 0:
            lines[at] = word
        elif what == 1:
            lines.insert(at, lines[rng.randrange(len(lines))])
        elif what == 2 and len(lines) > 1:
            del lines[at]
        elif what == 3:
            lines.insert(at, word)
        elif what in (4, 5, 6):
            line = lines[at]
            cut = sorted((rng.randrange(len(line) + 1), rng.randrange(len(line) + 1)))
            separators = [i for i, c in enumerate(line) if c in " ,\t:\"'/"]
            if separators and rng.random() < 0.7:
                start = rng.choice([-1, *separators]) + 1
                cut = [start, next((i for i in separators if i >= start), len(line))]
            lines[at] = line[: cut[0]] + word + line[cut[1] :]
        else:
            lines[at] = lines[at] + rng.choice((" ", "\t", ",", "\r", "\0", " 1", ",1"))
    data = "\n".join(lines).encode("utf-8", "surrogatepass")
    return damaged(data, rng) if rng.random() < 0.25 else data


def _values(rng: random.Random, outside: str) -> Any:
    plain: tuple[Any, ...] = (
        None, True, False, 0, 1, -1, 3, 2**31, 2**63, 10**30, -(2**63), 0.5, 1e308, float("inf"), float("nan"),
        [], {}, [[]], [None], ["x"], [0, 1], [[0, 10**9]], {"a": 1}, {"name": "blend"},
        {"name": "os:system", "params": {}},
        {"name": "x.npy", "sha256": "../" * 21 + "x"},
    )  # fmt: skip
    return rng.choice(plain) if rng.random() < 0.6 else rng.choice(texts(outside))


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict):
        for key, each in value.items():
            found += _places(each, (*path, key))
    elif isinstance(value, list):
        for i, each in enumerate(value[:20]):
            found += _places(each, (*path, i))
    return found


def altered(value: Any, rng: random.Random, outside: str) -> Any:
    """A JSON value with one to a few of its parts replaced, left out, renamed or doubled."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        place = rng.choice(_places(value))
        if not place:
            if rng.random() < 0.1:
                value = _values(rng, outside)
            continue
        holder = value
        for step in place[:-1]:
            holder = holder[step]
        key, what = place[-1], rng.randrange(8)
        if what < 5:
            holder[key] = _values(rng, outside)
        elif what == 5:
            del holder[key]
        elif isinstance(holder, list):
            holder.insert(key, holder[key])
        else:
            holder[rng.choice(texts(outside))] = holder.pop(key)
    return value


def altered_lines(text: str, rng: random.Random, outside: str) -> bytes:
    """JSON lines (or one JSON text) with some of their values changed; now and then no JSON any more."""
    if rng.random() < 0.15:
        return scrambled(text, rng, outside)
    try:
        whole = json.loads(text)
    except ValueError:
        lines = text.split("\n")
    else:
        lines = [json.dumps(whole)]
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.randrange(len(lines))
        if lines[at].strip():
            lines[at] = json.dumps(altered(json.loads(lines[at]), rng, outside), ensure_ascii=False)
    if rng.random() < 0.1:
        lines.insert(rng.randrange(len(lines)), rng.choice(("[" * 100_000, '{"a":' * 5000, "{}", "null", "9" * 5000)))
    return "\n".join(lines).encode("utf-8", "surrogatepass")
