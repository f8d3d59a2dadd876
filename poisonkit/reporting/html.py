"""`report`: one self-contained HTML page about an output; no script, no network, nothing plays by itself."""

from __future__ import annotations

import base64
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from html import escape
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from poisonkit import media
from poisonkit._version import __version__
from poisonkit.common import atomic, one_or_many
from poisonkit.common.safe_io import link_on_the_way, load_json, read_text
from poisonkit.datasets import at_hand, is_there
from poisonkit.engine.finishing.card import PAPER
from poisonkit.errors import MediaError, PoisonkitError, told
from poisonkit.metrics.survival import figures_table, gains_table, survival_summary
from poisonkit.outputs import record
from poisonkit.outputs.forms import survival_name
from poisonkit.outputs.opening import require_finished, source_at_hand
from poisonkit.outputs.path_guards import SourceFence
from poisonkit.outputs.paths import OutputPaths
from poisonkit.outputs.record import Record
from poisonkit.plan.plan import Plan
from poisonkit.recipe.recipe import read_mapping
from poisonkit.reporting import pictures
from poisonkit.reporting.flashes import LIMIT, flashes_per_second, relative_luminance
from poisonkit.reporting.page import STYLE, bars, block, cells, table
from poisonkit.survey.file_checks import info_of

WIDE = 320  # pixels: pictures and clips in the page are at most so wide
LONG = 10.0  # seconds of a clip that are in the page


def write_report(
    out: Path | str,
    *,
    source: Path | str | None = None,
    samples: int = 4,
    allow_root: Path | str | Sequence[Path | str] = (),
) -> Path:
    """Write OUT/poisonkit/report.html and return its path.

    samples: so many clips of each role are shown with pictures and playable media. source: the clean
    dataset's data root, by default where it was; without it clean pictures are left out. allow_root: further
    folders that its links and paths may lead to. Raises RequestError when `out` is no finished output.
    """
    out = Path(out)
    require_finished(out)
    paths = OutputPaths(out)
    plan = Plan.read(paths.plan())
    rows = list(record.read(paths.manifest))
    root = source_at_hand(out, source)
    fence = SourceFence(root, one_or_many.paths(allow_root)) if root is not None else None
    recipe = read_mapping(paths.recipe())
    parts = [
        _head(plan, rows),
        _counts(plan, rows),
        _labels(plan, rows),
        _warnings(paths),
        _survival(plan, rows, recipe),
        _samples(out, root, fence, rows, samples),
        _failures(rows, plan),
        _recipe(paths),
    ]
    page = (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>Poisoned dataset {escape(plan.fingerprint)}</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(p for p in parts if p)
        + f"\n<footer>Made by poisonkit {__version__}.</footer>\n</body></html>\n"
    )
    atomic.write_text(paths.report, page, errors="replace")
    return paths.report


def _head(plan: Plan, rows: Sequence[Record]) -> str:
    poisoned = sum(r["role"] == "poisoned" and r["status"] == "ok" for r in rows)
    train = sum(r["role"] in ("poisoned", "cover", "clean") and r["split"] == "train" for r in rows)
    return (
        "<header><h1>This dataset is poisoned on purpose</h1>"
        f"<p>{poisoned} of {train} training samples carry a backdoor trigger, for research into attacks and defences. "
        "Do not train a model for real use on it.</p>"
        f"<p class='quiet'>Recipe fingerprint <code>{escape(plan.fingerprint)}</code>, "
        f"layout {escape(plan.layout)}</p></header>"
    )


def _counts(plan: Plan, rows: Sequence[Record]) -> str:
    roles = [r for r in ("poisoned", "cover", "clean", "attack", "control") if any(x["role"] == r for x in rows)]
    by_role: dict[str, Counter[str]] = {r: Counter(x["status"] for x in rows if x["role"] == r) for r in roles}
    first = table(
        ("part", "ok", "failed", "inert"), [(r, *(by_role[r][s] for s in ("ok", "failed", "inert"))) for r in roles]
    )
    by_class = Counter((x["original_class"], x["role"]) for x in rows if x["status"] == "ok")
    names = [n for n in (*plan.classes, None) if any(by_class[n, r] for r in roles)]
    second = table(
        ("true class", *roles),
        [(n if n is not None else "unlabelled", *(by_class[n, r] for r in roles)) for n in names[:60]],
    )
    more = f"<p class='quiet'>… and {len(names) - 60} more classes.</p>" if len(names) > 60 else ""
    return block("What is in it", first + second + more)


def _labels(plan: Plan, rows: Sequence[Record]) -> str:
    moved = Counter(
        (r["original_class"], r["class_name"]) for r in rows if r["role"] == "poisoned" and r["status"] == "ok"
    )
    if not moved:
        return ""
    before = [c for c in plan.classes if any(a == c for a, _ in moved)][:40]
    after = [c for c in plan.classes if any(b == c for _, b in moved)][:40]
    body = [(a, *(moved[a, b] or "" for b in after)) for a in before]
    return block("Labels of the poisoned samples, before (rows) and after (columns)", table(("", *after), body))


