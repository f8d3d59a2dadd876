"""A row of the plan, and of the manifest, as text."""

from __future__ import annotations

import json

from poisonkit.datasets import Sample
from poisonkit.outputs import record
from poisonkit.plan.task import Task, to_line


def test_rows_are_written_as_json_writes_them() -> None:
    """Clean samples are written by hand: names with quotes, line ends, broken UTF-8 and % signs among them."""
    classes = ('a "b" %s', "c\u2028\udcff")
    for name in ('x "y".mp4', "a\\b\n.mp4", "100%s.mp4", "\udcff.mp4", "ä\u2028/ü.mp4"):
        for label in (None, 0, 1):
            task = Task("clean", Sample(name, f"../{name}", "train", 1), f"data/{name}", label)
            row = {n: v for n, v in task.row().items() if n not in ("extra", "further")}
            assert to_line(task) == json.dumps(row, ensure_ascii=False)
            wanted = json.dumps(record.record(task, classes, bytes=7), ensure_ascii=False)
            assert record.clean_lines(classes)(task, 7) == wanted
