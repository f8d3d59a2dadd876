"""A fixed job, as hashes: what another Python or library may change; `python -m tests.bounds.job SOURCES OUT`.

Run by tools/bounds.py in environments of several versions. SOURCES holds media made once, by the locked environment
(`python -m tests.bounds.job make SOURCES`). Names begin with what decides the bytes: `trigger` and `sound` (Python and
its arithmetic), `decode`, `file`, `record` and `output` (FFmpeg's and libsndfile's codecs, too), `picture` (librosa).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Literal

import numpy as np

import poisonkit
from poisonkit.cli import call
from poisonkit.engine.executors.threads import one_thread
from poisonkit.media import log_mel
from poisonkit.reporting.pictures import spectrogram
from poisonkit.sampledata import write_sample_data
from poisonkit.triggers.core.chain import Chain
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.core.registry import all_triggers
from tests.conftest import same_output
from tests.engine import levels_media
from tests.engine.levels_matrix import hashed, noise, scene

KINDS: tuple[Literal["av", "audio"], ...] = ("av", "audio")
RECIPES: dict[str, tuple[list[str], dict[str, str]]] = {
    "video": (["badnets", "sine"], {}),
    "warp": (["wanet:temporal=dynamic"], {"encode": "crf:28"}),
    "lossless": (["blend:alpha=0.15"], {"encode": "lossless"}),
    "sound": (["pitch-shift"], {}),
}


def triggers() -> dict[str, str]:
    """What each trigger does to arrays, in each of its modes."""
    found: dict[str, str] = {}
    images, wave = scene(), noise(2, 48_000)
    seen = ClipInfo(id="clip", width=160, height=120, fps=25.0, frames=len(images))
    heard = ClipInfo(id="clip", sample_rate=48_000, channels=2, samples=wave.shape[1])
    for name, kind in sorted(all_triggers().items()):
        if kind.family == "imported":  # needs a file
            continue
        for mode in kind.modes:
            chain = Chain([poisonkit.triggers.create(f"{name}:temporal={mode}")])
            if "audio" in chain.touches:
                found[f"sound {name} {mode}"] = hashed(chain.audio(wave, heard, chain.draw(heard, 0)))
            else:
                made = np.stack(list(chain.video(iter(images), seen, chain.draw(seen, 0))))
                found[f"trigger {name} {mode}"] = hashed(made)
    return found


def outputs(sources: Path, out: Path) -> dict[str, str]:
    """The commands on sample data, made again and as the locked environment made it: every file's hash."""
    found: dict[str, str] = {}
    for kind in KINDS:
        write_sample_data(out / kind, kind=kind)
        found |= {f"output sample-{kind} {path}": sha for path, sha in same_output(out / kind).items()}
    limits = ("--count", "2", "--attack-limit", "2", "--control", "1", "--jobs", "1")
    for name, (chosen, more) in RECIPES.items():
        source, place = sources / ("audio" if name == "sound" else "av"), out / name
        words = [word for text in chosen for word in ("--trigger", text)]
        words += [word for key, value in more.items() for word in (f"--{key}", value)]
        for command in (
            ["inspect", str(source)],
            ["poison", str(source), "-o", str(place), *limits, *words],
            ["verify", str(place), "--decode"],
        ):
            status = call(command)
            assert status == 0, f"{command}: exit {status}"
        found |= {f"output {name} {path}": sha for path, sha in same_output(place).items()}
    return found


def results(sources: Path, out: Path) -> dict[str, str]:
    """Name -> hash."""
    wave = noise(1, 30_000)
    found = {"sound features": hashed(log_mel(wave, 44_100)), "picture": hashed(spectrogram(wave, 44_100, 320))}
    return found | triggers() | levels_media.results(sources / "media", out / "media") | outputs(sources, out)


if __name__ == "__main__":
    if sys.argv[1] == "make":
        folder = Path(sys.argv[2])
        (folder / "media").mkdir(parents=True)
        levels_media.make(folder / "media")
        for kind in KINDS:
            write_sample_data(folder / kind, kind=kind)
    else:
        with one_thread():
            made = results(Path(sys.argv[1]), Path(sys.argv[2]))
        (Path(sys.argv[2]) / "hashes.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
