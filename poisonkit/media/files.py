"""Opening exactly one file, safely, and writing one that appears all at once or not at all."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import stat
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poisonkit.common.atomic import token, writing
from poisonkit.common.limits import current, excess
from poisonkit.common.run_claim import step
from poisonkit.common.safe_io import open_plain, read_options
from poisonkit.errors import MediaError

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.stream import Stream


STRICT = {"err_detect": "explode"}
STRICT_CODECS = ("mjpeg", "mjpegb", "amv")
"""Their decoders leave what they cannot decode of a picture as it was in memory, unless they are asked to refuse it."""

_tickets = itertools.count()


def name_of(path: str | Path) -> str:
    """The file's own name, printable: what messages say, so that none holds an absolute path."""
    return os.fsencode(Path(path).name).decode("utf-8", "replace")


def safe_url(path: str | Path) -> str:
    """A name that no library takes for an option, an address or standard input."""
    return "file:" + os.path.abspath(path)


def _speakable(path: str | Path) -> bool:
    """False for names that are not valid UTF-8, which PyAV cannot be given."""
    try:
        os.path.abspath(path).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def require_file(path: str | Path) -> os.stat_result:
    """The file's status. Raises MediaError when it is missing, empty, unreadable or not a plain file."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise MediaError(f"{name_of(path)} cannot be opened: {reason(error)}.") from error
    if not stat.S_ISREG(status.st_mode):
        raise MediaError(f"{name_of(path)} is not a plain file.")
    if status.st_size == 0:
        raise MediaError(f"{name_of(path)} is empty (0 bytes).")
    return status


def reason(error: OSError) -> str:
    """The system's words for what went wrong."""
    return (error.strerror or type(error).__name__).lower()


@contextlib.contextmanager
def open_input(path: str | Path, label: str | Path | None = None) -> Iterator[InputContainer]:
    """The file, opened by PyAV for reading, and no other. label: the name that messages use.

    MediaError for what is no media, and for a picture larger than the limit, before anything is decoded.
    """
    import av

    require_file(path)
    _cap_allocations()
    name = name_of(path if label is None else label)
    with contextlib.ExitStack() as stack:
        try:
            target: Any = safe_url(path)
            if not _speakable(path):
                target = stack.enter_context(open_plain(path))
            container = av.open(target, mode="r", options=read_options(), **metadata_words())
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise MediaError(f"{name} is not a media file that can be read{detail(error)}.") from error
        stack.enter_context(container)
        for stream in container.streams.video:
            _bound(stream, name)
        yield container


@cache
def metadata_words() -> dict[str, Any]:
    """How texts in files are decoded that are no UTF-8: PyAV 18 raises if it is not told, later ones do not ask."""
    import av

    return {"metadata_errors": "surrogateescape"} if int(av.__version__.partition(".")[0]) < 19 else {}


def metadata(of: InputContainer | Stream) -> dict[str, str]:
    """What a file says of itself or of one of its streams, with � for what is no UTF-8."""
    return {_readable(key): _readable(value) for key, value in of.metadata.items()}


def _readable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def packets(container: InputContainer, streams: Any, path: str | Path) -> Iterator[Any]:
    """The packets of these streams, then null ones that flush. MediaError where a stream appears in the middle."""
    try:
        yield from container.demux(streams)
    except IndexError as error:  # PyAV knows the streams that a file had when it was opened
        raise MediaError(f"{name_of(path)} is damaged: it declares another stream in its middle.") from error


@cache
def _cap_allocations() -> None:
    """Have FFmpeg's libraries refuse any one piece of memory above the limit: an index is as long as a header says.

    PyAV has no name for this, so its own copy of libavutil is looked for among the files that this process has
    loaded. Where that is not Linux, a header that lies so ends in an error of memory.
    """
    with contextlib.suppress(OSError, AttributeError, ValueError):
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
            loaded = next((line.split(maxsplit=5)[5].strip() for line in maps if "/libavutil" in line), None)
        if loaded is not None:
            most = ctypes.c_size_t(max(current().bytes, 16 * current().pixels))
            ctypes.CDLL(loaded).av_max_alloc(most)


def _bound(stream: Any, name: str) -> None:
    """Refuse a picture that is declared larger than the limit, and have the decoder refuse one that turns out so."""
    context = stream.codec_context
    if context is None:
        return
    if over := excess("pixels", context.width * context.height):
        raise MediaError(f"{name} declares a picture of {context.width}x{context.height}, {over}.")
    strict = STRICT if context.name in STRICT_CODECS else {}
    context.options = {**context.options, "max_pixels": read_options()["max_pixels"], **strict}


@contextlib.contextmanager
def open_output(path: str | Path, muxer: str, options: dict[str, str] | None = None) -> Iterator[OutputContainer]:
    """A container being written by PyAV, bit-exact: no clock, no library version in it."""
    import av

    with contextlib.ExitStack() as stack:
        target: Any = safe_url(path)
        if not _speakable(path):
            target = stack.enter_context(open(path, "wb"))
        settings = {"fflags": "+bitexact", **(options or {})}
        yield stack.enter_context(av.open(target, mode="w", format=muxer, options=settings))


def detail(error: Exception) -> str:
    """` (the library's own words)`, or nothing when they say nothing."""
    import av

    text = ""
    if isinstance(error, av.error.FFmpegError):
        text = (error.strerror or "").strip()
    elif isinstance(error, OSError):
        text = reason(error)
    text = text.rstrip(".").lower()
    return f" ({text})" if text and "/" not in text else ""


@contextlib.contextmanager
def translated(path: str | Path, doing: str) -> Iterator[None]:
    """Turn the libraries' errors into one MediaError: `NAME could not be DOING (reason).`"""
    import av

    try:
        yield
    except (av.error.FFmpegError, OSError) as error:
        raise MediaError(f"{name_of(path)} could not be {doing}{detail(error)}.") from error


@contextlib.contextmanager
def replacing(destination: str | Path, like: os.stat_result | None = None) -> Iterator[Path]:
    """A new temporary file beside `destination`; moved over it when the body succeeds, removed otherwise.

    Not `atomic.replacing`, because what libraries and programs write needs a file that exists, under a name that they
    take for nothing else (no `%d`, no byte that is no text), and errors that name the media.

    like: the status of the source, whose modification time the result takes.
    """
    destination = Path(destination)
    with _reserved(destination) as temporary:
        try:
            yield temporary
            with step():
                if like is not None:
                    os.utime(temporary, ns=(like.st_atime_ns, like.st_mtime_ns))
                os.replace(temporary, destination)
        except OSError as error:
            raise MediaError(f"{name_of(destination)} could not be written ({reason(error)}).") from error


@contextlib.contextmanager
def scratch(beside: Path, suffix: str = "") -> Iterator[Path]:
    """A new temporary file in the same folder as `beside`, removed at the end."""
    with _reserved(beside, suffix) as temporary:
        yield temporary


@contextlib.contextmanager
def _reserved(destination: Path, suffix: str = "") -> Iterator[Path]:
    """An empty file with a free name in the destination's folder (exclusive, ordinary mode), removed at the end."""
    while True:
        candidate = destination.parent / f".poisonkit-{token()}-{next(_tickets)}.part{suffix}"
        with contextlib.ExitStack() as stack:
            try:
                with step():
                    handle = os.open(candidate, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
                    stack.enter_context(writing(candidate))
            except FileExistsError:
                continue
            except OSError as error:
                raise MediaError(f"{name_of(destination)} could not be written ({reason(error)}).") from error
            os.close(handle)
            yield candidate
            return
