"""Pickles: what MMAction2 and torch really wrote reads, and nothing that is more than data is read or run."""

from __future__ import annotations

import collections
import contextlib
import io
import os
import pickle
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poisonkit.errors import RequestError
from poisonkit.scoring.predictions import Predictions
from poisonkit.scoring.readers import read
from poisonkit.scoring.readers.arrays import MAGIC, PROTOCOL

ASSETS = Path(__file__).parent / "assets"
CLASSES = ("a", "b", "c")

# As in assets/make_dumps.py.
SCORES = [[6, 1, 1], [2, 4, 2], [4, 3, 1], [1, 6, 1], [0, 2, 6], [5, 1, 2]]  # eighths
LABELS = [0, 1, 0, 1, 2, 0]
TRUE = (0, 0, 1, 1, 2, 2)


def says(path: Path) -> str:
    """The one sentence with which a file is refused."""
    with pytest.raises(RequestError) as error:
        read(path, CLASSES)
    text = str(error.value)
    assert str(path) in text
    assert "\n" not in text
    return text


def saved(folder: Path, data: bytes) -> Path:
    (folder / "x.pkl").write_bytes(data)
    return folder / "x.pkl"


# -- real files ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "layout", "first", "truth"),
    [
        ("dump_1.2.pkl", "1.2", "/data/bad/data/videos/v0.mp4", TRUE),
        ("dump_1.2_half_unnamed.pkl", "1.2", None, TRUE),
        ("dump_1.1.pkl", "1.1", "/data/bad/data/videos/v0", TRUE),
        ("saved_zip.pt", "1.2", "/data/bad/data/videos/v0.mp4", None),
        ("saved_sequence.pt", "1.2", "/data/bad/data/videos/v0.mp4", None),
    ],
)
def test_what_torch_wrote(name: str, layout: str, first: str | None, truth: tuple[int, ...] | None) -> None:
    found = read(ASSETS / name, CLASSES)
    assert found.scores is not None
    assert (found.scores * 8).tolist() == SCORES
    assert found.labels.tolist() == LABELS
    assert (found.names[0] if found.names else None) == first
    assert (None if found.truth is None else tuple(found.truth.tolist())) == truth
    assert f"{layout})" in found.format
    assert found.flags == ()


def test_scores_per_clip() -> None:
    found = read(ASSETS / "dump_1.2_clips.pkl", CLASSES)
    assert found.record.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert found.scores is not None
    assert (found.scores * 8).tolist() == [row for pair in zip(SCORES, SCORES[::-1], strict=True) for row in pair]


def test_torch_is_never_imported(tmp_path: Path) -> None:
    """Also where it is installed: here a stand-in that would be noticed."""
    (tmp_path / "torch.py").write_text("raise SystemExit('torch was imported')\n")
    code = (
        "import sys; from pathlib import Path; from poisonkit.scoring.readers import read\n"
        f"for name in ('dump_1.2.pkl', 'saved_zip.pt'): read(Path({str(ASSETS)!r}) / name, ('a', 'b', 'c'))\n"
        "assert 'torch' not in sys.modules\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_lists_and_every_protocol(tmp_path: Path, protocol: int) -> None:
    rows = [
        {"pred_score": np.array([0.25, 0.75, 0]), "gt_label": np.int64(1), "filename": "é b.mp4", "frame_inds": None},
        {"pred_score": np.array([0, 0.5, 0.25], dtype=">f4"), "gt_label": 2, "filename": "c", "n": (1, [2, {}])},
        {"pred_score": [0.125, 0, 0], "gt_label": np.array([0.0, 0, 1]), "filename": "d", "x": b"\xff" * 300},
    ]
    if protocol > 1:  # before, numpy and collections use a constructor that we have no need for
        rows[2]["o"] = collections.OrderedDict(a=1)
    else:
        rows = [{**row, "pred_score": [0.25, 0.75, 0.0], "gt_label": 1} for row in rows]
        rows[2].pop("x")
    found = read(saved(tmp_path, pickle.dumps(rows, protocol)), CLASSES)
    assert found.names == ("é b.mp4", "c", "d")
    assert found.truth is not None
    if protocol > 1:
        assert found.labels.tolist() == [1, 1, 0]
        assert found.truth.tolist() == [1, 2, 2]
        assert found.scores is not None
        assert found.scores[1].tolist() == [0, 0.5, 0.25]


def nested(kind: str, count: int, raw: bytes, declared: int | None = None) -> bytes:
    """A storage in torch's sequence of pickles."""
    code = b"\x80\x02(X\x07\x00\x00\x00storagectorch\n" + kind.encode() + b"\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu"
    number = struct.pack("<I", count if declared is None else declared)
    parts = [pickle.dumps(MAGIC, 2), pickle.dumps(PROTOCOL, 2), pickle.dumps({"little_endian": True}, 2)]
    parts += [code + b"J" + number + b"NtQ.", pickle.dumps(["0"], 2), struct.pack("<q", count), raw]
    return b"".join(parts)


class Tensor:
    """Pickles as a torch tensor does; each argument may be made wrong."""

    def __init__(self, storage: bytes, size: Any, stride: Any = (1,), offset: int = 0) -> None:
        self.args = (storage, offset, size, stride)

    def dump(self) -> bytes:
        storage, offset, size, stride = self.args
        call = b"ctorch._utils\n_rebuild_tensor_v2\n(ctorch.storage\n_load_from_bytes\n"
        call += b"B" + struct.pack("<I", len(storage)) + storage + b"\x85R"
        rest = b"".join(pickle.dumps(v, 2)[2:-1] for v in (offset, size, stride))
        return call + rest + b"\x89ccollections\nOrderedDict\n)RtR"

    def row(self, protocol: bytes = b"\x80\x03") -> bytes:
        return protocol + b"]}X\x0a\x00\x00\x00pred_score" + self.dump() + b"sa."


def one(path: Path) -> list[float]:
    found: Predictions = read(path, CLASSES)
    assert found.scores is not None
    return [float(v) for v in found.scores[0]]


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        ("FloatStorage", "<f4"),
        ("DoubleStorage", "<f8"),
        ("HalfStorage", "<f2"),
        ("LongStorage", "<i8"),
        ("IntStorage", "<i4"),
        ("ShortStorage", "<i2"),
        ("ByteStorage", "u1"),
        ("CharStorage", "i1"),
        ("BoolStorage", "?"),
    ],
)
def test_kinds_of_storage(tmp_path: Path, kind: str, dtype: str) -> None:
    values = np.array([1, 0, 0, 1, 0], dtype=dtype)
    data = Tensor(nested(kind, 5, values.tobytes()), (3,), (2,), 0).row()
    assert one(saved(tmp_path, data)) == [1, 0, 0]


