"""Files that make a careless reader open another file, or an address: the tricks of media that refer to others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.media_factory import make_video

Make = Callable[[Path, Path, int], None]


@dataclass(frozen=True)
class Lure:
    """make(path, canary, port): write a file that leads to the canary beside it, or to the port on loopback.

    name: what the file is called, as in a dataset. careless, demuxer: options and format with which ffmpeg's libraries
    take the bait (bites: this build does). calls: it leads to the port. canary: the name of the file that is lured to.
    """

    name: str
    make: Make
    careless: Mapping[str, str] = field(default_factory=dict)
    demuxer: str | None = None
    bites: bool = True
    calls: bool = False
    canary: str = "canary.ts"


def _text(*lines: str) -> Make:
    def make(path: Path, canary: Path, port: int) -> None:
        text = "\n".join(lines) + "\n"
        for word, stands_for in (("CANARY", canary.name), ("PORT", str(port)), ("DIR", str(path.parent))):
            text = text.replace(word, stands_for)
        path.write_text(text, encoding="utf-8")

    return make


HLS = ("#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:10", "#EXTINF:10.0,", "CANARY", "#EXT-X-ENDLIST")
MPD = (
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S">',
    '<Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1000">',
    "<BaseURL>CANARY</BaseURL><SegmentList><SegmentURL media='CANARY'/></SegmentList>",
    "</Representation></AdaptationSet></Period></MPD>",
)
SDP = (
    *("v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=x", "c=IN IP4 127.0.0.1", "t=0 0"),
    *("m=video 5004 RTP/AVP 96", "a=rtpmap:96 H264/90000"),
)


def _boxes(data: bytes) -> dict[bytes, bytes]:
    """The top-level boxes of a MOV file."""
    found, at = {}, 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        found[data[at + 4 : at + 8]] = data[at : at + size]
        at += size
    return found


def _box(kind: bytes, body: bytes) -> bytes:
    return (8 + len(body)).to_bytes(4, "big") + kind + body


def _alias(target: str) -> bytes:
    """A Macintosh alias record as ffmpeg reads it: volume, file name, levels, then the absolute path."""
    name = target.rpartition("/")[2].encode()
    body = bytes(10) + bytes([0]) + bytes(27) + bytes(12) + bytes([len(name)]) + name.ljust(63, b"\0") + bytes(16)
    body += (1).to_bytes(2, "big") * 2 + bytes(16)
    path = target.encode()
    body += (2).to_bytes(2, "big") + len(path).to_bytes(2, "big") + path + bytes(len(path) % 2)
    return body + b"\xff\xff\0\0"


def _with_reference(moov: bytes, entry: bytes) -> bytes:
    """A movie box whose data reference is `entry`; sizes of the boxes around it follow."""
    at = moov.index(b"dref") - 4
    old = int.from_bytes(moov[at : at + 4], "big")
    new = _box(b"dref", bytes(4) + (1).to_bytes(4, "big") + entry)
    grown = len(new) - old
    data = bytearray(moov[:at] + new + moov[at + old :])
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):
        where = data.index(kind) - 4
        data[where : where + 4] = (int.from_bytes(data[where : where + 4], "big") + grown).to_bytes(4, "big")
    return bytes(data)


def _mov(kind: bytes, absolute: bool) -> Make:
    """A MOV without pictures of its own: its movie box says that they lie in the canary."""

    def make(path: Path, canary: Path, port: int) -> None:
        boxes = _boxes(canary.read_bytes())
        target = str(canary) if absolute else f"/{canary.name}"
        if kind == b"alis":
            entry = _box(b"alis", bytes(4) + _alias(target).ljust(160, b"\0"))
        else:
            entry = _box(b"url ", bytes(4) + f"file://{canary}".encode() + b"\0")
        path.write_bytes(boxes.get(b"ftyp", b"") + _with_reference(boxes[b"moov"], entry))

    return make


def _le(number: int) -> bytes:
    return number.to_bytes(4, "little")


def _gab2(path: Path, canary: Path, port: int) -> None:
    """An AVI whose subtitle packets (GAB2) are an HLS playlist: the trick of 2016."""
    playlist = "\n".join(HLS).replace("CANARY", f"http://127.0.0.1:{port}/x.ts").encode() + b"\n"
    gab2 = b"GAB2\0\2\0" + _le(2) + b"s\0" + b"\4\0" + _le(len(playlist)) + playlist
    made = bytearray(make_video(path.with_name("made.avi"), frames=6).read_bytes())
    path.with_name("made.avi").unlink()
    # a text stream of its own: `strl` list with a `txts` header, then its one packet before the pictures
    header = b"txts" + bytes(16) + _le(1) + _le(25) + bytes(28)
    strl = b"LIST" + _le(4 + 8 + len(header) + 8) + b"strl" + b"strh" + _le(len(header)) + header + b"strf" + bytes(4)
    packet = b"01sb" + _le(len(gab2)) + gab2 + bytes(len(gab2) % 2)
    hdrl = made.index(b"hdrl") - 8
    end = hdrl + 8 + int.from_bytes(made[hdrl + 4 : hdrl + 8], "little")
    made[end:end] = strl
    made[hdrl + 4 : hdrl + 8] = (end - hdrl - 8 + len(strl)).to_bytes(4, "little")
    movi = made.index(b"movi")
    made[movi + 4 : movi + 4] = packet
    size = int.from_bytes(made[movi - 4 : movi], "little") + len(packet)
    made[movi - 4 : movi] = size.to_bytes(4, "little")
    made[4:8] = (len(made) - 8).to_bytes(4, "little")
    path.write_bytes(bytes(made))


_EASY = {"allowed_extensions": "ALL", "extension_picky": "0", "protocol_whitelist": "file,http,tcp,crypto,data"}
_DREFS = {"enable_drefs": "1", "use_absolute_path": "1"}


def _hls(to: str) -> Make:
    return _text(*(line.replace("CANARY", to) for line in HLS))


LURES = {
    "hls": Lure("clip.mp4", _hls("CANARY"), _EASY, "hls"),
    "hls-in-avi": Lure("clip.avi", _hls("CANARY"), _EASY, "hls"),
    "hls-http": Lure("clip.mkv", _hls("http://127.0.0.1:PORT/x.ts"), _EASY, "hls", calls=True),
    "hls-absolute": Lure("clip.mpg", _hls("file://DIR/CANARY"), _EASY, "hls"),
    "concat": Lure("clip.mp4", _text("ffconcat version 1.0", "file CANARY")),
    "concat-absolute": Lure("clip.webm", _text("ffconcat version 1.0", "file 'DIR/CANARY'"), {"safe": "0"}),
    "dash": Lure("clip.mp4", _text(*MPD), _EASY, "dash", bites=False),
    "sdp": Lure("clip.mpg", _text(*SDP), bites=False),
    "dref-alias": Lure("clip.mov", _mov(b"alis", False), _DREFS, canary="canary.mov"),
    "dref-absolute": Lure("clip.mp4", _mov(b"alis", True), _DREFS, canary="canary.mov"),
    "dref-url": Lure("clip.mov", _mov(b"url ", True), _DREFS, bites=False, canary="canary.mov"),
    "gab2": Lure("clip.avi", _gab2, calls=True, bites=False),
    "playlist-as-sound": Lure("clip.wav", _hls("CANARY"), _EASY, "hls"),
    "concat-as-sound": Lure("clip.mp3", _text("ffconcat version 1.0", "file CANARY")),
    "pictures": Lure("clip%d.mp4", _text(*HLS), {}, "image2", bites=False, canary="clip1.mp4"),
}
