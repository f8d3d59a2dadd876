"""The JSON Schemas that come with the package, held against an output by jsonschema; and the manifest's version."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

import poisonkit
from poisonkit import RequestError
from poisonkit.outputs import schemas
from tests.runs import make

jsonschema = pytest.importorskip("jsonschema")


def validator(name: str) -> Any:
    schema = json.loads((schemas.FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"].endswith(f"/{schema['version']}/{name}.schema.json")
    return jsonschema.Draft202012Validator(schema)


@pytest.fixture(scope="module")
def out(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("schemas") / "out"
    make(folders, out, triggers=["blend", "sine:snr=10"], rate=0.2, control=2)
    return out


def records(out: Path) -> list[Any]:
    return [json.loads(line) for line in (out / "poisonkit/manifest.jsonl").read_text(encoding="utf-8").splitlines()]


def test_an_output_fits(out: Path) -> None:
    for row in records(out):
        validator("manifest-record").validate(row)
    validator("recipe").validate(yaml.safe_load((out / "poisonkit/recipe.yaml").read_text(encoding="utf-8")))
    run = json.loads((out / "poisonkit/run.json").read_text(encoding="utf-8"))
    validator("run").validate(run)
    assert run["manifest_version"] == 1


def test_what_departs_does_not(out: Path) -> None:
    row = records(out)[0]
    for wrong in ({"label": "one"}, {"bytes": 1.5}, {"triggers": None}, {"streams": 3}):
        assert not validator("manifest-record").is_valid({**row, **wrong}), wrong
    assert not validator("manifest-record").is_valid({k: v for k, v in row.items() if k != "path"})
    assert validator("recipe").is_valid({"triggers": ["blend"], "rate": 0.1})
    assert not validator("recipe").is_valid({"triggers": ["blend"], "rate": "much"})
    assert not validator("recipe").is_valid({"rate": 0.1})


def test_records_made_before_fit_too(tmp_path: Path) -> None:
    with tarfile.open(Path(__file__).parent / "assets" / "made_before.tar.xz") as file:
        names = [m for m in file if m.name.endswith("manifest.jsonl")]
        file.extractall(tmp_path, names, filter="data")
    for member in names:
        for line in (tmp_path / member.name).read_text(encoding="utf-8").splitlines():
            validator("manifest-record").validate(json.loads(line))


@pytest.mark.parametrize("version", [2, "new", 0])
def test_a_later_manifest_is_refused_in_a_sentence(out: Path, version: Any) -> None:
    file = out / "poisonkit" / "run.json"
    text = file.read_text(encoding="utf-8")
    try:
        file.write_text(text.replace('"manifest_version": 1', f'"manifest_version": {json.dumps(version)}'))
        with pytest.raises(RequestError, match=f"manifest version {version}, and poisonkit .* reads up to 1"):
            poisonkit.read_manifest(out)
        file.write_text(text.replace('"manifest_version": 1,', ""))
        assert len(poisonkit.read_manifest(out)) == len(records(out))
    finally:
        file.write_text(text, encoding="utf-8")
