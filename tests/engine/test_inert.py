"""What a trigger does not change is inert: never written, listed or counted as poisoned."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

import poisonkit
from poisonkit import Recipe
from poisonkit.outputs import record
from tests.media_factory import make_video, picture


def clip(path: Path, frames: list[np.ndarray]) -> None:
    """H.264 of these very pictures; a still one decodes to one picture again and again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as out:
        stream = out.add_stream("libx264", rate=25, options={"qp": "0", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = frames[0].shape[1], frames[0].shape[0], "yuv420p"
        for image in frames:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode(None))


@pytest.mark.parametrize(
    ("trigger", "content"),
    [("frame-lag", [picture(0)] * 8), ("brightness:by=-0.2", [np.zeros((48, 64, 3), np.uint8)] * 8), ("sine", None)],
)
def test_still_black_and_silent_clips(tmp_path: Path, trigger: str, content: list[np.ndarray] | None) -> None:
    """One such clip among the training and one among the test clips; the others carry the trigger."""
    names = {"poisoned": "train/b/0.mp4", "attack": "test/b/0.mp4"}
    for part in ("train", "test"):
        for label in "ab":
            for i in range(3 if (part, label) == ("train", "b") else 2):
                path = tmp_path / "clips" / part / label / f"{i}.mp4"
                victim = f"{part}/{label}/{i}.mp4" in names.values()
                if victim and content is not None:
                    clip(path, content)
                else:
                    make_video(path, frames=8, audio=True, silent=victim, seed=10 * i + (label == "b"))
    chosen = ("train/b/0.mp4", "train/b/1.mp4")
    recipe = Recipe(source=tmp_path / "clips", out=tmp_path / "out", triggers=[trigger], target="a", ids=chosen)
    done = poisonkit.poison(recipe, jobs=1)
    assert {path for path, _ in done.inert} == set(names.values())
    assert done.exit_code == 0
    rows = {(r["role"], r["id"]): r for r in record.read(tmp_path / "out" / "poisonkit" / "manifest.jsonl")}
    for role, name in names.items():
        assert dict(done.counts[role]) == {"ok": 1, "inert": 1}
        row = rows[role, name]
        assert (row["status"], row["bytes"], row["fidelity"]) == ("inert", None, None)
        assert not (tmp_path / "out" / row["path"]).exists()
    assert done.survival["default"].of == 2
    assert done.survival["default"].verdicts == {"survived": 1}
