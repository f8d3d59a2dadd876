"""Datasets on disk: detect, read and write the layouts that video and audio trainers use."""

from poisonkit.datasets._files import Fence
from poisonkit.datasets.base import (
    AUDIO_SUFFIXES,
    SPLITS,
    VIDEO_SUFFIXES,
    Dataset,
    Layout,
    Modality,
    Row,
    Sample,
    Source,
    Split,
    View,
    feature_path,
    modality_of,
    sample_id,
)
from poisonkit.datasets.choose import class_index, parse_columns, split_off
from poisonkit.datasets.registry import detect, get_layout, layouts, read

__all__ = [
    "AUDIO_SUFFIXES",
    "SPLITS",
    "VIDEO_SUFFIXES",
    "Dataset",
    "Fence",
    "Layout",
    "Modality",
    "Row",
    "Sample",
    "Source",
    "Split",
    "View",
    "class_index",
    "detect",
    "feature_path",
    "get_layout",
    "layouts",
    "modality_of",
    "parse_columns",
    "read",
    "sample_id",
    "split_off",
]
