"""RGB to a stream's planes and back, at every size that an even 4:2:0 picture can have."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

import poisonkit
from poisonkit import media
from poisonkit.engine.clips.worker import PICTURE_FLOOR_DB
from poisonkit.errors import MediaError
from poisonkit.media import encode
from poisonkit.media.colour import Colour, Picture, from_rgb, to_rgb
from poisonkit.metrics.fidelity import ClipInspector
from tests.media.second import cv2_frames
from tests.media_factory import make_video, picture


@pytest.mark.parametrize("height", range(16, 40, 2))
def test_planes_are_those_of_the_picture_at_every_height(height: int) -> None:
    """PyAV takes a buffer of 6 n + 3 rows for one of 6 n: heights of 4 n + 2 came out two rows short and shifted."""
    image = picture(3, (50, height), 1)
    frame = from_rgb(image, "yuv420p", Colour())
    assert (frame.width, frame.height) == (50, height)
    expected = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420))
    y, u, v = Picture.of(frame)
    np.testing.assert_array_equal(y, expected[:height])
    np.testing.assert_array_equal(np.concatenate([u.ravel(), v.ravel()]), expected[height:].ravel())
    other = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
    assert np.abs(to_rgb(frame).astype(int) - to_rgb(other).astype(int)).mean() < 2


@pytest.mark.parametrize("size", [(128, 98), (160, 90), (96, 66)])
@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_a_trigger_in_rgb_leaves_the_rest_of_the_picture_where_it_was(
    tmp_path: Path, size: tuple[int, int], codec: str
) -> None:
    for name in ("a/1", "b/1", "b/2"):
        make_video(tmp_path / f"clips/{name}.mp4", frames=6, size=size, codec=codec)
    out = tmp_path / "out"
    recipe = poisonkit.Recipe(
        source=tmp_path / "clips", out=out, triggers=["wanet"], target="a", rate=0.34, attack_set=False
    )
    assert not poisonkit.poison(recipe, jobs=1).failed
    (row,) = (row for row in poisonkit.read_manifest(out) if row["role"] == "poisoned")
    made, source = (
        np.stack(cv2_frames(place)).astype(float) for place in (out / row["path"], tmp_path / "clips" / row["id"])
    )
    difference = made - source
    assert 10 * np.log10(255**2 / np.mean(difference**2)) > 25


def test_a_frame_of_another_size_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The encoder would scale it, and the picture would be wrong without a word."""
    source = make_video(tmp_path / "a.mp4", frames=3)
    monkeypatch.setattr(encode, "from_rgb", lambda image, *others: from_rgb(image[:-2], *others))
    with pytest.raises(MediaError, match="a frame of 64x46 came to be encoded in a stream of 64x48"):
        media.rewrite(source, tmp_path / "b.mp4", video=lambda images: images)


def test_colours_that_420_cannot_hold_are_no_other_picture() -> None:
    """Noise of single pixels' colours: 12 dB of RGB are lost with the chroma, brightness is there."""
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    decoded = to_rgb(from_rgb(noise, "yuv420p", Colour()))
    for shown, close in ((decoded, True), (np.roll(decoded, 2, axis=0), False)):
        inspector = ClipInspector(frozenset({0}))
        inspector.picture(0, noise, noise, poisoned=True)
        inspector.frame(0, shown)
        assert (inspector.picture_error_db() >= PICTURE_FLOOR_DB) == close
