"""What is done: one JSON line per finished job, appended and flushed, so that a crash loses at most the last.

The ledger, not the executor, decides what is left to do.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from poisonkit.errors import RequestError
from poisonkit.manifest import Record


class Ledger:
    """Records by key, on disk in `path`; a torn last line (a crash while writing) is ignored and cut off."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: dict[str, Record] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = 0
        if path.exists():
            with path.open("rb") as lines:
                for line in lines:
                    try:
                        row = json.loads(line.decode("utf-8", "surrogateescape")) if line.endswith(b"\n") else None
                    except ValueError:
                        row = None
                    if not isinstance(row, dict) or "key" not in row:
                        break
                    self.records[row["key"]] = row
                    whole += len(line)
            if whole != path.stat().st_size:
                os.truncate(path, whole)
        self._file = path.open("a", encoding="utf-8", newline="\n", errors="surrogateescape")

    def add(self, row: Record) -> None:
        """Remember one finished job."""
        self.records[row["key"]] = row
        self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
        self._file.flush()

    def done(self, out: Path) -> set[str]:
        """Keys of jobs that need no second run: inert, or written and still there in full size."""
        return {key for key, row in self.records.items() if _stands(row, out)}

    def close(self) -> None:
        if not self._file.closed:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def _stands(row: Record, out: Path) -> bool:
    if row["status"] == "inert":
        return True
    if row["status"] != "ok":
        return False
    try:
        return all((out / name).stat().st_size == row["bytes"] for name in (row["path"], *row["also"]))
    except OSError:
        return False


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold an output for this process. RequestError while another run that lives holds it.

    The lock names host, boot and process, so that one left by a dead process of this host is recognised.
    """
    import platform

    me = {"host": platform.node(), "boot": _boot(), "pid": os.getpid()}
    path.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(3):
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            try:
                other = json.loads(path.read_text(encoding="utf-8"))
                here = other["host"] == me["host"]
                dead = here and (other["boot"] != me["boot"] or not _alive(int(other["pid"])))
            except FileNotFoundError:
                continue
            except (OSError, ValueError, KeyError, TypeError):
                other, dead = {"host": "?", "pid": "?"}, True
            if not dead:
                raise RequestError(
                    f"Another run (process {other['pid']} on {other['host']}) is writing {path.parent.parent.parent}. "
                    f"Wait for it, or if it is dead, remove {path}."
                ) from None
            path.unlink(missing_ok=True)
            continue
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(me, file)
        break
    else:
        raise RequestError(f"The lock {path} could not be taken; try again.")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
