"""What layouts share: finding lists and files, class names, checks, names in a copy, writing.

A layout outside this package imports from here and from `poisonkit.datasets`; other modules of this room that
layouts use may change.
"""

from poisonkit.datasets.kit.checks import (
    check_class_folders,
    check_class_names,
    check_emptied,
    check_names,
    check_places,
)
from poisonkit.datasets.kit.class_folders import write_class_folders
from poisonkit.datasets.kit.classes import CLASS_LIST, LABEL_MAP, find_class_list, number_labels, read_classes
from poisonkit.datasets.kit.files import check_utf8, make_folder, some, write_csv, write_lines
from poisonkit.datasets.kit.list_names import below, list_names, lists_of, place_listed, view_name, with_list
from poisonkit.datasets.kit.listed import Located, data_root, locate, samples_of
from poisonkit.datasets.kit.lists import SPLIT_WORDS, ParsedList, find_lists, find_named_lists, read_text, split_of
from poisonkit.datasets.kit.memo import once_per_dataset
from poisonkit.datasets.kit.renaming import Name, numbers_when_moved, with_class, without_class
from poisonkit.datasets.kit.tree import Tree

__all__ = [
    "CLASS_LIST",
    "LABEL_MAP",
    "SPLIT_WORDS",
    "Located",
    "Name",
    "ParsedList",
    "Tree",
    "below",
    "check_class_folders",
    "check_class_names",
    "check_emptied",
    "check_names",
    "check_places",
    "check_utf8",
    "data_root",
    "find_class_list",
    "find_lists",
    "find_named_lists",
    "list_names",
    "lists_of",
    "locate",
    "make_folder",
    "number_labels",
    "numbers_when_moved",
    "once_per_dataset",
    "place_listed",
    "read_classes",
    "read_text",
    "samples_of",
    "some",
    "split_of",
    "view_name",
    "with_class",
    "with_list",
    "without_class",
    "write_class_folders",
    "write_csv",
    "write_lines",
]