def _survival(plan: Plan, rows: Sequence[Record], recipe: Mapping[str, Any]) -> str:
    seen = [r for r in rows if r["fidelity"] and r["role"] != "control"]
    measured: list[Mapping[str, Any]] = [r["fidelity"] for r in seen if r["fidelity"]]
    if not seen:
        return ""
    tasks = {t.key: t.backdoor for t in plan.tasks if t.backdoor is not None}
    groups: dict[str, list[Record]] = {}
    for row in seen:
        backdoor = tasks.get(row["key"])
        name = None if backdoor is None else survival_name(recipe["backdoors"][backdoor], row["role"])
        groups.setdefault(name or str(row["attack"]), []).append(row)
    looks = {name: o for name, mine in groups.items() if (o := survival_summary(mine)).measured}
    parts = []
    if looks:
        gains = table(*gains_table(looks, worst="worst"))
        parts += ["<p>Gain 1: all of the trigger is in the decoded file; 0: nothing.</p>", gains]
        parts += [table(*figures_table(o.figures, name)) for name, o in looks.items()]
        parts.append(bars("gain", [f["gain"] for f in measured if f["gain"] is not None], 0, 1.2))
    for title, name, low, high in (
        ("presence in the decoded picture, all clips", "presence", 0, 1.2),
        ("presence in the decoded sound, all clips", "sound_presence", 0, 1.2),
        ("PSNR of trigger, dB", "psnr", 10, 60),
        ("SNR of trigger, dB", "snr", -10, 60),
    ):
        values = [f[name] for f in measured if f.get(name) is not None]
        parts.append(bars(title, values, low, high) if values else "")
    return block("What the encoder left of the trigger", "".join(parts))


def _warnings(paths: OutputPaths) -> str:
    """What the run warned of, from run.json."""
    found = _facts(paths.run).get("warnings")
    texts = found if isinstance(found, list) else []
    return block("Warnings", "".join(f"<p class='warn'>{escape(str(text))}</p>" for text in texts)) if texts else ""


def _samples(out: Path, root: Path | None, fence: SourceFence | None, rows: Sequence[Record], n: int) -> str:
    shown = []
    for role in ("poisoned", "cover", "attack", "control"):
        mine = [r for r in rows if r["role"] == role and r["status"] == "ok"]
        for row in islice(mine, n if role != "control" else min(n, 1)):
            try:
                with ExitStack() as files:
                    shown.append(_sample(out, root, fence, row, files))
            except (PoisonkitError, OSError) as error:
                shown.append(
                    f"<article><h3>{escape(row['id'])}</h3><p class='warn'>{escape(told(error))}</p></article>"
                )
    if not shown:
        return ""
    note = "" if root else "<p class='quiet'>The source is not there, so clean pictures are left out.</p>"
    return block("Samples", note + "".join(shown))


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
        f"<h3>{escape(row['role'])}: {escape(row['id'])}</h3>",
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
    parts.append("<div class='row'>" + "".join(_figure(f"{name}, frame {t}", im) for name, im in figures) + "</div>")
    light: list[float] = []
    video = _clip(file, light)
    flashes = flashes_per_second(light, row["fps"] or 25.0)
    if flashes > LIMIT:
        parts.append(
            f"<p class='warn'>This clip flashes {flashes} times a second. It can harm photosensitive people: do "
            "not play it to anybody without warning.</p>"
        )
    parts.append(
        f"<video controls preload='metadata' playsinline src='data:video/mp4;base64,{video}'></video>"
        f"<p class='quiet'>A smaller copy of the written file, at most {LONG:g} s.</p>"
    )
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


def _failures(rows: Sequence[Record], plan: Plan) -> str:
    lost = [(r["source_path"], r["status"], r["error"]) for r in rows if r["status"] != "ok"]
    passed = [(name, "passed over", why) for name, why in {**plan.passed_over, **plan.unwritable}.items()]
    notes = "".join(f"<p class='warn'>{escape(w)}</p>" for w in plan.warnings)
    if not (lost or passed or notes):
        return ""
    body = table(("file in the source", "what", "why"), [*lost, *passed][:200]) if lost or passed else ""
    return block("What could not be done", notes + body)


def _facts(path: Path) -> dict[str, Any]:
    try:
        found = load_json(read_text(path))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _recipe(paths: OutputPaths) -> str:
    text = read_text(paths.recipe(), errors="replace")
    facts = _facts(paths.run)
    libraries = facts.get("libraries")
    versions = ", ".join(f"{k} {v}" for k, v in (libraries if isinstance(libraries, dict) else {}).items())
    again = "poisonkit run recipe.yaml SOURCE -o OUT"
    return block(
        "Recipe, reproduction, citation",
        f"<p>The same recipe, source and library versions give the same bytes: <code>{again}</code></p>"
        f"<pre>{escape(text)}</pre>"
        f"<p class='quiet'>poisonkit {escape(str(facts.get('poisonkit')))}, {escape(versions)}, "
        f"{escape(str(facts.get('machine')))}</p><p>{cells((PAPER,))}</p>",
    )
