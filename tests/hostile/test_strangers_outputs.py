"""An output that a stranger made is data: it leads nowhere, runs nothing, and is shown with everything escaped."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml

import poisonkit
from poisonkit import Recipe
from poisonkit.cli import call
from poisonkit.outputs import checksums
from tests.hostile.watch import watching
from tests.media_factory import make_video

Rows = list[dict[str, Any]]
COMMANDS = {
    "verify": "verify OUT --hash all --jobs 1",
    "decode": "verify OUT --decode --jobs 1",
    "score": "score OUT PREDICTIONS",
    "export": "export OUT --to mmaction2",
    "identify": "identify FILE --in OUT",
    "report": "report OUT --samples 1",
    "attack": "attack OUT --name third --limit 1 --jobs 1",
    "merge": "merge OUT",
    "shortcuts": "inspect OUT --shortcuts --jobs 1",
}


@pytest.fixture(scope="module")
def finished(listed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "made"
    recipe = Recipe(source=listed, out=out, triggers=["badnets"], count=2, control=1, attack_limit=2, survival="none")
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    return out


@pytest.fixture
def out(finished: Path, tmp_path: Path) -> Path:
    """The output, two folders deep, so that paths that climb out of it arrive in a folder that is watched.

    Its media are links of the first one's: exchange them, and write nothing into them.
    """

    def copy(source: str, target: str) -> None:
        (os.link if source.endswith((".mp4", ".avi")) else shutil.copyfile)(source, target)

    return Path(shutil.copytree(finished, tmp_path / "deep" / "out", copy_function=copy))


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A clip outside the output, which nothing may open."""
    return make_video(tmp_path / "secret" / "secret.mp4", frames=3)


def run(words: str, out: Path) -> tuple[int, str]:
    """Status and what is said on stderr; never a traceback."""
    file = next(p for p in sorted((out / "data").rglob("*.mp4")) if p.is_file()) if "FILE" in words else out
    predictions = out.parent / "p.csv"
    predictions.write_text("path,pred\nvideos/val_00.avi,1\n")
    fill = {"OUT": str(out), "FILE": str(file), "PREDICTIONS": str(predictions)}
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        status = call([fill.get(word, word) for word in words.split()])
    assert "Traceback" not in said.getvalue()
    assert "bug in poisonkit" not in said.getvalue(), said.getvalue()
    return status, said.getvalue()


def edit(out: Path, name: str, change: Callable[[Rows], object]) -> None:
    """Change JSON lines, or one YAML or JSON text, and seal the output again, as a stranger would."""
    path = out / "poisonkit" / name
    if name.endswith(".jsonl"):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        change(rows)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        load, dump = (yaml.safe_load, yaml.safe_dump) if name.endswith(".yaml") else (json.loads, json.dumps)
        data = load(path.read_text())
        change([data])
        path.write_text(dump(data))
    run_json = out / "poisonkit" / "run.json"
    facts = json.loads(run_json.read_text())
    facts["sha256"] = checksums.current_checksums(out)
    run_json.write_text(json.dumps(facts))


def replant(out: Path, where: str, value: object) -> None:
    """The same in manifest and plan, so that they agree: the field of the first poisoned row, and its key."""

    def change(rows: Rows) -> None:
        row = next(r for r in rows if r.get("role") == "poisoned")
        row[where] = value

    edit(out, "manifest.jsonl", change)
    edit(out, "plan.jsonl", change)


FEW = ("verify", "export", "identify", "attack")  # where each way in is tried; the first one is with all of them
WAYS_OUT = {
    "climbs": ("path", "data/../../../secret/secret.mp4"),
    "absolute": ("path", "SECRET"),
    "elsewhere": ("path", "secret/secret.mp4"),
    "also": ("also", ["../../secret/secret.mp4"]),
    "source": ("source_path", "SECRET"),
    "nul": ("path", "data/\0.mp4"),
}


@pytest.mark.parametrize(
    ("way", "command"), [(way, c) for way in WAYS_OUT for c in (COMMANDS if way == "climbs" else FEW)]
)
def test_paths_that_lead_out(out: Path, secret: Path, command: str, way: str) -> None:
    """Refused by every command before anything outside is opened or written; nothing that lies there changes."""
    field, value = WAYS_OUT[way]
    replant(out, field, str(secret) if value == "SECRET" else value)
    before = secret.read_bytes()
    with watching(secret.parent) as seen:
        status, said = run(COMMANDS[command], out)
    assert not seen.files
    assert status == 2, said
    assert len(said.splitlines()) == 1
    assert secret.read_bytes() == before
    assert os.listdir(secret.parent) == [secret.name]


