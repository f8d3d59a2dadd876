"""`poisonkit export`: lists in another trainer's format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poisonkit.cli import options
from poisonkit.cli.options import FILES, RUNNING, option

EXAMPLES = """Examples:
  poisonkit export bad --to mmaction2
  poisonkit export bad --to pyslowfast --absolute -o lists
  poisonkit export bad --to kinetics-sounds --fps 2
"""


def command(
    out: Annotated[Path, typer.Argument(help="A finished output.", metavar="OUT", show_default=False)],
    to: Annotated[
        str,
        option(
            "--to", help="Format of the lists, such as mmaction2, pyslowfast or table.", panel=FILES, metavar="FORMAT"
        ),
    ],
    absolute: Annotated[
        bool, option("--absolute", help="Write absolute paths; else they are relative to OUT.", panel=FILES)
    ] = False,
    folder: Annotated[
        Path | None,
        option("--out", "-o", help="Where the lists go.", panel=RUNNING, default="OUT/export/FORMAT", metavar="DIR"),
    ] = None,
    fps: Annotated[
        int, option("--fps", help="kinetics-sounds: frames taken of each second.", panel=FILES, metavar="N", min=1)
    ] = 1,
    sample_rate: Annotated[
        int, option("--sample-rate", help="kinetics-sounds: of the wav files.", panel=FILES, metavar="HZ", min=1000)
    ] = 16000,
    jobs: options.Jobs = 0,
    json: options.Json = False,
) -> int:
    """Write lists of a finished output in another trainer's format; its media stay as they are.

    The splits, every attack set with target and with original labels, and control; for mmaction2 also a config
    fragment to inherit from. With kinetics-sounds, every video, clean or not, is taken apart into frames and a wav.
    """  # fmt: skip
    import poisonkit
    from poisonkit.cli import screen
    from poisonkit.engine.run import Options

    n_jobs = Options(jobs=jobs).n_jobs
    done = poisonkit.export(out, to, folder=folder, absolute=absolute, fps=fps, sample_rate=sample_rate, jobs=n_jobs)
    if json:
        files = {name: list(found) for name, found in done.files.items()}
        left_out = [{"path": path, "error": why} for path, why in done.left_out]
        more = {"left_out": left_out} if left_out else {}
        screen.print_json({"folder": str(done.folder), "files": files, "config": done.config, **more})
        return 1 if left_out else 0
    console = screen.console()
    screen.line(console, f"Lists: {screen.shown(done.folder)}")
    for files_of_view in done.files.values():
        screen.line(console, f"  {', '.join(files_of_view)}")
    if done.config:
        screen.line(console, f"MMAction2 config fragment: {screen.shown(done.folder / done.config)}")
    for path, why in done.left_out:
        screen.line(console, f"Left out: {path}: {why}")
    return 1 if done.left_out else 0
