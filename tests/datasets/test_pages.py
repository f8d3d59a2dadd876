"""The pages about layouts: the example is a whole layout and passes the checks; the table names them all."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from poisonkit.datasets import Source
from tests.datasets.readers import touch

DOCS = Path(__file__).parents[2] / "docs"


def test_the_example_works_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example, test = re.findall(r"```python\n(.*?)```", (DOCS / "writing-a-layout.md").read_text("utf-8"), re.DOTALL)
    (tmp_path / "pairs_from_the_page.py").write_text(example + "\n\n" + test, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("pairs_from_the_page")
    (tmp_path / "data").mkdir()
    module.test_pairs(tmp_path / "data")


@pytest.mark.parametrize("name", ["pyslowfast", "table", "ucf101", "vggsound"])
def test_symbolic_links_out_of_the_root_need_leave(tmp_path: Path, name: str) -> None:
    """A farm of links to files elsewhere, as in labs: read under --allow-root, refused without."""
    from poisonkit.datasets import read
    from poisonkit.errors import RequestError
    from tests.datasets.makers import MAKERS

    (tmp_path / "in").mkdir()
    root = MAKERS[name](tmp_path / "in")
    touch(tmp_path / "far", ["pool.bin"])
    for file in [p for p in root.rglob("*") if p.suffix in (".mp4", ".avi")]:
        pool = tmp_path / "far" / "_".join(file.relative_to(root).parts)
        file.rename(pool)
        file.symlink_to(pool)
    with pytest.raises(RequestError, match="--allow-root"):
        read(Source(root))
    dataset = read(Source(root, allow_roots=(tmp_path / "far",)))
    assert all(dataset.file(s).is_file() and not s.path.startswith("..") for s in dataset.samples)
