"""Links that lead out of a dataset, as in labs."""

from __future__ import annotations

from pathlib import Path

import pytest

from poisonkit.datasets import Source
from tests.datasets.readers import touch


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
    with pytest.raises(RequestError, match="allow_root"):
        read(Source(root))
    dataset = read(Source(root, allow_roots=(tmp_path / "far",)))
    assert all(dataset.file(s).is_file() and not s.path.startswith("..") for s in dataset.samples)