def test_bfloat16_and_offset(tmp_path: Path) -> None:
    raw = struct.pack("<4H", 0, 0x3F80, 0x4000, 0xBF00)  # 0, 1, 2, -0.5
    assert one(saved(tmp_path, Tensor(nested("BFloat16Storage", 4, raw), (3,), (1,), 1).row())) == [1, 2, -0.5]


# -- files that mean harm ------------------------------------------------------------------------------------


class Runs:
    """Runs a command when it is unpickled."""

    def __init__(self, how: Any, *args: Any) -> None:
        self.how = (how, args)

    def __reduce__(self) -> Any:
        return self.how


def payloads(mark: Path) -> dict[str, bytes]:
    call = Runs(os.system, f"touch {mark}")
    inner = pickle.dumps(call, 2)
    head = b"".join(pickle.dumps(v, 2) for v in (MAGIC, PROTOCOL))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as z:
        z.writestr("archive/data.pkl", inner)
    found = {
        **{f"system, protocol {p}": pickle.dumps([{"pred_score": call}], p) for p in range(6)},
        "eval": pickle.dumps(Runs(eval, "1"), 4),
        "nested": Tensor(inner, (3,)).row(),
        "nested after the magic number": Tensor(head + inner, (3,)).row(),
        "nested in a zip": Tensor(archive.getvalue(), (3,)).row(),
        "torch.load": b"\x80\x02ctorch\nload\nX\x01\x00\x00\x00xR.",
        "a module's attribute": b"\x80\x04\x8c\x05numpy\x8c\x0fcore.numeric.os\x93.",
        "zip": archive.getvalue(),
        "instance": b"(ios\nsystem\nS'x'\no.",
        "inst": f"(S'touch {mark}'\nios\nsystem\n.".encode(),
        "newobj": b"\x80\x02csubprocess\nPopen\n)\x81.",
    }
    return found


@pytest.mark.parametrize("which", list(payloads(Path("x"))))
def test_payloads_are_refused_and_do_not_run(tmp_path: Path, which: str) -> None:
    mark = tmp_path / "ran"
    data = payloads(mark)[which]
    text = says(saved(tmp_path, data))
    assert "nothing in it was run" in text or "does more than hold data" in text
    assert not mark.exists()
    if which.startswith("system"):  # the payload is a real one
        pickle.loads(data)
        assert mark.exists()


