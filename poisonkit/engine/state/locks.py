"""Who is writing an output: a lock names host, boot, process and when that began, so that a dead one's is known.

On a shared folder the holder may run on another host, where nobody can ask for its process. It shows that it lives
by touching its lock; one that was not touched for `LOST` seconds, by the file server's own clock, is a dead one's.

Of all who find a lock dead at the same time, one may remove it: who links a file named by what stands in that lock,
which never stands in another. This asks nothing but hard links of a file system. (Lock libraries rely on `flock`, which
some shared folders have not, and some only among the processes of one host, or let a lock end by its age alone.)
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from poisonkit.common.atomic import beside
from poisonkit.common.run_claim import Claim, guard, guard_of
from poisonkit.common.safe_io import load_json
from poisonkit.errors import PoisonkitError, RequestError

TOUCHED = 30.0  # seconds between signs of life
LOST = 900.0  # without one for so long, a holder on another host is dead
PATIENCE = 20.0  # seconds to wait for others who are taking or removing the same lock
POLLED = 0.01  # seconds between tries


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
    for again in range(10):
        try:
            text = path.read_text(encoding="utf-8")
            other = load_json(text)
            return text, other, _dead(path, other)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            if again < 9:  # if there are no hard links, a lock is there before its text is
                time.sleep(POLLED)
    raise RequestError(f"{path} is no lock that poisonkit wrote; if no run is going on, remove it.")


def _named(other: dict[str, Any]) -> str:
    return f"process {other['pid']} on {other['host']}"


def retire(path: Path) -> str:
    """Who holds a lock and lives, as `process N on HOST`; "" where nobody does.

    A dead one's lock is removed, so that what is left of its run takes no step any more.
    """
    for _ in _tries(path):
        with suppress(FileExistsError, FileNotFoundError):  # others are at it
            found = _read(path)
            if found is None or not found[2]:
                return "" if found is None else _named(found[1])
            with guard(str(path), alone=True):
                _bury(path, found[0])
                os.unlink(guard_of(str(path)))
    return ""


def _text() -> str:
    """What stands in a lock of this process, and in no other lock ever."""
    return json.dumps({**_me(), "run": os.urandom(8).hex()})


@contextmanager
def lock(path: Path, what: str = "") -> Iterator[Claim]:
    """Hold a lock for this process. RequestError while another run that lives holds it.

    It comes into being whole (a link to a written file), so no run ever reads half of one. what: is being done,
    for the sentence that refuses.
    """
    path = Path(os.path.abspath(path))
    mine = _text()
    _take(path, mine, what or f"is writing {path.parent.parent.parent}")
    over = threading.Event()
    pulse = threading.Thread(target=_touch, args=(path, mine, over), daemon=True)
    pulse.start()
    try:
        yield Claim(str(path), mine)
    finally:
        over.set()
        pulse.join()
        with suppress(OSError, PoisonkitError):
            _let_go(path, mine)


def _let_go(path: Path, mine: str) -> None:
    with guard(str(path), alone=True):
        if path.read_text(encoding="utf-8") == mine:
            path.unlink()
            os.unlink(guard_of(str(path)))


def _touch(path: Path, mine: str, over: threading.Event) -> None:
    while not over.wait(TOUCHED):
        with suppress(OSError):
            if path.read_text(encoding="utf-8") == mine:
                os.utime(path)


def _tries(path: Path) -> Iterator[None]:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        yield
        time.sleep(POLLED)
    raise RequestError(f"The lock {path} could not be taken; try again.")


def _take(path: Path, mine: str, what: str) -> None:
    for _ in _tries(path):
        with suppress(FileExistsError, FileNotFoundError):  # others were quicker, or have removed the empty folder
            _dead_ones(path, what)  # who is refused holds up nobody
            path.parent.mkdir(parents=True, exist_ok=True)
            with guard(str(path), alone=True):
                if text := _dead_ones(path, what):
                    _bury(path, text)
                _link(path, mine)
            for rest in path.parent.glob(".lock-*.tmp"):  # about locks that stand no more
                if rest != _burial(path, mine):
                    rest.unlink(missing_ok=True)
            return


def _dead_ones(path: Path, what: str) -> str:
    """What a dead one's lock says; "" if there is none. RequestError for one whose holder lives."""
    found = _read(path)
    if found is None:
        return ""
    text, other, dead = found
    if dead:
        return text
    raise RequestError(f"Another run ({_named(other)}) {what}. Wait for it, or if it is dead, remove {path}.")


def _link(path: Path, text: str) -> None:
    """Make a lock that says `text`. FileExistsError if there is one.

    Not by `atomic.create_lines`: that asks whether a lock is held, and gives up if there are no hard links.
    """
    written = beside(path)
    try:
        written.write_text(text, encoding="utf-8")
        os.link(written, path)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
            raise
        with path.open("x", encoding="utf-8") as file:  # no hard links here: a second file
            file.write(text)
    finally:
        written.unlink(missing_ok=True)


def _burial(path: Path, text: str) -> Path:
    """The lock on the removal of the lock that says `text`."""
    return path.with_name(f".lock-{hashlib.sha256(text.encode()).hexdigest()[:16]}.tmp")


def _bury(path: Path, text: str) -> None:
    """Remove a lock that says `text` and whose holder is dead, if it is still that one.

    FileExistsError where somebody else is about to. Who began to and died is found dead in turn.
    """
    right = _burial(path, text)
    found = _read(right)
    if found is not None:
        if not found[2]:
            raise FileExistsError(right)
        _bury(right, found[0])
    mine = _text()
    _link(right, mine)
    try:
        if path.read_text(encoding="utf-8") == text:
            path.unlink()
    except FileNotFoundError:  # somebody removed it before
        pass
    finally:
        with suppress(FileNotFoundError):
            if right.read_text(encoding="utf-8") == mine:
                right.unlink()
