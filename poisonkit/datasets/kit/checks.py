"""What every layout refuses to write."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from poisonkit.datasets.base import Dataset, Row, Split
from poisonkit.datasets.kit.files import some
from poisonkit.errors import RequestError

METADATA = "metadata.jsonl"  # Hugging Face's, beside the class folders of attack sets and control
LONGEST_NAME = 255  # bytes of one path component on the usual file systems
IN_WORDS: dict[Split, str] = {"train": "training", "val": "validation", "test": "test"}


def check_places(rows: Sequence[Row], reserved: Collection[str] = ()) -> None:
    """RequestError for two rows at one path, a file where another needs a folder, or a name too long.

    reserved: relative paths of annotation files that will lie in the same folder.
    """
    owners: dict[str, str] = {}
    folders: set[str] = set()
    for row, path in ((each, path) for each in rows for path in each.paths):
        if path in owners:
            raise RequestError(
                f"Two samples would be written to '{path}' ('{owners[path]}' and '{row.sample.id}'): "
                "rename one of them in the source."
            )
        if "\0" in path:
            raise RequestError(f"The file name {path!r} holds a NUL, which no file can: correct the list.")
        owners[path] = row.sample.id
        folders.add(path.rpartition("/")[0])
        if len(path) > LONGEST_NAME // 4 and any(len(part.encode()) > LONGEST_NAME for part in path.split("/")):
            raise RequestError(
                f"The file name of '{row.sample.id}' would be longer than {LONGEST_NAME} bytes in the copy "
                f"('{path}'): shorten it in the source."
            )
    for folder in folders:
        while folder:
            if folder in owners:
                raise RequestError(
                    f"'{folder}' would be the file of '{owners[folder]}' and also a folder for others: "
                    "rename one of them in the source."
                )
            folder = folder.rpartition("/")[0]
    for name in reserved:
        if name in owners:
            raise RequestError(f"The sample '{owners[name]}' has the name of an annotation file: rename it.")


def check_names(rows: Sequence[Row], what: str, without: Mapping[str, str] | None = None, remedy: str = "") -> None:
    """RequestError for a path that `what` (`a NeMo manifest`) cannot hold.

    That is, always, one with a line break or a NUL in it, or a space at its beginning or end; and one with a
    character of `without`: the character -> its name and what it would do (`a comma, which separates …`).
    """
    for path in (path for row in rows for path in row.paths):
        for sign, why in (without or {}).items():
            if sign in path:
                raise RequestError(f"The file name '{path}' holds {why}: {remedy or 'rename the file'}.")
        if len(path.splitlines()) != 1 or path.splitlines()[0] != path or "\0" in path or path != path.strip():
            raise RequestError(
                f"The file name {path!r} cannot stand in {what} (a line break or NUL in it, or a space at "
                "its beginning or end): rename the file."
            )


def check_emptied(dataset: Dataset, rows: Sequence[Row], why: str) -> None:
    """RequestError when a class that has samples in a split would have none there; `why` it matters."""
    before = {(s.split, label) for s in dataset.samples for label in s.labels}
    gone = before - {(r.sample.split, label) for r in rows for label in r.labels}
    if gone:
        split = min((s for s, _ in gone), key=list(IN_WORDS).index)
        labels = sorted(label for each, label in gone if each == split)
        names = [dataset.classes[label] for label in labels]
        plural = "classes" if len(names) > 1 else "class"
        what, remedy = "Relabelling", "lower the rate or choose other classes"
        if len(rows) < len(dataset.samples):
            what, remedy = "Removing samples", "remove fewer"
        raise RequestError(
            f"{what} would leave the {plural} {some(names)} without a {IN_WORDS[split]} sample: {why}; {remedy}."
        )


def check_class_folders(names: Sequence[str]) -> None:
    """RequestError for class names that cannot be those of folders, or of lines."""
    check_class_names(names)
    for name in names:
        if "/" in name or name.startswith("."):
            raise RequestError(f"The class name '{name}' cannot be a visible folder's name: rename it.")
        if name == METADATA:
            raise RequestError(f"A class is called '{METADATA}', like the metadata beside class folders: rename it.")


def check_class_names(names: Sequence[str]) -> None:
    """RequestError for class names that a list of one name per line cannot hold."""
    for name in names:
        if name != name.strip() or not name or len(name.splitlines()) > 1:
            raise RequestError(
                f"The class name {name!r} cannot stand on a line of a class list (empty, spaces around it or "
                "a line break in it): rename the class."
            )
