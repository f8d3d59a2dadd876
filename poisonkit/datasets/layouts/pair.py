"""Tables of pairs: a picture (a video, or a folder of frames) and its sound, each in a file of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.datasets.base import Dataset, Row, Sample, Source, Split
from poisonkit.datasets.kit import Located, ParsedList, locate, samples_of, some
from poisonkit.datasets.kit.files import Fence
from poisonkit.datasets.kit.frame_folders import check_frames
from poisonkit.datasets.kit.tables import first_columns, plain
from poisonkit.datasets.layouts.table import Table
from poisonkit.errors import RequestError

AUDIO = ("audio", "sound")


class Pair(Table):
    """A table like those of `table`, with a column of pictures and one of sounds, both from one data root.

    Options: those of `table`; `audio`, the column of sounds; `frames`, whether pictures are folders of frames. In
    `Sample.extra`, the column of sounds holds where the sound lies in a copy.
    """

    name: ClassVar[str] = "pair"
    help: ClassVar[str] = "a csv or jsonl table of pairs: columns video (files or frame folders), audio, label, split"
    any_suffix: ClassVar[bool] = True
    order: ClassVar[int] = 39  # before `table`
    what: ClassVar[str] = "a table of pairs"
    pairs: ClassVar[bool] = True
    path_columns: ClassVar[tuple[str, ...]] = ("video", "visual")

    def holds_folders(self, options: Mapping[str, Any]) -> bool:
        return bool(options.get("frames"))

    def _fits(self, source: Source, file: Path) -> bool:
        columns = first_columns(file)
        lower = {c.strip().lower() for c in columns}
        known = {"path": self.path_columns, "audio": AUDIO, "label": self.label_columns}
        there = all(what in source.columns or lower & set(names) for what, names in known.items())
        return there and set(source.columns.values()) <= set(columns)

    def located(self, source: Source, parsed: Sequence[ParsedList], kept: Sequence[str], delimiter: str) -> Located:
        found = locate(source, parsed)
        folders = [(found.root / sample.path).is_dir() for sample in found.samples]
        there = [(found.root / sample.path).exists() for sample in found.samples]
        if any(folders):
            if odd := [s.path for s, exists, is_folder in zip(found.samples, there, folders, strict=True)
                       if exists and not is_folder]:  # fmt: skip
                raise RequestError(
                    f"Some pictures of {parsed[0].file.name} are folders of frames and others are files "
                    f"({some(odd)}): make two tables of them."
                )
            found = locate(source, parsed, folders=True)
            fence = Fence(found.root, source.allow_roots)
            for sample, is_there in zip(found.samples, folders, strict=True):
                if is_there:
                    check_frames(sample.path, fence)
        return self._with_sounds(source, found, parsed, kept.index(self._audio(source, kept)), delimiter)

    def _with_sounds(
        self, source: Source, found: Located, parsed: Sequence[ParsedList], at: int, delimiter: str
    ) -> Located:
        lists = []
        for each in parsed:
            sounds = ParsedList(each.split, each.file)
            for line, extra in zip(each.lines, each.extras, strict=True):
                path = plain(extra[at], delimiter)
                if not path:
                    raise RequestError(f"Line {line} of {each.file.name} names no sound: a pair has both.")
                sounds.add(path, None, line)
            lists.append(sounds)
        heard, notes = samples_of(lists, found.root, found.parts, source.allow_roots)
        samples = []
        for sample, sound in zip(found.samples, heard, strict=True):
            place = sound.id if sound.path.startswith("../") else sound.path
            said = place if delimiter else json.dumps(place, ensure_ascii=False)
            extra = (*sample.extra[:at], said, *sample.extra[at + 1 :])
            samples.append(replace(sample, sound=sound.path, extra=extra))
        return replace(found, samples=samples, notes=[*found.notes, *(f"Sounds: {note}" for note in notes)])

    def _audio(self, source: Source, kept: Sequence[str]) -> str:
        named = source.columns.get("audio")
        found = named or next((c for name in AUDIO for c in kept if c.lower() == name), None)
        if found is None or found not in kept:
            raise RequestError("The table has no column of sounds (audio): name it with `--columns audio=COLUMN`.")
        return found

    def located_options(self, source: Source, found: Located, kept: Sequence[str]) -> dict[str, Any]:
        frames = any((found.root / sample.path).is_dir() for sample in found.samples)
        return {"audio": self._audio(source, kept), "frames": frames}

    def place_sound(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        assert sample.sound is not None
        if not sample.sound.startswith("../"):
            return sample.sound
        options = dataset.options
        known = (options["path"], options["label"], options["split"], *options["other"])
        kept = [c for c in options["columns"] if c not in known]
        return plain(sample.extra[kept.index(options["audio"])], options["delimiter"]) or ""

    def reading(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: Any) -> Source:
        source = super().reading(dataset, rows, root, view)
        return replace(source, columns={**source.columns, "audio": dataset.options["audio"]})

    def fields(self, row: Row, table: str, dataset: Dataset, kept: Sequence[str]) -> dict[str, str]:
        fields = super().fields(row, table, dataset, kept)
        assert row.sound is not None
        fields[dataset.options["audio"]] = self.as_field(row.sound, dataset)
        return fields

    def list_options(self, splits: Sequence[Split]) -> dict[str, Any]:
        columns = ["video", "audio", "label", "class", "split"]
        return {**super().list_options(splits), "columns": columns, "path": "video", "audio": "audio"}
