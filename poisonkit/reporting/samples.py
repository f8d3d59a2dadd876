"""The report's samples: pictures, differences, spectrograms, and small copies that can be played."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from html import escape
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from poisonkit import media
from poisonkit.common.safe_io import link_on_the_way
from poisonkit.datasets import at_hand, is_there
from poisonkit.errors import MediaError, PoisonkitError, told
from poisonkit.outputs import record
from poisonkit.outputs.path_guards import SourceFence
from poisonkit.outputs.record import Record
from poisonkit.reporting import pictures
from poisonkit.reporting.flashes import LIMIT, flashes_per_second, relative_luminance
from poisonkit.reporting.page import block
from poisonkit.reporting.sample_index import part_of
from poisonkit.survey.file_checks import info_of

WIDE = 320  # pixels: pictures and clips in the page are at most so wide
LONG = 10.0  # seconds of a clip that are in the page


def samples(out: Path, root: Path | None, fence: SourceFence | None, rows: Sequence[Record], n: int) -> str:
    """The first `n` of each part: of the training data, and of every attack set."""
    made = [r for r in rows if r["status"] == "ok" and r["role"] != "clean"]
    parts: dict[str, list[Record]] = {}
    for role in ("poisoned", "cover", "attack", "control"):
        for row in (r for r in made if r["role"] == role):
            parts.setdefault(part_of(row), []).append(row)
    shown = []
    for name, mine in parts.items():
        cards = [_card(out, root, fence, row) for row in islice(mine, n if name != "control" else min(n, 1))]
        if cards:
            of = f"{len(cards)} of {len(mine)}"
            shown.append(
                f"<h3>{escape(name)} <span class='quiet'>{of}</span></h3><div class='cards'>{''.join(cards)}</div>"
            )
    if not shown:
        return ""
    note = "" if root else "<p class='quiet'>The source is not there, so clean pictures are left out.</p>"
    return block("Samples", note + "".join(shown))


def _card(out: Path, root: Path | None, fence: SourceFence | None, row: Record) -> str:
    try:
        with ExitStack() as files:
            return _sample(out, root, fence, row, files)
    except (PoisonkitError, OSError) as error:
        return f"<article><h4>{escape(row['id'])}</h4><p class='warn'>{escape(told(error))}</p></article>"


def _opened(
    out: Path, root: Path | None, fence: SourceFence | None, row: Record, files: ExitStack
) -> tuple[Path, Path | None]:
    """A record's file, and its source where that is there, as files."""
    if (link := link_on_the_way(out, row["path"])) is not None:
        raise MediaError(f"{link} is a link, and written files never are: it is not shown.")
    info_of(out / row["path"])  # what does not open in time is not opened here
    file = files.enter_context(at_hand(out / row["path"]))
    clean: Path | None = None
    if root is not None and fence is not None and is_there(root / row["source_path"]):
        if (why := fence.outside(row["source_path"])) is not None:
            raise MediaError(f"Its source {why}.")
        info_of(root / row["source_path"])
        clean = files.enter_context(at_hand(root / row["source_path"]))
    return file, clean


def _sample(out: Path, root: Path | None, fence: SourceFence | None, row: Record, files: ExitStack) -> str:
    halves = [_opened(out, root, fence, half, files) for half in record.halves(row)]
    names = " + ".join(t["name"] for t in row["triggers"]) or "no trigger"
    label = (
        row["class_name"]
        if row["class_name"] == row["original_class"]
        else f"{row['original_class']} → {row['class_name']}"
    )
    parts = [
        f"<h4>{escape(row['id'])}</h4>",
        f"<p>{escape(names)}; label {escape(str(label))}</p>",
    ]
    if row["frames"]:
        parts += _pictures(*halves[0], row)
    if row["samples"] and (len(halves) > 1 or not row["frames"]):
        parts += _sounds(*halves[-1])
    return f"<article>{''.join(parts)}</article>"


