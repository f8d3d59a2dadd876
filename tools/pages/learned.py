"""What models learn, by trigger: poisonkit/triggers/learned.json and docs/what-models-learn.md, from kept results."""

from __future__ import annotations

import json
from typing import Any

from poisonkit import triggers
from poisonkit.scoring import Rate
from poisonkit.triggers.core import learned as packaged
from tools.pages.blocks import ROOT, filled, table
from tools.pages.look_listen_attack import SOURCES, example_rows, example_table, results

PAGE = ROOT / "docs" / "what-models-learn.md"
FILE = packaged.FILE
SAME = {("caption", 1): 2}
"""Versions that draw the same bytes at whole frame rates, which all of these data have: the later one."""
HEADS = ("form", "data", "model", "epochs", "seeds", "gain", "ASR", "95 %", "clean accuracy", "control ASR")


def known() -> dict[str, list[dict[str, Any]]]:
    """Trigger -> a row for each form, dataset and schedule, seeds pooled; the trigger as it is now, clean re-coded."""
    found: dict[str, list[dict[str, Any]]] = {}
    for data in SOURCES:
        groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        for one in results(data)["rows"]:
            plain = (one["clean"], len(one["triggers"])) == ("reencode", 1)
            names = [spec.partition(":")[0] for spec in one["triggers"]]
            pairs = zip(names, one["trigger_versions"], strict=True)
            current = all(SAME.get((name, v), v) == triggers.get(name).version for name, v in pairs)
            if plain and current and one["kind"] in ("picture", "sound"):
                name, _, parameters = one["triggers"][0].partition(":")
                said = (one[word] for word in ("encode", "rate", "model", "size", "epochs"))
                groups.setdefault((name, one["temporal"], parameters, *said), []).append(one)
        for key, rows in groups.items():
            of = example_table.pooled(rows)
            gains = [one["gain"] for one in rows if one["gain"] is not None]
            asr = of["asr"]
            said = dict(zip(("temporal", "parameters", "encode", "rate", "model", "size"), key[1:-1], strict=True))
            found.setdefault(key[0], []).append(
                {
                    **said,
                    "data": data,
                    "epochs": key[-1],
                    "seeds": len(rows),
                    "clips": asr.total,
                    "gain": round(sum(gains) / len(gains), 4) if gains else None,
                    "asr": _short(asr.value),
                    "asr_low": _short(asr.low),
                    "asr_high": _short(asr.high),
                    "clean_model_asr": _value(of.get("asr_of_clean_model")),
                    "clean_accuracy": _short(of["clean_accuracy"].value),
                    "control_asr": _value(of.get("control_asr")),
                }
            )
    for rows in found.values():  # as it is by default first, then what else was tried
        rows.sort(key=lambda row: (row["model"] != "small", not _plain(row), row["temporal"] != "static"))
    return dict(sorted(found.items()))


def _plain(row: dict[str, Any]) -> bool:
    """Whether it is at its default, at 10 %, through the usual encoding."""
    said = (row["parameters"], row["encode"], row["rate"], row["size"])
    return said == ("", "match", 0.1, example_table.SIZE)


def _short(value: float | None) -> float:
    assert value is not None
    return round(value, 6)


def _value(rate: Rate | None) -> float | None:
    return None if rate is None or rate.value is None else round(rate.value, 6)


def text() -> str:
    """learned.json: a line for each trigger."""
    lines = [f"{json.dumps(name)}: {json.dumps(rows)}" for name, rows in known().items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    def percent(name: str) -> str:
        return "-" if row[name] is None else f"{100 * row[name]:.1f}"

    asr = percent("asr") + ("" if row["clean_model_asr"] is None else f" ({percent('clean_model_asr')})")
    between = f"{percent('asr_low')} to {percent('asr_high')}"
    gain = "-" if row["gain"] is None else f"{row['gain']:.2f}"
    first = (packaged.Learned(**row).form, row["data"], row["model"], str(row["epochs"]), str(row["seeds"]), gain)
    return (*first, asr, between, percent("clean_accuracy"), percent("control_asr"))


def section(name: str) -> list[str]:
    """Lines for a trigger's own page; none where nothing was run."""
    rows = known().get(name, [])
    if not rows:
        return []
    lines = [
        "## What small models made of it",
        "",
        "10 % poisoned and the trigger at its default where nothing else is said, dirty labels, clean clips encoded",
    ]
    lines += ["again too; in brackets the clean-trained model ([what was done](../look-listen-attack.md)).", ""]
    return [*lines, table(HEADS, [_cells(row) for row in rows]), ""]


def page() -> str:
    """docs/what-models-learn.md as it should be."""
    found = known()
    rows = []
    for row in example_rows.catalogue():
        name = row.triggers[0]
        mine = [one for one in found.get(name, []) if one["temporal"] == row.temporal and _plain(one)]
        mine = [one for one in mine if one["model"] == "small"]
        link = f"[{name}](triggers/{name}.md)"
        rows += [(link, *_cells(one)) for one in mine] or [
            (link, row.temporal, "not run here", *[""] * (len(HEADS) - 2))
        ]
    return filled(PAGE, {"what models learn": table(("trigger", *HEADS), rows)})
