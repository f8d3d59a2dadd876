"""Figures in words: how long, how large, how many."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """As exact as an estimate is: `under a second`, `45 s`, `3 min 20 s`, `1 h 05 min`, `12 h`, `3.5 days`."""
    whole = round(seconds)
    if whole < 1:
        return "a second"
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        minutes, rest = divmod(10 * round(seconds / 10), 60)
        return f"{minutes} min {rest:02d} s" if rest else f"{minutes} min"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 600:
        hours, left = divmod(minutes, 60)
        return f"{hours} h {left:02d} min"
    hours = round(seconds / 3600)
    return f"{hours} h" if hours < 48 else f"{seconds / 86400:.1f} days"


def size_in_words(size: float) -> str:
    """Bytes in the unit that suits them, 1 kB being 1000."""
    for unit, of in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size >= of:
            return f"{size / of:.1f} {unit}"
    return f"{max(0, round(size / 1e3))} kB"


def plural(number: int, word: str, words: str = "") -> str:
    """`1 file`, `12,000 files`."""
    return f"{number:,} {word if number == 1 else words or f'{word}s'}"
