"""RGB to a stream's planes and back, at every size that an even 4:2:0 picture can have."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

import poisonkit
from poisonkit.media.colour import Colour, Picture, from_rgb, to_rgb
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
