"""UCF101 as folders of frames, `frames/ApplyLipstick/v_ApplyLipstick_g01_c01/img_00001.jpg`, with its own lists.

The lists are UCF101's, unchanged, so that they name videos; readers of frames (DPC's, for one) take the folder of that
name without its suffix.
"""

from __future__ import annotations

from typing import ClassVar

from poisonkit.datasets.kit.frame_folders import FOLDERS
from poisonkit.datasets.layouts.ucf101 import UCF101


class UCF101Frames(UCF101):
    """As UCF101, but that a clip is a folder in the folder of its class."""

    name: ClassVar[str] = "ucf101-frames"
    help: ClassVar[str] = "UCF101 as folders of frames by class, with its `trainlist01.txt` …"
    folders: ClassVar[bool] = True
    places: ClassVar[tuple[str, ...]] = (UCF101.places[0], *FOLDERS, *UCF101.places[1:])
