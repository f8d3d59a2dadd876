"""Something-Something v2: `20bn-something-something-v2/{id}.webm`, and json about them.

`train.json` and `validation.json` are lists of `{"id", "label", "template", "placeholders"}`, `labels.json` has
`{"Holding something": "0", …}`, `test.json` has ids alone, and `test-answers.csv` their classes, `id;class`. Their
readers (PySlowFast's Ssv2 and others) take the class from the template, without its brackets, and never look at
`label`, a sentence that tells what is really seen: both are those of the new class when a sample is relabelled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.datasets.base import Dataset, Layout, Row, Sample, Source, Split, View, rows_of
from poisonkit.datasets.kit import (
    ParsedList,
    check_class_names,
    check_emptied,
    check_names,
    check_places,
    lists_of,
    locate,
    place_listed,
    read_text,
    write_lines,
)
from poisonkit.datasets.kit.class_hints import retold_entry, told_in_entries
from poisonkit.datasets.kit.documents import begins, document_lines, entries, head, read_document, text_of
from poisonkit.errors import RequestError

LISTS: Mapping[Split, str] = {"train": "train.json", "val": "validation.json", "test": "test.json"}
LABELS, ANSWERS = "labels.json", "test-answers.csv"
_PREFIXES = ("", "something-something-v2-")
_FOLDERS = ("", "labels", "annotations")
_VIDEOS = ("20bn-something-something-v2", "videos", "something-something-v2", "")
_SUFFIXES = (".webm", ".mp4", ".avi")
_IDS = re.compile(r'\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*"?\d+"?\s*[,}]')
_ENTRIES = re.compile(r"\s*\[")
_OWN = ("id", "label", "template", "placeholders")
_BLANK = re.compile(r"\[([^\]]*)\]")


class SomethingSomething(Layout):
    """Classes are those of labels.json, in the order of their ids.

    `Sample.extra` is what its list says of it, but for the id. Options: `lists`, split -> list; `labels`, `answers`,
    the other files; `videos`, their folder ("": the root); `suffix`; `templates`, each class's, with brackets.
    """

    name: ClassVar[str] = "something-something"
    help: ClassVar[str] = "Something-Something v2: `labels.json`, `train.json`, `validation.json` … and `{id}.webm`"
    label_in_path: ClassVar[bool] = True  # its lists have fixed names, so views have folders of their own
    order: ClassVar[int] = 20

    def detect(self, source: Source) -> str | None:
        found = _annotations(source.path)
        if found is not None and not _has_templates(source.path / found[0], found[1]):
            return None
        return f"lists beside {found[1]}{LABELS}" if found else None

    def read(self, source: Source) -> Dataset:
        root, found = source.path.absolute(), _annotations(source.path)
        if found is None:
            raise RequestError(f"There is no {LABELS} beside a {LISTS['train']} in '{source.path}' or its labels/.")
        folder, prefix = found
        place = f"{folder}/{prefix}" if folder else prefix
        classes = _classes(root / f"{place}{LABELS}")
        files = {split: f"{place}{name}" for split, name in LISTS.items() if (root / f"{place}{name}").is_file()}
        answers = _answers(root / f"{place}{ANSWERS}")
        told = {split: entries(root / name, read_document(root / name)) for split, name in files.items()}
        videos, suffix = _videos(root, [str(entry.get("id")) for each in told.values() for entry in each])
        index = {name: label for label, name in enumerate(classes)}
        templates: list[str | None] = [None] * len(classes)
        lists = []
        for split, each in told.items():
            parsed = ParsedList(split, root / files[split], unit="entry")
            for number, entry in enumerate(each, 1):
                where = f"Entry {number} of {files[split]}"
                name = text_of(entry, "id", where)
                label = _label(entry, answers.get(name) if split == "test" else None, index, where)
                if label is not None and isinstance(template := entry.get("template"), str):
                    templates[label] = templates[label] or template
                rest = json.dumps({**entry, "id": ""}, ensure_ascii=False)
                parsed.add(f"{videos}/{name}{suffix}" if videos else f"{name}{suffix}", label, number, (rest,))
            lists.append(parsed)
        located = locate(source, lists, root)
        options = {
            "lists": files, "labels": f"{place}{LABELS}", "answers": f"{place}{ANSWERS}", "videos": videos,
            "suffix": suffix, "templates": templates, "told": _told(lists, len(classes)),
        }  # fmt: skip
        return Dataset(root, self.name, classes, tuple(located.samples), options, tuple(located.notes))

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        return place_listed(sample)

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        labels = dataset.options["labels"]
        name = labels[: -len(LABELS)] + LISTS[split]
        return {"lists": {each: dataset.options["lists"].get(each, name) for each in LISTS
                          if each in {*dataset.options["lists"], split}}}  # fmt: skip

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        options = dataset.options
        check_names(rows, "the lists of Something-Something", {";": "a semicolon, at which the list of answers splits"})
        check_class_names(dataset.classes)
        if semicolon := next((name for name in dataset.classes if ";" in name or '"' in name), None):
            raise RequestError(f"The class name '{semicolon}' cannot stand in {ANSWERS}: rename it.")
        check_places(rows, (*options["lists"].values(), options["labels"], options["answers"]))
        for row in rows:
            if row.path != _join(options["videos"], f"{_id(row)}{options['suffix']}") or '"' in row.path:
                raise RequestError(f"'{row.path}' is not named `{{id}}{options['suffix']}` in the folder of videos.")
            if row.label is None and row.sample.split != "test":
                raise RequestError(f"'{row.path}' has no label, and the list of its split needs one.")
        if view == "data":
            check_emptied(dataset, rows, "a model would be trained without it, or measured without it")

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Write the lists, `labels.json`, and, where test samples have labels, `test-answers.csv`."""
        options, written = dataset.options, []
        for split, name in lists_of(options["lists"], rows, view, apart=True).items():
            lines = (json.dumps(_entry(dataset, row), ensure_ascii=False) for row in rows_of(rows, split))
            written.append(write_lines(root, name, document_lines("[", lines, "]")))
        names = (f'{json.dumps(name, ensure_ascii=False)}: "{i}"' for i, name in enumerate(dataset.classes))
        written.append(write_lines(root, options["labels"], document_lines("{", names, "}")))
        told = [f"{_id(row)};{dataset.classes[row.label]}" for row in rows_of(rows, "test") if row.label is not None]
        return (*written, write_lines(root, options["answers"], told)) if told else tuple(written)


