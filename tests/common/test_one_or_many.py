"""One name or place alone is a list of one, whatever takes several in the Python API."""

from __future__ import annotations

from pathlib import Path

import pytest

from poisonkit.common.one_or_many import Places, paths, words


def test_words() -> None:
    assert (words("abc"), words(["abc", "d"]), words(()), words(iter(["a"]))) == (["abc"], ["abc", "d"], [], ["a"])


@pytest.mark.parametrize("given", ["a/b", Path("a/b"), ["a/b"], (Path("a/b"),)])
def test_paths(given: Places) -> None:
    assert paths(given) == [Path("a/b")]
    assert paths(()) == []
