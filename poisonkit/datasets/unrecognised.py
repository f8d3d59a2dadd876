"""What to say of a folder or file in which no layout was recognised: what lies there, and the next command."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from poisonkit.datasets.base import Source, modality_of
from poisonkit.datasets.kit.files import some

_LOOKED_AT = 20_000  # entries of a folder tree; beyond, it is told from those
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".rar", ".7z")
_JSON = (".json", ".jsonl", ".ndjson")
_LISTS = (".txt", ".csv", ".tsv", *_JSON)


def explained(source: Source) -> str:
    """One or two short sentences about `source.path`, with the command that is likely wanted next."""
    path = source.path
    if path.is_file():
        return _of_file(path)
    try:
        top = sorted((entry for entry in os.scandir(path) if not entry.name.startswith(".")), key=lambda e: e.name)
    except OSError as error:
        return f"'{path}' cannot be listed: {error.strerror}."
    if not top:
        return (
            f"'{path}' is empty: name the folder of a dataset, or have clips made there to try things on: "
            f"{_command('sample-data', path)}."
        )
    files = [entry.name for entry in top if entry.is_file()]
    clips = [name for name in files if modality_of(name)]
    lists = [name for name in files if name.lower().endswith(_LISTS)]
    if clips:
        return _of_clips(path, clips, lists)
    folders = [entry for entry in top if entry.is_dir()]
    if len(folders) == 1 and not lists and any(map(modality_of, _names(Path(folders[0].path)))):
        return (
            f"'{path}' has one class only ('{folders[0].name}'), and a backdoor leads from one class to another: put "
            f"the folder of a second class beside it, and ask again: {_command('inspect', path)}."
        )
    return _of_no_clips(path, files, lists)


def _of_file(path: Path) -> str:
    if modality_of(path.name):
        return (
            f"'{path}' is a single clip, and a dataset is a folder of them with a folder for each class. What a "
            f"trigger does to one clip: {_command('preview', path, '--trigger', 'NAME')}."
        )
    if path.suffix.lower() in _JSON:
        return (
            f"'{path}' is a JSON file that no layout reads as a list by itself: name the dataset's folder, "
            f"{_command('inspect', path.parent)}, or what kind of list it is: "
            f"{_command('inspect', path, '--layout', 'NAME')}."
        )
    if path.suffix.lower() in _ARCHIVES:
        return f"'{path}' is an archive: unpack it, and name the folder."
    return (
        f"'{path}' is not a list that any layout reads: write a line `path label` for each clip, or a table whose "
        f"first line is `path,label`; or name the dataset's folder: {_command('inspect', path.parent)}."
    )


def _of_clips(path: Path, clips: list[str], lists: list[str]) -> str:
    what = "a single clip" if len(clips) == 1 else f"{len(clips)} clips"
    above = path.absolute().parent
    if lists:
        named = _command("inspect", path, "--train-list", path / lists[0])
        return (
            f"'{path}' holds {what} and no class folders, and no list in it says their labels by a name that is known: "
            f"name the list, {named}."
        )
    return (
        f"'{path}' holds {what} and no class folders, so nothing says their labels: move each into a folder of its "
        f"class ('{path / 'CLASS' / clips[0]}'), or name a list of `path label`, "
        f"{_command('inspect', path, '--train-list', 'FILE')}. If the folder is one class of a dataset: "
        f"{_command('inspect', above)}."
    )


def _of_no_clips(path: Path, files: list[str], lists: list[str]) -> str:
    archives = [name for name in files if name.lower().endswith(_ARCHIVES)]
    if archives:
        return f"'{path}' holds archives and no clips ({some(archives)}): unpack them there, and ask again."
    if lists:
        command = _command("inspect", path, "--train-list", path / lists[0], "--data-root", "DIR")
        return (
            f"No dataset layout was recognised in '{path}': it holds lists ({some(lists)}), and no clips in class "
            f"folders: name the list and where its clips lie, {command}."
        )
    found = [name for name in _names(path) if not name.startswith(".")]
    if any(map(modality_of, found)):
        layouts = _command("inspect", path, "--layout", "NAME")
        return (
            f"No dataset layout was recognised in '{path}', though clips lie below it: name its layout, {layouts} "
            "(a wrong NAME lists them all), or the folder whose folders are the classes."
        )
    such = f" ({len(found)} files such as '{found[0]}')" if found else ""
    return (
        f"No dataset layout was recognised in '{path}', and no video or sound lies in it{such}: name the folder that "
        "holds the class folders, or the lists."
    )


def _names(folder: Path) -> Iterator[str]:
    """Names of the files in a folder and below it, as far as it is looked at."""
    seen = 0
    for _, _, names in os.walk(folder):
        seen += 1 + len(names)
        yield from names
        if seen > _LOOKED_AT:
            return


def _command(*words: str | Path) -> str:
    return f"`{' '.join(['poisonkit', *(shlex.quote(str(word)) for word in words)])}`"
