"""Dumps as trainers write them; whatever else a file holds is refused in one sentence, and nothing in it is run."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poisonkit.detection.dump import read
from poisonkit.errors import RequestError

FEATURES = np.arange(6, dtype=np.float32).reshape(3, 2)
NAMES = ["a.mp4", "b/c.mp4", "é.wav"]


def npz(folder: Path, **arrays: Any) -> Path:
    np.savez(folder / "x.npz", **arrays)
    return folder / "x.npz"


def pkl(folder: Path, value: Any) -> Path:
    (folder / "x.pkl").write_bytes(pickle.dumps(value))
    return folder / "x.pkl"


def torch_zip(folder: Path, arrays: dict[str, Any], names: list[str], *marks: Any) -> Path:
    """What `torch.save({"features": tensor, …, "files": names})` writes, put together by hand."""

    class Tensor:
        def __init__(self, key: str, array: Any) -> None:
            self.key, self.array = key, array

        def __reduce__(self) -> Any:
            shape = self.array.shape
            stride = tuple(s // self.array.itemsize for s in self.array.strides)
            return (
                Name("torch._utils", "_rebuild_tensor_v2"),
                (Storage(self.key, self.array), 0, shape, stride, *marks),
            )

    class Storage:
        def __init__(self, key: str, array: Any) -> None:
            self.key, self.array = key, array

    class Name:
        def __init__(self, module: str, name: str) -> None:
            self.module, self.name = module, name

        def __call__(self) -> None:
            raise AssertionError

    class Pickler(pickle._Pickler):  # type: ignore[name-defined,misc]
        def persistent_id(self, found: Any) -> Any:
            if isinstance(found, Storage):
                kind = "FloatStorage" if found.array.dtype == np.float32 else "LongStorage"
                return ("storage", Name("torch", kind), found.key, "cpu", found.array.size)
            return None

        def save(self, found: Any, save_persistent_id: bool = True) -> None:
            if isinstance(found, Name):
                self.write(b"c" + f"{found.module}\n{found.name}\n".encode())
            else:
                super().save(found, save_persistent_id)

    stream = io.BytesIO()
    tensors = {name: Tensor(str(i), array) for i, (name, array) in enumerate(arrays.items())}
    Pickler(stream, 2).dump({**tensors, "files": names})
    with zipfile.ZipFile(folder / "x.pt", "w") as archive:
        archive.writestr("x/data.pkl", stream.getvalue())
        for i, array in enumerate(arrays.values()):
            archive.writestr(f"x/data/{i}", array.tobytes())
    return folder / "x.pt"


def test_npz_in_every_spelling(tmp_path: Path) -> None:
    found = read(
        npz(tmp_path, embeddings=FEATURES.astype(np.float16), filename=NAMES, y_true=[0, 1, 1], logits=FEATURES)
    )
    assert found.features is not None
    assert found.features.dtype == np.float32
    assert (found.features == FEATURES).all()
    assert found.names == tuple(NAMES)
    assert found.labels is not None
    assert found.labels.tolist() == [0, 1, 1]
    assert found.scores is not None
    assert found.loss is None
    assert read(npz(tmp_path, maps=np.ones((2, 3, 4)), loss=[1.0, 2.0])).count == 2


def test_torch_and_pickles_of_arrays_and_of_samples(tmp_path: Path) -> None:
    arrays = {"features": FEATURES, "labels": np.array([0, 1, 1])}
    rows = [
        {"feature": f, "filename": n, "gt_label": np.array([y])}
        for f, n, y in zip(FEATURES, NAMES, (0, 1, 1), strict=True)
    ]
    for path in (
        torch_zip(tmp_path, arrays, NAMES),
        pkl(tmp_path, {**arrays, "files": NAMES}),
        pkl(tmp_path, {**arrays, "files": np.array(NAMES)}),
        pkl(tmp_path, rows),
    ):
        found = read(path)
        assert found.features is not None
        assert (found.features == FEATURES).all()
        assert found.labels is not None
        assert found.labels.tolist() == [0, 1, 1]
        assert found.names == tuple(NAMES)


class Evil:
    def __reduce__(self) -> Any:
        return (Path.write_text, (Path("owned"), "x"))


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"labels": [0, 1, 1]}, "none of `features`, `maps`, `scores` and `loss`"),
        ({"features": FEATURES, "labels": [0, 1]}, "differ in length (features 3, labels 2)"),
        ({"features": FEATURES, "files": NAMES[:2]}, "differ in length (features 3, files 2)"),
        ({"features": FEATURES[:, 0]}, "`features` is float32[3]; numbers (samples, features) are expected"),
        ({"features": FEATURES[:, :0]}, "`features` is float32[3, 0]"),
        (
            {"features": FEATURES, "labels": [0.5, 1, 1]},
            "`labels` is float64[3]; whole numbers (samples,) are expected",
        ),
        (
            {"features": np.array([[1.0], [np.nan]]), "files": NAMES[:2]},
            "`features` of row 1 ('b/c.mp4') holds numbers",
        ),
        ({"features": np.array([[1.0], [1e300]])}, "`features` of row 1 holds numbers that are not finite"),
        ({"features": FEATURES, "loss": [1, np.inf, 2]}, "`loss` of row 1"),
        ({"features": FEATURES, "files": [1, 2, 3]}, "`files` is int64[3]; text"),
        (
            {"features": FEATURES, "labels": np.array([0, 1, 2**63 + 1], np.uint64)},
            "the label 9223372036854775809 is no",
        ),
        ({"features": FEATURES[:0]}, "holds no samples"),
        ({"features": np.array([[Evil()]], dtype=object)}, "pickled arrays are not read"),
    ],
)
def test_what_is_refused(tmp_path: Path, arrays: dict[str, Any], says: str) -> None:
    path = npz(tmp_path, **arrays)
    with pytest.raises(RequestError) as error:
        read(path)
    assert says in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_nothing_in_a_pickle_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for value in ({"features": Evil()}, [{"features": FEATURES[0], "x": Evil()}], Evil()):
        with pytest.raises(RequestError, match="nothing in it was run"):
            read(pkl(tmp_path, value))
    assert not (tmp_path / "owned").exists()
    for value, says in (
        ([1, 2], "holds no mapping of arrays, and no list with a mapping per sample"),
        ([{"features": [1.0, 2.0]}, {"loss": 1.0}], "has `features` for 1 of 2 samples only"),
        ([{"features": [1.0, 2.0]}, {"features": [1.0]}], "is damaged or cut short"),
        ({"features": "text"}, "is damaged or cut short"),
    ):
        with pytest.raises(RequestError, match=says):
            read(pkl(tmp_path, value))
    with pytest.raises(RequestError, match=r"files of features end in \.npz"):
        read(tmp_path / "x.csv")
    with pytest.raises(RequestError, match="Cannot read"):
        read(tmp_path / "nothing.npz")
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(RequestError, match=r"no \.npz file"):
        read(tmp_path / "cut.npz")


def test_a_negated_view_is_not_read_as_what_it_negates(tmp_path: Path) -> None:
    """torch keeps the numbers as they were, and says beside them that they count negated."""
    path = torch_zip(tmp_path, {"features": FEATURES}, NAMES, False, {}, {"neg": True})
    with pytest.raises(RequestError, match="negated when it is read"):
        read(path)
    assert read(torch_zip(tmp_path, {"features": FEATURES}, NAMES, False, {})).count == 3


def test_a_pickle_that_is_larger_than_the_limit_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "x.pt").open("wb") as file:
        file.truncate(2**30 + 1)
    with pytest.raises(RequestError, match="is of 1073741825 bytes, more than the limit"):
        read(tmp_path / "x.pt")


def test_what_torch_really_wrote() -> None:
    """Not contiguous, and in bfloat16: assets/make_dump.py."""
    found = read(Path(__file__).parent / "assets" / "features.pt")
    assert found.features is not None
    assert found.features.tolist() == [[float(i), float(i + 6)] for i in range(6)]
    assert found.labels is not None
    assert found.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert found.scores is not None
    assert found.scores[4].tolist() == [4.0, 2.0, 1.0]
    assert found.names is not None
    assert found.names[5] == "videos/n05.mp4"
