"""mlcroissant validates `croissant.json` and reads the records by it: `make test-consumers`."""

from __future__ import annotations

import pytest

mlcroissant = pytest.importorskip("mlcroissant", reason="needs an environment with mlcroissant: make test-consumers")

from tests.consumers.conftest import Output  # noqa: E402

pytestmark = pytest.mark.consumers


@pytest.mark.parametrize("fixture", ["videos", "sounds"])
def test_mlcroissant_validates_it(fixture: str, request: pytest.FixtureRequest) -> None:
    output: Output = request.getfixturevalue(fixture)
    found = mlcroissant.Dataset(str(output.out / "croissant.json"))
    issues = found.metadata.issues
    assert not issues.errors
    assert all("datePublished" in text for text in issues.warnings)  # an output holds no clock
    assert "poisoned on purpose" in found.metadata.description
    assert "poisoned on purpose" in found.metadata.data_limitations[0]
    rows = list(found.records("records"))
    assert [row["records/key"].decode() for row in rows] == [record["key"] for record in output.records]
    assert [row["records/label"] for row in rows] == [record["label"] for record in output.records]
