"""What `poison`, `run` and `attack` show: the plan of a dry run, and the summary of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

import poisonkit
from poisonkit.cli import screen
from poisonkit.cli.next_steps import next_steps, with_code
from poisonkit.cli.progress import watching
from poisonkit.common.words import duration, size_in_words
from poisonkit.datasets import Dataset
from poisonkit.engine.costs.estimate import Estimate
from poisonkit.engine.finishing.results import Summary
from poisonkit.engine.finishing.sweep_index import write_index
from poisonkit.errors import RequestError, told
from poisonkit.metrics.survival import figures_table, gains_table
from poisonkit.outputs.opening import require_apart
from poisonkit.outputs.paths import OutputPaths
from poisonkit.plan.plan import Plan
from poisonkit.recipe.recipe import Recipe

NAMED = 20  # so many failures are named on the screen; the manifest has them all
FIRST = 5  # so many ids of each part of a plan are shown
ROWS = 30  # so many classes


def carry_out(recipe: Recipe, running: Mapping[str, Any], *, dry_run: bool, json: bool) -> int:
    """Run a recipe, or show its plan; print the outcome and return the exit status.

    running: how, as `poisonkit.poison` takes it.
    """
    status, made, _ = _carried_out(recipe, running, dry_run=dry_run, quiet=json)
    if json:
        screen.print_json(made)
    return status


def carry_out_all(recipes: Mapping[str, Recipe], running: Mapping[str, Any], *, dry_run: bool, json: bool) -> int:
    """`carry_out` of each recipe of a sweep, one after the other; the worst of their exit statuses.

    recipes: by what sets each apart.
    """
    for recipe in recipes.values():
        if recipe.out is not None:
            require_apart(recipe.out)
    statuses, outcomes, summaries, estimates = [], [], {}, []
    for number, (name, recipe) in enumerate(recipes.items(), 1):
        if not json:
            screen.heading(screen.console(), f"{number} of {len(recipes)}: {name}")
        try:
            status, made, summary = _carried_out(recipe, running, dry_run=dry_run, quiet=json)
            if dry_run:
                estimates.append(made["estimate"])
        except RequestError as error:
            raise RequestError(f"{name}: {told(error)}") from None
        if summary is not None:
            summaries[name] = summary
        statuses.append(status)
        outcomes.append({"name": name, "exit_code": status, **made})
    index = write_index(recipes, summaries)
    if json:
        screen.print_json({"sweep": outcomes, **({"index": str(index)} if index else {})})
    elif dry_run:
        seconds, written = (sum(each[name] for each in estimates) for name in ("seconds", "bytes_written"))
        all_of = f"All {len(recipes)} take about {duration(seconds)}, and write about {size_in_words(written)}."
        screen.heading(screen.console(), all_of)
    elif index is not None:
        screen.heading(screen.console(), f"All outputs with counts, survival and sizes: {screen.shown(index)}")
        screen.heading(screen.console(), "Next")
        screen.verbatim(screen.console(), f"{screen.command('report', index.parent)}    # one page with curves")
    return max(statuses)


def _carried_out(
    recipe: Recipe, running: Mapping[str, Any], *, dry_run: bool, quiet: bool
) -> tuple[int, dict[str, Any], Summary | None]:
    """The exit status, the outcome as JSON, and the summary unless `dry_run`; on the screen too, unless `quiet`."""
    if dry_run:
        with watching() as progress:
            made = poisonkit.make_plan(recipe, jobs=running["jobs"], progress=progress)
            how = {"jobs": running["jobs"], "calibrate": running["calibrate"]}
            estimate = poisonkit.estimate(recipe, made, progress=progress, **how)
        if not quiet:
            _show_plan(*made, estimate)
        return 0, _plan_json(made[0], made[2], estimate), None
    with watching() as progress:
        summary = poisonkit.poison(recipe, **running, progress=progress)
    if not quiet and summary.shard:
        _show_shard(summary)
    elif not quiet:
        _show_summary(summary, recipe)
    return summary.exit_code, _summary_json(summary) if quiet else {}, summary


def show_merge(summary: Summary, name: str | None, *, allow_code: bool, json: bool) -> int:
    """Print what a merge came to, and return the exit status."""
    if name is not None:
        return show_attack(summary, name, json=json)
    if json:
        screen.print_json(_summary_json(summary))
    else:
        recipe = Recipe.from_yaml(OutputPaths(summary.out).recipe(), allow_code=allow_code)
        _show_summary(summary, recipe, merged=True)
    return summary.exit_code


def show_attack(summary: Summary, name: str, *, json: bool, removed: bool = False) -> int:
    """Print what adding or removing an attack set came to, and return the exit status."""
    if json:
        screen.print_json(_summary_json(summary))
        return 0 if removed else summary.exit_code
    if removed:
        screen.line(screen.console(), f"Attack set '{name}' is gone from {screen.shown(summary.out)}.", indent=0)
        return 0
    if summary.shard:
        _show_shard(summary, name)
        return summary.exit_code
    console = screen.console()
    screen.heading(console, f"Attack set '{name}' added to {screen.shown(summary.out)}")
    _counts(console, summary)
    _survival(console, summary)
    _failures(console, summary)
    _roots(console, summary.out, {k: v for k, v in summary.annotations.items() if k.split("/")[1:2] == [name]})
    screen.heading(console, "Next")
    screen.verbatim(console, with_code(summary.out, "verify", screen.shown(summary.out), "--decode"))
    return summary.exit_code


# -- the plan --------------------------------------------------------------------------------------------


def _plan_json(plan: Plan, out: Path, estimate: Estimate) -> dict[str, Any]:
    chosen = [t for t in plan.tasks if t.role != "clean"]
    return {
        "out": str(out),
        "fingerprint": plan.fingerprint,
        "layout": plan.layout,
        "classes": list(plan.classes),
        "choices": [asdict(c) for c in plan.choices],
        "counts": dict(Counter(t.role for t in plan.tasks)),
        "estimate": estimate.as_json(),
        "passed_over": plan.passed_over,
        **({"unwritable": plan.unwritable} if plan.unwritable else {}),
        "warnings": list(plan.warnings),
        **({"encode": dict(plan.encode)} if plan.encode else {}),
        "tasks": [t.row() for t in chosen],
    }


def _show_plan(plan: Plan, dataset: Dataset, out: Path, estimate: Estimate) -> None:
    console = screen.console()
    screen.line(console, f"Nothing is written. The output would be {screen.shown(out)}", indent=0)
    screen.line(console, estimate.told(), indent=0)
    for note in (*dataset.notes, *plan.warnings, *plan.passed_over.values(), *plan.found):
        screen.line(console, note, indent=0)
    screen.heading(console, f"Plan {plan.fingerprint} ({plan.layout}, {len(plan.classes)} classes)")
    rows = [(c.name, c.denominator, c.pool, c.requested, c.planned, c.attack_planned) for c in plan.choices]
    columns = ("backdoor", "N", "eligible", "requested", "planned", "attack set")
    screen.indented(console, screen.table(columns, rows, right=columns[1:]))
    _show_classes(console, plan)
    for role in ("poisoned", "cover", "attack", "control"):
        ids = [t.id for t in plan.tasks if t.role == role]
        if ids:
            screen.heading(console, f"{role} ({len(ids)})")
            for name in ids[:FIRST]:
                screen.line(console, name)
            if len(ids) > FIRST:
                screen.line(console, f"… and {len(ids) - FIRST} more (--json gives all)")


def _show_classes(console: Console, plan: Plan) -> None:
    """How many files of each role have each original class."""
    counts: Counter[tuple[str, int | None]] = Counter((t.role, t.original_label) for t in plan.tasks)
    used = {t.role for t in plan.tasks}
    roles = [r for r in ("poisoned", "cover", "clean", "attack", "control") if r in used]
    labels: list[int | None] = [i for i in range(len(plan.classes)) if any(counts[r, i] for r in roles)]
    if any(counts[r, None] for r in roles):
        labels.append(None)
    rows = [
        ("unlabelled" if i is None else f"{i} {plan.classes[i]}", *(counts[r, i] or "" for r in roles))
        for i in labels[:ROWS]
    ]
    screen.heading(console, "By true class")
    screen.indented(console, screen.table(("class", *roles), rows, right=roles))
    if len(labels) > ROWS:
        screen.line(console, f"… and {len(labels) - ROWS} more classes (--json gives all)")


# -- the summary -----------------------------------------------------------------------------------------


def _summary_json(summary: Summary) -> dict[str, Any]:
    return {**summary.as_json(), "annotations": {k: list(v) for k, v in summary.annotations.items()}}


def _show_summary(summary: Summary, recipe: Recipe, *, merged: bool = False) -> None:
    console = screen.console()
    screen.heading(console, f"Poisoned copy: {screen.shown(summary.out)}")
    if not merged and not summary.processed and summary.counts.keys() - {"clean"}:
        screen.line(console, "It was finished already: no clip was left to do.")
    _counts(console, summary)
    _survival(console, summary)
    _failures(console, summary)
    _roots(console, summary.out, summary.annotations)
    screen.line(console, f"What was done to which sample: {screen.shown(summary.out / 'poisonkit' / 'manifest.jsonl')}")
    screen.heading(console, "Next")
    for text in next_steps(summary, recipe):
        screen.verbatim(console, text)


def _counts(console: Console, summary: Summary) -> None:
    """How many of each part were asked for, and what became of them."""
    plan, counts = summary.plan, summary.counts
    asked = {
        "poisoned": sum(c.requested for c in plan.choices),
        "cover": sum(c.covers for c in plan.choices),
        "clean": sum(counts.get("clean", Counter()).values()),
        "attack": sum(c.attack_planned for c in plan.choices),
        "control": sum(counts.get("control", Counter()).values()),
    }
    words = {
        "poisoned": "data, poisoned",
        "cover": "data, cover",
        "clean": f"data, clean ({summary.clean_method})",
        "attack": "attack sets",
        "control": "control",
    }
    rows = []
    for role, text in words.items():
        got = counts.get(role, Counter())
        if asked[role] or got:
            rows.append((text, asked[role], got["ok"], got["failed"], got["inert"]))
    columns = ("part", "requested", "achieved", "failed", "inert")
    screen.indented(console, screen.table(columns, rows, right=columns[1:]))


def _survival(console: Console, summary: Summary) -> None:
    if summary.survival:
        screen.heading(console, "What the encoder left of the trigger (gain: 1 all of it, 0 nothing)")
        heads, found = gains_table(summary.survival, "mean", "worst")
        screen.indented(console, screen.table(heads, found, right=heads[2:]))
        for name, o in summary.survival.items():
            if o.figures:
                heads, found = figures_table(o.figures, name if len(summary.survival) > 1 else "")
                screen.indented(console, screen.table(heads, found, right=heads[1:]))


def _show_shard(summary: Summary, attack: str | None = None) -> None:
    console = screen.console()
    screen.heading(console, f"Shard {summary.shard} of {screen.shown(summary.out)}")
    rows = [(role, sum(got.values()), got["ok"], got["failed"], got["inert"]) for role, got in summary.counts.items()]
    columns = ("part", "clips", "achieved", "failed", "inert")
    screen.indented(console, screen.table(columns, rows, right=columns[1:]))
    _failures(console, summary)
    screen.heading(console, "Next, when all shards are done")
    name = () if attack is None else ("--name", attack)
    screen.verbatim(console, screen.command("merge", screen.shown(summary.out), *name))


def _failures(console: Console, summary: Summary) -> int:
    for title, found in (("Failed", summary.failed), ("Inert: the trigger does not change them", summary.inert)):
        if found:
            screen.heading(console, f"{title} ({len(found)}; neither written nor listed)")
            _some(console, (why if path in why else f"{path}: {why}" for path, why in found), len(found))
    return len(summary.failed)


def _some(console: Console, texts: Iterable[str], total: int) -> None:
    for number, text in enumerate(texts):
        if number == NAMED:
            screen.line(console, f"… and {total - NAMED} more (poisonkit/manifest.jsonl has all)")
            return
        screen.line(console, text)


def _roots(console: Console, out: Path, annotations: Mapping[str, tuple[str, ...]]) -> None:
    """The folders a trainer is pointed to, and the annotation files in them."""
    screen.heading(console, "Point a trainer to")
    rows = [
        (screen.shown(out / root), ", ".join(files) or "the folders are the labels")
        for root, files in annotations.items()
    ]
    screen.indented(console, screen.table(("data root", "annotation files"), rows))