@pytest.mark.parametrize(
    "state",
    [b"}X\x08\x00\x00\x00__dict__}sb", b"}X\x04\x00\x00\x00make}sb", b"N}X\x04\x00\x00\x00makeK\x01s\x86b"],
)
def test_constructors_take_no_state(tmp_path: Path, state: bytes) -> None:
    says(saved(tmp_path, b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n" + state + b"."))
    assert one(saved(tmp_path, Tensor(nested("ByteStorage", 3, b"\0\1\0"), (3,)).row())) == [0, 1, 0]


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02Nr\xff\xff\xff\x7f.",  # a memo index for which CPython allocates 32 GB
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7fabc.",
        b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7fN.",
        b"\x80\x02B\xff\xff\xff\x7fabc.",
        b"\x80\x02\x8b\xff\xff\xff\x7fabc.",
        Tensor(nested("FloatStorage", 3, b"\0" * 12), (1 << 40,), (0,)).row(),
        Tensor(nested("FloatStorage", 3, b"\0" * 12), (1 << 70, 1 << 70), (0, 0)).row(),
        Tensor(nested("FloatStorage", 3, b"\0" * 12), (3,), (1 << 61,)).row(),
        Tensor(nested("FloatStorage", 3, b"\0" * 12), (3,), (-1,), 2).row(),
        Tensor(nested("FloatStorage", 3, b"\0" * 12), (3,), (1,), 1).row(),
        Tensor(nested("FloatStorage", 1 << 30, b"\0" * 12), (3,)).row(),
        Tensor(nested("FloatStorage", 3, b"\0" * 12, declared=4), (3,)).row(),
        Tensor(nested("FloatStorage", 3, b"\0" * 12, declared=2), (2,)).row(),
        Tensor(nested("FloatStorage", 3, b"\0" * 11), (3,)).row(),
        Tensor(nested("QStorage", 3, b"\0" * 12), (3,)).row(),
        b"\x80\x02" + b"(" * 100_000 + b"t" * 100_000 + b".",  # a tuple in a tuple in a tuple …
        b"\x80\x02}" + b")" + b"\x85" * 100_000 + b"Ns.",  # … as a key, whose hash has no depth limit
        b"\x80\x02]" + b"]" * 100_000 + b"a" * 100_000 + b".",
        b"\x80\x02].",
        b"",
        b".",
        b"not a pickle",
        b"PK\x03\x04 not a zip",
        pickle.dumps({"pred_score": [1, 2]}),
        pickle.dumps([1, 2, 3]),
        pickle.dumps([{"filename": "a"}]),
        pickle.dumps([{"pred_score": {"rgb": [1.0], "flow": [2.0]}}]),
        pickle.dumps([{"pred_score": "abc"}]),
        pickle.dumps([{"pred_score": np.array([object()])}]),
        pickle.dumps([{"pred_label": 10**40}]),
        pickle.dumps([{"pred_label": 1 << 40}]),
        pickle.dumps([{"pred_label": 1.5}]),
        pickle.dumps([{"pred_label": 1, "filename": "a"}, {"pred_label": 1}]),
        pickle.dumps([{"pred_score": [1.0, 2.0]}, {"pred_score": [1.0]}]),
    ],
    ids=range(34),
)
def test_what_is_no_predictions_is_refused_cheaply(tmp_path: Path, data: bytes) -> None:
    path = saved(tmp_path, data)
    tracemalloc.start()
    try:
        says(path)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()


def test_keys_are_text_or_numbers(tmp_path: Path) -> None:
    """Hashing a tuple in a tuple in a tuple … has no depth limit: it may end the process."""
    assert "key is no text or number" in says(saved(tmp_path, pickle.dumps([{((1,),): 1}])))


def test_a_small_pickle_that_stands_for_endless_numbers(tmp_path: Path) -> None:
    inner: Any = [0.5] * 1000
    for _ in range(2):
        inner = [inner] * 1000
    assert "more numbers" in says(saved(tmp_path, pickle.dumps([{"pred_score": inner}])))
    array = np.zeros((1, 100_000), dtype=np.uint8)
    shared = pickle.dumps([{"pred_score": array}] * 1000)
    assert "more numbers" in says(saved(tmp_path, shared))


@pytest.mark.parametrize("name", ["dump_1.2.pkl", "dump_1.1.pkl", "saved_zip.pt", "saved_sequence.pt"])
def test_cut_short_anywhere(tmp_path: Path, name: str) -> None:
    data = (ASSETS / name).read_bytes()
    for end in range(0, len(data) - 1, 37):
        says(saved(tmp_path, data[:end]))


@pytest.mark.parametrize("name", ["dump_1.2.pkl", "dump_1.1.pkl", "saved_zip.pt", "saved_sequence.pt"])
def test_damaged_anywhere(tmp_path: Path, name: str) -> None:
    """A changed byte gives other numbers or one sentence, never another error."""
    data = bytearray((ASSETS / name).read_bytes())
    rng = np.random.default_rng(0)
    for at in rng.choice(len(data), 400, replace=False):
        before = data[at]
        data[at] ^= int(rng.integers(1, 256))
        with contextlib.suppress(RequestError):
            read(saved(tmp_path, bytes(data)), CLASSES)
        data[at] = before


def test_compressed_entries_are_refused(tmp_path: Path) -> None:
    """A zip archive of torch is stored; a compressed one could be a bomb."""
    path = tmp_path / "x.pt"
    with zipfile.ZipFile(ASSETS / "saved_zip.pt") as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(info.filename, old.read(info))
    assert "missing or compressed" in says(path)
