"""Class folders of a written view: all of them, none that readers refuse, and their class ids in so many words.

torchvision's UCF101, HMDB51 and Kinetics and PyTorchVideo's `LabeledVideoPaths` number the folders and raise
FileNotFoundError for one without a file; Hugging Face numbers the folders of the files that it finds, so that an
empty one shifts every id behind it, and a single one has no label at all.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path

from poisonkit.common import atomic
from poisonkit.datasets.base import Dataset, Row, View, modality_of
from poisonkit.datasets.kit.checks import METADATA
from poisonkit.datasets.kit.files import make_folder, write_lines

PLACEHOLDER = ".no-clip-avi"
"""What lies in a class folder without a clip.

The readers above take every name that ends with the letters `avi`, without a dot. Whoever asks for suffixes (`.avi`,
also torchvision's DatasetFolder when it is given them so), and whoever leaves hidden files out, does not see it.
"""


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _list(name: bytes, *chunks: bytes) -> bytes:
    return _chunk(b"LIST", name + b"".join(chunks))


def _placeholder() -> bytes:
    """An AVI of one frame, 16x16, that no decoder can decode.

    So readers that look into every file can open it, and count one frame, too few for a clip of two or more;
    a reader that would use the frame finds none. (torchcodec refuses an AVI without any frame.) It lasts a
    millisecond, since readers that change the frame rate would make several frames of a longer one.
    """
    frame, side, rate, codec = b"no clip of this class", 16, 1000, b"MJPG"
    header = struct.pack("<14I", 1_000_000 // rate, 0, 0, 0x10, 1, 0, 1, 0, side, side, 0, 0, 0, 0)
    stream = b"vids" + codec + struct.pack("<8IiI4h", 0, 0, 0, 1, rate, 0, 1, 0, -1, 0, 0, 0, side, side)
    picture = struct.pack("<IiiHH4sIiiII", 40, side, side, 1, 24, codec, side * side * 3, 0, 0, 0, 0)
    streams = _list(b"strl", _chunk(b"strh", stream), _chunk(b"strf", picture))
    index = b"00dc" + struct.pack("<III", 0x10, 4, len(frame))
    body = _list(b"hdrl", _chunk(b"avih", header), streams) + _list(b"movi", _chunk(b"00dc", frame))
    return _chunk(b"RIFF", b"AVI " + body + _chunk(b"idx1", index))


PLACEHOLDER_BYTES = _placeholder()


def write_class_folders(
    dataset: Dataset, parent: str, names: Sequence[str], rows: Sequence[Row], root: Path, view: View
) -> tuple[str, ...]:
    """Make every class's folder in `parent` (`""`: the root); the annotation files that were written.

    names: the folders. rows: those of the view; the ones below `parent` count. A folder without a clip gets a
    placeholder, where the dataset is one of videos. Outside the data itself, where classes may be empty,
    `metadata.jsonl` beside the folders gives Hugging Face's readers the id of every file: the position of its folder
    among the sorted names, which is what they say in the source. The data itself has it only where a class is empty
    in the whole dataset: they would leave it out there, and number the others otherwise than in the other views.
    """
    below = f"{parent}/" if parent else ""
    inside = [row.path for row in rows if row.path.startswith(below)]
    ids = {name: at for at, name in enumerate(sorted(names))}
    used = {path[len(below) :].partition("/")[0] for path in inside}
    videos = any(modality_of(sample.path) == "video" for sample in dataset.samples)
    for name in names:
        make_folder(root, parent, name)
        _mark(root / parent / name / PLACEHOLDER, wanted=videos and name not in used)
    if view == "data" and len({sample.label for sample in dataset.samples} - {None}) == len(names):
        return ()
    if not used & ids.keys():
        (root / (below + METADATA)).unlink(missing_ok=True)
        return ()
    labels = ((path[len(below) :], ids.get(path[len(below) :].partition("/")[0])) for path in inside)
    lines = (
        json.dumps({"file_name": path, "label": label}, ensure_ascii=False)
        for path, label in labels
        if label is not None
    )
    return (write_lines(root, below + METADATA, lines),)


def _mark(path: Path, *, wanted: bool) -> None:
    """Put the placeholder there, or away; never through a link, and never half."""
    if wanted:
        atomic.write_bytes(path, PLACEHOLDER_BYTES)
    else:
        path.unlink(missing_ok=True)
