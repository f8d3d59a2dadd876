"""A secret of this user on this machine, by which an output that they made is told from a stranger's.

An output says where its source lies. That is followed unasked only where this user's key has signed it: somebody
else's output must not choose what is read on this disk.
"""

from __future__ import annotations

import hmac
import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

_LENGTH = 32  # bytes


def sign(text: str) -> str:
    """A signature, hexadecimal; "" where no key can be kept."""
    key = _key()
    return hmac.digest(key, text.encode("utf-8", "surrogateescape"), "sha256").hex() if key else ""


def is_signed(text: str, signature: object) -> bool:
    """Whether this user's key has made the signature of this text."""
    mine = sign(text)
    return bool(mine) and isinstance(signature, str) and hmac.compare_digest(mine.encode(), signature.encode())


def _key() -> bytes:
    """The key, made if there is none yet; b"" where it can be neither read nor kept."""
    for folder in _folders():
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = folder / "key"
            if not path.exists():
                _make(path)
            found = path.read_bytes()
            if len(found) == _LENGTH and _is_own(path):
                return found
    return b""


def _folders() -> list[Path]:
    """Where it may lie: $XDG_STATE_HOME or ~/.local/state, else a folder for temporary files."""
    named = os.environ.get("XDG_STATE_HOME")
    home = Path(named) if named else Path(os.path.expanduser("~"), ".local", "state")
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return [home / "poisonkit", Path(tempfile.gettempdir(), f"poisonkit-{user}")]


def _make(path: Path) -> None:
    """Whole at once, and never over another's: of two who make one, the first is taken by both."""
    new = path.with_name(f".key-{secrets.token_hex(8)}")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_LENGTH))
        with suppress(FileExistsError):
            os.link(new, path)
    finally:
        new.unlink()


def _is_own(path: Path) -> bool:
    """Whether nobody else could have put it there, or read it."""
    status = path.lstat()
    return not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not status.st_mode & 0o077)
