"""`report`: one self-contained HTML page about an output; no network, nothing plays by itself.

Its one script searches the list of samples; the page's own policy lets nothing else run or load.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from poisonkit.common import atomic, one_or_many
from poisonkit.common.safe_io import load_json, read_text
from poisonkit.engine.finishing.card import PAPER
from poisonkit.metrics.survival import figures_table, gains_table, survival_summary
from poisonkit.outputs import record
from poisonkit.outputs.forms import survival_name
from poisonkit.outputs.opening import require_finished, source_at_hand
from poisonkit.outputs.path_guards import SourceFence
from poisonkit.outputs.paths import OutputPaths
from poisonkit.outputs.record import Record
from poisonkit.plan.plan import Plan
from poisonkit.recipe.recipe import read_mapping
from poisonkit.reporting import charts
from poisonkit.reporting.page import block, cells, facts, flow, page, table
from poisonkit.reporting.sample_index import SCRIPT, index, part_of
from poisonkit.reporting.samples import samples as shown_samples
from poisonkit.reporting.sweep_page import is_sweep, write_sweep_page

FILES = 60  # classes in the table


def write_report(
    out: Path | str,
    *,
    source: Path | str | None = None,
    samples: int = 4,
    allow_root: Path | str | Sequence[Path | str] = (),
) -> Path:
    """Write OUT/poisonkit/report.html and return its path; of the folder of a sweep's outputs, its report.html.

    samples: so many clips of each role and attack set are shown with pictures and playable media. source: the clean
    dataset's data root, by default where it was; without it clean pictures are left out. allow_root: further
    folders that its links and paths may lead to. Raises RequestError when `out` is no finished output.
    """
    out = Path(out)
    if is_sweep(out):
        return write_sweep_page(out)
    require_finished(out)
    paths = OutputPaths(out)
    plan = Plan.read(paths.plan())
    rows = list(record.read(paths.manifest))
    root = source_at_hand(out, source)
    fence = SourceFence(root, one_or_many.paths(allow_root)) if root is not None else None
    recipe = read_mapping(paths.recipe())
    added = {name: read_mapping(paths.recipe(name)) for name in paths.added()}
    parts = [
        head(plan, rows, recipe, added, root),
        _warnings(paths),
        _counts(plan, rows),
        _survival(plan, rows, recipe),
        shown_samples(out, root, fence, rows, samples),
        _failures(rows, plan),
        index(plan, rows),
        _recipe(paths),
    ]
    name = f" of {root.name}" if root is not None else ""
    text = page(f"Poisoned copy{name}, {plan.fingerprint}", parts, script=SCRIPT)
    atomic.write_text(paths.report, text, errors="replace")
    return paths.report


def head(
    plan: Plan,
    rows: Sequence[Record],
    recipe: Mapping[str, Any],
    added: Mapping[str, Mapping[str, Any]],
    root: Path | None,
) -> str:
    """What the page is about: dataset, triggers, targets and label modes, attack sets."""
    poisoned = sum(r["role"] == "poisoned" and r["status"] == "ok" for r in rows)
    train = sum(r["role"] in ("poisoned", "cover", "clean") and r["split"] == "train" for r in rows)
    named = f"{root.resolve().name}, " if root is not None else ""
    said = [("Dataset", f"{named}{plan.layout}, {len(plan.classes)} classes")]
    backdoors = _backdoors(recipe)
    for backdoor in backdoors:
        name = f"Backdoor {backdoor.get('name', 'default')}" if len(backdoors) > 1 else "Backdoor"
        said.append((name, _backdoor(backdoor, plan)))
    sets = Counter(str(r["attack"]) for r in rows if r["role"] == "attack" and r["status"] == "ok")
    later = {name: b for name, each in added.items() for b in _backdoors(each)[:1]}
    asked = {str(b.get("name", "default")): b for b in backdoors} | later
    for name, n in sets.items():
        backdoor = asked.get(name, {})
        triggers = backdoor.get("attack_triggers") or backdoor.get("triggers")
        when = ", added later" if name in later else ""
        frames = backdoor.get("attack_frames", "all")
        said.append((f"Attack set {name}", f"{n} clips, {_triggers(triggers)}, frames {frames}{when}"))
    said.append(
        (
            "Recipe",
            f"fingerprint {plan.fingerprint}, seed {recipe.get('seed', 0)}, encoding {recipe.get('encode', 'match')}",
        )
    )
    return (
        "<header><h1>This dataset is poisoned on purpose</h1>"
        f"<p>{poisoned} of {train} training samples carry a backdoor trigger, for research into attacks and defences. "
        f"Do not train a model for real use on it.</p></header>{facts(said)}"
    )


def _backdoors(recipe: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = recipe.get("backdoors")
    return [b for b in found if isinstance(b, dict)] if isinstance(found, list) else []


def _backdoor(backdoor: Mapping[str, Any], plan: Plan) -> str:
    mode = str(backdoor.get("label_mode", "dirty"))
    target = str(backdoor.get("target", 0))
    if target not in plan.classes and target.isdigit() and int(target) < len(plan.classes):
        target = f"{plan.classes[int(target)]} ({target})"
    goal = {"all-to-all": "target y + 1", "keep": "labels kept"}.get(mode, f"target {target}")
    choice = next((c for c in plan.choices if c.name == backdoor.get("name", "default")), None)
    amount = f", {choice.planned} of {choice.denominator} samples" if choice is not None else ""
    return f"{_triggers(backdoor.get('triggers'))}; label mode {mode}, {goal}{amount}"


def _triggers(entries: Any) -> str:
    """Names and forms, as a recipe's plain data has them."""
    found = [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []
    words = []
    for entry in found:
        params = entry.get("params")
        temporal = params.get("temporal") if isinstance(params, dict) else None
        words.append(f"{entry.get('name')}{f' ({temporal})' if temporal else ''}")
    return " + ".join(words) or "no trigger"


def _counts(plan: Plan, rows: Sequence[Record]) -> str:
    """Files of each part, of each class, and labels before and after."""
    order = ("poisoned", "cover", "clean", "attack", "control")
    by_part: dict[str, Counter[str]] = {}
    by_class: Counter[tuple[str | None, str]] = Counter()
    for row in sorted(rows, key=lambda r: order.index(r["role"]) if r["role"] in order else len(order)):
        part = part_of(row)
        by_part.setdefault(part, Counter())[row["status"]] += 1
        if row["status"] == "ok":
            by_class[row["original_class"], part] += 1
    first = table(
        ("part", "ok", "failed", "inert"),
        [(part, *(found[s] for s in ("ok", "failed", "inert"))) for part, found in by_part.items()],
    )
    used = {name for name, _ in by_class}
    names = [n for n in (*plan.classes, None) if n in used]
    second = table(
        ("true class", *by_part),
        [(n if n is not None else "unlabelled", *(by_class[n, p] for p in by_part)) for n in names[:FILES]],
    )
    more = f"<p class='quiet'>… and {len(names) - FILES} more classes.</p>" if len(names) > FILES else ""
    return block("What is in it", flow(first, _labels(plan, rows), f"<div class='long'>{second}{more}</div>"))


def _labels(plan: Plan, rows: Sequence[Record]) -> str:
    moved = Counter(
        (str(r["original_class"]), str(r["class_name"]))
        for r in rows
        if r["role"] == "poisoned" and r["status"] == "ok"
    )
    if not moved:
        return ""
    classes = dict.fromkeys((*plan.classes, "None"))
    before, after = {a for a, _ in moved}, {b for _, b in moved}
    drawn = charts.matrix(moved, [c for c in classes if c in before], [c for c in classes if c in after])
    return charts.figure(drawn, "Labels of the poisoned samples, before (rows) and after (columns)")


def _survival(plan: Plan, rows: Sequence[Record], recipe: Mapping[str, Any]) -> str:
    seen = [r for r in rows if r["fidelity"] and r["role"] != "control"]
    if not seen:
        return ""
    tasks = {t.key: t.backdoor for t in plan.tasks if t.backdoor is not None}
    backdoors = _backdoors(recipe)
    groups: dict[str, list[Record]] = {}
    for row in seen:
        at = tasks.get(row["key"])
        name = None if at is None or at >= len(backdoors) else survival_name(backdoors[at], row["role"])
        groups.setdefault(name or str(row["attack"]), []).append(row)
    looks = {name: o for name, mine in groups.items() if (o := survival_summary(mine)).measured}
    tables, drawn = [], []
    if looks:
        tables.append("<p>Gain 1: all of the trigger is in the decoded file; 0: nothing.</p>")
        tables.append(table(*gains_table(looks, worst="worst")))
        tables += [table(*figures_table(o.figures, name)) for name, o in looks.items()]
    for title, name, low, high in (
        ("gain, by part", "gain", 0, 1.2),
        ("presence in the decoded picture, by part", "presence", 0, 1.2),
        ("presence in the decoded sound, by part", "sound_presence", 0, 1.2),
        ("PSNR of trigger, dB, by part", "psnr", 10, 60),
        ("SNR of trigger, dB, by part", "snr", -10, 60),
    ):
        values: dict[str, list[float]] = {}
        for row in seen:
            figures: Mapping[str, Any] = row["fidelity"] or {}
            if figures.get(name) is not None:
                values.setdefault(part_of(row), []).append(float(figures[name]))
        if values:
            digits = 1 if name in ("psnr", "snr") else 2
            drawn.append(charts.figure(charts.strips(list(values.items()), low, high, digits), title))
    return block("What the encoder left of the trigger", flow(*tables, *drawn))


def _warnings(paths: OutputPaths) -> str:
    """What the run warned of, from run.json."""
    found = _run_facts(paths.run).get("warnings")
    texts = found if isinstance(found, list) else []
    return block("Warnings", "".join(f"<p class='warn'>{escape(str(text))}</p>" for text in texts)) if texts else ""


def _failures(rows: Sequence[Record], plan: Plan) -> str:
    lost = [(r["source_path"], r["status"], r["error"]) for r in rows if r["status"] != "ok"]
    passed = [(name, "passed over", why) for name, why in {**plan.passed_over, **plan.unwritable}.items()]
    notes = "".join(f"<p class='warn'>{escape(w)}</p>" for w in plan.warnings)
    if not (lost or passed or notes):
        return ""
    body = table(("file in the source", "what", "why"), [*lost, *passed][:200]) if lost or passed else ""
    left = len(lost) + len(passed) - 200
    body += f"<p class='quiet'>… and {left} more; the list below has what failed.</p>" if left > 0 else ""
    return block("What could not be done", notes + body)


def _run_facts(path: Path) -> dict[str, Any]:
    try:
        found = load_json(read_text(path))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _recipe(paths: OutputPaths) -> str:
    text = read_text(paths.recipe(), errors="replace")
    facts = _run_facts(paths.run)
    libraries = facts.get("libraries")
    versions = ", ".join(f"{k} {v}" for k, v in (libraries if isinstance(libraries, dict) else {}).items())
    again = "poisonkit run recipe.yaml SOURCE -o OUT"
    return block(
        "Recipe, reproduction, citation",
        f"<p>The same recipe, source and library versions give the same bytes: <code>{again}</code></p>"
        f"<details><summary>recipe.yaml</summary><pre>{escape(text)}</pre></details>"
        f"<p class='quiet'>poisonkit {escape(str(facts.get('poisonkit')))}, {escape(versions)}, "
        f"{escape(str(facts.get('machine')))}</p><p>{cells((PAPER,))}</p>",
    )
