"""NeMo's speech classification: manifests of json lines, `{"audio_filepath", "duration", "label"}`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.datasets.base import SPLITS, Source, Split
from poisonkit.datasets.kit import find_named_lists, split_of
from poisonkit.datasets.kit.columns import TableLayout
from poisonkit.datasets.kit.tables import JSON_SUFFIXES, first_columns
from poisonkit.errors import RequestError


class NeMo(TableLayout):
    """`train_manifest.json` and the like: json files with the word train, val, validation or test in the name.

    Labels are names; paths are absolute, or relative to the manifest or the data root. What else a line says
    (duration, offset …) is kept; the duration of a file that became longer or shorter follows.
    """

    name: ClassVar[str] = "nemo"
    help: ClassVar[str] = "NeMo manifests `train_manifest.json` … of audio_filepath, duration, label"
    any_suffix: ClassVar[bool] = True
    order: ClassVar[int] = 26
    path_columns: ClassVar[tuple[str, ...]] = ("audio_filepath",)
    label_columns: ClassVar[tuple[str, ...]] = ("label", "command")
    what: ClassVar[str] = "a NeMo manifest"
    list_extra: ClassVar[tuple[str, ...]] = ("duration",)

    def detect(self, source: Source) -> str | None:
        try:
            found = self.tables(source)
        except RequestError:
            return None
        return f"manifests {', '.join(file.name for file in found.values())}"

    def tables(self, source: Source) -> dict[Split | None, Path]:
        if source.lists:
            found = find_named_lists(source)
        elif source.path.is_file():
            found = {split_of(source.path) or "train": source.path}
        else:
            found = {}
            for folder in (source.path, source.path / "manifests"):
                for file in sorted(folder.glob("*.json*")) if folder.is_dir() else ():
                    split = split_of(file)
                    if split and file.suffix in JSON_SUFFIXES and self._fits(file):
                        found.setdefault(split, file)
        if not found or not all(map(self._fits, found.values())):
            raise RequestError(f"There is no NeMo manifest in '{source.path}': name it with `--train-list`.")
        return {split: found[split] for split in SPLITS if split in found}

    def _fits(self, file: Path) -> bool:
        return "audio_filepath" in first_columns(file)

    def list_options(self, splits: Sequence[Split]) -> dict[str, Any]:
        return {
            "columns": ["audio_filepath", "duration", "label"], "path": "audio_filepath", "label": "label",
            "split": None, "words": {}, "ids": False, "quoted": True, "unlabelled": "null", "delimiter": "",
            "tables": {split: f"{split}_manifest.json" for split in splits}, "one": False, "other": {},
        }  # fmt: skip
