"""What the repository says of itself beside the code: citation, forms, workflows, container, checks before a commit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

import poisonkit

ROOT = Path(__file__).parents[1]


def loaded(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_the_citation_is_of_this_version_and_names_the_paper() -> None:
    said = loaded("CITATION.cff")
    assert str(said["version"]) == poisonkit.__version__
    assert said["cff-version"] == "1.2.0"
    assert [each["title"].partition(":")[0] for each in said["references"]] == ["Look, Listen and Attack"]


def test_every_form_asks_for_the_versions() -> None:
    forms = [*(ROOT / ".github/ISSUE_TEMPLATE").glob("[!c]*.yml"), ROOT / ".github/pull_request_template.md"]
    assert len(forms) == 3
    for form in forms:
        assert "`poisonkit --version --verbose`" in form.read_text(encoding="utf-8"), form.name
    for form in forms[:-1]:
        said = yaml.safe_load(form.read_text(encoding="utf-8"))
        assert said.keys() == {"name", "description", "labels", "body"}
        assert all(part["type"] == "textarea" and part["attributes"]["label"] for part in said["body"])


def test_workflows_do_what_ci_does() -> None:
    tests, publish = loaded(".github/workflows/tests.yml"), loaded(".github/workflows/publish.yml")
    steps = [step.get("run") for step in tests["jobs"]["unix"]["steps"]]
    assert ".ci/run" in steps
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (unmarked,) = set(re.findall(r'-m "(not [^"]+)"', makefile))
    assert any(unmarked in str(step.get("run")) for step in tests["jobs"]["windows"]["steps"])
    assert publish["jobs"]["pypi"]["permissions"] == {"id-token": "write"}, "trusted publishing, and no more"
    assert f'__version__ = "{poisonkit.__version__}"\n' in (ROOT / "poisonkit/_version.py").read_text()


def test_the_container_is_made_of_what_is_there() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = [name for line in lines if line.startswith("COPY") for name in line.split()[1:-1]]
    assert copied
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert re.search(r"^opencv-python==", (ROOT / "requirements.lock").read_text(), re.MULTILINE), "what sed replaces"
    (base,) = [line.split()[1] for line in lines if line.startswith("FROM")]
    assert base == "python:3.12-slim"


def test_checks_before_a_commit_are_those_of_make_lint() -> None:
    (repository,) = loaded(".pre-commit-config.yaml")["repos"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    lint = re.search(r"^lint:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert lint
    tools = set(re.findall(r"\$\(BIN\)/(\S+)", lint[1]))
    assert tools <= {hook["entry"].split()[0].removeprefix(".venv/bin/") for hook in repository["hooks"]}
