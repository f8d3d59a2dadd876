"""Triggers that need a file: how a page's reader makes one to try them with, and the page's picture is drawn."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np

from poisonkit.triggers.core.names import built_in

MARK = "<!-- run by tests/test_trigger_pages.py -->"
_ONE = {
    "additive": ("array=../field.npy", """
        import numpy as np

        waves = np.sin(np.arange(128)[:, None] / 6 + np.arange(128) / 9)
        np.save("../field.npy", (12 * waves[..., None] * [1, -1, 1]).astype(np.float32))
    """),
    "stamp": ("picture=../stamp.npy", """
        import numpy as np

        squares = np.add.outer(np.arange(32) // 8, np.arange(32) // 8) % 2
        np.save("../stamp.npy", (255 * squares[..., None] * [1, 1, 0]).astype(np.uint8))
    """),
    "waveform": ("sound=../wave.npy", """
        import numpy as np

        t = np.arange(8000) / 16000
        np.save("../wave.npy", (0.1 * np.sin(2 * np.pi * (300 + 900 * t) * t)).astype(np.float32))
    """),
    "replace": ("folder=../made", """
        import pathlib

        import numpy as np

        import poisonkit

        for clip in pathlib.Path().rglob("*.mp4"):  # the pictures of each clip, by the same path: here negatives
            frames = np.array([image for _, _, image in poisonkit.media.read_frames(clip)])
            made = pathlib.Path("../made", clip).with_suffix(".npy")
            made.parent.mkdir(parents=True, exist_ok=True)
            np.save(made, 255 - frames)
    """),
    "replace-sound": ("folder=../made", """
        import pathlib

        import numpy as np

        import poisonkit

        for clip in pathlib.Path().rglob("*.mp4"):  # the sound of each clip, by the same path: here backwards
            wave, rate = poisonkit.media.read_audio(clip)
            made = pathlib.Path("../made", clip).with_suffix(".npy")
            made.parent.mkdir(parents=True, exist_ok=True)
            np.save(made, wave[:, ::-1])
    """),
}  # fmt: skip


def names() -> list[str]:
    """Triggers that need a file, in the order of the catalogue."""
    return [name for name in built_in() if name in _ONE]


def tried(name: str) -> list[str]:
    """`Try it` of a trigger's page: Python that makes its file, if it needs one, and the command."""
    if name not in _ONE:
        return [MARK, "", f"    poisonkit poison --trigger {name} --rate 0.1"]
    given, code = _ONE[name]
    block = textwrap.dedent(code).strip().splitlines()
    command = f"    poisonkit poison --trigger {name}:{given} --rate 0.1"
    return ["In the folder of a dataset, such as `poisonkit sample-data clips` makes:", "",
            MARK, "```python", *block, "```", "", MARK, "", command]  # fmt: skip


def specified(name: str, folder: Path, media: np.ndarray) -> str:
    """`NAME:key=file` with its file in a folder. media: frames or wave of the sample `page`, which some replace."""
    given, code = _ONE[name]
    key, _, place = given.partition("=")
    target = folder / Path(place).name
    if key == "folder":
        target.mkdir()
        np.save(target / "page.npy", 255 - media if media.dtype == np.uint8 else media[:, ::-1])
    else:
        exec(textwrap.dedent(code).replace("../", f"{folder}/"), {})
    return f"{name}:{key}={target}"