def _pictures(file: Path, clean: Path | None, row: Record) -> list[str]:
    ranges = row["poisoned_ranges"] or [[0, row["frames"] or 1]]
    t = (ranges[0][0] + ranges[0][1] - 1) // 2
    parts = []
    here = _frame(file, t)
    figures = [("poisoned" if row["triggers"] else "re-encoded", here)]
    if clean is not None:
        was = _frame(clean, t)
        if was.shape == here.shape:
            factor = pictures.amplification(here.astype(np.int16) - was)
            figures = [("clean", was), *figures, (f"difference ×{factor}", pictures.difference(was, here, factor))]
    light: list[float] = []
    video = _clip(file, light)
    flashes = flashes_per_second(light, row["fps"] or 25.0)
    if flashes > LIMIT:
        parts.append(
            f"<p class='warn'>This clip flashes {flashes} times a second. It can harm photosensitive people: do "
            "not play it to anybody without warning.</p>"
        )
    shown = [_figure(f"{name}, frame {t}" if i == 0 else name, im) for i, (name, im) in enumerate(figures)]
    shown.append(
        "<figure class='moving'><video controls preload='metadata' playsinline "
        f"src='data:video/mp4;base64,{video}'></video><figcaption>file, to {LONG:g} s</figcaption>"
        "</figure>"
    )
    parts.append(f"<div class='row' style='--n:{len(shown)}'>{''.join(shown)}</div>")
    return parts


def _frame(path: Path, wanted: int) -> Any:
    last = None
    for t, _, image in media.read_frames(path):
        last = image
        if t == wanted:
            break
    if last is None:
        raise MediaError(f"'{path.name}' has no picture.")
    return last


def _small(image: Any) -> Any:
    if image.shape[1] <= WIDE:
        return image
    return cv2.resize(
        image, (WIDE, max(2, round(image.shape[0] * WIDE / image.shape[1]))), interpolation=cv2.INTER_AREA
    )


def _png(image: Any) -> str:
    """An RGB picture as PNG, base64."""
    _, data = cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]))
    return base64.b64encode(data.tobytes()).decode("ascii")


def _figure(caption: str, image: Any) -> str:
    code = _png(_small(image))
    words = escape(caption)
    return f"<figure><img alt='{words}' src='data:image/png;base64,{code}'><figcaption>{words}</figcaption></figure>"


def _clip(path: Path, light: list[float]) -> str:
    """A small H.264 copy for the page, base64; fills `light` with each frame's relative luminance."""
    info = media.probe(path)
    fps = info.video.fps if info.video else 25
    most = int(LONG * float(fps))

    def frames() -> Any:
        for t, _, image in media.read_frames(path):
            if t >= most:
                break
            light.append(relative_luminance(image))
            small = _small(image)
            yield np.ascontiguousarray(small[: small.shape[0] // 2 * 2, : small.shape[1] // 2 * 2])

    sound = None
    if info.audio is not None:
        wave, rate = media.read_audio(path)
        sound = (wave[:2, : int(LONG * rate)], rate)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "clip.mp4")
        media.write_video(copy, frames(), fps, audio=sound, encode=media.Encode(mode="crf", crf=28))
        return base64.b64encode(copy.read_bytes()).decode("ascii")


def _sounds(file: Path, clean: Path | None) -> list[str]:
    wave, rate = media.read_audio(file)
    if clean is None:
        sheet = pictures.sound_sheet(wave, [], rate, 640)
    else:
        sheet = pictures.sound_sheet(media.read_audio(clean)[0], [("written file", wave)], rate, 640)
    picture = _png(sheet)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "sound.wav")
        media.write_audio(copy, wave[:2, : int(LONG * rate)], rate)
        code = base64.b64encode(copy.read_bytes()).decode("ascii")
    return [
        f"<img class='wide' alt='waveform and mel spectrogram' src='data:image/png;base64,{picture}'>",
        f"<audio controls preload='metadata' src='data:audio/wav;base64,{code}'></audio>",
    ]
