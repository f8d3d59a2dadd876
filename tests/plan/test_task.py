"""A row of the plan, and of the manifest, as text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from poisonkit.datasets import Sample
from poisonkit.errors import RequestError
from poisonkit.outputs import record
from poisonkit.plan.plan import Plan
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


def test_a_pair_is_written_and_read_again(tmp_path: Path) -> None:
    """Picture and sound, each with its places; a row whose places and sounds do not fit is none."""
    sample = Sample("v/a", "v/a", "test", 1, sound="s/a.wav")
    pair = Task("attack", sample, "attack/x/target/v/a", 0, target=0, backdoor=0, attack="x",
                linked_paths=("attack/x/original/v/a",),
                sound_paths=("attack/x/target/s/a.wav", "attack/x/original/s/a.wav"))  # fmt: skip
    plan = Plan("f", "d", "crema-d", ("a", "b"), {}, [pair])
    file = tmp_path / "plan.jsonl"
    file.write_text("".join(f"{line}\n" for line in plan.to_jsonl()))
    assert Plan.read(file).tasks == [pair]
    picture, sound = pair.halves
    assert (picture.files, sound.files) == (pair.files[:2], pair.files[2:])
    assert (picture.source_path, sound.source_path, sound.halves) == ("v/a", "s/a.wav", (sound,))
    assert [(r.path, r.sound) for r in plan.rows("original", "x")] == [("v/a", "s/a.wav")]
    text = file.read_text()
    for old, new in (
        ('"sound": "s/a.wav", ', ""),
        (', "attack/x/original/s/a.wav"]', "]"),
        ('"attack/x/target/s/a.wav"', '"data/s/a.wav"'),
        ('"attack/x/target/s/a.wav"', '"attack/../../a.wav"'),
        ('"sound": "s/a.wav"', '"sound": "/etc/a.wav"'),
        ('"sound": "s/a.wav"', '"sound": 1'),
    ):
        assert old in text
        file.write_text(text.replace(old, new))
        with pytest.raises(RequestError):
            Plan.read(file)
