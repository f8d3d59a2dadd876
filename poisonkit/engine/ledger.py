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
            try:
                self._file.flush()
                os.fsync(self._file.fileno())
            finally:
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

    The lock names host, boot and process, so that one left by a dead process of this host is recognised. It
    comes into being whole (a link to a written file), so no run ever reads half of one.
    """
    import platform

    mine = json.dumps({"host": platform.node(), "boot": _boot(), "pid": os.getpid()})
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    written.write_text(mine, encoding="utf-8")
    try:
        for _ in range(5):
            try:
                os.link(written, path)
                break
            except FileExistsError:
                _give_way(path)
        else:
            raise RequestError(f"The lock {path} could not be taken; try again.")
    finally:
        written.unlink(missing_ok=True)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _give_way(path: Path) -> None:
    """Remove a lock whose holder is dead; RequestError when it lives."""
    import platform

    try:
        text = path.read_text(encoding="utf-8")
        other = json.loads(text)
        here = other["host"] == platform.node()
        dead = here and (other["boot"] != _boot() or not _alive(int(other["pid"])))
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError):
        raise RequestError(f"{path} is no lock that poisonkit wrote; if no run is going on, remove it.") from None
    if not dead:
        raise RequestError(
            f"Another run (process {other['pid']} on {other['host']}) is writing {path.parent.parent.parent}. "
            f"Wait for it, or if it is dead, remove {path}."
        )
    aside = path.with_name(f".{path.name}.{os.getpid()}.dead.tmp")
    try:
        os.rename(path, aside)
    except FileNotFoundError:
        return
    if aside.read_text(encoding="utf-8") != text:  # somebody else was quicker, and this is theirs
        os.rename(aside, path)
    else:
        aside.unlink()
