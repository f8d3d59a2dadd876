"""`croissant.json`: what a catalogue shows. mlcroissant itself validates it in tests/consumers/test_croissant.py."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tests.datasets.views import written


def test_it_says_that_the_data_are_poisoned_and_where_the_truth_is(tmp_path: Path) -> None:
    out = written("table", tmp_path).out
    said = json.loads((out / "croissant.json").read_text(encoding="utf-8"))
    assert said["conformsTo"] == ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
    for words in (said["description"], *said["rai:dataLimitations"][:1], *said["rai:dataBiases"]):
        assert "oisoned on purpose" in words
    assert said["license"] == "unknown: do not redistribute"
    manifest, *sets = said["distribution"]
    content = (out / manifest["contentUrl"]).read_bytes()
    assert manifest["sha256"] == hashlib.sha256(content).hexdigest()
    assert [each["includes"] for each in sets] == ["data/**", "attack/**", "control/**"]
    keys = json.loads(content.splitlines()[0]).keys()
    (records,) = said["recordSet"]
    assert {field["source"]["extract"]["column"] for field in records["field"]} <= keys
    assert str(tmp_path) not in json.dumps(said)
