"""What each trigger costs, against encoding the frame: CPU time, one thread, the fastest of interleaved rounds.

Pictures: microseconds per 340x256 frame, beside x264 veryfast crf 18 on the same frames, in RGB, and in the stream's
4:2:0 planes where a job works there; the share is that of the way that a job takes. Sound: milliseconds per second of
44.1 kHz stereo, beside AAC on the same. A trigger should cost at most a quarter of the encoding; what costs more is
marked. `--keep` writes the shares to poisonkit/triggers/costs.json, which `poisonkit triggers` and docs/costs.md show.
"""

from __future__ import annotations

import argparse
import json
import time
from fractions import Fraction

import av
import numpy as np
from rich.console import Console
from rich.table import Table

from poisonkit import triggers
from poisonkit.engine.executors.threads import pin
from poisonkit.errors import RequestError
from poisonkit.media.colour import Colour, from_rgb, plane_format, planes_of, to_rgb
from poisonkit.triggers.core.chain import Chain
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.core.costs import FILE
from poisonkit.triggers.core.names import built_in

WIDTH, HEIGHT, FRAMES, FPS, RATE = 340, 256, 60, 30.0, 44100


def scene() -> list[np.ndarray]:
    """A moving, mildly noisy scene, so that the encoder has ordinary work."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    rng = np.random.default_rng(0)
    found = []
    for t in range(FRAMES):
        image = np.stack(
            [120 + 70 * np.sin((x + 2 * t) / a) * np.cos((y - t) / b) for a, b in ((31, 23), (47, 17), (29, 41))], -1
        )
        found.append(np.clip(image + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8))
    return found


def encoding(planes: list[av.VideoFrame]) -> float:
    """Seconds of CPU that x264 takes for a frame, nothing else counted."""
    codec = av.CodecContext.create("libx264", "w")
    assert isinstance(codec, av.VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt, codec.thread_count = WIDTH, HEIGHT, "yuv420p", 1
    codec.time_base = Fraction(1, 30)
    codec.options = {"preset": "veryfast", "crf": "18"}
    began = time.process_time()
    for t, frame in enumerate(planes):
        frame.pts = t
        codec.encode(frame)
    codec.encode(None)
    return (time.process_time() - began) / len(planes)


def encoding_sound(wave: np.ndarray) -> float:
    """Seconds of CPU that AAC takes for a second of sound."""
    codec = av.CodecContext.create("aac", "w")
    assert isinstance(codec, av.AudioCodecContext)
    codec.sample_rate, codec.layout, codec.format, codec.bit_rate = RATE, "stereo", "fltp", 192_000
    codec.time_base = Fraction(1, RATE)
    began = time.process_time()
    for at in range(0, wave.shape[1], 1024):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(wave[:, at : at + 1024]), "fltp", "stereo")
        frame.sample_rate, frame.pts = RATE, at
        codec.encode(frame)
    codec.encode(None)
    return (time.process_time() - began) / (wave.shape[1] / RATE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="triggers; all by default")
    parser.add_argument("-n", "--runs", type=int, default=5)
    parser.add_argument("--keep", action="store_true", help="write costs.json; triggers that are not named stay there")
    options = parser.parse_args()
    pin()  # as the workers of a job are
    frames = scene()
    planes = [av.VideoFrame.from_ndarray(f, "rgb24").reformat(format="yuv420p") for f in frames]
    clip = ClipInfo("bench", WIDTH, HEIGHT, FPS, FRAMES)
    wave = np.random.default_rng(1).normal(0, 0.1, (2, 3 * RATE)).astype(np.float32)
    sound = ClipInfo("bench", sample_rate=RATE, channels=2, samples=wave.shape[1])
    made = []
    for name in options.names or triggers.names():
        for mode in triggers.get(name).modes:
            try:
                made.append((name, mode, Chain([triggers.create(name, temporal=mode)])))
            except RequestError:
                continue  # needs a file of the user's
    fmt = plane_format(planes[0])
    assert fmt is not None
    stored = [planes_of(frame, fmt) for frame in planes]
    times: dict[tuple[str, str], list[float]] = {}
    inside: dict[tuple[str, str], list[float]] = {}
    encode: list[float] = []
    convert: list[float] = []
    aac: list[float] = []
    for turn in range(options.runs + 1):
        encode.append(encoding(planes))
        aac.append(encoding_sound(wave))
        began = time.process_time()
        for frame in planes:
            from_rgb(to_rgb(frame), "yuv420p", Colour.of(frame))
        convert.append((time.process_time() - began) / FRAMES)
        for name, mode, chain in made:
            audio = "audio" in chain.touches
            drawn = chain.draw(sound if audio else clip, 0)
            began = time.process_time()
            if audio:
                chain.audio(wave, sound, drawn)
            else:
                for _ in chain.video(iter(frames), clip, drawn):
                    pass
            if turn:
                times.setdefault((name, mode), []).append(time.process_time() - began)
            began = time.process_time()
            render = None if audio else chain.planes(clip, drawn, fmt)
            if render is None:
                continue
            for _ in render(iter(stored)):
                pass
            if turn:
                inside.setdefault((name, mode), []).append(time.process_time() - began)
    found = report(times, inside, min(encode[1:]), min(convert[1:]), min(aac[1:]), options.runs)
    if options.keep:
        known = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
        kept = {name: found.get(name) or known[name] for name in built_in() if name in found or name in known}
        lines = (f"  {json.dumps(name)}: {json.dumps(shares)}" for name, shares in kept.items())
        FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def report(
    times: dict[tuple[str, str], list[float]],
    inside: dict[tuple[str, str], list[float]],
    encode: float,
    convert: float,
    aac: float,
    runs: int,
) -> dict[str, dict[str, float]]:
    """Print the table; the shares, by name and form. encode, convert: seconds a frame. aac: a second of sound."""
    shares: dict[str, dict[str, float]] = {}
    us = 1e6 / FRAMES
    table = Table(
        title=f"Triggers, the fastest of {runs}; encoding a frame: {encode * 1e6:.0f} us, to RGB and back "
        f"{convert * 1e6:.0f} us; a second of sound {aac * 1e3:.1f} ms"
    )
    for head in ("trigger", "form", "us in RGB", "us in planes", "of encoding", "ms / s of sound", ""):
        table.add_column(head, justify="left" if head in ("trigger", "form") else "right")
    for (name, mode), values in times.items():
        cost = min(values)
        if triggers.get(name).modality == "audio":
            share = cost / 3 / aac
            sound = (f"{share:.2f}", f"{cost / 3 * 1e3:.1f}", "over" if share > 0.25 else "")
            table.add_row(name, mode, "", "", *sound)
            shares.setdefault(name, {})[mode] = round(share, 2)
            continue
        there = min(inside.get((name, mode), [0.0]))
        share = (there or cost) / FRAMES / encode
        shown = f"{there * us:.0f}" if there else ""
        table.add_row(name, mode, f"{cost * us:.0f}", shown, f"{share:.2f}", "", "over" if share > 0.25 else "")
        shares.setdefault(name, {})[mode] = round(share, 2)
    Console().print(table)
    return shares


if __name__ == "__main__":
    main()
