"""What is printed where: results to stdout, everything else to stderr; paths as a user would type them."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from poisonkit.common.safe_io import printable

PIPED_WIDTH = 200  # columns where no terminal says: paths must not be folded in a log


def console(file: IO[str] | None = None) -> Console:
    """A console on `file` (default stdout) that takes text as it is: no markup, no highlighting."""
    file = file or sys.stdout
    width = None if file.isatty() else PIPED_WIDTH
    return Console(file=file, width=width, markup=False, highlight=False, emoji=False)


def heading(screen: Console, text: str) -> None:
    """A bold line with an empty one before it."""
    screen.print()
    screen.print(Text(printable(text), style="bold"))


def line(screen: Console, text: str, indent: int = 2) -> None:
    """One line, never folded by us: a path that is copied must be whole."""
    screen.print(Text(" " * indent + printable(text)), soft_wrap=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], right: Sequence[str] = ()) -> Table:
    """A plain table; columns named in `right` are aligned there."""
    made = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left", overflow="fold", no_wrap=name in right)
    for row in rows:
        made.add_row(*(Text("" if cell is None else printable(str(cell))) for cell in row))
    return made


def indented(screen: Console, made: Table) -> None:
    """Print a table under a heading."""
    from rich.padding import Padding

    screen.print(Padding(made, (0, 0, 0, 2), expand=False))


def print_json(data: Any) -> None:
    """One JSON object to stdout."""
    sys.stdout.write(json.dumps(data, indent=2) + "\n")


def shown(path: Path | str) -> str:
    """A path as short as it can be typed from here."""
    absolute = os.path.abspath(path)
    relative = os.path.relpath(absolute)
    return relative if len(relative) < len(absolute) and not relative.startswith("../../..") else absolute


def command(*words: str | Path) -> str:
    """A command line that can be pasted into this shell: `poisonkit verify OUT`."""
    return " ".join([program(), *(shlex.quote(str(w)) for w in words)])


def program() -> str:
    """How this program was called: `poisonkit` where the shell finds it, else the way it was started."""
    if shutil.which("poisonkit"):
        return "poisonkit"
    beside = Path(sys.executable).with_name("poisonkit")
    if beside.exists():
        return shlex.quote(shown(beside))
    return f"{shlex.quote(sys.executable)} -m poisonkit"
