"""Datasets on disk: detect, read and write the layouts that video and audio trainers use."""

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
    Streamed,
    View,
    feature_path,
    modality_of,
    sample_id,
)
from poisonkit.datasets.choices import class_index, parse_columns, split_off
from poisonkit.datasets.kit.files import Fence
from poisonkit.datasets.kit.other_suffixes import with_suffixes
from poisonkit.datasets.kit.row_order import arranged
from poisonkit.datasets.registry import detect, get_layout, layouts, read
from poisonkit.datasets.resized import Resized
from poisonkit.datasets.tar.members import at_hand, container_of, hash_of, is_there, size_of
from poisonkit.datasets.tar.shards import Entry, Labels, Shard, split_path, write_shard

__all__ = [
    "AUDIO_SUFFIXES",
    "SPLITS",
    "VIDEO_SUFFIXES",
    "Dataset",
    "Entry",
    "Fence",
    "Labels",
    "Layout",
    "Modality",
    "Resized",
    "Row",
    "Sample",
    "Shard",
    "Source",
    "Split",
    "Streamed",
    "View",
    "arranged",
    "at_hand",
    "class_index",
    "container_of",
    "detect",
    "feature_path",
    "get_layout",
    "hash_of",
    "is_there",
    "layouts",
    "modality_of",
    "parse_columns",
    "read",
    "sample_id",
    "size_of",
    "split_off",
    "split_path",
    "with_suffixes",
    "write_shard",
]
