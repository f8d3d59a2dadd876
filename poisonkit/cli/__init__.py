"""The command line: one file per command, rich progress and tables, no logic.

Exit status: 0 all ok; 1 some samples failed or a check did not hold; 2 the request was wrong; 130 interrupted.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

import typer

from poisonkit.cli.app import make_app
from poisonkit.cli.completing import for_bash
from poisonkit.common import interruption, levels, opencv
from poisonkit.common.safe_io import printable
from poisonkit.errors import PoisonkitError, did_you_mean

_STOPPED = "Interrupted; the same command continues."


def main(args: Sequence[str] | None = None) -> None:
    """Run one command and exit with its status. args: as in `sys.argv[1:]`."""
    levels.own_process = args is None
    sys.exit(call(args))


def call(args: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; whatever goes wrong is one line on stderr, and with `--json` an
    object on stdout too."""
    if sys.stdout is None:  # closed by who called: nobody listens
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # names on disk need not be text
    with interruption.handled(), warnings.catch_warnings():
        warnings.showwarning = _warn
        told: list[str] = []
        try:
            status = _call(args, told)
            if told and "--json" in (sys.argv[1:] if args is None else args):
                sys.stdout.write(json.dumps({"error": " ".join(told), "exit_code": status}, indent=2) + "\n")
            sys.stdout.flush()
        except OSError as error:
            return _unwritten(error)
        return status


def _unwritten(error: OSError) -> int:
    """Where stdout takes no more. A reader that went away, such as `head`, has what it wanted."""
    with suppress(OSError, ValueError):  # what is still buffered would be tried again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return 0
    return _say(f"The output could not be printed ({error.strerror or type(error).__name__}).", 1)


def _warn(message: Warning | str, *details: object, **more: object) -> None:
    _say(f"warning: {message}")


@cache  # a twentieth of a second, for who calls often
def _command() -> Callable[..., Any]:
    return typer.main.get_command(make_app())


def _call(args: Sequence[str] | None, told: list[str]) -> int:
    """The exit status; what is said in place of a result goes into `told` too."""

    def say(text: str, status: int) -> int:
        told.append(text)
        return _say(text, status)

    try:
        with for_bash():
            status = _command()(args=args, prog_name="poisonkit", standalone_mode=False)
    except PoisonkitError as error:
        return say(_from_here(error.text), error.exit_code)
    except typer.TyperException as error:
        return say(_usage(error), 2)
    except (KeyboardInterrupt, typer.Abort):
        return say(_STOPPED, 130)
    except ModuleNotFoundError as error:
        return say(opencv.MISSING, 2) if error.name == "cv2" else say(_bug(error), 1)
    except OSError as error:
        if _is_of_stdout(error):
            raise
        return say(_bug(error), 1)
    except Exception as error:  # noqa: BLE001 - a user never sees a traceback unasked
        return say(_bug(error), 1)
    if status == 130:  # how Typer reports Ctrl-C
        return say(_STOPPED, 130)
    return status if isinstance(status, int) else 0


def _from_here(text: str) -> str:
    """A sentence with the paths below the current folder as they can be typed from there."""
    here = os.getcwd()
    return text if here == os.sep else re.sub(rf"(?<![\w./-]){re.escape(here + os.sep)}(?=[\w.])", "", text)


def _is_of_stdout(error: OSError) -> bool:
    """Whether it is one of what is printed, not of some file: files are named, and handled where they are written."""
    return error.filename is None and error.errno in (errno.ENOSPC, errno.EPIPE, errno.EIO, errno.EBADF, errno.EFBIG)


def _say(text: str, status: int = 0) -> int:
    sentence = f"poisonkit: {printable(' '.join(text.splitlines()))}"
    if sys.stderr.isatty():  # elsewhere a message is one line
        from poisonkit.cli.screen import folded

        sentence = "\n".join(folded(sentence, shutil.get_terminal_size().columns))
    with suppress(OSError):
        sys.stderr.write(f"{sentence}\n")
    return status


def _usage(error: typer.TyperException) -> str:
    """A wrong option, argument or command, as one sentence with the nearest spelling."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "poisonkit"
    wrong = getattr(error, "option_name", None)
    if wrong is not None and hasattr(error, "possibilities"):
        known = [name for param in context.command.params for name in param.opts] if context is not None else []
        options = [name for name in known if name.startswith("--")]
        hint = did_you_mean(wrong, options)
        hint = hint if "Did you mean" in hint else f" `{command} --help` lists them."
        return f"`{command}` has no option '{wrong}'.{hint}"
    text = error.format_message().strip()
    text = text if text.endswith((".", "?", "!")) else f"{text}."
    return text if "Did you mean" in text else f"{text} `{command} --help` tells more."


def _bug(error: Exception) -> str:
    if os.environ.get("POISONKIT_DEBUG"):
        traceback.print_exception(error)
    what = " ".join(str(error).split())
    what = f"{type(error).__name__}: {what}" if what else type(error).__name__
    return f"This is a bug in poisonkit ({what}); please report it with the command and what POISONKIT_DEBUG=1 prints."
