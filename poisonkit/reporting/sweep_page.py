"""A sweep's own report: what its outputs differ in, and what they came to, as curves and in a table."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from poisonkit.common import atomic
from poisonkit.common.safe_io import read_text
from poisonkit.engine.finishing.sweep_index import COLUMNS, INDEX
from poisonkit.errors import RequestError
from poisonkit.outputs.paths import MANIFEST, REPORT
from poisonkit.recipe.sweep import FIELDS
from poisonkit.reporting import charts
from poisonkit.reporting.page import block, facts, flow, page

PAGE = "report.html"
MOST = 12  # lines in a chart
FIGURES = (
    ("gain_mean", "mean gain: what the encoder left of the trigger"),
    ("gain_worst", "worst gain"),
    ("survived_share", "share of measured clips in which the trigger survived"),
    ("poisoned", "poisoned training samples"),
    ("attack", "clips in attack sets"),
    ("failed", "failed clips"),
    ("bytes", "bytes written"),
)
Row = Mapping[str, str]


def is_sweep(folder: Path) -> bool:
    """Whether a folder holds the outputs of a sweep, and is none itself."""
    return (folder / INDEX).is_file() and not (folder / MANIFEST).exists()


def write_sweep_page(folder: Path) -> Path:
    """Write FOLDER/report.html from its index.csv, and return its path. RequestError where that is not one."""
    rows = _read(folder / INDEX)
    swept = _swept(rows)
    varied = {key: list(dict.fromkeys(each[key] for each in swept)) for key in swept[0]} if swept else {}
    shared = [(name, rows[0][name]) for name in ("triggers", "rate", "label_mode", "target", "seed", "encode")]
    same = [(name.replace("_", " "), value) for name, value in shared if len({r[name] for r in rows}) == 1]
    head = (
        "<header><h1>A sweep of datasets that are poisoned on purpose</h1>"
        f"<p>{len(rows)} outputs, for research into attacks and defences. Do not train a model for real use on them."
        f"</p></header>{facts([*((f'Swept: {k}', ', '.join(v)) for k, v in varied.items()), *same])}"
    )
    text = page(f"Sweep {folder.resolve().name}", [head, _curves(rows, swept, varied), _table(folder, rows, varied)])
    atomic.write_text(folder / PAGE, text, errors="replace")
    return folder / PAGE


def _read(path: Path) -> list[dict[str, str]]:
    try:
        rows = list(csv.DictReader(io.StringIO(read_text(path))))
    except (OSError, ValueError, csv.Error):
        rows = []
    if not rows or any(None in row or None in row.values() or not {*COLUMNS} <= row.keys() for row in rows):
        raise RequestError(f"{path} is not the index of a sweep: run the sweep again to have it written.")
    for row in rows:
        measured = _number(row["measured"]) or 0
        survived = _number(row["survived"])
        row["survived_share"] = str(survived / measured) if measured and survived is not None else ""
    return rows


_KEY = re.compile(rf"(?:^|_)({'|'.join(sorted(FIELDS, key=len, reverse=True))})-")


def _swept(rows: Sequence[Row]) -> list[dict[str, str]]:
    """What sets each output apart, by key, as its name says it; `recipe` alone where names were cut short."""
    found = []
    for row in rows:
        parts = _KEY.split(row["recipe"])
        found.append(dict(zip(parts[1::2], parts[2::2], strict=True)) if not parts[0] else {})
    keys = found[0].keys()
    if not keys or any(each.keys() != keys for each in found):
        return [{"recipe": row["recipe"]} for row in rows]
    return found


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _curves(rows: Sequence[Row], swept: Sequence[Mapping[str, str]], varied: Mapping[str, Sequence[str]]) -> str:
    """One chart for each figure: over the key that has most numbers, a line for each combination of the others, means
    over seeds."""
    many = {key: values for key, values in varied.items() if len(values) > 1} or varied
    counted = [k for k, v in many.items() if all(_number(x) is not None for x in v)]
    usual = [k for k in counted if k != "seed"] or counted
    along = max(usual or many, key=lambda k: len(many[k]))
    joined = along in counted
    places = {text: _number(text) if joined else float(i) for i, text in enumerate(many[along])}
    apart = [k for k in many if k not in (along, "seed")]
    xs = [x for x in places.values() if x is not None]
    log = joined and min(xs) > 0 and max(xs) / min(xs) >= 20
    charts_ = []
    names: list[str] = []
    for name, title in FIGURES:
        lines: dict[str, dict[float, list[float]]] = {}
        for row, values in zip(rows, swept, strict=True):
            y, x = _number(row[name]), places[values[along]]
            if y is not None and x is not None:
                line = ", ".join(f"{k} {values[k]}" for k in apart) or along
                lines.setdefault(line, {}).setdefault(x, []).append(y)
        if len({y for line in lines.values() for ys in line.values() for y in ys}) < 2:
            continue  # the same everywhere, or not known: no curve
        kept = dict(list(lines.items())[:MOST])
        names = names or list(kept)
        points = [
            (line, [(x, sum(ys) / len(ys), min(ys), max(ys)) for x, ys in sorted(found.items())])
            for line, found in kept.items()
        ]
        labels = {x: text for text, x in places.items() if x is not None}
        seeds = " (mean over seeds)" if "seed" in many and along != "seed" else ""
        over = f"{title}, over {along.replace('_', ' ')}{seeds}"
        charts_.append(charts.figure(charts.curves(points, labels, log=log, joined=joined), over))
    if not charts_:
        return ""
    total = math.prod(len(many[k]) for k in apart)
    more = f"<p class='quiet'>{total - MOST} more lines are in the table alone.</p>" if total > MOST else ""
    keys = charts.legend(names) if len(names) > 1 else ""
    return block("Curves", f"{keys}{more}{flow(*charts_)}")


def _table(folder: Path, rows: Sequence[Row], varied: Mapping[str, Sequence[str]]) -> str:
    columns = ("poisoned", "attack", "failed", "inert", "gain_mean", "gain_worst", "survived", "buried", "lost")
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in ("output", *columns, "size"))
    body = ""
    for row in rows:
        name = row["path"]
        words = escape(name)
        inside = name not in ("", ".", "..") and not re.search(r"[/\\]", name)
        if inside and (folder / name / REPORT).is_file():
            words = f"<a href='{escape(quote(f'{name}/{REPORT}'), quote=True)}'>{words}</a>"
        size = charts.number(_number(row["bytes"]) or 0.0)
        figures = "".join(f"<td data-of='{c.replace('_', ' ')}'>{escape(row[c])}</td>" for c in columns)
        body += f"<tr><td>{words}</td>{figures}<td data-of='size'>{size}B</td></tr>"
    note = "<p class='quiet'>An output with a report of its own (poisonkit report OUT) has a link to it.</p>"
    whole = f"<table class='many'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return block("Outputs", f"<div class='scroll'>{whole}</div>{note}")
