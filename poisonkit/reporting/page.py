"""An HTML page that stands alone, and pieces of it: style, sections, tables. Everything that comes in is escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from typing import Any

from poisonkit._version import __version__

STYLE = files("poisonkit.reporting").joinpath("page.css").read_text(encoding="utf-8")


def page(title: str, parts: Iterable[str], *, script: str = "") -> str:
    """The whole page. script: the only one that it has; whatever else is in it, it can ask the network for nothing."""
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    source = f"'sha256-{allowed}'" if script else "'none'"
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:; "
        f"script-src {source}; base-uri 'none'; form-action 'none'"
    )
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(part for part in parts if part)
        + f"\n<footer>Made by poisonkit {__version__}.</footer>\n</body></html>\n"
    )


def block(title: str, body: str) -> str:
    """A section with a heading."""
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Names, and what they are."""
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(value)}</dd>' for name, value in pairs)}</dl>"


def flow(*parts: str) -> str:
    """Parts in as many columns as the screen has room for, filled one after the other."""
    return f"<div class='flow'>{''.join(parts)}</div>"


def cells(values: Iterable[Any]) -> str:
    """Values as text, escaped."""
    return " ".join(escape(str(v)) for v in values)


def table(heads: Sequence[Any], rows: Iterable[Sequence[Any]]) -> str:
    """A table that scrolls sideways where the screen is narrow."""

    def cell(value: Any) -> str:
        words = " class='words'" if isinstance(value, str) and not value.replace(".", "").isdigit() else ""
        return f"<td{words}>{escape(str(value))}</td>"

    head = "".join(f"<th>{escape(str(h))}</th>" for h in heads)
    body = "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in rows)
    return f"<div class='scroll'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
