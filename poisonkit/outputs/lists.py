"""Annotation files of an output, written by its layout."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from poisonkit.datasets import Dataset, View, get_layout
from poisonkit.plan.plan import Length, Plan, view_root


def write_views(
    plan: Plan, dataset: Dataset, out: Path, dropped: frozenset[str], lengths: Mapping[str, Length]
) -> dict[str, tuple[str, ...]]:
    """Annotation files of every view of a plan below `out`; view root -> files, relative to it.

    dropped: keys of what has no file. lengths: by key (see `Plan.rows`).
    """
    layout = get_layout(plan.layout)
    views: list[tuple[View, str | None]] = []
    roles = plan.outline.roles
    if roles & {"clean", "cover", "poisoned"}:
        views.append(("data", None))
    for name in plan.outline.attacks:
        views += [("target", name), ("original", name)]
    if "control" in roles:
        views.append(("control", None))
    found: dict[str, tuple[str, ...]] = {}
    for view, attack in views:
        root = view_root(plan.layout, view, attack)
        folder = out / root
        folder.mkdir(parents=True, exist_ok=True)
        files = layout.write(dataset, plan.rows(view, attack, dropped, lengths), folder, view)
        found[root] = tuple(dict.fromkeys((*found.get(root, ()), *files)))
    return found
