"""Who is writing an output: a lock names host, boot, process and when that began, so that a dead one's is known.

On a shared folder the holder may run on another host, where nobody can ask for its process. It shows that it lives
by touching its lock; one that was not touched for `LOST` seconds, by the file server's own clock, is a dead one's.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from poisonkit.errors import RequestError
from poisonkit.temporary import beside
from poisonkit.untrusted import load_json

TOUCHED = 30.0  # seconds between signs of life
LOST = 900.0  # without one for so long, a holder on another host is dead


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _space() -> str:
    """The namespace that process numbers belong to: containers of one host have their own."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _began(pid: int) -> str:
    """When a process of this host began, in ticks since boot: its number may have been another's before."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _me() -> dict[str, Any]:
    pid = os.getpid()
    return {"host": platform.node(), "boot": _boot(), "space": _space(), "pid": pid, "began": _began(pid)}


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):  # no system has a process of such a number
        return False
    except OSError:
        return True
    return True


def _age(path: Path) -> float:
    """Seconds since the file was touched, by the clock of whoever keeps it."""
    probe = beside(path)
    probe.touch()
    try:
        return probe.stat().st_mtime - path.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)


def _dead(path: Path, other: dict[str, Any]) -> bool:
    me = _me()
    if other["host"] != me["host"] or other.get("space", me["space"]) != me["space"]:
        return _age(path) > LOST
    if other["boot"] != me["boot"] or not _alive(int(other["pid"])):
        return True
    return bool(other.get("began")) and other["began"] != _began(int(other["pid"]))


def _read(path: Path) -> tuple[str, dict[str, Any], bool] | None:
    """A lock's text, what it says, and whether its holder is dead; None: there is none."""
    try:
        text = path.read_text(encoding="utf-8")
        other = load_json(text)
        return text, other, _dead(path, other)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise RequestError(f"{path} is no lock that poisonkit wrote; if no run is going on, remove it.") from None


def holder(path: Path) -> str:
    """Who holds a lock and lives, as `process N on HOST`; "" where nobody does."""
    found = _read(path)
    return "" if found is None or found[2] else f"process {found[1]['pid']} on {found[1]['host']}"


@contextmanager
def lock(path: Path, what: str = "") -> Iterator[None]:
    """Hold a lock for this process. RequestError while another run that lives holds it.

    It comes into being whole (a link to a written file), so no run ever reads half of one. what: is being done,
    for the sentence that refuses.
    """
    mine = json.dumps(_me())
    _take(path, mine, what or f"is writing {path.parent.parent.parent}")
    over = threading.Event()
    pulse = threading.Thread(target=_touch, args=(path, over), daemon=True)
    pulse.start()
    try:
        yield
    finally:
        over.set()
        pulse.join()
        with suppress(OSError):
            if path.read_text(encoding="utf-8") == mine:
                path.unlink()


def _touch(path: Path, over: threading.Event) -> None:
    while not over.wait(TOUCHED):
        with suppress(OSError):
            os.utime(path)


def _take(path: Path, mine: str, what: str) -> None:
    for _ in range(5):
        path.parent.mkdir(parents=True, exist_ok=True)
        written = beside(path)
        try:
            written.write_text(mine, encoding="utf-8")
            _link(written, path)
            return
        except FileExistsError:
            _give_way(path, what)
        except FileNotFoundError:  # another run, refused, has just removed the empty folder
            continue
        finally:
            written.unlink(missing_ok=True)
    raise RequestError(f"The lock {path} could not be taken; try again.")


def _link(written: Path, path: Path) -> None:
    """A second name for a file; where the file system has no hard links, a second file."""
    try:
        os.link(written, path)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
            raise
        with path.open("x", encoding="utf-8") as file:
            file.write(written.read_text(encoding="utf-8"))


def _give_way(path: Path, what: str) -> None:
    """Remove a lock whose holder is dead; RequestError when it lives."""
    found = _read(path)
    if found is None:
        return
    text, other, dead = found
    if not dead:
        raise RequestError(
            f"Another run (process {other['pid']} on {other['host']}) {what}. Wait for it, or if it is dead, "
            f"remove {path}."
        )
    aside = beside(path)
    try:
        os.rename(path, aside)
    except FileNotFoundError:
        return
    if aside.read_text(encoding="utf-8") != text:  # somebody else was quicker, and this is theirs
        os.rename(aside, path)
    else:
        aside.unlink()
