"""Files of predictions: one module per format, all giving `Predictions`."""

from __future__ import annotations

from pathlib import Path

from poisonkit.common.safe_io import read_bytes
from poisonkit.errors import RequestError
from poisonkit.scoring.predictions import Predictions
from poisonkit.scoring.readers import dumpresults, npz, tables

READERS = {
    ".pkl": dumpresults.read,
    ".pickle": dumpresults.read,
    ".pt": dumpresults.read,
    ".pth": dumpresults.read,
    ".csv": tables.read_csv,
    ".tsv": tables.read_csv,
    ".jsonl": tables.read_jsonl,
    ".npz": npz.read,
}


def read(file: Path, classes: tuple[str, ...]) -> Predictions:
    """A file of predictions, by its suffix. classes: of the output, for labels given by name.

    RequestError, in one sentence, for what cannot be read; nothing in the file is ever run.
    """
    reader = READERS.get(file.suffix.lower())
    if reader is None:
        known = ", ".join(READERS)
        raise RequestError(f"{file}: files of predictions end in {known}.")
    try:
        data = read_bytes(file)
    except OSError as error:
        raise RequestError(f"Cannot read {file}: {error.strerror}.") from None
    return reader(file, data, classes)
