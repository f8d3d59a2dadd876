"""Media: bytes to arrays and back. Knows nothing of triggers or datasets.

Pictures are uint8 RGB (height, width, 3), as displayed; sound is float32 (channels, samples) in ±1. Importing
this package imports no media library; the first call does.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from poisonkit.media.info import AudioStream, Encode, MediaInfo, Problem, VideoStream, Written

if TYPE_CHECKING:
    from poisonkit.media.check import Inspector
    from poisonkit.media.converting import conversion
    from poisonkit.media.create import write_audio, write_video
    from poisonkit.media.dispatch import count, probe, read_audio, read_frames, refusals, scan
    from poisonkit.media.fallback import encoded_again, new_suffix
    from poisonkit.media.families import can_remux
    from poisonkit.media.features import log_mel, read_features, write_features
    from poisonkit.media.ffmpeg_jobs import ffmpeg_binary
    from poisonkit.media.on_disk import is_folder, make_folder, parts, put, remove, sha256, size, status
    from poisonkit.media.picking import extract_sound, pick_frames
    from poisonkit.media.rewriting import remux, rewrite
    from poisonkit.media.streams import several

_HOME = {
    "Inspector": "check",
    "can_remux": "families",
    "conversion": "converting",
    "count": "dispatch",
    "encoded_again": "fallback",
    "extract_sound": "picking",
    "ffmpeg_binary": "ffmpeg_jobs",
    "is_folder": "on_disk",
    "log_mel": "features",
    "make_folder": "on_disk",
    "new_suffix": "fallback",
    "parts": "on_disk",
    "pick_frames": "picking",
    "probe": "dispatch",
    "put": "on_disk",
    "read_audio": "dispatch",
    "read_features": "features",
    "read_frames": "dispatch",
    "refusals": "dispatch",
    "remove": "on_disk",
    "remux": "rewriting",
    "rewrite": "rewriting",
    "scan": "dispatch",
    "several": "streams",
    "sha256": "on_disk",
    "size": "on_disk",
    "status": "on_disk",
    "write_audio": "create",
    "write_features": "features",
    "write_video": "create",
}

__all__ = [
    "AudioStream",
    "Encode",
    "Inspector",
    "MediaInfo",
    "Problem",
    "VideoStream",
    "Written",
    "can_remux",
    "conversion",
    "count",
    "encoded_again",
    "extract_sound",
    "ffmpeg_binary",
    "is_folder",
    "log_mel",
    "make_folder",
    "new_suffix",
    "parts",
    "pick_frames",
    "probe",
    "put",
    "read_audio",
    "read_features",
    "read_frames",
    "refusals",
    "remove",
    "remux",
    "rewrite",
    "scan",
    "several",
    "sha256",
    "size",
    "status",
    "write_audio",
    "write_features",
    "write_video",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value
