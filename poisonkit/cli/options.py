"""Options that several commands share, each declared once; those that belong together are the fields of a dataclass.

An option that is not given is None and then the recipe's own default holds; what help shows as the default
is compared with the recipe's in the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import typer

from poisonkit.cli.completing import completer
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
    completing = completer(names[0])
    more = more if completing is None else {"autocompletion": completing, **more}
    return typer.Option(*names, help=text, rich_help_panel=panel, show_default=False, metavar=metavar, **more)


Source = Annotated[
    Path | None,
    typer.Argument(help="Folder (or list file) of the clean dataset.", show_default="the current folder"),
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
TimeLimit = Annotated[
    float,
    option(
        "--time-limit", help="How long a clip may take, as a multiple of what its length explains; 0: for ever.",
        panel=RUNNING, default="1", metavar="X", min=0,
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
DryRun = Annotated[
    bool, option("--dry-run", help="Print the plan and what it will take, and write nothing.", panel=RUNNING)
]
Json = Annotated[bool, option("--json", help="Print one JSON object to stdout, and nothing else there.", panel=RUNNING)]


@dataclass(frozen=True)
class DatasetOptions:
    """How the clean dataset lies on disk."""

    layout: Annotated[
        str | None,
        option(
            "--layout",
            help="How the dataset lies on disk, such as class-folders or mmaction2-video; a wrong name lists them all.",
            panel=DATASET,
            default="detected",
            metavar="NAME",
        ),
    ] = None
    data_root: Annotated[
        Path | None,
        option("--data-root", help="What the paths in lists are relative to.", panel=DATASET, metavar="DIR"),
    ] = None
    train_list: Annotated[
        Path | None, option("--train-list", help="List of the training samples.", panel=DATASET, metavar="FILE")
    ] = None
    val_list: Annotated[
        Path | None, option("--val-list", help="List of the validation samples.", panel=DATASET, metavar="FILE")
    ] = None
    test_list: Annotated[
        Path | None, option("--test-list", help="List of the test samples.", panel=DATASET, metavar="FILE")
    ] = None
    delimiter: Annotated[
        str | None,
        option(
            "--delimiter",
            help="What separates path and label in lists: space, tab, comma.",
            panel=DATASET,
            default="detected",
            metavar="NAME",
        ),
    ] = None
    columns: Annotated[
        str | None,
        option(
            "--columns",
            help="What a table's columns are called, if unusual: path=COL,label=COL,split=COL,audio=COL.",
            panel=DATASET,
            metavar="SPEC",
        ),
    ] = None
    split: Annotated[
        int | None,
        option("--split", help="Which of several official splits; else the first.", panel=DATASET, metavar="N"),
    ] = None
    allow_root: AllowRoot = None


@dataclass(frozen=True)
class WorkerOptions:
    """Where work is done, and how much of it at a time."""

    jobs: Jobs = 0
    executor: Annotated[
        str | None,
        option(
            "--executor", help="Where the work runs: local, or dask for a running cluster.", panel=RUNNING,
            default="local", metavar="NAME",
        ),
    ] = None  # fmt: skip
    scheduler: Annotated[
        str | None,
        option(
            "--scheduler", help="Of the Dask cluster: tcp://HOST:PORT or a scheduler file; local starts one here.",
            panel=RUNNING, metavar="ADDRESS",
        ),
    ] = None  # fmt: skip
    portable: Annotated[
        bool,
        option(
            "--portable",
            help="Compute as processors without AVX2 do, for an output that they make the same, byte for byte; slower.",
            panel=RUNNING,
        ),
    ] = False

    def for_api(self) -> dict[str, Any]:
        """As keyword arguments of the Python API. With --portable it goes on in a process that is started again."""
        levels.require(self.portable)
        return {name: value for name, value in given(vars(self)).items() if name != "portable"}


@dataclass(frozen=True)
class ShardOptions(WorkerOptions):
    """Those, of a command that can do a part of the work."""

    shard: Annotated[
        str | None,
        option(
            "--shard", help="Do the I-th of N parts, beside others; `poisonkit merge` finishes.", panel=RUNNING,
            metavar="I/N",
        ),
    ] = None  # fmt: skip


@dataclass(frozen=True)
class RunOptions(ShardOptions):
    """Those, of a command that makes an output."""

    fresh: Annotated[
        bool,
        option(
            "--fresh", help="Start over: first remove what poisonkit wrote there, and nothing else.", panel=RUNNING,
        ),
    ] = False  # fmt: skip
    time_limit: TimeLimit = 1.0
    calibrate: Annotated[
        bool,
        option(
            "--calibrate/--no-calibrate",
            help="Before work of minutes, make a few clips for some seconds, to tell how long it will take.",
            panel=RUNNING,
            default="calibrate",
        ),
    ] = True


def spread(command: Callable[..., int]) -> Callable[..., int]:
    """The command as Typer reads it: a parameter for each field of those of its parameters that are dataclasses."""
    parameters: list[Parameter] = []
    groups: dict[str, Any] = {}
    for parameter in signature(command, eval_str=True).parameters.values():
        group = parameter.annotation
        if not is_dataclass(group):
            parameters.append(parameter.replace(kind=Parameter.KEYWORD_ONLY))
            continue
        groups[parameter.name] = group
        hints = get_type_hints(group, include_extras=True)
        parameters += (
            Parameter(f.name, Parameter.KEYWORD_ONLY, default=f.default, annotation=hints[f.name])
            for f in fields(group)
        )

    def call(**values: Any) -> int:
        made = {name: group(**{f.name: values.pop(f.name) for f in fields(group)}) for name, group in groups.items()}
        return command(**made, **values)

    call.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    return call


def stream_choice(text: str | None) -> Literal["best"] | int:
    """`--stream` as the media room takes it."""
    if text is None or text == "best":
        return "best"
    if text.isdigit():
        return int(text)
    raise RequestError(f"--stream {text}: it must be best or a stream's number.")


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those options that the user gave a value."""
    return {name: value for name, value in values.items() if value is not None and value != []}


def warm() -> None:
    """Begin the process that will open the dataset's files while this one imports what it needs."""
    from poisonkit.survey import isolated_opening

    isolated_opening.warm()