def test_a_source_that_climbs_needs_leave(out: Path, secret: Path) -> None:
    """`../` may be honest, for samples of an allowed root: it is followed with --allow-root, and never without."""
    climb = os.path.relpath(secret, json.loads((out / "poisonkit" / "run.json").read_text())["source"])
    replant(out, "source_path", climb)
    for command in ("verify", "decode", "report"):
        with watching(secret.parent) as seen:
            status, _ = run(COMMANDS[command], out)
        assert not seen.files, command
        assert status == (1 if command == "decode" else 0)
    problems = [p.problem for p in poisonkit.verify(out, decode=True).problems]
    assert any(f"--allow-root '{secret.parent}'" in p for p in problems)
    page = (out / "poisonkit" / "report.html").read_text()
    assert "--allow-root" in page
    status, said = run(COMMANDS["attack"], out)
    assert status == 2
    assert f"--allow-root '{secret.parent}'" in said


OWN = ("poisonkit/recipe.yaml", "poisonkit/manifest.jsonl", "data", "attack", "poisonkit", "README.md")


@pytest.mark.parametrize(
    ("name", "command"), [(n, c) for n in OWN for c in (COMMANDS if n == OWN[0] else ("verify", "attack"))]
)
def test_parts_that_are_links(out: Path, tmp_path: Path, command: str, name: str) -> None:
    """Nothing is read or written through a link in a part's place."""
    away = tmp_path / "away"
    away.mkdir()
    shutil.move(out / name, away / "it")
    (out / name).symlink_to(away / "it")
    before = sorted(p.relative_to(away) for p in away.rglob("*"))
    status, said = run(COMMANDS[command], out)
    assert status == 2, said
    assert f"{name} is a link" in said
    assert sorted(p.relative_to(away) for p in away.rglob("*")) == before


@pytest.mark.parametrize("command", ["verify", "decode", "report", "export", "score"])
def test_media_that_are_links(out: Path, secret: Path, command: str) -> None:
    """A poisoned file, and a folder of them, that lead elsewhere: named, and not opened."""
    row = next(r for r in map(json.loads, (out / "poisonkit/manifest.jsonl").read_text().splitlines()) if r["triggers"])
    (out / row["path"]).unlink()
    (out / row["path"]).symlink_to(secret)
    with watching(secret.parent) as seen:
        status, _ = run(COMMANDS[command], out)
    assert not seen.files
    assert status == 1 if command in ("verify", "decode") else status in (0, 1)
    problems = {p.path: p.problem for p in poisonkit.verify(out).problems}
    assert "is a link that leads to" in problems[row["path"]]
    if command == "report":
        assert "is a link" in (out / "poisonkit" / "report.html").read_text()


def test_folders_of_media_that_are_links(out: Path, secret: Path) -> None:
    """An attack set is not written through a folder that leads elsewhere; --fresh removes nothing there."""
    shutil.move(out / "attack" / "default", secret.parent / "default")
    (out / "attack" / "default").symlink_to(secret.parent / "default")
    (out / "attack" / "third").symlink_to(secret.parent)
    before = sorted(secret.parent.rglob("*"))
    status, said = run(COMMANDS["attack"], out)
    assert status == 2
    assert "attack/third is a link" in said
    assert sorted(secret.parent.rglob("*")) == before
    assert any("the folder attack/default is a link" in p.problem for p in poisonkit.verify(out).problems)


@pytest.mark.parametrize("command", ["verify", "decode", "score", "report", "attack"])
@pytest.mark.parametrize("name", ["poisonkit/manifest.jsonl", "MEDIA"])
def test_fifos(out: Path, command: str, name: str) -> None:
    """Nothing waits for a FIFO where a file should be (the test would not end)."""
    row = next(r for r in map(json.loads, (out / "poisonkit/manifest.jsonl").read_text().splitlines()) if r["triggers"])
    path = out / (row["path"] if name == "MEDIA" else name)
    path.unlink()
    os.mkfifo(path)
    status, said = run(COMMANDS[command], out)
    if name != "MEDIA":
        assert status == 2
        assert "is not a plain file" in said
    elif command in ("verify", "decode"):
        assert status == 1


def test_options_of_a_plan_that_name_files_elsewhere(out: Path, secret: Path) -> None:
    """Where a layout keeps its lists stands in the plan: a name that climbs is refused, nothing is written."""

    def climb(rows: Rows) -> None:
        rows[0]["options"]["lists"] = dict.fromkeys(rows[0]["options"]["lists"], "../../../secret/evil.txt")

    edit(out, "plan.jsonl", climb)
    for command in COMMANDS:
        run(COMMANDS[command], out)
        assert os.listdir(secret.parent) == [secret.name], command


