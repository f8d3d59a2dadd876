"""torchcodec's average rate, duration, number of frames and frame at a time are the source's, for every family."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from poisonkit import media
from tests.media_factory import make_video

pytestmark = pytest.mark.consumers

CASES: list[tuple[str, dict[str, Any]]] = [
    ("a.mp4", {}),
    ("b.mp4", {"fps": 10}),
    ("c.mp4", {"codec": "libx265"}),
    ("d.mp4", {"codec": "mpeg4"}),
    ("a.mov", {"fps": 30}),
    ("a.mkv", {}),
    ("a.flv", {"codec": "libx264"}),
    ("a.avi", {}),
    ("b.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}),
    ("a.webm", {}),
    ("b.webm", {"codec": "libvpx"}),
]


@pytest.mark.parametrize("trigger", [True, False])
@pytest.mark.parametrize(("name", "how"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_times_are_the_source_s(tmp_path: Path, name: str, how: dict[str, Any], trigger: bool) -> None:
    """trigger: a poisoned file; else a control file, which is encoded again and not changed."""
    decoders = pytest.importorskip("torchcodec.decoders")
    source = make_video(tmp_path / name, frames=22, **how)
    out = tmp_path / f"out-{name}"
    media.rewrite(source, out, video=lambda frames: (image // 2 if trigger else image for image in frames))
    one, other = decoders.VideoDecoder(str(source)), decoders.VideoDecoder(str(out))
    for figure in ("average_fps", "num_frames", "duration_seconds", "begin_stream_seconds", "end_stream_seconds"):
        assert getattr(other.metadata, figure) == pytest.approx(getattr(one.metadata, figure), rel=1e-6), figure
    begin, end = one.metadata.begin_stream_seconds, one.metadata.end_stream_seconds
    for part in (0.0, 0.31, 0.5, 0.77, 0.999):
        at = begin + part * (end - begin)
        want, found = one.get_frame_played_at(at), other.get_frame_played_at(at)
        assert found.pts_seconds == pytest.approx(want.pts_seconds, abs=1e-6), at
        assert found.duration_seconds == pytest.approx(want.duration_seconds, abs=1e-6), at
