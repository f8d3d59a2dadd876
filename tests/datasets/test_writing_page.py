"""docs/writing-a-layout.md, done as it says in a copy of the repository: two files, and nothing else by hand."""

from __future__ import annotations

from pathlib import Path

from tests.newcomer import code_of, copied, pytest_on, stale

SHARED = ("end_to_end", "spellings", "true_class", "views")


def test_two_files_are_a_layout(tmp_path: Path) -> None:
    layout, test = code_of("writing-a-layout.md")
    copy = copied(tmp_path)
    (copy / "poisonkit/datasets/layouts/pairs.py").write_text(layout, encoding="utf-8")
    files = [f"tests/datasets/test_{name}.py" for name in SHARED]
    there = pytest_on(copy, "layout_is_here", *files, fails=True)
    assert "has a function marked @makes for ['pairs']" in there
    assert "has a reader marked @reads for ['pairs']" in there
    (copy / "tests/datasets/layouts/test_pairs.py").write_text(test, encoding="utf-8")
    said = pytest_on(copy, "pairs or layout_is_here", "tests/datasets/layouts/test_pairs.py", *files)
    for name in SHARED:
        assert f"test_{name}.py ." in said
    assert sorted(line.split(" ")[0] for line in stale(copy)) == ["README.md", "docs/layouts.md"]
