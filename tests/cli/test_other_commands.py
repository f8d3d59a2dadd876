"""`attack`, `inspect`, `verify`, `identify`, `triggers`, `sample-data`: on one finished output."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest

from poisonkit.cli import call
from tests.cli.conftest import Cli


@pytest.fixture(scope="module")
def finished(listed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("finished") / "out"
    words = ("poison", listed, "-o", out, "-t", "blend", "--count", 2, "--attack-limit", 2, "--control", 1, "-j", 1)
    assert call([str(w) for w in words]) == 0
    return out


@pytest.fixture
def out(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "out"))


def test_attack_adds_a_set_that_verify_confirms(cli: Cli, out: Path) -> None:
    said = cli("attack", out, "--name", "sparse", "--attack-frames", "every:2", "--limit", 1, "--jobs", 1)
    assert said.status == 0
    assert "val_target.txt" in said.out
    rows = [json.loads(line) for line in (out / "poisonkit/manifest.jsonl").read_text().splitlines()]
    (added,) = [r for r in rows if r["attack"] == "sparse"]
    assert added["poisoned_ranges"][:2] == [[0, 1], [2, 3]]
    said = cli("verify", out, "--decode", "--hash", "all", "--jobs", 1, "--json")
    assert said.status == 0
    assert said.json["ok"] is True
    assert said.json["checked"] == len(rows)
    assert "of its own" in cli("attack", out, "--name", "default").complaint
    assert "letters, digits" in cli("attack", out, "--name", "../out").complaint
    assert "no backdoor" in cli("attack", out, "--name", "x", "--backdoor", "y").complaint


def test_verify_names_each_finding(cli: Cli, out: Path) -> None:
    assert "everything holds" in cli("verify", out).out
    rows = [json.loads(line) for line in (out / "poisonkit/manifest.jsonl").read_text().splitlines()]
    gone, changed = [r["path"] for r in rows if r["role"] == "poisoned"]
    (out / gone).unlink()
    data = bytearray((out / changed).read_bytes())
    data[-1] ^= 1
    (out / changed).write_bytes(data)
    said = cli("verify", out)
    assert said.status == 1
    assert f"{gone}: it is missing" in said.out
    assert f"{changed}: its content has changed" in said.out
    found = cli("verify", out, "--json")
    assert found.status == 1
    assert {p["path"] for p in found.json["problems"]} == {gone, changed}


def test_identify(cli: Cli, out: Path, listed: Path, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (out / "poisonkit/manifest.jsonl").read_text().splitlines()]
    poisoned = next(r for r in rows if r["role"] == "poisoned")
    away = tmp_path / "renamed.bin"
    shutil.copy(out / poisoned["path"], away)
    said = cli("identify", away, listed / "train.txt", "--in", out)
    assert said.status == 1
    assert "trigger: blend" in said.out
    assert f"; before: {poisoned['original_label']} ({poisoned['original_class']})" in said.out
    assert f"{listed / 'train.txt'}: not in any manifest" in said.out
    inside = cli("identify", out / poisoned["path"], "--json").json["files"]
    assert inside[0]["record"] == poisoned
    assert Path(inside[0]["output"]) == out


def test_inspect(cli: Cli, listed: Path) -> None:
    said = cli("inspect", listed)
    assert said.status == 0
    assert "mmaction2-video (lists train.txt, val.txt)" in said.out
    found = cli("inspect", listed, "--limit", 5, "--json").json
    assert found["classes"] == ["jump", "run", "spin"]
    assert found["samples"]["train"] == {"classes": [6, 6, 6], "unlabelled": 0}
    assert found["opened"] == 5
    full = cli("inspect", listed, "--json").json
    assert full["media"]["container"] == {"mp4": 18, "avi": 9}
    assert full["media"]["size"] == {"64x48": 27}
    assert full["media"]["sound"]["none"] == 13
    assert full["not_opened"] == []
    assert full["seconds"]["longest"] == pytest.approx(9 / 25, abs=0.05)
    assert full["seconds"]["total"] == pytest.approx(27 * 9 / 25, abs=1)
    assert "comma" in cli("inspect", listed, "--delimiter", "semicolon").complaint


def test_triggers(cli: Cli) -> None:
    from poisonkit import triggers

    listing = cli("triggers")
    assert listing.status == 0
    for name in triggers.names():
        assert name in listing.out
        page = cli("triggers", name).out
        known = {p.name for p in triggers.parameters(triggers.get(name))}
        assert all(parameter in page for parameter in known)
        assert {p["name"] for p in cli("triggers", name, "--json").json["parameters"]} == known
        words = shlex.split(page.strip().splitlines()[-1])  # quoted, where a shell would read it otherwise
        example = words[words.index("--trigger") + 1]
        if "=FILE" in example or "=FOLDER" in example:  # a file of the user's stands there
            assert triggers.parse(example)[1].keys() <= known
        else:
            assert triggers.create(example).name == name  # the example that is shown can be typed
    assert [t["name"] for t in cli("triggers", "--json").json["triggers"]] == list(triggers.all_triggers())


def test_a_trigger_from_outside(cli: Cli) -> None:
    cls = "poisonkit.triggers.image.blend:Blend"
    assert "alpha" in cli("triggers", cls).out


OWN = """
from poisonkit.triggers import Affine, AffineTrigger, param

class Dim(AffineTrigger):
    name, family, modes = "dim", "lighting", ("static",)
    summary, formula, paper = "less light", "x' = x * (1 - by)", ""
    by: float = param(0.5, "how much less", ge=0, le=1)

    def field(self, clip, params, t, state):
        return Affine(1 - self.by)

class Said(Dim):
    codec, identity = "robust", {"by": 0.0}
"""


def test_what_nobody_measured_of_a_trigger_of_ones_own_is_said(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_dim.py").write_text(OWN, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    bare, said, ours = (cli("triggers", each).out for each in ("own_dim:Dim", "own_dim:Said", "brightness"))
    assert "not measured: `poisonkit survive` measures it" in bare
    assert "not measured: its author does not say" in bare
    assert "dynamic" not in bare
    assert "robust:" in said
    assert "by=0 (as its author says" in said
    assert "as its author says" not in ours
    assert "not measured" not in ours
    facts = cli("triggers", "own_dim:Dim", "--json").json
    assert (facts["codec"], facts["identity"]) == ("not measured", "not measured")


def test_sample_data(cli: Cli, tmp_path: Path) -> None:
    said = cli("sample-data", tmp_path / "sounds", "--kind", "audio", "--json")
    assert said.status == 0
    assert (said.json["train"], said.json["test"]) == (50, 25)
    assert len(list((tmp_path / "sounds").glob("*/*/*.wav"))) == 75
    assert cli("inspect", tmp_path / "sounds", "--json").json["opened"] == 75
