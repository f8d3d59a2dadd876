"""HMDB51 as folders of frames, `frames/wave/A_film_wave_u_nm_np1_fr_med_0/img_00001.jpg`, with its own lists.

The lists are HMDB51's, unchanged, so that they name videos; readers of frames (DPC's, for one) take the folder of that
name without its suffix.
"""

from __future__ import annotations

from typing import ClassVar

from poisonkit.datasets.kit.frame_folders import FOLDERS
from poisonkit.datasets.layouts.hmdb51 import HMDB51


class HMDB51Frames(HMDB51):
    """As HMDB51, but that a clip is a folder in the folder of its class."""

    name: ClassVar[str] = "hmdb51-frames"
    help: ClassVar[str] = "HMDB51 as folders of frames by class, with its `wave_test_split1.txt` …"
    folders: ClassVar[bool] = True
    places: ClassVar[tuple[str, ...]] = (HMDB51.places[0], *FOLDERS, *HMDB51.places[1:])
