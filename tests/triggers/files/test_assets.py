"""Imported identity data: read once, known by hash, found again beside a recipe."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from poisonkit.errors import RequestError
from poisonkit.triggers import create, from_entry
from poisonkit.triggers.files import assets
from poisonkit.triggers.files.assets import ArrayAsset, Asset, PictureAsset, WaveAsset, asset_folder, assets_of

RGB = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3) * 4


@pytest.fixture
def cat(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "cat é.png"
    path.parent.mkdir()
    ok, data = cv2.imencode(".png", RGB[..., ::-1])
    assert ok
    path.write_bytes(data.tobytes())
    return path


def test_a_picture_through_entry_folder_and_pickle(cat: Path, tmp_path: Path) -> None:
    trigger = create("blend", pattern=str(cat))
    (asset,) = assets_of(trigger)
    assert isinstance(asset, PictureAsset)
    assert np.array_equal(asset.rgb(), RGB)
    assert asset.alpha() is None
    entry = json.loads(json.dumps(trigger.entry()))
    assert entry["params"]["pattern"] == {"name": "cat é.png", "sha256": asset.sha256}
    assert str(tmp_path) not in json.dumps(entry)
    folder = tmp_path / "assets"
    folder.mkdir()
    copy = asset.copy_into(folder)
    assert copy == asset.copy_into(folder) == folder / asset.file_name
    assert copy.name == f"{asset.sha256[:16]}-cat é.png"
    cat.unlink()
    again = from_entry(entry, assets=folder)
    assert again == trigger
    with asset_folder(folder):
        assert hash(assets_of(from_entry(entry))[0]) == hash(asset)
    assert np.array_equal(assets_of(pickle.loads(pickle.dumps(again)))[0].rgb(), RGB)  # type: ignore[attr-defined]
    copy.write_bytes(copy.read_bytes() + b"x")
    with pytest.raises(RequestError, match="hash differs"):
        from_entry(entry, assets=folder)


def test_read_once_per_process_whatever_the_name(cat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = PictureAsset(cat)
    first.rgb()
    monkeypatch.setattr(assets, "_image", lambda *a: pytest.fail("decoded again"))
    assert np.array_equal(PictureAsset(cat).rgb(), RGB)
    assert not first.rgb().flags.writeable


def test_a_file_that_changes_after_the_start_is_noticed(cat: Path) -> None:
    asset = PictureAsset(cat)
    assets._parsed.cache_clear()
    cat.write_bytes(cat.read_bytes() + b"x")
    with pytest.raises(RequestError, match="has changed"):
        asset.rgb()


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (RGB, RGB),
        (RGB[..., 0], np.repeat(RGB[..., :1], 3, axis=2)),
        (RGB.astype(np.int64), RGB),
        (RGB.astype(np.float64) / 255, RGB),
        (RGB[..., 0] > 100, np.where(RGB[..., :1] > 100, 255, 0).repeat(3, 2)),
    ],
)
def test_pictures_from_arrays(tmp_path: Path, array: Any, expected: Any) -> None:
    np.save(tmp_path / "a.npy", array)
    assert np.array_equal(PictureAsset(tmp_path / "a.npy").rgb(), expected)


def test_alpha_and_masks(tmp_path: Path) -> None:
    alpha = np.linspace(0, 255, 20).astype(np.uint8).reshape(4, 5, 1)
    np.save(tmp_path / "a.npy", np.concatenate([RGB, alpha], axis=2))
    picture = PictureAsset(tmp_path / "a.npy")
    assert np.allclose(picture.alpha(), alpha[..., 0] / 255)
    assert np.array_equal(picture.gray(), picture.alpha())
    cv2.imwrite(str(tmp_path / "g.png"), np.full((3, 3), 51, np.uint8))
    assert np.allclose(PictureAsset(tmp_path / "g.png").gray(), 0.2)
    cv2.imwrite(str(tmp_path / "deep.png"), np.full((3, 3), 257 * 7, np.uint16))
    assert (PictureAsset(tmp_path / "deep.png").rgb() == 7).all()


def test_sounds(tmp_path: Path) -> None:
    import soundfile

    wave = np.linspace(-0.5, 0.5, 40, dtype=np.float32).reshape(2, 20)
    soundfile.write(tmp_path / "a.wav", wave.T, 8000, subtype="FLOAT")
    np.save(tmp_path / "b.npy", wave[0].astype(np.float64))
    a, b = WaveAsset(tmp_path / "a.wav"), WaveAsset(tmp_path / "b.npy")
    assert np.array_equal(a.wave(), wave)
    assert a.sample_rate() == 8000
    assert b.wave().shape == (1, 20)
    assert b.wave().dtype == np.float32
    assert b.sample_rate() is None


def _pickled(path: Path) -> None:
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)


def _huge_png(path: Path) -> None:
    raw = bytearray(cv2.imencode(".png", RGB)[1].tobytes())
    raw[16:24] = (60000).to_bytes(4, "big") * 2
    path.write_bytes(raw)


def _huge_jpeg(path: Path) -> None:
    raw = bytearray(cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1].tobytes())
    at = raw.index(b"\xff\xc0")
    raw[at + 5 : at + 9] = (60000).to_bytes(2, "big") * 2
    path.write_bytes(raw)


@pytest.mark.parametrize(
    ("kind", "name", "make", "sentence"),
    [
        (PictureAsset, "x.png", None, "there is no file x.png"),
        (PictureAsset, "x.png", lambda p: p.mkdir(), "there is no file x.png"),
        (PictureAsset, "x.gif", lambda p: p.write_bytes(b"GIF89a"), "not of a kind that can be used"),
        (PictureAsset, "x.png", lambda p: p.write_bytes(b""), "not a PNG or JPEG"),
        (PictureAsset, "x.png", lambda p: p.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\1" * 40), "not a PNG or JPEG"),
        (PictureAsset, "x.png", _huge_png, "too large"),
        (PictureAsset, "x.jpg", _huge_jpeg, "too large"),
        (PictureAsset, "x.npy", lambda p: np.save(p, RGB / 10), "floats outside 0..1"),
        (PictureAsset, "x.npy", lambda p: np.save(p, RGB.astype(int) - 5), "levels outside 0..255"),
        (PictureAsset, "x.npy", lambda p: np.save(p, np.zeros((2, 2, 5))), "not that of a picture"),
        (ArrayAsset, "x.npy", _pickled, "not a .npy file of plain numbers"),
        (ArrayAsset, "x.npy", lambda p: p.write_bytes(b"\x93NUMPY\1\0"), "not a .npy file"),
        (ArrayAsset, "x.npy", lambda p: np.save(p, np.array(["a"])), "array of numbers"),
        (ArrayAsset, "x.npy", lambda p: np.save(p, np.array([np.nan])), "not finite"),
        (WaveAsset, "x.wav", lambda p: p.write_bytes(b"RIFFxxxxWAVE"), "not a sound file"),
        (WaveAsset, "x.npy", lambda p: np.save(p, np.array([2.0])), "past full scale"),
        (WaveAsset, "x.npy", lambda p: np.save(p, np.arange(5)), "floats of the shape"),
    ],
)
def test_files_that_are_not_what_they_should_be(
    tmp_path: Path, kind: type[Asset], name: str, make: Any, sentence: str
) -> None:
    if make:
        make(tmp_path / name)
    with pytest.raises(ValueError, match=sentence):
        kind(tmp_path / name)


def test_an_array_that_claims_more_than_the_file_holds(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros(4))
    raw = (tmp_path / "x.npy").read_bytes().replace(b"(4,), }", b"(999999999999,), }")
    (tmp_path / "x.npy").write_bytes(raw)
    with pytest.raises(ValueError, match=r"not a \.npy file"):
        ArrayAsset(tmp_path / "x.npy")


def test_size_limit_and_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "x.npy", np.zeros(400))
    with asset_folder(tmp_path), pytest.raises(RequestError, match="is not the name of an asset"):
        from_entry({"name": "blend", "params": {"pattern": {"name": "../x.npy", "sha256": "0" * 64}}})
    monkeypatch.setattr(assets, "MAX_BYTES", 1000)
    with pytest.raises(ValueError, match="is larger than"):
        ArrayAsset(tmp_path / "x.npy")