def _annotations(path: Path) -> tuple[str, str] | None:
    """The folder of the lists, relative to the root, and what their names begin with."""
    for folder in _FOLDERS:
        for prefix in _PREFIXES:
            place = path / folder
            lists = any(begins(place / f"{prefix}{name}", _ENTRIES) for name in LISTS.values())
            if lists and begins(place / f"{prefix}{LABELS}", _IDS):
                return folder, prefix
    return None


def _has_templates(folder: Path, prefix: str) -> bool:
    """Whether a list with labels has them as templates; true where there is none but of test samples."""
    files = [folder / f"{prefix}{LISTS[split]}" for split in (*LISTS,)[:2]]
    files = [file for file in files if file.is_file()]
    return not files or any('"template"' in head(file) for file in files)


def _classes(file: Path) -> tuple[str, ...]:
    found = read_document(file)
    ids = {str(number): name for name, number in found.items()} if isinstance(found, dict) else {}
    if not ids or len(ids) < len(found) or set(ids) != set(map(str, range(len(ids)))):
        raise RequestError(f'{file.name} is not `{{"class": "0", …}}`, numbered from 0 without a gap.')
    return tuple(ids[str(number)] for number in range(len(ids)))


def _answers(file: Path) -> dict[str, str]:
    """Id -> class of the test samples; nothing without the file."""
    found: dict[str, str] = {}
    for number, line in enumerate(read_text(file).splitlines() if file.is_file() else (), 1):
        name, sign, answer = line.partition(";")
        if line.strip() and not sign:
            raise RequestError(f"Line {number} of {file.name} is not `id;class`.")
        found[name.strip()] = answer.strip()
    return found


def _videos(root: Path, names: Sequence[str]) -> tuple[str, str]:
    """The folder and the suffix of the videos: by the first few that are there."""
    for folder in _VIDEOS:
        for suffix in _SUFFIXES:
            if any((root / folder / f"{name}{suffix}").exists() for name in names[:64] if "\0" not in name):
                return folder, suffix
    tried = ", ".join(f"{folder or '.'}/" for folder in _VIDEOS)
    raise RequestError(f"Not one of the videos that are listed is in '{root}' (looked in {tried}).")


def _label(entry: Mapping[str, Any], answer: str | None, index: Mapping[str, int], where: str) -> int | None:
    template = entry.get("template")
    said = answer if answer is not None else _plain(template) if isinstance(template, str) else None
    if said is not None and _plain(said) not in index:
        raise RequestError(f"{where} is of the class '{said}', which {LABELS} does not name.")
    return None if said is None else index[_plain(said)]


def _told(lists: Sequence[ParsedList], count: int) -> dict[str, list[str | None]]:
    """What else the entries of the training list say that follows the class."""
    train = [each for each in lists if each.split == "train"]
    known = [json.loads(extra[0]) for each in train for extra in each.extras]
    others = [{key: value for key, value in entry.items() if key not in _OWN} for entry in known]
    return told_in_entries([label for each in train for label in each.labels], others, count)


def _plain(template: str) -> str:
    return template.replace("[", "").replace("]", "")


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _id(row: Row) -> str:
    return row.path.rpartition("/")[2].rpartition(".")[0]


def _entry(dataset: Dataset, row: Row) -> dict[str, Any]:
    """What a list says of a sample. Of one with a new class, its template and the sentence are the class's, with the
    things that the sample is of in the places that it has."""
    entry: dict[str, Any] = json.loads(row.sample.extra[0]) if row.sample.extra else {}
    if "template" in entry and row.label is not None and row.label != row.sample.label:
        if row.sample.label is not None:
            old, new, told = (
                dataset.classes[row.sample.label],
                dataset.classes[row.label],
                dataset.options.get("told", {}),
            )
            others = {key: value for key, value in entry.items() if key not in _OWN}
            kept = retold_entry(others, told, row.label, old, new)
            entry = {key: kept.get(key, value) for key, value in entry.items() if key in _OWN or key in kept}
        template = dataset.options["templates"][row.label] or dataset.classes[row.label]
        places = _BLANK.findall(template)
        given = entry.get("placeholders")
        words = [word for word in given if isinstance(word, str)] if isinstance(given, list) else []
        words = [*words[: len(places)], *places[len(words) :]]
        filled = iter(words)
        sentence = _BLANK.sub(lambda _: next(filled), template[:1].lower() + template[1:])
        made = {"label": sentence, "template": template, "placeholders": words}
        entry |= {key: value for key, value in made.items() if key in entry}
    return {**entry, "id": _id(row)}
