"""Options that several commands share, each declared once.

An option that is not given is None and then the recipe's own default holds; what help shows as the default
is compared with the recipe's in the tests.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from poisonkit.common import levels
from poisonkit.errors import RequestError

WHAT = "What is poisoned"
LABELS = "Labels"
FRAMES = "Frames"
SETS = "Attack set and control"
DATASET = "Dataset"
FILES = "Encoding and files"
RUNNING = "Running"


def option(*names: str, help: str, panel: str, default: str = "", metavar: str = "", **more: Any) -> Any:
    """A Typer option. default: what help shows; metavar: what stands for its value, nothing for a flag."""
    text = f"{help} \\[default: {default}]" if default else help
    return typer.Option(*names, help=text, rich_help_panel=panel, show_default=False, metavar=metavar, **more)


Source = Annotated[
    Path | None,
    typer.Argument(help="Folder (or list file) of the clean dataset.", show_default="the current folder"),
]
Layout = Annotated[
    str | None,
    option(
        "--layout",
        help="How the dataset lies on disk, such as class-folders or mmaction2-video; a wrong name lists them all.",
        panel=DATASET,
        default="detected",
        metavar="NAME",
    ),
]
DataRoot = Annotated[
    Path | None,
    option("--data-root", help="What the paths in lists are relative to.", panel=DATASET, metavar="DIR"),
]
TrainList = Annotated[
    Path | None, option("--train-list", help="List of the training samples.", panel=DATASET, metavar="FILE")
]
ValList = Annotated[
    Path | None, option("--val-list", help="List of the validation samples.", panel=DATASET, metavar="FILE")
]
TestList = Annotated[
    Path | None, option("--test-list", help="List of the test samples.", panel=DATASET, metavar="FILE")
]
Delimiter = Annotated[
    str | None,
    option(
        "--delimiter",
        help="What separates path and label in lists: space, tab, comma.",
        panel=DATASET,
        default="detected",
        metavar="NAME",
    ),
]
Columns = Annotated[
    str | None,
    option(
        "--columns",
        help="What a table's columns are called, if unusual: path=COL,label=COL,split=COL.",
        panel=DATASET,
        metavar="SPEC",
    ),
]
Split = Annotated[
    int | None,
    option("--split", help="Which of several official splits; else the first.", panel=DATASET, metavar="N"),
]
AllowRoot = Annotated[
    list[Path] | None,
    option(
        "--allow-root",
        help="A further folder that links and absolute paths may lead to; repeat for several.",
        panel=DATASET,
        metavar="DIR",
    ),
]
SourceNow = Annotated[
    Path | None,
    option(
        "--source", help="Data root of the clean dataset, where it lies now.", panel=DATASET, default="where it lay",
        metavar="DIR",
    ),
]  # fmt: skip
Stream = Annotated[
    str | None,
    option(
        "--stream", help="Which of several streams of a file: best or N.", panel=FILES, default="best", metavar="WHICH"
    ),
]
Jobs = Annotated[
    int,
    option(
        "--jobs", "-j", help="Clips at a time; 0: one per processor. Changes nothing in the output.", panel=RUNNING,
        default="0", metavar="N", min=0,
    ),
]  # fmt: skip
Fresh = Annotated[
    bool,
    option(
        "--fresh", help="Start over: first remove what poisonkit wrote there, and nothing else.", panel=RUNNING,
    ),
]  # fmt: skip
TimeLimit = Annotated[
    float,
    option(
        "--time-limit", help="How long a clip may take, as a multiple of what its length explains; 0: for ever.",
        panel=RUNNING, default="1", metavar="X", min=0,
    ),
]  # fmt: skip
Executor = Annotated[
    str | None,
    option(
        "--executor", help="Where the work runs: local, or dask for a running cluster.", panel=RUNNING,
        default="local", metavar="NAME",
    ),
]  # fmt: skip
Scheduler = Annotated[
    str | None,
    option(
        "--scheduler", help="Of the Dask cluster: tcp://HOST:PORT or a scheduler file; local starts one here.",
        panel=RUNNING, metavar="ADDRESS",
    ),
]  # fmt: skip
Portable = Annotated[
    bool,
    option(
        "--portable",
        help="Compute as processors without AVX2 do, for an output that they make the same, byte for byte; slower.",
        panel=RUNNING,
    ),
]
Shard = Annotated[
    str | None,
    option(
        "--shard", help="Do the I-th of N parts, beside others; `poisonkit merge` finishes.", panel=RUNNING,
        metavar="I/N",
    ),
]  # fmt: skip
Out = Annotated[
    Path | None,
    option(
        "--out", "-o", help="Folder of the poisoned copy.", panel=RUNNING,
        default="../NAME-poisoned-TRIGGER-RATE-FINGERPRINT", metavar="OUT",
    ),
]  # fmt: skip
AllowCode = Annotated[
    bool,
    option("--allow-code", help="Let a recipe name triggers as package.module:Class.", panel=RUNNING),
]
DryRun = Annotated[bool, option("--dry-run", help="Print the plan and write nothing.", panel=RUNNING)]
Json = Annotated[bool, option("--json", help="Print one JSON object to stdout, and nothing else there.", panel=RUNNING)]


def running(
    jobs: int,
    executor: str | None,
    scheduler: str | None,
    shard: str | None = None,
    *,
    portable: bool = False,
    **more: Any,
) -> dict[str, Any]:
    """How a run is executed, as the Python API takes it. portable: it goes on in a process that is begun anew."""
    levels.require(portable)
    found: dict[str, Any] = {"jobs": jobs, "executor": executor or "local", "scheduler": scheduler, **more}
    return found if shard is None else {**found, "shard": shard}


def stream_choice(text: str | None) -> Literal["best"] | int:
    """`--stream` as the media room takes it."""
    if text is None or text == "best":
        return "best"
    if text.isdigit():
        return int(text)
    raise RequestError(f"--stream {text}: it must be best or a stream's number.")


def given(values: dict[str, Any]) -> dict[str, Any]:
    """Those options that the user gave."""
    return {k: v for k, v in values.items() if v is not None and v is not False and v != []}


def warm() -> None:
    """Begin the process that will open the dataset's files while this one imports what it needs."""
    from poisonkit.survey import isolated_opening

    isolated_opening.warm()
