"""What is printed where: results to stdout, everything else to stderr; paths as a user would type them."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from poisonkit.common.safe_io import printable

PIPED_WIDTH = 80  # columns where neither a terminal nor COLUMNS says
LEAST_WIDTH = 20


def width_of(file: IO[str]) -> int | None:
    """Columns to write: a terminal's own (None), else COLUMNS, else 80."""
    if file.isatty():
        return None
    said = os.environ.get("COLUMNS", "")
    return max(int(said), LEAST_WIDTH) if said.isdigit() and int(said) else PIPED_WIDTH


def console(file: IO[str] | None = None) -> Console:
    """A console on `file` (default stdout) that takes text as it is: no markup, no highlighting."""
    file = file or sys.stdout
    return Console(file=file, width=width_of(file), markup=False, highlight=False, emoji=False)


def heading(screen: Console, text: str) -> None:
    """A bold line with an empty one before it."""
    screen.print()
    for part in folded(printable(text), screen.width):
        screen.print(Text(part, style="bold"), soft_wrap=True)


def line(screen: Console, text: str, indent: int = 2) -> None:
    """Prose: broken at spaces alone where it is wider than the screen, so that a path that is copied is whole."""
    for part in folded(printable(text), screen.width, indent):
        verbatim(screen, part, indent=0)


def folded(text: str, width: int, indent: int = 0) -> list[str]:
    """Lines of at most `width` columns, but for words that are longer; later ones stand under the first."""
    margin = " " * indent
    return textwrap.wrap(
        text, max(width, LEAST_WIDTH), initial_indent=margin, subsequent_indent=margin, break_long_words=False,
        break_on_hyphens=False,
    ) or [margin.rstrip()]  # fmt: skip


def verbatim(screen: Console, text: str, indent: int = 2) -> None:
    """One line, whatever its length: a command that is copied must be whole."""
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
    """Print a table under a heading. Its cells are broken at spaces alone: where words need more room, it is wider
    than the screen, and a path in it whole."""
    from rich.padding import Padding

    cells = [[str(column.header), *map(str, column.cells)] for column in made.columns]
    widths = [max(map(cell_len, texts)) for texts in cells]
    least = [
        max(cell_len(part) for text in texts for part in ([text] if column.no_wrap else text.split() or [""]))
        for column, texts in zip(made.columns, cells, strict=True)
    ]
    beside = 2 + 2 * len(widths)
    while sum(widths) + beside > screen.width and widths != least:
        widest = max((i for i in range(len(widths)) if widths[i] > least[i]), key=widths.__getitem__)
        widths[widest] -= 1
    for column, width in zip(made.columns, widths, strict=True):
        column.width = width
    wide = Console(
        file=screen.file, width=max(screen.width, sum(widths) + beside), force_terminal=screen.is_terminal,
        markup=False, highlight=False, emoji=False,
    )  # fmt: skip
    wide.print(Padding(made, (0, 0, 0, 2), expand=False))


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
