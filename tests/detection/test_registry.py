from __future__ import annotations

import pytest

from poisonkit.detection.method import Method
from poisonkit.detection.registry import METHODS, lacking, parse
from poisonkit.errors import RequestError
from tests.detection import planted


def test_methods_and_parameters() -> None:
    found = parse(["knn:k=20", "knn", "beatrix:orders=2,width=3.5"])
    assert [m.name for m in found.values()] == ["knn", "knn", "beatrix"]
    assert found["knn:k=20"].model_dump() == {"k": 20}
    for name, cls in METHODS.items():
        assert cls.name == name
        assert issubclass(cls, Method)
        assert "arXiv" in (cls.__doc__ or ""), f"{name} does not say its paper"
        assert "score(x)" in (cls.__doc__ or "") or "The score of" in (cls.__doc__ or "")


def test_what_a_dump_lacks() -> None:
    dump = planted.dump()
    assert [name for name, cls in METHODS.items() if lacking(cls(), dump)] == ["loss-ranking"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["kn"], "there is no method 'kn'. Did you mean 'knn'?"),
        (["knn:n=1"], "'n' is no parameter of knn. Known: k."),
        (["knn:k=no"], "k: input should be a valid integer"),
        (["knn:k=0"], "k: input should be greater than or equal to 1"),
        (["knn:k=1,k=2"], "a parameter is given twice"),
        (["knn", "knn"], "is given twice"),
        (["spectral-signatures:k=1"], "'k' is no parameter of spectral-signatures. It has none."),
    ],
)
def test_what_is_refused(words: list[str], says: str) -> None:
    with pytest.raises(RequestError) as error:
        parse(words)
    assert says in error.value.text