BOOM = """
from pathlib import Path
Path({canary!r}).touch()
class Boom:
    name = "boom"
"""


@pytest.mark.parametrize("command", [*COMMANDS, "run", "run-entry"])
def test_code_is_not_run_unasked(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listed: Path, command: str
) -> None:
    """A trigger named as `package.module:Class`, in recipe, manifest or recipe file, imports nothing."""
    (tmp_path / "here").mkdir()
    canary = tmp_path / "canary"
    (tmp_path / "here" / "evil_trigger.py").write_text(BOOM.format(canary=str(canary)))
    monkeypatch.chdir(tmp_path / "here")
    entry = {"name": "evil_trigger:Boom", "version": 1, "params": {}, "trigger_seed": 0}
    if command.startswith("run"):
        recipe = tmp_path / "recipe.yaml"
        trigger = entry if command == "run-entry" else "evil_trigger:Boom:strength=1"
        recipe.write_text(yaml.safe_dump({"source": str(listed), "triggers": [trigger], "rate": 0.1}))
        status, said = run(f"run {recipe} --allow-root {listed} -o {tmp_path}/new --jobs 1", out)
        assert status == 2
        assert "--allow-code" in said
    else:
        edit(out, "recipe.yaml", lambda rows: rows[0]["backdoors"][0].update(triggers=[entry]))
        edit(out, "manifest.jsonl", lambda rows: [r["triggers"][0].update(entry) for r in rows if r["triggers"]])
        status, said = run(COMMANDS[command], out)
        assert command != "attack" or (status == 2 and "--allow-code" in said)
        if command == "decode":
            assert any("--allow-code" in p.problem for p in poisonkit.verify(out, decode=True).problems)
    assert not canary.exists()
    assert "evil_trigger" not in sys.modules


class Markup(HTMLParser):
    """The tags of a page, with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


MARK = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'>"


def test_the_page_escapes_everything(out: Path) -> None:
    """Markup in every text of manifest, plan, recipe and run.json: no script, no handler, nothing from elsewhere."""

    def everywhere(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: everywhere(v) if k not in KEPT else v for k, v in value.items()}
        if isinstance(value, list):
            return [everywhere(v) for v in value]
        return value + MARK if isinstance(value, str) else value

    for name in ("manifest.jsonl", "plan.jsonl", "recipe.yaml", "run.json"):
        edit(out, name, lambda rows: [r.update(everywhere(r)) for r in rows])
    status, said = run(COMMANDS["report"], out)
    assert status == 0, said
    page = Markup()
    page.feed((out / "poisonkit" / "report.html").read_text())
    scripts = [attributes for tag, attributes in page.tags if tag == "script"]
    assert scripts == [{"type": "application/json", "id": "samples"}, {}], "the list as data, and our own search"
    for tag, attributes in page.tags:
        assert not [a for a in attributes if a.startswith("on")], tag
        for name in ("src", "href"):
            value = attributes.get(name) or "data:"
            assert value.startswith(("data:", "https://", "#")), (tag, value)
    assert "&lt;script&gt;" in (out / "poisonkit" / "report.html").read_text()


KEPT = (
    "role",
    "split",
    "attack",
    "path",
    "also",
    "source_path",
    "other",
    "layout",
    "status",
    "source",
    "options",
    "name",
    "sha256",
)


def test_a_config_fragment_is_no_way_in(out: Path, tmp_path: Path) -> None:
    """MMAction2's configs are Python: an output's folder, or a class, whose name holds quotes stays text."""
    import ast

    evil = out.rename(out.with_name("x', __import__('os')._exit(3), '"))
    edit(evil, "plan.jsonl", lambda rows: rows[0].update(classes=["a", "b', exit(), '", 'c"\\']))
    status, said = run(f"export OUT --to mmaction2 -o {tmp_path}/elsewhere", evil)
    assert status == 0, said
    tree = ast.parse((tmp_path / "elsewhere" / "poisoned.py").read_text())
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert called == {"dict"}


def test_a_source_that_a_stranger_names_is_not_read_unasked(out: Path, listed: Path, tmp_path: Path) -> None:
    """run.json leads to another folder with files of these names, or comes from another user's machine."""
    private = tmp_path / "private"
    shutil.copytree(listed / "videos", private)

    def led(rows: Rows) -> None:
        rows[0]["source"] = str(private)

    edit(out, "run.json", led)
    status, said = run("attack OUT --name more --trigger badnets --jobs 1", out)
    assert status == 2
    assert f"--source '{private}'" in said
    assert not (out / "attack" / "more").exists()
    assert run(f"attack OUT --name more --trigger badnets --jobs 1 --source {listed}/videos", out)[0] == 0
