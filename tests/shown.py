"""What pages show: blocks of commands, Python and recipes, each with its place and the mark that stands before it.

A mark is a comment, which no reader sees: `<!-- not run: REASON -->`, or `<!-- run by tests/FILE.py -->`.
"""

from __future__ import annotations

import ast
import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLACES = ("*.md", ".github/*.md", "docs/*.md", "docs/triggers/*.md", "examples/*/*.md", "benchmarks/*.md", "tests/*.md")
PAGES = sorted({page.relative_to(ROOT).as_posix() for place in PLACES for page in ROOT.glob(place)} - {"CHANGELOG.md"})

_MARK = re.compile(r"<!-- (not run|run by)\b:? ?(.*?) *-->$")
_FENCE = re.compile(r"( *)```(\w*)")
_NAMED = re.compile(r"# (\S+\.\w+)$")
_PROGRAMS = r"poisonkit|python3?|make|pip|pipx|uvx?|srun|sbatch|docker|cd|export|sh|\S*/bin/\S+"
_COMMAND = re.compile(rf"(\$ |[A-Z_]+=\S+ )*({_PROGRAMS})( |$)")


@dataclass(frozen=True)
class Block:
    """One block of a page: where it begins, in which language, its lines, and its mark, if any."""

    page: str
    line: int
    language: str  # empty for an indented block, and for a fence without a word
    lines: tuple[str, ...]
    mark: str = ""  # "not run" or "run by"
    said: str = ""  # what the mark says: a reason, or a test and a remark

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"

    @property
    def file(self) -> str | None:
        """The file that the block is, as its first line says: `# NAME.SUFFIX`."""
        found = _NAMED.match(self.lines[0]) if self.lines else None
        return found[1] if found else None

    @cached_property
    def kind(self) -> str:
        """`commands`, `python`, `recipe`, or another file's `text`, which nothing runs."""
        if self.language in ("sh", "bash", "console"):
            return "commands"
        if self.language in ("python", "yaml"):
            return {"python": "python", "yaml": "recipe"}[self.language]
        if self.language in ("", "text", "none"):
            if any(_COMMAND.match(line) for line in self.lines):
                return "commands"
            if self.calls:
                return "python"
        return "text"

    @property
    def calls(self) -> bool:
        """It is Python that does something, by its grammar."""
        try:
            tree = ast.parse(self.text)
        except SyntaxError:
            return False
        return any(isinstance(node, (ast.Call, ast.Import, ast.ImportFrom)) for node in ast.walk(tree))

    def commands(self) -> Iterator[list[str]]:
        """The words of each command, continued lines joined, without prompts, comments and what is shown as printed."""
        if self.kind == "commands":
            for line in self.text.replace("\\\n", " ").splitlines():
                if line.startswith("$ ") or not self.prompts:
                    words = shlex.split(line.removeprefix("$ "), comments=True)
                    if words:
                        yield words

    def printed(self) -> list[str]:
        """The lines that are shown as printed: those without a prompt where others have one."""
        return [line for line in self.lines if line.strip() and self.prompts and not line.startswith("$ ")]

    @property
    def prompts(self) -> bool:
        return any(line.startswith("$ ") for line in self.lines)


def blocks(page: str) -> list[Block]:
    """A page's blocks in order."""
    lines = [*(ROOT / page).read_text(encoding="utf-8").splitlines(), ""]
    found: list[Block] = []
    mark, i = ("", ""), 0
    while i < len(lines):
        if fence := _FENCE.match(lines[i]):
            end = next(n for n in range(i + 1, len(lines)) if lines[n].strip() == "```")
            body = [line[len(fence[1]) :] for line in lines[i + 1 : end]]
            found.append(Block(page, i + 1, fence[2], tuple(body), *mark))
            mark, i = ("", ""), end + 1
        elif lines[i].startswith("    ") and (i == 0 or not lines[i - 1].strip()):
            rest = range(i, len(lines))
            end = next((n for n in rest if lines[n].strip() and not lines[n].startswith("    ")), len(lines))
            body = textwrap.dedent("\n".join(lines[i:end])).strip("\n").splitlines()
            found.append(Block(page, i + 1, "", tuple(body), *mark))
            mark, i = ("", ""), end
        else:
            if lines[i].strip():
                if mark[0]:
                    raise AssertionError(f"{page}:{i + 1}: the mark before it is of no block")
                marked = _MARK.match(lines[i].strip())
                mark = (marked[1], marked[2]) if marked else ("", "")
            i += 1
    return found


def spans(page: str) -> Iterator[tuple[str, list[str]]]:
    """The commands that a page's sentences name between backticks, with their place."""
    for number, line in enumerate((ROOT / page).read_text(encoding="utf-8").splitlines(), 1):
        if not line.startswith("    "):
            for code in re.findall(r"`([^`]+)`", line):
                if _COMMAND.match(code):
                    yield f"{page}:{number}", code.split()
